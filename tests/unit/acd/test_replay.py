"""A past day, from its records to the three days side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from acd.messages import AgentState
from acd.policy import Policy, parse_policy
from acd.replay import replay
from acd.sim_past import LEAD_S, AgentNote, PastCall, PastDay, history
from acd.simulation import Spell

START, END = 1_800_000_000.0, 1_800_086_400.0

READY, RINGING, TALKING = AgentState.READY, AgentState.RINGING, AgentState.TALKING
WRAP_UP, NOT_READY, OFFLINE = AgentState.WRAP_UP, AgentState.NOT_READY, AgentState.OFFLINE


def policy() -> Policy:
    return parse_policy(
        """
skills: [{name: general, title: 综合}]
queues:
  - {name: general, title: 综合, needs: {general: 1}, ring_limit_s: 15, wrap_up_s: 60}
default_queue: general
""".encode()
    )


def note(at: float, state: AgentState, call_id: str = "", who: str = "li") -> AgentNote:
    return AgentNote(at=START + at, agent_id=who, state=state, call_id=call_id)


def past(
    call_id: str, queued: float, answered: float | None, ended: float | None, queue: str = "general"
) -> PastCall:
    return PastCall(
        call_id=call_id,
        queue=queue,
        queued=START + queued,
        answered=None if answered is None else START + answered,
        ended=None if ended is None else START + ended,
    )


def day(
    calls: Sequence[PastCall] = (), notes: Sequence[AgentNote] = (), who: Sequence[str] = ("li",)
) -> PastDay:
    return PastDay(
        start=START, end=END, calls=calls, notes=notes, skills={one: {"general": 3} for one in who}
    )


ONE_CALL = (
    note(0, READY),
    note(100, RINGING, "c1"),
    note(104, TALKING, "c1"),
    note(204, WRAP_UP, "c1"),
    note(234, READY),
    note(1000, OFFLINE),
)


def test_ring_talk_and_wrap_up_are_read_from_the_agents_states() -> None:
    found = history(day(notes=ONE_CALL))
    one = found.handling["c1"]
    assert (one.ring_s, one.talk_s, one.wrap_up_s) == (4.0, 100.0, 30.0)
    assert found.presence == [("li", START, START + 1000 - LEAD_S)]
    assert found.spells[-1] == Spell(READY, START + 234, START + 1000)


def test_who_was_ready_at_midnight_is_there_from_midnight_on() -> None:
    found = history(day(notes=[note(-3600, READY), note(500, NOT_READY)]))
    assert found.presence == [("li", START, START + 500 - LEAD_S)]


def test_who_was_busy_at_midnight_is_there_when_that_is_over() -> None:
    notes = [note(-100, TALKING, "c0"), note(50, WRAP_UP, "c0"), note(110, READY), note(600, OFFLINE)]
    found = history(day(notes=notes))
    assert found.presence == [("li", START + 50, START + 600 - LEAD_S)]


def test_who_left_before_the_day_was_not_there() -> None:
    found = history(day(notes=[note(-7200, READY), note(-3600, OFFLINE)]))
    assert (found.presence, found.spells) == ([], [])


def test_a_call_comes_back_as_it_was() -> None:
    told = replay(day([past("c1", 100, 104, 240)], ONE_CALL), policy(), 15.0)
    assert told.happened.total == told.proposed.total == told.pooled.total
    assert told.happened.total.answer_s == 4.0
    assert told.happened.occupancy == pytest.approx(134 / 1000)
    assert told.proposed.occupancy == pytest.approx(134 / 1000, rel=1e-3)
    assert told.missing == {}


def test_who_hung_up_hangs_up_again_unless_somebody_comes_sooner() -> None:
    calls = [past("c1", 100, 104, 240), past("c2", 110, None, 130)]
    told = replay(day(calls, ONE_CALL), policy(), 15.0)
    assert (told.proposed.total.answered, told.proposed.total.abandoned) == (1, 1)
    more = (*ONE_CALL, note(100, READY, who="wang"), note(5000, OFFLINE, who="wang"))
    helped = replay(day(calls, more, who=("li", "wang")), policy(), 15.0)
    assert helped.proposed.total.answered == 2


def test_who_was_answered_may_hang_up_when_made_to_wait_longer() -> None:
    """Patience beyond the wait that was seen is drawn at the rate of the day's hang-ups."""
    calls = [past("c1", 100, 104, 240)]
    calls += [past(f"h{i}", 100, None, 105) for i in range(20)]  # a day of hasty callers
    late = (note(8000, READY), note(80_000, OFFLINE))  # nobody there until much later
    told = replay(day(calls, late), policy(), 15.0)
    assert told.happened.total.answered == 1
    assert told.proposed.total.answered == 0
    assert told.proposed.total.abandoned == 21


def test_without_hang_ups_nobody_hangs_up() -> None:
    late = (note(8000, READY), note(80_000, OFFLINE))
    told = replay(day([past("c1", 100, 104, 240)], late), policy(), 15.0)
    assert told.proposed.total.answered == 1
    assert told.proposed.total.longest_s == pytest.approx(7900)


@pytest.mark.parametrize(
    ("calls", "notes", "missing"),
    [
        ([past("c1", 100, 104, 240, queue="old")], ONE_CALL, "队列不在拟议策略中的来电（进入默认队列）"),
        ([past("c1", 100, None, None)], ONE_CALL, "既未接通也无结束时间的来电（视为不放弃）"),
        ([past("c9", 100, 104, 240)], ONE_CALL, "无坐席通话记录的来电（通话取接通到结束）"),
        ([past("c9", 100, 104, None)], ONE_CALL, "无通话时长的来电（取平均值）"),
        (
            [past("c1", 100, 104, 240)],
            (*ONE_CALL, note(0, READY, who="wang")),
            "有状态记录但技能未知的坐席（未参加重放）",
        ),
        (
            [past("c1", 100, 104, 240)],
            (*ONE_CALL, note(204, TALKING, "c1", who="li2"), note(300, READY, who="li2")),
            "转接后的通话（第二名坐席的占用未重放）",
        ),
    ],
)
def test_what_is_missing_is_named_and_counted(
    calls: list[PastCall], notes: tuple[AgentNote, ...], missing: str
) -> None:
    told = replay(day(calls, notes, who=("li", "li2")), policy(), 15.0)
    assert told.missing == {missing: 1}
    assert told.proposed.total.calls == 1
