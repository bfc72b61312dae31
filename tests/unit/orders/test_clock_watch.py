"""Clocks become near, late and gravely late, and everybody is told once, restarts or not."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from orders.clock_watch import ClockWatch, Crossing, Level, counting, crossing_id, due, grave_at, level
from orders.course_messages import Clock, ClockKind, Course, CourseState

K = ClockKind


def clock(
    kind: ClockKind = K.RESOLVE, unit: str = "", *, start: float = 0, near: float = 80, end: float = 100
) -> Clock:
    return Clock(kind=kind, started=start, near_at=near, due=end, unit=unit)


def test_a_clock_is_fine_then_near_then_late_then_gravely_late() -> None:
    found = [level(clock(), now) for now in (0, 79.9, 80, 99.9, 100, 199.9, 200)]
    fine, near, late, grave = Level
    assert found == [fine, fine, near, near, late, late, grave]


def test_a_clock_that_stands_or_has_stopped_is_never_late() -> None:
    assert level(replace(clock(), paused_at=10.0), 500) is Level.FINE
    assert level(replace(clock(), stopped=10.0), 500) is Level.FINE


def test_what_could_not_be_told_is_found_again_and_nothing_else() -> None:
    watch = ClockWatch()
    watch.put("o1", [clock(), clock(K.SIGN, near=10, end=20)])
    watch.put("o2", [clock()])
    first = watch.crossed(85)
    late = [one for one in first if one.order_id == "o1" and one.level is Level.LATE]
    watch.untold(late)
    assert [one.crossing_id for one in watch.crossed(85)] == [one.crossing_id for one in late]
    assert watch.crossed(85) == ()
    watch.drop("o1")
    watch.untold(late)
    assert watch.crossed(85) == ()


clocks = st.builds(
    lambda kind, unit, start, near, length: clock(
        kind, unit, start=start, near=start + min(near, length), end=start + length
    ),
    st.sampled_from(K),
    st.sampled_from(["", "u1"]),
    st.integers(0, 100),
    st.integers(0, 50),
    st.integers(0, 50),
)


@given(clocks, st.integers(0, 400), st.integers(0, 400))
def test_with_time_a_clock_only_gets_worse(one: Clock, now: int, later: int) -> None:
    assert level(one, now) <= level(one, now + later)
    assert one.near_at <= one.due < grave_at(one)


def test_the_worst_is_shown_first_and_what_is_fine_not_at_all() -> None:
    near, late = clock(K.CLOSE, near=40, end=90), clock(K.RESOLVE, near=20, end=45)
    grave, fine = clock(K.SIGN, near=5, end=10), clock(K.TRACK, near=60, end=70)
    found = due([near, late, fine, grave], 50)
    assert [(one.clock.kind, one.level, one.left_s) for one in found] == [
        (K.SIGN, Level.GRAVE, -40),
        (K.RESOLVE, Level.LATE, -5),
        (K.CLOSE, Level.NEAR, 40),
    ]


def test_nobody_is_late_with_a_right_but_with_a_ruling_on_it() -> None:
    both = (clock(K.RESOLVE), clock(K.RETURN))
    course = Course(state=CourseState.SIGNED, since=0, touched_at=0, clocks=both)
    assert counting(course) == both[:1]
    assert counting(replace(course, state=CourseState.RETURNED)) == both
    assert counting(replace(course, state=CourseState.CLOSED)) == ()


def told(found: tuple[Crossing, ...]) -> list[tuple[str, Level, float, bool]]:
    return [(one.order_id, one.level, one.at, one.overtaken) for one in found]


def test_the_watch_says_when_to_look_again_and_what_happened_then() -> None:
    watch = ClockWatch()
    watch.put("a", [clock()])
    watch.put("b", [clock(near=10, end=90)])
    assert watch.next_at() == 10
    assert told(watch.crossed(80)) == [("b", Level.NEAR, 10, False), ("a", Level.NEAR, 80, False)]
    assert watch.crossed(80) == ()
    assert watch.next_at() == 90
    watch.drop("b")
    assert watch.next_at() == 100
    assert len(watch) == 1


def test_what_was_slept_through_is_told_in_order_with_the_lesser_marked_as_overtaken() -> None:
    watch = ClockWatch()
    watch.put("a", [clock(), clock(K.CLOSE, near=90, end=1000)])
    assert told(watch.crossed(150)) == [
        ("a", Level.NEAR, 80, True),
        ("a", Level.NEAR, 90, False),
        ("a", Level.LATE, 100, False),
    ]


def test_a_clock_that_is_paused_or_stopped_in_time_is_not_told_of() -> None:
    watch = ClockWatch()
    watch.put("a", [clock(), clock(K.SIGN)])
    watch.put("a", [replace(clock(), paused_at=70.0), replace(clock(K.SIGN), stopped=70.0)])
    assert watch.next_at() is None
    assert watch.crossed(1000) == ()


def test_an_end_that_was_moved_is_told_of_again() -> None:
    watch = ClockWatch()
    watch.put("a", [clock()])
    assert len(watch.crossed(100)) == 2
    watch.put("a", [clock(near=280, end=300)])
    assert told(watch.crossed(299)) == [("a", Level.NEAR, 280, False)]
    assert told(watch.crossed(300)) == [("a", Level.LATE, 300, False)]


def test_putting_the_same_clocks_again_tells_nothing_again() -> None:
    watch = ClockWatch()
    for _ in range(3):
        watch.put("a", [clock()])
    assert len(watch.crossed(100)) == 2
    watch.put("a", [clock()])
    assert watch.crossed(100) == ()
    assert watch.next_at() == 200


def test_what_was_told_before_a_restart_is_not_told_after_it() -> None:
    after = ClockWatch()
    after.put("a", [clock()], told=[crossing_id("a", clock(), Level.NEAR)])
    assert told(after.crossed(100)) == [("a", Level.LATE, 100, False)]


def test_the_heap_stays_as_small_as_what_is_watched() -> None:
    watch = ClockWatch()
    for count in range(20_000):
        watch.put("a", [clock(near=80 + count, end=100 + count)])
    assert len(watch._heap) < 2000
    assert told(watch.crossed(20_079)) == [("a", Level.NEAR, 20_079, False)]


class Restarts(RuleBasedStateMachine):
    """Orders come, change and go while the process that watches them dies again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.orders: dict[str, tuple[Clock, ...]] = {}
        self.stored: list[str] = []  # ids, as the journal has them: stored before anybody is told
        self.seen: set[str] = set()  # what had to be told, found by looking at every clock
        self.watch = ClockWatch()

    @rule(order=st.sampled_from("abc"), given_=st.lists(clocks, max_size=3))
    def put(self, order: str, given_: list[Clock]) -> None:
        by_key = {(one.kind, one.unit): replace(one, started=one.started + self.now,
                  near_at=one.near_at + self.now, due=one.due + self.now) for one in given_}  # fmt: skip
        self.orders[order] = tuple(by_key.values())
        self.watch.put(order, self.orders[order])

    @rule(order=st.sampled_from("abc"))
    def pause(self, order: str) -> None:
        self.orders[order] = tuple(replace(one, paused_at=self.now) for one in self.orders.get(order, ()))
        self.watch.put(order, self.orders[order])

    @rule(order=st.sampled_from("abc"))
    def go_on(self, order: str) -> None:
        self.orders[order] = tuple(
            one if one.paused_at is None else replace(
                one, due=one.due + self.now - one.paused_at, near_at=one.near_at + self.now - one.paused_at,
                paused_at=None,
            )
            for one in self.orders.get(order, ())
        )  # fmt: skip
        self.watch.put(order, self.orders[order])

    @rule(seconds=st.integers(0, 60), dies=st.booleans())
    def look(self, seconds: int, dies: bool) -> None:
        self.now += seconds
        for order, held in self.orders.items():
            for one in held:
                reached = level(one, self.now)
                self.seen |= {crossing_id(order, one, each) for each in Level if Level.FINE < each <= reached}
        found = self.watch.crossed(self.now)
        assert [one.at for one in found] == sorted(one.at for one in found)
        if dies:  # before it was stored: nobody was told
            self.restart()
            found = self.watch.crossed(self.now)
        self.stored.extend(one.crossing_id for one in found)

    @rule()
    def restart(self) -> None:
        self.watch = ClockWatch()
        for order, held in self.orders.items():
            self.watch.put(order, held, told=self.stored)

    @invariant()
    def everything_is_told_once(self) -> None:
        assert len(self.stored) == len(set(self.stored))
        assert set(self.stored) == self.seen

    @invariant()
    def the_next_look_is_not_too_late(self) -> None:
        moment = self.watch.next_at()
        coming = [
            when
            for held in self.orders.values()
            for one in held
            if one.running
            for when in (one.near_at, one.due, grave_at(one))
            if when > self.now
        ]
        assert moment is not None or not coming
        assert moment is None or not coming or moment <= min(coming)


TestRestarts = Restarts.TestCase
TestRestarts.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
