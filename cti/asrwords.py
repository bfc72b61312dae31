"""What a city's language model learns from: names, matters, units, knowledge, orders, files of texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from asr.adapt_learn import Material
from asr.adapt_sentences import Words
from asr.examples import shipped_matters, shipped_taxonomy
from asr.gazetteer_file import Entry
from asr.taxonomy import Taxonomy
from cti.errors import HotlineError
from orders.knowledge_store import KnowledgeStore
from orders.messages import OrderState
from orders.tables import orders
from orders.unit_store import UnitStore
from orders.unit_table import Unit, shipped_units

MAX_TEXT_BYTES = 100_000_000
MAX_LINE = 20_000
MAX_ORDERS = 50_000
"""Submitted orders that are read, the newest."""
_KEYS = ("text", "title", "body", "summary")
"""What of a line of JSON is read, where it is there."""


class TextsRefused(HotlineError):
    """A file of texts cannot be used; the message names file, line and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWords:
    """What a hotline's own tables say."""

    texts: tuple[str, ...] = ()  # summaries of submitted orders
    titles: tuple[str, ...] = ()  # of submitted orders
    questions: tuple[str, ...] = ()  # of knowledge articles, each in all its wordings
    units: tuple[Unit, ...] = ()  # where matters are sent; () for the shipped ones


def material(
    entries: tuple[Entry, ...], own: OwnWords | None = None, *, taxonomy: Taxonomy | None = None
) -> Material:
    """Return all that is learnt from: the city's own words, and the product's matters.

    Without units or a taxonomy of the city's own, the shipped ones are learnt from.
    """
    own = own or OwnWords()
    matters = shipped_matters()
    cues = (cue for matter in matters for cue in (*matter.cues, *matter.sure, *matter.hints))
    nodes = (taxonomy or shipped_taxonomy()).nodes
    aliases = (alias for matter in matters for alias in matter.aliases)
    categories = (name for node in nodes for name in (node.name, *node.aliases))
    units = (name for unit in own.units or shipped_units() for name in (unit.name, *unit.also))
    titles = (matter.title for matter in matters if matter.title)
    return Material(
        entries=entries,
        words=Words(
            cues=tuple(dict.fromkeys(cue for cue in cues if "*" not in cue and len(cue) > 1)),
            categories=tuple(dict.fromkeys((*categories, *aliases))),
            titles=tuple(dict.fromkeys((*titles, *own.titles, *own.questions))),
            units=tuple(dict.fromkeys(name for name in units if "{" not in name)),
        ),
        phrases=(*(sentence for matter in matters for sentence in matter.says), *own.questions),
        texts=own.texts,
    )


def read_texts(path: Path) -> tuple[str, ...]:
    """Return the texts of a file: one a line, or a JSON object a line of which `text`, `title`, … are read.

    Raises:
        TextsRefused: the file cannot be read, or a line of it is not as described.
    """
    try:
        if (size := path.stat().st_size) > MAX_TEXT_BYTES:
            raise TextsRefused(f"{path}: {size} bytes, at most {MAX_TEXT_BYTES}; give the newest texts")
        content = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TextsRefused(f"{path}: cannot be read ({error}); give a UTF-8 file") from error
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
            raise TextsRefused(
                f"{path}: line {number} is no JSON object ({error}); mend it, or write plain text"
            ) from error
        for key in _KEYS:
            if isinstance(value := found.get(key), str) and value.strip():
                yield value[:MAX_LINE]


async def own_words(engine: AsyncEngine) -> OwnWords:
    """Return what the newest submitted orders, the knowledge articles and the units say."""
    async with engine.connect() as connection:
        rows = await connection.execute(
            select(orders.c.summary, orders.c.title)
            .where(orders.c.state == OrderState.ACCEPTED.value)
            .order_by(orders.c.updated_at.desc())
            .limit(MAX_ORDERS)
        )
        found = [(row.summary, row.title) for row in rows]
    articles = await KnowledgeStore(engine).all()
    asked = (text for article in articles for text in (article.question, *article.variants))
    return OwnWords(
        texts=tuple(dict.fromkeys(text for text, _ in found if text)),
        titles=tuple(dict.fromkeys(title for _, title in found if title)),
        questions=tuple(dict.fromkeys(asked)),
        units=await UnitStore(engine).units(),
    )
