"""What policy says about citizens who joined (并单市民): none is forgotten, one bad rating counts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orders.course_events import CourseEvent, JoinedRated, OrderRated
from orders.course_messages import SYSTEM, Course, CourseState
from orders.errors import CourseRefused
from orders.messages import LinkKind, OrderLink
from orders.order_links import link_to
from orders.records import Order

__all__ = ["check_alone", "check_joined", "numbered", "shared"]

WORDS_MAX = 1000


def check_alone(order: Order) -> None:
    """Let an order be withdrawn only while no other citizen's matter is part of it. Raises CourseRefused."""
    joined = sum(1 for link in order.draft.links if link.kind is LinkKind.JOINED)
    if joined:
        raise CourseRefused(
            f"{joined} other citizens joined this order; part them first",
            shown=f"另有 {joined} 位市民的诉求并入本工单，不能撤单。请先在并入的工单上撤销并单后再撤单，"
            "或继续办理、统一答复",
        )


def check_joined(order: Order, event: JoinedRated) -> OrderLink:
    """Let only citizens rate who joined; return the link to theirs. Raises CourseRefused."""
    link = link_to(order.draft, event.other)
    if link is None or link.kind is not LinkKind.JOINED:
        raise CourseRefused("rated by a citizen who did not join", shown="这位市民的诉求没有并入本工单")
    return link


def numbered(order: Order, event: JoinedRated) -> JoinedRated:
    """Return the rating with the 工单编号 of the joined order, as its link has it. Raises CourseRefused."""
    return replace(event, number=check_joined(order, event).number)


def shared(event: CourseEvent, course: Course) -> Iterator[OrderRated]:
    """Yield the order's rating that a joined citizen's bad one becomes; `course` is after `event`.

    None when the order waits for the redo of a bad rating of this round already.
    """
    if not (isinstance(event, JoinedRated) and event.bad):
        return
    own = course.rating
    known = own is not None and own.round == course.round and own.bad and own.counts
    if known and course.state is CourseState.RATED:
        return
    yield OrderRated(
        result=event.result,
        service=event.service,
        solved=event.solved,
        bad=True,
        by=SYSTEM,
        words=f"并单市民：{event.words}"[:WORDS_MAX] if event.words else "并单市民评价",
    )
