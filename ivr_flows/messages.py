"""What a flow asks the telephone side to do, and what it is told back.

The engine is pure: `FlowRun.start()` and `FlowRun.handle(event)` return the next `Action`;
the shell in `cti` carries it out over AGI and answers with one `Event`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# ---------------------------------------------------------------- actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Play prompts one after another; the first key among `keys` stops them and is kept."""

    prompts: tuple[str, ...]  # keys of the prompt manifest
    keys: str = ""  # digits that interrupt, empty: none
    wait_s: float = 0.0  # how long a key still counts after the last prompt, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Hand the call to the router and come back when the talk is over or the wait is given up."""

    queue: str  # the skill queue's name
    needs: Mapping[str, int]  # skill -> minimum level
    priority: int = 0  # higher goes first
    greeting: tuple[str, ...] = ()  # prompts played once on joining the line


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """Note the citizen's rating; the shell stores it and answers with `Done`."""

    score: int  # 5 very satisfied … 1 very dissatisfied


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """The flow is over."""

    reason: str  # "finished", "caller_gone", "error"


Action = Play | Route | Rated | HangUp

# ---------------------------------------------------------------- events


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Prompts (and the wait after them) ended."""

    key: str | None = None  # the digit pressed, None when nothing was


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOver:
    """The agent hung up first; the citizen is still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFailed:
    """The router could not take the call at all (unknown queue, server stopping)."""

    reason: str  # for the journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The last action (Rated) was carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """The citizen hung up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The telephone side could not carry the action out (missing sound file, refused command)."""

    reason: str  # for the journal


Event = Played | TalkOver | RouteFailed | Done | HungUp | Failed
