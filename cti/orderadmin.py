"""`hotline orders`: take orders out into files, bring orders in from files."""

from __future__ import annotations

import argparse
import csv
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cti.casework.accesses import AccessLog
from cti.casework.case_rules import read_rules
from cti.casework.order_export import Export, export_orders
from cti.casework.order_import import ERRORS_TOLD, Importer, ImportProgress, ImportTotals, error_cells
from cti.casework.table_files import FORMS
from cti.casework.watermarks import Watermarks
from cti.control.edition_parts import first_files
from cti.database import migrate, open_engine
from cti.errors import HotlineError, SettingError
from cti.message_base import Role
from cti.ports import Person
from cti.reports.csvfile import harmless
from cti.settings import Settings
from orders.course_messages import CourseState
from orders.course_policy import CoursePolicy
from orders.errors import OrderError
from orders.import_rows import CHANNELS, RowError
from orders.messages import OrderState
from orders.privacy import Viewer
from orders.privacy_file import load_privacy
from orders.records import OrderFilter

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["arguments", "orders"]

Say = Callable[[object], None]
Tell = Callable[[str], None]
SLOW_S = 3600.0
"""PostgreSQL may take so long for one statement of an import."""
TOLD_EACH = 2000
"""Rows between two words of progress."""
COVERED, OPEN = Viewer(role="leader"), Viewer(role="admin")
"""Whose eyes a file is written for, without and with --personal; 举报保密 stays covered in both."""


class OrdersRefused(HotlineError):
    """Nothing was taken out or brought in."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline orders`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    out = actions.add_parser("export", help="write orders into a file, personal data covered")
    out.add_argument("--out", type=Path, required=True, help="the file")
    out.add_argument("--format", choices=FORMS, help="default: how the file's name ends")
    out.add_argument("--since", help="opened at or after: YYYY-MM-DD, or with a time")
    out.add_argument("--until", help="opened before")
    out.add_argument("--state", choices=[state.value for state in OrderState])
    out.add_argument("--course", action="append", default=[], choices=[one.value for one in CourseState])
    out.add_argument("--channel", choices=sorted(CHANNELS), help="渠道")
    for name in ("category", "district", "lead", "text"):
        out.add_argument(f"--{name}", default="")
    out.add_argument("--personal", action="store_true", help="with personal data; needs --reason, is audited")
    out.add_argument("--reason", default="", help="why")
    out.add_argument(
        "--history", action="store_true", help="jsonl: whole histories, to be imported elsewhere; --personal"
    )
    into = actions.add_parser("import", help="bring orders in: all of the file, or nothing")
    into.add_argument("file", type=Path, metavar="FILE")
    into.add_argument("--format", choices=FORMS, help="default: how the file's name ends")
    into.add_argument("--dry-run", action="store_true", help="check every row, write nothing")
    into.add_argument("--errors", type=Path, help="write wrong rows into this CSV file")
    into.add_argument("--json", action="store_true", help="one JSON object a wrong row, and one at the end")


async def orders(settings: Settings, options: argparse.Namespace, say: Say, tell: Tell) -> int:
    """Do what the command line says; 1 when a file cannot be taken. SQLAlchemy's errors pass through.

    Raises OrdersRefused, TableUnreadable.
    """
    await migrate(settings.database)
    engine = open_engine(settings.database, command_limit_s=SLOW_S)
    try:
        if options.action == "export":
            return await _export(settings, engine, options, say, tell)
        return await _import(settings, engine, options, say, tell)
    except OrderError as error:
        raise OrdersRefused(error.shown) from error
    finally:
        await engine.dispose()


def _form(options: argparse.Namespace, file: Path) -> str:
    form = str(options.format or file.suffix.removeprefix(".").lower())
    if form not in FORMS:
        raise SettingError("--format", form, f"one of {', '.join(FORMS)}")
    return form


async def _export(
    settings: Settings, engine: AsyncEngine, options: argparse.Namespace, say: Say, tell: Tell
) -> int:
    form, reason = _form(options, options.out), options.reason.strip()
    if (options.personal or options.history) and len(reason) < 2:
        raise SettingError("--reason", reason, "say why personal data is taken out")
    if options.history and not (options.personal and form == "jsonl"):
        raise SettingError("--history", form, "goes with --format jsonl and --personal")
    which = OrderFilter(
        state=OrderState(options.state) if options.state else None,
        text=options.text,
        since=moment("--since", options.since),
        until=moment("--until", options.until),
        course=tuple(CourseState(one) for one in options.course),
        channel=CHANNELS[options.channel] if options.channel else None,
        category=options.category,
        district=options.district,
        lead=options.lead,
    )
    person = Person(login="system", name="命令行", role=Role.ADMIN)
    detail = {"form": form, "personal": options.personal, "history": options.history, "reason": reason}
    mark = await Watermarks(AccessLog(engine)).issue(person, "orders", detail=detail)
    export = Export(
        file=options.out,
        form=form,
        which=which,
        viewer=OPEN if options.personal else COVERED,
        mark=mark.line,
        history=options.history,
    )
    done = 0
    policy = load_privacy(first_files(settings).cases["privacy"])
    async for progress in export_orders(engine, policy, export):
        if progress.done // TOLD_EACH != done // TOLD_EACH:
            tell(f"已导出 {progress.done} 张")
        done = progress.done
    say(f"{options.out}：{done} 张工单，水印编号 {mark.serial}")
    return 0


async def _import(
    settings: Settings, engine: AsyncEngine, options: argparse.Namespace, say: Say, tell: Tell
) -> int:
    rules = read_rules(first_files(settings).by_kind()).course
    lines = [one.item for one in rules.answers.checklist]
    importer = Importer(engine, policy=CoursePolicy(rules), checklist=lines)
    wrong: list[RowError] = []
    told, code = 0, 0
    form = _form(options, options.file)
    async for one in importer.run(options.file, form, by="system", dry_run=options.dry_run):
        match one:
            case RowError():
                wrong.append(one)
                line = f"第 {one.row} 行 {one.column} {one.value!r}：{one.remedy}"
                say(msgspec.json.encode(one).decode() if options.json else line)
            case ImportProgress():
                if one.done // TOLD_EACH != told // TOLD_EACH:
                    tell(f"已{'写入' if one.writing else '检查'} {one.done} 行")
                told = one.done
            case ImportTotals():
                code = 1 if one.errors else 0
                say(msgspec.json.encode(one).decode() if options.json else _outcome(one, options.dry_run))
    if options.errors is not None:
        _write_errors(options.errors, wrong)
    return code


def _outcome(totals: ImportTotals, dry_run: bool) -> str:
    kinds = f"（编码 {totals.encoding}）" if totals.encoding else ""
    counted = f"共 {totals.rows} 行{kinds}，新工单 {totals.brought} 张，已导入过 {totals.unchanged} 张"
    if totals.errors:
        more = f"，只列出前 {ERRORS_TOLD} 行" if totals.errors > ERRORS_TOLD else ""
        return f"{counted}；{totals.errors} 行有误{more}，没有导入任何工单"
    if dry_run:
        return f"{counted}；试运行，未写入"
    return f"{counted}；{'已导入' if totals.written else '没有变化'}"


def _write_errors(file: Path, wrong: list[RowError]) -> None:
    with file.open("w", encoding="utf-8-sig", newline="") as target:
        lines = csv.DictWriter(target, ("行", "列", "内容", "说明"))
        lines.writeheader()
        for one in wrong:
            lines.writerow({name: harmless(value) for name, value in error_cells(one).items()})


def moment(name: str, text: str | None) -> float | None:
    """Return a time of the command line as epoch seconds. Raises SettingError."""
    if not text:
        return None
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise SettingError(name, text, "write 2026-11-22 or 2026-11-22T09:00") from None
    return (at if at.tzinfo else at.astimezone()).timestamp()
