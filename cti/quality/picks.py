"""Which talks are reviewed: a sample by chance, and those that a rule finds. Pure.

The sample is drawn by a hash of the call's id and the day, so that anybody can draw it again and nobody can
steer it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from cti.quality.errors import RulesError, where
from cti.quality.traits import TalkTraits

__all__ = ["SHIPPED", "PickRules", "Reason", "Talk", "read_rules", "reasons", "sample"]

SHIPPED = Path(__file__).with_name("rules.yaml")
BYTES_MAX = 64 * 1024

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]


class PickRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules of picking; None switches a rule off."""

    sample_per_agent_a_day: Annotated[int, msgspec.Meta(ge=0, le=50)]  # talks of each agent, by chance
    found_per_agent_a_day: Annotated[int, msgspec.Meta(ge=0, le=200)]  # at most so many found by rules
    least_talk_s: Seconds  # shorter talks are not drawn by chance
    silence_longest_s: Seconds | None = None  # one silence at least so long
    silence_share: Share | None = None  # silence is at least this share of what was heard
    overlap_s: Seconds | None = None  # both spoke for so long
    hold_longest_s: Seconds | None = None  # one hold at least so long
    satisfaction_most: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None  # rated so, or worse
    mos_least: Annotated[float, msgspec.Meta(ge=1, le=4.5)] | None = None  # sounded worse than this
    forbidden: Annotated[tuple[Word, ...], msgspec.Meta(max_length=500)] = ()  # words no agent should say


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """A talk that could be reviewed."""

    call_id: str
    agent_id: str
    talk_s: float
    satisfaction: int | None = None  # 1 to 5
    mos: float | None = None  # worst of the agent's leg
    traits: TalkTraits | None = None  # None without a transcript


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a talk was picked."""

    rule: str  # name of the rule: a field of PickRules, "sample" or "hand"
    text: str  # in Chinese, with the figure
    at: float | None = None  # where in the recording to listen


def read_rules(text: str) -> PickRules:
    """Return rules as they are written in YAML.

    Raises:
        RulesError: they are too long, not YAML, or a key or value is not one of theirs.
    """
    if len(text.encode()) > BYTES_MAX:
        raise RulesError(f"抽检规则不能超过 {BYTES_MAX // 1024} KB", field="file")
    try:
        return msgspec.convert(yaml.safe_load(text), PickRules)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise RulesError(f"抽检规则第 {line} 行不是有效的 YAML", field="file") from None
    except msgspec.ValidationError as error:
        field = where(error)
        raise RulesError(f"抽检规则中“{field}”不对：{error}", field=field) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RulesError(f"抽检规则有误：{error}", field="file") from None


def reasons(rules: PickRules, talk: Talk) -> tuple[Reason, ...]:
    """Return every rule that finds this talk, the gravest first; () when none does."""
    found: list[Reason] = []
    heard = talk.traits
    if heard is not None and heard.words:
        words = "、".join(dict.fromkeys(hit.word for hit in heard.words))
        found.append(Reason(rule="forbidden", text=f"坐席说了“{words}”", at=heard.words[0].at))
    if _most(talk.satisfaction, rules.satisfaction_most):
        found.append(Reason(rule="satisfaction_most", text=f"市民评价 {talk.satisfaction} 分"))
    if heard is not None:
        if _least(heard.hold_longest_s, rules.hold_longest_s):
            found.append(Reason(rule="hold_longest_s", text=f"最长保持 {heard.hold_longest_s:.0f} 秒"))
        if _least(heard.silence_longest_s, rules.silence_longest_s):
            text = f"最长静默 {heard.silence_longest_s:.0f} 秒"
            found.append(Reason(rule="silence_longest_s", text=text, at=heard.silence_at))
        if heard.heard_s > 0 and _least(heard.silence_share, rules.silence_share):
            text = f"静默占 {heard.silence_share:.0%}"
            found.append(Reason(rule="silence_share", text=text, at=heard.silence_at))
        if _least(heard.overlap_s, rules.overlap_s):
            text = f"抢话、同时说话 {heard.overlap_s:.0f} 秒"
            found.append(Reason(rule="overlap_s", text=text, at=heard.overlap_at))
    if talk.mos is not None and rules.mos_least is not None and talk.mos < rules.mos_least:
        found.append(Reason(rule="mos_least", text=f"话音质量 {talk.mos:.1f}"))
    return tuple(found)


def sample(
    rules: PickRules, day: str, talks: Iterable[Talk], *, taken: Sequence[str] = ()
) -> tuple[str, ...]:
    """Draw a day's sample: ids of calls, for each agent the same number.

    Args:
        day: YYYY-MM-DD, goes into the hash.
        talks: all talks of that day.
        taken: calls of that day which were drawn before; they count, and are not drawn again.
    """
    by_agent: defaultdict[str, list[Talk]] = defaultdict(list)
    for talk in talks:
        if talk.talk_s >= rules.least_talk_s or talk.call_id in taken:
            by_agent[talk.agent_id].append(talk)
    drawn: list[str] = []
    for _, own in sorted(by_agent.items()):
        left = rules.sample_per_agent_a_day - sum(talk.call_id in taken for talk in own)
        free = [talk.call_id for talk in own if talk.call_id not in taken]
        drawn.extend(sorted(free, key=lambda call_id: _lot(day, call_id))[: max(0, left)])
    return tuple(drawn)


def _lot(day: str, call_id: str) -> str:
    return hashlib.sha256(f"{day} {call_id}".encode()).hexdigest()


def _least(value: float, bound: float | None) -> bool:
    return bound is not None and value >= bound


def _most(value: int | None, bound: int | None) -> bool:
    return value is not None and bound is not None and value <= bound
