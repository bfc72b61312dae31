"""Units (承办单位): which there are, what each is for, and where; read from data and checked whole. Pure."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import yaml

from orders.errors import OrderError
from orders.unit_tree import Place, tree_problems

__all__ = [
    "LEVELS",
    "SHIPPED",
    "Unit",
    "UnitRule",
    "UnitsWrong",
    "read_rules",
    "read_units",
    "rule_id_of",
    "rule_problem",
    "shipped_units",
]

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
AREA_MAX = 50
AREAS_MOST = 200
SPANS_MOST = 5
"""Times at which one and the same rule is in force."""
PROBLEMS_MOST = 50

_HEADS: Mapping[str, str] = MappingProxyType(
    {
        "单位名称": "name", "名称": "name", "级别": "level", "上级单位": "parent", "上级": "parent",
        "职责": "duties", "区域": "areas", "事项分类": "category", "分类": "category", "区县": "district",
        "街道": "street", "承办单位": "unit", "单位": "unit", "起始日期": "since", "截止日期": "until",
    }
)  # fmt: skip
"""Headings in Chinese that stand for a column."""

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

    rule_id: str  # the same as long as category, area and unit are: figures of a rule outlive an import
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
    """Read a CSV `name,level,parent,duties,areas` (or 单位名称,级别,上级单位,职责,区域).

    Duties and areas are divided by ; or 、.

    A unit that is called like one of `standard` (岳麓区住建局) gets that one's duties beside its own.

    Raises:
        UnitsWrong: naming every line that is wrong, and why.
    """
    known = list(standard)
    problems: list[str] = []
    units: dict[str, Unit] = {}
    places: dict[str, Place] = {}
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
            duties, areas = _parts(row["duties"]), _parts(row["areas"])
            if len(duties) > DUTIES_MOST or any(len(duty) > DUTY_MAX for duty in duties):
                problems.append(f"第 {line} 行：duties 最多 {DUTIES_MOST} 项，每项最多 {DUTY_MAX} 个字")
                continue
            if len(areas) > AREAS_MOST or any(len(area) > AREA_MAX for area in areas):
                problems.append(f"第 {line} 行：areas 最多 {AREAS_MOST} 个，每个最多 {AREA_MAX} 个字")
                continue
            own = Unit(
                name=name, level=level, parent=row["parent"], words=duties, categories=duties, areas=areas
            )
            places[name] = Place(line=line, level=level, title=LEVELS[level], parent=row["parent"])
            units[name] = _with_standard(own, known)
    if not problems and not units:
        problems.append("文件里没有单位")
    if not problems:
        problems.extend(tree_problems(places))
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
    rules: dict[str, list[UnitRule]] = {}
    columns = ("category", "district", "street", "unit", "since", "until")
    for line, row in _rows(text, columns, RULES_MOST, problems):
        rule_id = rule_id_of(row)
        same = rules.setdefault(rule_id, [])  # the same rule, at other times
        wrong = rule_problem(row, known)
        if not wrong and any(_overlap(one, row) for one in same):
            wrong = "与前面一行重复（分类、区域、单位相同，日期重叠）"
        elif not wrong and len(same) == SPANS_MOST:
            wrong = f"同一条规则最多 {SPANS_MOST} 段日期"
        if wrong:
            problems.append(f"第 {line} 行：{wrong}")
        else:
            same.append(UnitRule(rule_id=rule_id + "." * len(same), **row))
    if problems:
        raise UnitsWrong(problems[:PROBLEMS_MOST])
    return tuple(one for same in rules.values() for one in same)


def rule_problem(row: Mapping[str, str], known: Collection[str]) -> str:
    """Return what is wrong with a rule, in Chinese, "" when nothing is; `known` are names of units."""
    if not row["category"]:
        return "category 不能为空"
    if len(row["category"]) > NAME_MAX:
        return f"category 最多 {NAME_MAX} 个字"
    if row["unit"] not in known:
        return f"没有单位“{row['unit'][:NAME_MAX]}”"
    if any(len(row[key]) > AREA_MAX for key in ("district", "street")):
        return f"区县、街道最多 {AREA_MAX} 个字"
    if any(row[key] and not _is_date(row[key]) for key in ("since", "until")):
        return "日期应写作 2026-01-31"
    if row["since"] and row["until"] and row["since"] > row["until"]:
        return "until 早于 since"
    return ""


def rule_id_of(row: Mapping[str, str]) -> str:
    """Return the id that a rule of this category, area and unit has, whenever it is in force."""
    said = "\n".join(row[key] for key in ("category", "district", "street", "unit"))
    return "r" + hashlib.sha256(said.encode()).hexdigest()[:10]


def _overlap(rule: UnitRule, row: Mapping[str, str]) -> bool:
    return row["since"] <= (rule.until or "9999") and rule.since <= (row["until"] or "9999")


def _rows(
    text: str, columns: Sequence[str], most: int, problems: list[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, column -> value without blanks around it)."""
    if len(text) > FILE_MOST:
        problems.append(f"文件超过 {FILE_MOST >> 20} MB")
        return
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        heads = [_HEADS.get(name.strip(), name.strip()) for name in reader.fieldnames or ()]
        missing = [name for name in columns[:1] if name not in heads]
        unknown = [name for name in heads if name not in columns]
        reader.fieldnames = heads
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
