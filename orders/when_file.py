"""For which orders, and from when until when, a rule counts: the part that files of rules have in common."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated

import msgspec

from orders.clock_rules import When
from orders.fields import CHOICES
from orders.messages import OrderField
from orders.policy_file import PolicyFile

__all__ = ["Id", "Text", "Texts", "WhenText", "day_of", "when_of"]

Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Texts = Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=500)]


class WhenText(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`when` as it is written; what is left out is not asked about."""

    types: Texts | None = None
    categories: Texts | None = None
    urgencies: Texts | None = None
    units: Texts | None = None
    channels: Texts | None = None
    redo: bool | None = None


def when_of(file: PolicyFile, at: str, given: WhenText) -> When:
    """What was written at the key `at`, checked.

    Raises:
        PolicyError: a type or urgency that orders do not have, or a category that is no path.
    """
    _among(file, f"{at}.types", given.types, CHOICES[OrderField.TYPE])
    _among(file, f"{at}.urgencies", given.urgencies, CHOICES[OrderField.URGENCY])
    for index, path in enumerate(given.categories or ()):
        if not all(part and part == part.strip() for part in path.split("/")):
            raise file.error(
                f"{at}.categories[{index}]", "write a category such as 城乡建设 or 城乡建设/供水"
            )
    return When(
        types=frozenset(given.types or ()),
        categories=frozenset(given.categories or ()),
        urgencies=frozenset(given.urgencies or ()),
        units=frozenset(given.units or ()),
        channels=frozenset(given.channels or ()),
        redo=given.redo,
    )


def day_of(file: PolicyFile, key: str, text: str, default: dt.date) -> dt.date:
    """The day that was written at `key`; `default` when nothing was.

    Raises:
        PolicyError: it is no day.
    """
    if not text:
        return default
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        date = None
    if date is None or date.isoformat() != text:
        raise file.error(key, 'write a day such as "2027-01-01"')
    return date


def _among(file: PolicyFile, at: str, given: Iterable[str] | None, known: tuple[str, ...]) -> None:
    for index, value in enumerate(given or ()):
        if value not in known:
            raise file.error(f"{at}[{index}]", f"write one of: {', '.join(known)}")
