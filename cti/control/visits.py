"""Return visits (回访) on the line: citizens whom the robot called, their answers, and who talks with them.

`visit_rounds` decides whom to call when; `visit_desk` does what people ask for. Whatever is answered goes
onto the order at once, as an entry of the journal like every other change of an order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from cti.agi import AgiSession
from cti.call import Call
from cti.control.calls import Calls
from cti.control.visit_book import VisitBook
from cti.faults import fault_site
from cti.messages import Caption, EntryKind, Notice, Outcome
from cti.ports import Pages
from cti.visit_records import KeptVisit
from ivr_flows.messages import Note
from ivr_flows.surroundings import Surroundings
from orders import chain
from orders import visits as life
from orders.errors import OrderError
from orders.messages import Solved, VisitRecorded
from orders.records import Order
from orders.visit_policy import VisitPolicy
from orders.visits import LEGAL, Answers, Visit, VisitState

__all__ = ["FLOW", "VISIT_VARIABLE", "VisitCall", "Visits", "answers_of", "written"]

log = logging.getLogger(__name__)

FLOW = "return_visit"
"""The flow that asks."""
NOTE = "visit"
"""Kind of its notes."""
VISIT_VARIABLE = "HL_VISIT"
READ_S = 2.0
"""So long the database is waited for while a citizen is on the line."""

SOLVED: Mapping[str, Solved] = {"solved": Solved.YES, "unsolved": Solved.NO, "partly": Solved.PARTLY}
SOLVED_WORDS: Mapping[Solved, str] = {Solved.YES: "已解决", Solved.NO: "未解决", Solved.PARTLY: "部分解决"}
SILENT = "no_answer"
WANTS_PERSON = "wants_person"


class VisitCall(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What goes with the dialled channel, so that whichever server takes it knows what it is about."""

    visit_id: str
    order_id: str
    order_number: str
    number: str
    case_owner: str  # login of who has the order, "" unknown


def written(visited: VisitCall) -> str:
    """The channel variable that carries it."""
    return quote(msgspec.json.encode(visited))


def read(text: str) -> VisitCall | None:
    """Read the channel variable; None when there is nothing that can be read."""
    try:
        return msgspec.json.decode(unquote(text), type=VisitCall) if text else None
    except msgspec.MsgspecError:
        log.error("a dialled channel carries an unreadable visit")
        return None


def _mark(text: str) -> int | None:
    return int(text) if text in ("1", "2", "3", "4", "5") else None


def answers_of(values: Mapping[str, str]) -> Answers:
    """What a note of the flow says: `solved`, `satisfied`, `service`, `words`, `result`."""
    return Answers(
        solved=SOLVED.get(values.get("solved", "")),
        satisfaction=_mark(values.get("satisfied", "")),
        service=_mark(values.get("service", "")),
        words=values.get("words", "")[: life.WORDS_MAX],
        wants_person=values.get("result") == WANTS_PERSON,
    )


class Visits:
    """What lines and calls tell of return visits."""

    def __init__(
        self,
        *,
        book: VisitBook,
        calls: Calls,
        pages: Pages,
        stored: Callable[[str], Awaitable[KeptVisit | None]],
        order: Callable[[str], Awaitable[Order]],
        captions: Callable[[str], tuple[Caption, ...]],
        policy: Callable[[], VisitPolicy],
        beside: Callable[[Coroutine[Any, Any, None], str, str], None],
    ) -> None:
        """`stored` and `order` read a visit and an order; `captions` is what was said in a call."""
        self.book = book
        self._calls = calls
        self._pages = pages
        self._stored = stored
        self._order = order
        self._captions = captions
        self._policy = policy
        self._beside = beside
        self._owners: dict[str, str] = {}  # call -> login of who has the order
        self._heard: dict[str, float] = {}  # call -> seconds of the recording up to which words were taken

    # ------------------------------------------------------------ told by the switchboard and its lines

    async def arrived(self, session: AgiSession) -> VisitCall | None:
        """A citizen whom somebody dialled is here. None for all who are not visited.

        Raises AgiHangup and AgiError.
        """
        visited = read(await session.get_variable(VISIT_VARIABLE) or "")
        if visited is None:
            return None
        now = self._calls.now()
        visit = await self.find(visited.visit_id)
        if visit is None:  # the database is away, and another server dialled: the answers count all the same
            visit = life.planned(
                visited.visit_id,
                order_id=visited.order_id,
                order_number=visited.order_number,
                number=visited.number,
                due_at=now,
                by="system",
                now=now,
            )
        if visit.state in LEGAL["picked_up"]:
            self.book.keep("picked_up", life.picked_up(visit, session.uniqueid, now))
        else:
            log.warning("a visited citizen is not expected", extra={"call_id": session.uniqueid})
        self._owners[session.uniqueid] = visited.case_owner
        return visited

    def around(self, call: Call, surroundings: Surroundings) -> Surroundings:
        """What a visit's flow can see beside: the order's owner, the first choice of who wants a person."""
        owner = self._owners.get(call.call_id, "")
        if not call.visit_id or not owner:
            return surroundings
        return replace(surroundings, facts={**surroundings.facts, "case_owner": owner})

    async def noted(self, call: Call, note: Note) -> None:
        """The flow has noted something; what is none of a visit is passed over. Never raises."""
        if note.kind != NOTE or not call.visit_id:
            return
        try:
            visit = await self.find(call.visit_id)
            if visit is not None and visit.state is VisitState.TALKING and visit.call_id == call.call_id:
                self._take(call, visit, note.values)
            else:
                log.warning("an answer without its visit", extra={"call_id": call.call_id})
        except Exception as error:  # the citizen's call goes on; the note itself is in the journal
            log.error("answer not kept", extra={"call_id": call.call_id, "site": fault_site(error)})

    def _take(self, call: Call, visit: Visit, values: Mapping[str, str]) -> None:
        said = answers_of(values)
        if said.words and said.words != visit.answers.words:
            begin, end = self._place(call.call_id)
            said = replace(said, audio_from=begin, audio_to=end)
        else:
            said = replace(said, words="")
        silent = values.get("result") == SILENT
        visit = self.book.keep("noted", life.noted(visit, said, self._calls.now(), silent=silent))
        self.record(visit)

    def _place(self, call_id: str) -> tuple[float | None, float | None]:
        """Where in the recording the words of the last answer are; None where nobody can tell."""
        after = self._heard.get(call_id, -1.0)
        lines = [line for line in self._captions(call_id) if line.speaker == "citizen" and line.start > after]
        if not lines:
            return None, None
        self._heard[call_id] = end = max(line.end for line in lines)
        return min(line.start for line in lines), end

    # ------------------------------------------------------------ told by calls

    def answered(self, call: Call) -> None:
        """A person talks with a visited citizen: they are told which order it is about."""
        if call.visit_id and call.agent_id:
            self._beside(self._tell_agent(call, call.agent_id), "telling of a visit", call.call_id)

    def ended(self, call: Call) -> None:
        """A call is over; one that only moved to another server is not."""
        if call.visit_id and call.ended is not None:
            self._beside(self._over(call), "ending a visit", call.call_id)

    async def _over(self, call: Call) -> None:
        visit = await self.find(call.visit_id, fresh=True)
        if visit is None or visit.state is not VisitState.TALKING or visit.call_id != call.call_id:
            return
        person = call.agent_id or "" if call.outcome is Outcome.ANSWERED else ""
        self.over(visit, person)

    def over(self, visit: Visit, person: str) -> None:
        """The call of a visit is over; `person` talked with the citizen, "" nobody."""
        visit = self.book.keep("over", life.over(visit, self._policy(), self._calls.now(), person=person))
        self._owners.pop(visit.call_id, None)
        self._heard.pop(visit.call_id, None)
        if visit.last_result is not None:
            self._calls.metrics.visits.labels(result=visit.last_result.value).inc()

    async def _tell_agent(self, call: Call, agent_id: str) -> None:
        visit = await self.find(call.visit_id)
        if visit is None:
            return
        title = ""
        try:
            async with asyncio.timeout(READ_S):
                order = await self._order(visit.order_id)
            standing = order.draft.fields.get("title") or order.draft.fields.get("summary")
            title = standing.value[:40] if standing else ""
        except (SQLAlchemyError, OSError, TimeoutError, OrderError) as error:
            log.warning("visited order not read", extra={"reason": type(error).__name__})
        self._pages.send({agent_id}, Notice(level="info", text=_told(visit, title)))

    # ------------------------------------------------------------ for the rounds and the desk

    async def find(self, visit_id: str, *, fresh: bool = False) -> Visit | None:
        """Return a visit as it stands; `fresh`: look into the database even when it is known here."""
        known = self.book.find(visit_id)
        if known is not None and not fresh:
            return known
        try:
            async with asyncio.timeout(READ_S):
                stored = await self._stored(visit_id)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("visit not read", extra={"reason": type(error).__name__})
            return known
        return known if stored is None else self.book.newest(stored).visit

    def record(self, visit: Visit, *, in_call: bool = True) -> None:
        """Write what is answered so far onto the order, if anything is; `in_call`: in the visit's call."""
        answers = visit.answers
        if not answers.rates:
            return
        event = VisitRecorded(
            visit_id=visit.visit_id,
            call_id=visit.call_id if in_call else "",
            by=visit.recorded_by,
            solved=answers.solved,
            satisfaction=answers.satisfaction,
            service=answers.service,
            words=answers.words,
            audio_from=answers.audio_from,
            audio_to=answers.audio_to,
        )
        data = {
            "order_id": visit.order_id,
            "kind": chain.kind_of(event),
            "event": msgspec.to_builtins(event),
        }
        self._calls.note(visit.call_id or visit.visit_id, EntryKind.ORDER, data)


def _told(visit: Visit, title: str) -> str:
    """What the agent is told who takes a visited citizen over."""
    said = [SOLVED_WORDS[visit.answers.solved]] if visit.answers.solved is not None else []
    if visit.answers.satisfaction is not None:
        said.append(f"结果满意度 {visit.answers.satisfaction}")
    if visit.answers.service is not None:
        said.append(f"服务满意度 {visit.answers.service}")
    about = f"（{title}）" if title else ""
    answers = f"，市民答复：{'、'.join(said)}" if said else ""
    return f"回访转人工：工单 {visit.order_number}{about}{answers}"
