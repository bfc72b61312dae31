"""Watermarks (水印): what leaves the house says who took it, when, and its serial in the access log."""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cti.casework.accesses import AccessLog, Act
from cti.ports import Person

__all__ = ["Watermark", "Watermarks"]

CHINA = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """The mark of one export or document."""

    serial: str  # finds the line of the access log: "20261122-7F3A9C12E4"
    login: str  # who took it
    name: str  # 姓名
    at: float  # when, epoch seconds

    @property
    def when(self) -> str:
        """The time in China, to the minute: 2026-11-22 10:05."""
        return f"{datetime.datetime.fromtimestamp(self.at, CHINA):%Y-%m-%d %H:%M}"

    @property
    def line(self) -> str:
        """The sentence that stands in a file: a row of a table, a footer."""
        return (
            f"导出人：{self.name}（{self.login}） 时间：{self.when} "
            f"水印编号：{self.serial} 内部资料，注意保密"
        )

    @property
    def short(self) -> str:
        """What is repeated over a page."""
        return f"{self.name} {self.login} {self.when}"


class Watermarks:
    """Gives watermarks out; each has its line in the access log before anything leaves."""

    def __init__(self, accesses: AccessLog, *, clock: Callable[[], float] = time.time) -> None:
        self._accesses = accesses
        self._clock = clock

    async def issue(
        self,
        person: Person,
        kind: str,
        *,
        order_id: str = "",
        number: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> Watermark:
        """Note that somebody takes something out, and return its mark.

        `kind` says what ("orders", "report", "document", "accesses"); `order_id` and `number` name the order
        that a document belongs to, "" when it holds many; `detail` (no personal data) says more, such as how
        many orders or which filter. SQLAlchemy's errors pass through: what is not noted must not leave.
        """
        now = self._clock()
        day = f"{datetime.datetime.fromtimestamp(now, CHINA):%Y%m%d}"
        mark = Watermark(
            serial=f"{day}-{secrets.token_hex(5).upper()}", login=person.login, name=person.name, at=now
        )
        act = Act.DOWNLOADED if order_id else Act.EXPORTED
        told = {**(detail or {}), "kind": kind}
        await self._accesses.add(
            person, act, order_id=order_id, number=number, serial=mark.serial, detail=told
        )
        return mark
