"""Makes a page of facts that come piece by piece. Pure: nothing is kept of a piece but counts and sums."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from datetime import datetime

from cti.figures import engine
from cti.figures.causes import CAUSES, Break, Cause, cause, causes_shown
from cti.figures.definitions import shown
from cti.figures.engine import DAY_S
from cti.figures.facts import CallFact, Facts, Rules, Span
from cti.figures.tally import Tally
from cti.planning_days import CHINA
from cti.reports.pages import BreakRow, CauseRow, Page, Row, Table
from cti.reports.specs import GROUPING_TITLES, Grouping, Spec, day_of

__all__ = ["Builder"]

BREAKS_MAX = 2_000
"""Calls that broke the rule that are listed one by one; all are counted."""
ROWS_MAX = 3_000
"""Rows of a table; those with fewer calls are left out, and their number is told."""
SLOT_S = 1800.0
"""24 hours are looked at that end on a half hour."""

CALL_FIGURES = (
    "calls_in", "offered", "answered", "abandoned", "abandoned_short", "served_otherwise", "failed",
    "answer_rate", "service_level", "service_level_perf", "service_level_perf2", "speed_of_answer",
    "average_wait", "longest_wait", "handled", "average_talk", "average_wrap_up", "handling_time",
    "transferred", "missed_rings", "rated", "satisfaction_rate", "orders", "first_call_resolution",
)  # fmt: skip
TIME_FIGURES = ("agents", "signed_in_s", "occupancy", "utilisation")
AGENT_FIGURES = (
    "handled", "average_talk", "average_hold", "average_wrap_up", "handling_time", "transferred", "rings",
    "missed_rings", "missed_rate", "orders", "rated", "satisfaction_rate", "satisfaction_average",
    "signed_in_s", "ready_s", "ringing_s", "talking_s", "wrap_up_s", "not_ready_s", "occupancy",
    "utilisation",
)  # fmt: skip
UNSET = "（未填写）"
SCORES = {"5": "5 非常满意", "4": "4 满意", "3": "3 一般", "2": "2 不满意", "1": "1 非常不满意", "": "未评价"}

KEYS: Mapping[Grouping, Callable[[CallFact], str]] = {
    Grouping.QUEUE: lambda call: call.queue,
    Grouping.CALLED: lambda call: call.called,
    Grouping.CATEGORY: lambda call: call.category,
    Grouping.DISTRICT: lambda call: call.district,
    Grouping.SATISFACTION: lambda call: "" if call.satisfaction is None else str(call.satisfaction),
}


class Builder:
    """Takes facts in and gives the page out."""

    def __init__(self, spec: Spec, rules: Rules, *, now: float, names: Mapping[str, str]) -> None:
        """`now`: nothing is known of later; `names`: login -> name. Raises ReportRefused."""
        spec.check()
        self.spec = spec
        self.span = Span(since=spec.since, until=max(spec.since, min(spec.until, now)))
        self._rules = rules
        self._now = now
        self._names = names
        self._total = Tally()
        self._groups: dict[Grouping, dict[str, Tally]] = {one: {} for one in spec.by}
        self._titles: dict[str, str] = {}
        self._slots: dict[int, list[int]] = {}
        self._causes = dict.fromkeys(Cause, 0)
        self._breaks: list[tuple[float, str, Break]] = []
        self._last_day = Span(since=max(self.span.since, self.span.until - DAY_S), until=self.span.until)

    def add(self, piece: Span, facts: Facts) -> None:
        """Take the facts of the next piece."""
        which = self.spec.which
        if which.anything:
            calls = [call for call in facts.calls if which.takes(call)]
            own = which.agent and [one for one in facts.agents if one.agent_id == which.agent]
            facts = Facts(calls=calls, agents=own or (), callbacks=())
        for call in facts.calls:
            if piece.holds(call.started):
                self._call(call)
        for one in facts.callbacks:
            self._total.add_callback(one)
        for stretch in facts.agents:
            self._total.add_time(stretch, piece)
        if Grouping.AGENT in self._groups:
            tallies = self._groups[Grouping.AGENT]
            for login, tally in engine.agent_tallies(facts, span=piece, rules=self._rules).items():
                tallies.setdefault(login, Tally()).add(tally)
        for grouping in (Grouping.INTERVAL, Grouping.DAY):
            if grouping in self._groups:
                self._times(grouping, piece, facts)

    def _call(self, call: CallFact) -> None:
        rules = self._rules
        self._total.add_call(call, rules, lately=self._last_day.holds(call.started))
        self._titles[call.queue] = call.queue_title or call.queue
        for grouping, key in KEYS.items():
            if grouping in self._groups:
                tally = self._groups[grouping].setdefault(key(call), Tally())
                tally.add_call(call, rules, lately=True)
        if call.offered and call.decided:
            slot = self._slots.setdefault(int((call.started - self.span.since) // SLOT_S), [0, 0])
            slot[0] += 1
            slot[1] += call.answered is not None
        why = cause(call, rules)
        if why is not None:
            self._causes[why] += 1
            kept = (call.started, call.call_id, Break(call=call, cause=why))
            if len(self._breaks) < BREAKS_MAX:
                heapq.heappush(self._breaks, kept)
            else:
                heapq.heappushpop(self._breaks, kept)

    def _times(self, grouping: Grouping, piece: Span, facts: Facts) -> None:
        seconds = self.spec.interval * 60.0 if grouping is Grouping.INTERVAL else DAY_S
        known = Span(since=piece.since, until=piece.until)
        for span, tally in engine.interval_tallies(facts, seconds, span=known, rules=self._rules):
            self._groups[grouping][f"{span.since:.0f}"] = tally

    # ------------------------------------------------------------ the page

    def page(self, *, source: str, behind_s: float) -> Page:
        """The report of everything taken so far."""
        lowest, lowest_at = self._lowest()
        counted = sum(self._causes.values())
        newest = sorted(self._breaks, key=lambda each: (-each[0], each[1]))
        return Page(
            spec=self.spec,
            made_at=self._now,
            until=self.span.until,
            source=source,
            behind_s=round(behind_s, 3),
            figures=self._total.figures(),
            lowest=lowest,
            lowest_at=lowest_at,
            tables=tuple(self._table(grouping) for grouping in self.spec.by),
            causes=self._cause_rows(),
            breaks=tuple(_break_row(one) for _, _, one in newest),
            breaks_more=counted - len(newest),
            definitions=tuple(shown(self._rules)),
        )

    def _cause_rows(self) -> tuple[CauseRow, ...]:
        rows = [
            CauseRow(key=told["key"], title=told["title"], rule=told["rule"], count=self._causes[why])
            for why, told in zip(CAUSES, causes_shown(self._rules), strict=True)
        ]
        return tuple(sorted(rows, key=lambda row: -row.count))

    def _table(self, grouping: Grouping) -> Table:
        figures = _columns(grouping)
        tallies = self._groups[grouping]
        names = sorted(tallies, key=lambda name: _order(grouping, name, tallies[name]))
        rows = []
        for name in names[:ROWS_MAX]:
            values = tallies[name].figures()
            title = self._title(grouping, name)
            rows.append(Row(key=name, title=title, values=tuple(values[key] for key in figures)))
        return Table(
            by=grouping.value,
            title=f"按{GROUPING_TITLES[grouping]}",
            figures=figures,
            rows=tuple(rows),
            more=max(0, len(names) - ROWS_MAX),
            note=_note(grouping),
        )

    def _title(self, grouping: Grouping, name: str) -> str:
        match grouping:
            case Grouping.INTERVAL:
                begin = datetime.fromtimestamp(float(name), CHINA)
                long = self.span.seconds > DAY_S
                return f"{begin:%m-%d %H:%M}" if long else f"{begin:%H:%M}"
            case Grouping.DAY:
                return day_of(float(name)).isoformat()
            case Grouping.AGENT:
                known = self._names.get(name, "")
                return f"{known}（{name}）" if known else name
            case Grouping.QUEUE:
                return self._titles.get(name, name) or "（未进入队列）"
            case Grouping.SATISFACTION:
                return SCORES.get(name, name)
            case _:
                return name or UNSET

    def _lowest(self) -> tuple[float | None, float | None]:
        """The lowest share of answered calls in any 24 hours that end on a half hour."""
        per_day = int(DAY_S // SLOT_S)
        count = int(self.span.seconds // SLOT_S)
        offered = answered = 0
        lowest: float | None = None
        at: float | None = None
        nothing = [0, 0]
        for number in range(count):
            offered += self._slots.get(number, nothing)[0] - self._slots.get(number - per_day, nothing)[0]
            answered += self._slots.get(number, nothing)[1] - self._slots.get(number - per_day, nothing)[1]
            if number < per_day - 1 or not offered:
                continue
            rate = answered / offered
            if lowest is None or rate < lowest:
                lowest, at = rate, self.span.since + (number + 1) * SLOT_S
        return lowest, at


def _columns(grouping: Grouping) -> tuple[str, ...]:
    if grouping is Grouping.AGENT:
        return AGENT_FIGURES
    if grouping in (Grouping.INTERVAL, Grouping.DAY):
        return (*CALL_FIGURES, *TIME_FIGURES)
    return CALL_FIGURES


def _order(grouping: Grouping, name: str, tally: Tally) -> tuple[float, str]:
    if grouping in (Grouping.INTERVAL, Grouping.DAY):
        return (float(name), "")
    if grouping is Grouping.SATISFACTION:
        return (-float(name or 0), "")
    return (-float(tally.handled if grouping is Grouping.AGENT else tally.calls_in), name)


def _note(grouping: Grouping) -> str:
    if grouping is Grouping.AGENT:
        return "受理人次：一个来电先后由两人受理，各计一次；满意度和工单计给最后受理的坐席"
    if grouping in (Grouping.CATEGORY, Grouping.DISTRICT):
        return "取来电第一张已提交工单上的值；没有工单的来电列在“（未填写）”"
    if grouping is Grouping.INTERVAL:
        return "来电计入开始的时段；坐席工时按时段切分"
    return ""


def _break_row(one: Break) -> BreakRow:
    call = one.call
    return BreakRow(
        call_id=call.call_id,
        started=call.started,
        queue=call.queue_title or call.queue,
        waited_s=None if call.wait_s is None else round(call.wait_s, 3),
        answered=call.answered is not None,
        cause=one.cause.value,
    )
