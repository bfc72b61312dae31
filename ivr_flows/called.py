"""The table of called numbers (归并): which flow each takes, and what that flow is told about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

import msgspec

from ivr_flows.schema_types import Name, Needs, Prompt
from ivr_flows.yamlfile import YamlFile


class Mode(StrEnum):
    """How a number belongs to the hotline."""

    MAIN = "main"  # the hotline's own number
    MERGED = "merged"  # 整体并入: says until an end date that the number is 12345 now; afterwards straight in
    PARALLEL = "parallel"  # 双号并行: own greeting, own seats, own statistics
    SUBCENTRE = "subcentre"  # 设分中心: another centre answers; when it does not, we do
    PLAIN = "plain"  # a flow of its own and nothing more


SHIPPED_FLOW: Mapping[Mode, str] = {
    Mode.MERGED: "merged",
    Mode.PARALLEL: "parallel",
    Mode.SUBCENTRE: "subcentre",
}
"""The flow of a mode when the entry names none; `main` takes the default flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberEntry:
    """What the table says of one called number."""

    called: str  # the number
    flow: str  # name of the flow
    mode: Mode  # how it belongs to the hotline
    title: str = ""  # Chinese name of the merged hotline
    queue: str = ""  # skill queue of its own, "" none
    needs: Mapping[str, int] = field(default_factory=dict)  # skill -> minimum level, joined to the route's
    until: dt.date | None = None  # last day of the announcement
    number: str = ""  # the sub-centre's telephone number
    greeting: tuple[str, ...] = ()  # prompts of its own
    label: str = ""  # own label in statistics, "" the number's title or the number itself

    def facts(self) -> dict[str, str]:
        """What flows see of it, as `fact.number_…`; nothing that is empty."""
        facts = {
            "number_mode": str(self.mode),
            "number_title": self.title,
            "number_queue": self.queue,
            "number_until": self.until.isoformat() if self.until else "",
            "number_transfer": self.number,
            "number_greeting": " ".join(self.greeting),
            "number_label": self.label or self.title,
        }
        return {name: value for name, value in facts.items() if value}


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    flow: Name | None = None
    mode: Mode = Mode.PLAIN
    title: Annotated[str, msgspec.Meta(max_length=40)] = ""
    queue: Name | None = None
    needs: Needs = msgspec.field(default_factory=dict)
    until: dt.date | None = None
    number: Annotated[str, msgspec.Meta(pattern=r"^\d{0,20}$")] = ""
    greeting: Annotated[tuple[Prompt, ...], msgspec.Meta(min_length=1, max_length=3)] | None = None
    label: Annotated[str, msgspec.Meta(max_length=40)] = ""


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    default: Name  # flow for numbers that are not in the table
    numbers: Annotated[dict[str, Name | dict[str, object]], msgspec.Meta(max_length=2000)]


def numbers_of(file: YamlFile, flows: Collection[str]) -> tuple[str, dict[str, NumberEntry]]:
    """The default flow and the table. `flows` are those that a call may begin with.

    Raises:
        FlowFileError: naming file, line, key, value and remedy.
    """
    document = file.convert(_Document)
    known = ", ".join(sorted(flows)) or "there is none yet"
    if document.default not in flows:
        raise file.error("default", document.default, f"name one of the flows: {known}")
    entries: dict[str, NumberEntry] = {}
    for called, said in document.numbers.items():
        at = f"numbers.{called}"
        if not (called.isascii() and called.isdigit() and len(called) <= 20):
            raise file.error(at, called, "write called numbers as 1 to 20 digits in quotes")
        if isinstance(said, str):
            entry = _Entry(flow=said)
            if said not in flows:
                raise file.error(at, said, f"name one of the flows: {known}")
        else:
            entry = file.convert(_Entry, at=at)
        entries[called] = _entry(file, at, called, entry, document.default, flows)
    return document.default, entries


def _entry(
    file: YamlFile, at: str, called: str, said: _Entry, default: str, flows: Collection[str]
) -> NumberEntry:
    flow = said.flow or SHIPPED_FLOW.get(said.mode) or (default if said.mode is Mode.MAIN else None)
    if flow is None:
        raise file.error(f"{at}.flow", "", "name the flow of a plain number")
    if flow not in flows:
        known = ", ".join(sorted(flows))
        raise file.error(f"{at}.flow", flow, f"name one of the flows that a call may begin with: {known}")
    if said.mode is Mode.MERGED and said.until is None:
        remedy = "say the last day of the announcement, three months after the merger, as 2026-12-31"
        raise file.error(f"{at}.until", "", remedy)
    if said.mode is Mode.SUBCENTRE and not said.number:
        raise file.error(f"{at}.number", "", "say the sub-centre's telephone number")
    if said.queue and not said.needs:
        raise file.error(f"{at}.needs", "", "say the skills that the queue asks for, such as {general: 1}")
    return NumberEntry(
        called=called,
        flow=flow,
        mode=said.mode,
        title=said.title,
        queue=said.queue or "",
        needs=said.needs,
        until=said.until,
        number=said.number,
        greeting=said.greeting or (),
        label=said.label,
    )
