"""How many calls come when: the shape of a day, and what the calls are about.

A day has 48 intervals of half an hour. The built-in shape is an assumption (a working day with a high
morning, a dip at noon and a lower afternoon), made as sharp or flat as the busy hour's share says; a centre
that knows its own day gives that instead.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from acd.errors import InvalidValue

__all__ = [
    "DAY_S",
    "INTERVALS",
    "INTERVAL_S",
    "Topic",
    "busy_hour_share",
    "clock",
    "day_shape",
    "read_intervals",
    "read_rows",
    "read_topics",
    "whole",
]

INTERVAL_S = 1800.0
INTERVALS = 48
DAY_S = INTERVAL_S * INTERVALS
FILE_MAX = 1_000_000
"""Bytes of a CSV file."""
CALLS_MAX = 10_000_000
"""Calls a day."""

# Relative to the busiest half hour; 10:00 to 11:00 is the busy hour.
SHAPE = (
    *(0.07, 0.06, 0.05, 0.05, 0.04, 0.04, 0.04, 0.04, 0.05, 0.06, 0.07, 0.09),  # 00:00 to 06:00
    *(0.13, 0.19, 0.29, 0.42, 0.60, 0.78, 0.90, 0.97, 1.00, 1.00, 0.95, 0.86),  # 06:00 to 12:00
    *(0.66, 0.58, 0.60, 0.68, 0.80, 0.88, 0.90, 0.90, 0.87, 0.83, 0.76, 0.66),  # 12:00 to 18:00
    *(0.54, 0.48, 0.45, 0.43, 0.40, 0.36, 0.32, 0.28, 0.22, 0.17, 0.13, 0.10),  # 18:00 to 24:00
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One kind of calls: what it needs and how long it takes."""

    queue: str  # the routing policy's queue
    title: str  # Chinese name
    share: float  # of all calls, 0 to 1
    handling_s: float  # mean seconds that an agent is busy with it, work order included
    patience_s: float | None  # mean seconds until a caller hangs up; None: never


def whole(queue: str, title: str, handling_s: float, patience_s: float | None) -> tuple[Topic, ...]:
    """All calls alike."""
    return (Topic(queue=queue, title=title, share=1.0, handling_s=handling_s, patience_s=patience_s),)


def clock(interval: int) -> str:
    """The time of day at which an interval begins, as HH:MM."""
    return f"{interval // 2:02d}:{interval % 2 * 30:02d}"


def busy_hour_share(shape: Sequence[float]) -> float:
    """The greatest share of the day's calls within two neighbouring intervals."""
    return max(shape[i] + shape[i + 1] for i in range(len(shape) - 1))


def day_shape(busy_hour: float = 0.1) -> tuple[float, ...]:
    """Shares of the day's calls by interval, of which the busy hour has `busy_hour`.

    The built-in shape is raised to the power that makes it so: 0 is the same all day, more is sharper.

    Raises:
        InvalidValue: a share that no day can have, or that no hotline has.
    """
    if not 1 / 24 <= busy_hour <= 0.5:
        raise InvalidValue("busy-hour-share", busy_hour, "give 0.0417 (the same all day) to 0.5, usually 0.1")

    def shaped(power: float) -> tuple[float, ...]:
        raised = [one**power for one in SHAPE]
        return tuple(one / sum(raised) for one in raised)

    low, high = 0.0, 200.0
    for _ in range(80):
        middle = (low + high) / 2
        if busy_hour_share(shaped(middle)) < busy_hour:
            low = middle
        else:
            high = middle
    return shaped(high)


# ---------------------------------------------------------------- files


def read_intervals(path: Path) -> tuple[tuple[float, ...], float]:
    """A day from a CSV file with the columns `start` (HH:MM, all 48 half hours in order) and `calls`.

    Returns:
        Shares by interval, and the number of calls.

    Raises:
        InvalidValue: naming file, line, key and remedy.
    """
    rows = read_rows(path, needed=("start", "calls"))
    if len(rows) != INTERVALS:
        raise InvalidValue(f"{path.name}: rows", len(rows), "give all 48 half hours, 00:00 to 23:30")
    calls = []
    for i, (line, row) in enumerate(rows):
        if row["start"] != clock(i):
            raise InvalidValue(f"{path.name}:{line}: start", row["start"], f"give {clock(i)} here")
        calls.append(_number(path, line, row, "calls", 0, CALLS_MAX))
    total = sum(calls)
    if total <= 0:
        raise InvalidValue(f"{path.name}: calls", total, "give at least one call")
    return tuple(one / total for one in calls), total


def read_topics(
    path: Path, *, titles: Mapping[str, str], handling_s: float, patience_s: float | None
) -> tuple[Topic, ...]:
    """Topics from a CSV file: columns `queue`, `share`, and if wanted `aht` and `patience` (seconds).

    Shares may be in any unit: they are divided by their sum. `titles` are the policy's queues; `handling_s`
    and `patience_s` count where a row says nothing.

    Raises:
        InvalidValue: naming file, line, key and remedy.
    """
    rows = read_rows(path, needed=("queue", "share"), also=("aht", "patience"))
    found: dict[str, Topic] = {}
    for line, row in rows:
        queue = row["queue"]
        if queue not in titles:
            raise InvalidValue(f"{path.name}:{line}: queue", queue, f"name one of: {', '.join(titles)}")
        if queue in found:
            raise InvalidValue(f"{path.name}:{line}: queue", queue, "give each queue one row")
        patience = patience_s
        if row.get("patience"):
            patience = _number(path, line, row, "patience", 0.1, DAY_S)
        found[queue] = Topic(
            queue=queue,
            title=titles[queue],
            share=_number(path, line, row, "share", 0, 1e9),
            handling_s=_number(path, line, row, "aht", 1, 7200) if row.get("aht") else handling_s,
            patience_s=patience,
        )
    total = sum(topic.share for topic in found.values())
    if total <= 0:
        raise InvalidValue(f"{path.name}: share", total, "give at least one share above 0")
    return tuple(
        Topic(
            queue=topic.queue,
            title=topic.title,
            share=topic.share / total,
            handling_s=topic.handling_s,
            patience_s=topic.patience_s,
        )
        for topic in found.values()
    )


def read_rows(
    path: Path, *, needed: Sequence[str], also: Sequence[str] = ()
) -> list[tuple[int, Mapping[str, str]]]:
    """Line number and values of every row of a CSV file in UTF-8 with a heading, at least one.

    Raises:
        InvalidValue: naming file, line, key and remedy.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InvalidValue("file", str(path), f"make it readable ({error.strerror})") from error
    if len(raw) > FILE_MAX:
        raise InvalidValue(f"{path.name}: size", len(raw), f"keep it under {FILE_MAX} bytes")
    try:
        reader = csv.DictReader(io.StringIO(raw.decode("utf-8-sig")), strict=True)
        columns = reader.fieldnames or []
        for column in needed:
            if column not in columns:
                raise InvalidValue(f"{path.name}:1: columns", ",".join(columns), f"add the column {column}")
        for column in columns:
            if column not in (*needed, *also):
                remedy = f"remove it; there are {', '.join((*needed, *also))}"
                raise InvalidValue(f"{path.name}:1: column", column, remedy)
        rows: list[tuple[int, Mapping[str, str]]] = []
        for row in reader:
            if None in row or None in row.values():
                raise InvalidValue(f"{path.name}:{reader.line_num}: row", len(row), "give one value a column")
            rows.append((reader.line_num, {key: value.strip() for key, value in row.items()}))
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{path.name}: byte", error.start, "save it as UTF-8") from None
    except csv.Error as error:
        raise InvalidValue(f"{path.name}: csv", str(error), "correct it") from None
    if not rows:
        raise InvalidValue(f"{path.name}: rows", 0, "give at least one row below the heading")
    return rows


def _number(path: Path, line: int, row: Mapping[str, str], key: str, least: float, most: float) -> float:
    text = row[key]
    number = float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) else math.nan
    if not least <= number <= most:
        raise InvalidValue(f"{path.name}:{line}: {key}", text, f"give a number from {least:g} to {most:g}")
    return number
