"""What goes from an order of a citizen who joined it (并单), when that citizen's own time comes. Pure.

The order that took them up goes on to stand as it is; only what it holds of this one citizen goes: number,
name and telephone in the event that joined them, and these where somebody wrote them into a text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from orders import chain
from orders.chain_check import Stored
from orders.erasure import ERASED, SHORTEST, WORD_KEYS, assembled
from orders.messages import DataErased, FieldEdited, FieldSuggested, LinkKind, OrderEvent, OrderLinked

__all__ = ["JOINED", "erasing_joined", "holds_joined"]

JOINED = "joined"
"""In `DataErased.what`: data of a citizen who joined."""


def holds_joined(event: OrderEvent, other: str) -> bool:
    """Tell whether an event still says who the citizen of the order `other` was."""
    if not isinstance(event, OrderLinked) or event.kind is not LinkKind.JOINED or event.other != other:
        return False
    return any(one not in ("", ERASED) for one in (event.caller, event.contact, event.phone))


def erasing_joined(
    rows: Sequence[Stored], other: str, *, rule: str, basis: str, by: str
) -> tuple[DataErased, dict[int, str]] | None:
    """Return as `orders.erasure.erasing` does what goes of the citizen of `other`; None for nothing."""
    own: set[str] = set()
    known: set[str] = set()
    for row in rows:
        event = chain.decode(row.link.kind, row.link.data)
        if isinstance(event, OrderLinked) and event.kind is LinkKind.JOINED:
            told = {event.caller, event.contact, event.phone}
            if event.other == other:
                known |= told
            else:
                own |= told  # of others who joined, perhaps with the same number
        elif isinstance(event, FieldEdited | FieldSuggested):
            own.add(event.value)
        else:
            own.add(str(getattr(event, "caller", "")))
    names = sorted((one for one in known - own - {ERASED} if len(one) >= SHORTEST), key=len, reverse=True)

    def erased(event: OrderEvent) -> OrderEvent:
        if holds_joined(event, other) and isinstance(event, OrderLinked):
            told = {name: ERASED for name in ("caller", "contact", "phone") if getattr(event, name)}
            return replace(event, **told)  # type: ignore[arg-type]
        return event if isinstance(event, DataErased) else _without(event, names)

    event, data = assembled(rows, erased, what=(JOINED,), rule=rule, basis=basis, by=by)
    return (event, data) if data else None


def _without(event: OrderEvent, names: Sequence[str]) -> OrderEvent:
    def clean(text: str) -> str:
        for one in names:
            text = text.replace(one, ERASED)
        return text

    after: OrderEvent = _texts(event, clean)
    return after


def _texts(value: Any, clean: Callable[[str], str]) -> Any:
    changes: dict[str, Any] = {}
    for one in fields(value):
        held = getattr(value, one.name)
        if type(held) is str and one.name in WORD_KEYS:
            changes[one.name] = clean(held)
        elif is_dataclass(held) and not isinstance(held, type):
            changes[one.name] = _texts(held, clean)
        elif isinstance(held, tuple) and held and is_dataclass(held[0]):
            changes[one.name] = tuple(_texts(part, clean) for part in held)
    return replace(value, **changes) if changes else value
