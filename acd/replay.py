"""A past day under a proposed policy, beside what happened and beside what nobody could do better.

What is known of the day are its calls and the notes of its agents' states (`acd.sim_past`). The same callers
meet the same agents in the simulator, once under the proposed policy and once pooled: one line, every agent
takes every call.

`RULES` says how what cannot be known is settled; what was missing in the day's records is counted in
`Comparison.missing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from acd.policy import Choice, Policy, QueuePolicy, Skill
from acd.sim_past import LEAD_S, Handling, History, PastCall, PastDay, history, mean_handling
from acd.sim_results import Report, report
from acd.simulation import Shift, SimCall, Spell, Told, simulate

__all__ = ["RULES", "Comparison", "replay"]

PAUSE_S = 0.1
"""Who was answered does not hang up in the very moment of the answer."""

RULES = (
    "放弃者的耐心 = 其实际等待",
    "被接通者的耐心未知（删失）：至少为其实际等待，此后按当日放弃率（放弃数 ÷ 总等待）的指数分布补足",
    "被接通者的振铃、通话、整理时长与当日相同；放弃者若被接通，取该队列当日被接通者的平均值",
    "坐席在岗时段与当日相同（示忙、签出即不在岗，先完成手上的来电）；未接振铃不重放",
    "整理时长不超过拟议策略的上限；坐席技能取账号现有技能",
    "合并上限：一条队列、先来先接、任一坐席可接任一来电",
)
"""How the replay settles what records cannot say; shown with every result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The three days side by side."""

    happened: Report
    proposed: Report
    pooled: Report
    missing: Mapping[str, int]  # what the records did not say -> how often


def replay(day: PastDay, policy: Policy, within_s: float) -> Comparison:
    """Play the day under `policy` and pooled; `within_s` is the service level's.

    Raises:
        RouterError: the policy cannot take the day's calls.
    """
    missing: dict[str, int] = {}
    past = history(day)
    if past.moved:
        missing["转接后的通话（第二名坐席的占用未重放）"] = past.moved
    calls = _calls(day, policy, past, missing)
    shifts = _shifts(day, policy, past, missing)
    queues = [queue.name for queue in policy.queues]

    def told(some: Sequence[Told], spells: Iterable[Spell]) -> Report:
        return report(some, spells, queues=queues, start=day.start, end=day.end, within_s=within_s)

    proposed = simulate(policy, calls, shifts, end=day.end)
    one_line = [_in_pool(call) for call in calls]
    pooled = simulate(POOLED, one_line, [_for_pool(shift) for shift in shifts], end=day.end)
    return Comparison(
        happened=told(_happened(day, calls), past.spells),
        proposed=told(proposed.calls, proposed.spells),
        pooled=told(pooled.calls, pooled.spells),
        missing=missing,
    )


def _shifts(day: PastDay, policy: Policy, past: History, missing: dict[str, int]) -> list[Shift]:
    known = {skill.name for skill in policy.skills}
    shifts = []
    strangers = set()
    for agent_id, since, until in past.presence:
        if agent_id not in day.skills:
            strangers.add(agent_id)
            continue
        skills = {skill: level for skill, level in day.skills[agent_id].items() if skill in known}
        shifts.append(Shift(agent_id=agent_id, at=since, until=until, skills=skills))
    if strangers:
        missing["有状态记录但技能未知的坐席（未参加重放）"] = len(strangers)
    return shifts


# ---------------------------------------------------------------- calls


def _calls(day: PastDay, policy: Policy, past: History, missing: dict[str, int]) -> list[SimCall]:
    queues = {queue.name: queue for queue in policy.queues}
    means = {queue: mean_handling(day, past, queue) for queue in {call.queue for call in day.calls}}
    overall = mean_handling(day, past, None)
    calls = []
    for call, patience in zip(day.calls, _patience(day.calls), strict=True):
        if call.queue not in queues:
            _count(missing, "队列不在拟议策略中的来电（进入默认队列）")
        if call.answered is None and call.ended is None:
            _count(missing, "既未接通也无结束时间的来电（视为不放弃）")
        known, mean = past.handling.get(call.call_id, Handling()), means[call.queue]
        talk_s = known.talk_s
        if talk_s is None and call.answered is not None:
            if call.ended is not None:
                _count(missing, "无坐席通话记录的来电（通话取接通到结束）")
                talk_s = max(0.0, call.ended - call.answered)
            else:
                _count(missing, "无通话时长的来电（取平均值）")
        queue = queues.get(call.queue, queues[policy.default_queue])
        ring_s = _first(mean.ring_s, overall.ring_s)
        if known.ring_s is not None:
            ring_s = known.ring_s if call.answered is not None else max(ring_s, known.ring_s + LEAD_S)
        calls.append(
            SimCall(
                call_id=call.call_id,
                at=call.queued,
                queue=queue.name,
                talk_s=_first(talk_s, mean.talk_s, overall.talk_s),
                ring_s=min(ring_s, queue.ring_limit_s),
                wrap_up_s=_first(known.wrap_up_s, mean.wrap_up_s, overall.wrap_up_s),
                patience_s=patience,
            )
        )
    return calls


def _patience(calls: Sequence[PastCall]) -> list[float | None]:
    """How long each caller would wait; None: for ever.

    Who hung up showed it. Who was answered was ready to wait at least that long; beyond it an exponential
    patience is taken, whose rate is estimated as hang-ups / seconds waited by all (the maximum-likelihood
    estimate for censored exponential times; D. R. Cox and D. Oakes, "Analysis of Survival Data", 1984). The
    draws are the same in every replay of the day.
    """
    waits = [max(0.0, _first(call.answered, call.ended, call.queued) - call.queued) for call in calls]
    gone = [call.answered is None and call.ended is not None for call in calls]
    beyond = np.random.Generator(np.random.PCG64(0)).standard_exponential(len(calls))
    rate = sum(gone) / sum(waits) if sum(waits) > 0 else 0.0
    found: list[float | None] = []
    for call, wait, left, more in zip(calls, waits, gone, beyond.tolist(), strict=True):
        if left:
            found.append(wait)
        elif rate == 0 or call.answered is None:
            found.append(None)
        else:
            found.append(wait + PAUSE_S + more / rate)
    return found


def _first(*values: float | None) -> float:
    return next((value for value in values if value is not None), 0.0)


def _count(missing: dict[str, int], what: str) -> None:
    missing[what] = missing.get(what, 0) + 1


def _happened(day: PastDay, calls: Sequence[SimCall]) -> list[Told]:
    """The day's calls as they were, in the order of coming."""
    pairs = sorted(zip(day.calls, calls, strict=True), key=lambda pair: pair[0].queued)
    return [
        Told(
            call=call,
            answered=was.answered,
            left=None if was.answered is not None else was.ended,
            rings=was.rings,
        )
        for was, call in pairs
    ]


# ---------------------------------------------------------------- the pool

ANY = "any"
POOLED = Policy(
    skills=(Skill(name=ANY, title="全部"),),
    queues=(QueuePolicy(name=ANY, title="合并", needs={ANY: 1}, ring_limit_s=120.0, wrap_up_s=3600.0),),
    default_queue=ANY,
    choice=Choice.LONGEST_IDLE,
)


def _in_pool(call: SimCall) -> SimCall:
    return replace(call, queue=ANY)


def _for_pool(shift: Shift) -> Shift:
    return replace(shift, skills={ANY: 1})
