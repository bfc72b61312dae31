"""AMI bytes to messages, and the check of what is sent."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ami import AmiBadValue, AmiLimits, AmiProtocolError
from cti.ami.wire import AmiDecoder, check_action, variable_header

GREETING = b"Asterisk Call Manager/9.0.0\r\n"
LIMITS = AmiLimits()
text = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=40)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,15}", fullmatch=True)
messages = st.lists(st.dictionaries(names, text, min_size=1, max_size=8), max_size=6)


def encode(fields: dict[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n"


def feed(*chunks: bytes, limits: AmiLimits = LIMITS) -> list[dict[str, str]]:
    decoder = AmiDecoder(limits)
    return [found for chunk in chunks for found in decoder.feed(chunk)]


@given(messages, st.lists(st.integers(0, 2000), max_size=8))
def test_messages_survive_any_cut_into_chunks(sent: list[dict[str, str]], cuts: list[int]) -> None:
    stream = GREETING + b"".join(map(encode, sent))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert feed(*chunks) == sent


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_garbage_is_refused_or_gives_text_and_never_breaks_the_decoder(chunks: list[bytes]) -> None:
    decoder = AmiDecoder(AmiLimits(line_in=100, message_in=150))
    try:
        for chunk in [GREETING, *chunks, b"\r\n\r\n"]:
            for fields in decoder.feed(chunk):
                assert all(isinstance(value, str) for value in fields.values())
    except AmiProtocolError as error:
        assert "longer than" in str(error)


def test_a_character_split_between_two_chunks_survives() -> None:
    stream = GREETING + encode({"Event": "NewCallerid", "CallerIDName": "王小明"})
    for cut in range(len(stream)):
        assert feed(stream[:cut], stream[cut:])[0]["CallerIDName"] == "王小明"


def test_the_version_is_read_from_the_greeting() -> None:
    decoder = AmiDecoder(LIMITS)
    assert list(decoder.feed(GREETING)) == []
    assert decoder.version == "9.0.0"


@pytest.mark.parametrize("peer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"H", b"Asterisk Call Manager/" + b"9" * 300])
def test_a_peer_that_is_no_manager_is_refused(peer: bytes) -> None:
    with pytest.raises(AmiProtocolError, match="check host and port"):
        feed(peer)


def test_gbk_in_one_value_leaves_the_others_alone() -> None:
    raw = "Event: E\r\nName: 张三\r\n".encode("gbk") + "City: 广州\r\n\r\n".encode()
    assert feed(GREETING + raw) == [{"Event": "E", "Name": "张三", "City": "广州"}]


def test_bytes_that_are_no_text_become_replacement_marks() -> None:
    assert feed(GREETING + b"Event: E\r\nName: \xff\xff\r\n\r\n")[0]["Name"] == "\ufffd\ufffd"


def test_repeated_headers_are_joined_by_line_feeds() -> None:
    raw = b"Response: Success\r\nOutput: one\r\nOutput: two\r\nOutput:\r\n\r\n"
    assert feed(GREETING + raw)[0]["Output"] == "one\ntwo\n"


def test_a_value_may_contain_colons_and_be_empty() -> None:
    raw = b"Event: E\r\nUri: sip:1@h: 5\r\nAccountCode: \r\n\r\n"
    assert feed(GREETING + raw)[0] == {"Event": "E", "Uri": "sip:1@h: 5", "AccountCode": ""}


def test_messages_before_one_that_is_too_long_are_still_given() -> None:
    decoder = AmiDecoder(AmiLimits(line_in=100, message_in=200))
    found = []
    with pytest.raises(AmiProtocolError, match="a line is longer than 100 bytes"):
        found.extend(list(decoder.feed(GREETING + encode({"Event": "A"}))))
        found.extend(list(decoder.feed(encode({"Event": "B", "X": "x" * 120}))))
    assert found == [{"Event": "A"}]


def test_a_line_that_never_ends_is_refused_before_it_fills_memory() -> None:
    with pytest.raises(AmiProtocolError, match="a line is longer than 100 bytes"):
        feed(GREETING, *[b"x" * 10] * 11, limits=AmiLimits(line_in=100, message_in=200))


def test_a_message_that_never_ends_is_refused_before_it_fills_memory() -> None:
    with pytest.raises(AmiProtocolError, match="a message is longer than 200 bytes"):
        feed(GREETING, *[b"Output: x\r\n"] * 30, limits=AmiLimits(line_in=100, message_in=200))


@pytest.mark.parametrize("bad", ["a\r\nAction: Hangup", "a\nb", "a\rb", "a\0b"])
def test_line_breaks_and_nul_are_refused_in_every_value(bad: str) -> None:
    with pytest.raises(AmiBadValue):
        check_action("Setvar", {"Value": bad}, LIMITS)
    with pytest.raises(AmiBadValue):
        check_action("Originate", {"Variable": ["a=b", bad]}, LIMITS)
    with pytest.raises(AmiBadValue):
        check_action(bad, {}, LIMITS)


@pytest.mark.parametrize("bad", ["Value\r\nAction", "Value:", "", "Val ue", "ActionID", "action", "值"])
def test_a_header_name_that_could_change_the_action_is_refused(bad: str) -> None:
    with pytest.raises(AmiBadValue, match="no header that can be set"):
        check_action("Setvar", {bad: "1"}, LIMITS)


@given(st.text(max_size=60))
def test_whatever_is_accepted_makes_exactly_one_line(value: str) -> None:
    try:
        headers = check_action("Setvar", {"Value": value}, LIMITS)
    except AmiBadValue:
        return
    assert str(headers["Value"]).encode().count(b"\n") == 0
    assert feed(GREETING + encode({"Value": str(headers["Value"])})) == [{"Value": value}]


def test_a_line_that_asterisk_would_drop_is_refused() -> None:
    check_action("Setvar", {"Value": "广" * 300}, LIMITS)
    with pytest.raises(AmiBadValue, match="the limit is 1000: shorten it"):
        check_action("Setvar", {"Value": "广" * 340}, LIMITS)


def test_too_many_headers_are_refused() -> None:
    with pytest.raises(AmiBadValue, match="headers, the limit is 100"):
        check_action("Originate", {"Variable": ["a=b"] * 101}, LIMITS)


def test_commas_quotes_and_backslashes_of_a_variable_are_escaped() -> None:
    assert variable_header("NAME", 'a,b"c\\d') == r"NAME=a\,b\"c\\d"


@pytest.mark.parametrize("bad", ["A=B", "A,B", "", "A\r\n", "1A", "A(b,c"])
def test_a_variable_name_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(AmiBadValue, match="variable name"):
        variable_header(bad, "1")
