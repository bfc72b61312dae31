"""What the store gives back: orders as kept, their events, and pages of a list."""

from __future__ import annotations

from dataclasses import dataclass, field

from orders.course_messages import CourseState, Supervision
from orders.messages import Channel, Draft, OrderEvent, OrderState, Solved


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A work order as it stands in the database. Times are epoch seconds."""

    draft: Draft  # fields with provenance, state, version
    caller: str  # the number that called
    agent: str  # login of who touched it last, "" while only the machine did
    created_at: float  # opened
    updated_at: float  # last change
    number: str = ""  # 工单编号, given when submitted: YYYYMMDD and at least six digits
    closed_at: float | None = None  # submitted or discarded
    reason: str = ""  # of a discarded order


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """One stored event of an order, with its place in the hash chain."""

    order_id: str  # whose
    seq: int  # 1 for the first; the order's version after it
    event_id: str  # unique over all orders; the same id is never stored twice
    at: float  # epoch seconds
    event: OrderEvent  # what happened
    actor: str  # login, "machine" or "call"
    hash: str  # SHA-256 over the event and the hash before it, hexadecimal
    erased: bool = False  # personal data was taken out of it (`orders.messages.DataErased`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The orders that are open to somebody (row-level access); what is None is not asked about."""

    units: frozenset[str] | None = None  # one of these leads the order, or has a joint part in it
    districts: frozenset[str] | None = None  # the matter is in one of these 区县
    own: str = ""  # what this login touched last is open in every district
    covered: frozenset[str] = frozenset()  # values of 保密要求: such orders are not found by who it was

    @property
    def cuts(self) -> bool:
        """Whether there may be orders that are not open."""
        return self.units is not None or self.districts is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders to list; everything left out does not matter."""

    state: OrderState | None = None  # only these
    text: str = ""  # somewhere in number, phones, title, content, place, contact; at most 100 characters
    since: float | None = None  # opened at or after, epoch seconds
    until: float | None = None  # opened before, epoch seconds
    agent: str = ""  # touched last by this login
    visited: bool | None = None  # with (or without) answers of a return visit
    solved: Solved | None = None  # what the citizen said last, if it counts, whichever way
    course: tuple[CourseState, ...] = ()  # accepted, and now in one of these
    lead: str = ""  # led by this unit
    due_before: float | None = None  # its next clock is over before, epoch seconds: with now, what is late
    due_after: float | None = None  # its next clock is not over before; with `near_before`: near alone
    near_before: float | None = None  # its next clock is near before, epoch seconds: with now, near and late
    supervised: Supervision | None = None  # watched at least like this
    channel: Channel | None = None  # came this way
    category: str = ""  # of this category or below it (a path)
    district: str = ""  # of this 区县
    sight: Sight | None = None  # only what is open to whoever asks; None: everything
    page: int = 1  # from 1 to 10,000
    size: int = 20  # orders a page, 1 to 100
    after: str = ""  # `OrderPage.next` of the page before; quick at any depth, `page` is 1 then


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """One page of orders, newest first."""

    total: int  # orders that match; when it is not `exact`, at least so many
    page: int  # which page this is
    size: int  # orders a page
    orders: tuple[Order, ...] = field(default_factory=tuple)  # of this page
    exact: bool = True  # whether `total` is all of them
    unreadable: int = 0  # of this page's, those that are left out because their row cannot be read
    next: str = ""  # gives the page after this one (`OrderFilter.after`), "" when this is the last one
