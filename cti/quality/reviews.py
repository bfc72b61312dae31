"""One review of a talk, from being picked to the last word. Pure: moves and a clock in, the review out.

Legal moves are the table; anything else raises, naming state and move.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec

from cti.quality.errors import ReviewMoveError
from cti.quality.picks import Reason
from cti.quality.sheets import Marks, ScoreSheet, total

__all__ = [
    "APPEAL_S",
    "CLOSED",
    "MOVES",
    "Move",
    "MoveKind",
    "Review",
    "ReviewState",
    "moved",
    "picked",
]

APPEAL_S = 7 * 86_400.0
"""So long after the score an agent may appeal; then the review closes by itself."""

Words = Annotated[str, msgspec.Meta(max_length=2_000)]


class ReviewState(StrEnum):
    """Where a review is."""

    PICKED = "picked"  # 待评
    TAKEN = "taken"  # 评分中
    SCORED = "scored"  # 已评，待坐席确认
    APPEALED = "appealed"  # 申诉中
    ACCEPTED = "accepted"  # 已确认
    RULED = "ruled"  # 申诉已裁定
    DROPPED = "dropped"  # 不评


class MoveKind(StrEnum):
    """What can happen to it."""

    TAKE = "take"  # a reviewer begins
    RELEASE = "release"  # and gives it back
    SCORE = "score"  # marks are given and told to the agent
    ACCEPT = "accept"  # the agent agrees, or let the time pass
    APPEAL = "appeal"  # the agent does not agree
    RULE = "rule"  # somebody else than the reviewer decides
    DROP = "drop"  # it shall not be reviewed


MOVES: Mapping[tuple[ReviewState, MoveKind], ReviewState] = {
    (ReviewState.PICKED, MoveKind.TAKE): ReviewState.TAKEN,
    (ReviewState.PICKED, MoveKind.DROP): ReviewState.DROPPED,
    (ReviewState.TAKEN, MoveKind.TAKE): ReviewState.TAKEN,
    (ReviewState.TAKEN, MoveKind.RELEASE): ReviewState.PICKED,
    (ReviewState.TAKEN, MoveKind.SCORE): ReviewState.SCORED,
    (ReviewState.TAKEN, MoveKind.DROP): ReviewState.DROPPED,
    (ReviewState.SCORED, MoveKind.ACCEPT): ReviewState.ACCEPTED,
    (ReviewState.SCORED, MoveKind.APPEAL): ReviewState.APPEALED,
    (ReviewState.APPEALED, MoveKind.RULE): ReviewState.RULED,
}
CLOSED = frozenset({ReviewState.ACCEPTED, ReviewState.RULED, ReviewState.DROPPED})
OF_AGENT = frozenset({MoveKind.ACCEPT, MoveKind.APPEAL})
"""Moves that only the reviewed agent makes (and time, for ACCEPT, by the name of "system")."""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happens to a review."""

    kind: MoveKind
    by: str  # login, or "system"
    at: float  # epoch seconds
    marks: Marks | None = None  # with SCORE, and with RULE where the score changes
    words: Words = ""  # why: with DROP, APPEAL and RULE


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A review as it stands."""

    review_id: str
    call_id: str
    agent_id: str  # whose talk
    state: ReviewState
    since: float  # in this state
    picked_at: float
    reasons: tuple[Reason, ...]  # why it was picked
    version: int = 1  # grows with every move
    sheet: int = 0  # version of the sheet it was scored by
    reviewer: str = ""  # who scores it
    marks: Marks | None = None  # as they stand
    total: float | None = None  # 0 to 100, by `marks`
    scored_at: float | None = None
    first_marks: Marks | None = None  # before a ruling changed them
    first_total: float | None = None
    appeal: str = ""  # the agent's words
    ruling: str = ""  # the words of who decided
    ruled_by: str = ""
    dropped_because: str = ""


def picked(review_id: str, *, call_id: str, agent_id: str, reasons: tuple[Reason, ...], at: float) -> Review:
    """Return a new review."""
    return Review(
        review_id=review_id,
        call_id=call_id,
        agent_id=agent_id,
        state=ReviewState.PICKED,
        since=at,
        picked_at=at,
        reasons=reasons,
    )


def moved(review: Review, move: Move, *, sheet: ScoreSheet | None = None, sheet_version: int = 0) -> Review:
    """Return the review after `move`.

    Args:
        sheet: with SCORE, and with RULE that gives new marks: the sheet of `sheet_version`.

    Raises:
        ReviewMoveError: not legal in this state, or not for this person.
        MarksError: the marks do not fit the sheet.
    """
    state = MOVES.get((review.state, move.kind))
    if state is None:
        raise ReviewMoveError(f"质检单现在是“{_TITLES[review.state]}”，不能{_ACTS[move.kind]}")
    _permit(review, move)
    after = msgspec.structs.replace(review, state=state, since=move.at, version=review.version + 1)
    match move.kind:
        case MoveKind.TAKE:
            return msgspec.structs.replace(after, reviewer=move.by)
        case MoveKind.RELEASE:
            return msgspec.structs.replace(after, reviewer="")
        case MoveKind.DROP:
            return msgspec.structs.replace(after, dropped_because=_said(move))
        case MoveKind.SCORE:
            marks, points = _scored(move, sheet)
            return msgspec.structs.replace(
                after, marks=marks, total=points, sheet=sheet_version, scored_at=move.at
            )
        case MoveKind.ACCEPT:
            return after
        case MoveKind.APPEAL:
            return msgspec.structs.replace(after, appeal=_said(move))
        case MoveKind.RULE:
            after = msgspec.structs.replace(after, ruling=_said(move), ruled_by=move.by)
            if move.marks is None:
                return after
            marks, points = _scored(move, sheet)
            return msgspec.structs.replace(
                after, marks=marks, total=points, first_marks=review.marks, first_total=review.total
            )


def _permit(review: Review, move: Move) -> None:
    if move.kind in OF_AGENT:
        if move.by != review.agent_id and not (move.by == "system" and move.kind is MoveKind.ACCEPT):
            raise ReviewMoveError("只有被评的坐席可以确认或申诉")
        if move.kind is MoveKind.APPEAL and move.at - review.since > APPEAL_S:
            raise ReviewMoveError("已超过申诉期限（评分后 7 天）")
    elif move.by == review.agent_id:
        raise ReviewMoveError("不能评自己的通话")
    if move.kind is MoveKind.TAKE and review.reviewer == move.by:
        raise ReviewMoveError("这张质检单已在您手中")
    if move.kind in (MoveKind.SCORE, MoveKind.RELEASE) and review.reviewer != move.by:
        raise ReviewMoveError("这张质检单由其他人评分；需要时请先接手")
    if move.kind is MoveKind.RULE and review.reviewer == move.by:
        raise ReviewMoveError("申诉须由评分人以外的人裁定")


def _said(move: Move) -> str:
    words = move.words.strip()
    if not words:
        raise ReviewMoveError(f"{_ACTS[move.kind]}须写明理由")
    return words


def _scored(move: Move, sheet: ScoreSheet | None) -> tuple[Marks, float]:
    if move.marks is None or sheet is None:
        raise ReviewMoveError("请先打分")
    return move.marks, total(sheet, move.marks)


_TITLES = {
    ReviewState.PICKED: "待评",
    ReviewState.TAKEN: "评分中",
    ReviewState.SCORED: "已评待确认",
    ReviewState.APPEALED: "申诉中",
    ReviewState.ACCEPTED: "已确认",
    ReviewState.RULED: "已裁定",
    ReviewState.DROPPED: "不评",
}
_ACTS = {
    MoveKind.TAKE: "接手",
    MoveKind.RELEASE: "退回",
    MoveKind.SCORE: "提交评分",
    MoveKind.ACCEPT: "确认",
    MoveKind.APPEAL: "申诉",
    MoveKind.RULE: "裁定",
    MoveKind.DROP: "标为不评",
}
