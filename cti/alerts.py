"""When a figure is beyond its threshold, and when it is back. Pure: values and a clock in, changes out.

A rule raises once its figure has been beyond `raise_at` for `raise_s` without a break, and clears once it has
been back behind `clear_at` for `clear_s`. Between the two thresholds nothing changes, so that a figure which
trembles at the border raises once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Annotated

import msgspec

from cti.errors import HotlineError

__all__ = ["AlertEngine", "AlertRule", "Cleared", "Level", "Raised", "RuleRefused", "Standing"]

CHINA = timezone(timedelta(hours=8))
RULES_MOST = 200

Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Number = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
Length = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class RuleRefused(HotlineError):
    """A rule that cannot work; `field` names what is wrong, `shown` is Chinese for people."""

    def __init__(self, field: str, shown: str) -> None:
        super().__init__(f"{field} is not acceptable")
        self.field = field
        self.shown = shown


class Level(StrEnum):
    """How bad it is."""

    INFO = "info"  # 提示
    WARNING = "warning"  # 警告
    CRITICAL = "critical"  # 严重


class AlertRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One threshold."""

    key: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,40}$")]  # names it
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]  # in Chinese
    figure: Annotated[
        str, msgspec.Meta(pattern=r"^[a-z0-9_.:-]{1,80}$|^live\.[a-z_]{1,20}:[^\s:]{1,50}$")
    ]  # key of the figure; of one queue or district behind a colon
    above: bool = True  # True: too much is wrong; False: too little
    raise_at: Number  # beyond it
    clear_at: Number  # back behind it: not above it (not below it) any more
    raise_s: Length = 0.0  # for so long, seconds
    clear_s: Length = 0.0  # for so long, seconds
    level: Level = Level.WARNING
    opens: Clock = "00:00"  # looked at from then on, China time
    closes: Clock = "24:00"  # and until then; before `opens`: over midnight
    days: Annotated[tuple[int, ...], msgspec.Meta(min_length=1, max_length=7)] = (
        1,
        2,
        3,
        4,
        5,
        6,
        7,
    )  # Monday 1
    sound: bool = False  # pages sound it
    enabled: bool = True

    def check(self) -> None:
        """Raise RuleRefused when the rule cannot work."""
        if (self.clear_at > self.raise_at) if self.above else (self.clear_at < self.raise_at):
            side = "不高于" if self.above else "不低于"
            raise RuleRefused("clear_at", f"恢复值应{side}触发值")
        if self.opens == self.closes:
            raise RuleRefused("closes", "结束时间不能与开始时间相同")
        if len(set(self.days)) != len(self.days) or not all(1 <= day <= 7 for day in self.days):
            raise RuleRefused("days", "星期应为 1 至 7，且不重复")

    def beyond(self, value: float) -> bool:
        """Whether the value is beyond the threshold."""
        return value > self.raise_at if self.above else value < self.raise_at

    def back(self, value: float) -> bool:
        """Whether the value is back."""
        return value <= self.clear_at if self.above else value >= self.clear_at

    def looks(self, now: float) -> bool:
        """Whether the rule counts at this time (epoch seconds)."""
        if not self.enabled:
            return False
        local = datetime.fromtimestamp(now, CHINA)
        minute = local.hour * 60 + local.minute
        opens, closes = _minutes(self.opens), _minutes(self.closes)
        if opens < closes:
            return opens <= minute < closes and local.isoweekday() in self.days
        if minute >= opens:
            return local.isoweekday() in self.days
        return minute < closes and (local - timedelta(days=1)).isoweekday() in self.days


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """A figure went beyond its threshold."""

    alert_id: str  # of this time
    rule: AlertRule
    value: float
    at: float  # epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """It is back, or its rule looks no more."""

    alert_id: str
    rule: str  # key of the rule
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An alert that is not over, as it was kept."""

    alert_id: str
    rule: str  # key of the rule


@dataclass(slots=True)
class _Watched:
    alert_id: str = ""  # "" not raised
    since: float | None = None  # beyond (not raised) or back (raised) without a break


class AlertEngine:
    """Every rule, and what has been seen of its figure."""

    def __init__(self, rules: Iterable[AlertRule] = (), standing: Iterable[Standing] = ()) -> None:
        """`standing`: alerts of before a restart that are not over; they are not raised again."""
        self._rules: dict[str, AlertRule] = {rule.key: rule for rule in rules}
        self._watched: dict[str, _Watched] = {}
        self._gone: list[Standing] = []  # raised by rules that are no more
        for one in standing:
            if one.rule in self._rules and one.rule not in self._watched:
                self._watched[one.rule] = _Watched(alert_id=one.alert_id)
            else:
                self._gone.append(one)

    @property
    def figures(self) -> frozenset[str]:
        """Keys of the figures that are looked at."""
        return frozenset(rule.figure for rule in self._rules.values() if rule.enabled)

    @property
    def standing(self) -> tuple[Standing, ...]:
        """Every alert that is not over."""
        raised = (Standing(alert_id=w.alert_id, rule=key) for key, w in self._watched.items() if w.alert_id)
        return (*raised, *self._gone)

    def use(self, rules: Iterable[AlertRule]) -> None:
        """Look at these rules from now on; what a changed rule has raised is not raised twice."""
        fresh = {rule.key: rule for rule in rules}
        for key in [key for key in self._watched if key not in fresh]:
            watched = self._watched.pop(key)
            if watched.alert_id:
                self._gone.append(Standing(alert_id=watched.alert_id, rule=key))
        for key, rule in fresh.items():
            if key in self._watched and rule != self._rules.get(key):
                self._watched[key].since = None
        self._rules = fresh

    def take(self, values: Mapping[str, float | None], now: float) -> tuple[Raised | Cleared, ...]:
        """Judge the figures as they are now.

        A value of None means that there was nothing to count: nothing is wrong then. A figure that is not
        among the values could not be told; what its rules have raised stands, and nothing new is raised.
        """
        changes: list[Raised | Cleared] = [
            Cleared(alert_id=one.alert_id, rule=one.rule, at=now) for one in self._gone
        ]
        self._gone = []
        for key, rule in self._rules.items():
            watched = self._watched.setdefault(key, _Watched())
            if not rule.looks(now):
                if watched.alert_id:
                    changes.append(Cleared(alert_id=watched.alert_id, rule=key, at=now))
                self._watched[key] = _Watched()
            elif rule.figure not in values:
                watched.since = None
            else:
                changes += self._judge(rule, watched, values[rule.figure], now)
        return tuple(changes)

    @staticmethod
    def _judge(rule: AlertRule, watched: _Watched, value: float | None, now: float) -> list[Raised | Cleared]:
        if watched.alert_id:
            moves, wait = value is None or rule.back(value), rule.clear_s
        else:
            moves, wait = value is not None and rule.beyond(value), rule.raise_s
        if not moves:
            watched.since = None
            return []
        if watched.since is None or watched.since > now:
            watched.since = now
        if now - watched.since < wait:
            return []
        watched.since = None
        if watched.alert_id:
            gone, watched.alert_id = watched.alert_id, ""
            return [Cleared(alert_id=gone, rule=rule.key, at=now)]
        watched.alert_id = f"{rule.key}-{round(now * 1000)}"
        return [Raised(alert_id=watched.alert_id, rule=rule, value=value or 0.0, at=now)]
