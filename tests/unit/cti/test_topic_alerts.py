"""Early warnings of topics are told one by one, once a day, and cleared when they are over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec

from cti.alerts import AlertRule, Cleared, Raised, Standing
from cti.topic_alerts import RAISED_MOST, TOPICS_HIGH, topic_changes
from orders.topics import ALL, Level, Topic

RULE = AlertRule(key="topics", title="热点预警", figure=TOPICS_HIGH, raise_at=0, clear_at=0, sound=True)
DAY = dt.date(2026, 11, 22)
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp()


def topic(
    category: str = "城乡建设/供水", district: str = "城东区", *, orders: int = 12, level: Level = Level.HIGH
) -> Topic:
    return Topic(
        category=category, district=district, orders=orders, usual=2.0, chance=1e-6, trend=(), level=level
    )


def changes(
    topics: Sequence[Topic],
    standing: Sequence[Standing] = (),
    *,
    rule: AlertRule = RULE,
    today: dt.date = DAY,
    now: float = NOON,
) -> tuple[list[Raised], list[Cleared]]:
    found = topic_changes([rule], topics, standing, today=today, now=now)
    return (
        [one for one in found if isinstance(one, Raised)],
        [one for one in found if isinstance(one, Cleared)],
    )


def stands(raised: Sequence[Raised]) -> list[Standing]:
    return [Standing(alert_id=one.alert_id, rule=one.rule.key) for one in raised]


def test_each_early_warning_is_raised_with_matter_place_and_what_is_usual() -> None:
    raised, cleared = changes([topic(), topic(district=ALL, orders=20), topic("教育", level=Level.RISING)])
    assert [(one.rule.title, one.value, one.rule.sound) for one in raised] == [
        ("热点预警：城乡建设/供水（城东区），平常 2.0 件", 12, True),
        ("热点预警：城乡建设/供水（全市），平常 2.0 件", 20, True),
    ]
    assert cleared == [] and len({one.alert_id for one in raised}) == 2


def test_what_was_told_today_is_not_told_again_and_tomorrow_it_is() -> None:
    first, _ = changes([topic()])
    assert changes([topic(orders=15)], stands(first)) == ([], [])
    again, over = changes([topic()], stands(first), today=DAY + dt.timedelta(days=1), now=NOON + 86_400)
    assert len(again) == 1 and again[0].alert_id != first[0].alert_id
    assert [one.alert_id for one in over] == [first[0].alert_id]


def test_a_topic_that_is_no_warning_any_more_is_cleared() -> None:
    first, _ = changes([topic()])
    raised, cleared = changes([topic(level=Level.RISING)], stands(first))
    assert raised == [] and [one.alert_id for one in cleared] == [first[0].alert_id]


def test_a_rule_tells_of_topics_with_more_orders_than_it_says_and_in_its_hours() -> None:
    rule = msgspec.structs.replace(RULE, raise_at=12)
    assert [one.value for one in changes([topic(), topic("教育", orders=13)], rule=rule)[0]] == [13]
    night = msgspec.structs.replace(RULE, opens="20:00", closes="06:00")
    first, _ = changes([topic()])
    assert changes([topic()], stands(first), rule=night)[0] == []
    assert len(changes([topic()], stands(first), rule=night)[1]) == 1
    assert changes([topic()], rule=msgspec.structs.replace(RULE, enabled=False)) == ([], [])


def test_titles_fit_and_one_look_tells_of_a_bounded_number() -> None:
    many = [topic(f"{'很长的事项分类' * 12}/{number}") for number in range(RAISED_MOST + 5)]
    raised, _ = changes(many)
    assert len(raised) == RAISED_MOST and all(len(one.rule.title) <= 80 for one in raised)
