"""FastAGI's line protocol without sockets: request header, command lines, replies.

Source: `setup_env`, `parse_args` and the `ast_agi_send` calls of Asterisk's res_agi.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final

from cti.agi.messages import AgiBadHeader, AgiBadValue, AgiGarbage, AgiLimits, AgiReply

__all__ = [
    "ReplyParser",
    "Signal",
    "Word",
    "app_argument",
    "command_line",
    "decode",
    "parse_header",
    "variable_name",
]

_FORBIDDEN: Final = re.compile(r"[\r\n\0]")
_WORD: Final = re.compile(r"[^\s\"\\\0]+")
_COMMAND: Final = re.compile(r"[A-Za-z]+(?: [A-Za-z]+)*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\([^\r\n\0\"\\()${}]*\))?")
_HEADER: Final = re.compile(rb"agi_([A-Za-z0-9_]{1,64}):[ \t]?(.*)", re.DOTALL)
_REPLY: Final = re.compile(r"200 result=(?P<value>[^\s(]*)(?P<rest>.*)", re.DOTALL)
_REST: Final = re.compile(r"\s*(?:\((?P<data>.*)\))?\s*(?:endpos=(?P<endpos>\d{1,18}))?\s*", re.DOTALL)
_NUMBER: Final = re.compile(r"-?\d{1,18}")
_REQUIRED: Final = ("request", "channel", "uniqueid")


class Word(str):
    """An argument that is written without quotes: no space, quote or backslash in it."""

    __slots__ = ()


class Signal(Enum):
    """A line that is no reply."""

    HANGUP = "HANGUP"  # the channel hung up
    STRAY = "stray"  # not part of any reply
    MORE = "more"  # the reply goes on, or "100 Trying"


def decode(raw: bytes) -> str:
    """Decode bytes of unknown origin: UTF-8, else GB 18030 (which holds GBK), else with replacement marks."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")


def parse_header(lines: Iterable[bytes]) -> dict[str, bytes]:
    """Read the header lines (without the closing empty one) into names without ``agi_`` and raw values.

    Raises AgiBadHeader for a line that is no ``agi_name: value`` and when request, channel or uniqueid
    is missing.
    """
    fields: dict[str, bytes] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise AgiBadHeader("a header line is not of the form 'agi_name: value'")
        fields[match[1].decode("ascii").lower()] = match[2]
    missing = [name for name in _REQUIRED if not fields.get(name)]
    if missing:
        raise AgiBadHeader(f"the header lacks agi_{missing[0]}")
    return fields


def variable_name(name: str) -> str:
    """Return `name` if it is a variable or a function call such as ``CALLERID(num)``, else AgiBadValue."""
    if _VARIABLE.fullmatch(name) is None:
        raise AgiBadValue(f"variable name {name!r}: use letters, digits and _, or FUNCTION(argument)")
    return name


def app_argument(text: str) -> str:
    """Escape foreign text so that a dialplan application takes it as one argument."""
    return re.sub(r'([\\",])', r"\\\1", text)


def command_line(command: str, args: Iterable[str | int], limits: AgiLimits) -> bytes:
    """Build the line of a command. Text is quoted, numbers and `Word` are not.

    Raises AgiBadValue for CR, LF or NUL, for a `Word` with a space or quote, and when the line is too long.
    """
    if _COMMAND.fullmatch(command) is None:
        raise AgiBadValue(f"command {command!r}: only letters and single spaces")
    parts = [command]
    for arg in args:
        if isinstance(arg, int):
            parts.append(str(int(arg)))
            continue
        if _FORBIDDEN.search(arg):
            raise AgiBadValue(f"argument of {command!r} holds a line break or NUL: remove it")
        if isinstance(arg, Word):
            if _WORD.fullmatch(arg) is None:
                raise AgiBadValue(f"argument of {command!r} must be one word without quotes or backslashes")
            parts.append(arg)
        else:
            parts.append('"' + arg.replace("\\", "\\\\").replace('"', '\\"') + '"')
    try:
        line = " ".join(parts).encode("utf-8") + b"\n"
    except UnicodeEncodeError as error:
        raise AgiBadValue(
            f"argument of {command!r} holds a lone surrogate: decode its bytes first"
        ) from error
    if len(line) > limits.command_line:
        raise AgiBadValue(
            f"{command!r} is {len(line)} bytes long, the limit is {limits.command_line}: shorten it"
        )
    return line


class ReplyParser:
    """Turns lines into replies. Usage texts (520) and values with line breaks span several lines."""

    def __init__(self, limits: AgiLimits) -> None:
        self._limits = limits
        self._lines: list[str] = []

    def feed(self, raw: bytes) -> AgiReply | Signal:
        """Take one line without its LF. Raises AgiGarbage when a reply has too many lines."""
        line = decode(raw.rstrip(b"\r"))
        if self._lines:
            return self._go_on(line)
        if line == "HANGUP":
            return Signal.HANGUP
        if line.startswith("200 result="):
            return self._begin(line) if _open(line) else _done(line)
        if line.startswith("520-"):
            return self._begin(line)
        if line.startswith("100 "):
            return Signal.MORE
        if re.match(r"5\d\d(?: |$)", line):
            return AgiReply(code=int(line[:3]), text=line[4:])
        return Signal.STRAY

    def _begin(self, line: str) -> Signal:
        self._lines = [line]
        return Signal.MORE

    def _go_on(self, line: str) -> AgiReply | Signal:
        self._lines.append(line)
        if len(self._lines) > self._limits.reply_lines:
            raise AgiGarbage(f"a reply has more than {self._limits.reply_lines} lines")
        if self._lines[0].startswith("520-"):
            if not re.match(r"520(?: |$)", line):
                return Signal.MORE
            text, self._lines = "\n".join(self._lines), []
            return AgiReply(code=520, text=text[4:])
        whole = "\n".join(self._lines)
        if _open(whole):
            return Signal.MORE
        self._lines = []
        return _done(whole)


def _open(text: str) -> bool:
    """Tell whether a parenthesis was opened after the result and is not closed at the end yet."""
    match = _REPLY.fullmatch(text)
    rest = match["rest"] if match else ""
    return "(" in rest and _REST.fullmatch(rest) is None


def _done(text: str) -> AgiReply:
    match = _REPLY.fullmatch(text)
    rest = _REST.fullmatch(match["rest"]) if match else None
    if match is None or rest is None:
        raise AgiGarbage("a reply with code 200 is not of the form 'result=value (data) endpos=number'")
    value, data = match["value"], rest["data"] or ""
    return AgiReply(
        code=200,
        value=value,
        result=int(value) if _NUMBER.fullmatch(value) else 0,
        data=data,
        endpos=int(rest["endpos"]) if rest["endpos"] else None,
        timed_out=data == "timeout",
    )
