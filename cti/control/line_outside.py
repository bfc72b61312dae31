"""What a flow wants from outside the line: facts, other systems, other numbers, a message, a call-back."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path

from acd.messages import CallLeft
from cti import call as calls_of
from cti.agi import AgiFailed, AgiHangup
from cti.call import Call
from cti.control.keys import ALL_KEYS
from cti.control.line_leg import Leg
from cti.control.line_ports import LineDeps, WebFailed
from cti.errors import HotlineError
from cti.faults import fault_site
from cti.messages import EntryKind
from ivr_flows.messages import (
    Done,
    Event,
    Failed,
    LookedUp,
    LookUp,
    OfferCallback,
    Record,
    Recorded,
    TransferOut,
    TransferOver,
    WebAnswered,
    WebRequest,
)

log = logging.getLogger(__name__)

OUTSIDE_NUMBER = re.compile(r"\+?[0-9]{2,20}")
"""Numbers that may be dialled outside; anything else could be more than a number in a dial string."""

RESULTS = {"ANSWER": "answered", "BUSY": "busy", "NOANSWER": "no_answer"}
"""What Dial's DIALSTATUS means to the flow; everything else is "failed"."""

NEXT_TRUNK = frozenset({"CHANUNAVAIL", "CONGESTION", ""})
"""The trunk could not carry the call: another one may."""


class Outside:
    """Carries out what needs somebody or something outside the line."""

    def __init__(self, leg: Leg, deps: LineDeps) -> None:
        self._leg = leg
        self._deps = deps
        self._dialling = False

    def answered(self) -> None:
        """Asterisk says that somebody has answered what the channel dials; the flow hears of it later."""
        if self._dialling:
            self._served()

    def _served(self) -> None:
        call = self._deps.calls.find(self._leg.call_id)
        if call is not None and not call.served:
            self._deps.calls.update(calls_of.served(call))

    async def look_up(self, action: LookUp) -> LookedUp:
        """Ask what is known of the number; whoever does not answer in time, or fails, knows nothing."""
        try:
            async with asyncio.timeout(action.within_s):
                facts = await self._leg.while_here(
                    self._deps.callers.facts(self._leg.call.caller, action.within_s)
                )
        except AgiHangup:
            raise
        except TimeoutError:
            facts = {}
        except Exception as error:  # a stranger is served, too
            log.warning(
                "caller not looked up", extra={"call_id": self._leg.call_id, "site": fault_site(error)}
            )
            facts = {}
        return LookedUp(facts=facts)

    async def ask_web(self, action: WebRequest) -> Event:
        """Ask another system; `Failed` when it does not answer in time and as it should."""
        try:
            facts = await self._leg.while_here(
                self._deps.web.ask(action.name, action.values, action.within_s)
            )
        except WebFailed as error:
            return Failed(reason=str(error)[:200])
        return WebAnswered(facts=facts)

    async def call_back(self, action: OfferCallback) -> Event:
        """Have the citizen called back at their place in line."""
        call = self._leg.call
        number = action.number or call.caller
        if not number:
            return Failed(reason="no number to call back")
        waited = call.queued is not None and call.queue != ""
        record = self._deps.router.waiting(call.call_id)
        try:
            self._deps.callbacks.wanted(
                origin="citizen",
                number=number,
                queue=call.queue if waited else action.queue,
                needs=call.needs if waited else action.needs,
                since=call.queued if call.queued is not None else self._leg.now(),
                call_id=call.call_id,
                priority=record.priority if record is not None else call.priority,
                urgent=record is not None and record.urgent,
            )
        except HotlineError as error:
            return Failed(reason=str(error)[:200])
        left = self._deps.router.waiting(call.call_id)
        if left is not None and not left.callback:
            self._deps.phones.tell(CallLeft(call_id=call.call_id))
        self._served()
        return Done()

    # ------------------------------------------------------------ a number outside

    async def transfer(self, action: TransferOut) -> TransferOver:
        """Connect the citizen with a number outside until one of the two hangs up."""
        await self._leg.say(action.greeting, stops=False)
        return TransferOver(result=await self.dial(action.number, action.ring_s))

    async def dial(self, number: str, ring_s: float) -> str:
        """Dial a number outside over the first trunk that carries the call; return how it ended."""
        leg, session = self._leg, self._leg.session
        await leg.while_here(self._deps.ears.stop(leg.call))  # what is said there is not ours to write down
        status, began = "", leg.now()
        if OUTSIDE_NUMBER.fullmatch(number) is not None:
            for trunk in self._trunks(leg.call):
                await session.set_variable("DIALSTATUS", "")
                self._dialling = True
                try:
                    await session.exec_app("Dial", f"PJSIP/{number}@{trunk}", str(max(1, round(ring_s))), "g")
                finally:
                    self._dialling = False
                status = await session.get_variable("DIALSTATUS") or ""
                if status not in NEXT_TRUNK:
                    break
        result = RESULTS.get(status, "failed")
        if result == "answered":
            self._served()
        if status and result != "answered":  # the dialplan takes ANSWER as "has talked": nothing else stays
            await session.set_variable("DIALSTATUS", "")
        leg.keys.clear()
        self._deps.calls.note(
            leg.call_id,
            EntryKind.TRANSFER,
            {
                "kind": "outside",
                "target": number[:40],
                "by": "flow",
                "result": result,
                "seconds": round(leg.now() - began, 3),
            },
        )
        return result

    def _trunks(self, call: Call) -> list[str]:
        """Trunks in the order to be tried: the one the citizen came in by first."""
        own = call.channel.rpartition("-")[0].removeprefix("PJSIP/")
        return sorted(self._deps.settings.trunks, key=lambda trunk: trunk != own)

    # ------------------------------------------------------------ a message

    async def record(self, action: Record) -> Recorded:
        """Record a message. A citizen who hangs up in the middle of it has left one, too."""
        leg, deps = self._leg, self._deps
        await leg.say(action.prompts, stops=True)
        leg.keys.clear()
        place = deps.messages.place(leg.call)
        try:
            await leg.stream(deps.settings.tone, stops=False)
            await leg.session.record_file(
                str(place),
                "wav",
                ALL_KEYS,
                timeout_ms=round(action.most_s * 1000),
                silence_s=max(1, round(action.silence_s)),
            )
        except AgiFailed:
            log.error("message could not be recorded", extra={"call_id": leg.call_id})
            return Recorded(seconds=0.0)
        except AgiHangup:
            deps.beside(self._keep(leg.call, place, action.purpose), "keeping a message", leg.call_id)
            raise
        leg.keys.clear()
        seconds = await deps.messages.keep(leg.call, place, action.purpose)
        if seconds > 0:
            self._served()
        return Recorded(seconds=seconds)

    async def _keep(self, call: Call, place: Path, purpose: str) -> None:
        await self._deps.messages.keep(call, place, purpose)
