"""What an account may look like; every check raises AccountInvalid naming the field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cti.account_errors import AccountInvalid
from cti.messages import Role

__all__ = [
    "LOGIN_FORM", "check_extension", "check_login", "check_name", "check_office", "check_seat",
    "check_skills",
]  # fmt: skip

LOGIN_FORM = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")
EXTENSION_FORM = re.compile(r"[0-9]{2,8}")
SKILL_FORM = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
NAME_MAX = 64
SEAT_MAX = 40
TEXTS_MAX = 20
"""Text conversations that one person can keep apart."""
SKILLS_MAX = 50
UNIT_MAX = 100
DISTRICT_MAX = 50
DISTRICTS_MAX = 50


def check_login(login: str) -> None:
    """Refuse a login that is not 1 to 32 of a-z 0-9 _ . -."""
    if not LOGIN_FORM.fullmatch(login):
        raise AccountInvalid(
            "login",
            "must be 1 to 32 of a-z 0-9 _ . -, beginning with a letter or digit",
            shown="账号须为 1 至 32 个小写字母、数字或 _ . -，以字母或数字开头",
        )


def check_name(name: str) -> None:
    """Refuse an empty, overlong or unprintable name."""
    if not (1 <= len(name) <= NAME_MAX and name.isprintable()):
        raise AccountInvalid(
            "name", f"must have 1 to {NAME_MAX} printable characters", shown=f"姓名须为 1 至 {NAME_MAX} 个字"
        )


def check_extension(extension: str) -> None:
    """Refuse what is no extension; "" is none."""
    if extension and not EXTENSION_FORM.fullmatch(extension):
        raise AccountInvalid(
            "extension", "must be 2 to 8 digits, or empty", shown="分机号须为 2 至 8 位数字，或留空"
        )


def check_skills(skills: Mapping[str, int]) -> None:
    """Refuse too many skills, bad names, and levels other than 1 to 5."""
    if len(skills) > SKILLS_MAX:
        raise AccountInvalid("skills", f"are more than {SKILLS_MAX}", shown=f"技能不能超过 {SKILLS_MAX} 项")
    for skill, level in skills.items():
        if not SKILL_FORM.fullmatch(skill):
            raise AccountInvalid("skills", "a skill is 1 to 40 of a-z 0-9 _ -", shown="技能名称不合规")
        if not 1 <= level <= 5:
            raise AccountInvalid("skills", "a level is 1 to 5", shown="技能等级须为 1 至 5")


def check_seat(team: str | None, place: str | None, texts: int | None) -> None:
    """Refuse overlong teams and places, and too many texts; None is passed over."""
    for key, value, title in (("team", team, "班组"), ("place", place, "坐席地点")):
        if value and not (len(value) <= SEAT_MAX and value.isprintable()):
            raise AccountInvalid(
                key,
                f"must have at most {SEAT_MAX} printable characters",
                shown=f"{title}不能超过 {SEAT_MAX} 个字",
            )
    if texts is not None and not 0 <= texts <= TEXTS_MAX:
        raise AccountInvalid(
            "texts", f"must be 0 to {TEXTS_MAX}", shown=f"同时在线文字会话数须为 0 至 {TEXTS_MAX}"
        )


def check_office(role: Role, unit: str, districts: Sequence[str]) -> None:
    """Refuse a person of a unit without one, a unit for the hotline's own people, and overlong names."""
    if (role is Role.UNIT) != bool(unit):
        raise AccountInvalid(
            "unit",
            "is needed for role unit, and only for it",
            shown="承办单位人员须填写所属单位" if role is Role.UNIT else "只有承办单位人员可以填写所属单位",
        )
    if not (len(unit) <= UNIT_MAX and (not unit or unit.isprintable())):
        raise AccountInvalid(
            "unit",
            f"must have at most {UNIT_MAX} printable characters",
            shown=f"单位名称不能超过 {UNIT_MAX} 个字",
        )
    if len(districts) > DISTRICTS_MAX or not all(
        1 <= len(one) <= DISTRICT_MAX and one.isprintable() for one in districts
    ):
        raise AccountInvalid(
            "districts",
            f"must be at most {DISTRICTS_MAX} names of 1 to {DISTRICT_MAX} characters",
            shown=f"可见区县最多 {DISTRICTS_MAX} 个，每个 1 至 {DISTRICT_MAX} 个字",
        )
