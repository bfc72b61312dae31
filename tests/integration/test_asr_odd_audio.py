"""Sound that is no speech, or broken: each has a clear outcome, and the same threads hear the next leg."""

from __future__ import annotations

import math
import random
import threading
from array import array
from collections.abc import Callable, Iterator

import pytest

from asr.crew import Crew
from asr.messages import Speaker, TapAnnounced, TapEnded, TranscriptFinal, TranscriptMessage
from asr.recogniser import VoskRecognisers
from cti.bench.host import used
from tests.support.asr_server import samples
from tests.support.speech import CITIZENS, error_rate, found_model, loaded_model

pytestmark = [pytest.mark.integration]

RATE = 8000
START = 1_700_000_000.0
SAID = "喂，你好，我们小区从昨天晚上十点开始停水，到现在一滴水都没有，家里还有老人和孩子，请你们赶快处理。"
SPEECH = CITIZENS / "water_outage_1.wav"


class Room:
    """One crew for all tests of this module, and what it told."""

    def __init__(self, recognisers: VoskRecognisers) -> None:
        self.told: list[TranscriptMessage] = []
        self.changed = threading.Condition()
        self.crew = Crew(recognisers, self._tell, threads=2, max_backlog_s=120.0)

    def _tell(self, messages: list[TranscriptMessage]) -> None:
        with self.changed:
            self.told += messages
            self.changed.notify_all()

    def hear(self, name: str, pcm: bytes) -> tuple[str, TapEnded]:
        """Let one leg send this at full speed; return what was understood and how it ended."""
        tap = TapAnnounced(tap_id=name, call_id=name, speaker=Speaker.CITIZEN, recording_started=START)
        leg = self.crew.open(tap)
        step = 2 * RATE // 10
        for offset in range(0, len(pcm), step):
            leg.audio(pcm[offset : offset + step], RATE, START + (offset + step) / 2 / RATE)
        leg.ended(START + len(pcm) / 2 / RATE)
        with self.changed:
            assert self.changed.wait_for(lambda: self._end(name) is not None, 60)
        end = self._end(name)
        assert end is not None
        return "".join(
            message.verbatim
            for message in self.told
            if isinstance(message, TranscriptFinal) and message.tap_id == name
        ), end

    def _end(self, name: str) -> TapEnded | None:
        ends = [m for m in self.told if isinstance(m, TapEnded) and m.tap_id == name]
        return ends[0] if ends else None


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    made = Room(loaded_model())
    yield made
    assert made.crew.close(30)


def sound(seconds: float, at: Callable[[float], float]) -> bytes:
    return array("h", (round(12_000 * at(n / RATE)) for n in range(round(seconds * RATE)))).tobytes()


def tone(*hertz: float) -> Callable[[float], float]:
    return lambda time: sum(math.sin(2 * math.pi * each * time) for each in hertz) / len(hertz)


def music(time: float) -> float:
    note = (262, 330, 392, 523, 392, 330)[int(time * 4) % 6]
    fade = math.exp(-3 * (time * 4 % 1))
    return fade * sum(math.sin(2 * math.pi * note * n * time) / n for n in (1, 2, 3, 4)) / 2


def dtmf(time: float) -> float:
    low, high = ((697, 1209), (770, 1336), (852, 1477), (941, 1336))[int(time * 4) % 4]
    return tone(low, high)(time) if time * 4 % 1 < 0.6 else 0.0


def swapped(pcm: bytes) -> bytes:
    turned = array("h", pcm)
    turned.byteswap()
    return turned.tobytes()


def backwards(pcm: bytes) -> bytes:
    """Syllables of no language."""
    return array("h", reversed(array("h", pcm))).tobytes()


def clipped(pcm: bytes) -> bytes:
    return array("h", (max(-32768, min(32767, 12 * value)) for value in array("h", pcm))).tobytes()


NOISE = random.Random(5)


@pytest.mark.parametrize(
    ("name", "pcm"),
    [
        ("silence", bytes(2 * RATE * 6)),
        ("a constant voltage", b"\x00\x40" * RATE * 4),
        ("one sample", b"\x01\x00"),
        ("a tone of 440 Hz", sound(4, tone(440))),
        ("ringing", sound(4, lambda time: tone(450)(time) if time % 2 < 1 else 0.0)),
    ],
)
def test_what_is_no_speech_gives_no_words(room: Room, name: str, pcm: bytes) -> None:
    text, end = room.hear(name, pcm)
    assert text == ""
    assert end.dropped_s == 0
    assert end.heard_s == pytest.approx(len(pcm) / 2 / RATE)


@pytest.mark.parametrize(
    ("name", "pcm"),
    [
        ("music", sound(6, music)),
        ("DTMF", sound(4, dtmf)),
        ("fax", sound(4, tone(1100, 2100))),
        ("white noise", sound(5, lambda _: NOISE.uniform(-1, 1))),
        ("swapped bytes", swapped(samples(SPEECH))),
        ("another language", backwards(samples(SPEECH))),
        ("clipped", clipped(samples(SPEECH))),
    ],
)
def test_odd_sound_ends_like_any_leg_and_the_next_one_is_understood(
    room: Room, name: str, pcm: bytes
) -> None:
    errors = room.crew.counters().errors
    _, end = room.hear(name, pcm)
    assert end.heard_s == pytest.approx(len(pcm) / 2 / RATE)
    text, _ = room.hear(f"after {name}", samples(SPEECH))
    assert error_rate(SAID, text) < 0.35
    assert room.crew.counters().errors == errors


def test_clipped_speech_is_still_understood_in_part(room: Room) -> None:
    text, _ = room.hear("too loud", clipped(samples(SPEECH)))
    assert error_rate(SAID, text) < 0.8


def test_with_a_composed_graph_minutes_of_speech_cost_no_memory(room: Room) -> None:
    if not found_model().composed:
        pytest.skip("the graph is not composed here (hotline asr compose)")
    import os

    talk = samples(SPEECH) + bytes(2 * RATE)
    room.hear("warm", talk * 2)
    before = used(os.getpid()).rss_mb
    room.hear("long", talk * 6)  # a minute; with a graph composed on the fly it would cost 100 MB
    assert used(os.getpid()).rss_mb - before < 15
