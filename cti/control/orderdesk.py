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
from cti.messages import DraftView, Entry, EntryKind, FieldView, OrderLinkView
from cti.ports import CommandRefused
from orders import chain, lifecycle
from orders.errors import OrderError, StaleVersion
from orders.messages import (
    Channel,
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

ADVISED = frozenset({OrderField.UNIT.value, OrderField.CONTACT_BY.value})
"""Fields that are filled beside what was said (cti.control.advice, text_parts); `suggest` leaves them."""
_CHANNELS = {"voice": Channel.PHONE, "video": Channel.VIDEO, "text": Channel.TEXT}
"""By which way a call's media come."""
NOBODY = "system"
"""Who discards a draft that no agent has seen."""
FURTHER_MOST = 9
"""Orders beside the main one that an agent may open for one call."""
NO_FURTHER = "识别结果变化，不是另一件事"
"""Why a further draft goes that no agent touched."""


class EditMeetsAnother(CommandRefused):
    """Another agent changed the same field after the version that was looked at."""

    def __init__(self, stale: StaleVersion) -> None:
        super().__init__(stale.shown)
        self.stale = stale


def order_event(entry: Entry) -> tuple[str, OrderEvent]:
    """Read an ORDER entry of the journal back: order id and event. Raises msgspec.ValidationError."""
    data = dict(entry.data)
    order_id, kind = str(data.get("order_id", "")), str(data.get("kind", ""))
    return order_id, chain.decode(kind, msgspec.json.encode(data.get("event", {})).decode())


def order_events(entry: Entry) -> list[tuple[str, OrderEvent]]:
    """Read all that an ORDER entry tells: what happened to its order, and to others by the same act.

    Raises msgspec.ValidationError.
    """
    others = msgspec.convert(entry.data.get("others", ()), tuple[dict[str, object], ...])
    told = (entry, *(msgspec.structs.replace(entry, data=one) for one in others))
    return [order_event(one) for one in told]


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
        self._typed: dict[
            tuple[str, str], tuple[int, FieldEdited]
        ] = {}  # newest of each field, and its version

    def open(self, call_id: str, caller: str) -> Draft:
        """Open the call's draft."""
        order_id = uuid.uuid4().hex
        call = self._calls.find(call_id)
        channel = Channel.PHONE if call is None else _CHANNELS.get(call.media, Channel.PHONE)
        event = DraftOpened(order_id=order_id, call_id=call_id, caller=caller, channel=channel)
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
            for key in [key for key in self._typed if key[0] == known]:
                del self._typed[key]

    def more(self, order_id: str) -> tuple[Draft, ...]:
        """Return the further drafts of the call whose main order this is, in the order they came up."""
        return tuple(self._drafts[known] for known in self._further.of(order_id))

    def add(self, call_id: str) -> Draft:
        """Open one more draft for a call because an agent wants it; what the machine reads may fill it.

        Raises CommandRefused: the call has no order yet, or has too many.
        """
        call = self._calls.find(call_id)
        if call is None or call.order_id not in self._drafts:
            raise CommandRefused("接通后才能增加工单")
        if len(self._further.of(call.order_id)) >= FURTHER_MOST:
            raise CommandRefused(f"一通电话最多 {FURTHER_MOST + 1} 张工单")
        draft = self.open(call_id, call.caller)
        self._further.add(call.order_id, draft.order_id, by_hand=True)
        return draft

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
            if _untouched(self._drafts[other]) and not self._further.by_hand(order_id, other):
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
        if draft is None:
            return
        late = draft.state is OrderState.ACCEPTED and suggestion.field in lifecycle.AFTER_ACCEPTANCE
        if late or draft.state is OrderState.DRAFT:
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

    def edit(self, order_id: str, field: str, value: str, agent: str, *, seen: int | None = None) -> None:
        """An agent typed, looking at version `seen`. Raises CommandRefused with words for the agent."""
        event = FieldEdited(field=field, value=value, agent=agent)
        draft, theirs = self._drafts.get(order_id), self._typed.get((order_id, field))
        if draft is not None and seen is not None and theirs is not None and theirs[0] > seen:
            try:
                lifecycle.check_seen(event, seen=seen, current=draft.version, later=(theirs[1],))
            except StaleVersion as error:
                raise EditMeetsAnother(error) from error
            except OrderError as error:
                raise CommandRefused(error.shown) from error
        self._apply(order_id, event)
        self._typed[order_id, field] = (self._drafts[order_id].version, event)

    async def submit(self, order_id: str, agent: str) -> None:
        """An agent submits; returns when the order is safe on disk. Raises CommandRefused."""
        await self._durable(self._apply(order_id, OrderSubmitted(agent=agent)))
        self._calls.metrics.drafts.labels(event="submitted").inc()

    async def discard(self, order_id: str, agent: str, reason: str) -> None:
        """An agent gives the draft up. Raises CommandRefused."""
        await self._durable(self._apply(order_id, OrderDiscarded(agent=agent, reason=reason)))
        self._calls.metrics.drafts.labels(event="discarded").inc()

    async def take(self, *changes: tuple[str, OrderEvent]) -> None:
        """Link, merge or part orders, of which one at least is at this desk; returns when safe on disk.

        All of it is one entry of the journal, so that no crash leaves one order told and the other not.
        Raises CommandRefused, and then none is changed.
        """
        now, after = self._now(), dict[str, Draft]()
        for order_id, event in changes:
            draft = after.get(order_id) or self._drafts.get(order_id)
            if draft is not None:
                try:
                    after[order_id] = lifecycle.apply(draft, event, now)
                except OrderError as error:
                    raise CommandRefused(error.shown) from error
        call_id = next(iter(after.values())).call_id
        self._drafts |= after
        (first, *others) = [_told(order_id, event) for order_id, event in changes]
        entry = self._calls.note(call_id, EntryKind.ORDER, first | {"others": others})
        for draft in after.values():
            self._changed(draft)
        await self._durable(entry)

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
            links=tuple(msgspec.convert(msgspec.to_builtins(one), OrderLinkView) for one in draft.links),
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
        entry = self._calls.note(draft.call_id, EntryKind.ORDER, _told(draft.order_id, event))
        self._changed(draft)
        return entry


def _told(order_id: str, event: OrderEvent) -> dict[str, object]:
    """What the journal keeps of an event; `order_event` reads it back."""
    return {"order_id": order_id, "kind": chain.kind_of(event), "event": msgspec.to_builtins(event)}


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
