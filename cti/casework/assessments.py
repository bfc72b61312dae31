"""The assessment as people ask for it: a month's sheet, the orders behind a number, months in a row."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from cti.casework.assessment_months import AssessmentMonths, FrozenMonth
from cti.casework.assessment_orders import Asked, CountedOrder, listed
from cti.casework.sights import Sights, below
from cti.errors import HotlineError
from cti.ports import Person
from orders.assessment import Tally, definitions, selection
from orders.assessment_definitions import FIGURES
from orders.assessment_load import EVERYTHING, AssessmentLog, Days, Grouping, Scope
from orders.assessment_policy import AssessmentPolicy
from orders.assessment_sheet import MonthSheet, Row, Rows, other_rows, row, unit_rows
from orders.assessment_store import day_of
from orders.assessment_words import CHANNELS
from orders.workdays import Workdays

__all__ = ["AssessmentDesk", "AssessmentRefused", "View", "joined", "months_before"]

_CHANNEL_TITLES = {channel.value: title for channel, title in CHANNELS.items()}


class AssessmentRefused(HotlineError):
    """What is asked cannot be done; `shown` is Chinese for people."""

    def __init__(self, code: str, shown: str) -> None:
        super().__init__(code)
        self.code = code
        self.shown = shown


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One table of a month, as it is shown to somebody."""

    sheet: MonthSheet  # the rows are in tables["shown"]
    frozen: FrozenMonth | None  # None: provisional, as it is known now
    scope: Scope  # what of it is open to them


def months_before(month: int, count: int) -> Sequence[int]:
    """Return so many months up to and with this one, the oldest first."""
    found = [month]
    while len(found) < count:
        last = found[-1]
        found.append(last - 1 if last % 100 > 1 else last - 89)
    return found[::-1]


class AssessmentDesk:
    """Answers for a server. SQLAlchemy's errors pass through when the database is away."""

    def __init__(
        self,
        engine: AsyncEngine,
        sights: Sights,
        policy: Callable[[], AssessmentPolicy],
        workdays: Callable[[], Workdays],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`policy` and `workdays` return the rules and the working calendar in force."""
        self._policy = policy
        self.log = AssessmentLog(engine, workdays)
        self.months = AssessmentMonths(engine)
        self.engine = engine
        self.sights = sights
        self.clock = clock

    @property
    def policy(self) -> AssessmentPolicy:
        """The rules in force; whoever reads them twice for one table may read others."""
        return self._policy()

    # ------------------------------------------------------------ what is open to whom

    async def scope_of(self, person: Person) -> Scope:
        """Return whose marks are open to a person: a unit's are its own and those of units below it."""
        sight = await self.sights.of(person)
        if sight is None:
            return EVERYTHING
        return Scope(units=sight.units, districts=sight.districts)

    # ------------------------------------------------------------ sheets

    async def view(
        self, month: int, by: Grouping, person: Person, *, with_below: bool, version: int | None = None
    ) -> View:
        """Return a table of a month: frozen when it is (version 0: as it is known now in any case).

        Raises:
            AssessmentRefused: there is no such version.
            MonthDamaged: somebody changed a frozen month in the database.
        """
        scope = await self.scope_of(person)
        table = "unit_below" if by is Grouping.UNIT and with_below else by.value
        if version != 0 and by is not Grouping.DAY:
            frozen, sheet = await self._frozen(month, version)
            if frozen is not None and sheet is not None and _tells(scope, by):
                rows = tuple(one for one in sheet.tables[table] if _open(one, scope, by))
                return View(
                    sheet=_with(sheet, rows, _total(sheet, scope, person)), frozen=frozen, scope=scope
                )
        made_at, policy = self.clock(), self.policy
        rows, total = await self.rows_of(
            Days.of_month(month), by, scope, policy, with_below=with_below, now=made_at
        )
        sheet = MonthSheet(
            month=month, made_at=made_at, policy=policy,
            definitions=tuple(definitions(policy)), total=total, tables={},
        )  # fmt: skip
        return View(sheet=_with(sheet, rows, total), frozen=None, scope=scope)

    async def rows_of(
        self,
        days: Days,
        by: Grouping,
        scope: Scope,
        policy: AssessmentPolicy,
        *,
        with_below: bool,
        now: float,
    ) -> tuple[Rows, Row]:
        """Return the rows of days by these rules as they are known at `now`, and all of them added up."""
        tallies = await self.log.tallies(days, by, now=now, scope=scope)
        if by is Grouping.UNIT:
            units = await self.sights.units()
            rows = unit_rows(tallies, units, policy, below=with_below)
            rows = tuple(one for one in rows if _open(one, scope, by))
        else:
            rows = other_rows(tallies, policy, _CHANNEL_TITLES if by is Grouping.CHANNEL else {})
            if by is Grouping.DAY:
                rows = tuple(sorted(rows, key=lambda one: one.key))
        return rows, row("", "合计", joined(tallies), policy)

    async def _frozen(self, month: int, version: int | None) -> tuple[FrozenMonth | None, MonthSheet | None]:
        versions = await self.months.versions(month)
        chosen = next((one for one in versions if version in (None, one.version)), None)
        if chosen is None:
            if version is not None:
                raise AssessmentRefused("no_version", "没有这个版本的考核结果")
            return None, None
        return chosen, await self.months.get(month, chosen.version)

    async def warm(self) -> None:
        """Count this month's days that are over, so that the first page does not wait for it."""
        now = self.clock()
        month = Days.of_month(day_of(now, self.log.zone) // 100)
        await self.log.tallies(month, Grouping.UNIT, now=now)

    async def own(self, person: Person) -> tuple[int, Row]:
        """Return this month and the row of the person's unit, with the units below it."""
        now = self.clock()
        month = day_of(now, self.log.zone) // 100
        scope = await self.scope_of(person)
        tallies = await self.log.tallies(Days.of_month(month), Grouping.UNIT, now=now, scope=scope)
        name = person.unit or "全市"
        return month, row(person.unit, name, joined(tallies), self.policy)

    async def orders(
        self,
        month: int,
        figure: str,
        person: Person,
        *,
        top: bool,
        by: Grouping,
        key: str | None,
        with_below: bool,
        version: int | None,
        page: int,
        size: int,
    ) -> tuple[int, Sequence[CountedOrder]]:
        """Return the marks above (`top`) or below the line of a number, and how many there are.

        Raises:
            AssessmentRefused: no such figure or version, or the row is not open to the person.
        """
        if figure not in FIGURES:
            raise AssessmentRefused("no_figure", "没有这个指标")
        scope = await self.scope_of(person)
        if key is not None and by is Grouping.UNIT and scope.units is not None and key not in scope.units:
            raise AssessmentRefused("forbidden", "不能查看其他单位的考核明细")
        frozen, sheet = (None, None) if version == 0 else await self._frozen(month, version)
        if not _tells(scope, by):
            frozen, sheet = None, None
        policy = self.policy if sheet is None else sheet.policy
        units = None
        if key and by is Grouping.UNIT and with_below:
            units = below(await self.sights.units(), key)
        asked = Asked(
            which=selection(FIGURES[figure], policy, top=top),
            days=Days.of_month(month), now=self.clock(), scope=scope, by=by, key=key, units=units,
        )  # fmt: skip
        before = None
        if frozen is not None:
            zone = self.log.zone
            before = {
                key_: (one, 0 if one.mark is None or one.mark.at is None else day_of(one.mark.at, zone))
                for key_, one in (await self.months.as_frozen(frozen)).items()
            }
        return await listed(self.engine, asked, page=page, size=size, frozen=frozen, before=before)

    async def trend(
        self, month: int, count: int, key: str | None, person: Person
    ) -> Sequence[tuple[int, Row]]:
        """Return (month, row) of so many months: frozen where they are, else as they are known now.

        `key` names a unit (with those below it), None is everything that is open to the person.
        """
        scope = await self.scope_of(person)
        wanted = months_before(month, count)
        units = await self.sights.units()
        name = key if key is not None else (person.unit if scope.units is not None else "")
        if name and scope.units is not None and name not in scope.units:
            raise AssessmentRefused("forbidden", "不能查看其他单位的考核结果")
        kept = await self.months.newest(wanted) if scope.districts is None else {}
        found: list[tuple[int, Row]] = []
        for one in wanted:
            sheet = kept.get(one)
            if sheet is not None:
                rows = sheet.tables["unit_below"]
                empty = row(name, name, Tally(), sheet.policy)
                found.append(
                    (one, sheet.total if not name else next((r for r in rows if r.key == name), empty))
                )
                continue
            mine = Scope(units=below(units, name) if name else scope.units, districts=scope.districts)
            tallies = await self.log.tallies(Days.of_month(one), Grouping.UNIT, now=self.clock(), scope=mine)
            found.append((one, row(name, name or "合计", joined(tallies), self.policy)))
        return found


def joined(tallies: Mapping[str, Tally]) -> Tally:
    """Add all groups up."""
    total = Tally()
    for one in tallies.values():
        total.join(one)
    return total


def _tells(scope: Scope, by: Grouping) -> bool:
    """Whether a frozen month, which knows the city's tables, has the one that is open here."""
    return scope.districts is None and (scope.units is None or by is Grouping.UNIT)


def _open(one: Row, scope: Scope, by: Grouping) -> bool:
    return by is not Grouping.UNIT or scope.units is None or one.key in scope.units


def _with(sheet: MonthSheet, rows: Rows, total: Row) -> MonthSheet:
    return MonthSheet(
        month=sheet.month, made_at=sheet.made_at, policy=sheet.policy, definitions=sheet.definitions,
        total=total, tables={"shown": rows},
    )  # fmt: skip


def _total(sheet: MonthSheet, scope: Scope, person: Person) -> Row:
    if scope.everything:
        return sheet.total
    known = {one.key: one for one in sheet.tables["unit_below"]}
    return known.get(person.unit) or row(person.unit, "合计", Tally(), sheet.policy)
