"""How each event of an order's course changes what is counted of it. Pure; see `orders.assessment_marks`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from orders import course_events as happened
from orders import lifecycle
from orders.assessment_marks import Book, Kind, Mark, Void
from orders.course_answer import LEVELS
from orders.course_clocks import found
from orders.course_messages import Clock, ClockKind, Course, CourseState, Solved
from orders.messages import Draft, MergeUndone, OrderEvent

__all__ = ["after", "marks_of"]

K = Kind
C = ClockKind
_SOLVED = {Solved.NO: 0, Solved.PARTLY: 1, Solved.YES: 2}
_TRACKED: Mapping[tuple[ClockKind, bool], Kind] = MappingProxyType(
    {
        (C.DISPATCH, False): K.DISPATCH,
        (C.SIGN, False): K.SIGN,
        (C.SIGN, True): K.JOINT_SIGN,
        (C.CONTACT, False): K.CONTACT,
        (C.RESOLVE, False): K.RESOLVE,
        (C.RESOLVE, True): K.JOINT,
    }
)
"""Kind of clock, whether a joint unit's -> what is counted."""
_FULFILS: Mapping[Kind, tuple[type[OrderEvent], ...]] = MappingProxyType(
    {
        K.DISPATCH: (happened.OrderDispatched, happened.DisputeRuled, happened.AnsweredDirectly),
        K.SIGN: (happened.OrderSigned, happened.OrderReturned),
        K.JOINT_SIGN: (happened.OrderSigned,),
        K.CONTACT: (happened.ContactMade, happened.FedBack),
        K.RESOLVE: (happened.FedBack,),
        K.JOINT: (happened.JointAnswered,),
    }
)
"""What each limit waits for; a clock that something else stops is not owed any more."""


def marks_of(events: Iterable[tuple[OrderEvent, float]]) -> Mapping[str, Mark]:
    """Return the marks of an order by key, from all of its events with their times. Raises OrderError."""
    draft: Draft | None = None
    marks: Mapping[str, Mark] = {}
    for event, at in events:
        before, draft = draft, lifecycle.apply(draft, event, at)
        if draft.course is not None:
            marks = after(marks, None if before is None else before.course, event, draft.course)
    return marks


def after(
    marks: Mapping[str, Mark], before: Course | None, event: OrderEvent, course: Course
) -> Mapping[str, Mark]:
    """Return the marks after an event that made `course` out of `before` (None: it was just accepted)."""
    if course == before:
        return marks
    book, at = Book(marks.values()), course.touched_at
    sent_before = book.stint
    if before is None:
        book.put(Mark(key=f"{K.ACCEPTED}:1", kind=K.ACCEPTED, unit="", at=at))
    else:
        step = _STEPS.get(type(event))
        if step is not None:
            step(book, before, event, course, at)
        _returns(book, before, course, at)
        _card(book, before, course, at)
        _finished(book, before, course, at)
    for clock in course.clocks:
        _clock(book, before, event, course, clock, sent_before)
    if before is not None and course.state is not before.state:
        if course.state is CourseState.WITHDRAWN:
            book.void(Void.WITHDRAWN)
        elif course.state is CourseState.MERGED:
            book.void(Void.MERGED)
    return book.marks


def _clock(
    book: Book, before: Course | None, event: OrderEvent, course: Course, clock: Clock, sent_before: int
) -> None:
    kind = _TRACKED.get((clock.kind, bool(clock.unit)))
    unit = clock.unit or course.lead
    if kind is None or (kind is not K.DISPATCH and not unit):
        return
    stint = sent_before if kind is K.DISPATCH else book.stint
    key = f"{kind}:{stint}.{course.round}" + (f":{clock.unit}" if clock.unit else "")
    late_key = f"{K.OVERDUE}:{stint}.{course.round}"
    mark, at = book.get(key), course.touched_at
    prior = None if before is None else found(before, clock.kind, clock.unit)
    if clock == prior and mark is not None:
        return
    if clock.stopped is not None:
        if mark is None or (prior is not None and prior.stopped is not None):
            return
        if isinstance(event, _FULFILS[kind]):
            done = clock.stopped
            book.put(replace(mark, at=min(done, clock.due), score=int(done <= clock.due)))
            if kind is K.RESOLVE and done > clock.due:
                book.put(Mark(key=late_key, kind=K.OVERDUE, unit=unit, at=done, since=clock.due, until=done))
        elif not mark.decided(at):
            book.drop(key)
        return
    if mark is None and clock.due < at:
        return  # over before this unit had it: not theirs to keep
    stands = clock.paused_at is not None and clock.paused_at <= clock.due
    owner = "" if kind is K.DISPATCH else unit
    void = Void.NONE if mark is None else mark.void
    book.put(
        Mark(
            key=key, kind=kind, unit=owner, at=None if stands else clock.due, score=0, since=clock.started,
            void=void,
        )
    )  # fmt: skip
    if kind is K.RESOLVE:
        book.drop(late_key)


# ---------------------------------------------------------------- steps


def _sent(
    book: Book,
    before: Course,
    event: happened.OrderDispatched | happened.DisputeRuled,
    course: Course,
    at: float,
) -> None:
    taken_back = before.state is CourseState.RETURNED or isinstance(event, happened.DisputeRuled)
    book.leave(at, Void.RETURN if taken_back and event.lead != before.lead else Void.NONE)
    place = book.stint + 1
    book.put(Mark(key=f"{K.SENT}:{place}", kind=K.SENT, unit=event.lead, at=at, score=0))


def _returned(book: Book, before: Course, event: happened.OrderReturned, course: Course, at: float) -> None:
    sent = book.get(f"{K.SENT}:{book.stint}")
    if sent is not None:
        book.put(replace(sent, score=1))


def _return_ruled(book: Book, before: Course, event: happened.ReturnRuled, course: Course, at: float) -> None:
    if event.accepted:
        book.leave(at, Void.RETURN)


def _answered(
    book: Book, before: Course, event: happened.AnsweredDirectly, course: Course, at: float
) -> None:
    opened = book.get(f"{K.REDO}:{course.round}") or book.get(f"{K.ACCEPTED}:1")
    since = at if opened is None or opened.at is None else opened.at
    book.put(Mark(key=f"{K.HANDLED}:{course.round}", kind=K.HANDLED, unit="", at=at, since=since, until=at))


def _reviewed(
    book: Book, before: Course, event: happened.FeedbackReviewed, course: Course, at: float
) -> None:
    if not event.passed or course.feedback is None:
        return
    since, until = book.begun(course.round), course.feedback.at
    book.put(
        Mark(
            key=f"{K.HANDLED}:{course.round}", kind=K.HANDLED, unit=course.lead, at=at,
            since=until if since is None else min(since, until), until=until,
        )
    )  # fmt: skip


def _rated(book: Book, before: Course, event: happened.OrderRated, course: Course, at: float) -> None:
    turn = course.round
    scores = {
        K.RATED: int(event.bad),
        K.RESULT: event.result,
        K.SERVICE: event.service,
        K.SOLVED: None if event.solved is None else _SOLVED[event.solved],
    }
    for kind, score in scores.items():
        if score is None:
            book.drop(f"{kind}:{turn}")
        else:
            book.put(Mark(key=f"{kind}:{turn}", kind=kind, unit=course.lead, at=at, score=score))


def _redone(book: Book, before: Course, event: happened.RedoOrdered, course: Course, at: float) -> None:
    rating = book.get(f"{K.RATED}:{before.round}")
    if rating is not None:
        book.put(replace(rating, score=(rating.score or 0) | 2))
    book.put(Mark(key=f"{K.REDO}:{course.round}", kind=K.REDO, unit=course.lead, at=at))


def _appealed(book: Book, before: Course, event: happened.AppealRaised, course: Course, at: float) -> None:
    book.put(Mark(key=f"{K.APPEAL}:{book.count(K.APPEAL) + 1}", kind=K.APPEAL, unit=event.unit, at=at))


def _appeal_ruled(book: Book, before: Course, event: happened.AppealRuled, course: Course, at: float) -> None:
    unit = course.lead if course.appeal is None else course.appeal.unit
    key = f"{K.APPEAL_RULED}:{book.count(K.APPEAL_RULED) + 1}"
    book.put(Mark(key=key, kind=K.APPEAL_RULED, unit=unit, at=at, score=int(event.upheld)))
    if not event.upheld or course.rating is None:
        return
    turn = course.rating.round
    keys = [f"{kind}:{turn}" for kind in (K.RATED, K.RESULT, K.SERVICE, K.SOLVED)]
    for one in (*keys, f"{K.REDO}:{turn + 1}"):
        mark = book.get(one)
        if mark is not None:
            book.put(replace(mark, void=Void.APPEAL))


def _unmerged(book: Book, before: Course, event: MergeUndone, course: Course, at: float) -> None:
    book.restore(Void.MERGED)


_STEPS: Mapping[type[OrderEvent], Callable[[Book, Course, Any, Course, float], None]] = MappingProxyType(
    {
        happened.OrderDispatched: _sent,
        happened.DisputeRuled: _sent,
        happened.OrderReturned: _returned,
        happened.ReturnRuled: _return_ruled,
        happened.AnsweredDirectly: _answered,
        happened.FeedbackReviewed: _reviewed,
        happened.OrderRated: _rated,
        happened.RedoOrdered: _redone,
        happened.AppealRaised: _appealed,
        happened.AppealRuled: _appeal_ruled,
        MergeUndone: _unmerged,
    }
)


def _returns(book: Book, before: Course, course: Course, at: float) -> None:
    """Returns that were ruled on, by whichever event."""
    for place, one in enumerate(course.returns):
        known = before.returns[place].accepted if place < len(before.returns) else None
        if one.accepted is not None and known is None:
            key = f"{K.RULED}:{place + 1}"
            book.put(Mark(key=key, kind=K.RULED, unit=one.unit, at=at, score=int(one.accepted)))


def _card(book: Book, before: Course, course: Course, at: float) -> None:
    level = LEVELS.index(course.supervision)
    if level > LEVELS.index(before.supervision):
        key = f"{K.CARD}:{book.count(K.CARD) + 1}"
        book.put(Mark(key=key, kind=K.CARD, unit=course.lead or before.lead, at=at, score=level))


def _finished(book: Book, before: Course, course: Course, at: float) -> None:
    if course.closed_at is None:
        if before.closed_at is not None:
            book.drop(f"{K.FINISHED}:1")
    elif before.closed_at is None:
        first = book.get(f"{K.SENT}:1")
        score = None if first is None or not course.lead else int(first.unit == course.lead)
        book.put(Mark(key=f"{K.FINISHED}:1", kind=K.FINISHED, unit=course.lead, at=at, score=score))
