"""What citizens are to be told of their orders (告知): templates, and what an order asks for. Pure.

Which notices an order asks for follows from how it stands alone; each has an id of its own. So whoever looks
at an order again, however often, finds the same notices, and whoever keeps them by their ids keeps each once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import msgspec

from orders.answer_steps import Unasked, answered_at
from orders.course_messages import Course, CourseState
from orders.fields import CONFIDENTIAL, TEXT_ONLY
from orders.joined import joined_to
from orders.lifecycle import value_of
from orders.messages import LinkKind, OrderField, OrderState
from orders.order_links import link_to
from orders.policy_file import PolicyFile, parse_policy, read_policy
from orders.records import Order

__all__ = [
    "SHIPPED", "Due", "NoticePolicy", "Template", "To", "Words", "due_notices", "load_notices",
    "needs_joined", "number_of", "occasions", "parse_notices",
]  # fmt: skip

_JUST_SENT = frozenset({CourseState.DISPATCHED, CourseState.REDO})
SHIPPED = Path(__file__).parent / "data" / "notices.yaml"
NAMES = frozenset({"number", "code", "unit"})
TEXT_MAX = 300


class Template(StrEnum):
    """One occasion."""

    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    ANSWERED = "answered"
    RATE = "rate"
    MERGED = "merged"


class To(StrEnum):
    """Who is told."""

    ALL = "all"
    TEXT_ONLY = "text_only"  # 仅文字
    NOBODY = "nobody"


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is said on one occasion."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_MAX)]  # with {names} of what is filled in
    to: To = To.ALL  # who is told


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePolicy:
    """All of it; see orders/data/notices.yaml."""

    templates: Mapping[Template, Words]
    confidential: bool = False  # citizens of confidential orders are told, too

    def text(self, template: Template, values: Mapping[str, str]) -> str:
        """Return the words of a notice."""
        return self.templates[template].text.format_map(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One notice that an order asks for."""

    notice_id: str  # the same whenever it is found
    template: Template
    at: float  # when what is told of happened, epoch seconds
    other: str = ""  # the joined order whose citizen is told, "" for the order's own


def due_notices(
    order: Order, policy: NoticePolicy, joined: Mapping[str, Order] = MappingProxyType({})
) -> tuple[Due, ...]:
    """Return all notices that the order asks for as it stands, those of before included.

    Each citizen is told, or not, by what they asked for themselves: who joined a confidential order without
    being confidential is told, and the other way round. `joined` are the orders that joined, by id; only who
    asks `needs_joined` has to give them.
    """
    return tuple(due for due in occasions(order) if _told(order, due, policy, joined))


def needs_joined(policy: NoticePolicy) -> bool:
    """Tell whether how a joined citizen wants to be reached has to be known."""
    words = policy.templates.get(Template.MERGED)
    return words is not None and words.to is To.TEXT_ONLY


def occasions(order: Order) -> tuple[Due, ...]:
    """Return all that citizens could be told of the order as it stands, whatever policy says."""
    course = order.draft.course
    if order.draft.state is not OrderState.ACCEPTED or course is None:
        return ()
    return () if course.state is CourseState.WITHDRAWN else tuple(_found(order, course))


def number_of(order: Order, other: str = "") -> str:
    """Return the number that a notice goes to: the order's own citizen's, or a joined one's; "" for none."""
    if not other:
        return value_of(order.draft, OrderField.PHONE) or order.caller
    for link in order.draft.links:
        if link.other == other and link.kind is LinkKind.JOINED:
            return link.phone or link.caller
    return ""


def _told(order: Order, due: Due, policy: NoticePolicy, joined: Mapping[str, Order]) -> bool:
    words = policy.templates.get(due.template)
    if words is None or words.to is To.NOBODY:
        return False
    whose: Order | None = order
    secrecy = value_of(order.draft, OrderField.SECRECY)
    if due.other:
        link, whose = link_to(order.draft, due.other), joined.get(due.other)
        secrecy = "" if link is None else link.secrecy
    if secrecy == CONFIDENTIAL and not policy.confidential:
        return False
    if words.to is To.ALL:
        return True
    return whose is not None and value_of(whose.draft, OrderField.CONTACT_BY) == TEXT_ONLY


def _found(order: Order, course: Course) -> Iterator[Due]:
    order_id, accepted_at = order.draft.order_id, order.closed_at or course.since
    yield Due(notice_id=f"accepted:1:{order_id}", template=Template.ACCEPTED, at=accepted_at)
    if course.lead:
        sent_at = _sent_at(course, accepted_at)
        yield Due(notice_id=f"dispatched:{course.round}:{order_id}", template=Template.DISPATCHED, at=sent_at)
    if not _answered(course):
        return
    answered = answered_at(course)
    yield Due(notice_id=f"answered:{course.round}:{order_id}", template=Template.ANSWERED, at=answered)
    asked = course.visit_id.startswith(f"{Unasked.TEXT_ONLY.value}-")
    if course.state is CourseState.VISITING and asked:
        yield Due(notice_id=f"rate:{course.round}:{order_id}", template=Template.RATE, at=course.since)
    for link in joined_to(order.draft):
        notice_id = f"merged:{course.round}:{order_id}:{link.other}"
        at = max(answered, link.at)
        yield Due(notice_id=notice_id, template=Template.MERGED, at=at, other=link.other)


def _sent_at(course: Course, accepted_at: float) -> float:
    """When the lead got it in this round: by its state, else by the limits that the dispatch set."""
    if course.state in _JUST_SENT:
        return course.since
    return max((clock.started for clock in course.clocks if not clock.unit), default=accepted_at)


def _answered(course: Course) -> bool:
    if course.feedback is None:
        return False
    return not course.feedback.unit or (course.review is not None and course.review.passed)


def load_notices(path: Path = SHIPPED) -> NoticePolicy:
    """Read the templates from a file. Raises PolicyError naming line, key and remedy."""
    return _read(read_policy(path))


def parse_notices(raw: bytes, *, name: str = "notices.yaml") -> NoticePolicy:
    """Read the templates from a text. Raises PolicyError naming line, key and remedy."""
    return _read(parse_policy(raw, name=name))


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    templates: dict[Template, Words]
    confidential: bool = False


def _read(file: PolicyFile) -> NoticePolicy:
    given = file.convert(_File)
    for template, words in given.templates.items():
        try:
            words.text.format_map(dict.fromkeys(NAMES, ""))
        except (KeyError, ValueError, IndexError, AttributeError):
            names = "、".join(f"{{{name}}}" for name in sorted(NAMES))
            raise file.error(f"templates.{template.value}.text", f"fill in only {names}") from None
    return NoticePolicy(templates=given.templates, confidential=given.confidential)
