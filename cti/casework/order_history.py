"""The whole history of an order as a JSON line: every event with its hashes, so that it can be checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from orders import chain
from orders.bulk import Lived
from orders.chain_check import Stored, faults
from orders.rebuilt import NotReplayed, rebuilt

__all__ = ["HistoryWrong", "history_of", "read_history"]


class HistoryWrong(Exception):
    """The history is none, or its chain does not hold."""

    def __init__(self, shown: str) -> None:
        super().__init__("a history cannot be taken")
        self.shown = shown


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    order_id: str
    seq: int
    event_id: str
    at: float
    kind: str
    data: str
    actor: str
    prev_hash: str
    hash: str
    salt: str = ""
    data_hash: str = ""


def history_of(rows: Sequence[Stored]) -> list[dict[str, Any]]:
    """Return an order's events as they are written into a file."""
    names = chain.Link.__dataclass_fields__
    return [{**{name: getattr(row.link, name) for name in names}, "hash": row.hash} for row in rows]


def read_history(told: object) -> Lived:
    """Return the order of a history. Raises HistoryWrong."""
    try:
        events = msgspec.convert(told, list[_Event], strict=False)
    except msgspec.ValidationError:
        raise HistoryWrong("不是完整的历史记录，请用 orders export --history 导出的文件") from None
    names = chain.Link.__dataclass_fields__
    rows = [
        Stored(link=chain.Link(**{name: getattr(event, name) for name in names}), hash=event.hash)
        for event in events
    ]
    if not rows or len({row.link.order_id for row in rows}) != 1:
        raise HistoryWrong("历史记录不属于同一张工单")
    wrong = faults(rows)
    if wrong:
        raise HistoryWrong(f"第 {wrong[0].seq} 条记录不符合校验链，文件被改动过")
    try:
        order = rebuilt(rows)
    except NotReplayed as error:
        raise HistoryWrong(f"第 {error.seq} 条记录无法重演") from None
    return Lived(order=order, rows=tuple(history_of(rows)))
