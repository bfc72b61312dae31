"""Whatever servers, callers and messages do: nobody is rung twice, nobody is lost, nobody loses the place."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.cluster import Mode
from tests.support.line import Line

NAMES = ("a", "b", "c")
AGENTS = ("li", "wang", "zhao", "sun")


class CommonLine(RuleBasedStateMachine):
    """Three servers, of which one at a time may be dead or stopped; each reads messages at its own pace."""

    @initialize()
    def begin(self) -> None:
        self.line = Line()
        self.line.start(*NAMES)
        self.line.passes(1.0)
        self.placed: list[str] = []

    def _running(self, name: str) -> str:
        """A server that runs, this one if it does."""
        seat = self.line.seats[name]
        return name if seat.alive and seat.runs else self.line.running()[0].name

    # ------------------------------------------------------------ people

    @rule(agent=st.sampled_from(AGENTS), name=st.sampled_from(NAMES))
    def page(self, agent: str, name: str) -> None:
        self.line.agent(agent, self._running(name))

    @rule(name=st.sampled_from(NAMES))
    def call(self, name: str) -> None:
        if len(self.line.citizens) < 8:
            self.line.calls(self._running(name))

    @rule(agent=st.sampled_from(AGENTS), miss=st.booleans())
    def picks_up(self, agent: str, miss: bool) -> None:
        call = self.line.citizens.get(self.line.phones.get(agent) or "")
        if call is not None and call.rings == agent:
            if miss:
                self.line.misses(agent)
            else:
                self.line.answers(agent)

    @rule(agent=st.sampled_from(AGENTS))
    def hangs_up(self, agent: str) -> None:
        call = self.line.citizens.get(self.line.phones.get(agent) or "")
        if call is not None and call.talks == agent:
            self.line.ends(agent)

    @rule(agent=st.sampled_from(AGENTS))
    def works_on(self, agent: str) -> None:
        if agent in self.line.pages:
            self.line.writes_up(agent)
            self.line.asks_for_calls(agent)

    @rule(number=st.integers(0, 7))
    def gives_up(self, number: int) -> None:
        waiting = [one for one in self.line.citizens.values() if one.talks is None]
        if number < len(waiting):
            self.line.hangs_up(waiting[number].call_id)

    # ------------------------------------------------------------ servers

    @precondition(lambda self: len(self.line.running()) == len(NAMES))
    @rule(name=st.sampled_from(NAMES))
    def kill(self, name: str) -> None:
        self._said(name)
        self.line.kill(name)

    @precondition(lambda self: len(self.line.running()) == len(NAMES))
    @rule(name=st.sampled_from(NAMES))
    def stop(self, name: str) -> None:
        self._said(name)
        self.line.seats[name].runs = False

    def _said(self, name: str) -> None:
        """Words go out within a millisecond; what a server decides in its very last one, nobody can know."""
        self.line.send(self.line.seats[name])

    @rule(name=st.sampled_from(NAMES))
    def back(self, name: str) -> None:
        seat = self.line.seats[name]
        if not seat.alive:
            self.line.start(name)
        seat.runs = True
        self._bring_callers()

    @rule(name=st.sampled_from(NAMES), limit=st.integers(0, 5))
    def reads_some(self, name: str, limit: int) -> None:
        seat = self.line.seats[name]
        if seat.alive and seat.runs:
            self.line.send(seat)
            self.line.read(seat, limit)

    @rule(seconds=st.floats(0.1, 4.0), deaf=st.frozensets(st.sampled_from(NAMES), max_size=1))
    def time(self, seconds: float, deaf: frozenset[str]) -> None:
        self.line.passes(seconds, deaf=deaf if seconds < 1 else frozenset())
        self._bring_callers()

    def _bring_callers(self) -> None:
        """Asterisk hands callers without a server to one that runs."""
        for citizen in list(self.line.citizens.values()):
            if citizen.at is None and citizen.talks is None:
                self.line.returns(citizen.call_id, self.line.running()[0].name)

    # ------------------------------------------------------------ what holds

    @invariant()
    def nobody_is_rung_twice(self) -> None:
        if hasattr(self, "line"):
            assert self.line.faults == []

    @invariant()
    def one_leads_at_most(self) -> None:
        if hasattr(self, "line"):
            leading = [one for one in self.line.running() if one.member.mode is Mode.LEADER]
            assert len(leading) <= 1

    def teardown(self) -> None:
        """In the end everybody is served, in the order in which they began to wait."""
        if not hasattr(self, "line"):
            return
        line = self.line
        for seat in line.seats.values():
            seat.runs = True
            if not seat.alive:
                line.start(seat.name)
        line.passes(4.0)
        self._bring_callers()
        for agent, call in line.phones.items():  # rings end as they are
            citizen = line.citizens.get(call or "")
            if citizen is not None and citizen.rings == agent:
                line.misses(agent)
        line.passes(6.0)
        line.looks()
        line.passes(1.0)
        if not any(line.pages):
            line.agent("li", "a", ready=False)
        waiting = [one for one in line.citizens.values() if one.talks is None and one.rings is None]
        leader = line.leader()
        assert leader is not None
        for seat in line.seats.values():
            for citizen in waiting:
                found = seat.member.waiting(citizen.call_id)
                assert found is not None, f"{citizen.call_id} is lost at {seat.name}"
                assert found.since == citizen.since
        for _ in range(40):
            for agent in line.pages:
                citizen = line.citizens.get(line.phones[agent] or "")
                if citizen is not None and citizen.talks == agent:
                    line.ends(agent)
                elif citizen is not None:
                    line.answers(agent)
                else:
                    line.agent(agent, line.pages[agent])
                    line.writes_up(agent)
                    line.asks_for_calls(agent)
            line.passes(0.2)
        assert line.citizens == {}, "somebody was never served"
        assert line.faults == []


TestCommonLine = CommonLine.TestCase
TestCommonLine.settings = settings(
    max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
