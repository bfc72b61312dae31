"""When citizens are visited, how often, and what the load must allow: data, read from a YAML file."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import yaml

from orders.errors import OrderError, ValueRefused
from orders.visit_load import LoadLimits

__all__ = ["SHIPPED", "Result", "VisitPolicy", "VisitPolicyError", "load_visit_policy"]

SHIPPED = Path(__file__).parent / "visits.yaml"
MAX_BYTES = 200_000
DAY = datetime.timedelta(days=1)
MOST_DAYS = 2000
"""Days in `not_on`, ranges spelled out."""

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class Result(StrEnum):
    """What came of one try."""

    ANSWERED = "answered"  # at least one question was answered, or a person talked with the citizen
    NO_ANSWER = "no_answer"  # nobody picked up, nobody spoke, or a machine did
    REFUSED = "refused"  # the call was rejected, or they hung up before answering anything
    UNCLEAR = "unclear"  # they spoke, and were not understood
    BUSY = "busy"
    UNREACHABLE = "unreachable"  # the network says that there is no such number
    FAILED = "failed"  # our side or the network: no try of the citizen's patience


class VisitPolicyError(OrderError):
    """A policy file that cannot be used; nothing of it is taken."""

    def __init__(self, file: str, key: str, value: object, remedy: str) -> None:
        super().__init__(
            f"{file}: {key} = {str(value)[:80]!r}: {remedy}", shown="回访策略文件有误，请查看服务器日志"
        )
        self.file = file
        self.key = key
        self.value = value
        self.remedy = remedy


Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]
Minutes = Annotated[float, msgspec.Meta(ge=1, le=60 * 24 * 30)]
_WAITS: Mapping[str, float] = {"busy": 15, "no_answer": 120, "refused": 1440, "unclear": 1440, "failed": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPolicy:
    """What an administrator decides about return visits; see orders/visits.yaml, which is the default."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))  # of hours and days
    hours: tuple[tuple[int, int], ...] = ((540, 720), (840, 1200))  # minutes of the day: from, before
    weekdays: frozenset[int] = frozenset(range(1, 8))  # 1 Monday … 7 Sunday
    not_on: frozenset[datetime.date] = frozenset()  # no calls on these days
    tries: int = 3  # then it is given up; failures do not count
    failures: int = 20  # so many of those, and it is given up
    again_after_min: Mapping[str, float] = field(default_factory=lambda: dict(_WAITS))  # Result -> minutes
    ring_s: float = 30.0  # the citizen's telephone rings at most so long
    keep_days: float = 14.0  # a visit older than this is given up
    load: LoadLimits = field(default_factory=LoadLimits)  # what inbound calls need first

    def open_at(self, at: float) -> bool:
        """Whether citizens may be called at this time (epoch seconds)."""
        return self.next_hours(at) == at

    def next_hours(self, at: float) -> float:
        """The same time when citizens may be called then, else the next one at which they may."""
        local = datetime.datetime.fromtimestamp(at, self.zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        for days in range(7 * (len(self.not_on) + 1) + 1):  # so many hold an open day in any case
            day = midnight + days * DAY
            if day.isoweekday() not in self.weekdays or day.date() in self.not_on:
                continue
            for opens, closes in self.hours:
                first = (day + datetime.timedelta(minutes=opens)).timestamp()
                if at < (day + datetime.timedelta(minutes=closes)).timestamp():
                    return max(at, first)
        raise ValueRefused("there are no calling hours", shown="回访策略中没有可以外呼的时间")

    def again_at(self, result: Result, now: float) -> float:
        """When to try again after this result."""
        return self.next_hours(now + 60 * self.again_after_min[result.value])

    def expires(self, planned_at: float, now: float) -> bool:
        """Whether a visit is too old."""
        return now >= planned_at + self.keep_days * 86_400


class _Load(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    agents_ready: int = 2
    calls_per_agent: float = 1.0
    longest_wait_s: float = 10.0
    most_waiting: int = 0
    trunk_channels: int = 0
    trunk_spare: int = 4


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    time_zone: str = "Asia/Shanghai"
    hours: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=10)] = (
        "09:00-12:00",
        "14:00-20:00",
    )
    weekdays: Annotated[tuple[Weekday, ...], msgspec.Meta(min_length=1)] = (1, 2, 3, 4, 5, 6, 7)
    not_on: Annotated[tuple[Any, ...], msgspec.Meta(max_length=1000)] = ()
    tries: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    failures: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
    again_after_min: dict[str, Minutes] = {}
    ring_s: Annotated[float, msgspec.Meta(ge=5, le=120)] = 30.0
    keep_days: Annotated[float, msgspec.Meta(gt=0, le=366)] = 14.0
    load: _Load = msgspec.field(default_factory=_Load)


def load_visit_policy(file: Path = SHIPPED, *, most_at_once: int = 4) -> VisitPolicy:
    """Read and check a policy file; `most_at_once` robot calls come from the settings.

    Raises:
        VisitPolicyError: it cannot be used; names file, key, value and remedy.
    """
    name = file.name
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise VisitPolicyError(name, "file", str(file), f"cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise VisitPolicyError(name, "file", f"{len(raw)} bytes", f"keep it under {MAX_BYTES} bytes")
    try:
        data = yaml.safe_load(raw.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "file"
        raise VisitPolicyError(name, where, "", "save it as UTF-8 and correct the YAML") from None
    try:
        given = msgspec.convert({} if data is None else data, _File)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at ")
        key = where.strip("`").removeprefix("$").lstrip(".") or "file"
        raise VisitPolicyError(name, key, _value(data, key), said) from None
    return VisitPolicy(
        zone=_zone(name, given.time_zone),
        hours=_hours(name, given.hours),
        weekdays=frozenset(given.weekdays),
        not_on=_days(name, given.not_on),
        tries=given.tries,
        failures=given.failures,
        again_after_min=_waits(name, given.again_after_min),
        ring_s=given.ring_s,
        keep_days=given.keep_days,
        load=_load(name, given.load, most_at_once),
    )


def _value(data: Any, key: str) -> object:
    for part in re.findall(r"[^.\[\]]+", key):
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            break
    return data if isinstance(data, str | int | float | bool | None) else type(data).__name__


def _zone(name: str, text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise VisitPolicyError(name, "time_zone", text, "name a zone such as Asia/Shanghai") from None


def _hours(name: str, given: Sequence[str]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for index, text in enumerate(given):
        parts = _HOURS.fullmatch(text)
        opens, closes = (
            (int(parts[1]) * 60 + int(parts[2]), int(parts[3]) * 60 + int(parts[4])) if parts else (0, 0)
        )
        if not opens < closes <= 24 * 60:
            raise VisitPolicyError(
                name, f"hours[{index}]", text, 'write "09:00-12:00", the end later than the begin'
            )
        if found and opens < found[-1][1]:
            raise VisitPolicyError(name, f"hours[{index}]", text, "put them in order, without overlap")
        found.append((opens, closes))
    return tuple(found)


def _days(name: str, given: Sequence[object]) -> frozenset[datetime.date]:
    found: set[datetime.date] = set()
    for index, text in enumerate(given):
        first_text, _, last_text = str(text).partition("/")
        try:
            first = datetime.date.fromisoformat(first_text)
            last = datetime.date.fromisoformat(last_text) if last_text else first
        except ValueError:
            first, last = datetime.date.max, datetime.date.min
        if not 0 <= (last - first).days < 366:
            raise VisitPolicyError(
                name, f"not_on[{index}]", text, 'write "2027-02-06", or "2027-02-05/2027-02-11"'
            )
        found |= {first + count * DAY for count in range((last - first).days + 1)}
        if len(found) > MOST_DAYS:
            raise VisitPolicyError(name, f"not_on[{index}]", text, f"name at most {MOST_DAYS} days in all")
    return frozenset(found)


def _waits(name: str, given: Mapping[str, float]) -> Mapping[str, float]:
    unknown = sorted(given.keys() - _WAITS.keys())
    if unknown:
        raise VisitPolicyError(
            name, f"again_after_min.{unknown[0]}", given[unknown[0]], f"write one of: {', '.join(_WAITS)}"
        )
    return {**_WAITS, **given}


def _load(name: str, given: _Load, most_at_once: int) -> LoadLimits:
    try:
        return LoadLimits(most_at_once=most_at_once, **msgspec.structs.asdict(given))
    except ValueRefused as error:
        key, _, rest = str(error).partition(" = ")
        value, _, remedy = rest.partition(": ")
        raise VisitPolicyError(name, key, value, remedy) from None
