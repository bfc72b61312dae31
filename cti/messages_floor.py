"""What supervisors and the server say to each other: the live list, listening in, orders, words to people."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from cti.message_base import Command, TargetKind, View

__all__ = [
    "Barge",
    "ChangeSkills",
    "EndCall",
    "ForceState",
    "Listen",
    "MoveCall",
    "ReadMessage",
    "SendMessage",
    "StaffMessage",
    "StopListening",
    "SupervisionKind",
    "SupervisionView",
    "TakeOver",
    "Watch",
    "Whisper",
]


class SupervisionKind(StrEnum):
    """How a supervisor is in a call."""

    LISTEN = "listen"  # 监听: hears both, is heard by nobody
    WHISPER = "whisper"  # 耳语: hears both, the agent alone hears them
    BARGE = "barge"  # 强插: all hear one another
    TAKEOVER = "takeover"  # 接管: the supervisor has the citizen, the agent writes up


class SupervisionView(View, frozen=True):
    """A supervisor is in a call; to them, to all who watch the floor and, as policy says, to the agent."""

    call_id: str  # which call
    agent_id: str  # whose
    by: str  # login of the supervisor
    by_name: str  # 姓名
    kind: SupervisionKind  # how
    since: float  # when this way began
    active: bool = True  # False: over
    there: bool = True  # False: the supervisor's telephone still rings


class StaffMessage(View, frozen=True):
    """班长消息: words from a supervisor to one agent or to all."""

    message_id: str  # which
    by: str  # login of the sender
    by_name: str  # 姓名
    to_all: bool  # to everybody
    text: str  # at most 500 characters
    at: float  # sent
    urgent: bool = False  # stands until it is read
    to: tuple[str, ...] = ()  # logins it was sent to
    read_by: tuple[str, ...] = ()  # logins of those who have read it; () for everybody but the sender


class Watch(Command, frozen=True):
    """What this page wants to be told beside its own affairs; replaces what it wanted before."""

    topics: tuple[str, ...] = ()  # "floor", "wallboard", "call:<call id>"; at most 8


class Listen(Command, frozen=True):
    """监听: ring the supervisor's telephone and let them hear both sides."""

    call_id: str


class Whisper(Command, frozen=True):
    """耳语: as Listen, and the agent alone hears the supervisor."""

    call_id: str


class Barge(Command, frozen=True):
    """强插: all hear one another."""

    call_id: str


class StopListening(Command, frozen=True):
    """Leave the call; the citizen and the agent talk on."""

    call_id: str


class TakeOver(Command, frozen=True):
    """接管: the supervisor talks with the citizen, the agent writes up."""

    call_id: str
    reason: str  # 1 to 200 characters


class EndCall(Command, frozen=True):
    """强拆: hang the call up."""

    call_id: str
    reason: str  # 1 to 200 characters


class MoveCall(Command, frozen=True):
    """Send a waiting or talking call to another queue or agent."""

    call_id: str
    kind: TargetKind  # QUEUE or AGENT
    key: str  # queue's name or login
    reason: str  # 1 to 200 characters


class ForceState(Command, frozen=True):
    """强制示闲, 强制示忙, 强制签出."""

    agent_id: str
    state: str  # "ready", "not_ready" or "offline"
    reason: str  # 1 to 200 characters


class ChangeSkills(Command, frozen=True):
    """Other skills from now on; kept with the account."""

    agent_id: str
    skills: Mapping[str, int]  # skill -> level 1 to 5
    reason: str  # 1 to 200 characters


class SendMessage(Command, frozen=True):
    """Say something to agents."""

    to: tuple[str, ...]  # logins, at most 200; (): everybody
    text: str  # 1 to 500 characters
    urgent: bool = False  # stands until it is read


class ReadMessage(Command, frozen=True):
    """已读: the agent has read a message of a supervisor."""

    message_id: str
