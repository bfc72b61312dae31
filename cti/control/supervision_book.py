"""Which supervisor is in which call, and how. Pure: no clock, no telephone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cti.errors import HotlineError
from cti.messages_floor import SupervisionKind

__all__ = ["MAY_BECOME", "IllegalSupervision", "Supervising", "SupervisionBook"]

K = SupervisionKind

MAY_BECOME: Mapping[SupervisionKind, frozenset[SupervisionKind]] = {
    K.LISTEN: frozenset({K.WHISPER, K.BARGE, K.TAKEOVER}),
    K.WHISPER: frozenset({K.LISTEN, K.BARGE, K.TAKEOVER}),
    K.BARGE: frozenset({K.LISTEN, K.WHISPER, K.TAKEOVER}),
    K.TAKEOVER: frozenset(),  # they are the call's agent from then on
}
"""How a supervisor is in a call -> how they may be in it next. Leaving is always possible."""


class IllegalSupervision(HotlineError):
    """A change that the table forbids, or a supervisor who is in no call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervising:
    """One supervisor in one call. Times are epoch seconds."""

    spy_id: str  # unique; also the name of the channel's way through the dialplan, and of the party in a room
    call_id: str  # which call
    agent_id: str  # whose
    by: str  # login of the supervisor
    by_name: str  # 姓名
    kind: SupervisionKind  # how they are in it now; while the telephone rings: how it begins
    wanted: SupervisionKind  # how they will be as soon as the telephone is answered and the room reached
    began: float  # the wish to be in it
    since: float  # this way began
    reason: str = ""  # with TAKEOVER: why
    channel: str = ""  # the supervisor's channel, once it is answered
    uniqueid: str = ""  # its unique id
    shown: bool = False  # the agent knows of it
    node: str = ""  # Asterisk on which the telephone is

    @property
    def there(self) -> bool:
        """Whether the supervisor's telephone has been answered."""
        return bool(self.uniqueid)


class SupervisionBook:
    """Everybody who supervises now; each supervisor is in one call at most."""

    def __init__(self) -> None:
        self._all: dict[str, Supervising] = {}
        self.on_changed: Callable[[], None] = lambda: None

    def __iter__(self) -> Iterator[Supervising]:
        return iter(tuple(self._all.values()))

    def put(self, one: Supervising) -> Supervising:
        """Begin, or go on otherwise. Raises IllegalSupervision where the table forbids it."""
        before = self._all.get(one.spy_id)
        if before is None:
            if (other := self.by(one.by)) is not None:
                raise IllegalSupervision(f"{one.by} is in call {other.call_id} already")
        elif one.kind is not before.kind and one.kind not in MAY_BECOME[before.kind]:
            raise IllegalSupervision(f"{one.call_id}: {before.kind.value} cannot become {one.kind.value}")
        self._all[one.spy_id] = one
        self.on_changed()
        return one

    def drop(self, spy_id: str) -> Supervising | None:
        """It is over; None when nothing was known of it."""
        one = self._all.pop(spy_id, None)
        if one is not None:
            self.on_changed()
        return one

    def find(self, spy_id: str) -> Supervising | None:
        """The one of this name, or None."""
        return self._all.get(spy_id)

    def by(self, login: str) -> Supervising | None:
        """What this supervisor is in, or None."""
        return next((one for one in self._all.values() if one.by == login), None)

    def at(self, uniqueid: str) -> Supervising | None:
        """Whose telephone this channel is, or None."""
        return next((one for one in self._all.values() if uniqueid and one.uniqueid == uniqueid), None)

    def of_call(self, call_id: str) -> tuple[Supervising, ...]:
        """Everybody in this call."""
        return tuple(one for one in self._all.values() if one.call_id == call_id)

    def of_agent(self, agent_id: str) -> tuple[Supervising, ...]:
        """Everybody who is in this agent's call."""
        return tuple(one for one in self._all.values() if one.agent_id == agent_id)
