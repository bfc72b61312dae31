"""`hotline audit`: verify the chains of all orders, and seal them."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cti.casework.citizen_parts import folder_of
from cti.casework.findings import Finding, Progress, Totals, said
from cti.casework.sealing import Sealer
from cti.casework.verification import verify
from cti.database import migrate, open_engine
from cti.orderadmin import moment
from cti.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["arguments", "audit"]

Say = Callable[[object], None]
SLOW_S = 600.0
"""PostgreSQL may take so long for one statement."""
FILES_TOLD = 500
"""After so many files it is told how far it is."""
LISTED = 1000
"""Findings that are written out; the rest is counted."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline audit`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser(
        "verify", help="chains of events, tables made of them, seals: what does not fit"
    )
    check.add_argument("--order", default="", help="only this order: its id")
    check.add_argument("--since", help="only orders that changed since: YYYY-MM-DD, or with a time")
    check.add_argument("--anchor", default="", help="hash of a seal that was noted outside")
    check.add_argument(
        "--skip-files", action="store_true", help="do not read the contents of files (附件), only their rows"
    )
    check.add_argument("--json", action="store_true", help="one JSON object a finding, and one at the end")
    actions.add_parser("seal", help="seal all orders that changed since the last seal; note the hash outside")
    listing = actions.add_parser("seals", help="the newest seals")
    listing.add_argument("--limit", type=int, default=30, help="how many (default: 30)")


async def audit(
    settings: Settings, options: argparse.Namespace, say: Say, tell: Callable[[str], None]
) -> int:
    """Do what the command line says; 1 when something does not fit. SQLAlchemy's errors pass through."""
    await migrate(settings.database)
    engine = open_engine(settings.database, command_limit_s=SLOW_S)
    try:
        match options.action:
            case "verify":
                folder = None if options.skip_files else folder_of(settings.orders, settings.home)
                return await _verify(engine, options, folder, say, tell)
            case "seal":
                made = await Sealer(engine).seal("system")
                for seal in made:
                    say(f"第 {seal.id} 次封存：{seal.orders} 项，{seal.events} 条记录  {seal.hash}")
                if not made:
                    say("没有变化，无需封存")
            case _:
                for seal in await Sealer(engine).newest(options.limit):
                    at = datetime.datetime.fromtimestamp(seal.at).astimezone()
                    say(f"{seal.id}  {at:%Y-%m-%d %H:%M}  {seal.by}  {seal.orders} 项  {seal.hash}")
        return 0
    finally:
        await engine.dispose()


async def _verify(
    engine: AsyncEngine,
    options: argparse.Namespace,
    files: Path | None,
    say: Say,
    tell: Callable[[str], None],
) -> int:
    wrong, told = 0, (0, 0)
    async for one in verify(
        engine,
        order_id=options.order,
        since=moment("--since", options.since),
        anchor=options.anchor,
        files=files,
    ):
        match one:
            case Finding():
                wrong += 1
                if wrong <= LISTED:
                    say(msgspec.json.encode(one).decode() if options.json else said(one))
            case Progress():
                share = (20 * one.done // max(one.total, 1), one.files // FILES_TOLD)
                if share != told:
                    told = share
                    read = f"，{one.files} 个附件" if one.files else ""
                    tell(f"已校验 {one.done} / {one.total} 张工单{read}，发现 {one.findings} 处问题")
            case Totals():
                say(msgspec.json.encode(one).decode() if options.json else _totals(one))
    return 1 if wrong else 0


def _totals(totals: Totals) -> str:
    lines = [
        f"校验完毕：{totals.orders} 张工单，{totals.events} 条记录，{totals.seals} 次封存，"
        f"{totals.files} 个附件，{totals.findings} 处问题",
    ]
    if totals.findings > LISTED:
        lines.append(f"以上只列出前 {LISTED} 处")
    if totals.read < totals.files:
        lines.append(f"其中 {totals.files - totals.read} 个附件只核对了登记，没有读取文件内容")
    if totals.erased:
        lines.append(f"其中 {totals.erased} 条记录的个人信息已按规则到期删除")
    if totals.unsealed:
        lines.append(f"{totals.unsealed} 张工单在最近一次封存之后有变化，尚未封存")
    if totals.seal_hash:
        lines.append(f"最近一次封存：{totals.seal_hash}")
    return "\n".join(lines)
