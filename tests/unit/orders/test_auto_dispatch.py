"""What is dispatched without a person is what the city switched on, and only where nothing is in doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.auto_dispatch import Auto, Left, decide, is_sampled
from orders.course import begun
from orders.course_messages import SYSTEM, Course, Return
from orders.dispatch_policy import DispatchPolicy, load_dispatch_policy, parse_dispatch_policy
from orders.errors import ValueRefused
from orders.messages import Draft, FieldValue, Filler, OrderState, UnitAdvice
from orders.policy_file import PolicyError
from orders.records import Order
from orders.unit_known import UnitNames
from orders.unit_table import Unit
from tests.support.courses import dispatched, joint_answered

NOON, NIGHT = 12 * 60, 23 * 60
RULED = UnitAdvice(unit="城管局", reason="派单规则：市容环卫", source="rule:r1", confidence=0.9)
LEARNED = UnitAdvice(unit="城管局", reason="以往多派", source="learned", confidence=0.92)
NAMES = UnitNames([Unit(name="城管局"), Unit(name="住建局"), Unit(name="{street}办事处")])


def policy(**more: object) -> DispatchPolicy:
    lines = "".join(f", {name}: {value}" for name, value in more.items())
    return parse_dispatch_policy(
        f"sampling: 1\ncategories:\n  - {{category: 城市管理/市容环卫, auto: true{lines}}}\n".encode()
    )


def order(*course: Course, **fields: str) -> Order:
    values = {"category": "城市管理/市容环卫/垃圾清运", **fields}
    draft = Draft(
        order_id="o1", call_id="", version=7, state=OrderState.ACCEPTED,
        course=course[0] if course else begun(1000.0),
        fields={
            name: FieldValue(value=value, filler=Filler.AGENT, source="agent:chen", confidence=1.0)
            for name, value in values.items()
        },
    )  # fmt: skip
    return Order(draft=draft, caller="", agent="chen", created_at=900.0, updated_at=1000.0)


def left(given: Order, *advice: UnitAdvice, minute: int = NOON, **more: object) -> Left | None:
    return decide(given, advice, policy(**more), NAMES, minute).left


def test_a_sure_rule_of_a_category_that_is_on_is_dispatched_by_the_system() -> None:
    auto = decide(order(), [RULED], policy(), NAMES, NOON)
    assert auto.event is not None
    assert (auto.event.lead, auto.event.source, auto.event.by) == ("城管局", "rule:r1", SYSTEM)
    assert auto.event_id == "auto-dispatch:o1:7" and auto.sampled


def test_as_shipped_nothing_is_dispatched_by_itself() -> None:
    auto = decide(order(), [RULED], load_dispatch_policy(), NAMES, NOON)
    assert auto == Auto(left=Left.OFF)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"secrecy": "保密"}, Left.CONFIDENTIAL),
        ({"urgency": "紧急"}, Left.URGENT),
        ({"urgency": "特急"}, Left.URGENT),
        ({"category": "城市管理/停车"}, Left.OFF),
        ({"unit": "住建局"}, Left.AGENT),
    ],
)
def test_what_people_should_look_at_is_left_to_them(fields: dict[str, str], why: Left) -> None:
    assert left(order(**fields), RULED) is why


def test_urgent_and_confidential_orders_go_where_the_policy_says_so() -> None:
    assert left(order(urgency="特急"), RULED, urgent="true") is None
    assert left(order(secrecy="保密"), RULED, secret="true") is None


def test_nothing_goes_outside_the_hours_and_hours_may_go_over_midnight() -> None:
    assert left(order(), RULED, hours='"08:30-18:00"', minute=NIGHT) is Left.HOURS
    assert left(order(), RULED, hours='"22:00-06:00"', minute=NIGHT) is None
    assert left(order(), RULED, hours='"22:00-06:00"', minute=NOON) is Left.HOURS


def test_what_was_learned_decides_only_where_it_may_and_when_it_is_sure() -> None:
    assert left(order(), LEARNED) is Left.UNSURE
    assert left(order(), LEARNED, by="[rule, learned]") is None
    assert left(order(), replace(LEARNED, confidence=0.89), by="[rule, learned]") is Left.UNSURE
    assert left(order()) is Left.UNSURE


def test_two_rules_that_name_two_units_are_left_to_a_person() -> None:
    other = replace(RULED, unit="住建局", source="rule:r2")
    assert left(order(), RULED, other) is Left.UNCLEAR
    assert left(order(), RULED, replace(other, confidence=0.7)) is None  # a wider rule


def test_a_unit_that_is_no_more_gets_nothing() -> None:
    assert left(order(), replace(RULED, unit="环卫处")) is Left.UNKNOWN
    assert left(order(), replace(RULED, unit="西湖街道办事处")) is None


def test_an_order_that_came_back_once_is_never_dispatched_by_itself_again() -> None:
    course = replace(begun(1.0), returns=(Return(unit="住建局", reason="不属职责", at=2.0, accepted=True),))
    assert left(order(course), RULED) is Left.STATE


@given(st.lists(st.text(min_size=1, max_size=20), min_size=400, max_size=400, unique=True))
def test_about_the_share_is_sampled_and_a_larger_share_samples_the_same_and_more(ids: list[str]) -> None:
    few = {one for one in ids if is_sampled(one, 0.1)}
    many = {one for one in ids if is_sampled(one, 0.5)}
    assert few <= many
    assert len(few) < 100 < len(many) < 300
    assert not any(is_sampled(one, 0.0) for one in ids)
    assert all(is_sampled(one, 1.0) for one in ids)


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("sampling: 2\n", 1, "sampling"),
        ("categories:\n  - {category: 甲, auto: true}\n  - {category: 甲, auto: false}\n", 3, "category"),
        ('categories:\n  - category: 甲\n    auto: true\n    hours: "8-18"\n', 4, "hours"),
        ("categories:\n  - {category: 甲, auto: true, leest: 0.9}\n", 2, "leest"),
        ("categories:\n  - {category: 甲}\n", 2, "categories[0]"),
        ("categories:\n  - {category: 甲, auto: true, least: 0.2}\n", 2, "least"),
    ],
)
def test_a_wrong_policy_is_refused_whole_with_line_and_key(text: str, line: int, key: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse_dispatch_policy(text.encode())
    assert refused.value.line == line
    assert key in refused.value.key
    assert refused.value.remedy


def test_the_narrowest_category_counts() -> None:
    rules = parse_dispatch_policy(
        "categories:\n  - {category: 城市管理, auto: true}\n  - {category: 市容环卫, auto: false}\n".encode()
    )
    found = rules.rule_for("城市管理/市容环卫/垃圾清运")
    assert found is not None and not found.auto
    other = rules.rule_for("城市管理/停车")
    assert other is not None and other.auto
    assert rules.rule_for("教育") is None


def test_names_are_known_when_they_are_in_the_table_and_all_while_there_is_none() -> None:
    assert UnitNames(()).knows("随便什么") and not UnitNames(()).imported
    with pytest.raises(ValueRefused) as refused:
        NAMES.check(dispatched("城管"), begun(1.0))
    assert "城管局" in refused.value.shown
    with pytest.raises(ValueRefused):
        NAMES.check(dispatched("城管局", "环卫处"), begun(1.0))
    NAMES.check(dispatched("城管局", "住建局"), begun(1.0))
    NAMES.check(joint_answered("环卫处"), begun(1.0))
