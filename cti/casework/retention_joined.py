"""Citizens who joined other orders (并单) and whose own time has come: where their data stands still."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from orders.erasure import ERASED, What
from orders.erasure_joined import JOINED
from orders.link_tables import order_links
from orders.messages import LinkKind
from orders.retention import RetentionPolicy
from orders.retention_tables import order_erasures, order_holds
from orders.tables import orders

__all__ = ["JoinedCitizen", "Planned", "joined_citizens", "planned_of"]


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What has to go of one order."""

    order_id: str
    number: str  # 工单编号, "" for none
    rule: str  # id of the rule
    title: str  # of the rule
    what: tuple[str, ...]  # person, words, call; joined: of a citizen whose own order lost it
    ended_at: float  # epoch seconds


class JoinedCitizen(msgspec.Struct, frozen=True, kw_only=True):
    """One citizen of whom an order still knows who they were."""

    order_id: str  # the order that took them up
    other: str  # their own order, which lost its personal data
    rule: str  # id of the rule by which it did
    basis: str  # the law, as the rule names it


async def joined_citizens(
    connection: AsyncConnection, policy: RetentionPolicy, going: Mapping[str, str]
) -> tuple[JoinedCitizen, ...]:
    """Return those whose order has lost its personal data, or is in `going` (order -> rule) to lose it now.

    Orders that are held keep everything, also of others.
    """
    basis = {rule.id: rule.basis for rule in policy.rules}
    columns = (order_links.c.caller, order_links.c.contact, order_links.c.phone)
    query = (
        select(order_links.c.order_id, order_links.c.other, order_erasures.c.rule)
        .outerjoin(
            order_erasures,
            (order_erasures.c.order_id == order_links.c.other) & (order_erasures.c.what == What.PERSON.value),
        )
        .where(
            order_links.c.kind == LinkKind.JOINED.value,
            or_(*(column.not_in(("", ERASED)) for column in columns)),
            order_links.c.order_id.not_in(select(order_holds.c.order_id)),
        )
        .order_by(order_links.c.order_id, order_links.c.other)
    )
    found: list[JoinedCitizen] = []
    for row in await connection.execute(query):
        rule = row.rule or going.get(row.other, "")
        if rule:
            found.append(
                JoinedCitizen(order_id=row.order_id, other=row.other, rule=rule, basis=basis.get(rule, rule))
            )
    return tuple(found)


async def planned_of(
    connection: AsyncConnection, policy: RetentionPolicy, one: JoinedCitizen
) -> Planned | None:
    """Return what is told of it, None when the order is not there."""
    row = (await connection.execute(select(orders).where(orders.c.id == one.order_id))).one_or_none()
    if row is None:
        return None
    title = next((rule.title for rule in policy.rules if rule.id == one.rule), one.rule)
    return Planned(
        order_id=one.order_id, number=row.number or "", rule=one.rule, title=title, what=(JOINED,),
        ended_at=row.updated_at,
    )  # fmt: skip
