"""`hotline units`: the city's units (承办单位), the rules that give matters to them, and a try of both."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cti.database import migrate, open_engine
from cti.errors import HotlineError
from cti.settings import Settings
from cti.textfiles import read_text
from orders.unit_store import UnitStore
from orders.unit_table import LEVELS, UnitsWrong, read_rules, read_units, shipped_units
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
    finally:
        await engine.dispose()


async def _act(engine: AsyncEngine, options: argparse.Namespace, say: Say) -> int:
    store = UnitStore(engine)
    match options.action:
        case "import":
            await _import(store, options.file, say, dry_run=options.dry_run)
        case "rules":
            await _rules(store, options.file, say, dry_run=options.dry_run)
        case "list":
            for unit in await store.units():
                areas = "、".join(unit.areas) or "全市"
                above = unit.parent or "—"
                say(f"{unit.name}  {LEVELS[unit.level]}  {above}  {areas}  {len(unit.words)} 项职责")
        case _:
            await _advise(store, options, say)
    return 0


async def _import(store: UnitStore, file: Path, say: Say, *, dry_run: bool) -> None:
    read = read_units(read_text(file), standard=shipped_units())
    before = {unit.name for unit in await store.units()}
    names = {unit.name for unit in read}
    if not dry_run:
        await store.replace_units(read)
    done = "试运行，未写入" if dry_run else "已导入"
    say(f"{done}：{len(read)} 个单位，新增 {len(names - before)} 个，删除 {len(before - names)} 个")


async def _rules(store: UnitStore, file: Path, say: Say, *, dry_run: bool) -> None:
    known = await store.units() or shipped_units()
    read = read_rules(read_text(file), [unit.name for unit in known])
    if not dry_run:
        await store.replace_rules(read)
    say(f"{'试运行，未写入' if dry_run else '已导入'}：{len(read)} 条派单规则")


async def _advise(store: UnitStore, options: argparse.Namespace, say: Say) -> None:
    advisor = UnitAdvisor(await store.units() or shipped_units(), rules=await store.rules())
    today = datetime.datetime.now(datetime.UTC).astimezone().date()
    for one in advisor.advise(options.category, options.district, options.street, options.text, today=today):
        say(f"{one.confidence:.2f}  {one.unit}  {one.reason}（{one.source}）")
