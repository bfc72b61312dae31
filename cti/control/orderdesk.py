"""The drafts of live calls: machine and agent fill them, the journal keeps every change.

The draft lives in memory under the pure rules of `orders.lifecycle`; each change goes through the journal
into `orders.store`, so that an unreachable database delays no agent.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec

from asr.messages import FieldSuggestion
from cti.control.calls import Calls
from cti.control.further import FurtherOrders
from cti.messages import DraftView, Entry, EntryKind, FieldView
from cti.ports import CommandRefused
from orders import chain, lifecycle
from orders.errors import OrderError
from orders.messages import (
    Draft,
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    Filler,
    OrderDiscarded,
    OrderEvent,
    OrderField,
    OrderState,
    OrderSubmitted,
)

log = logging.getLogger(__name__)

ADVISED = frozenset({OrderField.UNIT.value})
"""Fields that advice fills (cti.control.advice), not what was said; `suggest` does not withdraw them."""
NOBODY = "system"
"""Who discards a draft that no agent has seen."""
NO_FURTHER = "识别结果变化，不是另一件事"
"""Why a further draft goes that no agent touched."""


def order_event(entry: Entry) -> tuple[str, OrderEvent]:
    """Read an ORDER entry of the journal back: order id and event. Raises msgspec.ValidationError."""
    data = dict(entry.data)
    order_id, kind = str(data.get("order_id", "")), str(data.get("kind", ""))
    return order_id, chain.decode(kind, msgspec.json.encode(data.get("event", {})).decode())


class OrderDesk:
    """Drafts by order id, for calls that are live or being written up."""

    def __init__(
        self,
        calls: Calls,
        durable: Callable[[Entry], Awaitable[None]],
        changed: Callable[[Draft], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._calls = calls
        self._durable = durable
        self._changed = changed
        self._now = clock
        self._drafts: dict[str, Draft] = {}
        self._further = FurtherOrders()

    def open(self, call_id: str, caller: str) -> Draft:
        """Open the call's draft."""
        order_id = uuid.uuid4().hex
        event = DraftOpened(order_id=order_id, call_id=call_id, caller=caller)
        draft = self._keep(lifecycle.apply(None, event, self._now()), event)
        self._calls.metrics.drafts.labels(event="opened").inc()
        return draft

    def restore(self, draft: Draft, further: Sequence[Draft] = ()) -> None:
        """Take over a call's drafts from the order store after a restart, the main one first."""
        self._drafts[draft.order_id] = draft
        for other in further:
            self._drafts[other.order_id] = other
            self._further.add(draft.order_id, other.order_id)

    def find(self, order_id: str) -> Draft | None:
        """Return the draft, or None when it is not at this desk."""
        return self._drafts.get(order_id)

    def close(self, order_id: str) -> None:
        """The call is over; later changes go through the order list."""
        for known in (order_id, *self._further.forget(order_id)):
            self._drafts.pop(known, None)

    def more(self, order_id: str) -> tuple[Draft, ...]:
        """Return the further drafts of the call whose main order this is, in the order they came up."""
        return tuple(self._drafts[known] for known in self._further.of(order_id))

    def suggest_matters(self, order_id: str, matters: Sequence[Iterable[FieldSuggestion]]) -> None:
        """Take what the machine makes of every matter of a call, the main one first.

        A further matter gets a draft of its own once it was read in two updates in a row. One that is no
        longer read is discarded, unless an agent touched it.
        """
        self.suggest(order_id, matters[0])
        main = self._drafts.get(order_id)
        if main is None or main.state is OrderState.DISCARDED:
            return
        found, known = matters[1:], self._further.of(order_id)
        for other, suggestions in zip(known, found, strict=False):
            self.suggest(other, suggestions)
        for other in known[len(found) :]:
            if _untouched(self._drafts[other]):
                self._further.withdraw(order_id, other)
                self.drop(other, NO_FURTHER)
        if self._further.another(order_id, len(found)):
            call = self._calls.find(main.call_id)
            opened = self.open(main.call_id, "" if call is None else call.caller)
            self._further.add(order_id, opened.order_id)
            self.suggest(opened.order_id, found[len(self._further.of(order_id)) - 1])

    def suggest(self, order_id: str, suggestions: Iterable[FieldSuggestion]) -> None:
        """Take what the machine makes of the conversation so far; it is all that it has to say.

        A machine's value that is no longer among the suggestions is withdrawn, the caller's number excepted.
        """
        draft = self._drafts.get(order_id)
        if draft is None or draft.state is not OrderState.DRAFT:
            return
        said = {s.field: s for s in suggestions}
        events = [_suggested(suggestion) for suggestion in said.values()]
        for name, standing in draft.fields.items():
            if name in ADVISED:
                continue
            machine = standing.filler is Filler.MACHINE and standing.source != lifecycle.CALLER_ID
            if name not in said and (machine or standing.suggestion is not None):
                events.append(FieldSuggested(field=name, value="", source="withdrawn", confidence=0.0))
        self._fill(draft, events)

    def advise(self, order_id: str, suggestion: FieldSuggestion) -> None:
        """Propose a value of one of the `ADVISED` fields; an empty one withdraws it."""
        draft = self._drafts.get(order_id)
        if draft is not None and draft.state is OrderState.DRAFT:
            self._fill(draft, [_suggested(suggestion)])

    def _fill(self, draft: Draft, events: Iterable[FieldSuggested]) -> None:
        for event in events:
            try:
                after = lifecycle.apply(draft, event, self._now())
            except OrderError as error:
                log.warning(
                    "suggestion refused", extra={"field": event.field, "reason": type(error).__name__}
                )
                continue
            if after is not draft:
                draft = self._keep(after, event)

    def edit(self, order_id: str, field: str, value: str, agent: str) -> None:
        """An agent typed. Raises CommandRefused with words for the agent."""
        self._apply(order_id, FieldEdited(field=field, value=value, agent=agent))

    async def submit(self, order_id: str, agent: str) -> None:
        """An agent submits; returns when the order is safe on disk. Raises CommandRefused."""
        await self._durable(self._apply(order_id, OrderSubmitted(agent=agent)))
        self._calls.metrics.drafts.labels(event="submitted").inc()

    async def discard(self, order_id: str, agent: str, reason: str) -> None:
        """An agent gives the draft up. Raises CommandRefused."""
        await self._durable(self._apply(order_id, OrderDiscarded(agent=agent, reason=reason)))
        self._calls.metrics.drafts.labels(event="discarded").inc()

    def drop(self, order_id: str, reason: str) -> None:
        """Nobody will work on this draft: discard it without an agent. Nothing where it is none any more."""
        draft = self._drafts.get(order_id)
        if draft is None or draft.state is not OrderState.DRAFT:
            return
        event = OrderDiscarded(agent=NOBODY, reason=reason)
        self._keep(lifecycle.apply(draft, event, self._now()), event)
        self._calls.metrics.drafts.labels(event="discarded").inc()

    def view(self, draft: Draft) -> DraftView:
        """What pages are shown of a draft."""
        fields = {
            name: msgspec.convert(msgspec.to_builtins(value), FieldView)
            for name, value in draft.fields.items()
        }
        return DraftView(
            order_id=draft.order_id,
            call_id=draft.call_id,
            version=draft.version,
            state=draft.state.value,
            fields=fields,
        )

    def _apply(self, order_id: str, event: OrderEvent) -> Entry:
        draft = self._drafts.get(order_id)
        if draft is None:
            raise CommandRefused("这张工单已不在当前通话中，请在工单列表中修改")
        try:
            after = lifecycle.apply(draft, event, self._now())
        except OrderError as error:
            raise CommandRefused(error.shown) from error
        return self._journal(after, event)

    def _keep(self, draft: Draft, event: OrderEvent) -> Draft:
        self._journal(draft, event)
        return draft

    def _journal(self, draft: Draft, event: OrderEvent) -> Entry:
        self._drafts[draft.order_id] = draft
        entry = self._calls.note(
            draft.call_id,
            EntryKind.ORDER,
            {
                "order_id": draft.order_id,
                "kind": chain.kind_of(event),
                "event": msgspec.to_builtins(event),
            },
        )
        self._changed(draft)
        return entry


def _suggested(suggestion: FieldSuggestion) -> FieldSuggested:
    return FieldSuggested(
        field=suggestion.field,
        value=suggestion.value,
        source=suggestion.source,
        confidence=suggestion.confidence,
        audio_from=suggestion.audio_from,
        audio_to=suggestion.audio_to,
        quote=suggestion.quote,
    )


def _untouched(draft: Draft) -> bool:
    """Whether nothing but the machine has worked on a draft."""
    return draft.state is OrderState.DRAFT and all(
        value.filler is Filler.MACHINE for value in draft.fields.values()
    )
