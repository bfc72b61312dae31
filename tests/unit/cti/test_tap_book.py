"""Which legs are heard, by which tap, and what becomes of them when a worker dies."""

from __future__ import annotations

import pytest

from asr.messages import Speaker, TranscriptFinal, TranscriptPartial
from cti.control.tap_book import CONNECT_S, FIRST_DELAY_S, LAST_DELAY_S, SETTLE_S, TapBook, TapLeg


def wanted(book: TapBook, uniqueid: str = "leg", *, node: str = "hl1") -> TapLeg:
    return book.want(
        TapLeg(call_id="call", node=node, uniqueid=uniqueid, speaker=Speaker.CITIZEN, recording_started=0.0)
    )


def heard(book: TapBook, uniqueid: str = "leg", *, worker: str = "w1", at: float = 100.0) -> TapLeg:
    """A leg whose tap `tap-<leg>` is there."""
    leg = wanted(book, uniqueid)
    book.placed(leg, f"tap-{uniqueid}", worker, at)
    book.came(f"tap-{uniqueid}", at)
    return leg


def partial(tap_id: str, text: str, end: float) -> TranscriptPartial:
    return TranscriptPartial(
        call_id="call", speaker=Speaker.CITIZEN, segment=0, tap_id=tap_id, text=text, start=0.0, end=end
    )


def final(tap_id: str, end: float) -> TranscriptFinal:
    return TranscriptFinal(
        call_id="call", speaker=Speaker.CITIZEN, segment=0, tap_id=tap_id, text="停水", verbatim="停水",
        start=0.0, end=end, confidence=1.0,
    )  # fmt: skip


def test_a_leg_is_wanted_once_however_often_it_is_asked_for() -> None:
    book = TapBook()
    assert wanted(book) is wanted(book)


def test_a_leg_without_a_tap_is_due_at_once() -> None:
    book = TapBook()
    leg = wanted(book)
    assert book.due(0.0) == (leg,)


def test_a_leg_whose_tap_is_lost_is_due_as_soon_as_it_is_sure_that_it_goes_on() -> None:
    book = TapBook()
    leg = heard(book)
    book.lost("tap-leg", 200.0)
    assert book.due(200.0) == ()
    assert book.due(200.0 + SETTLE_S) == (leg,)


def test_a_leg_that_hangs_up_after_its_tap_is_not_tapped_again() -> None:
    book = TapBook()
    heard(book)
    book.lost("tap-leg", 200.0)
    book.drop("leg")
    assert book.due(300.0) == ()


def test_the_gap_goes_from_the_loss_to_the_new_tap() -> None:
    book = TapBook()
    leg = heard(book)
    book.lost("tap-leg", 200.0)
    book.placed(leg, "second", "w2", 200.5)
    gap = book.came("second", 200.75)
    assert gap is not None
    assert (gap.tap_id, gap.start, gap.end, gap.reason) == ("tap-leg", 200.0, 200.75, "worker_lost")


def test_the_gap_begins_where_the_open_sentence_was_heard_last() -> None:
    book = TapBook()
    leg = heard(book)
    book.heard(partial("tap-leg", "小区停", 199.0))
    book.lost("tap-leg", 200.0)
    book.placed(leg, "second", "w2", 200.5)
    gap = book.came("second", 200.5)
    assert gap is not None
    assert gap.start == 199.0


def test_a_finished_sentence_leaves_nothing_open() -> None:
    book = TapBook()
    leg = heard(book)
    book.heard(partial("tap-leg", "小区停", 150.0))
    book.heard(final("tap-leg", 151.0))
    book.lost("tap-leg", 200.0)
    book.placed(leg, "second", "w2", 200.5)
    gap = book.came("second", 200.5)
    assert gap is not None
    assert gap.start == 200.0


def test_a_second_loss_before_anybody_listened_makes_one_gap_of_both() -> None:
    book = TapBook()
    leg = heard(book)
    book.lost("tap-leg", 200.0)
    book.placed(leg, "second", "w2", 200.5)
    book.lost("second", 200.6)
    book.placed(leg, "third", "w3", 201.0)
    gap = book.came("third", 201.2)
    assert gap is not None
    assert (gap.start, gap.end) == (200.0, 201.2)


def test_the_first_tap_of_a_leg_ends_no_gap() -> None:
    book = TapBook()
    leg = wanted(book)
    book.placed(leg, "first", "w1", 100.0)
    assert book.came("first", 101.0) is None


def test_tries_that_fail_come_later_and_later_and_never_stop() -> None:
    book = TapBook()
    leg = wanted(book)
    pauses = []
    now = 0.0
    for _ in range(8):
        book.failed(leg, now)
        pauses.append(leg.due - now)
        now = leg.due
    assert pauses[0] == pytest.approx(FIRST_DELAY_S)
    assert pauses == sorted(pauses)
    assert pauses[-1] == LAST_DELAY_S


def test_a_tap_that_never_came_is_made_again() -> None:
    book = TapBook()
    leg = wanted(book)
    book.placed(leg, "never", "w1", 100.0)
    assert book.due(100.0 + CONNECT_S) == ()
    assert book.due(100.1 + CONNECT_S) == (leg,)
    assert book.tap("never") is None


def test_legs_of_a_worker_that_beats_no_more_are_found() -> None:
    book = TapBook()
    mine, _ = heard(book, "a", worker="w1"), heard(book, "b", worker="w2")
    assert book.deaf({"w2"}) == (mine,)


def test_a_tap_that_the_channel_list_does_not_know_is_lost() -> None:
    book = TapBook()
    leg = heard(book, at=100.0)
    assert book.compare("hl1", {"leg"}, asked=110.0, now=111.0) == (leg,)
    assert book.due(112.0) == (leg,)


def test_a_tap_younger_than_the_list_is_left_alone() -> None:
    book = TapBook()
    heard(book, at=120.0)
    assert book.compare("hl1", {"leg"}, asked=110.0, now=121.0) == ()


def test_a_leg_that_the_channel_list_does_not_know_is_forgotten() -> None:
    book = TapBook()
    heard(book, at=100.0)
    book.compare("hl1", set(), asked=110.0, now=111.0)
    assert tuple(book) == ()


def test_another_nodes_list_says_nothing_of_a_leg() -> None:
    book = TapBook()
    leg = heard(book, at=100.0)
    book.compare("hl2", set(), asked=110.0, now=111.0)
    assert tuple(book) == (leg,)
