"""评分表: what a talk is scored by, and what marks amount to. Pure.

Total = 100 × points given ÷ points that could be given, over the items that apply; 0 when a fatal item
is hit.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from cti.quality.errors import MarksError, SheetError, where

__all__ = ["SHIPPED", "FatalItem", "Marks", "ScoreItem", "ScoreSheet", "check_marks", "read_sheet", "total"]

SHIPPED = Path(__file__).with_name("sheet.yaml")
BYTES_MAX = 64 * 1024
ITEMS_MAX = 60

Key = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Guide = Annotated[str, msgspec.Meta(max_length=500)]
Remark = Annotated[str, msgspec.Meta(max_length=500)]
Points = Annotated[float, msgspec.Meta(ge=0, le=100)]


class ScoreItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is scored."""

    key: Key  # what marks call it
    title: Title  # in Chinese
    points: Annotated[float, msgspec.Meta(gt=0, le=100)]  # most that can be given
    group: Title = "其他"  # heading it stands under
    guide: Guide = ""  # how to give points


class FatalItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """一票否决: one hit and the talk gets nothing."""

    key: Key
    title: Title
    guide: Guide = ""


class ScoreSheet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scoring sheet; read it with `read_sheet`, which checks it."""

    title: Title
    passing: Annotated[float, msgspec.Meta(ge=0, le=100)]  # totals below it are failed
    items: Annotated[tuple[ScoreItem, ...], msgspec.Meta(min_length=1, max_length=ITEMS_MAX)]
    fatal: Annotated[tuple[FatalItem, ...], msgspec.Meta(max_length=ITEMS_MAX)] = ()


class Marks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reviewer gave."""

    points: Mapping[str, Points | None] = {}  # item -> points; None: does not apply to this talk
    fatal: tuple[Key, ...] = ()  # fatal items that were hit
    remarks: Mapping[str, Remark] = {}  # item -> why
    comment: Annotated[str, msgspec.Meta(max_length=2_000)] = ""  # on the whole talk


def read_sheet(text: str) -> ScoreSheet:
    """Return a sheet as it is written in YAML.

    Raises:
        SheetError: it is too long, not YAML, or a key or value is not one of a sheet.
    """
    if len(text.encode()) > BYTES_MAX:
        raise SheetError(f"评分表不能超过 {BYTES_MAX // 1024} KB", field="file")
    try:
        sheet = msgspec.convert(yaml.safe_load(text), ScoreSheet)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise SheetError(f"评分表第 {line} 行不是有效的 YAML", field="file") from None
    except msgspec.ValidationError as error:
        field = where(error)
        raise SheetError(f"评分表中“{field}”不对：{error}", field=field) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SheetError(f"评分表有误：{error}", field="file") from None
    keys = [*(item.key for item in sheet.items), *(item.key for item in sheet.fatal)]
    for key in keys:
        if keys.count(key) > 1:
            raise SheetError(f"评分项 {key} 重复，每项请用不同的 key", field=key)
    return sheet


def check_marks(sheet: ScoreSheet, marks: Marks) -> None:
    """Refuse marks that leave an item out, name one that is not there, or give more than there is.

    Raises:
        MarksError: naming the item.
    """
    items = {item.key: item for item in sheet.items}
    fatal = {item.key for item in sheet.fatal}
    for key in (*marks.points, *marks.remarks, *marks.fatal):
        if key not in items and key not in fatal:
            raise MarksError(f"评分表中没有“{key[:32]}”这一项", field=key[:32])
    if unknown := [key for key in marks.points if key in fatal]:
        raise MarksError("否决项不打分，只勾选", field=unknown[0])
    if unknown := [key for key in marks.fatal if key in items]:
        raise MarksError("这一项不是否决项", field=unknown[0])
    for item in sheet.items:
        if item.key not in marks.points:
            raise MarksError(f"“{item.title}”还没有打分", field=item.key)
        given = marks.points[item.key]
        if given is not None and given > item.points:
            raise MarksError(f"“{item.title}”最多 {item.points:g} 分，给了 {given:g} 分", field=item.key)
    if all(given is None for given in marks.points.values()):
        raise MarksError("至少有一项适用", field=sheet.items[0].key)


def total(sheet: ScoreSheet, marks: Marks) -> float:
    """Return the total, 0 to 100 with one digit; MarksError where the marks do not fit the sheet."""
    check_marks(sheet, marks)
    if marks.fatal:
        return 0.0
    applied = [(marks.points[item.key], item.points) for item in sheet.items]
    got = sum(given for given, _ in applied if given is not None)
    could = sum(most for given, most in applied if given is not None)
    return round(100.0 * got / could, 1)
