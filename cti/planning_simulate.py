"""`hotline simulate`: a day of calls against the real router."""

from __future__ import annotations

import json
import re
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from acd.demand import DAY_S, INTERVALS, Topic, clock
from acd.errors import InvalidValue
from acd.policy import SHIPPED, Policy, load_policy
from acd.sim_demand import Draws, Habits, arrivals, calls_of
from acd.sim_results import Figures, Report, report
from acd.sim_staff import AGENTS_MOST, LEVEL, all_day, by_interval, read_roster
from acd.simulation import Run, Shift, simulate
from acd.staffing import Pool, plan
from cti.planning_days import day_named, midnight
from cti.planning_output import percent, seconds, table
from cti.planning_staffing import Day, day_of

__all__ = ["figures_row", "report_text", "simulate_day"]


def simulate_day(options: Namespace, say: Callable[[object], None]) -> int:
    """Play the day and tell what became of it; return the exit status.

    Raises:
        InvalidValue, PolicyError: what was asked cannot be meant.
    """
    day = day_of(options)
    policy = load_policy(options.policy or SHIPPED)
    habits = Habits(ring_s=options.ring, wrap_up_s=options.wrap_up)
    draws = Draws(options.seed)
    start = midnight(day_named(options.date))
    end = start + options.days * DAY_S
    times = arrivals(draws, day.calls, day.shape, options.days, start=start)
    calls = calls_of(times, day.topics, policy, habits, draws)
    shifts = _shifts(options, day, policy, start)
    began, used = time.perf_counter(), time.process_time()
    run = simulate(policy, calls, shifts, end=end)
    took, used = time.perf_counter() - began, time.process_time() - used
    queues = [queue.name for queue in policy.queues]
    told = report(
        run.calls,
        run.spells,
        queues=queues,
        start=start,
        end=end,
        within_s=day.goal.within_s,
    )
    if options.json:
        say(json.dumps(_json(options, day, told, run, took, used), ensure_ascii=False))
        return 0
    titles = {queue.name: queue.title for queue in policy.queues}
    say(report_text(told, titles, day.goal.within_s, start))
    if options.speed:
        say(
            f"\n{took:.1f} 秒（处理器 {used:.1f} 秒）算完 {len(run.calls)} 通来电："
            f"路由器处理 {run.events} 个事件，每秒 {run.events / took:.0f} 个"
        )
    return 0


# ---------------------------------------------------------------- who is on duty


def _shifts(options: Namespace, day: Day, policy: Policy, start: float) -> list[Shift]:
    if options.roster is not None:
        return read_roster(options.roster, [skill.name for skill in policy.skills], options.days, start=start)
    everything = _skills(policy, day.topics)
    if re.fullmatch(r"[1-9]\d{0,3}", options.agents):
        return all_day(int(options.agents), everything, options.days, start=start)
    if options.agents not in ("staffing", "apart"):
        remedy = f"give 1 to {AGENTS_MOST}, staffing or apart"
        raise InvalidValue("agents", options.agents, remedy)
    made = plan(day.calls, day.shape, day.topics, day.goal)
    if options.agents == "staffing":
        return by_interval(_numbers(made.pooled), everything, options.days, start=start)
    shifts = []
    for topic, pool in zip(day.topics, made.topics, strict=True):
        skills = _skills(policy, [topic])
        shifts += by_interval(_numbers(pool), skills, options.days, start=start, prefix=f"{topic.queue}-")
    return shifts


def _numbers(pool: Pool) -> list[int]:
    """Agents by interval: Erlang-A's where a patience is known, else Erlang-C's."""
    return [one.agents if one.patient_agents is None else one.patient_agents for one in pool.intervals]


def _skills(policy: Policy, topics: Iterable[Topic]) -> dict[str, int]:
    """Every skill that these topics' queues ask for, at the level asked for or `LEVEL`."""
    queues = {topic.queue for topic in topics}
    skills: dict[str, int] = {}
    for queue in policy.queues:
        if queue.name in queues:
            for skill, level in queue.needs.items():
                skills[skill] = max(level, LEVEL, skills.get(skill, 0))
    return skills


# ---------------------------------------------------------------- the report

FIGURES = ("呼叫", "接通", "放弃", "转外", "服务水平", "接通率", "应答秒", "p50", "p95", "p99", "最长")


def figures_row(one: Figures) -> tuple[object, ...]:
    """The values under `FIGURES`."""
    return (
        one.calls,
        one.answered,
        one.abandoned + one.unanswered,
        one.sent_away,
        percent(one.service_level),
        percent(one.connection_rate),
        *(seconds(value) for value in (one.answer_s, one.p50_s, one.p95_s, one.p99_s, one.longest_s)),
    )


def report_text(told: Report, titles: Mapping[str, str], within_s: float, start: float) -> str:
    """The report for people."""
    rows = [("全部", *figures_row(told.total))]
    rows += [(titles.get(queue, queue), *figures_row(one)) for queue, one in told.queues.items()]
    lines = [
        f"服务水平：{within_s:g} 秒内应答 ÷ 全部呼叫；等待秒从排队到应答，含振铃",
        table(("技能", *FIGURES), rows),
        "",
        f"占用率 {percent(told.occupancy)}（振铃、通话、整理 ÷ 在岗时间）",
    ]
    if told.lowest is not None:
        day, rest = divmod(round(told.lowest.until - start), round(DAY_S))
        lines.append(
            f"任意 24 小时最低接通率 {percent(told.lowest.connection_rate)}"
            f"（截至第 {day + 1} 天 {clock(rest // 1800)}；GB/T 33358 要求 95%）"
        )
    slots = [
        (
            clock(i % INTERVALS),
            f"{slot.agents:.1f}",
            percent(slot.occupancy),
            *figures_row(slot.figures),
        )
        for i, slot in enumerate(told.slots)
    ]
    return "\n".join([*lines, "", table(("时段", "坐席", "占用率", *FIGURES), slots)])


def _json(options: Namespace, day: Day, told: Report, run: Run, took: float, used: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "calls_per_day": day.calls,
        "date": options.date,
        "days": options.days,
        "seed": options.seed,
        "agents": str(options.roster or options.agents),
        "service_level_within_s": day.goal.within_s,
        **msgspec.to_builtins(told),
        "router_events": run.events,
    }
    if options.speed:
        found["seconds"] = round(took, 2)
        found["processor_seconds"] = round(used, 2)
        found["events_per_second"] = round(run.events / took)
    return found
