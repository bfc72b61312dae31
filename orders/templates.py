"""Templates of orders: what to ask and what to write for matters that come up every day.

Those delivered stand in `templates.yaml`; what people change is in the database, under the same id, and
stands in place of it. A template that is taken off (`active` false) is offered to nobody. Every version is
kept with who made it and why, so there is always a way back.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orders import fields
from orders.advice_tables import order_templates, template_versions
from orders.errors import OrderError, ValueRefused

__all__ = ["SHIPPED", "Template", "TemplateStale", "TemplateStore", "TemplateVersion", "shipped"]

SHIPPED = Path(__file__).with_name("templates.yaml")
REASON_MAX = 200
Text = Annotated[str, msgspec.Meta(max_length=200)]


class TemplateStale(OrderError):
    """Somebody else changed the template meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What an agent can put into an order at once. A validated value: see `check`."""

    template_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,40}$")]  # which
    category: Annotated[str, msgspec.Meta(max_length=100)]  # first part of a category's path, "" for all
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]  # Chinese
    questions: Annotated[tuple[Text, ...], msgspec.Meta(max_length=20)] = ()  # to ask, in this order
    fields: Mapping[str, str] = field(default_factory=dict)  # OrderField -> what stands there
    active: bool = True  # False: offered to nobody
    version: int = 0  # 0 as delivered, grows with every change

    def fits(self, category: str) -> bool:
        """Whether it is meant for an order of this category."""
        return not self.category or category == self.category or category.startswith(f"{self.category}/")


class TemplateVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a template."""

    template: Template  # as it was
    reason: str  # why it was made, "" for the delivered one
    at: float | None  # epoch seconds, None for the delivered one
    by: str  # login, "" for the delivered one


Noted = Callable[[AsyncConnection, Template | None, Template], Awaitable[None]]
"""Writes, in the same transaction, that one template (None: there was none) was replaced by another one."""


def check(template: Template) -> None:
    """Raise UnknownField, FieldTooLong or ValueRefused when a value may not stand in an order."""
    for name, value in template.fields.items():
        fields.check(name, value)
    for question in (template.title, template.category, *template.questions):
        fields.check_storable("template", question)


@cache
def shipped() -> tuple[Template, ...]:
    """Return the templates as delivered. Raises msgspec.ValidationError and OrderError."""
    found = msgspec.convert(
        yaml.safe_load(SHIPPED.read_text(encoding="utf-8")), tuple[Template, ...], strict=True
    )
    for template in found:
        check(template)
    return found


class TemplateStore:
    """The templates in force. Raises SQLAlchemy's errors when the database cannot be reached."""

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    async def all(self) -> tuple[Template, ...]:
        """Return every template, those taken off as well, by category and title."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(order_templates.c.data))
            changed = {one.template_id: one for one in (_template(row.data) for row in rows)}
        delivered = {one.template_id: one for one in shipped()}
        return tuple(sorted((delivered | changed).values(), key=lambda one: (one.category, one.title)))

    async def versions(self, template_id: str) -> tuple[TemplateVersion, ...]:
        """Return all versions of a template, newest first; the delivered one is the oldest."""
        fields.check_storable("template_id", template_id)
        query = select(template_versions).where(template_versions.c.template_id == template_id)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(template_versions.c.version.desc()))).all()
            known = rows or (await connection.execute(_standing(template_id))).all()
        found = [
            TemplateVersion(
                template=_template(row.data), reason=getattr(row, "reason", ""), at=row.changed_at,
                by=row.changed_by,
            )
            for row in known
        ]  # fmt: skip
        first = _delivered(template_id)
        if first is not None:
            found.append(TemplateVersion(template=first, reason="", at=None, by=""))
        return tuple(found)

    async def put(self, template: Template, *, by: str, reason: str, noted: Noted | None = None) -> Template:
        """Write a template; its `version` is the one the person saw, 0 for a new or a delivered one.

        Raises:
            TemplateStale: there is a newer version.
            OrderError: what it would put into an order may not stand there, or there is no reason.
        """
        check(template)
        fields.check_text("reason", reason.strip(), 1, REASON_MAX)
        made = replace(template, version=template.version + 1)
        async with self._engine.begin() as connection:
            standing = await _locked(connection, template.template_id)
            if standing != template.version:
                raise TemplateStale(
                    f"template {template.template_id} has version {standing}, seen was {template.version}",
                    shown="其他人刚刚修改了这个模板，请刷新后再改",
                )
            if (
                not standing
                and len((await connection.execute(select(order_templates.c.version))).all()) >= 500
            ):
                raise ValueRefused("500 templates are there, delete some", shown="模板最多 500 个")
            own = order_templates.c.template_id == template.template_id
            row = await connection.scalar(select(order_templates.c.data).where(own))
            before = _template(row) if row is not None else _delivered(template.template_id)
            await connection.execute(delete(order_templates).where(own))
            now = self._clock()
            values = _row(made, now, by)
            await connection.execute(insert(order_templates).values(**values))
            names = ("template_id", "version", "data", "changed_at", "changed_by")
            kept = {name: values[name] for name in names}
            await connection.execute(insert(template_versions).values(**kept, reason=reason.strip()))
            if noted is not None:
                await noted(connection, before, made)
        return made


async def _locked(connection: AsyncConnection, template_id: str) -> int:
    own = order_templates.c.template_id == template_id
    await connection.execute(update(order_templates).where(own).values(version=order_templates.c.version))
    return await connection.scalar(select(order_templates.c.version).where(own)) or 0


def _standing(template_id: str) -> Select[Any]:
    return select(order_templates).where(order_templates.c.template_id == template_id)


def _delivered(template_id: str) -> Template | None:
    return next((one for one in shipped() if one.template_id == template_id), None)


def _template(data: str) -> Template:
    return msgspec.json.decode(data, type=Template)


def _row(template: Template, at: float, by: str) -> dict[str, Any]:
    return {
        "template_id": template.template_id,
        "category": template.category,
        "title": template.title,
        "data": msgspec.json.encode(template).decode(),
        "version": template.version,
        "changed_at": at,
        "changed_by": by,
    }
