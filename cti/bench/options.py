"""What a person may choose for a benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cti.bench.errors import BenchError


class Recording(StrEnum):
    """Whose calls are recorded while they are measured."""

    PRODUCTION = "production"  # the hotline's, as in production; the plain dialplan's not
    BOTH = "both"  # both sides'
    NONE = "none"  # nobody's


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Load and length of a benchmark."""

    rate: float = 50.0  # calls offered a second
    seconds: float = 20.0  # how long each side is offered calls, each time
    rounds: int = 2  # how often the sides take turns
    agents: int = 0  # how many agents; 0: as many as the calls need
    calls: int = 0  # calls at once that are tried first; 0: the benchmark's own choice
    clients: int = 1000  # fanout: pages that are told of each event
    orders: int = 0  # orders: how many there are; orders-kill: how many are brought
    database: str = ""  # orders: a URL, "sqlite" for a new file; "": a PostgreSQL of its own
    report: Path | None = None  # orders: file for the figures and the database's plans
    recording: Recording = Recording.PRODUCTION  # whose calls are recorded
    train: Path | None = None  # text: JSONL title, body, level1 to learn from
    test: Path | None = None  # text: the same, to measure on
    labels: Path | None = None  # text: groups of messages that report the same event
    messages: Path | None = None  # text: JSONL id, title, body, time that the labels speak of
    model: Path | None = None  # text: speech model to hear calls with; None: the one in use

    def check(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            BenchError: naming the option, its value and the bounds.
        """
        for name, value, low, high in (
            ("--rate", self.rate, 0.5, 500.0),
            ("--seconds", self.seconds, 1.0, 3600.0),
            ("--rounds", self.rounds, 1, 1000),
            ("--agents", self.agents, 0, 2000),
            ("--calls", self.calls, 0, 500),
            ("--clients", self.clients, 1, 5000),
            ("--orders", self.orders, 0, 20_000_000),
        ):
            if not low <= value <= high:
                raise BenchError(f"{name} {value:g}: give a number from {low:g} to {high:g}")
        if self.rate * self.seconds < 2:
            raise BenchError("--rate times --seconds must make at least 2 calls")
