"""What a city's language model learns from: names, matters, units, submitted orders, files of texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from asr.adapt_learn import Material
from asr.adapt_sentences import Words
from asr.examples import shipped_matters
from asr.gazetteer_file import Entry
from cti.errors import StartError
from orders.messages import OrderState
from orders.tables import orders
from orders.unit_table import shipped_units

MAX_TEXT_BYTES = 100_000_000
MAX_LINE = 20_000
MAX_ORDERS = 50_000
"""Submitted orders that are read, the newest."""
_KEYS = ("text", "title", "body", "summary")
"""What of a line of JSON is read, where it is there."""


def material(entries: tuple[Entry, ...], texts: tuple[str, ...], titles: tuple[str, ...] = ()) -> Material:
    """Return all that is learnt from: the city's own, and the product's matters and units."""
    matters = shipped_matters()
    units = shipped_units()
    cues = (cue for matter in matters for cue in (*matter.cues, *matter.sure, *matter.hints))
    says = tuple(sentence for matter in matters for sentence in matter.says)
    return Material(
        entries=entries,
        words=Words(
            cues=tuple(dict.fromkeys(cue for cue in cues if "*" not in cue and len(cue) > 1)),
            categories=tuple(
                dict.fromkeys(name for matter in matters for name in (*matter.path, *matter.aliases))
            ),
            titles=(*dict.fromkeys(matter.title for matter in matters if matter.title), *titles),
            units=tuple(name for unit in units for name in (unit.name, *unit.also) if "{" not in name),
        ),
        phrases=says,
        texts=texts,
    )


def read_texts(path: Path) -> tuple[str, ...]:
    """Return the texts of a file: one a line, or a JSON object a line of which `text`, `title`, … are read.

    Raises:
        StartError: the file cannot be read, or a line of it is not as described.
    """
    try:
        if (size := path.stat().st_size) > MAX_TEXT_BYTES:
            raise StartError(str(path), f"{size} bytes, at most {MAX_TEXT_BYTES}", "give the newest texts")
        content = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(str(path), f"cannot be read ({error})", "give a UTF-8 file") from error
    return tuple(_lines(path, content))


def _lines(path: Path, content: str) -> Iterator[str]:
    for number, line in enumerate(content.splitlines(), 1):
        if not (line := line.strip()):
            continue
        if not line.startswith("{"):
            yield line[:MAX_LINE]
            continue
        try:
            found = msgspec.json.decode(line, type=dict[str, object])
        except msgspec.MsgspecError as error:
            raise StartError(
                str(path), f"line {number} is no JSON object ({error})", "mend it, or write plain text"
            ) from error
        for key in _KEYS:
            if isinstance(value := found.get(key), str) and value.strip():
                yield value[:MAX_LINE]


async def submitted(connection: AsyncConnection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return summaries and titles of the newest submitted orders."""
    rows = await connection.execute(
        select(orders.c.summary, orders.c.title)
        .where(orders.c.state == OrderState.ACCEPTED.value)
        .order_by(orders.c.updated_at.desc())
        .limit(MAX_ORDERS)
    )
    found = [(row.summary, row.title) for row in rows]
    return tuple(text for text, _ in found if text), tuple(
        dict.fromkeys(title for _, title in found if title)
    )
