"""What the city decides about answers: the reviewer's checklist, bad ratings, redo, closing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from orders.course_events import FeedbackReviewed, JoinedRated, OrderRated
from orders.course_messages import Solved
from orders.errors import ValueRefused
from orders.policy_file import PolicyFile, parse_policy, read_policy

__all__ = [
    "SHIPPED", "AnswerPolicy", "CheckItem", "CloseRule", "RatingRule", "RedoRule", "VisitBy", "VisitRule",
    "load_answer_policy", "parse_answer_policy",
]  # fmt: skip

SHIPPED = Path(__file__).parent / "data" / "answers.yaml"

Mark = Annotated[int, msgspec.Meta(ge=0, le=4)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3650)]


class VisitBy(StrEnum):
    """Who asks the citizen."""

    ROBOT = "robot"  # 机器人回访, people where it cannot
    NOBODY = "nobody"  # only visits that people plan


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckItem:
    """One line of the checklist (审核清单)."""

    item: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]  # what has to be so
    hint: Annotated[str, msgspec.Meta(max_length=200)] = ""  # what to look at


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingRule:
    """What is a bad rating (差评)."""

    bad_result: Mark = 2  # a mark for the result of so much or less; 0: no mark is bad
    bad_service: Mark = 2  # the same for the service
    unsolved_is_bad: bool = True  # "not solved" is bad
    partly_is_bad: bool = False  # "partly solved" is bad


@dataclass(frozen=True, slots=True, kw_only=True)
class RedoRule:
    """When a bad rating is redone by itself (差评重办)."""

    times: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1  # so often; later ones wait for a person
    wait_minutes: Annotated[int, msgspec.Meta(ge=0, le=10_080)] = 10  # after the citizen's last word


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRule:
    """When the citizen is asked."""

    by: VisitBy = VisitBy.ROBOT  # who asks
    after_hours: Annotated[float, msgspec.Meta(ge=0, le=720)] = 1.0  # after the answer passed review
    confidential: bool = False  # the robot asks citizens of 举报保密, too; otherwise people do


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRule:
    """When an order is closed by itself (办结)."""

    rated_days: Days = 1  # natural days after a good rating; 0: by people
    unrated_days: Days = 7  # after the review, when the citizen could not be asked; 0: by people


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRule:
    """When a closed order is archived (归档)."""

    closed_days: Days = 90  # after it was closed; 0: by people


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPolicy:
    """All of it; see orders/data/answers.yaml."""

    checklist: Annotated[tuple[CheckItem, ...], msgspec.Meta(min_length=1, max_length=30)]
    rating: RatingRule = RatingRule()
    redo: RedoRule = RedoRule()
    visit: VisitRule = VisitRule()
    close: CloseRule = CloseRule()
    archive: ArchiveRule = ArchiveRule()

    def is_bad(self, rating: OrderRated | JoinedRated) -> bool:
        """Whether a rating is a bad one."""
        rule = self.rating
        low_result = rating.result is not None and rating.result <= rule.bad_result
        low_service = rating.service is not None and rating.service <= rule.bad_service
        unsolved = rating.solved is Solved.NO and rule.unsolved_is_bad
        partly = rating.solved is Solved.PARTLY and rule.partly_is_bad
        return low_result or low_service or unsolved or partly

    def check_review(self, review: FeedbackReviewed) -> None:
        """Let a review through that goes through the checklist in force.

        Raises:
            ValueRefused: an item is missing, or there is one that is not on the list.
        """
        asked = [one.item for one in self.checklist]
        given = [one.item for one in review.checklist]
        missing = [item for item in asked if item not in given]
        if missing or len(given) != len(asked):
            raise ValueRefused(
                f"the review has {len(given)} items, {len(missing)} of the {len(asked)} asked are missing",
                shown=f"请按现行审核清单逐项填写，缺少：{'、'.join(missing)}"
                if missing
                else "审核清单已更新，请刷新后重填",
            )


def load_answer_policy(path: Path = SHIPPED) -> AnswerPolicy:
    """Read the rules from a file. Raises PolicyError naming line, key and remedy."""
    return _read(read_policy(path))


def parse_answer_policy(raw: bytes, *, name: str = "answers.yaml") -> AnswerPolicy:
    """Read the rules from a text. Raises PolicyError naming line, key and remedy."""
    return _read(parse_policy(raw, name=name))


def _read(file: PolicyFile) -> AnswerPolicy:
    policy = file.convert(_File)
    items = [one.item for one in policy.checklist]
    for place, item in enumerate(items):
        if item in items[:place]:
            raise file.error(f"checklist[{place}].item", "say each item once")
    return AnswerPolicy(
        checklist=policy.checklist, rating=policy.rating, redo=policy.redo, visit=policy.visit,
        close=policy.close, archive=policy.archive,
    )  # fmt: skip


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    checklist: Annotated[tuple[CheckItem, ...], msgspec.Meta(min_length=1, max_length=30)]
    rating: RatingRule = RatingRule()
    redo: RedoRule = RedoRule()
    visit: VisitRule = VisitRule()
    close: CloseRule = CloseRule()
    archive: ArchiveRule = ArchiveRule()
