"""`hotline staffing`: how many agents and people a day of calls needs."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from acd.demand import INTERVALS, Topic, busy_hour_share, clock, day_shape, read_intervals, read_topics, whole
from acd.errors import InvalidValue
from acd.policy import SHIPPED, load_policy
from acd.staffing import Goal, Interval, Plan, Pool, agents_needed, agents_needed_patience, people, plan
from cti.planning_output import percent, seconds, table, write_csv, write_text
from cti.planning_plot import Series, day_plot

__all__ = ["Day", "day_of", "goal_of", "staffing"]

BUSY_HOUR = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The demand that the command line describes."""

    calls: float  # a day
    shape: tuple[float, ...]  # shares by interval
    topics: tuple[Topic, ...]  # what they are about
    goal: Goal


def day_of(options: Namespace) -> Day:
    """Read the demand from options and the files that they name.

    Raises:
        InvalidValue: naming key, value and remedy.
        PolicyError: the policy is refused.
    """
    if options.intervals is not None:
        if options.busy_hour_share is not None:
            remedy = "leave it out: the file given by --intervals says it"
            raise InvalidValue("busy-hour-share", options.busy_hour_share, remedy)
        shape, calls = read_intervals(options.intervals)
        calls = options.calls_per_day or calls
    else:
        if options.calls_per_day is None:
            raise InvalidValue("calls-per-day", "", "give it, or a day by --intervals FILE.csv")
        share = options.busy_hour_share if options.busy_hour_share is not None else BUSY_HOUR
        shape, calls = day_shape(share), options.calls_per_day
    policy = load_policy(options.policy or SHIPPED)
    titles = {queue.name: queue.title for queue in policy.queues}
    if options.skills is not None:
        topics = read_topics(
            options.skills, titles=titles, handling_s=options.aht, patience_s=options.patience
        )
    else:
        topics = whole(policy.default_queue, titles[policy.default_queue], options.aht, options.patience)
    return Day(calls=calls, shape=shape, topics=topics, goal=goal_of(options.service_level))


def goal_of(text: str) -> Goal:
    """Read SHARE/SECONDS.

    Raises:
        InvalidValue: it is written in another way, or no such goal can be reached.
    """
    share, _, within = text.partition("/")
    try:
        goal = Goal(share=float(share), within_s=float(within))
    except ValueError:
        raise InvalidValue("service-level", text, "write SHARE/SECONDS, such as 0.95/15") from None
    goal.check()
    return goal


def staffing(options: Namespace, say: Callable[[object], None]) -> int:
    """Work the plan out and tell it; return the exit status.

    Raises:
        InvalidValue, PolicyError: what was asked cannot be meant.
    """
    day = day_of(options)
    made = plan(day.calls, day.shape, day.topics, day.goal, options.shrinkage)
    patient = made.pooled.patience_s is not None
    if options.csv is not None:
        write_csv(options.csv, *_csv(made))
    if options.plot is not None:
        write_text("plot", options.plot, _plot(made))
    if options.json:
        say(json.dumps(_json(day, made), ensure_ascii=False))
    else:
        say(_text(day, made, patient))
    return 0


# ---------------------------------------------------------------- the busy hour


def _busy_hour(day: Day, pool: Pool, shrinkage: float) -> dict[str, Any]:
    """The hour with most calls, taken as one: its load and the agents that it needs."""
    share = next((topic.share for topic in day.topics if topic.queue == pool.queue), 1.0)
    calls = day.calls * share * busy_hour_share(day.shape)
    agents = agents_needed(calls / 3600, pool.handling_s, day.goal)
    patient = None
    if pool.patience_s is not None:
        patient = agents_needed_patience(calls / 3600, pool.handling_s, pool.patience_s, day.goal)
    return {
        "calls": calls,
        "load": calls * pool.handling_s / 3600,
        "agents": agents,
        "people": people(agents, shrinkage),
        "patient_agents": patient,
    }


# ---------------------------------------------------------------- for people

SUMMARY = (
    "技能",
    "均处理秒",
    "忙时呼叫",
    "忙时Erl",
    "忙时坐席C",
    "忙时坐席A",
    "最大坐席C",
    "最大坐席A",
    "最多人员",
    "坐席小时",
    "付薪小时",
)
HEADINGS = ("时段", "呼叫", "Erl", "坐席C", "服务水平", "应答秒", "占用率", "人员", "各技能合计")
PATIENT = ("坐席A", "服务水平A", "放弃率A", "人员A")


def _text(day: Day, made: Plan, patient: bool) -> str:
    goal = made.goal
    lines = [
        f"每日 {day.calls:g} 通，忙时占 {percent(busy_hour_share(day.shape))}，"
        f"目标 {percent(goal.share)} 在 {goal.within_s:g} 秒内应答，损耗 {percent(made.shrinkage)}",
        "坐席：达到目标的最小整数（C：Erlang-C，无人放弃；A：Erlang-A，放弃计为未应答）；"
        "人员 = 坐席 ÷ (1 − 损耗)，每时段向上取整",
        "",
        table(SUMMARY, [_summary(day, pool, made.shrinkage) for pool in _pools(made)]),
        "",
        "合并（所有坐席接所有来电），每半小时：",
        table(
            (*HEADINGS, *(PATIENT if patient else ())),
            [_row(made, i, one, patient) for i, one in enumerate(made.pooled.intervals)],
        ),
    ]
    if len(made.topics) > 1:
        lines += [
            "",
            "各技能分别配置的坐席" + ("（C / A）" if patient else "") + "，每半小时：",
            _by_skill(made),
        ]
    return "\n".join(lines)


def _by_skill(made: Plan) -> str:
    def agents(one: Interval) -> str:
        return f"{one.agents}" if one.patient_agents is None else f"{one.agents} / {one.patient_agents}"

    return table(
        ("时段", *(pool.title for pool in _pools(made))),
        [(clock(i), *(agents(pool.intervals[i]) for pool in _pools(made))) for i in range(INTERVALS)],
    )


def _pools(made: Plan) -> tuple[Pool, ...]:
    return (made.pooled, *made.topics) if len(made.topics) > 1 else (made.pooled,)


def _summary(day: Day, pool: Pool, shrinkage: float) -> Sequence[object]:
    busy = _busy_hour(day, pool, shrinkage)
    return (
        pool.title,
        f"{pool.handling_s:.0f}",
        f"{busy['calls']:.1f}",
        f"{busy['load']:.1f}",
        busy["agents"],
        _known(busy["patient_agents"]),
        pool.seats,
        _known(pool.patient_seats),
        pool.people,
        f"{pool.agent_hours:.1f}",
        f"{pool.paid_hours:.1f}",
    )


def _known(value: int | None) -> object:
    return "—" if value is None else value


def _row(made: Plan, i: int, one: Interval, patient: bool) -> Sequence[object]:
    row: tuple[object, ...] = (
        clock(i),
        f"{one.calls:.1f}",
        f"{one.load:.2f}",
        one.agents,
        percent(one.service_level),
        seconds(one.answer_s),
        percent(one.occupancy),
        one.people,
        made.apart(i),
    )
    if patient:
        row += (
            _known(one.patient_agents),
            percent(one.patient_service_level),
            percent(one.abandonment),
            _known(one.patient_people),
        )
    return row


# ---------------------------------------------------------------- for programs


def _csv(made: Plan) -> tuple[Sequence[str], list[Sequence[object]]]:
    headings = ("技能", "时段", "呼叫", "Erl", "坐席C", "服务水平C", "应答秒C", "占用率C", "人员C")
    rows: list[Sequence[object]] = [
        (
            pool.title,
            clock(i),
            round(one.calls, 3),
            round(one.load, 4),
            one.agents,
            round(one.service_level, 6),
            round(one.answer_s, 3),
            round(one.occupancy, 6),
            one.people,
            *(
                "" if value is None else round(value, 6)
                for value in (
                    one.patient_agents,
                    one.patient_service_level,
                    one.abandonment,
                    one.patient_people,
                )
            ),
        )
        for pool in _pools(made)
        for i, one in enumerate(pool.intervals)
    ]
    return (*headings, *PATIENT), rows


def _json(day: Day, made: Plan) -> dict[str, Any]:
    def told(pool: Pool) -> dict[str, Any]:
        return {
            "queue": pool.queue or None,
            "title": pool.title,
            "handling_s": pool.handling_s,
            "patience_s": pool.patience_s,
            "busy_hour": _busy_hour(day, pool, made.shrinkage),
            "seats": pool.seats,
            "patient_seats": pool.patient_seats,
            "people": pool.people,
            "agent_hours": pool.agent_hours,
            "paid_hours": pool.paid_hours,
            "intervals": [
                {"start": clock(i), **msgspec.to_builtins(one)} for i, one in enumerate(pool.intervals)
            ],
        }

    return {
        "calls_per_day": day.calls,
        "busy_hour_share": busy_hour_share(day.shape),
        "service_level": {"share": made.goal.share, "within_s": made.goal.within_s},
        "shrinkage": made.shrinkage,
        "pooled": told(made.pooled),
        "skills": [told(pool) for pool in made.topics],
        "apart_seats": max(made.apart(i) for i in range(INTERVALS)),
    }


def _plot(made: Plan) -> str:
    intervals = made.pooled.intervals
    series = [
        Series(title="话务量 Erl", values=[one.load for one in intervals], colour="#bfdbfe", filled=True),
        Series(title="坐席 Erlang-C", values=[one.agents for one in intervals], colour="#1d4ed8"),
    ]
    if made.pooled.patience_s is not None:
        agents = [float(one.patient_agents or 0) for one in intervals]
        series.append(Series(title="坐席 Erlang-A", values=agents, colour="#0d9488", dashed=True))
    if len(made.topics) > 1:
        apart = [float(made.apart(i)) for i in range(INTERVALS)]
        series.append(Series(title="各技能分别配置合计", values=apart, colour="#d97706", dashed=True))
    if made.shrinkage > 0:
        series.append(
            Series(title="人员（含损耗）", values=[one.people for one in intervals], colour="#dc2626")
        )
    goal = made.goal
    title = f"每半小时坐席：{round(100 * goal.share, 2):g}% 在 {goal.within_s:g} 秒内应答"
    return day_plot(title, "纵轴：Erl、坐席、人员；横轴：一天的时间", series)
