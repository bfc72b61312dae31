"""What AMI links exchange with the rest of the server: exceptions, limits, events, replies, requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "AmiAddress",
    "AmiBadValue",
    "AmiBusy",
    "AmiCounters",
    "AmiDeadline",
    "AmiDown",
    "AmiError",
    "AmiEvent",
    "AmiLimits",
    "AmiNoSuchNode",
    "AmiProtocolError",
    "AmiRefused",
    "AmiReply",
    "Originate",
    "OriginateOutcome",
]


class AmiError(Exception):
    """Root of everything that can go wrong with an AMI link."""


class AmiDown(AmiError):
    """Not connected, or the connection broke before the answer. Nothing is kept to be sent later.

    An action that was pending may or may not have been carried out: look before doing it again.
    """


class AmiDeadline(AmiError):
    """No answer within the deadline. The action may have been carried out all the same."""


class AmiRefused(AmiError):
    """Asterisk answered ``Response: Error``; `message` is its reason."""

    def __init__(self, action: str, message: str) -> None:
        super().__init__(f"AMI action {action!r} refused: {message}")
        self.action = action
        self.message = message


class AmiBadValue(AmiError):
    """A name or value that cannot be sent: CR, LF or NUL in it, too long, or contradictory."""


class AmiBusy(AmiError):
    """Too many actions await their answer on this link."""


class AmiNoSuchNode(AmiError):
    """No Asterisk node of that name is configured."""


class AmiProtocolError(AmiError):
    """The peer does not speak AMI, or exceeds the limits; the connection is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiAddress:
    """Where one Asterisk node's manager interface is, and who logs in."""

    name: str  # the node's name in settings, events and logs
    host: str  # address of the manager interface
    port: int  # usually 5038
    user: str  # section of manager.conf
    secret: str = field(repr=False)  # its secret


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiLimits:
    """Bounds and times of a link. Lengths are bytes, times are seconds."""

    connect_deadline: float = 5.0  # for the TCP connection
    login_deadline: float = 5.0  # for the answer to the login
    boot_deadline: float = 60.0  # after the login, until Asterisk says that it is fully booted
    ping_interval: float = 10.0  # between pings
    ping_deadline: float = 5.0  # an unanswered ping drops the connection
    backoff_first: float = 0.25  # wait before the first new attempt
    backoff_cap: float = 15.0  # longest wait between attempts
    backoff_jitter: float = 0.5  # share of the wait that is random, so that servers do not march in step
    login_retry: float = 30.0  # wait after a refused login
    line_in: int = 65536  # longest line taken from Asterisk
    message_in: int = 1 << 20  # longest message taken from Asterisk
    listing_events: int = 100_000  # most events of one listing
    line_out: int = 1000  # longest header sent; Asterisk refuses lines beyond 1022 bytes
    lines_out: int = 100  # most headers sent in one action; Asterisk takes 128
    pending: int = 2000  # most actions awaiting their answer


@dataclass(frozen=True, slots=True)
class AmiEvent:
    """One event of a node's."""

    name: str  # e.g. "Newchannel"
    fields: Mapping[str, str]  # headers as sent, read-only; repeated headers joined by LF
    node: str  # AmiAddress.name

    def get(self, header: str) -> str:
        """Value of a header, empty when absent."""
        return self.fields.get(header, "")

    def all(self, header: str) -> tuple[str, ...]:
        """Values of a header that may be repeated (``Variable``, ``ChanVariable``, ``Output``)."""
        value = self.fields.get(header)
        return () if value is None else tuple(value.split("\n"))


@dataclass(frozen=True, slots=True)
class AmiReply:
    """The successful answer to one action."""

    action: str  # name of the action
    fields: Mapping[str, str]  # headers as sent, read-only; repeated headers joined by LF

    @property
    def message(self) -> str:
        """Asterisk's remark, e.g. ``Channel Hungup``."""
        return self.fields.get("Message", "")

    def get(self, header: str) -> str:
        """Value of a header, empty when absent."""
        return self.fields.get(header, "")

    def all(self, header: str) -> tuple[str, ...]:
        """Values of a repeated header, e.g. the ``Output`` lines of a Command."""
        value = self.fields.get(header)
        return () if value is None else tuple(value.split("\n"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Originate:
    """A call to place: to an application, or to a place in the dialplan. Always asynchronous."""

    channel: str  # what is dialled, e.g. "PJSIP/1001" or "AudioSocket/127.0.0.1:9000/<uuid>/c(slin)"
    application: str = ""  # run when answered; excludes context
    data: str = ""  # the application's arguments
    context: str = ""  # dialplan context entered when answered; excludes application
    exten: str = "s"  # extension in the context
    priority: int = 1  # priority in the extension
    timeout: float = 30.0  # seconds to ring
    caller_id: str = ""  # shown to the one called, e.g. "12345 <12345>"
    variables: Mapping[str, str] = field(default_factory=dict)  # channel variables
    channel_id: str = ""  # unique id for the new channel, chosen by us
    other_channel_id: str = ""  # unique id of the second half of a Local channel
    codecs: str = ""  # comma-separated, empty: the endpoint's
    early_media: bool = False  # run the application on early media already


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginateOutcome:
    """How an originated call went (event OriginateResponse)."""

    answered: bool  # True: the called side answered and the application or extension began
    # Control frame at the end: 0 no such channel, 1 hung up, 3 rang in vain, 4 answered, 5 busy, 8 congested.
    reason: int
    channel: str  # name of the channel, empty when none came to be
    uniqueid: str  # its unique id


@dataclass(slots=True)
class AmiCounters:
    """What a link has seen since it was made."""

    connects: int = 0  # TCP connections made
    logins: int = 0  # times the link came up
    refused_logins: int = 0  # logins that Asterisk refused
    drops: int = 0  # times the link went down
    events: int = 0  # events handed to the handler
    replies: int = 0  # answers that somebody waited for
    late: int = 0  # answers that nobody waited for any more
    handler_errors: int = 0  # events whose handler raised
