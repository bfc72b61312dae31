"""Which values may be written into Asterisk's files.

Asterisk has no quoting that all of its parsers share, so a value that could mean something to one of them is
refused, with the key that holds it and what to write instead.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import math
import re
import types
import typing
from collections.abc import Callable
from pathlib import Path

from asterisk_conf.config import Kind
from asterisk_conf.errors import ConfigValueError

MAX_ITEMS = 2000
"""Longest list in a configuration."""

_Rule = Callable[[object], str | None]

CODECS = frozenset({"alaw", "ulaw", "g722", "opus", "gsm", "slin", "slin16", "vp8", "h264"})
STRATEGIES = frozenset({"ringall", "leastrecent", "fewestcalls", "random", "rrmemory", "rrordered", "linear"})
DESK_MODES = frozenset({"agi", "echo", "play", "silent"})


def check(config: object) -> None:
    """Refuse a configuration dataclass with a value that must not be written.

    Raises:
        ConfigValueError: names the key, what is wrong and what to write instead.
    """
    _check_dataclass(config, "")


def _check_dataclass(config: object, prefix: str) -> None:
    if not dataclasses.is_dataclass(config):
        raise ConfigValueError(
            prefix.rstrip("."), f"is {type(config).__name__}", "give a configuration object"
        )
    hints = typing.get_type_hints(type(config), include_extras=True)
    for field in dataclasses.fields(config):
        _check_value(getattr(config, field.name), hints[field.name], f"{prefix}{field.name}")


def _check_value(value: object, hint: object, key: str) -> None:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType or origin is typing.Union:  # always `X | None` here
        if value is not None:
            _check_value(value, arguments[0], key)
    elif origin is tuple:
        if not isinstance(value, tuple):
            raise ConfigValueError(key, f"is {type(value).__name__}", "give a tuple")
        if len(value) > MAX_ITEMS:
            raise ConfigValueError(key, f"has {len(value)} entries", f"at most {MAX_ITEMS} are allowed")
        for number, item in enumerate(value):
            _check_value(item, arguments[0], f"{key}[{number}]")
    elif origin is typing.Annotated:
        _apply(arguments[1], value, key)
    elif hint is bool:
        _apply(Kind("flag"), value, key)
    else:
        if not isinstance(hint, type) or not isinstance(value, hint):
            raise ConfigValueError(
                key, f"is {type(value).__name__}", f"give {getattr(hint, '__name__', hint)}"
            )
        _check_dataclass(value, f"{key}.")


def _apply(kind: Kind, value: object, key: str) -> None:
    rule, remedy = _RULES[kind.name]
    if (problem := rule(value)) is not None:
        shown = "" if kind.name == "secret" else f" {value!r:.80}"
        raise ConfigValueError(key, f"{problem}{shown}", remedy)


def _text(pattern: str) -> _Rule:
    compiled = re.compile(pattern)

    def rule(value: object) -> str | None:
        if not isinstance(value, str):
            return f"is {type(value).__name__}, not text:"
        return None if compiled.fullmatch(value) else "may not be"

    return rule


def _number(low: int, high: int) -> _Rule:
    def rule(value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return f"is {type(value).__name__}, not a whole number:"
        return None if low <= value <= high else "is out of range:"

    return rule


def _duration(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"is {type(value).__name__}, not a number:"
    return None if math.isfinite(value) and 0 <= value <= 3600 else "is out of range:"


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else f"is {type(value).__name__}, not true or false:"


def _choice(allowed: frozenset[str]) -> _Rule:
    def rule(value: object) -> str | None:
        return None if isinstance(value, str) and value in allowed else "is unknown:"

    return rule


def _address(value: object) -> str | None:
    try:
        ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError:
        return "is not an IP address:"
    return None


def _network(value: object) -> str | None:
    try:
        ipaddress.ip_network(value if isinstance(value, str) else "")
    except ValueError:
        return "is not an address or network:"
    return None


_PATH = re.compile(r"/[^\x00-\x1f\x7f;,\"'`\\|&$<>{}()\[\]^*?!#~ ]*")


def _path(value: object) -> str | None:
    if not isinstance(value, Path):
        return f"is {type(value).__name__}, not a path:"
    return None if _PATH.fullmatch(str(value)) and len(str(value)) < 400 else "may not be written:"


def writable(path: Path) -> bool:
    """Tell whether a path may be written into Asterisk's files."""
    return _path(path) is None


_RULES: dict[str, tuple[_Rule, str]] = {
    "name": (_text(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}"), "use 1 to 40 of A-Z a-z 0-9 _ . -"),
    "extension": (_text(r"[0-9]{2,12}"), "use 2 to 12 digits"),
    "secret": (_text(r"[!-:<-~]{8,100}"), "use 8 to 100 ASCII characters without space or semicolon"),
    "sip_uri": (
        _text(
            r"sips?:(?:[A-Za-z0-9_.+-]{1,60}@)?(?:[A-Za-z0-9.-]{1,200}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
        ),
        "write it like sip:192.0.2.1:5060",
    ),
    "sound": (_text(r"[A-Za-z0-9_./-]{1,200}"), "use a sound file's name without its ending"),
    "host": (_text(r"[A-Za-z0-9][A-Za-z0-9.-]{0,199}"), "give an IPv4 address or a host name"),
    "address": (_address, "give an IP address such as 127.0.0.1"),
    "network": (_network, "give an address or network such as 10.0.0.0/8"),
    "port": (_number(1, 65535), "give a port from 1 to 65535"),
    "seconds": (_number(0, 86400), "give whole seconds from 0 to 86400"),
    "count": (_number(0, 100000), "give a number from 0 to 100000"),
    "duration": (_duration, "give seconds from 0 to 3600"),
    "flag": (_flag, "give true or false"),
    "codec": (_choice(CODECS), f"use {', '.join(sorted(CODECS))}"),
    "strategy": (_choice(STRATEGIES), f"use {', '.join(sorted(STRATEGIES))}"),
    "desk_mode": (_choice(DESK_MODES), f"use {', '.join(sorted(DESK_MODES))}"),
    "path": (_path, "use an absolute path without spaces, quotes, commas, semicolons or brackets"),
}
