"""Flows, called numbers and calendars, read from YAML; a file with an error is refused whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ivr_flows.calendar import SHIPPED_CALENDAR, Calendars, load_calendars
from ivr_flows.called import NumberEntry, numbers_of
from ivr_flows.errors import FlowFileError
from ivr_flows.schema import ENDS, STEP_KINDS, Flow, FlowDocument, Hours, Step, SubFlow, ToPerson
from ivr_flows.surroundings import Surroundings
from ivr_flows.yamlfile import YamlFile, parse_yaml, read_yaml

SHIPPED_FLOWS = Path(__file__).with_name("flows")
SHIPPED_NUMBERS = Path(__file__).with_name("numbers.yaml")

__all__ = [
    "SHIPPED_CALENDAR", "SHIPPED_FLOWS", "SHIPPED_NUMBERS", "Flows", "load_flow", "load_flows", "parse_flow",
]  # fmt: skip

_STEP_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ANY_STEP: type[Step] = Step  # type: ignore[assignment]
"""msgspec takes the union itself where a type is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """All flows of one folder, the number table that chooses among them, and the calendars they ask."""

    by_name: Mapping[str, Flow]  # name -> flow, sub-flows too
    entries: Mapping[str, NumberEntry]  # called number -> what the table says of it
    default: str  # name for all other numbers
    calendars: Calendars = field(default_factory=Calendars)
    numbers_file: str = "numbers"  # where the table was read from
    numbers_lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # key path -> line in it
    earlier: Mapping[tuple[str, str], Flow] = field(default_factory=dict, compare=False)
    """(name, version) -> flow of before a reload that calls are still in"""

    def for_number(self, called: str) -> Flow:
        """The flow for a called number; the default one for numbers that are not in the table."""
        entry = self.entries.get(called)
        return self.by_name[entry.flow if entry else self.default]

    def named(self, name: str) -> Flow | None:
        """The newest flow of this name, or None."""
        return self.by_name.get(name)

    def known(self, called: str) -> bool:
        """Whether the number is in the table."""
        return called in self.entries

    def entry(self, called: str) -> NumberEntry | None:
        """What the table says of a number, or None."""
        return self.entries.get(called)

    def version(self, name: str, version: str) -> Flow | None:
        """A flow as it was when a call began with it; None when it is not kept any more."""
        newest = self.by_name.get(name)
        return newest if newest and newest.version == version else self.earlier.get((name, version))

    def after(self, before: Flows, needed: Iterable[tuple[str, str]]) -> Flows:
        """These flows in place of those of `before`, with its versions that calls are still in.

        `needed` are names and versions of the flows of all calls in progress.
        """
        kept = {
            (name, version): flow
            for name, version in needed
            if (flow := before.version(name, version)) and self.version(name, version) is None
        }
        return replace(self, earlier={**self.earlier, **kept})

    def surroundings(
        self,
        *,
        called: str,
        caller: str,
        now: Callable[[], float],
        facts: Mapping[str, str] | None = None,
    ) -> Surroundings:
        """What a call's flow can see. `now` gives epoch seconds; `facts` join those of the called number."""
        entry = self.entries.get(called)
        return Surroundings(
            now=now,
            calendars=self.calendars,
            caller=caller,
            called=called,
            facts={**(entry.facts() if entry else {}), **(facts or {})},
            needs=entry.needs if entry else {},
        )


def load_flows(
    folder: Path = SHIPPED_FLOWS, numbers: Path = SHIPPED_NUMBERS, calendar: Path = SHIPPED_CALENDAR
) -> Flows:
    """Read all `*.yaml` of a folder, the number table and the calendars.

    Raises:
        FlowFileError: a file is wrong, a flow's name is taken, a flow enters one that does not exist or asks
            a calendar that does not exist, or a number leads to no flow.
    """
    calendars = load_calendars(calendar)
    read: dict[str, Flow] = {}
    for path in sorted(folder.glob("*.yaml")):
        flow = load_flow(path)
        if flow.name in read:
            remedy = f"give each flow its own name; {read[flow.name].file} has it too"
            raise _error(flow, "flow", flow.name, remedy)
        read[flow.name] = flow
    for flow in read.values():
        _references(flow, read, calendars)
    by_name = _linked(read)
    table = read_yaml(numbers)
    default, entries = numbers_of(table, [name for name, flow in by_name.items() if not flow.sub])
    return Flows(
        by_name=by_name,
        entries=entries,
        default=default,
        calendars=calendars,
        numbers_file=table.name,
        numbers_lines=table.lines,
    )


def load_flow(path: Path) -> Flow:
    """Read one flow, without those that it enters.

    Raises:
        FlowFileError: naming file, line, key, value and remedy.
    """
    return _flow(read_yaml(path))


def parse_flow(raw: bytes, *, name: str = "flow") -> Flow:
    """Read one flow from its text, without those that it enters; `name` is how errors call it.

    Raises:
        FlowFileError: naming line, key, value and remedy.
    """
    return _flow(parse_yaml(raw, name=name))


def _flow(file: YamlFile) -> Flow:
    document = file.convert(FlowDocument)
    steps: dict[str, Step] = {}
    for name in document.steps:
        if name in ENDS or not _STEP_NAME.fullmatch(name):
            raise file.error(f"steps.{name}", name, "call the step something else, in small letters")
        steps[name] = file.convert(_ANY_STEP, at=f"steps.{name}", kinds=STEP_KINDS)
    for name, step in steps.items():
        for exit_, target in step.exits():
            if target not in steps and target not in ENDS:
                remedy = "name a step of this flow, hang_up or give_up, or return"
                raise file.error(f"steps.{name}.{exit_}", target, remedy)
    if document.start not in steps:
        raise file.error("start", document.start, "name a step of this flow")
    if not document.sub:
        if document.after_talk not in steps:
            raise file.error("after_talk", document.after_talk or "", "name a step of this flow")
        if not isinstance(steps.get(document.resume or ""), ToPerson):
            remedy = "name a step of this flow whose kind is route"
            raise file.error("resume", document.resume or "", remedy)
    elif document.resume or document.after_talk:
        key, value = ("resume", document.resume) if document.resume else ("after_talk", document.after_talk)
        raise file.error(
            key, value, "remove it, or `sub: true`: a sub-flow returns to the flow that entered it"
        )
    content = (document.start, document.max_steps, document.resume, document.after_talk, steps)
    return Flow(
        name=document.flow,
        title=document.title,
        version=_hash(content),
        start=document.start,
        resume=document.resume or "",
        after_talk=document.after_talk or "",
        max_steps=document.max_steps,
        steps=steps,
        file=file.name,
        lines=file.lines,
    )


def _hash(content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:12]


def _error(flow: Flow, key: str, value: str, remedy: str) -> FlowFileError:
    return FlowFileError(flow.file, flow.lines.get(key, 1), key, value, remedy)


def _references(flow: Flow, flows: Collection[str], calendars: Calendars) -> None:
    for name, step in flow.steps.items():
        if isinstance(step, SubFlow) and step.flow not in flows:
            remedy = f"name one of the flows: {', '.join(sorted(flows))}"
            raise _error(flow, f"steps.{name}.flow", step.flow, remedy)
        if isinstance(step, Hours) and step.calendar not in calendars.by_name:
            known = ", ".join(sorted(calendars.by_name))
            remedy = f"name a calendar of {calendars.file}: {known}"
            raise _error(flow, f"steps.{name}.calendar", step.calendar, remedy)


def _linked(read: Mapping[str, Flow]) -> dict[str, Flow]:
    """Each flow with those that it enters, directly or through others; its version covers them all."""
    linked: dict[str, dict[str, Flow]] = {name: {} for name in read}
    result: dict[str, Flow] = {}
    for name, flow in read.items():
        inside: set[str] = set()
        ahead = [flow]
        while ahead:
            for _, other in ahead.pop().enters():
                if other not in inside:
                    inside.add(other)
                    ahead.append(read[other])
        linked[name].update({other: read[other] for other in sorted(inside)})
        version = _hash((flow.version, [read[other].version for other in sorted(inside)])) if inside else ""
        result[name] = replace(flow, version=version or flow.version, linked=linked[name])
    return result
