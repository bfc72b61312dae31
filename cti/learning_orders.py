"""One round of learning from submitted orders: train, compare on the newest, replace only if better."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from asr.classify import Classifier
from asr.learned_train import Example, train
from asr.taxonomy import Taxonomy
from cti.learning import ModelShelf, taxonomy_of
from orders.messages import OrderState
from orders.rows import order_of
from orders.tables import orders

LEAST_ORDERS = 200
MOST_ORDERS = 60_000
HELD_OUT = 0.2
MOST_HELD_OUT = 1500
SURE = 0.1
"""Chance at most that a model which is no better wins by so much (one-sided sign test)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round of learning came to."""

    orders: int  # submitted orders with a category of the taxonomy
    held_out: int  # newest ones that both models were asked
    right_before: int  # of those, by what is in use
    right_after: int  # of those, by what was learned
    only_before: int  # right only by what is in use
    only_after: int  # right only by what was learned
    version: str  # what was learned, "" when there were too few orders
    replaced: bool  # it is in use now
    needed: int  # orders that are needed at least


async def confirmed(engine: AsyncEngine, taxonomy: Taxonomy) -> list[Example]:
    """Return submitted orders as examples, the oldest first; a person submitted each with its category."""
    query = (
        select(orders)
        .where(orders.c.state == OrderState.ACCEPTED.value, orders.c.category != "")
        .order_by(orders.c.closed_at.desc())
        .limit(MOST_ORDERS)
    )
    async with engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    found: list[Example] = []
    for row in reversed(rows):
        fields = order_of(row).draft.fields
        values = {name: fields[name].value for name in ("title", "summary", "category") if name in fields}
        path = taxonomy.closest([part.strip() for part in values.get("category", "").split("/")])
        title, body = values.get("title", ""), values.get("summary", "")
        if path and (title.strip() or body.strip()):
            found.append(Example(title=title, body=body, path=path))
    return found


def learn(
    examples: Sequence[Example],
    shelf: ModelShelf,
    taxonomy: Taxonomy,
    *,
    at: datetime,
    least: int = LEAST_ORDERS,
    tell: Callable[[str], None] = lambda _: None,
) -> Round:
    """Learn from examples (the oldest first) and use the model from now on if it is better.

    Better: it gives the newest orders' level 1 right more often, so clearly that a sign test doubts it with
    at most 10 %, and their deeper levels no less often. Raises LearnedModelError, TrainingError.
    """
    if len(examples) < least:
        return Round(
            orders=len(examples), held_out=0, right_before=0, right_after=0, only_before=0, only_after=0,
            version="", replaced=False, needed=least,
        )  # fmt: skip
    kept = min(MOST_HELD_OUT, max(1, int(len(examples) * HELD_OUT)))
    older, newest = examples[:-kept], examples[-kept:]
    cold = Classifier(taxonomy)
    tell(f"{len(older)} older orders to learn from, {len(newest)} newest to compare on")
    candidate = train(older, taxonomy, cold.cold_chances, at=at, progress=tell)
    before, after = cold.taught(shelf.model(taxonomy)), cold.taught(candidate)
    had, has = ([_levels_right(by, one) for one in newest] for by in (before, after))
    only_before = sum(one[0] > other[0] for one, other in zip(had, has, strict=True))
    only_after = sum(other[0] > one[0] for one, other in zip(had, has, strict=True))
    deeper = sum(sum(one) for one in has) >= sum(sum(one) for one in had)
    better = deeper and only_after > only_before and sign_test(only_after, only_before) <= SURE
    if better:
        shelf.add(candidate, at=at.timestamp())
    return Round(
        orders=len(examples), held_out=kept, right_before=sum(one[0] for one in had),
        right_after=sum(one[0] for one in has), only_before=only_before, only_after=only_after,
        version=candidate.about.version, replaced=better, needed=least,
    )  # fmt: skip


def _levels_right(classifier: Classifier, example: Example) -> tuple[bool, ...]:
    found = classifier.guess(f"{example.title}。{example.body}", limit=1)
    path = found[0].path if found else ()
    return tuple(path[: length + 1] == example.path[: length + 1] for length in range(len(example.path)))


def sign_test(wins: int, losses: int) -> float:
    """Return how likely at least so many wins are among wins and losses when both are equally good."""
    tries = wins + losses
    return float(sum(math.comb(tries, many) for many in range(wins, tries + 1)) / 2**tries)


async def learn_from_orders(
    engine: AsyncEngine, home: Path, *, least: int, keep: int, tell: Callable[[str], None] = lambda _: None
) -> Round:
    """Read the submitted orders and learn from them; takes a minute or two of one core.

    Raises SQLAlchemyError, OSError, TaxonomyError, LearnedModelError, TrainingError.
    """
    taxonomy = taxonomy_of(home)
    examples = await confirmed(engine, taxonomy)
    return learn(
        examples, ModelShelf(home, keep=keep), taxonomy, at=datetime.now(UTC), least=least, tell=tell
    )
