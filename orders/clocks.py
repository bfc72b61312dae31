"""The clocks (时限) that a move of an order starts, pauses, resumes and extends. Pure.

Rules and calendar are asked when something happens, never when it is replayed: what they say is put
into the event (`stamped`), or into events of the system that follow it at once (`following`). Which
clocks an event stops is no policy; `orders.course_clocks` knows it. A clock that was paused goes on
with the time that it had left, of working time if that is what its span counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from orders.clock_rules import KINDS, ClockRules, Facts, Limit, LimitRule, Pause, Starts
from orders.clock_spans import moved, near_at
from orders.course_clocks import found
from orders.course_events import (
    AnsweredDirectly,
    AppealRaised,
    ClockPaused,
    ClockResumed,
    ClocksSet,
    CourseEvent,
    DisputeRaised,
    DisputeRuled,
    FeedbackReviewed,
    JointSet,
    OrderDispatched,
    OrderSigned,
    RedoOrdered,
    ReturnRuled,
)
from orders.course_messages import SYSTEM, Clock, ClockKind, Course, CourseState
from orders.course_table import ENDED
from orders.errors import CourseRefused
from orders.workdays import Workdays

__all__ = ["Timekeeper", "of_course"]

Carrier = OrderDispatched | DisputeRuled | JointSet | ReturnRuled | DisputeRaised | RedoOrdered | AppealRaised
"""Events that bring clocks along."""
K = ClockKind
S = Starts
_BEFORE_DISPATCH = (S.RECEIVED, S.ACCEPTED)
_ROUND = (Limit.RESOLVE, Limit.TRACK, Limit.CLOSE)
"""Limits that go on when another unit gets the order."""
_HOLDING: Mapping[CourseState, Pause] = MappingProxyType(
    {
        CourseState.RETURNED: Pause.RETURN,
        CourseState.DISPUTED: Pause.DISPUTE,
        CourseState.APPEALED: Pause.APPEAL,
    }
)
_OF_UNITS = frozenset({K.SIGN, K.CONTACT, K.RESOLVE})
"""Limits of units: they stand in an appeal, whatever the rules say, as nobody may do anything then."""
_REASONS: Mapping[Pause, str] = MappingProxyType(
    {Pause.RETURN: "退单待裁", Pause.DISPUTE: "职责争议待裁", Pause.APPEAL: "申诉待裁"}
)


class Timekeeper:
    """Rules and calendar together: what clocks become when something happens to an order.

    Of the facts that its methods are given, `unit` and `redo` are taken from the course.
    """

    def __init__(self, rules: ClockRules, days: Workdays) -> None:
        self.rules = rules
        self.days = days

    def accepted(self, facts: Facts, at: float) -> ClocksSet | None:
        """The clocks of an order that is accepted at `at`; None when no rule sets any."""
        limits = (Limit.ACCEPT, Limit.DISPATCH, Limit.CONTACT, *_ROUND)
        clocks = self._set(limits, _BEFORE_DISPATCH, replace(facts, accepted_at=at), at)
        return ClocksSet(clocks=clocks, reason="受理", by=SYSTEM) if clocks else None

    def stamped(self, event: CourseEvent, course: Course, facts: Facts, at: float) -> CourseEvent:
        """The event with the clocks that it starts beside those that it has already; `course` is before it.

        `OrderReturned` needs its clock when it is made: see `ruling`.
        """
        if not isinstance(event, Carrier):
            return event
        fresh = self._fresh(event, course, of_course(facts, course), max(at, course.touched_at))
        given = {(clock.kind, clock.unit) for clock in event.clocks}
        added = tuple(clock for clock in fresh if (clock.kind, clock.unit) not in given)
        return replace(event, clocks=(*event.clocks, *added))

    def ruling(self, course: Course, facts: Facts, at: float) -> Clock:
        """Until when a return that is made at `at` has to be ruled (`OrderReturned.clock`).

        Raises:
            CourseRefused: no rule in force says so.
        """
        at = max(at, course.touched_at)
        clocks = self._set((Limit.RULING,), (S.RETURNED,), of_course(facts, course), at)
        if not clocks:
            raise CourseRefused(
                "no rule sets the limit `ruling` for this order; add it to the general rule",
                shown="时限规则没有规定退单裁定时限，请管理员补充",
            )
        return clocks[0]

    def following(
        self, event: CourseEvent, before: Course, after: Course, facts: Facts
    ) -> tuple[ClocksSet | ClockPaused | ClockResumed, ...]:
        """What the system does to the clocks right after the event, in this order, at its time.

        `before` and `after` are the course before and after the event.
        """
        if after.state in ENDED:
            return ()
        at, facts = after.touched_at, of_course(facts, after)
        clocks: tuple[Clock, ...] = ()
        if isinstance(event, OrderSigned) and event.unit == after.lead:
            clocks = self._signed(facts, before, after, at)
        elif isinstance(event, AnsweredDirectly) or (isinstance(event, FeedbackReviewed) and event.passed):
            clocks = self._set((Limit.TRACK, Limit.CLOSE), (S.REVIEWED,), facts, at)
        steps: list[ClocksSet | ClockPaused | ClockResumed] = []
        if clocks:
            steps.append(ClocksSet(clocks=clocks, reason="按时限规则", by=SYSTEM))
        if after.state is not before.state:
            steps.extend(self._resumes(before, after, facts, at))
            steps.extend(self._pauses(after, facts, at))
        return tuple(steps)

    def resumed(self, clock: Clock, at: float) -> tuple[float, float]:
        """When a paused clock that goes on at `at` ends, and is nearly over; never before it did already.

        Raises:
            CourseRefused: it is not paused.
        """
        if clock.paused_at is None:
            raise CourseRefused("the clock is not paused", shown="时限没有中止，不能恢复")
        at = max(at, clock.paused_at)
        end, near = (moved(clock, moment, at, self.days) for moment in (clock.due, clock.near_at))
        return end, min(near, end)

    def extended(self, course: Course, workdays: int, facts: Facts, at: float) -> tuple[float, float]:
        """When the resolve clock ends, and is nearly over, after so many working days more.

        They are counted from the old end, when that is over already from `at`.

        Raises:
            CourseRefused: there is no such clock, or its rule does not allow so many (any more).
        """
        clock, before = found(course, K.RESOLVE), course.extended
        if clock is None:
            raise CourseRefused("no resolve clock to extend", shown="这张工单没有办理时限，不需要延期")
        limit = self._rule_of(clock, of_course(facts, course), at)
        times, most = (limit.extend_times, limit.extend_days) if limit is not None else (0, 0)
        if limit is None or len(before) >= times:
            allowed = f"最多延期 {times} 次，已延期 {len(before)} 次" if times else "不能延期"
            raise CourseRefused(
                f"rule {clock.rule!r} allows {times} extensions, {len(before)} were granted",
                shown=f"按时限规则，这张工单{allowed}",
            )
        left = most - sum(before)
        if not 1 <= workdays <= left:
            raise CourseRefused(
                f"rule {clock.rule!r} allows {left} working days more, not {workdays}",
                shown=f"按时限规则，延期应为 1 到 {left} 个工作日" if left > 0 else "延期天数已用完",
            )
        end = self.days.add_days(max(clock.due, at), workdays)
        return end, near_at(limit.near, clock.started, end, limit.span.working, self.days)

    def limit(self, limit: Limit, facts: Facts, at: float) -> Clock | None:
        """The clock of one limit as if what it is counted from happened at `at`; None without a rule."""
        return self._clock(limit, tuple(Starts), facts, at, "")

    def may_pause(self, clock: Clock, course: Course, facts: Facts, at: float) -> bool:
        """Whether people may pause the clock."""
        limit = self._rule_of(clock, of_course(facts, course), at)
        return limit is not None and Pause.HAND in limit.pauses

    def _fresh(self, event: Carrier, course: Course, facts: Facts, at: float) -> tuple[Clock, ...]:
        if isinstance(event, OrderDispatched | DisputeRuled):
            return self._sent(replace(facts, unit=event.lead), course, event, at)
        if isinstance(event, JointSet):
            known = {joint.unit for joint in course.joint}
            return self._joint([unit for unit in event.joint if unit not in known], facts, at)
        if isinstance(event, ReturnRuled):
            now = replace(facts, received_at=None, accepted_at=None, unit="")
            return self._set((Limit.DISPATCH,), _BEFORE_DISPATCH, now, at) if event.accepted else ()
        if isinstance(event, DisputeRaised):
            return self._set((Limit.RULING,), (S.RETURNED,), facts, at)
        if isinstance(event, AppealRaised):
            return self._set((Limit.APPEAL,), (S.APPEALED,), facts, at)
        return self._redone(facts, course, at)

    def _set(
        self, limits: Iterable[Limit], starts: Sequence[Starts], facts: Facts, at: float, unit: str = ""
    ) -> tuple[Clock, ...]:
        """Clocks of those of the limits that are counted from one of `starts`."""
        clocks = (self._clock(limit, starts, facts, at, unit) for limit in limits)
        return tuple(clock for clock in clocks if clock is not None)

    def _clock(
        self, limit: Limit, starts: Sequence[Starts], facts: Facts, at: float, unit: str
    ) -> Clock | None:
        date = self.days.date(at)
        chosen = self.rules.chosen(limit, facts, date)
        if chosen is None or chosen[1].starts not in starts:
            return None
        ends = []
        for rule, given in (chosen, *self.rules.ceilings(limit, facts, date)):
            start = facts.began(given.starts, at)
            ends.append((given.span.end(start, self.days), start, rule, given))
        due, start, rule, given = min(ends, key=lambda one: one[0])
        return Clock(
            kind=KINDS[limit],
            started=start,
            due=due,
            near_at=near_at(given.near, start, due, given.span.working, self.days),
            unit=unit,
            rule=rule.rule_id,
            span=str(given.span),
        )

    def _sent(
        self, facts: Facts, course: Course, event: OrderDispatched | DisputeRuled, at: float
    ) -> tuple[Clock, ...]:
        limits = [Limit.SIGN, Limit.CONTACT]
        if isinstance(event, OrderDispatched):  # who has it by ruling does not return it
            limits.append(Limit.RETURN)
        for limit in _ROUND:
            anew = event.lead != _had_it(course) and self._restarts(limit, facts, at)
            if anew or found(course, KINDS[limit]) is None:
                limits.append(limit)
        fresh = self._set(limits, (S.DISPATCHED,), facts, at)
        contact = found(course, K.CONTACT)
        if contact is not None and contact.stopped is None and not any(c.kind is K.CONTACT for c in fresh):
            # counted from before the dispatch, which would stop it: it goes on as it was
            fresh += (replace(contact, paused_at=None, paused_s=0.0),)
        return (*fresh, *self._joint(event.joint, facts, at))

    def _joint(self, units: Iterable[str], facts: Facts, at: float) -> tuple[Clock, ...]:
        limits = (Limit.SIGN, Limit.JOINT)
        return tuple(clock for unit in units for clock in self._set(limits, (S.DISPATCHED,), facts, at, unit))

    def _redone(self, facts: Facts, course: Course, at: float) -> tuple[Clock, ...]:
        facts = replace(facts, redo=True, received_at=None, accepted_at=None)
        unit = (Limit.SIGN, Limit.CONTACT) if course.lead else (Limit.DISPATCH,)
        fresh = self._set((*unit, *_ROUND), (*_BEFORE_DISPATCH, S.DISPATCHED), facts, at)
        return (*fresh, *self._joint((joint.unit for joint in course.joint), facts, at))

    def _signed(self, facts: Facts, before: Course, after: Course, at: float) -> tuple[Clock, ...]:
        limits = [Limit.RETURN] if before.state is CourseState.DISPATCHED else []
        for limit in (Limit.CONTACT, Limit.RESOLVE):
            clock = found(after, KINDS[limit])
            anew = clock is not None and clock.started < before.since and self._restarts(limit, facts, at)
            if clock is None or clock.stopped is not None or anew:
                limits.append(limit)
        return self._set(limits, (S.SIGNED,), facts, at)

    def _restarts(self, limit: Limit, facts: Facts, at: float) -> bool:
        chosen = self.rules.chosen(limit, facts, self.days.date(at))
        return chosen is not None and chosen[1].restarts

    def _pauses(self, after: Course, facts: Facts, at: float) -> Iterator[ClockPaused]:
        pause = _HOLDING.get(after.state)
        for clock in after.clocks:
            if clock.running and pause and self._stands(clock, pause, facts, at):
                yield ClockPaused(kind=clock.kind, unit=clock.unit, reason=_REASONS[pause], by=SYSTEM)

    def _resumes(self, before: Course, after: Course, facts: Facts, at: float) -> Iterator[ClockResumed]:
        """Those that stood for a ruling; what a person paused, a person lets go on."""
        held = {one.at for one in (*before.returns, before.dispute, before.appeal) if one is not None}
        pause = _HOLDING.get(after.state)
        for clock in after.clocks:
            if clock.paused_at not in held or (pause and self._stands(clock, pause, facts, at)):
                continue
            end, near = self.resumed(clock, at)
            yield ClockResumed(
                kind=clock.kind, unit=clock.unit, due=end, near_at=near, reason="已裁定", by=SYSTEM
            )

    def _stands(self, clock: Clock, pause: Pause, facts: Facts, at: float) -> bool:
        if clock.kind in (K.RETURN, K.APPEAL):
            return False
        if pause is Pause.APPEAL and clock.kind in _OF_UNITS:
            return True
        limit = self._rule_of(clock, facts, at)
        return limit is not None and pause in limit.pauses

    def _rule_of(self, clock: Clock, facts: Facts, at: float) -> LimitRule | None:
        """The rule that set the clock; when that is gone, the one that would set it now."""
        limit = Limit.JOINT if clock.kind is K.RESOLVE and clock.unit else Limit(clock.kind.value)
        rule = self.rules.rule(clock.rule)
        if rule is not None and limit in rule.limits:
            return rule.limits[limit]
        chosen = self.rules.chosen(limit, facts, self.days.date(at))
        return chosen[1] if chosen is not None else None


def _had_it(course: Course) -> str:
    """The unit that has it, or had it last."""
    return course.lead or (course.returns[-1].unit if course.returns else "")


def of_course(facts: Facts, course: Course) -> Facts:
    """The facts with unit and round as the course says."""
    if course.round == 1:
        return replace(facts, unit=course.lead, redo=False)
    return replace(facts, unit=course.lead, redo=True, received_at=None, accepted_at=None)
