"""One review of a talk, from being picked to the last word."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.quality.errors import ReviewMoveError
from cti.quality.picks import Reason
from cti.quality.reviews import APPEAL_S, CLOSED, MOVES, Move, MoveKind, Review, ReviewState, moved, picked
from cti.quality.sheets import Marks, read_sheet

SHEET = read_sheet("title: 评分\npassing: 80\nitems: [{key: manner, title: 态度, points: 10}]")
GOOD, POOR = Marks(points={"manner": 9}), Marks(points={"manner": 5})


def new() -> Review:
    return picked(
        "r1", call_id="c1", agent_id="li", reasons=(Reason(rule="sample", text="随机抽检"),), at=0.0
    )


def after(
    review: Review, *moves: tuple[MoveKind, str], at: float = 1.0, marks: Marks | None = POOR
) -> Review:
    for kind, by in moves:
        scoring = kind in (MoveKind.SCORE, MoveKind.RULE)
        move = Move(kind=kind, by=by, at=at, marks=marks if scoring else None, words="已核对录音")
        review = moved(review, move, sheet=SHEET, sheet_version=3)
    return review


SCORED = ((MoveKind.TAKE, "zhao"), (MoveKind.SCORE, "zhao"))
APPEALED = (*SCORED, (MoveKind.APPEAL, "li"))


def test_a_score_keeps_its_sheet_and_total() -> None:
    review = after(new(), *SCORED)
    assert (review.state, review.total, review.sheet, review.reviewer) == (
        ReviewState.SCORED,
        50.0,
        3,
        "zhao",
    )


def test_the_agent_may_agree() -> None:
    assert after(new(), *SCORED, (MoveKind.ACCEPT, "li")).state is ReviewState.ACCEPTED


def test_an_appeal_is_ruled_by_somebody_else_and_keeps_the_first_score() -> None:
    review = after(after(new(), *APPEALED), (MoveKind.RULE, "qian"), marks=GOOD)
    assert (review.state, review.total, review.first_total) == (ReviewState.RULED, 90.0, 50.0)
    assert review.ruled_by == "qian"


def test_a_ruling_may_leave_the_score_as_it_is() -> None:
    review = after(after(new(), *APPEALED), (MoveKind.RULE, "qian"), marks=None)
    assert (review.total, review.first_total) == (50.0, None)


def test_the_reviewer_does_not_rule_on_the_appeal() -> None:
    with pytest.raises(ReviewMoveError, match="评分人以外"):
        after(new(), *APPEALED, (MoveKind.RULE, "zhao"))


def test_nobody_scores_their_own_talk() -> None:
    with pytest.raises(ReviewMoveError, match="自己的通话"):
        after(new(), (MoveKind.TAKE, "li"))


def test_only_the_agent_of_the_talk_appeals() -> None:
    with pytest.raises(ReviewMoveError, match="只有被评的坐席"):
        after(new(), *SCORED, (MoveKind.APPEAL, "wang"))


def test_an_appeal_has_its_time() -> None:
    scored = after(new(), *SCORED)
    late = Move(kind=MoveKind.APPEAL, by="li", at=scored.since + APPEAL_S + 1, words="不同意")
    with pytest.raises(ReviewMoveError, match="申诉期限"):
        moved(scored, late)


def test_time_accepts_for_an_agent_who_says_nothing() -> None:
    assert after(new(), *SCORED, (MoveKind.ACCEPT, "system")).state is ReviewState.ACCEPTED


def test_a_score_by_who_has_not_taken_it_is_refused() -> None:
    with pytest.raises(ReviewMoveError, match="由其他人评分"):
        after(new(), (MoveKind.TAKE, "zhao"), (MoveKind.SCORE, "qian"))


def test_another_reviewer_may_take_it_over() -> None:
    assert after(new(), (MoveKind.TAKE, "zhao"), (MoveKind.TAKE, "qian")).reviewer == "qian"


def test_an_appeal_without_a_reason_is_refused() -> None:
    with pytest.raises(ReviewMoveError, match="理由"):
        moved(after(new(), *SCORED), Move(kind=MoveKind.APPEAL, by="li", at=2.0, words="  "))


@pytest.mark.parametrize("state", list(ReviewState))
@pytest.mark.parametrize("kind", list(MoveKind))
def test_a_move_that_is_not_in_the_table_is_refused_with_state_and_move(
    state: ReviewState, kind: MoveKind
) -> None:
    if (state, kind) in MOVES:
        return
    review = msgspec.structs.replace(new(), state=state)
    with pytest.raises(ReviewMoveError, match="质检单现在是"):
        moved(review, Move(kind=kind, by="zhao", at=1.0, words="x"))


@given(
    st.lists(st.tuples(st.sampled_from(list(MoveKind)), st.sampled_from(["li", "zhao", "qian"])), max_size=20)
)
def test_a_closed_review_stays_as_it_is(moves: list[tuple[MoveKind, str]]) -> None:
    review = new()
    for kind, by in moves:
        was = review
        try:
            review = after(review, (kind, by))
        except ReviewMoveError:
            continue
        assert was.state not in CLOSED
        assert review.version == was.version + 1
