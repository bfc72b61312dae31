"""Who is on duty when: always the same number, what each half hour needs, or a roster from a file."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from acd.demand import DAY_S, INTERVAL_S, INTERVALS, read_rows
from acd.errors import InvalidValue
from acd.simulation import Shift

__all__ = ["AGENTS_MOST", "LEVEL", "all_day", "by_interval", "read_roster"]

AGENTS_MOST = 5000
"""As many agents at once."""
LEVEL = 3
"""Skill level where nothing else is said."""
AFTER_S = DAY_S / 4
"""Agents who are on duty at the end stay so long, until the last calls are over."""


def all_day(agents: int, skills: Mapping[str, int], days: int, *, start: float = 0.0) -> list[Shift]:
    """So many agents all the time from `start` on.

    Raises:
        InvalidValue: the number is out of bounds.
    """
    return by_interval([agents] * INTERVALS, skills, days, start=start)


def by_interval(
    agents: Sequence[int], skills: Mapping[str, int], days: int, *, start: float = 0.0, prefix: str = "a"
) -> list[Shift]:
    """So many agents in each half hour of a day, every day alike; `start` is the first midnight.

    Who came first goes first; a call in progress is finished after the end of duty. Everybody who comes is
    somebody new.

    Raises:
        InvalidValue: a number is out of bounds.
    """
    for interval, number in enumerate(agents):
        if not 0 <= number <= AGENTS_MOST:
            raise InvalidValue(f"agents[{interval}]", number, f"give 0 to {AGENTS_MOST}")
    shifts: list[Shift] = []
    on_duty: deque[tuple[str, float]] = deque()
    came = 0
    for interval, number in enumerate([*agents] * days):
        now = start + interval * INTERVAL_S
        while len(on_duty) < number:
            on_duty.append((f"{prefix}{came}", now))
            came += 1
        while len(on_duty) > number:
            agent_id, since = on_duty.popleft()
            shifts.append(Shift(agent_id=agent_id, at=since, until=now, skills=skills))
    end = start + days * DAY_S + AFTER_S
    shifts += [Shift(agent_id=who, at=since, until=end, skills=skills) for who, since in on_duty]
    return shifts


def read_roster(path: Path, known: Sequence[str], days: int, *, start: float = 0.0) -> list[Shift]:
    """Agents from a CSV file with the columns `agents` (how many), `skills`, `from` and `until` (HH:MM).

    Skills are written `general=3 enterprise=2`, levels 1 to 5. `until` is at most 24:00 and after `from`.
    The same every day; `start` is the first midnight.

    Raises:
        InvalidValue: naming file, line, key and remedy.
    """
    shifts = []
    total = 0
    rows = read_rows(path, needed=("agents", "skills", "from", "until"))
    for group, (line, row) in enumerate(rows):
        where = f"{path.name}:{line}"
        if not re.fullmatch(r"[1-9]\d{0,3}", row["agents"]) or total + int(row["agents"]) > AGENTS_MOST:
            raise InvalidValue(
                f"{where}: agents", row["agents"], f"give 1 to {AGENTS_MOST} in all rows together"
            )
        total += int(row["agents"])
        skills = _skills(where, row["skills"], known)
        since, until = _time(where, "from", row["from"]), _time(where, "until", row["until"])
        if until <= since:
            raise InvalidValue(
                f"{where}: until", row["until"], f"give a time after {row['from']}, at most 24:00"
            )
        shifts += [
            Shift(
                agent_id=f"g{group}-{number}",
                at=start + day * DAY_S + since,
                until=start + day * DAY_S + until,
                skills=skills,
            )
            for day in range(days)
            for number in range(int(row["agents"]))
        ]
    return shifts


def _skills(where: str, text: str, known: Sequence[str]) -> Mapping[str, int]:
    skills: dict[str, int] = {}
    for word in text.split():
        name, _, level = word.partition("=")
        if name not in known:
            raise InvalidValue(f"{where}: skills", name, f"name one of: {', '.join(known)}")
        if not re.fullmatch(r"[1-5]", level or str(LEVEL)):
            raise InvalidValue(f"{where}: skills", word, "give a level of 1 to 5, such as general=3")
        skills[name] = int(level or LEVEL)
    if not skills:
        raise InvalidValue(f"{where}: skills", text, "name at least one, such as general=3")
    return skills


def _time(where: str, key: str, text: str) -> float:
    found = re.fullmatch(r"([01]\d|2[0-4]):([0-5]\d)", text)
    seconds = int(found[1]) * 3600 + int(found[2]) * 60 if found else DAY_S + 1
    if seconds > DAY_S:
        raise InvalidValue(f"{where}: {key}", text, "give a time from 00:00 to 24:00, such as 08:30")
    return float(seconds)
