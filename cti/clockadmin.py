"""`hotline clocks`: which rule sets which time limit of an order, and when it would be over."""

from __future__ import annotations

import argparse
import datetime
import time
from collections.abc import Callable

from cti.casework.case_rules import read_rules
from cti.casework.clock_answers import explained, notes_until, written
from cti.control.edition_parts import first_files
from cti.errors import HotlineError
from cti.settings import Settings
from orders.clock_rules import Facts
from orders.clock_words import explain
from orders.clocks import Timekeeper
from orders.errors import ValueRefused
from orders.policy_file import PolicyError

__all__ = ["ClocksRefused", "clocks"]

Say = Callable[[object], None]


class ClocksRefused(HotlineError):
    """The rules or the question cannot be used."""


async def clocks(settings: Settings, options: argparse.Namespace, say: Say) -> int:
    """Say rules, or what they come to for one order.

    Raises:
        ClocksRefused: a file of rules cannot be used, or the time cannot be read.
    """
    try:
        keeper = read_rules(first_files(settings).cases).course.keeper
    except (PolicyError, OSError) as error:
        raise ClocksRefused(str(error)) from error
    if options.action == "rules":
        for rule in keeper.rules.rules:
            say(explain(rule))
        return 0
    at = _moment(options.at, keeper)
    facts = Facts(
        type=options.type,
        category=options.category,
        urgency=options.urgency,
        unit=options.unit,
        channel=options.channel,
        redo=options.redo,
    )
    try:
        limits = explained(keeper, facts, at)
        notes = notes_until(keeper, limits, at)
    except ValueRefused as error:
        raise ClocksRefused(str(error)) from error
    say(f"自 {written(keeper, at)} 起算（{keeper.days.zone.key}）")
    for one in limits:
        due, near = written(keeper, one.due), written(keeper, one.near_at)
        said = f"规则“{one.rule_title}”（{one.rule}）"
        say(f"{one.title}：{one.since}后 {one.span}内，{due} 到期，{near} 起提醒；{said}")
    for note in notes:
        say(f"注意：{note}")
    return 0


def _moment(given: str, keeper: Timekeeper) -> float:
    if not given:
        return time.time()
    try:
        wall = datetime.datetime.fromisoformat(given)
    except ValueError:
        raise ClocksRefused(f'--at {given[:40]!r}: write a time such as "2026-11-23 10:00"') from None
    return (wall if wall.tzinfo else wall.replace(tzinfo=keeper.days.zone)).timestamp()
