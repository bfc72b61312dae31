"""Units (承办单位): which there are, what each is for, and where; read from data and checked whole. Pure."""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import yaml

from orders.errors import OrderError

__all__ = ["LEVELS", "SHIPPED", "Unit", "UnitRule", "UnitsWrong", "read_rules", "read_units", "shipped_units"]

SHIPPED = Path(__file__).with_name("data") / "units.yaml"

LEVELS: Mapping[str, str] = MappingProxyType(
    {
        "province": "省级", "city": "市级", "county": "区县", "township": "街道乡镇", "village": "村社",
        "company": "企业",
    }
)  # fmt: skip
"""Levels of units, in English and in Chinese; a file may use either."""
_LEVEL_OF = {**{name: name for name in LEVELS}, **{title: name for name, title in LEVELS.items()}} | {
    "省": "province", "市": "city", "市直": "city", "区": "county", "县": "county", "区县级": "county",
    "街道": "township", "乡镇": "township", "镇": "township", "乡": "township", "村": "village",
    "社区": "village", "公司": "company", "": "city",
}  # fmt: skip

UNITS_MOST = 5000
RULES_MOST = 50_000
FILE_MOST = 8 << 20
NAME_MAX = 100
DUTY_MAX = 40
DUTIES_MOST = 500
PROBLEMS_MOST = 50

_SPLIT = re.compile(r"[;；、|，,\n]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class UnitsWrong(OrderError):
    """A file of units or rules cannot be used; nothing of it was taken. `problems` names each line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems), shown="；".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit."""

    name: str  # as it stands on orders; may hold {district} or {street}
    level: str = "city"  # a key of LEVELS
    parent: str = ""  # name of the unit above it, "" for none
    also: tuple[str, ...] = ()  # other names that people use
    words: tuple[str, ...] = ()  # what matters for it say
    categories: tuple[str, ...] = ()  # names, or parts of names, of categories at any level
    areas: tuple[str, ...] = ()  # districts and streets that it is for, () everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRule:
    """Matters of a category in an area go to a unit, between two dates."""

    rule_id: str  # "r1" … by place in its file
    unit: str  # which
    category: str  # name of the category, at any level
    district: str = ""  # "" for all
    street: str = ""  # "" for all
    since: str = ""  # in force from this day (ISO), "" always was
    until: str = ""  # up to this day, included; "" for ever


class _YamlUnit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    title: str = ""
    also: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class _YamlFile(msgspec.Struct, forbid_unknown_fields=True):
    units: tuple[_YamlUnit, ...]


def shipped_units() -> tuple[Unit, ...]:
    """Return the departments that most cities have."""
    data: Any = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    given = msgspec.convert(data, _YamlFile).units
    return tuple(
        Unit(
            name=unit.title or unit.name,
            also=(unit.name, *unit.also),
            words=unit.words,
            categories=unit.categories,
        )
        for unit in given
    )


def read_units(text: str, *, standard: Iterable[Unit] = ()) -> tuple[Unit, ...]:
    """Read a CSV `name,level,parent,duties,areas`; duties and areas are divided by ; or 、.

    A unit that is called like one of `standard` (岳麓区住建局) gets that one's duties beside its own.

    Raises:
        UnitsWrong: naming every line that is wrong, and why.
    """
    known = list(standard)
    problems: list[str] = []
    units: dict[str, Unit] = {}
    for line, row in _rows(text, ("name", "level", "parent", "duties", "areas"), UNITS_MOST, problems):
        name = row["name"]
        level = _LEVEL_OF.get(row["level"].lower())
        if not 1 <= len(name) <= NAME_MAX:
            problems.append(f"第 {line} 行：name 要有 1 到 {NAME_MAX} 个字")
        elif name in units:
            problems.append(f"第 {line} 行：单位“{name}”重复")
        elif level is None:
            problems.append(f"第 {line} 行：level“{row['level'][:20]}”应为 {'、'.join(LEVELS.values())}")
        else:
            duties = _parts(row["duties"])
            if len(duties) > DUTIES_MOST or any(len(duty) > DUTY_MAX for duty in duties):
                problems.append(f"第 {line} 行：duties 最多 {DUTIES_MOST} 项，每项最多 {DUTY_MAX} 个字")
                continue
            own = Unit(
                name=name, level=level, parent=row["parent"], words=duties, categories=duties,
                areas=_parts(row["areas"]),
            )  # fmt: skip
            units[name] = _with_standard(own, known)
    problems.extend(
        f"单位“{unit.name}”的上级“{unit.parent[:NAME_MAX]}”不在文件中"
        for unit in units.values()
        if unit.parent and unit.parent not in units
    )
    problems.extend(f"单位“{name}”的上级关系成环" for name in _in_circles(units))
    if problems:
        raise UnitsWrong(problems[:PROBLEMS_MOST])
    return tuple(units.values())


def read_rules(text: str, units: Iterable[str]) -> tuple[UnitRule, ...]:
    """Read a CSV `category,district,street,unit,since,until` (dates as 2026-01-31, or empty).

    Raises:
        UnitsWrong: naming every line that is wrong, and why.
    """
    known = frozenset(units)
    problems: list[str] = []
    rules: list[UnitRule] = []
    columns = ("category", "district", "street", "unit", "since", "until")
    for line, row in _rows(text, columns, RULES_MOST, problems):
        if not row["category"]:
            problems.append(f"第 {line} 行：category 不能为空")
        elif row["unit"] not in known:
            problems.append(f"第 {line} 行：没有单位“{row['unit'][:NAME_MAX]}”")
        elif any(row[key] and not _is_date(row[key]) for key in ("since", "until")):
            problems.append(f"第 {line} 行：日期应写作 2026-01-31")
        elif row["since"] and row["until"] and row["since"] > row["until"]:
            problems.append(f"第 {line} 行：until 早于 since")
        else:
            rules.append(UnitRule(rule_id=f"r{len(rules) + 1}", **row))
    if problems:
        raise UnitsWrong(problems[:PROBLEMS_MOST])
    return tuple(rules)


def _rows(
    text: str, columns: Sequence[str], most: int, problems: list[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, column -> value without blanks around it)."""
    if len(text) > FILE_MOST:
        problems.append(f"文件超过 {FILE_MOST >> 20} MB")
        return
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        missing = [name for name in columns[:1] if name not in (reader.fieldnames or ())]
        unknown = [name for name in reader.fieldnames or () if name not in columns]
        if missing or unknown:
            problems.append(f"第 1 行：表头应为 {','.join(columns)}")
            return
        for count, row in enumerate(reader, 1):
            if count > most:
                problems.append(f"超过 {most} 行")
                return
            if None in row:
                problems.append(f"第 {reader.line_num} 行：列数多于表头；含逗号的内容请加引号")
                continue
            yield reader.line_num, {name: (row.get(name) or "").strip() for name in columns}
    except csv.Error as error:
        problems.append(f"第 {reader.line_num} 行：{error}")


def _parts(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in _SPLIT.split(text) if part.strip()))


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _with_standard(unit: Unit, standard: Sequence[Unit]) -> Unit:
    """Give a unit the duties of the department that it is called like."""
    best = max(
        ((len(name), index) for index, one in enumerate(standard) for name in one.also if name in unit.name),
        default=None,
    )
    if best is None:
        return unit
    like = standard[best[1]]
    return replace(
        unit,
        also=like.also,
        words=tuple(dict.fromkeys((*unit.words, *like.words))),
        categories=tuple(dict.fromkeys((*unit.categories, *like.categories))),
    )


def _in_circles(units: Mapping[str, Unit]) -> Iterator[str]:
    for name in units:
        above, steps = units[name].parent, 0
        while above in units and above != name and steps <= len(LEVELS) + 2:
            above, steps = units[above].parent, steps + 1
        if above == name or steps > len(LEVELS) + 2:
            yield name
