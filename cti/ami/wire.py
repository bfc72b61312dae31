"""AMI's line protocol without sockets: bytes to messages, and the check of what is sent.

panoramisk decodes each TCP chunk by itself (which breaks UTF-8 at the border) and has no limits,
so messages are cut here before they are decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cti.ami.messages import AmiBadValue, AmiLimits, AmiProtocolError

__all__ = ["AmiDecoder", "check_action", "decode", "variable_header"]

_GREETING: Final = b"Asterisk Call Manager/"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\([^\r\n\0\"\\()]*\))?")
_FORBIDDEN: Final = re.compile(r"[\r\n\0]")


class AmiDecoder:
    """Cuts a byte stream into messages (dicts of headers), whatever the chunks."""

    def __init__(self, limits: AmiLimits) -> None:
        self.version = ""  # of the manager protocol, from the greeting
        self._limits = limits
        self._tail = b""

    def feed(self, data: bytes) -> Iterator[dict[str, str]]:
        """Yield the messages that are complete now.

        Raises AmiProtocolError when the peer is no Asterisk manager or exceeds a limit; messages before
        that have been yielded.
        """
        data = self._tail + data
        if not self.version:
            self._tail = data
            if not self._greeted():
                return
            data = self._tail
        *blocks, self._tail = data.split(b"\r\n\r\n")
        for block in blocks:
            self._check(block)
            fields = _fields(block)
            if fields:
                yield fields
        self._check(self._tail)

    def _greeted(self) -> bool:
        line, end, rest = self._tail.partition(b"\r\n")
        if line[: len(_GREETING)] != _GREETING[: len(line)] or len(line) > 200:
            raise AmiProtocolError("the peer does not greet as an Asterisk manager: check host and port")
        if not end:
            return False
        self.version = line[len(_GREETING) :].decode("ascii", "replace").strip() or "unknown"
        self._tail = rest
        return True

    def _check(self, block: bytes) -> None:
        limits = self._limits
        if len(block) <= limits.line_in:
            return
        if len(block) > limits.message_in:
            raise AmiProtocolError(f"a message is longer than {limits.message_in} bytes")
        if max(map(len, block.split(b"\r\n"))) > limits.line_in:
            raise AmiProtocolError(f"a line is longer than {limits.line_in} bytes")


def decode(raw: bytes) -> str:
    """Decode UTF-8, else GB 18030 (which holds GBK), else with replacement marks."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")


def _fields(block: bytes) -> dict[str, str]:
    try:
        lines = block.decode("utf-8").split("\r\n")
    except UnicodeDecodeError:  # one broken value must not spoil the others
        lines = [decode(line) for line in block.split(b"\r\n")]
    try:
        fields = dict([line.split(": ", 1) for line in lines])
        if len(fields) == len(lines):
            return fields
    except ValueError:  # a line without ": "
        pass
    fields = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value
    return fields


def check_action(
    name: str, fields: Mapping[str, str | int | Sequence[str]], limits: AmiLimits
) -> dict[str, str | list[str]]:
    """Return the headers of an action, ready to be sent.

    Raises AmiBadValue for CR, LF or NUL anywhere, for header names that are no names, for lines that
    Asterisk would drop as too long, and for too many of them.
    """
    headers: dict[str, str | list[str]] = {"Action": _value("Action", name, limits)}
    count = 2  # with ActionID
    for header, value in fields.items():
        if _NAME.fullmatch(header) is None or header.lower() in ("action", "actionid"):
            raise AmiBadValue(f"{name}: {header!r} is no header that can be set")
        if isinstance(value, str | int):
            headers[header] = _value(header, str(value), limits)
            count += 1
        else:
            headers[header] = [_value(header, str(item), limits) for item in value]
            count += len(value)
    if count > limits.lines_out:
        raise AmiBadValue(f"{name}: {count} headers, the limit is {limits.lines_out}")
    return headers


def _value(header: str, value: str, limits: AmiLimits) -> str:
    if _FORBIDDEN.search(value):
        raise AmiBadValue(f"{header}: the value holds a line break or NUL: remove it")
    try:
        length = len(header) + 2 + len(value.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise AmiBadValue(f"{header}: the value holds a lone surrogate: decode its bytes first") from error
    if length > limits.line_out:
        raise AmiBadValue(f"{header}: {length} bytes, the limit is {limits.line_out}: shorten it")
    return value


def variable_header(name: str, value: str) -> str:
    """Build ``name=value`` for a Variable header; Asterisk splits these at commas, so they are escaped."""
    if _VARIABLE.fullmatch(name) is None:
        raise AmiBadValue(f"variable name {name!r}: use letters, digits and _, or FUNCTION(argument)")
    return f"{name}=" + re.sub(r'([\\",])', r"\\\1", value)
