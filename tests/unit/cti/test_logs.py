"""Log lines: JSON with the call's id, and never a citizen's number or words."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.logs import call_scope, configure, mask


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    written = io.StringIO()
    configure("INFO", stream=written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_holds_time_level_logger_event_and_what_was_added(stream: io.StringIO) -> None:
    logging.getLogger("cti.web").warning("page slow", extra={"pages": 3})
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {"level": "warning", "logger": "cti.web", "event": "page slow", "pages": 3}


def test_lines_inside_a_call_name_it_also_in_tasks_started_there(stream: io.StringIO) -> None:
    async def work() -> None:
        logging.getLogger("a").info("in a task")

    async def call() -> None:
        with call_scope("1800000000.17"):
            await asyncio.create_task(work())
        logging.getLogger("a").info("afterwards")

    asyncio.run(call())
    assert [line.get("call_id") for line in lines(stream)] == ["1800000000.17", None]


@pytest.mark.parametrize(
    "secret",
    [
        "13800138000",
        "+86 138 0013 8000",
        "010-62345678",
        "0571-8765 4321",
        "62345678",
        "11010519491231002X",
        "110105194912310021",
        "路灯坏了三天没人修",
        "张三",
    ],
)
def test_numbers_and_words_are_masked_wherever_they_stand(stream: io.StringIO, secret: str) -> None:
    log = logging.getLogger("cti")
    log.info("caller %s said", secret)
    log.info("nested", extra={"a": {"b": [secret]}, "c": (secret,)})
    try:
        dict[str, int]()[secret]
    except KeyError:
        log.exception("failed")
    assert secret not in stream.getvalue()
    assert len(lines(stream)) == 3


def test_a_number_given_as_an_integer_is_masked(stream: io.StringIO) -> None:
    logging.getLogger("cti").info("call", extra={"caller": 13800138000})
    assert lines(stream)[0]["caller"] == "[number]"


@pytest.mark.parametrize(
    "value",
    [
        17,
        1_000_000,
        0.25,
        True,
        None,
        "PJSIP/trunk-0000001a",
        "KeyError at call.py:41",
        "127.26.0.1",
        "200 OK",
    ],
)
def test_what_operators_need_is_left_as_it_is(value: object) -> None:
    assert mask(value) == value


@given(
    st.from_regex(r"\A(\+86)?1[3-9][0-9]{9}\Z"), st.sampled_from(["", " ", ":", "=", "sip:", "'", "号", "/"])
)
def test_no_mobile_number_passes(number: str, before: str) -> None:
    assert number[-11:] not in str(mask(f"{before}{number}{before}"))


@given(
    st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_masking_takes_anything_and_lets_no_chinese_out(value: object) -> None:
    assert not any("\u4e00" <= char <= "\u9fff" for char in json.dumps(mask(value), ensure_ascii=False))


def test_configuring_again_does_not_double_the_lines(stream: io.StringIO) -> None:
    configure("INFO", stream=stream)
    logging.getLogger("cti").info("once")
    assert len(lines(stream)) == 1
