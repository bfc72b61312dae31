"""The settings in effect, for people: each key with its value, where that comes from, what it is about."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from cti.edition_cases import CASES
from cti.settings import NOT_SETTINGS, Settings
from cti.settings_words import ABOUT, SECTIONS

__all__ = ["SettingView", "settings_view"]

Source = Literal["file", "environment", "default", "program"]
_FILE = "文件内容修改后立即生效"
_EDITED = f"{_FILE}；在“配置”页发布过后以发布的版本为准"
_EDITED_CALLS = ("flows", "numbers", "calendar", "policy", "directory")
LIVE: Mapping[str, str] = {
    **{f"calls.{name}": _EDITED for name in _EDITED_CALLS},
    **{one.setting: _EDITED for one in CASES.values()},
    **dict.fromkeys(("calls.words", "visits.policy", "boards.bursts"), _FILE),
    "calls.prompts": "文件夹中的录音立即生效；可在“语音”页更换",
}
"""key -> what of it takes effect without a restart; everything else needs one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingView:
    """One setting."""

    key: str  # as in hotline.toml, with dots
    section: str  # Chinese heading
    about: str  # Chinese
    value: str  # in effect; passwords in addresses are left out
    default: str  # what it would be
    source: Source  # program: said by the command line, or made by the program
    variable: str  # of the environment, that would set it
    live: str  # what takes effect without a restart; "": a restart is needed


def settings_view(
    settings: Settings, *, file: Path | None = None, environ: Mapping[str, str] = os.environ
) -> list[SettingView]:
    """Every setting in effect; `file` is hotline.toml, found as a start finds it unless given."""
    said = _file(file or Path(environ.get("HOTLINE_CONFIG") or settings.home.parent / "hotline.toml"))
    return list(_views(settings, (), said, environ))


def _file(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}  # away, or broken since the start: nothing in it explains what is in effect


def _views(
    part: Any, path: tuple[str, ...], said: Mapping[str, Any], environ: Mapping[str, str]
) -> Iterator[SettingView]:
    for item in fields(part):
        value = getattr(part, item.name)
        key = ".".join((*path, item.name))
        if is_dataclass(value):
            below = said.get(item.name)
            yield from _views(value, (*path, item.name), below if isinstance(below, Mapping) else {}, environ)
            continue
        default = _default(item)
        variable = "_".join(("HOTLINE", *path, item.name)).upper()
        source: Source = (
            "environment" if variable in environ and variable not in NOT_SETTINGS
            else "file" if item.name in said
            else "default" if default is not MISSING and value == default
            else "program"
        )  # fmt: skip
        yield SettingView(
            key=key,
            section=SECTIONS.get(path[0] if path else "", ""),
            about=ABOUT.get(key, ""),
            value=_shown(value),
            default="" if default is MISSING else _shown(default),
            source=source,
            variable=variable,
            live=LIVE.get(key, ""),
        )


def _default(item: Any) -> Any:
    if item.default is not MISSING:
        return item.default
    return item.default_factory() if item.default_factory is not MISSING else MISSING


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, tuple):
        return "、".join(_shown(one) for one in value)
    if is_dataclass(value):
        return (
            "（" + "，".join(f"{one.name} {_shown(getattr(value, one.name))}" for one in fields(value)) + "）"
        )
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return _without_password(text) if "://" in text else text


def _without_password(address: str) -> str:
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    user = parts.username or ""
    netloc = f"{user}:***@{host}" if parts.password else f"{user}@{host}" if user else host
    query = re.sub(r"(?i)(password|passwd|token|secret|key)=[^&]*", r"\1=***", parts.query)
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))
