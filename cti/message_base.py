"""What every message between server and pages is built on (see `cti.messages`)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["CallState", "Command", "Outcome", "PartyState", "Role", "TargetKind", "View"]


class Role(StrEnum):
    """What a signed-in person may do."""

    AGENT = "agent"  # 坐席
    SUPERVISOR = "supervisor"  # 班长
    ADMIN = "admin"  # 管理员
    LISTENER = "listener"  # 领导旁听: hears talks, does nothing else
    CLERK = "clerk"  # 派单员: dispatches, reviews answers, rules on returns
    UNIT = "unit"  # 承办单位: has an inbox of its unit's orders
    LEADER = "leader"  # 领导: figures and important orders
    AUDITOR = "auditor"  # 审计员: verifies, reads trails, changes nothing


class CallState(StrEnum):
    """Where one call is; legal moves are the table in `cti.call`."""

    INCOMING = "incoming"
    IN_FLOW = "in_flow"
    WAITING = "waiting"
    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    CONSULTING = "consulting"
    WRAP_UP = "wrap_up"
    SURVEY = "survey"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a call ended, seen from the citizen."""

    ANSWERED = "answered"  # talked with a person
    SERVED = "served"  # the flow did what was wanted: another number answered, a message, a call-back
    ABANDONED_IN_FLOW = "abandoned_in_flow"  # hung up before asking for a person
    ABANDONED_WAITING = "abandoned_waiting"  # hung up while waiting or ringing
    FAILED = "failed"  # our fault


class TargetKind(StrEnum):
    """Whom a call is transferred to, or who is asked in."""

    AGENT = "agent"  # a colleague; key: login
    QUEUE = "queue"  # a skill queue; key: its name
    UNIT = "unit"  # 承办单位 or 部门 of the directory; key: its name there
    SERVICE = "service"  # 110, 119, 120, 122, 12348, water, power, gas …; key: its name in the directory
    EXTERNAL = "external"  # any number; key: the digits


class PartyState(StrEnum):
    """What one person in a call is doing."""

    RINGING = "ringing"  # their telephone rings
    CONSULTING = "consulting"  # talks with the agent alone
    TALKING = "talking"  # all hear one another
    HELD = "held"  # hears music


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


class View(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_snake):
    """Base of everything sent to a page; `type` is the class name in snake case."""


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_snake):
    """Base of everything a page asks for; `ref` comes back in the `Reply`."""

    ref: str = ""  # chosen by the page, at most 64 characters
