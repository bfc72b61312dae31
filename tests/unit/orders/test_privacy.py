"""Who sees who it was: by role, by secrecy, and nothing of it left anywhere in what is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.messages import (
    Draft,
    DraftOpened,
    FieldEdited,
    FieldSuggested,
    FieldValue,
    Filler,
    LinkKind,
    OrderField,
    OrderLink,
    OrderLinked,
    OrderState,
)
from orders.policy_file import PolicyError
from orders.privacy import (
    Datum,
    Secrecy,
    Viewer,
    covered_secrecies,
    masked_name,
    masked_number,
    masked_words,
)
from orders.privacy_file import ROLES, SHIPPED, parse_privacy, shipped_privacy
from orders.records import Order
from orders.veils import Veil, plain_values, veil_for

PHONE, CALLER, NAME, DETAIL = "13900001234", "13800000001", "王建国", "8栋2单元603室"
WORDS = f"我是{NAME}，住{DETAIL}，电话{PHONE}，楼上漏水"
POLICY = shipped_privacy()


def value(text: str, quote: str = "") -> FieldValue:
    return FieldValue(value=text, filler=Filler.MACHINE, source="rule", confidence=0.9, quote=quote)


def order(secrecy: str = "", *, state: OrderState = OrderState.ACCEPTED, agent: str = "zhang") -> Order:
    fields = {
        OrderField.PHONE.value: value(PHONE, f"我的电话{PHONE}"),
        OrderField.CONTACT.value: value(NAME, f"我叫{NAME}"),
        OrderField.DETAIL.value: value(DETAIL),
        OrderField.TITLE.value: value("楼上漏水"),
        OrderField.SUMMARY.value: value(WORDS),
        OrderField.SECRECY.value: value(secrecy),
    }
    draft = Draft(order_id="o1", call_id="c1", version=3, state=state, fields=fields)
    return Order(
        draft=draft, caller=CALLER, agent=agent, created_at=1.0, updated_at=2.0, number="20261122000001"
    )


def viewer(role: str, *, confidential: bool = False, login: str = "x") -> Viewer:
    return Viewer(role=role, login=login, confidential=confidential)


def veil(role: str, secrecy: str = "", *, confidential: bool = False) -> Veil:
    return veil_for(POLICY, viewer(role, confidential=confidential), order(secrecy))


def told(role: str, secrecy: str = "") -> str:
    """Everything that could be told of the order, as one text."""
    which, shown = order(secrecy), veil(role, secrecy)
    events = (
        DraftOpened(order_id="o1", call_id="c1", caller=CALLER),
        FieldSuggested(field="phone", value=PHONE, source="rule", confidence=0.9, quote=f"打{PHONE}"),
        FieldEdited(field="contact", value=NAME, agent="zhang"),
        FieldEdited(field="detail", value=DETAIL, agent="zhang"),
        FieldEdited(field="summary", value=WORDS, agent="zhang"),
    )
    body: dict[str, Any] = {
        "caller": shown.value(Datum.CALLER, which.caller),
        "fields": shown.fields(msgspec.to_builtins(which.draft.fields)),
        "events": [shown.tree(msgspec.to_builtins(one)) for one in events],
        "course": shown.tree({"feedback": {"text": f"已联系{NAME}（{PHONE}）"}, "notes": [f"去过{DETAIL}"]}),
    }
    return msgspec.json.encode(body).decode()


def test_the_shipped_policy_says_something_of_every_role_and_secrecy() -> None:
    assert set(POLICY.rules) == {(role, secrecy) for role in ROLES for secrecy in Secrecy}


@pytest.mark.parametrize("role", ["agent", "supervisor", "admin"])
@pytest.mark.parametrize("secrecy", ["", "公开", "匿名"])
def test_the_hotlines_own_people_see_orders_that_are_not_confidential_as_they_are(
    role: str, secrecy: str
) -> None:
    shown = veil(role, secrecy)
    assert (shown.masked, shown.may_unmask) == ((), False)
    assert all(secret in told(role, secrecy) for secret in (PHONE, CALLER, NAME, DETAIL))


@pytest.mark.parametrize("role", ROLES)
def test_nothing_of_who_it_was_is_left_of_a_confidential_order(role: str) -> None:
    text = told(role, "保密")
    assert all(secret not in text for secret in (PHONE, CALLER, NAME, DETAIL))
    assert "楼上漏水" in text  # the matter is told


@pytest.mark.parametrize("secrecy", ["匿名", "保密"])
def test_a_unit_learns_the_matter_and_never_who_it_was(secrecy: str) -> None:
    text, shown = told("unit", secrecy), veil("unit", secrecy, confidential=True)
    assert "楼上漏水" in text
    assert all(part not in text for part in (PHONE, CALLER, NAME, DETAIL, "139", "138", "王"))
    assert not shown.may_unmask
    assert not shown.recording


def test_a_unit_sees_a_masked_number_and_the_address_of_an_open_order() -> None:
    shown = veil("unit")
    assert shown.value(Datum.PHONE, PHONE) == "139****1234"
    assert shown.value(Datum.CONTACT, NAME) == "王**"
    assert shown.value(Datum.DETAIL, DETAIL) == DETAIL
    assert shown.text(WORDS) == f"我是王**，住{DETAIL}，电话139****1234，楼上漏水"
    assert shown.masked == ("caller", "contact", "phone", "words")
    assert shown.may_unmask


def test_only_who_has_the_right_unmasks_a_confidential_order() -> None:
    assert not veil("supervisor", "保密").may_unmask
    assert veil("supervisor", "保密", confidential=True).may_unmask
    assert not veil("auditor", "保密", confidential=True).may_unmask


def test_the_agent_who_fills_the_draft_in_sees_it_whole_and_no_longer_after_it_was_accepted() -> None:
    mine = viewer("agent", login="zhang")
    draft = order("保密", state=OrderState.DRAFT)
    assert veil_for(POLICY, mine, draft).masked == ()
    assert veil_for(POLICY, viewer("agent", login="li"), draft).masked != ()
    assert "phone" in veil_for(POLICY, mine, order("保密")).masked


def test_a_role_of_which_the_policy_says_nothing_is_shown_nothing() -> None:
    shown = veil("")
    assert shown.value(Datum.PHONE, PHONE) == "****"
    assert not shown.may_unmask


def test_what_is_empty_is_not_said_to_be_masked() -> None:
    bare = replace(order(), caller="", draft=replace(order().draft, fields={}))
    assert veil_for(POLICY, viewer("unit"), bare).masked == ()


def test_who_joined_from_a_confidential_order_stays_covered_in_an_open_one() -> None:
    link = OrderLink(
        other="o2", kind=LinkKind.JOINED, agent="li", caller=CALLER, contact=NAME, phone=PHONE, secrecy="保密"
    )
    shown = veil("supervisor").link(msgspec.to_builtins(link))
    assert (shown["caller"], shown["contact"], shown["phone"]) == ("138****0001", "王**", "139****1234")
    event = OrderLinked(other="o2", kind=LinkKind.JOINED, agent="li", caller=CALLER, secrecy="保密")
    assert veil("supervisor").tree(msgspec.to_builtins(event))["caller"] == "138****0001"
    open_link = msgspec.to_builtins(replace(link, secrecy=""))
    assert veil("supervisor").link(open_link) == open_link


def test_numbers_of_the_system_are_not_taken_for_telephones() -> None:
    data = {
        "order_id": "13800000001",
        "number": "20261122000001",
        "text": "20261122 去过，编号20261122000001",
    }
    assert veil("unit").tree(data) == data


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("打13800000001", "打138****0001"),
        ("138-0000-0001", "138****0001"),
        ("010-66668888转3", "010****8888转3"),
        ("办公室 66668888", "办公室 ****88"),
        ("身份证11010519491231002X", "身份证110****1002"),
        ("20261122 和 2026年", "20261122 和 2026年"),
        ("12345热线，3号楼502", "12345热线，3号楼502"),
        ("坐标113.12345678", "坐标113.12345678"),
    ],
)
def test_numbers_in_texts_are_covered(text: str, shown: str) -> None:
    assert masked_words(text) == shown


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.text(alphabet="你好，的 号楼漏水", max_size=20))
def test_no_mobile_number_survives_in_any_text(number: str, around: str) -> None:
    assert number not in masked_words(f"{around}{number}{around}")
    assert number not in masked_words(f"{around}{number}{around}", wholly=True)
    assert masked_number(number)[3:7] == "****"


@given(st.text(min_size=1, max_size=10))
def test_of_a_name_the_first_character_is_shown(name: str) -> None:
    assert masked_name(name) == f"{name[0]}**"


def test_plain_values_are_what_was_asked_for_and_no_more() -> None:
    assert plain_values(order(), ["phone", "caller"]) == {"phone": PHONE, "caller": CALLER}
    assert plain_values(order(), ["words"])["words"]["summary"] == WORDS
    assert plain_values(order(), ["recording"]) == {}


def test_nobody_finds_orders_by_numbers_that_they_are_not_shown() -> None:
    assert covered_secrecies(POLICY, "agent") == {"保密"}
    assert covered_secrecies(POLICY, "unit") == {"", "公开", "匿名", "保密"}


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ("unmask: reason}\n    anonymous: {hid", "unmask: often}\n    anonymous: {hid", "write one of"),
        ("[caller, phone, contact]", "[caller, phones]", "write one of"),
        ("  unit:\n", "  units:\n", "write one of"),
        ("    anonymous: {hidden: [caller, phone, contact, detail, words, recording, files]}",
         "    anonymous: {}",
         "hide everything from units"),
        ("recording, files], unmask: confidential}", "recording], unmask: confidential}", "cover everything"),
        ("keep_days: 1095", "keep_days: 3", ">= 180"),
    ],
)  # fmt: skip
def test_a_policy_that_breaks_a_promise_is_refused_whole(old: str, new: str, remedy: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(PolicyError, match=remedy) as caught:
        parse_privacy(text.replace(old, new, 1).encode())
    assert caught.value.line > 1
