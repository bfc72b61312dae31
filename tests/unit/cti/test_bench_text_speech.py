"""Calls as they are heard: whose sentence is which, and what was lost."""

from __future__ import annotations

import json

from asr.messages import Speaker
from cti.bench.text_speech import MAX_POINTS, Piece, heard_lines, lost, places, plain_piece, too_much

CALL = {
    "lines": [
        {"citizen": "家里停水了，从昨天开始。"},
        {"agent": "请问是哪里？"},
        {"citizen": "鹤鸣区丹桂街道。"},
        {"agent": "电话呢？"},
        {"citizen": "就这个电话。"},
    ]
}


def _piece(text: str, start: float) -> Piece:
    return Piece(text=text, verbatim=text, start=start, end=start + 1.0, confidence=0.9)


def test_a_piece_belongs_to_the_sentence_it_shares_most_characters_with() -> None:
    said = ["家里停水了，从昨天开始。", "鹤鸣区丹桂街道。", "就这个电话。"]
    assert places(said, ["家里停谁了", "从昨天开始", "和明区单贵街道", "这个电话"]) == [0, 0, 1, 2]


def test_a_piece_that_resembles_nothing_stays_with_the_sentence_before() -> None:
    assert places(["家里停水了", "鹤鸣区丹桂街道"], ["家里停水", "嗯", "鹤鸣区"]) == [0, 0, 1]


def test_the_agents_questions_stand_where_they_were_asked() -> None:
    pieces = [_piece("家里停水了", 0), _piece("从昨天开始", 2), _piece("鹤鸣区", 5), _piece("这个电话", 9)]
    lines = heard_lines(CALL, pieces)
    assert [line.text for line in lines] == [
        "家里停水了",
        "从昨天开始",
        "请问是哪里？",
        "鹤鸣区",
        "电话呢？",
        "这个电话",
    ]
    assert [line.speaker for line in lines].count(Speaker.AGENT) == 2


def test_sentences_keep_how_sure_they_were_and_when_they_were_said() -> None:
    first = heard_lines(CALL, [_piece("家里停水了", 4.0)])[0]
    assert (first.start, first.end, first.confidence) == (4.0, 5.0, 0.9)


def test_nothing_that_was_heard_is_left_out() -> None:
    pieces = [_piece(text, 2.0 * at) for at, text in enumerate(("喂", "就这个电话", "鹤鸣区", "再见"))]
    texts = [line.text for line in heard_lines(CALL, pieces) if line.speaker is Speaker.CITIZEN]
    assert texts == ["喂", "就这个电话", "鹤鸣区", "再见"]


def test_a_call_in_which_nothing_was_heard_has_the_agents_sentences_only() -> None:
    assert [line.speaker for line in heard_lines(CALL, [])] == [Speaker.AGENT, Speaker.AGENT]


def test_losses_are_points_and_may_be_gains() -> None:
    assert lost({"type": 0.9, "street": 0.5}, {"type": 0.75, "street": 0.6}) == {
        "type": 15.0,
        "street": -10.0,
    }


def test_fields_are_named_that_lose_more_than_they_may() -> None:
    assert too_much({"type": 15.0, "street": 25.1, "level2": 80.0}) == ("street",)
    assert set(MAX_POINTS.values()) == {15.0, 25.0}


def test_plain_words_are_read_with_numbers_in_digits() -> None:
    words = [
        {"word": word, "start": at, "end": at + 1.0, "conf": 0.5}
        for at, word in enumerate(("八栋", "二单元", "六零三"))
    ]
    piece = plain_piece(json.dumps({"result": words, "text": "八栋 二单元 六零三"}))
    assert piece == Piece(
        text="8栋2单元603室", verbatim="八栋二单元六零三", start=0.0, end=3.0, confidence=0.5
    )


def test_plain_silence_is_no_sentence() -> None:
    assert plain_piece('{"text": ""}') is None
