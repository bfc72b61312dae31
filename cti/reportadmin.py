"""`hotline report`: make a report, again from the journal if wanted, or rebuild what old rows lack."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from acd.errors import InvalidValue
from cti.calls import CallStore
from cti.database import migrate, open_engine
from cti.errors import SettingError
from cti.figures.definitions import GROUP_TITLES
from cti.figures.facts import Rules
from cti.planning_days import CHINA, day_named, midnight
from cti.reports.files import FORMS, facts_of, shown, title_of, write_bytes
from cti.reports.pages import Page
from cti.reports.room import SLOW_S, make_page
from cti.reports.specs import Filter, Grouping, ReportRefused, Spec, daily, monthly, special
from cti.settings import Settings

__all__ = ["arguments", "report"]

Say = Callable[[object], None]


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline report`."""
    parser.add_argument("action", choices=("daily", "monthly", "special", "rebuild"))
    parser.add_argument(
        "--date", help="daily: which day (yesterday); monthly: any day of the month (the last)"
    )
    parser.add_argument("--from", dest="since", help="special, rebuild: first day YYYY-MM-DD, or with a time")
    parser.add_argument("--to", dest="until", help="last day YYYY-MM-DD (included), or a time (not included)")
    parser.add_argument(
        "--by", action="append", default=[], choices=[one.value for one in Grouping], help="repeatable"
    )
    parser.add_argument("--interval", type=int, choices=(15, 30, 60), default=30, help="minutes")
    parser.add_argument("--title", default="", help="special: its title")
    for name in Filter.__struct_fields__:
        parser.add_argument(f"--{name}", default="", help=f"special: only calls of this {name}")
    parser.add_argument("--out", type=Path, help=f"write a file: {', '.join(f'.{form}' for form in FORMS)}")
    parser.add_argument(
        "--from-journal", action="store_true", help="compute from the journal's entries, not from the tables"
    )


def report(settings: Settings, options: argparse.Namespace, *, say: Say) -> int:
    """Do what the command line says; return the exit status. SQLAlchemy's errors pass through."""
    try:
        if options.action == "rebuild":
            return asyncio.run(_rebuild(settings, *_span(options), say=say))
        spec = _spec(options)
        form = _form(options.out)
        page = asyncio.run(_page(settings, spec, journal=options.from_journal))
        if options.out is not None:
            font = Path(settings.reports.font) if settings.reports.font else None
            options.out.write_bytes(write_bytes(page, form, font=font, cache=settings.cache))
            say(f"{options.out}：{spec.title}")
        else:
            for line in _lines(page):
                say(line)
    except ReportRefused as error:
        raise SettingError(error.key, "", error.shown) from error
    except InvalidValue as error:
        raise SettingError("--date, --from, --to", "", str(error)) from error
    return 0


def _spec(options: argparse.Namespace) -> Spec:
    today = datetime.now(CHINA).date()
    match options.action:
        case "daily":
            day = day_named(options.date) if options.date else today - timedelta(days=1)
            return daily(day, interval=options.interval)
        case "monthly":
            before = today.replace(day=1) - timedelta(days=1)
            return monthly(day_named(options.date) if options.date else before)
        case _:
            since, until = _span(options)
            return special(
                since,
                until,
                title=options.title,
                by=[Grouping(name) for name in options.by],
                interval=options.interval,
                which=Filter(**{name: getattr(options, name) for name in Filter.__struct_fields__}),
            )


def _span(options: argparse.Namespace) -> tuple[float, float]:
    if not options.since or not options.until:
        raise ReportRefused("--from, --to", "请给出起止日期，例如 --from 2026-11-01 --to 2026-11-07")
    return _moment(options.since, 0), _moment(options.until, 1)


def _moment(text: str, days_more: int) -> float:
    if len(text) == 10:
        day: date = day_named(text)
        return midnight(day + timedelta(days=days_more))
    try:
        return datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()
    except ValueError:
        raise ReportRefused("--from, --to", f"{text}：写成 2026-11-22 或 2026-11-22T09:00") from None


def _form(out: Path | None) -> str:
    form = "" if out is None else out.suffix.removeprefix(".").lower()
    if out is not None and form not in FORMS:
        raise ReportRefused("--out", f"文件名须以 {'、'.join(f'.{one}' for one in FORMS)} 结尾")
    return form


async def _page(settings: Settings, spec: Spec, *, journal: bool) -> Page:
    spec.check()
    await migrate(settings.database)
    engine = open_engine(settings.database, command_limit_s=SLOW_S)
    try:
        rules = Rules.of(settings.figures)
        return await make_page(engine, spec, rules, now=time.time(), journal=journal)
    finally:
        await engine.dispose()


async def _rebuild(settings: Settings, since: float, until: float, *, say: Say) -> int:
    await migrate(settings.database)
    engine = open_engine(settings.database, command_limit_s=SLOW_S)
    try:
        count = await CallStore(engine).refold(since, until)
    finally:
        await engine.dispose()
    say(f"已由日志重建 {count} 通来电的记录")
    return 0


def _lines(page: Page) -> Sequence[str]:
    lines = [page.spec.title, *(f"{name}：{value}" for name, value in facts_of(page))]
    group = None
    for one in page.definitions:
        if one.group is not group:
            group = one.group
            lines += ["", GROUP_TITLES[group]]
        lines.append(f"  {title_of(one.key)}  {shown(one.key, page.figures[one.key])}")
    lines += ["", "未达标来电的原因"]
    lines += [f"  {why.title}  {why.count}" for why in page.causes if why.count] or ["  无"]
    for table in page.tables:
        first = table.figures[:8]
        lines += ["", table.title, "  " + "  ".join(title_of(key) for key in first)]
        lines += [f"  {row.title}  " + "  ".join(map(shown, first, row.values)) for row in table.rows]
    return lines
