"""Looking for trouble in a folder of Asterisk files, before Asterisk does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asterisk.config import Category, Config, Item, ParseError

from asterisk_conf.render import FILES

_MAX_FILE_BYTES = 8_000_000
_PORT_KEYS = frozenset({"port", "bindport", "rtpstart", "rtpend"})
_SWITCH_KEYS = frozenset({"enabled", "autoload", "ringinuse", "autopause", "icesupport", "webrtc", "static"})
_SWITCHES = frozenset({"yes", "no", "true", "false", "on", "off", "1", "0"})
_GOTO = re.compile(r"\bGoto(?:If)?\((?:.*\?)?(?P<context>[A-Za-z0-9_-]+),(?P<exten>[A-Za-z0-9_*-]+),[^)]*\)")
_NEEDED_CONTEXTS = ("from-trunk", "hotline", "hotline-fallback", "agents")
_NEEDED_EXTENSIONS = ("resume", "rescue", "after")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in one file."""

    file: Path
    line: int  # from 1; 0 when the whole file is meant
    key: str  # the key, or the section in brackets
    value: str  # what is there; empty for secrets
    remedy: str  # what to do


def problems(folder: Path) -> list[Problem]:
    """Return what is wrong with the Asterisk files in a folder, in order of file and line.

    Args:
        folder: the ``etc`` folder of an instance.
    """
    found: list[Problem] = []
    parsed: dict[str, Config] = {}
    for name in sorted(FILES):
        path = folder / name
        config = _parse(path, found)
        if config is not None:
            parsed[name] = config
            found.extend(_of_mode(path))
            found.extend(_of_lines(path, config))
    if (manager := parsed.get("manager.conf")) is not None:
        found.extend(_of_manager(folder / "manager.conf", manager))
    if (pjsip := parsed.get("pjsip.conf")) is not None:
        found.extend(_of_pjsip(folder / "pjsip.conf", pjsip))
    if (dialplan := parsed.get("extensions.conf")) is not None:
        found.extend(_of_dialplan(folder / "extensions.conf", dialplan))
    return sorted(found, key=lambda problem: (problem.file, problem.line))


def _parse(path: Path, found: list[Problem]) -> Config | None:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            found.append(
                Problem(path, 0, "", "", f"the file is larger than {_MAX_FILE_BYTES} bytes; write it again")
            )
            return None
        return Config(str(path))
    except FileNotFoundError:
        found.append(Problem(path, 0, "", "", "the file is absent; write the configuration again"))
    except PermissionError:
        found.append(Problem(path, 0, "", "", "the file cannot be read; run as its owner"))
    except UnicodeDecodeError:
        found.append(Problem(path, 0, "", "", "the file is not UTF-8; write the configuration again"))
    except ParseError as error:
        line, what = error.args
        found.append(Problem(path, line, "", "", f"{what}; write one `key = value` or `[section]` a line"))
    return None


def _of_mode(path: Path) -> Iterator[Problem]:
    if path.stat().st_mode & 0o077:
        yield Problem(path, 0, "", oct(path.stat().st_mode & 0o777), "others can read it: chmod 600")


def _of_lines(path: Path, config: Config) -> Iterator[Problem]:
    """Check values whose kind is known by their key."""
    for _, item in _items(config):
        value = item.value.strip()
        if item.name in _PORT_KEYS and not (value.isdecimal() and 1 <= int(value) <= 65535):
            yield Problem(path, item.number, item.name, value, "give a port from 1 to 65535")
        elif item.name in _SWITCH_KEYS and value.lower() not in _SWITCHES:
            yield Problem(path, item.number, item.name, value, "write yes or no")


def _of_manager(path: Path, config: Config) -> Iterator[Problem]:
    for category, item in _items(config):
        if category.name == "general":
            continue
        words = {word.strip() for word in item.value.split(",")}
        if item.name in {"read", "write"} and (wide := words & {"all", "command", "config"}):
            yield Problem(path, item.number, item.name, ",".join(sorted(wide)), "take these rights away")
        if item.name == "secret" and len(item.value.strip()) < 8:
            yield Problem(path, item.number, item.name, "", "use at least 8 characters")


def _of_pjsip(path: Path, config: Config) -> Iterator[Problem]:
    """Check that what endpoints refer to is there."""
    of_type: dict[str, set[str]] = {}
    for category in config.categories:
        for item in category.items:
            if item.name == "type":
                of_type.setdefault(item.value.strip(), set()).add(category.name)
    targets = {"aors": "aor", "auth": "auth", "outbound_auth": "auth", "transport": "transport"}
    for category, item in _items(config):
        kind = "endpoint" if item.name == "endpoint" else targets.get(item.name)
        if kind is None or not item.value.strip():
            continue
        for name in item.value.split(","):
            if name.strip() not in of_type.get(kind, set()):
                remedy = f"[{category.name}] needs a section [{name.strip()}] with type = {kind}"
                yield Problem(path, item.number, item.name, name.strip(), remedy)


def _of_dialplan(path: Path, config: Config) -> Iterator[Problem]:
    """Check that the contexts exist and that jumps between them arrive."""
    extensions: dict[str, set[str]] = {}
    for category, item in _items(config):
        if item.name == "exten":
            extensions.setdefault(category.name, set()).add(item.value.split(",")[0].strip())
    for context in _NEEDED_CONTEXTS:
        if context not in extensions:
            yield Problem(
                path, 0, f"[{context}]", "", "the context is absent: calls would be lost; write it again"
            )
    for extension in _NEEDED_EXTENSIONS:
        if extension not in extensions.get("hotline", set()):
            yield Problem(path, 0, "[hotline]", extension, "the extension is absent: calls would be lost")
    for _, item in _items(config):
        for jump in _GOTO.finditer(item.value):
            context, extension = jump["context"], jump["exten"]
            if context not in extensions or extension not in extensions[context]:
                yield Problem(
                    path, item.number, item.name, f"{context},{extension}", "the jump leads nowhere"
                )


def _items(config: Config) -> Iterator[tuple[Category, Item]]:
    for category in config.categories:
        for item in category.items:
            yield category, item
