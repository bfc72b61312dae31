"""What is counted in the assessment of units (考核): marks, folded from an order's events. Pure.

A mark is one thing that somebody is measured by: a time limit that was kept or missed, a rating, a return.
Each belongs to one unit and one moment. A time limit is decided when what it waited for happened, or when it
was over, whichever came first; so on the last day of a month all of its marks are known, and what changes one
afterwards (an appeal, an answer that does not pass review) is a correction that can be named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["OBLIGATIONS", "Book", "Kind", "Mark", "Void", "stint_of"]


class Kind(StrEnum):
    """What a mark is about, and what its score says."""

    ACCEPTED = "accepted"  # 受理; no score
    DISPATCH = "dispatch"  # 派单时限, the centre's; 1 in time, 0 not
    SENT = "sent"  # 承办: given to a lead unit; 1 when it was returned, 0 not
    SIGN = "sign"  # 签收时限 of the lead; 1 in time, 0 not
    JOINT_SIGN = "joint_sign"  # 签收时限 of a joint unit; 1 in time, 0 not
    CONTACT = "contact"  # 首次联系时限; 1 in time, 0 not
    RESOLVE = "resolve"  # 办理时限 of the lead; 1 in time, 0 not
    JOINT = "joint"  # 协办答复时限; 1 in time, 0 not
    OVERDUE = "overdue"  # answered late: from the limit's end to the answer
    HANDLED = "handled"  # an answer that passed review: from dispatch (or redo) to the answer
    RESULT = "result"  # satisfaction with the result, 1 to 5
    SERVICE = "service"  # satisfaction with the service, 1 to 5
    SOLVED = "solved"  # 2 solved, 1 partly, 0 not
    RATED = "rated"  # a rating; 1 bad, 2 redone because of it, 3 both, 0 neither
    REDO = "redo"  # 重办; no score
    RULED = "ruled"  # a return was ruled on; 1 accepted, 0 refused
    APPEAL = "appeal"  # 申诉; no score
    APPEAL_RULED = "appeal_ruled"  # 1 upheld, 0 not
    CARD = "card"  # 督办: the level that it was lifted to, 1 yellow to 4 leader
    FINISHED = "finished"  # 办结; 1 by the first unit, 0 by a later one, none: the centre's own answer


class Void(StrEnum):
    """Why a mark may not count; the policy says which of these do not."""

    NONE = ""
    APPEAL = "appeal_upheld"  # an appeal against the rating was upheld
    RETURN = "return_accepted"  # it was not the unit's: its return was accepted
    WITHDRAWN = "withdrawn"  # the order was withdrawn
    MERGED = "merged"  # another order serves this citizen


OBLIGATIONS = frozenset({Kind.SIGN, Kind.JOINT_SIGN, Kind.CONTACT, Kind.RESOLVE, Kind.JOINT})
"""Limits that units keep or miss."""
_LOST = frozenset({Kind.CONTACT, Kind.RESOLVE, Kind.JOINT, Kind.OVERDUE})
"""What does not count against a unit whose return is accepted; signing for it was its own all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing that is counted."""

    key: str  # within the order; the same thing keeps its key while it changes
    kind: Kind  # what it is about
    unit: str  # whose, "" for the centre
    at: float | None  # when it was (will be) decided, epoch seconds; None: a clock stands still
    score: int | None = None  # see Kind
    since: float | None = None  # limit, overdue, handled: from, epoch seconds
    until: float | None = None  # overdue, handled: to, epoch seconds
    void: Void = Void.NONE  # why it may not count

    def decided(self, now: float) -> bool:
        """Whether it is counted at `now`."""
        return self.at is not None and self.at <= now

    @property
    def shown(self) -> tuple[str, float | None, int | None, Void]:
        """What figures see of it: a change of this is a correction."""
        return self.unit, self.at, self.score, self.void


def stint_of(key: str) -> int:
    """Return for which dispatch of the order the mark is, 0 before the first."""
    return int(key.split(":")[1].split(".")[0])


class Book:
    """The marks of one order while an event is entered."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self._marks = {mark.key: mark for mark in marks}

    @property
    def marks(self) -> Mapping[str, Mark]:
        """All of them by key."""
        return self._marks

    def get(self, key: str) -> Mark | None:
        """Return a mark."""
        return self._marks.get(key)

    def put(self, mark: Mark) -> None:
        """Enter a mark, in place of the one with its key."""
        self._marks[mark.key] = mark

    def drop(self, key: str) -> None:
        """Take a mark out, if it is there."""
        self._marks.pop(key, None)

    def count(self, kind: Kind) -> int:
        """How many marks of a kind there are."""
        return sum(mark.kind is kind for mark in self._marks.values())

    @property
    def stint(self) -> int:
        """How often the order was dispatched."""
        return self.count(Kind.SENT)

    def begun(self, turn: int) -> float | None:
        """When the unit that has it got it in this round."""
        found = [self.get(f"{Kind.SENT}:{self.stint}"), self.get(f"{Kind.REDO}:{turn}")]
        times = [mark.at for mark in found if mark is not None and mark.at is not None]
        return max(times, default=None)

    def leave(self, at: float, void: Void = Void.NONE) -> None:
        """The order leaves its lead: what was not due yet is not owed any more."""
        for mark in tuple(self._marks.values()):
            if mark.kind not in OBLIGATIONS | {Kind.OVERDUE} or stint_of(mark.key) != self.stint:
                continue
            if mark.kind in OBLIGATIONS and mark.score == 0 and not mark.decided(at):
                self.drop(mark.key)
            elif void and mark.kind in _LOST and not mark.void:
                self.put(replace(mark, void=void))

    def void(self, reason: Void) -> None:
        """Nothing but its acceptance counts, where nothing else was in the way already."""
        for mark in tuple(self._marks.values()):
            if mark.kind is not Kind.ACCEPTED and not mark.void:
                self.put(replace(mark, void=reason))

    def restore(self, reason: Void) -> None:
        """What `void` did is undone."""
        for mark in tuple(self._marks.values()):
            if mark.void is reason:
                self.put(replace(mark, void=Void.NONE))
