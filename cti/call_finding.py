"""Which calls a list asks for, as a query.

What narrows a report's row is asked here in the same words, so that the list behind a figure has as many
calls as the figure says: kind, category and district of the first submitted order, and who handled a call.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, exists, or_, select

from cti.call_records import CallFilter
from cti.figures.load import SUBMITTED
from cti.tables import calls, transcript_lines
from orders.tables import orders

__all__ = ["matching"]

NOTHING = ("null", "[]")
"""How the column `parts` says that nothing is known of the agents' shares."""


def matching(which: CallFilter) -> Select[Any]:
    """Return the query of the calls that match; `which` was checked."""
    query = select(calls)
    for column, value in (
        (calls.c.caller, which.caller),
        (calls.c.called, which.called),
        (calls.c.agent_id, which.agent),
        (calls.c.queue, which.queue),
        (calls.c.kind, which.kind.value if which.kind is not None else ""),
        (calls.c.media, which.media),
        (calls.c.outcome, which.outcome.value if which.outcome is not None else ""),
    ):
        if value:
            query = query.where(column == value)
    if which.satisfaction is not None:
        query = query.where(calls.c.satisfaction == which.satisfaction)
    if which.since is not None:
        query = query.where(calls.c.started >= which.since)
    if which.until is not None:
        query = query.where(calls.c.started < which.until)
    if which.category or which.district:
        query = query.where(calls.c.call_id.in_(_about(which)))
    if which.handled:
        query = query.where(_handled_by(which.handled))
    if which.text:
        said = select(transcript_lines.c.call_id).where(
            transcript_lines.c.call_id == calls.c.call_id,
            transcript_lines.c.text.contains(which.text, autoescape=True),
        )
        query = query.where(said.exists())
    return query


def _about(which: CallFilter) -> Select[Any]:
    """Calls whose first submitted order is of this category and district, as figures take them."""
    states = [state.value for state in SUBMITTED]
    order, other = orders.alias(), orders.alias()
    before = and_(
        other.c.call_id == order.c.call_id,
        other.c.state.in_(states),
        or_(
            other.c.created_at < order.c.created_at,
            and_(other.c.created_at == order.c.created_at, other.c.id < order.c.id),
        ),
    )
    query = select(order.c.call_id).where(order.c.state.in_(states), ~exists().where(before))
    if which.district:
        query = query.where(order.c.district == which.district)
    if which.category.endswith("/"):
        above = which.category.removesuffix("/")
        below = order.c.category.startswith(which.category, autoescape=True)
        query = query.where(or_(order.c.category == above, below))
    elif which.category:
        query = query.where(order.c.category == which.category)
    return query


def _handled_by(login: str) -> ColumnElement[bool]:
    """The agent talked with the citizen; `parts` holds a list [login, seconds of talk, …] of each agent."""
    parts = cast(calls.c.parts, String)
    told = parts.contains(f'["{login}", ', autoescape=True)
    silent = parts.contains(f'["{login}", 0.0, ', autoescape=True)
    unknown = or_(calls.c.parts.is_(None), parts.in_(NOTHING))
    return and_(
        calls.c.answered.is_not(None),
        or_(and_(told, ~silent), and_(unknown, calls.c.agent_id == login)),
    )
