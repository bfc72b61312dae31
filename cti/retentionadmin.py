"""`hotline retention`: what has to go by the rules, let it go, keep an order out of it."""

from __future__ import annotations

import argparse
import datetime
from collections import Counter
from collections.abc import Callable

import msgspec

from cti.casework.retention import Planned
from cti.casework.retention_nights import keeper_of
from cti.control.edition_parts import first_files
from cti.database import migrate, open_engine
from cti.errors import HotlineError
from cti.settings import Settings
from orders.policy_file import PolicyError
from orders.retention import load_retention

__all__ = ["arguments", "retention"]

Say = Callable[[object], None]
SLOW_S = 600.0
TITLES = {"person": "个人信息", "words": "文字内容", "call": "录音和转写", "joined": "并入市民的信息"}


class RetentionRefused(HotlineError):
    """Nothing was changed."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow `hotline retention`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    plan = actions.add_parser("plan", help="what has to go today; changes nothing")
    apply = actions.add_parser("apply", help="delete it; it cannot be brought back")
    for action in (plan, apply):
        action.add_argument("--json", action="store_true", help="one JSON object an order")
    apply.add_argument("--yes", action="store_true", help="really")
    for name, about in (("hold", "keep everything of an order"), ("release", "let the rules hold again")):
        action = actions.add_parser(name, help=about)
        action.add_argument("order", help="its id")
        action.add_argument("--reason", required=True, help="why, for the trail")


async def retention(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    """Do what the command line says. SQLAlchemy's errors pass through. Raises RetentionRefused."""
    if options.action == "apply" and not options.yes:
        raise RetentionRefused("deletion cannot be undone: look at `retention plan`, then say --yes")
    try:
        rules = load_retention(first_files(settings).cases["retention"])
    except (PolicyError, OSError) as error:
        raise RetentionRefused(str(error)) from error
    await migrate(settings.database)
    engine = open_engine(settings.database, command_limit_s=SLOW_S)
    keeper = keeper_of(settings, engine, rules)
    try:
        if options.action in ("hold", "release"):
            act = keeper.hold if options.action == "hold" else keeper.release
            if not await act(options.order, by="system", reason=options.reason[:200]):
                raise RetentionRefused(f"order {options.order[:80]!r}: there is none, or it is so already")
            say("已保留，到期不删除" if options.action == "hold" else "已解除保留")
            return 0
        counted: Counter[tuple[str, str]] = Counter()
        found = keeper.plan() if options.action == "plan" else keeper.apply("system")
        async for one in found:
            counted.update((one.rule, what) for what in one.what)
            say(msgspec.json.encode(one).decode() if options.json else _line(one))
        if not options.json:
            done = "到期应删除" if options.action == "plan" else "已删除"
            for (rule, what), count in sorted(counted.items()):
                say(f"{done}  {rule}  {TITLES[what]}  {count} 张工单")
            if not counted:
                say("没有到期的内容")
        return 0
    finally:
        await engine.dispose()


def _line(one: Planned) -> str:
    ended = datetime.datetime.fromtimestamp(one.ended_at).astimezone()
    what = "、".join(TITLES[name] for name in one.what)
    return f"{one.number or one.order_id}  {ended:%Y-%m-%d} 结束  {one.title}：{what}"
