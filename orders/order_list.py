"""Lists of orders that stay quick when there are many: newest first, by filter, by word, by who may see them.

A page is found by walking an index in the order of the list until it is full; the next page goes on from the
place of its last order. Words are looked up in the index of grams when few orders have them; a word that many
have is soon met on the walk. Who may see the orders of some units walks the units' own lists. Counting has an
end (`orders.order_counts`); beyond it is said that there are more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from orders.errors import ValueRefused
from orders.lifecycle import MAX_ID
from orders.link_tables import with_links
from orders.order_counts import COUNT_MOST, SMALL, counted
from orders.order_ways import Place, newest_of_each, way_to
from orders.records import Order, OrderFilter, OrderPage
from orders.rows import below, check_filter
from orders.search_tables import few_have, rows_about
from orders.search_text import words_of
from orders.tables import orders
from orders.unreadable import Unreadable

__all__ = ["list_page"]


async def list_page(connection: AsyncConnection, which: OrderFilter, unreadable: Unreadable) -> OrderPage:
    """Return one page of the orders that match, but for those whose row cannot be read.

    Raises:
        ValueRefused: page, size, text or place out of bounds.
    """
    check_filter(which)
    after = _read(which.after) if which.after else None
    if connection.dialect.name == "postgresql":  # one plan for rare and for common values fits neither
        await connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    words = words_of(which.text)
    few = bool(words) and await few_have(connection, words)
    leaf = bool(which.category) and await _is_leaf(connection, which.category)
    way = way_to(which, few=few, leaf=leaf, dialect=connection.dialect.name)
    skipped = (which.page - 1) * which.size
    if way.units is not None and connection.dialect.name == "postgresql":
        query = newest_of_each(sorted(way.units), after, skipped + which.size + 1)
    else:
        query = way.newest(after)
    if way.few and after is None:
        query = query.add_columns(func.count().over().label("total"))
    rows = (await connection.execute(query.limit(which.size + 1).offset(skipped))).all()
    shown = [row.id for row in rows[: which.size]]
    whole = await _whole(connection, shown, unreadable)
    page = OrderPage(
        total=skipped + len(rows),
        page=which.page,
        size=which.size,
        orders=whole,
        unreadable=len(shown) - len(whole),
        next=f"{rows[which.size - 1].created_at!r}~{shown[-1]}" if len(rows) > which.size else "",
    )
    if after is None and not page.next and (rows or not skipped):
        return page
    if way.few and after is None and rows:
        return replace(page, total=rows[0].total)
    if way.many and await rows_about(connection) > SMALL:
        return replace(page, exact=False)
    # without the id, which many an index does not hold
    total = await counted(connection, way.found.with_only_columns(way.created_at))
    if total is None or total > COUNT_MOST:
        return replace(page, total=max(min(total or 0, COUNT_MOST), page.total), exact=False)
    return replace(page, total=total)


async def _is_leaf(connection: AsyncConnection, category: str) -> bool:
    some = select(orders.c.category).where(below(category, connection.dialect.name)).limit(1)
    return await connection.scalar(some) is None


def _read(written: str) -> Place:
    at, mark, order_id = written.partition("~")
    try:
        if mark and 1 <= len(order_id) <= MAX_ID and len(at) <= 32:
            return Place(float(at), order_id)
    except ValueError:
        pass
    raise ValueRefused(
        "after is no place in a list; give `next` of the page before",
        shown="翻页位置无效，请从第一页开始",
    )


async def _whole(
    connection: AsyncConnection, ids: Sequence[str], unreadable: Unreadable
) -> tuple[Order, ...]:
    if not ids:
        return ()
    rows = await connection.execute(select(orders).where(orders.c.id.in_(ids)))
    by_id = {order.draft.order_id: order for order in unreadable.orders(rows)}
    return await with_links(connection, [by_id[one] for one in ids if one in by_id])
