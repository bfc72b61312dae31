"""The registry of calls: every change is journalled, kept in the live state, and shown to its agent."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

import msgspec

from cti.call import Call
from cti.errors import UnknownCall
from cti.messages import CallState, CallView, Entry, EntryKind, PartyState, PartyView
from cti.metrics import Metrics
from cti.ports import Pages
from cti.spool import JournalError
from ivr_flows.engine_ways import OPENING

Clock = Callable[[], float]
log = logging.getLogger(__name__)


class EntrySink(Protocol):
    """Where journal entries go (cti.journal.Journal)."""

    def append(self, entry: Entry) -> None:
        """Write one entry to the local spool."""


class CallKeeper(Protocol):
    """Where live calls are kept beside the memory (cti.control.live.LiveCalls)."""

    def save(self, call: Call) -> None:
        """Keep this version of the call."""

    def forget(self, call_id: str) -> None:
        """The call is over."""


class EntryIds:
    """Unique journal ids that sort by time, also across restarts: milliseconds, server, process, counter."""

    def __init__(self, server: str, clock: Clock = time.time) -> None:
        self._server = f"{server}-{os.getpid()}"
        self._count = itertools.count()
        self._clock = clock

    def next(self) -> str:
        """Return the next id."""
        return f"{int(self._clock() * 1000):014d}-{self._server}-{next(self._count):08d}"


class Calls:
    """All calls that this server knows of, from the first AGI request to the end of wrap-up."""

    def __init__(
        self,
        *,
        journal: EntrySink,
        keeper: CallKeeper,
        pages: Pages,
        ids: EntryIds,
        metrics: Metrics,
        queue_titles: Callable[[str], str],
        names: Callable[[str], str] = str,
        clock: Clock = time.time,
    ) -> None:
        """`queue_titles` and `names` give the Chinese names of queues and of people by login."""
        self._calls: dict[str, Call] = {}
        self._gone: dict[str, asyncio.Event] = {}
        self._journal = journal
        self._keeper = keeper
        self._pages = pages
        self._ids = ids
        self.metrics = metrics
        self._titles = queue_titles
        self._names = names
        self.now = clock
        self.on_ended: Callable[[Call], None] = lambda _: None
        self.on_answered: Callable[[Call], None] = lambda _: None  # by a person, each time
        self.on_changed: Callable[[Call, Call], None] = lambda before, after: None  # at every change

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._calls

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def __len__(self) -> int:
        return len(self._calls)

    def get(self, call_id: str) -> Call:
        """Return the call. Raises UnknownCall."""
        try:
            return self._calls[call_id]
        except KeyError:
            raise UnknownCall(f"no call {call_id} is known to this server") from None

    def find(self, call_id: str) -> Call | None:
        """Return the call, or None when it is not known here."""
        return self._calls.get(call_id)

    def of_agent(self, agent_id: str) -> Call | None:
        """Return the call that this agent rings for, talks to or writes up; the newest if several.

        A call that the agent has left, though others go on with it, counts less than any other. Text
        conversations are beside it: see `texts_of`.
        """
        own = [call for call in self._calls.values() if agent_id in call.agents and not call.written]
        return max(own, key=lambda call: (agent_id not in call.writers, call.started), default=None)

    def texts_of(self, agent_id: str) -> tuple[Call, ...]:
        """Return the text conversations that this agent is offered, has, was asked into or writes up."""
        own = [call for call in self._calls.values() if call.written and agent_id in call.agents]
        return tuple(sorted(own, key=lambda call: call.started))

    def restore(self, call: Call) -> None:
        """Take over a call from the live state without journalling it again."""
        self._calls[call.call_id] = call
        self._gone[call.call_id] = asyncio.Event()

    def release(self, call_id: str) -> None:
        """Another server has the call: forget it without a word to journal and live state."""
        call = self._calls.pop(call_id)
        self._gone.pop(call_id).set()
        self.on_ended(call)

    def add(self, call: Call, **more: Any) -> Call:
        """A new call. `more` goes into its first entry."""
        self.restore(call)
        self.metrics.calls_started.inc()
        self._record(call, {"caller": call.caller, "called": call.called, "node": call.node, **more})
        return call

    def update(self, call: Call, **more: Any) -> Call:
        """Replace the call by its next version: journal, live state, page. `more` goes into the entry."""
        before = self.get(call.call_id)
        call = _where_sent(call)
        self._calls[call.call_id] = call
        if call.state is CallState.ENDED:
            del self._calls[call.call_id]
            self._gone.pop(call.call_id).set()
        if before.state is not call.state or more or _having(before) != _having(call):
            self._record(call, more)
        elif call.state is not CallState.ENDED:
            self._keeper.save(call)
        if before.ended is None and call.ended is not None and call.outcome is not None:
            self.metrics.calls_ended.labels(outcome=call.outcome.value).inc()
        if before.answered is None and call.waited_s is not None:
            self.metrics.waits.labels(queue=call.queue or "none").observe(call.waited_s)
        audience = before.agents | call.agents
        if audience:
            self._pages.send(audience, self.view(call))
        if call.with_person and not before.with_person:
            self.on_answered(call)
        if call.state is CallState.ENDED:
            self.on_ended(call)
        self.on_changed(before, call)
        return call

    def note(self, call_id: str, kind: EntryKind, data: Mapping[str, Any]) -> Entry:
        """Journal something about a call (or about none, with "")."""
        entry = Entry(entry_id=self._ids.next(), call_id=call_id, at=self.now(), kind=kind, data=data)
        try:
            self._journal.append(entry)
        except JournalError as error:  # a full disk must not end the call
            self.metrics.journal_lost.inc()
            log.error("journal took no entry", extra={"call_id": call_id, "reason": type(error).__name__})
        return entry

    def note_transfer(self, call_id: str, data: Mapping[str, Any]) -> None:
        """Journal and count something that became of a transfer; `kind` and `result` are among the data."""
        self.metrics.transfers.labels(kind=data["kind"], result=data["result"]).inc()
        self.note(call_id, EntryKind.TRANSFER, data)

    def channel_gone(self, call_id: str) -> None:
        """Asterisk said that the citizen's channel is gone."""
        event = self._gone.get(call_id)
        if event is not None:
            event.set()

    async def is_gone(self, call_id: str, within: float) -> bool:
        """Tell whether the citizen's channel is gone, waiting up to `within` seconds for the news."""
        event = self._gone.get(call_id)
        if event is None:
            return True
        try:
            async with asyncio.timeout(within):
                await event.wait()
        except TimeoutError:
            return False
        return True

    def view(self, call: Call) -> CallView:
        """What the agent's page is shown of a call."""
        return CallView(
            call_id=call.call_id,
            caller=call.caller,
            called=call.called,
            state=call.state,
            queue=call.queue,
            queue_title=self._titles(call.queue) if call.queue else "",
            started=call.started,
            queued=call.queued,
            answered=call.answered,
            ended=call.ended,
            waited_s=call.waited_s,
            agent_id=call.agent_id,
            recording_started=call.recording_started,
            outcome=call.outcome,
            satisfaction=call.satisfaction,
            visit_id=call.visit_id,
            about_order=call.about_order,
            parties=self._parties(call),
            writers=call.writers,
            kept_until=call.kept_until,
            media=call.media,
            text_only=call.text_only,
        )

    def _parties(self, call: Call) -> tuple[PartyView, ...]:
        others = tuple(
            PartyView(
                party_id=party.party_id,
                kind=party.kind.value,
                title=party.title,
                state=party.state,
                since=party.since,
                agent_id=party.agent_id or None,
            )
            for party in call.parties
        )
        if not call.with_person:
            return others
        aside = call.state in (CallState.HELD, CallState.CONSULTING)
        citizen = PartyView(
            party_id="citizen",
            kind="citizen",
            title=call.caller,
            state=PartyState.HELD if aside else PartyState.TALKING,
            since=call.state_since,
        )
        if call.agent_gone or call.agent_id is None:
            return citizen, *others
        alone = any(party.state is PartyState.CONSULTING for party in call.parties)
        agent = PartyView(
            party_id="agent",
            kind="agent",
            title=self._names(call.agent_id),
            state=PartyState.CONSULTING if alone else PartyState.TALKING,
            since=call.answered or call.state_since,
            agent_id=call.agent_id,
        )
        return citizen, agent, *others

    def _record(self, call: Call, more: Mapping[str, Any]) -> None:
        data = {"state": call.state.value, **_facts(call), **more}
        self.note(call.call_id, EntryKind.CALL_STATE, data)
        if call.state is CallState.ENDED:
            self._keeper.forget(call.call_id)
        else:
            self._keeper.save(call)


def _where_sent(call: Call) -> Call:
    """A waiting call that was transferred to a queue waits there, whatever its flow would have."""
    sent = call.sent_to
    if sent is None or not sent.queue or call.state is not CallState.WAITING:
        return call
    return replace(call, queue=sent.queue, needs=dict(sent.needs))


def _having(call: Call) -> tuple[str | None, bool] | None:
    """Who has the citizen, and whether they have left the others alone with them."""
    return (call.agent_id, call.agent_gone) if call.with_person else None


def _facts(call: Call) -> dict[str, Any]:
    facts = {
        "started": call.started,
        "queue": call.queue or None,
        "queued": call.queued,
        "answered": call.answered,
        "talk_ended": call.talk_ended,
        "ended": call.ended,
        "waited_s": call.waited_s,
        "agent_id": call.agent_id,
        "order_id": call.order_id or None,
        "visit_id": call.visit_id or None,
        "satisfaction": call.satisfaction,
        "outcome": call.outcome,
        "recording_started": call.recording_started,
        "agent_gone": call.agent_gone or None,
        "opening": call.flow.get("facts", {}).get(OPENING),
        "media": None if call.media == "voice" else call.media,
        "text_only": call.text_only or None,
    }
    return {key: msgspec.to_builtins(value) for key, value in facts.items() if value is not None}
