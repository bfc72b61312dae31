"""What waits for the live state: in order, bounded, alive while it is away."""

from __future__ import annotations

import asyncio

from redis.exceptions import ConnectionError as RedisGone

from asr.messages import Speaker, TranscriptFinal, TranscriptMessage, TranscriptPartial
from asr.publisher import Publisher


def final(number: int) -> TranscriptFinal:
    return TranscriptFinal(
        call_id="call",
        speaker=Speaker.AGENT,
        segment=number,
        tap_id="tap",
        text="好",
        verbatim="好",
        start=1.0,
        end=2.0,
        confidence=1.0,
    )


def partial(number: int) -> TranscriptPartial:
    return TranscriptPartial(
        call_id="call", speaker=Speaker.AGENT, segment=number, tap_id="tap", text="好", start=1.0, end=2.0
    )


class Live:
    """A live state that can go away."""

    def __init__(self) -> None:
        self.written: list[TranscriptMessage] = []
        self.away = False
        self.tried = asyncio.Event()

    async def write(self, messages: list[TranscriptMessage]) -> None:
        self.tried.set()
        if self.away:
            raise RedisGone("away")
        self.written += messages

    async def next_try(self) -> None:
        self.tried.clear()
        await self.tried.wait()


async def test_messages_are_written_in_order() -> None:
    live = Live()
    publisher = Publisher(live.write)
    publisher.start()
    expected = [message for number in range(500) for message in (final(number), final(number + 1000))]
    for message in expected:
        publisher.put([message])
    await publisher.stop(5)
    assert live.written == expected
    assert publisher.finals == 1000


async def test_finals_wait_for_a_live_state_that_is_away_and_partials_are_forgotten() -> None:
    live = Live()
    live.away = True
    publisher = Publisher(live.write)
    publisher.start()
    publisher.put([partial(0), final(0)])
    await live.next_try()
    publisher.put([partial(1), final(1)])
    await live.next_try()
    live.away = False
    publisher.put([partial(2), final(2)])
    await publisher.stop(5)
    assert [message for message in live.written if isinstance(message, TranscriptFinal)] == [
        final(0),
        final(1),
        final(2),
    ]
    assert partial(0) not in live.written
    assert partial(1) not in live.written
    assert publisher.lost == 0


async def test_what_waits_is_bounded_and_the_oldest_goes_first() -> None:
    live = Live()
    live.away = True
    publisher = Publisher(live.write, limit=10)
    publisher.start()
    publisher.put([final(0)])
    await live.next_try()
    publisher.put([final(number) for number in range(1, 25)])
    live.away = False
    await publisher.stop(5)
    assert live.written == [final(number) for number in range(15, 25)]
    assert publisher.lost == 15


async def test_a_stop_while_the_live_state_is_away_counts_what_was_lost() -> None:
    live = Live()
    live.away = True
    publisher = Publisher(live.write)
    publisher.start()
    publisher.put([final(0), partial(0), final(1)])
    await live.next_try()
    await publisher.stop(0.05)
    assert publisher.lost == 2
