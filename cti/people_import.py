"""Many people at once: a table of accounts, as text from a spreadsheet, read and checked row by row. Pure.

Comma-separated or tab-separated (cells copied from a spreadsheet), with a heading. Nothing is created here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from cti.account_checks import (
    check_extension,
    check_login,
    check_name,
    check_office,
    check_seat,
    check_skills,
)
from cti.account_errors import AccountError, AccountInvalid
from cti.errors import HotlineError
from cti.messages import Role
from cti.passwords import check_acceptable

__all__ = ["COLUMNS", "ROWS_MAX", "PersonRow", "RowError", "TableWrong", "read_people"]

ROWS_MAX = 1000

COLUMNS: Mapping[str, str] = {
    "工号": "login", "姓名": "name", "角色": "role", "分机": "extension", "技能": "skills",
    "班组": "team", "地点": "place", "文字会话": "texts", "单位": "unit",
    "区县": "districts", "保密": "confidential", "密码": "password",
}  # fmt: skip
"""heading -> field; English field names are taken, too"""
NEEDED = ("login", "name", "role", "password")
ROLES: Mapping[str, Role] = {
    "坐席": Role.AGENT, "班长": Role.SUPERVISOR, "管理员": Role.ADMIN, "领导旁听": Role.LISTENER,
    "派单员": Role.CLERK, "承办单位": Role.UNIT, "领导": Role.LEADER, "审计员": Role.AUDITOR,
} | {role.value: role for role in Role}  # fmt: skip
_SKILL = re.compile(r"[^,，、;；\s]+")


class TableWrong(HotlineError):
    """A table that cannot be read at all; the message is Chinese."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One account to be created."""

    line: int  # of the text, from 1
    login: str
    name: str
    role: Role
    password: str
    extension: str = ""
    skills: Mapping[str, int] = field(default_factory=dict)
    team: str = ""
    place: str = ""
    texts: int = 0
    unit: str = ""  # 承办单位
    districts: tuple[str, ...] = ()  # 区县 whose orders are open to them
    confidential: bool = False  # may learn who is behind a confidential order


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """One cell that is wrong."""

    line: int  # of the text, from 1
    column: str  # Chinese heading
    value: str  # what stands there; never a password
    remedy: str  # Chinese


class _Cell(Exception):
    def __init__(self, field_: str, remedy: str) -> None:
        self.field = field_
        self.remedy = remedy


def read_people(
    text: str,
    *,
    taken: Collection[str],
    extensions: Collection[str],
    skills: Mapping[str, str],
    units: Collection[str] = (),
) -> tuple[list[PersonRow], list[RowError]]:
    """The rows that are right, and what is wrong with the others.

    `taken` are logins and `extensions` those that exist already, `skills` the policy's by name, with their
    Chinese titles: either may stand in the table; `units` are the names of units that there are.

    Raises TableWrong: no heading, too many rows, no rows.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    first = next((line for line in lines if line.strip()), "")
    delimiter = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    rows = list(_rows(lines, delimiter))
    if not rows:
        raise TableWrong("表格是空的：第一行写列名，如 工号,姓名,角色,密码")
    heading = [COLUMNS.get(cell.strip(), cell.strip()) for cell in rows[0][1]]
    if missing := [name for name in NEEDED if name not in heading]:
        names = "、".join(title for title, name in COLUMNS.items() if name in missing)
        raise TableWrong(f"缺少列：{names}。列名可为：{'、'.join(COLUMNS)}")
    if unknown := [cell for cell in heading if cell and cell not in COLUMNS.values()]:
        raise TableWrong(f"不认识的列：{unknown[0][:20]}。列名可为：{'、'.join(COLUMNS)}")
    if len(rows) - 1 > ROWS_MAX:
        raise TableWrong(f"一次最多导入 {ROWS_MAX} 人，现有 {len(rows) - 1} 行")
    if len(rows) < 2:
        raise TableWrong("没有数据行")
    seen, rung = set(taken), set(extensions)
    people, errors = [], []
    for line, cells in rows[1:]:
        values = {name: cell.strip() for name, cell in zip(heading, cells, strict=False) if name}
        try:
            person = _person(line, values, seen, rung, skills, units)
        except _Cell as wrong:
            title = next(title for title, name in COLUMNS.items() if name == wrong.field)
            value = "" if wrong.field == "password" else values.get(wrong.field, "")[:40]
            errors.append(RowError(line=line, column=title, value=value, remedy=wrong.remedy))
            continue
        seen.add(person.login)
        if person.extension:
            rung.add(person.extension)
        people.append(person)
    return people, errors


def _rows(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise TableWrong(f"第 {reader.line_num} 行不是表格：{error}") from None


def _person(
    line: int,
    values: Mapping[str, str],
    taken: Collection[str],
    extensions: Collection[str],
    skills: Mapping[str, str],
    units: Collection[str],
) -> PersonRow:
    login = values.get("login", "").lower()
    extension = values.get("extension", "")
    try:
        check_login(login)
        check_name(values.get("name", ""))
        check_extension(extension)
        check_seat(values.get("team", ""), values.get("place", ""), None)
    except AccountInvalid as error:
        raise _Cell(error.field, error.shown) from None
    if login in taken:
        raise _Cell("login", "工号已存在，或在表中重复")
    if extension and extension in extensions:
        raise _Cell("extension", "分机已分配，或在表中重复")
    role = ROLES.get(values.get("role", ""))
    if role is None:
        raise _Cell("role", f"应为下列之一：{'、'.join(list(ROLES)[: len(Role)])}")
    unit, districts = values.get("unit", ""), tuple(_SKILL.findall(values.get("districts", "")))
    try:
        check_office(role, unit, districts)
    except AccountInvalid as error:
        raise _Cell(error.field, error.shown) from None
    if unit and unit not in units:
        raise _Cell("unit", "没有这个单位，请先在“单位与规则”中导入")
    try:
        check_acceptable(login, values.get("password", ""))
    except AccountError as error:
        raise _Cell("password", error.shown) from None
    return PersonRow(
        line=line,
        login=login,
        name=values.get("name", ""),
        role=role,
        password=values.get("password", ""),
        extension=extension,
        skills=_skills(values.get("skills", ""), skills),
        team=values.get("team", ""),
        place=values.get("place", ""),
        texts=_texts(values.get("texts", "")),
        unit=unit,
        districts=districts,
        confidential=_yes(values.get("confidential", "")),
    )


def _yes(said: str) -> bool:
    if said not in ("", "是", "否"):
        raise _Cell("confidential", "应为 是、否 或留空")
    return said == "是"


def _texts(said: str) -> int:
    if not said:
        return 0
    if not (said.isascii() and said.isdigit()) or int(said) > 20:
        raise _Cell("texts", "应为 0 至 20")
    return int(said)


def _skills(said: str, known: Mapping[str, str]) -> dict[str, int]:
    by_title = {title: name for name, title in known.items()}
    found: dict[str, int] = {}
    for part in _SKILL.findall(said):
        name, _, level = part.replace("：", ":").partition(":")
        skill = name if name in known else by_title.get(name, "")
        if not skill:
            raise _Cell("skills", f"策略中没有技能 {name[:20]}")
        if level not in ("", "1", "2", "3", "4", "5"):
            raise _Cell("skills", "级别为 1 至 5，写成 综合:3")
        found[skill] = int(level or 3)
    try:
        check_skills(found)
    except AccountInvalid as error:
        raise _Cell("skills", error.shown) from None
    return found
