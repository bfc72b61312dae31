"""What each field of an order is called, how long it may be, and what may stand in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from orders.errors import FieldTooLong, UnknownField, ValueRefused
from orders.messages import OrderField

TITLES: Mapping[OrderField, str] = MappingProxyType(
    {
        OrderField.TYPE: "诉求类型",
        OrderField.CATEGORY: "事项分类",
        OrderField.DISTRICT: "区县",
        OrderField.STREET: "街道",
        OrderField.PLACE: "地点",
        OrderField.DETAIL: "详细地址",
        OrderField.POINT: "坐标",
        OrderField.SUBJECT: "被诉对象",
        OrderField.PHONE: "联系电话",
        OrderField.CONTACT: "联系人",
        OrderField.CONTACT_BY: "联系方式",
        OrderField.SECRECY: "保密要求",
        OrderField.TIME: "发生时间",
        OrderField.TIME_ISO: "发生时刻",
        OrderField.URGENCY: "紧急程度",
        OrderField.MOOD: "情绪",
        OrderField.UNIT: "承办单位",
        OrderField.TITLE: "标题",
        OrderField.SUMMARY: "诉求内容",
    }
)
"""Chinese names of the fields, as the desk shows them."""

LIMITS: Mapping[OrderField, int] = MappingProxyType(
    {
        OrderField.TYPE: 10,
        OrderField.CATEGORY: 100,
        OrderField.DISTRICT: 50,
        OrderField.STREET: 50,
        OrderField.PLACE: 300,
        OrderField.DETAIL: 200,
        OrderField.POINT: 40,
        OrderField.SUBJECT: 100,
        OrderField.PHONE: 40,
        OrderField.CONTACT: 50,
        OrderField.CONTACT_BY: 10,
        OrderField.SECRECY: 10,
        OrderField.TIME: 100,
        OrderField.TIME_ISO: 40,
        OrderField.URGENCY: 10,
        OrderField.MOOD: 10,
        OrderField.UNIT: 100,
        OrderField.TITLE: 100,
        OrderField.SUMMARY: 4000,
    }
)
"""Most characters of each field."""

CHOICES: Mapping[OrderField, tuple[str, ...]] = MappingProxyType(
    {
        OrderField.TYPE: ("咨询", "求助", "投诉", "举报", "建议", "表扬"),
        OrderField.URGENCY: ("一般", "紧急", "特急"),
        OrderField.CONTACT_BY: ("电话", "仅文字"),
        OrderField.SECRECY: ("公开", "匿名", "保密"),
        OrderField.MOOD: ("平静", "焦急", "不满", "愤怒"),
    }
)
"""Fields in which only these values (or none) may stand."""

ANONYMOUS, CONFIDENTIAL = "匿名", "保密"
"""In 保密要求: units do not learn who it was; and nobody does without a right of their own."""
TEXT_ONLY = "仅文字"
"""In 联系方式: nobody shall telephone this citizen, no robot and no person."""

REQUIRED: tuple[OrderField, ...] = (OrderField.TYPE, OrderField.CATEGORY, OrderField.SUMMARY)
"""An order cannot be submitted without these."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_PHONE = re.compile(
    r"1[3-9]\d{9}"  # mobile
    r"|0\d{2,3}-?[2-9]\d{6,7}(?:-\d{1,6})?"  # area code, number, extension
    r"|[2-9]\d{6,7}"  # a number of this city
    r"|400-?\d{3}-?\d{4}"
    r"|1\d{4}"  # 12345, 95xxx-like service numbers begin with 1 or 9
    r"|9[56]\d{3}"
)


def known(name: str) -> OrderField:
    """Return the field called `name`.

    Raises:
        UnknownField: when there is none.
    """
    try:
        return OrderField(name)
    except ValueError:
        raise UnknownField(name) from None


def check(name: str, value: str) -> OrderField:
    """Return the field called `name` if `value` may stand in it ("" always may).

    Raises:
        UnknownField: no such field.
        FieldTooLong: more characters than `LIMITS` allows.
        ValueRefused: not one of `CHOICES`, or a character that databases cannot store.
    """
    field = known(name)
    if len(value) > LIMITS[field]:
        raise FieldTooLong(field, TITLES[field], len(value), LIMITS[field])
    check_storable(field, value)
    choices = CHOICES.get(field)
    if value and choices is not None and value not in choices:
        raise ValueRefused(
            f"field {field} takes one of {'/'.join(choices)}, not a text of {len(value)} characters",
            shown=f"“{TITLES[field]}”只能是：{'、'.join(choices)}",
        )
    return field


def check_text(name: str, value: str, least: int, most: int) -> None:
    """Refuse a text of fewer than `least` or more than `most` characters, or one that cannot be stored.

    Raises:
        ValueRefused: naming `name`.
    """
    if not least <= len(value) <= most:
        raise ValueRefused(
            f"{name} has {len(value)} characters, expected {least} to {most}",
            shown=f"内容长度应为 {least} 到 {most} 个字",
        )
    check_storable(name, value)


def check_storable(name: str, value: str) -> None:
    """Refuse text with NUL or half a surrogate pair, which PostgreSQL and UTF-8 cannot hold.

    Raises:
        ValueRefused: naming `name`.
    """
    if _UNSTORABLE.search(value):
        raise ValueRefused(
            f"{name} holds a NUL or a lone surrogate; remove it", shown="内容含有无法保存的字符，请删除"
        )


def looks_like_phone(value: str) -> bool:
    """Tell whether `value` has the form of a Chinese telephone number (spaces are ignored)."""
    return _PHONE.fullmatch(value.replace(" ", "")) is not None
