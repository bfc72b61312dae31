"""What FastAGI sessions exchange with the rest of the server: exceptions, limits, replies, counters."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "AgiBadHeader",
    "AgiBadValue",
    "AgiBusy",
    "AgiCounters",
    "AgiDeadline",
    "AgiError",
    "AgiFailed",
    "AgiGarbage",
    "AgiHangup",
    "AgiLimits",
    "AgiRefused",
    "AgiReply",
    "Digits",
]


class AgiError(Exception):
    """Root of everything that can go wrong with a FastAGI session."""


class AgiHangup(AgiError):
    """The caller hung up, or Asterisk took the channel away from this AGI (Redirect, Asterisk gone)."""


class AgiDeadline(AgiError):
    """No reply within the command's deadline. The session stays usable: the late reply is dropped."""


class AgiRefused(AgiError):
    """Asterisk refused the command: 510 (unknown command) or 520 (wrong usage). `code` tells which."""

    def __init__(self, command: str, code: int, text: str) -> None:
        super().__init__(f"AGI command {command!r} refused with {code}: {text}")
        self.command = command
        self.code = code


class AgiFailed(AgiError):
    """The command ran and failed (result -1 or -2) although the channel is still there."""

    def __init__(self, command: str, result: int) -> None:
        super().__init__(f"AGI command {command!r} failed with result {result}")
        self.command = command
        self.result = result


class AgiBadValue(AgiError):
    """An argument that cannot be sent: CR, LF or NUL, too long, or no plain word where one is needed."""


class AgiBusy(AgiError):
    """A command was given while another one of the same session is awaited: the caller's mistake."""


class AgiBadHeader(AgiError):
    """What a peer sent first is no FastAGI request, or it exceeds the limits."""


class AgiGarbage(AgiError):
    """Asterisk's side sent what is no AGI reply, or more than the limits allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgiLimits:
    """Bounds of everything that comes from outside. Lengths are bytes, times are seconds."""

    max_sessions: int = 1500  # sessions at once; a connection beyond them is closed at once
    header_deadline: float = 5.0  # time for the whole request header
    header_lines: int = 128  # lines in the request header
    header_line: int = 4096  # length of one header line
    reply_line: int = 65536  # length of one line of a reply
    reply_lines: int = 256  # lines of one reply (usage text, a variable with line breaks)
    stray_lines: int = 100  # lines nobody asked for, per session, before it is closed
    command_line: int = 2000  # length of a command; Asterisk reads 2048 bytes at most
    command_deadline: float = 10.0  # for commands that Asterisk answers by itself
    playback_deadline: float = 300.0  # for commands that play a file of unknown length
    keepalive_idle: int = 30  # TCP keep-alive: quiet time before the first probe


@dataclass(frozen=True, slots=True, kw_only=True)
class AgiReply:
    """One reply of Asterisk's. Source: `ast_agi_send` calls in Asterisk's res_agi.c."""

    code: int  # 200 done, 510 unknown command, 511 dead channel, 520 wrong usage
    value: str = ""  # what stands after "result=", unchanged (digits keep their leading zeros)
    result: int = 0  # `value` as a number; 0 where it is none
    data: str = ""  # what stands in parentheses
    endpos: int | None = None  # samples played, where told
    timed_out: bool = False  # "(timeout)" stood there
    text: str = ""  # the words of a 5xx reply


@dataclass(frozen=True, slots=True)
class Digits:
    """Keys that the caller pressed."""

    digits: str  # without the closing #
    timed_out: bool  # True: time ran out; False: enough digits, or # was pressed (then digits may be empty)


@dataclass(slots=True)
class AgiCounters:
    """What a server has seen since its start."""

    accepted: int = 0  # connections that were let in
    sessions: int = 0  # requests handed to the handler
    active: int = 0  # sessions running now
    peak: int = 0  # most sessions at once
    refused: int = 0  # connections closed at once: too many sessions, or draining
    probes: int = 0  # connections that closed before they said anything
    bad: int = 0  # connections whose header was garbage, too long or too slow
    hangups: int = 0  # handlers that ended by the caller's hang-up
    failed: int = 0  # handlers that raised
