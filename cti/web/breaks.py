"""Calls of the last 24 hours that were not answered in time: the whole list behind the wall's figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import msgspec
from aiohttp import web

from cti.figures.causes import Break, Cause, causes_shown, counts
from cti.figures.facts import Rules
from cti.planning_days import CHINA
from cti.reports.csvfile import harmless
from cti.web.answers import answer, read_query
from cti.web.guard import DEPS, person_of

__all__ = ["breaks_file", "list_breaks"]

HEAD = ("开始时间", "技能队列", "是否接通", "等待（秒）", "原因", "判定", "来电标识")


class WhichBreaks(msgspec.Struct, frozen=True, kw_only=True):
    """Which of them."""

    cause: Cause | None = None
    queue: Annotated[str, msgspec.Meta(max_length=64)] = ""

    def of(self, found: Iterable[Break]) -> Sequence[Break]:
        """Return those, in the same order."""
        return [
            one
            for one in found
            if (self.cause is None or one.cause is self.cause)
            and (not self.queue or one.call.queue == self.queue)
        ]


class BreaksQuery(WhichBreaks, frozen=True, kw_only=True):
    """One page of them."""

    page: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50


class BreakLine(msgspec.Struct, frozen=True, kw_only=True):
    """One call that was late."""

    call_id: str  # which
    started: float  # began
    queue: str  # name of its skill queue, the last one; "" when it never came to one
    queue_title: str  # its Chinese name
    answered: bool  # a person answered after all
    waited_s: float | None  # in line, until answered or gone; None when it never was in one
    cause: Cause  # why
    cause_title: str  # in Chinese


async def list_breaks(request: web.Request) -> web.StreamResponse:
    """GET /api/wall/breaks: newest first; `all` is the wall's figure, `total` those that were asked for."""
    deps, query = request.app[DEPS], read_query(request, BreaksQuery)
    at, found = await deps.boards.breaks()
    which = query.of(found)
    titles = _titles(deps.figures.rules)
    shown = which[(query.page - 1) * query.size : query.page * query.size]
    return answer(
        {
            "at": at,
            "all": len(found),
            "total": len(which),
            "page": query.page,
            "size": query.size,
            "causes": {cause.value: count for cause, count in counts(found).items() if count},
            "breaks": [_line(one, titles[one.cause][0]) for one in shown],
        }
    )


async def breaks_file(request: web.Request) -> web.StreamResponse:
    """GET /api/wall/breaks/file: all that were asked for, as CSV. Who took it is written down."""
    deps, which = request.app[DEPS], read_query(request, WhichBreaks)
    at, found = await deps.boards.breaks()
    chosen = which.of(found)
    until = datetime.fromtimestamp(at, CHINA)
    await deps.accounts.note(
        person_of(request).login, "breaks_exported", f"{until:%Y-%m-%d %H:%M:%S}",
        {"calls": len(chosen), "cause": which.cause.value if which.cause else "", "queue": which.queue},
    )  # fmt: skip
    name = quote(f"未达标来电 {until:%Y%m%d %H%M%S} 前24小时.csv", safe="")
    return web.Response(
        body=_csv(chosen, _titles(deps.figures.rules)),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f"attachment; filename=\"breaks.csv\"; filename*=UTF-8''{name}",
            "Cache-Control": "private, no-store",
        },
    )


def _titles(rules: Rules) -> dict[Cause, tuple[str, str]]:
    """Cause -> its title and its rule, with the settings in it."""
    return {Cause(told["key"]): (told["title"], told["rule"]) for told in causes_shown(rules)}


def _line(one: Break, title: str) -> BreakLine:
    call = one.call
    return BreakLine(
        call_id=call.call_id,
        started=call.started,
        queue=call.queue,
        queue_title=call.queue_title or call.queue,
        answered=call.answered is not None,
        waited_s=None if call.wait_s is None else round(call.wait_s, 1),
        cause=one.cause,
        cause_title=title,
    )


def _csv(found: Iterable[Break], titles: dict[Cause, tuple[str, str]]) -> bytes:
    told = io.StringIO()
    lines = csv.writer(told)
    lines.writerow(HEAD)
    for one in found:
        line, (title, rule) = _line(one, titles[one.cause][0]), titles[one.cause]
        began = datetime.fromtimestamp(line.started, CHINA)
        waited = "" if line.waited_s is None else f"{line.waited_s:.1f}"
        answered = "是" if line.answered else "否"
        lines.writerow(
            (
                f"{began:%Y-%m-%d %H:%M:%S}",
                harmless(line.queue_title),
                answered,
                waited,
                title,
                rule,
                line.call_id,
            )
        )
    return b"\xef\xbb\xbf" + told.getvalue().encode()
