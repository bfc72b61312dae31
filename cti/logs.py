"""Logs: one JSON object a line, with time, level, logger, event, and the call it is about.

Nobody writes a citizen's words or numbers into a log. As a safety net, what looks like one is masked before
it leaves the process: digits as long as a telephone or identity number, and Chinese text.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from structlog.contextvars import bound_contextvars
from structlog.typing import EventDict, Processor

__all__ = ["call_scope", "configure", "mask"]

SAFE_KEYS = frozenset(
    {
        "time",
        "level",
        "logger",
        "call_id",
        "entry_id",
        "order_id",
        "line_id",
        "event_id",
        "pid",
        "port",
        "revision",
        "epoch",
    }
)
"""Values that are long digits by nature and made by machines."""
NUMBER = re.compile(r"(?<![0-9A-Fa-f])\+?[0-9](?:[ -]?[0-9]){6,}[Xx]?(?![0-9A-Fa-f])")
CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef\U00020000-\U0003ffff]+")
NOT_EXTRA = frozenset({"taskName", "message", "asctime"})
"""What other handlers leave on a record."""
INTEGER_MAX = 10**9
"""A whole number of more digits may be a telephone number."""
DEPTH_MAX = 6
TEXT_MAX = 4_000


def mask(value: object, depth: int = 0) -> object:
    """Return a value with telephone numbers, identity numbers and Chinese text masked, at any depth."""
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= INTEGER_MAX else "[number]"
    if depth >= DEPTH_MAX:
        return "[deep]"
    if isinstance(value, Mapping):
        return {
            str(mask(key, depth + 1)): inner if key in SAFE_KEYS else mask(inner, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(inner, depth + 1) for inner in value]
    text = value if isinstance(value, str) else str(value)
    return CHINESE.sub("[text]", NUMBER.sub("[number]", text[:TEXT_MAX]))


def _mask_event(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: value if key in SAFE_KEYS else mask(value) for key, value in event.items()}


def _drop_internals(_logger: object, _method: str, event: MutableMapping[str, Any]) -> EventDict:
    return {key: value for key, value in event.items() if not key.startswith("_") and key not in NOT_EXTRA}


def configure(level: int | str = logging.INFO, *, stream: TextIO | None = None, json: bool = True) -> None:
    """Let everything that is logged in this process go to `stream` (standard error by default).

    `json=False` is for a person at a terminal; the masking is the same. Calling it again replaces the former
    settings.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=False, timestamp_key="time")
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[_drop_internals, _mask_event, renderer],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        if getattr(old, "hotline", False):
            root.removeHandler(old)
    handler.hotline = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(level)
    for talkative in ("asyncio", "aiosqlite", "aiohttp.access", "alembic", "sqlalchemy.engine"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


@contextmanager
def call_scope(call_id: str) -> Iterator[None]:
    """Put the call's id into every line logged inside, also by tasks that are started there."""
    with bound_contextvars(call_id=call_id):
        yield
