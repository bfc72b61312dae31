"""FastAGI lines: headers, commands and replies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.agi import AgiBadHeader, AgiBadValue, AgiGarbage, AgiLimits, AgiReply, Word, app_argument
from cti.agi.wire import ReplyParser, Signal, command_line, decode, parse_header, variable_name

LIMITS = AgiLimits()
plain = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=60)


def asterisk_splits(line: str) -> list[str]:
    """Split a command as `parse_args` of Asterisk's res_agi.c does: quotes, backslashes, blanks."""
    words: list[str] = []
    quoted = escaped = False
    between = True
    for char in line:
        if char == '"' and not escaped:
            quoted = not quoted
            if quoted and between:
                words.append("")
                between = False
        elif char in " \t" and not quoted and not escaped:
            between = True
        elif char == "\\" and not escaped:
            escaped = True
        else:
            if between:
                words.append("")
                between = False
            words[-1] += char
            escaped = False
    return words


def parse(*lines: str, limits: AgiLimits = LIMITS) -> list[AgiReply | Signal]:
    parser = ReplyParser(limits)
    return [parser.feed(line.encode()) for line in lines]


@given(st.lists(plain, max_size=5))
def test_asterisk_reads_back_every_quoted_argument(args: list[str]) -> None:
    line = command_line("NOOP", args, LIMITS)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert asterisk_splits(line.decode().removesuffix("\n")) == ["NOOP", *args]


@given(st.text(max_size=60))
def test_whatever_an_argument_holds_the_command_stays_one_line(arg: str) -> None:
    try:
        line = command_line("NOOP", [arg], LIMITS)
    except AgiBadValue:
        return
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    assert b"\0" not in line


@pytest.mark.parametrize("bad", ["a\nHANGUP", "a\rb", "a\0b", "\ud800"])
def test_an_argument_that_cannot_be_one_line_is_refused(bad: str) -> None:
    with pytest.raises(AgiBadValue):
        command_line("VERBOSE", [bad], LIMITS)


@pytest.mark.parametrize("bad", ["", "a b", 'a"b', "a\\b", "a\nb"])
def test_a_word_with_blank_quote_or_break_is_refused(bad: str) -> None:
    with pytest.raises(AgiBadValue):
        command_line("STREAM FILE", [Word(bad)], LIMITS)


@pytest.mark.parametrize("bad", ["", "STREAM  FILE", "HANGUP\n", 'A"', "EXEC 1"])
def test_a_command_name_is_letters_and_single_spaces(bad: str) -> None:
    with pytest.raises(AgiBadValue, match="only letters"):
        command_line(bad, [], LIMITS)


def test_a_command_that_asterisk_would_cut_off_is_refused() -> None:
    with pytest.raises(AgiBadValue, match="the limit is 2000: shorten it"):
        command_line("VERBOSE", ["广" * 700], LIMITS)


@pytest.mark.parametrize("name", ["X", "_X", "__X", "CALLERID(num)", "CHANNEL(pjsip,call-id)"])
def test_variables_and_functions_are_accepted(name: str) -> None:
    assert variable_name(name) == name


@pytest.mark.parametrize("name", ["", "1X", "X Y", "${X}", "X(", "SHELL(rm)x", "A(${B})", 'A(")'])
def test_what_is_no_variable_is_refused(name: str) -> None:
    with pytest.raises(AgiBadValue):
        variable_name(name)


def test_foreign_text_becomes_one_application_argument() -> None:
    assert app_argument('a,b"c\\') == r"a\,b\"c\\"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("200 result=0", AgiReply(code=200, value="0")),
        ("200 result=1", AgiReply(code=200, value="1", result=1)),
        ("200 result=-1", AgiReply(code=200, value="-1", result=-1)),
        ("200 result=49 endpos=8000", AgiReply(code=200, value="49", result=49, endpos=8000)),
        ("200 result=1 (a (b) c)", AgiReply(code=200, value="1", result=1, data="a (b) c")),
        ("200 result=1 ()", AgiReply(code=200, value="1", result=1)),
        ("200 result=0042", AgiReply(code=200, value="0042", result=42)),
        ("200 result=12*#", AgiReply(code=200, value="12*#")),
        ("200 result=", AgiReply(code=200)),
        ("200 result= (timeout)", AgiReply(code=200, data="timeout", timed_out=True)),
        (
            "200 result=12 (timeout)",
            AgiReply(code=200, value="12", result=12, data="timeout", timed_out=True),
        ),
        (
            "200 result=0 (timeout) endpos=80",
            AgiReply(code=200, value="0", data="timeout", timed_out=True, endpos=80),
        ),
        ("510 Invalid or unknown command", AgiReply(code=510, text="Invalid or unknown command")),
        ("511 Command Not Permitted", AgiReply(code=511, text="Command Not Permitted")),
        ("520 Invalid command syntax.", AgiReply(code=520, text="Invalid command syntax.")),
        ("HANGUP", Signal.HANGUP),
        ("100 Trying...", Signal.MORE),
        ("", Signal.STRAY),
        ("nonsense", Signal.STRAY),
        ("200", Signal.STRAY),
    ],
)
def test_each_kind_of_line_is_understood(line: str, expected: AgiReply | Signal) -> None:
    assert parse(line) == [expected]
    assert parse(line + "\r") == [expected]


def test_a_usage_text_is_one_reply_and_the_next_reply_is_the_next() -> None:
    found = parse(
        "520-Invalid command syntax.  Proper usage follows:",
        " Usage: ANSWER",
        "HANGUP",
        "200 result=0",
        "520 End of proper usage.",
        "200 result=1",
    )
    assert found[:4] == [Signal.MORE] * 4
    assert isinstance(found[4], AgiReply)
    assert found[4].code == 520
    assert "Usage: ANSWER" in found[4].text
    assert found[5] == AgiReply(code=200, value="1", result=1)


def test_a_value_with_line_breaks_is_one_reply() -> None:
    found = parse("200 result=1 (line one", "200 result=0", "end)", "200 result=0")
    assert found[:2] == [Signal.MORE] * 2
    assert found[2] == AgiReply(code=200, value="1", result=1, data="line one\n200 result=0\nend")
    assert found[3] == AgiReply(code=200, value="0")


def test_a_reply_of_endless_lines_is_refused() -> None:
    with pytest.raises(AgiGarbage, match="more than 5 lines"):
        parse("520-Usage", *["x"] * 9, limits=AgiLimits(reply_lines=5))


@given(plain)
def test_a_variable_of_any_one_line_text_is_read_back(value: str) -> None:
    found = parse(f"200 result=1 ({value})")
    assert found == [AgiReply(code=200, value="1", result=1, data=value, timed_out=value == "timeout")]


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_garbage_lines_never_break_the_parser(lines: list[bytes]) -> None:
    parser = ReplyParser(LIMITS)
    for line in lines:
        try:
            found = parser.feed(line.replace(b"\n", b""))
        except AgiGarbage:
            return
        assert isinstance(found, AgiReply | Signal)


@given(
    st.lists(
        st.sampled_from(["200 result=", "0", "-1", " (", ")", "x", "endpos=", "5", "520-", "HANGUP", " "])
    )
)
def test_pieces_of_replies_in_any_order_never_break_the_parser(pieces: list[str]) -> None:
    try:
        found = parse("".join(pieces))
    except AgiGarbage:
        return
    assert len(found) == 1


def test_header_values_are_kept_as_bytes() -> None:
    lines = [b"agi_request: agi://x", b"agi_channel: C", b"agi_uniqueid: 1.1", b"agi_dnid:"]
    assert parse_header(lines) == {
        "request": b"agi://x",
        "channel": b"C",
        "uniqueid": b"1.1",
        "dnid": b"",
    }


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"GET / HTTP/1.1"],
        [b"agi_request: x", b"agi_channel: C"],
        [b"agi_request: x", b"agi_channel: ", b"agi_uniqueid: 1"],
        [b"agi_request: x", b"agi_channel: C", b"agi_uniqueid: 1", b"nonsense"],
    ],
)
def test_what_is_no_request_header_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(AgiBadHeader):
        parse_header(lines)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("王小明".encode(), "王小明"),
        ("王小明".encode("gbk"), "王小明"),
        ("䶮".encode("gb18030"), "䶮"),
        (b"\xff\xff", "\ufffd\ufffd"),
    ],
)
def test_names_are_decoded_whatever_the_trunk_sends(raw: bytes, text: str) -> None:
    assert decode(raw) == text


@given(st.binary(max_size=60))
def test_any_bytes_can_be_decoded(raw: bytes) -> None:
    assert isinstance(decode(raw), str)
