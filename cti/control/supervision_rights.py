"""Who may do what with other people's calls and states. One table; what is not in it nobody may do."""

from __future__ import annotations

from collections.abc import Mapping

from cti.message_base import Command, Role
from cti.messages import PageMessage, Ping, Resync
from cti.messages_floor import (
    Barge,
    ChangeSkills,
    EndCall,
    ForceState,
    Listen,
    MoveCall,
    ReadMessage,
    SendMessage,
    StopListening,
    TakeOver,
    Watch,
    Whisper,
)
from cti.ports import CommandRefused, Person
from cti.roles import OFFICE, STAFF

__all__ = ["LISTENERS_MAY", "OFFICES_MAY", "RIGHTS", "WATCHERS", "check", "checked_reason"]

REASON_MAX = 200

IN_CHARGE = frozenset({Role.SUPERVISOR, Role.ADMIN})
WATCHERS = IN_CHARGE | {Role.LISTENER}
"""Who may see the live list, and listen."""

RIGHTS: Mapping[type[Command], frozenset[Role]] = {
    Listen: WATCHERS,
    StopListening: WATCHERS,
    Whisper: IN_CHARGE,
    Barge: IN_CHARGE,
    TakeOver: IN_CHARGE,
    EndCall: IN_CHARGE,
    MoveCall: IN_CHARGE,
    ForceState: IN_CHARGE,
    ChangeSkills: IN_CHARGE,
    SendMessage: IN_CHARGE,
    ReadMessage: STAFF,
}
"""Command -> roles that may give it."""

LISTENERS_MAY = frozenset({Listen, StopListening, Watch, Ping, Resync})
"""Everything that 领导旁听 can ask for; all other commands are refused, whoever carries them out."""

OFFICES_MAY = frozenset({Watch, Ping, Resync})
"""Everything that dispatchers, units, leaders and auditors can ask for over a page's connection."""


def check(person: Person, message: PageMessage) -> None:
    """Refuse what the person's role does not allow. Raises CommandRefused."""
    allowed = RIGHTS.get(type(message))
    if allowed is not None and person.role not in allowed:
        raise CommandRefused("您没有这项权限")
    if person.role is Role.LISTENER and type(message) not in LISTENERS_MAY:
        raise CommandRefused("旁听账号只能查看现场和旁听")
    if person.role in OFFICE and type(message) not in OFFICES_MAY:
        raise CommandRefused("您的账号不参与通话，没有这项权限")


def checked_reason(reason: str) -> str:
    """The reason without blanks around it. Raises CommandRefused unless it has 1 to 200 characters."""
    given = reason.strip()
    if not 1 <= len(given) <= REASON_MAX:
        raise CommandRefused(f"请填写原因（1 到 {REASON_MAX} 字）")
    return given
