"""What a citizen's line needs from the rest of call control."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from acd.messages import Event as RouterEvent
from acd.messages import Staffed, WaitingRecord
from cti.call import Call
from cti.control.calls import Calls
from cti.control.listening import HeardLeg
from cti.errors import ControlError, HotlineError
from ivr_flows.messages import Note, Route


class Telephony(Protocol):
    """Asterisk beside the line's own AGI session (cti.control.telephony, over AMI)."""

    def tell(self, event: RouterEvent) -> None:
        """Tell the router."""

    def dial_targets(self, agent_id: str, node: str) -> str:
        """Dial string of the agent's registered telephones on the node, "" when there is none."""

    def in_line(self, call_id: str) -> bool:
        """Whether the router has the call already."""

    def offered(self, call_id: str, agent_id: str) -> bool:
        """Whether the router offers the call to this agent now."""

    def dial_how(self, call: Call, agent_id: str) -> str:
        """Options of Dial that tell the agent's telephone to answer by itself, "" where a person does."""

    async def vanished(self, call_id: str) -> bool:
        """The agent's leg ended: whether it vanished without a hang-up, and the citizen is kept for it."""

    def talk_over(self, call_id: str) -> None:
        """The agent hung up, the citizen is still there."""

    def citizen_left(self, call_id: str) -> None:
        """The citizen's channel is gone."""

    async def press(self, call: Call, key: str) -> None:
        """Make Asterisk believe that the citizen pressed a key (AMI PlayDTMF, Receive)."""

    async def drop_leg(self, call: Call) -> None:
        """Hang up the agent's ringing channel."""

    async def channel_alive(self, call: Call) -> bool:
        """Whether Asterisk still has the citizen's channel; False also when nobody can say."""

    def queue_exists(self, queue: str) -> bool:
        """Whether the routing policy has this queue."""

    def hears(self, call: Call) -> bool:
        """Whether the call's node can tell us now what happens to it."""


class Router(Protocol):
    """What the router knows of a call (cti.control.dispatch)."""

    def waiting(self, call_id: str) -> WaitingRecord | None:
        """One call in line or ringing, or None."""

    def staffed(self, queue: str, needs: Mapping[str, int]) -> Staffed:
        """How many agents could take a call of this queue with these needs now."""


class Callers(Protocol):
    """What is known of a number (cti.control.callers)."""

    async def facts(self, number: str, within_s: float) -> Mapping[str, str]:
        """Facts for the flow, found within so many seconds; {} when there are none."""


class Callbacks(Protocol):
    """Whoever sees to it that citizens are called back (cti.control.callbacks)."""

    def wanted(
        self,
        *,
        origin: str,
        number: str,
        queue: str,
        needs: Mapping[str, int],
        since: float,
        call_id: str,
        priority: int = 0,
        urgent: bool = False,
    ) -> object:
        """Somebody is to be called back; the place in the router's line is this part's business, too.

        `origin` is one of acd.callbacks.Origin, `since` the epoch second at which the citizen began to wait.
        """

    def place_of(self, call: Call) -> float | None:
        """Since when the call counts as waiting for its open call-back's sake; None without one."""

    def route(self, call: Call, action: Route) -> Route:
        """The flow's route, or the line of before for a citizen who was called back."""


class Ears(Protocol):
    """Speech of citizens before anybody answers (cti.control.listening)."""

    @property
    def able(self) -> bool:
        """Whether a recogniser has room now."""

    async def tap(self, call: Call) -> bool:
        """Have the citizen's leg heard from now on; True when it is."""

    async def listen(self, call: Call) -> HeardLeg | None:
        """The same, and return what is heard; None when nobody can."""

    def close(self, hearing: HeardLeg) -> None:
        """No more is wanted of this; the leg stays tapped, for whoever listens next."""

    async def stop(self, call: Call) -> None:
        """End the tap of the citizen's leg, if there is one."""

    def speaking(self, call_id: str) -> bool:
        """Whether the citizen seems to be in the middle of a sentence."""


class WebFailed(HotlineError):
    """The other system did not answer as it should; the text names the request, never what it said."""


class WebRequests(Protocol):
    """Other systems of the city (cti.control.webrequests)."""

    async def ask(self, name: str, values: Mapping[str, str], within_s: float) -> Mapping[str, str]:
        """Return the facts of the answer. Raises WebFailed within `within_s`, in any case."""


class Messages(Protocol):
    """Voice messages (cti.control.messages_left)."""

    def place(self, call: Call) -> Path:
        """Path without ending for Asterisk to record the call's next message to; never given twice."""

    async def keep(self, call: Call, recorded: Path, purpose: str) -> float:
        """Keep what was recorded and make it work; return its seconds, 0 when nothing was said."""


class Announcements(Protocol):
    """What a waiting citizen is told of their area (cti.control.announcing)."""

    async def of(self, call: Call) -> tuple[str, ...]:
        """Sounds for this caller, found at once or within a second; () for nothing. Never raises."""

    def heard(self, call_id: str, sounds: tuple[str, ...]) -> None:
        """They are being played to the caller."""


class NoAnnouncements:
    """Nobody announces anything."""

    async def of(self, _call: Call) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def heard(self, call_id: str, sounds: tuple[str, ...]) -> None:
        """Nothing is ever played."""


class AheadOfTalk(Protocol):
    """What is made of words that are said before anybody answers (cti.control.talkahead)."""

    def invited(self, call_id: str) -> None:
        """From now on the citizen may say the matter while in line."""

    def withdrawn(self, call_id: str) -> None:
        """From now on not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """How lines behave."""

    announce_every_s: float  # 0: never
    music_class: str = "default"  # while waiting and ringing
    trunks: tuple[str, ...] = ()  # endpoints of the telephone network, in order of preference
    tone: str = "en/beep"  # before a voice message is recorded
    key_news_s: float = 0.25  # how long AMI's word of a key that AGI returned is waited for


async def nobody_notes(_call: Call, _note: Note) -> None:
    """A flow's notes are in the journal, and nobody else wants them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDeps:
    """Everything that a line works with beside its session and its flow."""

    calls: Calls
    phones: Telephony
    router: Router
    callers: Callers
    callbacks: Callbacks
    ears: Ears
    ahead: AheadOfTalk
    web: WebRequests
    messages: Messages
    settings: LineSettings
    beside: Callable[[Awaitable[None], str, str], None]  # work, what it is, call id: outlives the line
    noted: Callable[[Call, Note], Awaitable[None]] = nobody_notes  # told of notes, never raises
    announcements: Announcements = field(default_factory=NoAnnouncements)  # to callers of an area


class NoCallbacks:
    """Nobody calls back: the flow is told so, and goes another way."""

    def wanted(
        self,
        *,
        origin: str,
        number: str,
        queue: str,
        needs: Mapping[str, int],
        since: float,
        call_id: str,
        priority: int = 0,
        urgent: bool = False,
    ) -> None:
        """Refuse."""
        raise ControlError("nobody calls back here")

    def place_of(self, call: Call) -> float | None:
        """There is none."""
        return None

    def route(self, call: Call, action: Route) -> Route:
        """As the flow says."""
        return action


class NoCallers:
    """Nobody can be asked: every caller is a stranger."""

    async def facts(self, number: str, within_s: float) -> Mapping[str, str]:
        """Nothing is known."""
        return {}
