"""Articles that need a hand: reviews due, validity that ends, doubts of those who used them. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orders.knowledge import Article

__all__ = ["SOON_DAYS", "Care", "CareReason", "cares"]

SOON_DAYS = 30
"""So many days before an article ends, its unit is reminded."""


class CareReason(StrEnum):
    """Why an article needs somebody's hand, the most pressing first."""

    EXPIRED = "expired"  # 已失效: it is told to nobody any more
    OUTDATED = "outdated"  # 被指过时: people who used it say that it is not so any more
    REVIEW = "review"  # 应复核: the day of its review has come
    EXPIRING = "expiring"  # 即将失效


_ORDER = tuple(CareReason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """One reminder."""

    article: Article  # of which
    reason: CareReason  # why
    day: str = ""  # ISO day on which it ends, ended, or is to be reviewed; "" for doubts
    doubts: int = 0  # people who call its newest version outdated


def cares(
    articles: Iterable[Article],
    doubts: Mapping[str, int],
    today: datetime.date,
    *,
    soon_days: int = SOON_DAYS,
) -> tuple[Care, ...]:
    """Return one reminder for each reason of each article, the most pressing first; withdrawn ones need none.

    `doubts` is article id -> people who call its newest version outdated.
    """
    day, soon = today.isoformat(), (today + datetime.timedelta(days=soon_days)).isoformat()
    found: list[Care] = []
    for article in articles:
        if article.withdrawn:
            continue
        until, many = article.valid_until, doubts.get(article.article_id, 0)
        if until and until < day:
            found.append(Care(article=article, reason=CareReason.EXPIRED, day=until, doubts=many))
        elif until and until <= soon:
            found.append(Care(article=article, reason=CareReason.EXPIRING, day=until, doubts=many))
        if many:
            found.append(Care(article=article, reason=CareReason.OUTDATED, doubts=many))
        if article.review_on and article.review_on <= day:
            found.append(Care(article=article, reason=CareReason.REVIEW, day=article.review_on, doubts=many))
    return tuple(sorted(found, key=lambda one: (_ORDER.index(one.reason), one.day, one.article.article_id)))
