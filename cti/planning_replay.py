"""`hotline replay`: a past day's calls through a proposed policy, beside what happened."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from acd.errors import InvalidValue
from acd.policy import SHIPPED, Policy, load_policy
from acd.replay import RULES, Comparison, replay
from acd.sim_past import PastDay
from cti.database import async_url, open_engine
from cti.errors import StartError
from cti.planning_days import CHINA, day_named
from cti.planning_output import percent, table
from cti.planning_records import read_day
from cti.planning_simulate import FIGURES, figures_row
from cti.planning_staffing import goal_of
from cti.settings import Settings, load

__all__ = ["replay_day"]


def replay_day(options: Namespace, say: Callable[[object], None]) -> int:
    """Read the day, play it and tell the three side by side; return the exit status.

    Raises:
        InvalidValue, PolicyError: what was asked cannot be meant, or there are no calls on that day.
        StartError: the database cannot be read.
    """
    settings = load(instance=options.instance, file=options.config)
    day = _date(options.date)
    goal = goal_of(options.service_level)
    policy = load_policy(options.policy or SHIPPED)
    file = async_url(settings.database)
    if file.get_backend_name() == "sqlite" and not Path(str(file.database)).exists():
        raise InvalidValue("instance", options.instance, "name one that has taken calls; it has no database")
    try:
        past, gaps = asyncio.run(_read(settings, day))
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0][:300]
        remedy = "Start it, run hotline migrate, or correct database_url"
        raise StartError("database", reason, remedy) from error
    if not past.calls:
        remedy = "choose a day on which citizens waited for a person, or another --instance"
        raise InvalidValue("date", day.isoformat(), remedy)
    told = replay(past, policy, goal.within_s)
    missing = {**gaps, **told.missing}
    if options.json:
        say(json.dumps(_json(day, told, missing), ensure_ascii=False))
    else:
        say(_text(day, past, policy, told, missing, goal.within_s))
    return 0


def _date(text: str | None) -> date:
    today = datetime.now(CHINA).date()
    if text is None:
        return today - timedelta(days=1)
    day = day_named(text)
    if day > today:
        raise InvalidValue("date", text, "give a day that is over or has begun")
    return day


async def _read(settings: Settings, day: date) -> tuple[PastDay, Mapping[str, int]]:
    engine = open_engine(settings.database)
    try:
        return await read_day(engine, day)
    finally:
        await engine.dispose()


def _text(
    day: date,
    past: PastDay,
    policy: Policy,
    told: Comparison,
    missing: Mapping[str, int],
    within_s: float,
) -> str:
    three = (("当日实际", told.happened), ("拟议策略", told.proposed), ("合并上限", told.pooled))
    lines = [
        f"{day.isoformat()}：{len(past.calls)} 通来电；服务水平按 {within_s:g} 秒内应答",
        table(
            ("", *FIGURES, "占用率"),
            [(name, *figures_row(one.total), percent(one.occupancy)) for name, one in three],
        ),
        "",
    ]
    rows = []
    for queue in policy.queues:
        for name, one in three[:2]:
            if queue.name in one.queues:
                rows.append((f"{queue.title} {name}", *figures_row(one.queues[queue.name])))
    lines += [table(("技能", *FIGURES), rows), "", "规则："]
    lines += [f"· {rule}" for rule in RULES]
    lines.append("记录缺失：" + ("无" if not missing else ""))
    lines += [f"· {what}：{count}" for what, count in missing.items()]
    return "\n".join(lines)


def _json(day: date, told: Comparison, missing: Mapping[str, int]) -> dict[str, Any]:
    return {
        "date": day.isoformat(),
        "happened": msgspec.to_builtins(told.happened),
        "proposed": msgspec.to_builtins(told.proposed),
        "pooled": msgspec.to_builtins(told.pooled),
        "rules": list(RULES),
        "missing": dict(missing),
    }
