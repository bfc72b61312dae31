"""What a report says, whatever the calls: tables add up to the whole, days to the month."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.figures.definitions import shown
from cti.figures.facts import CallKind, Facts, Rules, Span
from cti.reports.build import Builder
from cti.reports.pages import Page, changes
from cti.reports.specs import (
    SPAN_DAYS_MAX,
    Filter,
    Grouping,
    ReportRefused,
    Spec,
    daily,
    monthly,
    special,
)
from tests.support.report_days import column, make, some_facts, table_of

DAY = daily(date(2026, 11, 20))
WEEK = special(DAY.since, DAY.since + 7 * 86400.0, by=tuple(Grouping), interval=60)
COUNTS = (
    "calls_in", "offered", "answered", "abandoned", "abandoned_short", "failed", "handled", "orders", "rated",
)  # fmt: skip


def added(page: Page, by: str, figure: str) -> float:
    return sum(value or 0 for value in column(table_of(page, by), figure))


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 120))
def test_the_rows_of_every_table_add_up_to_the_figures_of_everything(seed: int, count: int) -> None:
    page = make(WEEK, some_facts(seed, WEEK.span, calls=count))
    for table in page.tables:
        for figure in set(COUNTS) & set(table.figures):
            assert added(page, table.by, figure) == page.figures[figure], (table.by, figure)
    for by in ("interval", "day", "agent"):
        assert added(page, by, "signed_in_s") == pytest.approx(page.figures["signed_in_s"] or 0, abs=1e-6)
    assert sum(why.count for why in page.causes) == page.figures["rule_breaks"]
    assert len(page.breaks) + page.breaks_more == page.figures["rule_breaks"]


def test_a_month_is_the_sum_of_its_daily_reports() -> None:
    month = monthly(date(2026, 11, 20))
    facts = some_facts(3, month.span, calls=600)
    whole = make(month, facts)
    dailies = [make(daily(date(2026, 11, number)), facts) for number in range(1, 31)]
    for figure in COUNTS:
        assert sum(page.figures[figure] or 0 for page in dailies) == whole.figures[figure]
        assert column(table_of(whole, "day"), "offered") == [page.figures["offered"] for page in dailies]
    assert [row.title for row in table_of(whole, "day").rows][:2] == ["2026-11-01", "2026-11-02"]


def test_a_daily_report_goes_from_midnight_to_midnight_in_china_and_has_every_half_hour() -> None:
    page = make(DAY, some_facts(1, DAY.span, calls=50))
    assert DAY.title == "2026年11月20日 话务日报"
    assert (DAY.since, DAY.until) == (1_795_104_000.0, 1_795_190_400.0)
    rows = table_of(page, "interval").rows
    assert (len(rows), rows[0].title, rows[-1].title) == (48, "00:00", "23:30")
    assert page.complete


def test_a_report_of_a_day_that_is_not_over_says_up_to_when_it_knows() -> None:
    now = DAY.since + 9.25 * 3600.0
    page = make(DAY, some_facts(1, DAY.span, calls=200), now=now)
    assert (page.complete, page.until) == (False, now)
    assert [row.title for row in table_of(page, "interval").rows][-1] == "09:00"
    assert page.figures["calls_in"] == added(page, "interval", "calls_in")


def test_a_call_belongs_to_the_interval_in_which_it_began() -> None:
    facts = some_facts(5, DAY.span, calls=1)
    call = replace(facts.calls[0], kind=CallKind.INBOUND, started=DAY.since + 1800.0)
    page = make(DAY, Facts.of([call]))
    assert column(table_of(page, "interval"), "calls_in")[:3] == [0, 1, 0]


def test_a_filter_takes_the_calls_that_are_meant_and_nobodys_time() -> None:
    facts = some_facts(9, DAY.span, calls=150)
    which = Filter(category="市容环境", queue="general")
    page = make(special(DAY.since, DAY.until, by=tuple(Grouping), which=which), facts)
    meant = [
        call
        for call in facts.calls
        if call.queue == "general" and call.category == "市容环境/垃圾清运" and call.kind is CallKind.INBOUND
    ]
    assert page.figures["calls_in"] == len(meant) > 0
    assert page.figures["signed_in_s"] == 0
    assert [row.key for row in table_of(page, "category").rows] == ["市容环境/垃圾清运"]


def test_the_definitions_in_a_report_are_those_it_was_made_under() -> None:
    rules = Rules(answer_s=20.0)
    page = make(DAY, Facts(), rules=rules)
    assert page.definitions == tuple(shown(rules))
    assert any("20 秒" in one.formula for one in page.definitions)


def test_the_lowest_24_hours_are_found_across_midnight() -> None:
    answered = [call for call in some_facts(2, DAY.span, calls=300).calls if call.answered is not None]
    good = [replace(call, kind=CallKind.INBOUND, started=WEEK.since + n * 3600.0 + 60.0)
            for n, call in enumerate((answered * 7)[:168])]  # fmt: skip
    bad = [
        replace(call, answered=None, waited_s=None, started=WEEK.since + (60 + n) * 3600.0 + 120.0)
        for n, call in enumerate(good[:12])
    ]
    page = make(WEEK, Facts.of(sorted(good + bad, key=lambda call: call.started)))
    assert page.lowest == 24 / 36  # 12 of 36 in the 24 hours that hold all of them
    assert page.lowest_at == WEEK.since + 71.5 * 3600.0  # the last of the 12 began at 71:02


def test_what_changed_is_told_figure_by_figure_with_its_cause() -> None:
    facts = some_facts(4, DAY.span, calls=40)
    before = make(DAY, facts)
    assert changes(before, make(DAY, facts)) == []
    late = next(
        call for call in facts.calls if call.kind is CallKind.INBOUND and call.offered and call.decided
    )
    after = make(DAY, Facts(calls=[one for one in facts.calls if one != late], agents=facts.agents,
                            callbacks=facts.callbacks))  # fmt: skip
    found = {(one.table, one.row, one.figure): (one.before, one.after) for one in changes(before, after)}
    offered = before.figures["offered"] or 0
    assert found["", "", "offered"] == (offered, offered - 1)
    assert ("queue", late.queue, "offered") in found
    gone = make(DAY, Facts())
    told = {one.row for one in changes(before, gone) if one.table == "cause"}
    assert told == {why.key for why in before.causes if why.count}


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        (lambda: special(DAY.since, DAY.since), "until"),
        (lambda: special(DAY.since, DAY.since + (SPAN_DAYS_MAX + 1) * 86400.0), "until"),
        (lambda: special(DAY.since, DAY.until, interval=7), "interval"),
        (lambda: special(DAY.since, DAY.until, by=(Grouping.DAY, Grouping.DAY)), "by"),
        (lambda: special(DAY.since, DAY.since + 90 * 86400.0, by=(Grouping.INTERVAL,)), "by"),
    ],
)
def test_a_report_that_cannot_be_meant_is_refused_naming_what_is_wrong(
    wrong: Callable[[], Spec], key: str
) -> None:
    with pytest.raises(ReportRefused) as refused:
        wrong()
    assert refused.value.key == key


def test_a_table_that_is_too_long_says_how_many_rows_it_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.reports.build.ROWS_MAX", 1)
    monkeypatch.setattr("cti.reports.build.BREAKS_MAX", 2)
    page = make(DAY, some_facts(6, DAY.span, calls=100))
    table = table_of(page, "queue")
    assert (len(table.rows), table.more) == (1, 2)
    newest = sorted((one.started for one in page.breaks), reverse=True)
    assert [one.started for one in page.breaks] == newest
    assert page.breaks_more == (page.figures["rule_breaks"] or 0) - 2


def test_a_report_of_a_day_to_come_holds_nothing() -> None:
    builder = Builder(DAY, Rules(), now=DAY.since - 3600.0, names={})
    assert builder.span == Span(since=DAY.since, until=DAY.since)
    assert builder.page(source="tables", behind_s=0.0).figures["calls_in"] == 0
