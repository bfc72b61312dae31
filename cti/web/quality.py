"""Quality over HTTP: how right the machine's fields were."""

from __future__ import annotations

import msgspec
from aiohttp import web

from cti.web.answers import answer, read_query
from cti.web.guard import DEPS
from orders.accuracy import Counts
from orders.accuracy_load import NEWEST_MAX
from orders.fields import TITLES

__all__ = ["field_accuracy"]

RANGE_S = 30 * 86400.0
"""Orders of so many seconds are judged when no date is given."""
FORMULA = {
    "precision": "准确率 = 准确 ÷（准确 + 被改 + 多填）",
    "recall": "填充率 = 准确 ÷（准确 + 被改 + 漏填）",
}


class AccuracyQuery(msgspec.Struct):
    since: float | None = None
    until: float | None = None


class FieldCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How right one field was."""

    right: int  # what the machine had filled was submitted
    corrected: int  # something else was submitted
    missed: int  # the agent filled what the machine had not
    not_needed: int  # the agent cleared what the machine had filled
    second: int  # of corrected and missed: the machine's second thought was submitted
    precision: float | None  # right / (right + corrected + not_needed)
    recall: float | None  # right / (right + corrected + missed)


def counts_body(counts: Counts) -> FieldCounts:
    """Return counts with their shares, rounded to four digits."""
    return FieldCounts(
        right=counts.right,
        corrected=counts.corrected,
        missed=counts.missed,
        not_needed=counts.not_needed,
        second=counts.second,
        precision=None if counts.precision is None else round(counts.precision, 4),
        recall=None if counts.recall is None else round(counts.recall, 4),
    )


async def field_accuracy(request: web.Request) -> web.StreamResponse:
    """GET /api/quality/fields: of the newest submitted orders of the range; 30 days without a date."""
    deps = request.app[DEPS]
    query = read_query(request, AccuracyQuery)
    until = query.until
    since = query.since if query.since is not None else (until or deps.clock()) - RANGE_S
    found, total = await deps.accuracy.fields(since=since, until=until)
    fields = [
        {
            "field": name.value,
            "title": TITLES[name],
            "counts": counts_body(counts),
            "sources": [
                {"source": source, "counts": counts_body(by)}
                for (of, source), by in found.sources.items()
                if of is name
            ],
        }
        for name, counts in found.fields.items()
    ]
    return answer(
        {
            "since": since,
            "until": until,
            "orders": found.orders,
            "total": total,
            "newest_max": NEWEST_MAX,
            "formula": FORMULA,
            "fields": fields,
        }
    )
