"""`hotline units`: the city's units (承办单位), the rules that give matters to them, and a try of both."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cti.casework.unit_book import OrdersHeld, UnitBook
from cti.database import migrate, open_engine
from cti.errors import HotlineError
from cti.settings import Settings
from cti.textfiles import FILE_MOST, decode_text
from orders.unit_held import Held
from orders.unit_store import UnitStore
from orders.unit_table import LEVELS, UnitsWrong, shipped_units
from orders.units import UnitAdvisor

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["UnitsRefused", "units"]

Say = Callable[[object], None]


class UnitsRefused(HotlineError):
    """Nothing was changed; the message names every line that is wrong."""


async def units(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    """Import units or rules, list units, or say which unit a matter would be given to.

    Raises:
        UnitsRefused: the file cannot be used; nothing of it was taken.
    """
    await migrate(settings.database)
    engine = open_engine(settings.database)
    try:
        return await _act(engine, options, say)
    except UnitsWrong as error:
        raise UnitsRefused("\n".join(["nothing was imported", *error.problems])) from error
    except OrdersHeld as error:
        _list(error.held, say)
        remedy = "dispatch these orders to other units first, or import with --leave-open"
        raise UnitsRefused(f"nothing was imported: {error}; {remedy}") from error
    finally:
        await engine.dispose()


async def _act(engine: AsyncEngine, options: argparse.Namespace, say: Say) -> int:
    store = UnitStore(engine)
    book = UnitBook(engine, store)
    match options.action:
        case "import":
            await _import(book, options, say)
        case "rules":
            await _rules(book, options, say)
        case "list":
            for unit in await store.units():
                areas = "、".join(unit.areas) or "全市"
                above = unit.parent or "—"
                say(f"{unit.name}  {LEVELS[unit.level]}  {above}  {areas}  {len(unit.words)} 项职责")
        case _:
            await _advise(store, options, say)
    return 0


async def _import(book: UnitBook, options: argparse.Namespace, say: Say) -> None:
    text, encoding = _text(options.file)
    plan = await book.import_units(
        text, by="system", reason="命令行导入", dry_run=options.dry_run, leave_open=options.leave_open
    )
    say(f"{_done(options)}：{plan.count} 个单位，新增 {plan.added} 个，删除 {len(plan.removed)} 个")
    if plan.changed or plan.rules_lost or encoding != "UTF-8":
        say(f"文件编码 {encoding}；内容有变化 {plan.changed} 个；随单位删除的派单规则 {plan.rules_lost} 条")
    if plan.held is not None:
        say(f"以下 {len(plan.held.units)} 个单位不在文件中，还有 {plan.held.total} 张未办结工单：")
        _list(plan.held, say)


def _list(held: Held, say: Say) -> None:
    for unit, count in held.units.items():
        say(f"  {unit}：{count} 张")
    for one in held.first:
        say(f"    {one.number or one.order_id}  {one.unit}（{'主办' if one.role == 'lead' else '协办'}）")


async def _rules(book: UnitBook, options: argparse.Namespace, say: Say) -> None:
    text, _ = _text(options.file)
    plan = await book.import_rules(text, by="system", reason="命令行导入", dry_run=options.dry_run)
    say(f"{_done(options)}：{plan.count} 条派单规则")


def _text(file: Path) -> tuple[str, str]:
    if file.stat().st_size > FILE_MOST:
        raise UnitsRefused(f"{file.name} has more than {FILE_MOST >> 20} MB; divide it")
    return decode_text(file.read_bytes(), file.name)


def _done(options: argparse.Namespace) -> str:
    return "试运行，未写入" if options.dry_run else "已导入"


async def _advise(store: UnitStore, options: argparse.Namespace, say: Say) -> None:
    advisor = UnitAdvisor(await store.units() or shipped_units(), rules=await store.rules())
    today = datetime.datetime.now(datetime.UTC).astimezone().date()
    for one in advisor.advise(options.category, options.district, options.street, options.text, today=today):
        say(f"{one.confidence:.2f}  {one.unit}  {one.reason}（{one.source}）")
