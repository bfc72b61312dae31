"""What every benchmark returns and how it is told: one JSON object, or a few lines for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cti.bench.host import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measurement beside what it is compared with."""

    name: str  # of the benchmark
    value: float  # what was measured
    unit: str  # of `value` and `peer`
    aim: str  # what should be reached, in words
    aim_met: bool  # whether this run showed it
    peer: float  # the same, measured on what we compare with
    ratio: float  # value / peer
    machine: Machine  # what it was measured on, and how busy that was before
    details: Mapping[str, Any]  # everything else, JSON types only
    lines: tuple[str, ...]  # the details for a person, not part of the JSON


def as_json(result: Result) -> str:
    """Return the result as one JSON object on one line."""
    told = msgspec.to_builtins(result)
    del told["lines"]
    return msgspec.json.encode(told).decode()


def as_text(result: Result) -> str:
    """Return the result as lines for a person."""
    machine = result.machine
    verdict = "reached" if result.aim_met else "not shown"
    return "\n".join(
        (
            f"{result.name}: {result.value:.2f} {result.unit}, peer {result.peer:.2f}, "
            f"ratio {result.ratio:.3f}",
            f"aim: {result.aim} - {verdict}",
            f"machine: {machine.cpu}, {machine.cores} cores, {machine.memory_gb:.1f} GB, "
            f"{machine.kernel}, load before {machine.load_before:.2f}",
            *result.lines,
        )
    )
