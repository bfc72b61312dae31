"""Articles that need somebody's hand."""

from __future__ import annotations

import datetime as dt

from orders.knowledge import Article, KnowledgeIndex
from orders.knowledge_care import CareReason, cares

TODAY = dt.date(2026, 11, 22)


def article(name: str, **more: object) -> Article:
    return Article(article_id=name, question="居住证怎么办理", answer="带身份证到派出所", **more)  # type: ignore[arg-type]


def reasons(*articles: Article, doubts: dict[str, int] | None = None) -> list[tuple[str, CareReason]]:
    return [(one.article.article_id, one.reason) for one in cares(articles, doubts or {}, TODAY)]


def test_an_article_that_ends_within_thirty_days_is_about_to() -> None:
    assert reasons(article("a", valid_until="2026-12-22")) == [("a", CareReason.EXPIRING)]
    assert reasons(article("a", valid_until="2026-12-23")) == []


def test_an_article_is_told_on_its_last_day_and_is_over_after_it() -> None:
    assert reasons(article("a", valid_until="2026-11-22")) == [("a", CareReason.EXPIRING)]
    assert reasons(article("a", valid_until="2026-11-21")) == [("a", CareReason.EXPIRED)]


def test_a_review_is_due_from_its_day_on() -> None:
    assert reasons(article("a", review_on="2026-11-23")) == []
    assert reasons(article("a", review_on="2026-11-22")) == [("a", CareReason.REVIEW)]


def test_what_people_call_outdated_is_looked_at_before_what_is_to_be_reviewed() -> None:
    found = reasons(article("a", review_on="2026-01-01"), article("b"), doubts={"b": 2})
    assert found == [("b", CareReason.OUTDATED), ("a", CareReason.REVIEW)]


def test_a_withdrawn_article_needs_nobody_and_is_told_to_nobody() -> None:
    gone = article("a", valid_until="2026-01-01", withdrawn=True)
    assert reasons(gone, doubts={"a": 1}) == []
    index = KnowledgeIndex([article("b", withdrawn=True)])
    assert index.find("居住证怎么办理", today=TODAY) == ()
