"""Visits over a real database: planned, answered, torn, kept below the load; people's part over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.callbacks import Result as Dialled
from acd.messages import QueueState
from cti.agi import AgiSession
from cti.ami import AmiDown
from cti.call import Call
from cti.call import citizen_left as left
from cti.call import entered_flow as entered
from cti.control import visit_torn
from cti.control.dispatch import Dispatch
from cti.control.visit_desk import VisitRefused
from cti.control.visit_parts import redis_claims
from cti.control.visit_policies import VisitPolicies
from cti.control.visit_rounds import VisitRounds
from cti.control.visits import VISIT_VARIABLE, VisitCall, written
from cti.database import migrate, open_engine
from cti.messages import CallState, Caption, Notice, Role
from cti.settings import load
from cti.visit_records import VisitFilter
from cti.visit_store import VisitStore
from cti.visitadmin import VisitsRefused, visits
from ivr_flows.messages import Note
from ivr_flows.surroundings import Surroundings
from orders.fields import TEXT_ONLY
from orders.messages import FieldSuggested, Solved
from orders.records import Order, OrderFilter
from orders.visit_load import LoadLimits
from orders.visit_policy import Result, VisitPolicy
from orders.visits import Answers, VisitState, picked_up
from tests.support.loopback import LoopbackBlock
from tests.support.visits import VisitWorld
from tests.support.web import Clock, open_site

pytestmark = pytest.mark.integration

MORNING = 1795312800.0
"""2026-11-22 10:00 in China."""
POLICY = VisitPolicy(load=LoadLimits(most_at_once=2, agents_ready=1))


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    await migrate(database_url)
    engine = open_engine(database_url)
    yield engine
    await engine.dispose()


@dataclass
class Telephones:
    """Rings nobody: notes whom, and answers as told."""

    rung: list[str] = field(default_factory=list)
    outcome: Dialled | Exception | None = None  # None: answered
    living: set[str] = field(default_factory=set)
    in_use: int = 0

    def any_node(self) -> str | None:
        return "hl1"

    def new_call_id(self, node: str) -> str:
        return f"{node}-{len(self.rung)}.9"

    async def ring(
        self, number: str, call_id: str, seconds: float, variables: Mapping[str, str]
    ) -> Dialled | None:
        self.rung.append(number)
        self.living.add(call_id)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def channels_in_use(self) -> int:
        return self.in_use

    async def alive(self, call_id: str) -> bool:
        return call_id in self.living


@dataclass
class Line:
    """What the rounds see of the router."""

    agents_ready: int = 3
    waiting: list[Any] = field(default_factory=list)
    policy: Any = field(default_factory=lambda: SimpleNamespace(default_queue="general"))

    def queue_states(self) -> tuple[QueueState, ...]:
        state = QueueState(
            queue="general", waiting=0, oldest_since=None, agents_ready=self.agents_ready, agents_busy=0
        )
        return (state,)

    def snapshot(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return (), tuple(self.waiting)


class Rounds:
    """A world with rounds that a test makes itself."""

    def __init__(self, engine: AsyncEngine, folder: Path) -> None:
        self.clock = Clock()
        self.clock.now = MORNING
        self.world = VisitWorld(engine, policy=POLICY, clock=self.clock)
        self.telephones = Telephones()
        self.line = Line()
        self.leads = True
        self.claims = True
        self.blocked: set[str] = set()
        file = folder / "visits.yaml"
        file.write_text("{}", encoding="utf-8")
        self.policies = VisitPolicies(file, most_at_once=2, metrics=self.world.metrics)
        self.policies.policy = POLICY
        world = self.world

        async def is_blocked(number: str) -> bool:
            return number in self.blocked

        async def claim(_visit_id: str, _seconds: float) -> bool:
            return self.claims

        self.rounds = VisitRounds(
            visits=world.visits,
            policies=self.policies,
            calls=world.calls,
            dispatch=cast(Dispatch, self.line),
            dialler=self.telephones,
            store=world.store,
            order=world.orders.get,
            call_record=world.call_store.call,
            blocked=is_blocked,
            read_number=str,
            claim=claim,
            leads=lambda: self.leads,
            able=lambda: True,
            beside=lambda work, what, call_id: world.beside.append(asyncio.ensure_future(work)),
        )

    async def plan(self, number: str = "13800000001", name: str = "o1") -> str:
        order_id = await self.world.accepted(number, name)
        planned = await self.world.desk.plan([order_id], after=None, by="boss")
        await self.world.delivered()
        return planned.visits[0].visit_id

    async def look(self) -> None:
        await self.rounds.look()
        await self.world.delivered()

    async def state(self, visit_id: str) -> VisitState:
        return (await self.world.desk.get(visit_id)).visit.state

    def talks(self, visit_id: str, call_id: str = "hl1-0.9") -> Call:
        """The citizen has answered, and is asked."""
        world = self.world
        visit = world.visits.book.find(visit_id)
        assert visit is not None
        world.visits.book.keep("picked_up", picked_up(visit, call_id, self.clock.now))
        call = Call(
            call_id=call_id, node="hl1", channel="PJSIP/city-1", caller=visit.number, called="12345",
            state=CallState.INCOMING, started=self.clock.now, recording_started=self.clock.now,
            state_since=self.clock.now, visit_id=visit_id, about_order=visit.order_id,
        )  # fmt: skip
        return world.calls.add(entered(call, self.clock.now))


@pytest_asyncio.fixture
async def rounds(engine: AsyncEngine, tmp_path: Path) -> Rounds:
    return Rounds(engine, tmp_path)


async def test_a_due_visit_is_dialled_once(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    await rounds.look()
    await rounds.look()
    assert rounds.telephones.rung == ["13800000001"]
    assert await rounds.state(visit_id) is VisitState.DIALLING


async def test_nobody_is_dialled_before_the_time_nor_outside_the_hours(rounds: Rounds) -> None:
    order_id = await rounds.world.accepted("13800000001")
    await rounds.world.desk.plan([order_id], after=MORNING + 600, by="boss")
    await rounds.world.delivered()
    await rounds.look()
    assert rounds.telephones.rung == []
    rounds.clock.now = MORNING + 2.5 * 3600  # 12:30
    await rounds.look()
    assert rounds.telephones.rung == []
    rounds.clock.now = MORNING + 4 * 3600  # 14:00
    await rounds.look()
    assert rounds.telephones.rung == ["13800000001"]


async def test_only_the_server_that_leads_dials(rounds: Rounds) -> None:
    await rounds.plan()
    rounds.leads = False
    await rounds.look()
    assert rounds.telephones.rung == []


async def test_a_visit_that_another_server_has_claimed_is_not_dialled(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    rounds.claims = False
    await rounds.look()
    assert rounds.telephones.rung == []
    assert await rounds.state(visit_id) is VisitState.DUE


async def test_as_many_are_dialled_as_the_load_allows(rounds: Rounds) -> None:
    for count in range(4):
        await rounds.plan(f"1380000000{count}", f"o{count}")
    rounds.line.agents_ready = 0
    await rounds.look()
    assert rounds.telephones.rung == []
    rounds.line.agents_ready = 5
    rounds.line.waiting = [SimpleNamespace(callback=False, offered_to=None, since=MORNING - 1)]
    await rounds.look()
    assert rounds.telephones.rung == []
    rounds.line.waiting = []
    await rounds.look()
    assert len(rounds.telephones.rung) == 2
    await rounds.look()
    assert len(rounds.telephones.rung) == 2


async def test_a_paused_campaign_dials_nobody_until_it_is_resumed(rounds: Rounds) -> None:
    await rounds.plan()
    await rounds.world.desk.pause(paused=True, by="boss")
    await rounds.look()
    assert rounds.telephones.rung == []
    await rounds.world.desk.pause(paused=False, by="boss")
    await rounds.look()
    assert rounds.telephones.rung == ["13800000001"]


async def test_a_blocked_number_is_never_dialled(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    rounds.blocked.add("13800000001")
    await rounds.look()
    assert rounds.telephones.rung == []
    assert await rounds.state(visit_id) is VisitState.CANCELLED


async def test_who_asks_for_text_only_after_the_visit_was_planned_is_never_dialled(rounds: Rounds) -> None:
    order_id = await rounds.world.accepted("13800000001")
    (visit,) = (await rounds.world.desk.plan([order_id], after=None, by="boss")).visits
    await rounds.world.delivered()
    wish = FieldSuggested(field="contact_by", value=TEXT_ONLY, source="citizen", confidence=1.0)
    await rounds.world.orders.apply_all([(order_id, wish)], at=MORNING, event_id="wish")
    await rounds.look()
    assert rounds.telephones.rung == []
    kept = (await rounds.world.desk.get(visit.visit_id)).visit
    assert (kept.state, kept.reason, kept.recorded_by) == (VisitState.CANCELLED, "text_only", "system")


async def test_while_the_order_cannot_be_read_its_citizen_is_not_dialled(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    read, rounds.rounds._order = rounds.rounds._order, nobody_can_tell
    await rounds.look()
    assert rounds.telephones.rung == []
    rounds.rounds._order = read
    rounds.clock.now += 600
    await rounds.look()
    assert rounds.telephones.rung == ["13800000001"]
    assert await rounds.state(visit_id) is VisitState.DIALLING


async def nobody_can_tell(_order_id: str) -> Order:
    raise TimeoutError


async def test_a_citizen_who_is_on_the_line_is_visited_later(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    call = Call(
        call_id="c1", node="hl1", channel="PJSIP/city-1", caller="13800000001", called="12345",
        state=CallState.IN_FLOW, started=MORNING, recording_started=MORNING, state_since=MORNING,
    )  # fmt: skip
    rounds.world.calls.add(call)
    await rounds.look()
    assert rounds.telephones.rung == []
    assert (await rounds.world.desk.get(visit_id)).visit.due_at == MORNING + 1800


async def test_a_visit_that_is_too_old_is_given_up(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    rounds.clock.now = MORNING + 15 * 86_400
    await rounds.look()
    assert await rounds.state(visit_id) is VisitState.GIVEN_UP
    assert rounds.telephones.rung == []


@pytest.mark.parametrize(
    ("outcome", "result", "state"),
    [
        (Dialled.BUSY, Result.BUSY, VisitState.PLANNED),
        (Dialled.INVALID, Result.UNREACHABLE, VisitState.GIVEN_UP),
    ],
)
async def test_what_came_of_dialling_is_kept(
    rounds: Rounds, outcome: Dialled, result: Result, state: VisitState
) -> None:
    visit_id = await rounds.plan()
    rounds.telephones.outcome = outcome
    await rounds.look()
    visit = (await rounds.world.desk.get(visit_id)).visit
    assert (visit.last_result, visit.state) == (result, state)


async def test_a_dialling_torn_by_a_restart_is_looked_up_and_done_again(
    rounds: Rounds, engine: AsyncEngine, tmp_path: Path
) -> None:
    visit_id = await rounds.plan()
    rounds.telephones.outcome = AmiDown("gone")
    await rounds.look()
    again = Rounds(engine, tmp_path)  # the server that comes after
    again.clock.now = MORNING + visit_torn.TORN_S + 1
    again.telephones.living = {"hl1-0.9"}
    await again.look()
    assert await again.state(visit_id) is VisitState.DIALLING  # the telephone still rings
    again.telephones.living = set()
    await again.look()
    assert await again.state(visit_id) is VisitState.DUE  # set back
    await again.look()
    visit = (await again.world.desk.get(visit_id)).visit
    assert (visit.state, visit.tries, again.telephones.rung) == (VisitState.DIALLING, 1, ["13800000001"])


async def test_a_talk_torn_by_a_restart_keeps_what_was_answered(
    rounds: Rounds, engine: AsyncEngine, tmp_path: Path
) -> None:
    visit_id = await rounds.plan()
    await rounds.look()
    call = rounds.talks(visit_id)
    await rounds.world.visits.noted(call, Note(kind="visit", values={"solved": "unsolved"}))
    await rounds.world.delivered()
    again = Rounds(engine, tmp_path)
    again.clock.now = MORNING + visit_torn.TORN_S + 1
    await again.look()
    visit = (await again.world.desk.get(visit_id)).visit
    assert (visit.state, visit.answers.solved) == (VisitState.ANSWERED, Solved.NO)


async def test_each_answer_goes_onto_the_order_with_its_place_in_the_recording(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    await rounds.look()
    call = rounds.talks(visit_id)
    rounds.world.captions = (
        Caption(call_id="c", line_id="1", speaker="citizen", text="没解决", start=3.0, end=4.2, final=True),
    )
    values = {"result": "answered", "solved": "unsolved", "words": "没解决"}
    await rounds.world.visits.noted(call, Note(kind="visit", values=values))
    await rounds.world.visits.noted(call, Note(kind="visit", values={**values, "satisfied": "2"}))
    await rounds.world.delivered()
    order = (await rounds.world.orders.get("o1")).draft.visit
    assert order is not None
    assert (order.solved, order.satisfaction, order.words) == (Solved.NO, 2, "没解决")
    assert (order.audio_from, order.audio_to, order.by) == (3.0, 4.2, "robot")
    events = await rounds.world.orders.events("o1")  # checked against the chain
    assert [event.actor for event in events[-2:]] == ["machine", "machine"]


async def test_notes_of_other_kinds_and_calls_are_passed_over(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    await rounds.look()
    call = rounds.talks(visit_id)
    await rounds.world.visits.noted(call, Note(kind="language", values={"language": "粤语"}))
    other = replace(call, call_id="c2")
    await rounds.world.visits.noted(other, Note(kind="visit", values={"solved": "solved"}))
    await rounds.world.visits.noted(
        replace(call, visit_id=""), Note(kind="visit", values={"solved": "solved"})
    )
    assert not (await rounds.world.desk.get(visit_id)).visit.answers.any


async def test_who_hangs_up_at_once_has_refused_and_who_says_nothing_has_not_answered(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    await rounds.look()
    call = rounds.talks(visit_id)
    rounds.world.visits.ended(left(call, MORNING + 5, writing=False))
    await rounds.world.delivered()
    assert (await rounds.world.desk.get(visit_id)).visit.last_result is Result.REFUSED
    other = await rounds.plan("13800000002", "o2")
    await rounds.look()
    call = rounds.talks(other, "hl1-1.9")
    await rounds.world.visits.noted(call, Note(kind="visit", values={"result": "no_answer"}))
    rounds.world.visits.ended(left(call, MORNING + 9, writing=False))
    await rounds.world.delivered()
    assert (await rounds.world.desk.get(other)).visit.last_result is Result.NO_ANSWER


def session(variable: str, call_id: str = "hl1-7.9") -> AgiSession:
    """A channel that carries this variable."""

    async def get_variable(name: str) -> str | None:
        assert name == VISIT_VARIABLE
        return variable

    return cast(AgiSession, SimpleNamespace(uniqueid=call_id, get_variable=get_variable))


async def test_a_citizen_who_answers_at_a_server_that_knows_nothing_is_visited_all_the_same(
    rounds: Rounds,
) -> None:
    told = VisitCall(visit_id="v1-o9", order_id="o9", order_number="1", number="13800000009", case_owner="li")
    visits = rounds.world.visits
    assert await visits.arrived(session(written(told))) == told
    visit = visits.book.find("v1-o9")
    assert visit is not None
    assert (visit.state, visit.call_id, visit.order_id) == (VisitState.TALKING, "hl1-7.9", "o9")
    call = Call(
        call_id="hl1-7.9", node="hl1", channel="PJSIP/city-1", caller="13800000009", called="12345",
        state=CallState.IN_FLOW, started=MORNING, recording_started=MORNING, state_since=MORNING,
        visit_id="v1-o9",
    )  # fmt: skip
    assert visits.around(call, Surroundings()).facts == {"case_owner": "li"}  # asked first for a person
    assert visits.around(replace(call, visit_id=""), Surroundings()).facts == {}


@pytest.mark.parametrize("variable", ["", "%5B1%5D", "nonsense"])
async def test_whoever_carries_no_visit_is_an_ordinary_caller(rounds: Rounds, variable: str) -> None:
    assert await rounds.world.visits.arrived(session(variable)) is None


async def test_a_visit_that_is_over_is_not_opened_again_by_a_late_answer(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    await rounds.world.desk.cancel(visit_id, "不需要", "boss")
    told = VisitCall(visit_id=visit_id, order_id="o1", order_number="1", number="13800000001", case_owner="")
    assert await rounds.world.visits.arrived(session(written(told))) == told
    assert await rounds.state(visit_id) is VisitState.CANCELLED


async def test_the_agent_is_told_which_order_it_is_about(rounds: Rounds) -> None:
    visit_id = await rounds.plan()
    await rounds.look()
    call = rounds.talks(visit_id)
    await rounds.world.visits.noted(
        call, Note(kind="visit", values={"result": "wants_person", "solved": "unsolved"})
    )
    rounds.world.visits.answered(replace(call, agent_id="li"))
    await rounds.world.delivered()
    told = [one for who, one in rounds.world.paper.sent if who == {"li"} and isinstance(one, Notice)]
    number = (await rounds.world.orders.get("o1")).number
    assert [one.text for one in told] == [f"回访转人工：工单 {number}（夜间施工），市民答复：未解决"]


async def test_an_order_is_planned_once_and_only_when_it_can_be_visited(rounds: Rounds) -> None:
    world = rounds.world
    await world.accepted("13800000001", "good")
    await world.accepted("", "hidden")
    await world.orders.open_draft("c9", "13800000002", order_id="draft")
    planned = await world.desk.plan(["good", "hidden", "draft", "none", "good"], after=None, by="boss")
    assert [visit.order_id for visit in planned.visits] == ["good"]
    assert {one.order_id: one.code for one in planned.skipped} == {
        "hidden": "no_number", "draft": "not_accepted", "none": "unknown",
    }  # fmt: skip
    again = await world.desk.plan(["good"], after=None, by="boss")  # not even delivered yet
    assert [one.code for one in again.skipped] == ["open"]


async def test_visits_are_planned_by_filter_for_orders_never_visited(rounds: Rounds) -> None:
    world = rounds.world
    for count in range(5):
        await world.accepted(f"1380000000{count}", f"o{count}")
    first = await world.desk.plan_matching(OrderFilter(), most=2, after=None, by="boss")
    await world.delivered()
    rest = await world.desk.plan_matching(OrderFilter(), most=100, after=None, by="boss")
    await world.delivered()
    assert (len(first.visits), len(rest.visits)) == (2, 3)
    visit_id = first.visits[0].visit_id
    await world.desk.settle(visit_id, Answers(solved=Solved.YES), "boss")
    await world.delivered()
    page = await world.store.list(VisitFilter(solved="yes"))
    assert [kept.visit.visit_id for kept in page.visits] == [visit_id]
    page = await world.store.list(VisitFilter(satisfaction_most=3, wants_person=False))
    assert page.total == 0
    none = await world.desk.plan_matching(OrderFilter(), most=100, after=None, by="boss")
    assert none.visits == ()


async def test_a_visit_beyond_the_policys_days_is_refused(rounds: Rounds) -> None:
    order_id = await rounds.world.accepted("13800000001")
    with pytest.raises(VisitRefused) as caught:
        await rounds.world.desk.plan([order_id], after=MORNING + 30 * 86_400, by="boss")
    assert caught.value.field == "after"


async def test_an_edited_policy_comes_into_force_and_a_wrong_one_does_not(
    rounds: Rounds, tmp_path: Path
) -> None:
    file = tmp_path / "visits.yaml"
    for text, tries in (("tries: 7", 7), ("tries: none", 7), ("tries: 2", 2)):
        file.write_text(text, encoding="utf-8")
        await rounds.policies.look()
        await rounds.policies.look()
        assert rounds.policies.policy.tries == tries


async def test_of_two_servers_that_want_to_dial_one_visit_only_one_may(any_redis_url: str) -> None:
    redis = Redis.from_url(any_redis_url)
    prefix = f"visits-{uuid.uuid4().hex}:"
    first, second = redis_claims(redis, prefix, "s1"), redis_claims(redis, prefix, "s2")
    assert sorted(await asyncio.gather(first("v1", 30.0), second("v1", 30.0))) == [False, True]
    assert await second("v2", 30.0)
    await redis.aclose()


async def test_nobody_dials_while_redis_cannot_be_asked(loopback: LoopbackBlock) -> None:
    redis = Redis.from_url(f"redis://{loopback.address()}:6399", socket_connect_timeout=0.5)
    assert not await redis_claims(redis, "", "s1")("v1", 30.0)
    await redis.aclose()


async def test_the_terminal_plans_lists_and_pauses(tmp_path: Path) -> None:
    settings = load(environ={"HOTLINE_HOME": str(tmp_path)})
    settings.home.mkdir()
    await migrate(settings.database)
    engine = open_engine(settings.database)
    await VisitWorld(engine).accepted("13800000001")
    said: list[str] = []

    async def run(*words: str) -> int:
        options = argparse.Namespace(action=words[0], order=list(words[1:]))
        return await visits(settings, options, lambda line: said.append(str(line)))

    assert await run("plan", "o1") == 0
    assert await run("plan", "o1") == 1
    assert said[-1] == "o1  已有未完成的回访"
    assert await run("pause") == 0
    assert (await VisitStore(engine).switch()).paused
    assert await run("list") == 0
    assert "138****0001" in said[-2]
    assert said[-1] == "回访外呼已停用（visits.enabled）：待访 1，已答复 0，未访到 0"
    with pytest.raises(VisitsRefused, match="name the orders"):
        await run("plan")
    await engine.dispose()


async def test_people_plan_and_record_over_http_by_their_roles(
    engine: AsyncEngine, tmp_path: Path, loopback: LoopbackBlock
) -> None:
    world = VisitWorld(engine)
    await world.accepted("13800000001")
    async with open_site(
        engine, tmp_path, loopback.address(), visits=world.desk, visit_store=world.store
    ) as site:
        await site.add("boss", Role.SUPERVISOR)
        await site.add("li")
        boss, agent = await site.signed_in("boss"), await site.signed_in("li")
        async with agent.post("/api/visits", json={"orders": ["o1"]}) as response:
            assert response.status == 403
        async with boss.post("/api/visits", json={"orders": ["o1", "o2"]}) as response:
            assert response.status == 201
            told = await response.json()
        assert (told["planned"][0]["order_id"], told["skipped"][0]["code"]) == ("o1", "unknown")
        visit_id = told["planned"][0]["visit_id"]
        await world.delivered()
        async with agent.get(f"/api/visits/{visit_id}") as response:
            assert (await response.json())["number"] == "138****0001"
        async with agent.post(f"/api/visits/{visit_id}/result", json={"solved": "yes"}) as response:
            assert response.status == 403  # not their call
        async with boss.post(f"/api/visits/{visit_id}/result", json={}) as response:
            assert (response.status, (await response.json())["error"]["field"]) == (400, "solved")
        async with boss.post(
            f"/api/visits/{visit_id}/result", json={"solved": "no", "satisfaction": 1, "words": "没人来"}
        ) as response:
            assert (await response.json())["state"] == "answered"
        await world.delivered()
        async with boss.get("/api/orders/o1") as response:
            visit = (await response.json())["visit"]
        assert (visit["solved"], visit["satisfaction"], visit["by"]) == ("no", 1, "agent:boss")
        assert visit["call_id"] == ""  # by other means
        async with boss.post(f"/api/visits/{visit_id}/cancel", json={"reason": "重复"}) as response:
            assert response.status == 409
        async with boss.post("/api/visits/campaign/pause") as response:
            assert (await response.json())["paused"] is True
        async with boss.get("/api/visits/campaign") as response:
            told = await response.json()
        assert (told["paused"], told["who"], told["counts"]["answered"]) == (True, "boss", 1)
        async with boss.get(f"/api/visits/{visit_id}/history") as response:
            events = [move["event"] for move in (await response.json())["moves"]]
        assert events == ["planned", "settled"]
        async with boss.get("/api/visits?satisfaction_most=1&solved=no&open=false") as response:
            assert (await response.json())["total"] == 1
        async with boss.get("/api/visits/none") as response:
            assert response.status == 404
        what = {row.what for row in await site.deps.accounts.trail()}
        assert {"visits_planned", "visit_recorded", "visits_paused"} <= what
