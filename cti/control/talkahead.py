"""Talk while waiting: what a citizen says in line fills the draft and may choose the skill.

The order is opened with the first sentence, so that the agent has it on answering; a call has one order,
whoever opens it. What the words ask for only adds: further queues, priority, urgency. The call stays in its
own line with its place, so that no decision of a machine makes anybody wait longer.

A citizen who hangs up before anybody answers leaves a draft. When something of the matter was understood it
is kept: whoever calls back finds it beside the call. Otherwise it is discarded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from acd.messages import CallChanged, WaitingRecord
from acd.messages import Event as RouterEvent
from asr.needs import NeedRules, Needs
from cti.call import Call
from cti.control.calls import Calls
from cti.control.captions import Captions
from cti.control.orderdesk import OrderDesk
from cti.faults import fault_site
from cti.messages import CallState, EntryKind
from cti.ports import Pages

log = logging.getLogger(__name__)

IN_LINE = frozenset({CallState.WAITING, CallState.RINGING})
OF_THE_MATTER = frozenset({"category", "urgency", "place", "street", "district", "summary"})
"""One of these fields at least must be filled for a draft that no agent saw to be worth keeping."""

NOT_ANSWERED = "市民未等到接听即挂机，未说明诉求"
"""Reason of discarding such a draft."""


class Router(Protocol):
    """The router, as far as words may move a call (cti.control.dispatch)."""

    def tell(self, event: RouterEvent) -> None:
        """Tell it."""

    def waiting(self, call_id: str) -> WaitingRecord | None:
        """One call in line or ringing, or None."""


class TalkAhead:
    """Implements `AheadOfTalk` of the line; told of every sentence by the captions."""

    def __init__(
        self,
        *,
        calls: Calls,
        captions: Callable[[], Captions],
        orders: OrderDesk,
        pages: Pages,
        router: Router,
        rules: NeedRules,
        queue_exists: Callable[[str], bool],
    ) -> None:
        self._calls = calls
        self._captions = captions
        self._orders = orders
        self._pages = pages
        self._router = router
        self._rules = rules
        self._queue_exists = queue_exists
        self._invited: set[str] = set()
        self._read: dict[str, Needs] = {}  # what the words of a call have asked for so far

    # ------------------------------------------------------------ told by lines

    def invited(self, call_id: str) -> None:
        """From now on the citizen may say the matter while in line."""
        self._invited.add(call_id)

    def withdrawn(self, call_id: str) -> None:
        """From now on not any more."""
        self._invited.discard(call_id)
        self._read.pop(call_id, None)

    # ------------------------------------------------------------ told by captions and calls

    def said(self, call: Call) -> None:
        """The call has one more finished sentence."""
        if call.call_id not in self._invited or call.state not in IN_LINE:
            return
        if not call.order_id:
            draft = self._orders.open(call.call_id, call.caller)
            self._calls.update(replace(self._calls.get(call.call_id), order_id=draft.order_id))
        try:
            self._ask_for(call)
        except Exception as error:  # whatever is wrong with the rules, the citizen keeps the place
            log.error("needs not read", extra={"call_id": call.call_id, "site": fault_site(error)})

    def answered(self, call: Call) -> None:
        """A person has answered: show what was said before, and draft from it."""
        captions = self._captions().of_call(call.call_id)
        if call.agent_id is None or not captions:
            return
        for caption in captions:
            if caption.final:
                self._pages.send([call.agent_id], caption)
        draft = self._orders.find(call.order_id)
        if draft is not None:
            for each in (draft, *self._orders.more(draft.order_id)):
                self._pages.send([call.agent_id], self._orders.view(each))
            self._captions().draft(call.call_id)

    def ended(self, call: Call) -> None:
        """The call is over; nobody may have seen its draft."""
        self.withdrawn(call.call_id)
        draft = self._orders.find(call.order_id) if call.order_id else None
        if draft is None or call.answered is not None:
            return
        if not any(draft.fields.get(name) for name in OF_THE_MATTER):
            self._orders.drop(draft.order_id, NOT_ANSWERED)

    # ------------------------------------------------------------ what the words ask for

    def _ask_for(self, call: Call) -> None:
        sentences = [
            (caption.text, 1.0 if caption.confidence is None else caption.confidence)
            for caption in self._captions().of_call(call.call_id)
            if caption.final and caption.speaker == "citizen"
        ]
        needs = self._rules.read(sentences)
        if needs == self._read.get(call.call_id, Needs()):
            return
        self._read[call.call_id] = needs
        record = self._router.waiting(call.call_id)
        if record is None:
            return
        further = [queue for queue in needs.queues if queue != record.queue and self._queue_exists(queue)]
        also = tuple(dict.fromkeys((*record.also, *further)))
        urgent = record.urgent or needs.urgent
        priority = max(record.priority, call.priority + needs.priority)
        if (also, urgent, priority) == (record.also, record.urgent, record.priority):
            return
        self._router.tell(CallChanged(call_id=call.call_id, also=also, urgent=urgent, priority=priority))
        self._calls.note(
            call.call_id,
            EntryKind.NOTE,
            {
                "kind": "needs_heard",
                "values": {
                    "queues": ",".join(further),
                    "urgent": str(urgent).lower(),
                    "priority": str(priority),
                    "rules": ",".join(needs.rules),
                },
            },
        )
