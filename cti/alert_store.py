"""Alert rules and the history of alerts in the database. SQLAlchemy's errors pass through."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import RowMapping, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cti.alerts import RULES_MOST, AlertRule, Cleared, Raised, RuleRefused
from cti.audit import note
from cti.board_tables import alert_rules, alerts
from cti.database import upsert, writing
from cti.messages import AlertView
from cti.tables import audit
from cti.topic_alerts import TOPICS_HIGH

__all__ = ["AlertPage", "AlertStore", "KeptRule", "shipped_rules"]

RECENT_S = 120.0
"""Alerts that ended so recently are still told, so that every page hears of the end."""


def shipped_rules() -> tuple[AlertRule, ...]:
    """What a new installation looks at, until somebody changes it."""
    return (
        AlertRule(
            key="longest-wait", title="有市民等候过久", figure="live.longest_wait_s",
            raise_at=120, clear_at=60, raise_s=5, clear_s=10, level="warning", sound=True,  # type: ignore[arg-type]
        ),
        AlertRule(
            key="queue-long", title="排队人数过多", figure="live.waiting",
            raise_at=10, clear_at=5, raise_s=30, clear_s=60, level="warning",  # type: ignore[arg-type]
        ),
        AlertRule(
            key="platform", title="平台有部件故障", figure="live.broken",
            raise_at=0, clear_at=0, raise_s=5, clear_s=5, level="critical", sound=True,  # type: ignore[arg-type]
        ),
        AlertRule(
            key="waves", title="出现集中诉求", figure="live.bursts",
            raise_at=0, clear_at=0, level="info",  # type: ignore[arg-type]
        ),
        *topic_rules(),
    )  # fmt: skip


def topic_rules() -> tuple[AlertRule, ...]:
    """Early warnings of topics; an installation from before there were any gets them, too."""
    return (
        AlertRule(
            key="topics", title="热点预警", figure=TOPICS_HIGH,
            raise_at=0, clear_at=0, level="warning", sound=True,  # type: ignore[arg-type]
        ),
    )  # fmt: skip


class KeptRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, and who changed it."""

    rule: AlertRule
    who: str  # login
    changed_at: float


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the history, newest first."""

    total: int
    page: int
    size: int
    alerts: Sequence[AlertView]


class AlertStore:
    """Keeps rules and alerts."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._shipped = False  # looked whether shipped rules are to be put in

    # ------------------------------------------------------------ rules

    async def rules(self) -> tuple[KeptRule, ...]:
        """Every rule, by key. The first look of a new installation puts the shipped ones in."""
        if not self._shipped:
            if not await self._rules() and not await self._noted("alerts"):
                await self._ship("alerts", shipped_rules())
            if not await self._noted("topics"):
                await self._ship("topics", topic_rules())
            self._shipped = True
        return await self._rules()

    async def _ship(self, target: str, rules: Sequence[AlertRule]) -> None:
        async with writing(self._engine) as connection:
            for rule in rules:
                await connection.execute(
                    upsert(connection, alert_rules)
                    .values(
                        key=rule.key, data=msgspec.to_builtins(rule), who="system", changed_at=self._clock()
                    )
                    .on_conflict_do_nothing()
                )
            await note(connection, at=self._clock(), who="system", what="alert_rules_shipped", target=target)

    async def _noted(self, target: str) -> bool:
        """Whether these rules were ever put in: somebody may want none of them."""
        async with self._engine.connect() as connection:
            query = select(func.count()).where(
                audit.c.what == "alert_rules_shipped", audit.c.target == target
            )
            return bool(await connection.scalar(query))

    async def _rules(self) -> tuple[KeptRule, ...]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(alert_rules).order_by(alert_rules.c.key))
            return tuple(
                KeptRule(
                    rule=msgspec.convert(row["data"], AlertRule), who=row["who"], changed_at=row["changed_at"]
                )
                for row in rows.mappings()
            )

    async def put(self, rule: AlertRule, *, by: str, reason: str) -> KeptRule:
        """Enter or replace a rule. Raises RuleRefused."""
        rule.check()
        now, data = self._clock(), msgspec.to_builtins(rule)
        async with writing(self._engine) as connection:
            before = await connection.scalar(select(alert_rules.c.data).where(alert_rules.c.key == rule.key))
            count = await connection.scalar(select(func.count()).select_from(alert_rules))
            if before is None and (count or 0) >= RULES_MOST:
                raise RuleRefused("key", f"规则最多 {RULES_MOST} 条")
            row = {"data": data, "who": by, "changed_at": now}
            await connection.execute(
                upsert(connection, alert_rules)
                .values(key=rule.key, **row)
                .on_conflict_do_update(index_elements=[alert_rules.c.key], set_=row)
            )
            await note(
                connection, at=now, who=by, what="alert_rule_changed", target=rule.key,
                detail={"reason": reason, "before": before, "after": data},
            )  # fmt: skip
        return KeptRule(rule=rule, who=by, changed_at=now)

    async def remove(self, key: str, *, by: str, reason: str) -> bool:
        """Take a rule away; False when there is none."""
        async with writing(self._engine) as connection:
            before = await connection.scalar(select(alert_rules.c.data).where(alert_rules.c.key == key))
            if before is None:
                return False
            await connection.execute(delete(alert_rules).where(alert_rules.c.key == key))
            await note(
                connection, at=self._clock(), who=by, what="alert_rule_removed", target=key,
                detail={"reason": reason, "before": before, "after": None},
            )  # fmt: skip
        return True

    # ------------------------------------------------------------ alerts

    async def standing(self) -> tuple[AlertView, ...]:
        """Alerts that are not over, or ended within two minutes, newest first."""
        recent = or_(alerts.c.until.is_(None), alerts.c.until > self._clock() - RECENT_S)
        async with self._engine.connect() as connection:
            query = select(alerts).where(recent).order_by(alerts.c.since.desc(), alerts.c.alert_id).limit(500)
            return tuple(_view(row) for row in (await connection.execute(query)).mappings())

    async def keep(self, changes: Sequence[Raised | Cleared]) -> None:
        """Write what changed; a second time does nothing."""
        async with writing(self._engine) as connection:
            for change in changes:
                if isinstance(change, Cleared):
                    await connection.execute(
                        update(alerts)
                        .where(alerts.c.alert_id == change.alert_id, alerts.c.until.is_(None))
                        .values(until=change.at)
                    )
                    continue
                rule = change.rule
                await connection.execute(
                    upsert(connection, alerts)
                    .values(
                        alert_id=change.alert_id, rule=rule.key, title=rule.title, level=rule.level.value,
                        figure=rule.figure, value=change.value, threshold=rule.raise_at, since=change.at,
                        until=None, sound=rule.sound, acknowledged_by="", acknowledged_at=None,
                    )
                    .on_conflict_do_nothing()
                )  # fmt: skip

    async def acknowledge(self, alert_id: str, *, by: str) -> AlertView | None:
        """Somebody takes note; the first one stands. None when there is no such alert."""
        async with writing(self._engine) as connection:
            row = (
                (await connection.execute(select(alerts).where(alerts.c.alert_id == alert_id)))
                .mappings()
                .first()
            )
            if row is None:
                return None
            if row["acknowledged_by"]:
                return _view(row)
            now = self._clock()
            await connection.execute(
                update(alerts)
                .where(alerts.c.alert_id == alert_id)
                .values(acknowledged_by=by, acknowledged_at=now)
            )
            await note(connection, at=now, who=by, what="alert_acknowledged", target=alert_id)
            return msgspec.structs.replace(_view(row), acknowledged_by=by)

    async def history(self, *, page: int = 1, size: int = 20) -> AlertPage:
        """Return one page of all alerts, newest first."""
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(alerts))
            query = select(alerts).order_by(alerts.c.since.desc(), alerts.c.alert_id)
            rows = await connection.execute(query.limit(size).offset((page - 1) * size))
            found = tuple(_view(row) for row in rows.mappings())
        return AlertPage(total=total or 0, page=page, size=size, alerts=found)


def _view(row: RowMapping) -> AlertView:
    return AlertView(**{name: row[name] for name in AlertView.__struct_fields__})
