"""`hotline staffing`, `hotline simulate`, `hotline replay`: the command lines of the planning tools.

Exit status: 0 done, 2 when what was asked cannot be meant (the message names key, value and remedy).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["add_commands"]

Say = Callable[[object], None]
Run = Callable[[argparse.Namespace], int]
WRONG = 2


def add_commands(command: Callable[..., argparse.ArgumentParser], say: Say) -> None:
    """Add the planning commands; `command(name, run, about, settings=…)` makes one."""
    about = "say how many agents and people a day of calls needs (Erlang-C, Erlang-A)"
    sub = command("staffing", _refusing(_staffing, say), about, settings=False)
    _demand(sub)
    sub.add_argument(
        "--shrinkage", type=_number(0, 0.9), default=0.0, help="share of paid time without calls (0)"
    )
    sub.add_argument("--csv", type=Path, help="write all intervals and skills here")
    sub.add_argument("--plot", type=Path, help="draw the day here, as SVG")
    sub.add_argument("--json", action="store_true", help="print one JSON object")

    about = "play a day of calls against the real router, in simulated time"
    sub = command("simulate", _refusing(_simulate, say), about, settings=False)
    _demand(sub)
    sub.add_argument(
        "--agents",
        default="staffing",
        help="how many all day; staffing: what each half hour needs; apart: the same for each skill alone",
    )
    sub.add_argument("--roster", type=Path, help="CSV: agents, skills, from, until; instead of --agents")
    sub.add_argument(
        "--ring", type=_number(0, 120), default=3.0, help="seconds until a phone is answered (3)"
    )
    sub.add_argument(
        "--wrap-up", type=_number(0, 3600), help="seconds of the AHT after the talk (the policy's)"
    )
    sub.add_argument(
        "--date", default="2026-03-04", help="first day, for opening hours (2026-03-04, a Wednesday)"
    )
    sub.add_argument("--days", type=int, choices=range(1, 8), default=1, help="alike, one after another (1)")
    sub.add_argument("--seed", type=int, default=1, help="the same seed is the same day (1)")
    sub.add_argument("--speed", action="store_true", help="say how fast it was")
    sub.add_argument("--json", action="store_true", help="print one JSON object")

    about = "play a past day's calls under another policy, beside what happened"
    sub = command("replay", _refusing(_replay, say), about)
    sub.add_argument("--date", help="YYYY-MM-DD in China (yesterday)")
    sub.add_argument("--policy", type=Path, help="routing policy (the shipped one)")
    sub.add_argument("--service-level", default="0.95/15", help="SHARE/SECONDS answered (0.95/15)")
    sub.add_argument("--json", action="store_true", help="print one JSON object")


def _demand(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--calls-per-day", type=_number(1, 10_000_000), help="calls that ask for a person")
    sub.add_argument(
        "--aht",
        type=_number(1, 7200),
        required=True,
        help="mean seconds an agent is busy with a call, work order included",
    )
    sub.add_argument(
        "--busy-hour-share", type=_number(1 / 24, 0.5), help="share of the day's calls in the busy hour (0.1)"
    )
    sub.add_argument("--service-level", default="0.95/15", help="SHARE/SECONDS answered (0.95/15)")
    sub.add_argument(
        "--patience", type=_number(0.1, 86400), help="mean seconds until a caller hangs up (never)"
    )
    sub.add_argument("--skills", type=Path, help="CSV: queue, share, and if wanted aht, patience")
    sub.add_argument(
        "--intervals", type=Path, help="CSV: start, calls of all 48 half hours, instead of a shape"
    )
    sub.add_argument("--policy", type=Path, help="routing policy (the shipped one)")


def _number(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: give a number from {least:.4g} to {most:g}")
        return value

    return number


def _refusing(run: Callable[[argparse.Namespace, Say], int], say: Say) -> Run:
    """Run, and tell in one line what cannot be meant."""

    def refusing(options: argparse.Namespace) -> int:
        from acd.errors import InvalidValue, PolicyError

        try:
            return run(options, say)
        except (InvalidValue, PolicyError) as error:
            print(f"hotline: {error}", file=sys.stderr)  # noqa: T201
            return WRONG

    return refusing


def _staffing(options: argparse.Namespace, say: Say) -> int:
    from cti.planning_staffing import staffing

    return staffing(options, say)


def _simulate(options: argparse.Namespace, say: Say) -> int:
    from cti.planning_simulate import simulate_day

    return simulate_day(options, say)


def _replay(options: argparse.Namespace, say: Say) -> int:
    from cti.planning_replay import replay_day

    return replay_day(options, say)
