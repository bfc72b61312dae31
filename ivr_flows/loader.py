"""Flows and the table of called numbers, read from YAML; a file with an error is refused whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ivr_flows.errors import FlowFileError
from ivr_flows.schema import ENDS, KINDS, Flow, FlowDocument, NumberDocument, Step, ToPerson
from ivr_flows.yamlfile import YamlFile, parse_yaml, read_yaml

SHIPPED_FLOWS = Path(__file__).with_name("flows")
SHIPPED_NUMBERS = Path(__file__).with_name("numbers.yaml")

_ANY_STEP: type[Step] = Step  # type: ignore[assignment]
"""msgspec takes the union itself where a type is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """All flows of one folder and the number table that chooses among them."""

    by_name: Mapping[str, Flow]  # name -> flow
    numbers: Mapping[str, str]  # called number -> name
    default: str  # name for all other numbers

    def for_number(self, called: str) -> Flow:
        """The flow for a called number; the default one for numbers that are not in the table."""
        return self.by_name[self.numbers.get(called, self.default)]

    def named(self, name: str) -> Flow | None:
        """The flow of this name, or None."""
        return self.by_name.get(name)


def load_flows(folder: Path = SHIPPED_FLOWS, numbers: Path = SHIPPED_NUMBERS) -> Flows:
    """Read all `*.yaml` of a folder, and the number table.

    Raises:
        FlowFileError: a file is wrong, a flow's name is taken, or a number leads to no flow.
    """
    by_name: dict[str, Flow] = {}
    for path in sorted(folder.glob("*.yaml")):
        flow = load_flow(path)
        if flow.name in by_name:
            line = flow.lines.get("flow", 1)
            remedy = f"give each flow its own name; {by_name[flow.name].file} has it too"
            raise FlowFileError(flow.file, line, "flow", flow.name, remedy)
        by_name[flow.name] = flow
    table = read_yaml(numbers)
    document = table.convert(NumberDocument)
    known = ", ".join(by_name) or f"none in {folder}"
    if document.default not in by_name:
        raise table.error("default", document.default, f"name one of the flows: {known}")
    for number, name in document.numbers.items():
        if not (number.isascii() and number.isdigit() and len(number) <= 20):
            raise table.error(f"numbers.{number}", number, "write called numbers as 1 to 20 digits in quotes")
        if name not in by_name:
            raise table.error(f"numbers.{number}", name, f"name one of the flows: {known}")
    return Flows(by_name=by_name, numbers=document.numbers, default=document.default)


def load_flow(path: Path) -> Flow:
    """Read one flow.

    Raises:
        FlowFileError: naming file, line, key, value and remedy.
    """
    return _flow(read_yaml(path))


def parse_flow(raw: bytes, *, name: str = "flow") -> Flow:
    """Read one flow from its text; `name` is how errors call it.

    Raises:
        FlowFileError: naming line, key, value and remedy.
    """
    return _flow(parse_yaml(raw, name=name))


def _flow(file: YamlFile) -> Flow:
    document = file.convert(FlowDocument)
    steps: dict[str, Step] = {}
    for name in document.steps:
        if name in ENDS or not (name.isascii() and name.isidentifier() and name.islower()):
            raise file.error(f"steps.{name}", name, "call the step something else, in small letters")
        steps[name] = file.convert(_ANY_STEP, at=f"steps.{name}", kinds=KINDS)
    for name, step in steps.items():
        for exit_, target in step.exits():
            if target not in steps and target not in ENDS:
                remedy = "name a step of this flow, hang_up or give_up"
                raise file.error(f"steps.{name}.{exit_}", target, remedy)
    for key, target in (("start", document.start), ("after_talk", document.after_talk)):
        if target not in steps:
            raise file.error(key, target, "name a step of this flow")
    if not isinstance(steps.get(document.resume), ToPerson):
        raise file.error("resume", document.resume, "name a step of this flow whose kind is route")
    return Flow(
        name=document.flow,
        title=document.title,
        version=hashlib.sha256(repr((document.start, document.max_steps, steps)).encode()).hexdigest()[:12],
        start=document.start,
        resume=document.resume,
        after_talk=document.after_talk,
        max_steps=document.max_steps,
        steps=steps,
        file=file.name,
        lines=file.lines,
    )
