"""What the store gives back: orders as kept, their events, and pages of a list."""

from __future__ import annotations

from dataclasses import dataclass, field

from orders.messages import Draft, OrderEvent, OrderState, Solved


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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders to list; everything left out does not matter."""

    state: OrderState | None = None  # only these
    text: str = ""  # somewhere in number, phones, title, content, place, contact; at most 100 characters
    since: float | None = None  # opened at or after, epoch seconds
    until: float | None = None  # opened before, epoch seconds
    agent: str = ""  # touched last by this login
    visited: bool | None = None  # with (or without) answers of a return visit
    solved: Solved | None = None  # what was answered there
    page: int = 1  # from 1 to 10,000
    size: int = 20  # orders a page, 1 to 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """One page of orders, newest first."""

    total: int  # orders that match
    page: int  # which page this is
    size: int  # orders a page
    orders: tuple[Order, ...] = field(default_factory=tuple)  # of this page
