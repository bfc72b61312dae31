"""What can go wrong with reviews of talks.

QualityError
├── SheetError      a scoring sheet that cannot be used: names the key, the value and what to do
├── RulesError      rules of picking that cannot be used
├── MarksError      marks that do not fit their sheet
├── ReviewMoveError a move that is not legal in the review's state, or not this person's
├── ReviewUnknown   there is no such review
└── ReviewStale     somebody else moved the review meanwhile
"""

from __future__ import annotations

import re

from cti.errors import HotlineError

__all__ = [
    "MarksError",
    "QualityError",
    "ReviewMoveError",
    "ReviewStale",
    "ReviewUnknown",
    "RulesError",
    "SheetError",
    "where",
]


class QualityError(HotlineError):
    """Root; `shown` is Chinese and fit to be shown."""

    def __init__(self, shown: str, *, field: str = "") -> None:
        self.shown = shown
        self.field = field
        super().__init__(shown)


class SheetError(QualityError):
    """A scoring sheet that cannot be used; `field` names the key."""


class RulesError(QualityError):
    """Rules of picking that cannot be used; `field` names the key."""


class MarksError(QualityError):
    """Marks that do not fit their sheet; `field` names the item."""


class ReviewMoveError(QualityError):
    """A move that is not legal in this state, or not for this person."""


class ReviewUnknown(QualityError):
    """There is no such review."""


class ReviewStale(QualityError):
    """Somebody else moved the review meanwhile."""


def where(error: Exception) -> str:
    """Return the key that a refusal of msgspec's speaks of, as it is written in the document."""
    found = re.search(r"at `\$\.?([^`]*)`", str(error)) or re.search(r"field `([^`]{1,64})`", str(error))
    return found.group(1) if found and found.group(1) else "file"
