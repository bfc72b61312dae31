"""Early warnings of hot topics (热点预警) as alerts: one for each topic, once a day. Pure.

A rule that looks at `live.topics_high` raises an alert for every topic at the level of a warning whose orders
are beyond `raise_at`. The alert's id is made of rule, day and topic, so whoever finds it, and however often,
tells it once a day. It clears when the topic is no warning any more, when the day is over, or when the rule
looks no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from cti.alerts import AlertRule, Cleared, Raised, Standing
from orders.topics import ALL, Level, Topic

__all__ = ["RAISED_MOST", "TOPICS_HIGH", "topic_changes"]

TOPICS_HIGH = "live.topics_high"
"""Key of the figure that such a rule looks at."""
RAISED_MOST = 20
"""Topics that one rule tells of at a time, the surest first; the page shows all."""
TITLE_MOST = 80


def topic_changes(
    rules: Iterable[AlertRule],
    topics: Sequence[Topic],
    standing: Iterable[Standing],
    *,
    today: date,
    now: float,
) -> tuple[Raised | Cleared, ...]:
    """Return what is raised and cleared; `topics` are the surest first, `standing` what is not over."""
    there = {one.alert_id: one for one in standing}
    wanted: dict[str, Raised] = {}
    for rule in rules:
        if not rule.looks(now):
            continue
        high = [one for one in topics if one.level is Level.HIGH and rule.beyond(one.orders)]
        for topic in high[:RAISED_MOST]:
            alert_id = _id(rule, topic, today)
            named = msgspec.structs.replace(rule, title=_title(rule, topic))
            wanted[alert_id] = Raised(alert_id=alert_id, rule=named, value=topic.orders, at=now)
    cleared = [
        Cleared(alert_id=one.alert_id, rule=one.rule, at=now)
        for one in there.values()
        if one.alert_id not in wanted
    ]
    return (*cleared, *(one for one in wanted.values() if one.alert_id not in there))


def _id(rule: AlertRule, topic: Topic, today: date) -> str:
    named = f"{rule.key}\n{topic.category}\n{topic.district}"
    return f"topic-{today:%Y%m%d}-{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def _title(rule: AlertRule, topic: Topic) -> str:
    where = "全市" if topic.district == ALL else topic.district
    return f"{rule.title}：{topic.category}（{where}），平常 {topic.usual:.1f} 件"[:TITLE_MOST]
