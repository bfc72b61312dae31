"""What `hotline bench fanout` reads off the wire, and what it takes for lost."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from cti.bench.fanout import Side
from cti.bench.fanout_server import event
from cti.bench.fanout_wire import FanoutClient, OwnClient, frames_of
from cti.messages import Notice
from cti.web.page import tail_of, text_frame

SHAKEN = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def frame(seq: int, number: int, at: float = 0.0) -> bytes:
    return text_frame(seq, tail_of(event(number, at)))


async def client(data: bytes, *, now: float = 10.0) -> FanoutClient:
    """A page that shook hands, got its snapshot as number 1 and then `data`."""
    page = FanoutClient("host", "token", lambda: now, array("d"))
    page.data_received(SHAKEN + text_frame(1, tail_of(Notice(level="info", text="snapshot"))) + data)
    return page


@given(st.lists(st.integers(0, 70_000), max_size=6), st.data())
def test_frames_are_found_wherever_the_stream_is_cut(sizes: list[int], data: st.DataObject) -> None:
    texts = ["~" * size for size in sizes]
    stream = b"".join(text_frame(1, tail_of(Notice(level="info", text=text))) for text in texts)
    at = data.draw(st.integers(0, len(stream)))
    buffer, found = bytearray(), []
    for part in (stream[:at], stream[at:]):
        buffer += part
        frames, end = frames_of(buffer)
        del buffer[:end]
        found += [payload for _, payload in frames]
    assert [payload.count(b"~") for payload in found] == [len(text) for text in texts]
    assert not buffer


async def test_events_that_all_come_in_order_are_neither_lost_nor_reordered() -> None:
    page = await client(b"".join(frame(2 + number, number, at=9.5) for number in range(3)))
    assert (page.events, page.holes, page.skipped) == (3, 0, 0)
    assert list(page._delays) == [0.5] * 3


async def test_an_event_that_never_came_is_noticed_by_number_and_by_counter() -> None:
    page = await client(frame(2, 0) + frame(4, 2))
    assert (page.holes, page.skipped) == (1, 1)


async def test_a_change_of_places_is_noticed() -> None:
    page = await client(frame(2, 0) + frame(4, 2) + frame(3, 1))
    assert page.holes > 0
    assert page.skipped > 0


async def test_a_message_of_ones_own_is_told_from_those_for_everybody() -> None:
    own = OwnClient("host", "token", lambda: 10.0)
    stamp = text_frame(3, tail_of(Notice(level="info", text="9.75")))
    own.data_received(SHAKEN + frame(1, -1) + frame(2, 0) + stamp)
    assert list(own.delays) == [0.25]


def side(**told: object) -> Side:
    pages = {"fewest_events": 5, "most_events": 5, "holes": 0, "skipped": 0, "broken": 0, "delay_ms": {}}
    return Side(way="hotline", slow=0, events=5, server={}, pages={**pages, **told}, load=0.0)


def test_a_turn_is_whole_only_when_every_page_got_every_event_in_order() -> None:
    assert side().whole
    for flaw in ({"fewest_events": 4}, {"most_events": 6}, {"holes": 1}, {"skipped": 1}, {"broken": 1}):
        assert not side(**flaw).whole


def test_a_turn_in_which_nothing_arrived_has_no_good_figure() -> None:
    assert side().p99_ms == float("inf")
