"""The city's units and the rules that give matters to them, as people change them: whole files, single rules.

Every change is one transaction with its line in the trail. A table of units that would leave open orders
without a unit is refused with a list of them, unless whoever imports it says that they are dispatched anew:
then the clerk finds them under 承办单位已撤销.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cti.audit import note
from cti.tasks import aside
from orders.errors import OrderError, ValueRefused
from orders.unit_held import Held, held_by_missing
from orders.unit_known import UnitNames
from orders.unit_store import UnitStore
from orders.unit_table import (
    LEVELS,
    Unit,
    UnitRule,
    read_rules,
    read_units,
    rule_id_of,
    rule_problem,
    shipped_units,
)

__all__ = ["OrdersHeld", "Plan", "UnitBook", "rules_csv", "units_csv"]

REASON_MAX = 200


class OrdersHeld(OrderError):
    """Open orders would be left with units that are no more; nothing was written."""

    def __init__(self, held: Held) -> None:
        names = "、".join(list(held.units)[:5])
        super().__init__(
            f"{held.total} open parts of orders are with {len(held.units)} units that the file does not have",
            shown=f"{len(held.units)} 个不在文件中的单位（{names}等）还有 {held.total} 张未办结工单。"
            "未导入：请先改派，或选择“导入后由派单员改派”",
        )
        self.held = held


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an import changes."""

    count: int  # units or rules in the file
    added: int  # new ones
    changed: int  # units that are there with other levels, duties or areas
    removed: Sequence[str]  # names of units, or rules as text, that are there and not in the file
    rules_lost: int = 0  # rules of units that are no more
    held: Held | None = None  # open orders of units that the file does not have


class UnitBook:
    """Changes units and rules. SQLAlchemy's errors pass through when the database is away."""

    def __init__(
        self, engine: AsyncEngine, store: UnitStore, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.store = store
        self._engine = engine
        self._clock = clock

    async def import_units(
        self, text: str, *, by: str, reason: str, dry_run: bool, leave_open: bool = False
    ) -> Plan:
        """Make the units of a CSV the city's units.

        Raises:
            UnitsWrong: naming every line that is wrong.
            OrdersHeld: open orders would be left without a unit, and not `leave_open`.
            ValueRefused: no reason.
        """
        given = await aside(lambda: read_units(text, standard=shipped_units()))
        before = {unit.name: unit for unit in await self.store.units()}
        names = UnitNames(given)
        held = await held_by_missing(self._engine, names)
        fresh = {unit.name: unit for unit in given}
        removed = sorted(set(before).difference(fresh))
        plan = Plan(
            count=len(given),
            added=len(set(fresh).difference(before)),
            changed=sum(1 for name in fresh if name in before and fresh[name] != before[name]),
            removed=removed,
            rules_lost=sum(1 for rule in await self.store.rules() if rule.unit not in fresh),
            held=held if held.total else None,
        )
        if dry_run:
            return plan
        _check_reason(reason)
        if held.total and not leave_open:
            raise OrdersHeld(held)
        counted = {
            "units": plan.count, "added": plan.added, "changed": plan.changed, "removed": len(removed),
            "open_orders": held.total, "reason": reason,
        }  # fmt: skip
        await self.store.replace_units(
            given, by=by, gone=held.units, noted=self._noting("units_imported", by, "units", counted)
        )
        return plan

    async def import_rules(self, text: str, *, by: str, reason: str, dry_run: bool) -> Plan:
        """Make the rules of a CSV the city's rules. Raises as `import_units` does."""
        known = [unit.name for unit in await self.store.units() or shipped_units()]
        given = await aside(lambda: read_rules(text, known))
        before = {rule.rule_id: rule for rule in await self.store.rules()}
        fresh = {rule.rule_id: rule for rule in given}
        removed = [rule_text(before[key]) for key in sorted(set(before).difference(fresh))]
        plan = Plan(
            count=len(given),
            added=len(set(fresh).difference(before)),
            changed=sum(1 for key in fresh if key in before and fresh[key] != before[key]),
            removed=removed,
        )
        if not dry_run:
            _check_reason(reason)
            counted = {
                "rules": plan.count, "added": plan.added, "changed": plan.changed, "removed": len(removed),
                "reason": reason,
            }  # fmt: skip
            await self.store.replace_rules(
                given, noted=self._noting("unit_rules_imported", by, "rules", counted)
            )
        return plan

    async def put_rule(self, row: Mapping[str, str], *, by: str, reason: str, replaces: str = "") -> UnitRule:
        """Add a rule, or change the one with the id `replaces`.

        Raises:
            ValueRefused: it is no rule, or no reason.
            UnitsChanged: somebody else changed it meanwhile, or the same rule is there.
        """
        _check_reason(reason)
        known = [unit.name for unit in await self.store.units() or shipped_units()]
        problem = rule_problem(row, known)
        if problem:
            raise ValueRefused(f"not a rule: {sorted(row)}", shown=problem)
        rule = UnitRule(rule_id=rule_id_of(row), **row)
        standing = next((one for one in await self.store.rules() if one.rule_id == replaces), None)
        before = None if standing is None else _columns(standing)
        detail = {"rule": rule_text(rule), "reason": reason, "before": before, "after": _columns(rule)}
        await self.store.put_rule(
            rule, replaces=replaces, noted=self._noting("unit_rule_put", by, rule.rule_id, detail)
        )
        return rule

    async def remove_rule(self, rule_id: str, *, by: str, reason: str) -> None:
        """Take a rule out. Raises UnitsChanged, ValueRefused as `put_rule` does."""
        _check_reason(reason)
        rule = next((one for one in await self.store.rules() if one.rule_id == rule_id), None)
        detail = {
            "rule": "" if rule is None else rule_text(rule), "reason": reason,
            "before": None if rule is None else _columns(rule), "after": None,
        }  # fmt: skip
        await self.store.remove_rule(rule_id, noted=self._noting("unit_rule_removed", by, rule_id, detail))

    def _noting(
        self, what: str, by: str, target: str, detail: Mapping[str, object]
    ) -> Callable[[AsyncConnection], Awaitable[None]]:
        async def noted(connection: AsyncConnection) -> None:
            await note(connection, at=self._clock(), who=by, what=what, target=target, detail=detail)

        return noted


def _columns(rule: UnitRule) -> dict[str, str]:
    """What a rule says, without its id."""
    return {name: value for name, value in asdict(rule).items() if name != "rule_id"}


def rule_text(rule: UnitRule) -> str:
    """Return a rule in one line."""
    where = "".join((rule.district, rule.street)) or "全市"
    when = f"（{rule.since or '…'}至{rule.until or '…'}）" if rule.since or rule.until else ""
    return f"{rule.category}·{where}→{rule.unit}{when}"


def units_csv(units: Sequence[Unit]) -> str:
    """Return units as the file that `import_units` reads."""
    rows = (
        (unit.name, LEVELS[unit.level], unit.parent, "；".join(unit.words), "；".join(unit.areas))
        for unit in units
    )
    return _csv(("name", "level", "parent", "duties", "areas"), rows)


def rules_csv(rules: Sequence[UnitRule]) -> str:
    """Return rules as the file that `import_rules` reads."""
    columns = ("category", "district", "street", "unit", "since", "until")
    return _csv(columns, (tuple(getattr(rule, name) for name in columns) for rule in rules))


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(rows)
    return "\ufeff" + out.getvalue()


def _check_reason(reason: str) -> None:
    if not 1 <= len(reason.strip()) <= REASON_MAX:
        raise ValueRefused("no reason", shown=f"请写明理由（1 至 {REASON_MAX} 个字）")
