"""Calls for `hotline bench asr`: two legs that take turns, put together from the demo's voices. Pure.

Call number n is the same in every run. Each side's clips come in an order of the call's own; pauses between
turns are 0.3 to 1.2 s. Every third leg sends nothing while it is silent, as one without RTP; the others
send faint noise.
"""

from __future__ import annotations

import itertools
import random
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.messages import Speaker
from cti.bench.errors import BenchError
from cti.demo.script import CITIZENS_AUDIO, load_scenarios

RATE = 8000
FRAME_S = 0.02
FRAME = round(RATE * FRAME_S) * 2
"""Bytes of one frame."""
SHORTEST_S = 2.0
"""A turn is at least so long: a shorter clip is joined to the same voice's next one."""
PAUSES_S = (0.3, 1.2)
TAIL_S = 0.1
"""A leg without RTP still sends so much of the silence after a turn."""
HISS = 8
"""Loudest sample of the noise of silent legs, of 32767."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One sentence as it was read."""

    name: str  # file name
    speaker: Speaker  # which side says it
    text: str  # what is said
    pcm: bytes  # 16-bit samples, 8 kHz

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return len(self.pcm) / 2 / RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A clip at its place in a leg."""

    at: float  # seconds from the call's begin, a whole number of frames
    clip: Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class LegPlan:
    """What one leg sends."""

    call: int  # number of the call
    speaker: Speaker
    said: tuple[Said, ...]  # in order
    continuous: bool  # False: nothing is sent while it is silent

    @property
    def key(self) -> str:
        """Names the leg."""
        return f"{self.call}-{self.speaker.value}"

    @property
    def text(self) -> str:
        """All that is said."""
        return "".join(said.clip.text for said in self.said)

    def frames(self, seconds: float, *, always: bool = False) -> list[bytes | None]:
        """Return one frame for every 20 ms; None where nothing is sent (never with `always`)."""
        count = round(seconds / FRAME_S)
        hiss = _hiss(random.Random(self.key), count)  # noqa: S311 - repeatable noise, no secret
        pcm = bytearray(hiss)
        sent = [self.continuous or always] * count
        for said in self.said:
            begin = round(said.at / FRAME_S)
            pcm[begin * FRAME : begin * FRAME + len(said.clip.pcm)] = said.clip.pcm
            for index in range(begin, min(begin + round((said.clip.seconds + TAIL_S) / FRAME_S), count)):
                sent[index] = True
        return [bytes(pcm[i * FRAME : (i + 1) * FRAME]) if sent[i] else None for i in range(count)]


def _hiss(source: random.Random, frames: int) -> bytes:
    second = b"".join(source.randint(-HISS, HISS).to_bytes(2, "little", signed=True) for _ in range(RATE))
    return (second * (frames * FRAME // len(second) + 1))[: frames * FRAME]


def load_clips(folder: Path = CITIZENS_AUDIO) -> tuple[Clip, ...]:
    """Return the demo's sentences that are 8 kHz WAV files, each once.

    Raises:
        BenchError: a file is something else.
    """
    clips: dict[str, Clip] = {}
    for scenario in load_scenarios():
        for turn in scenario.turns:
            with wave.open(str(folder / turn.audio), "rb") as file:
                if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
                    raise BenchError(
                        f"{turn.audio}: not 16-bit mono at {RATE} Hz; render the demo's speech again"
                    )
                pcm = file.readframes(file.getnframes())
            clips[turn.audio] = Clip(name=turn.audio, speaker=Speaker(turn.speaker), text=turn.text, pcm=pcm)
    return tuple(clips[name] for name in sorted(clips))


def plan_call(number: int, seconds: float, clips: Sequence[Clip]) -> tuple[LegPlan, LegPlan]:
    """Return the citizen's and the agent's leg of a call of that length; nothing is cut off at its end."""
    source = random.Random(number)  # noqa: S311 - repeatable calls, no secret
    supply = {side: _endless(source, [clip for clip in clips if clip.speaker is side]) for side in _SIDES}
    said: dict[Speaker, list[Said]] = {side: [] for side in _SIDES}
    at = source.uniform(0.0, 3.0)
    for side in itertools.cycle(source.sample(_SIDES, 2)):
        spoken = 0.0
        while spoken < SHORTEST_S:
            clip = next(supply[side])
            at = round(at / FRAME_S) * FRAME_S
            if at + clip.seconds > seconds:
                break
            said[side].append(Said(at=at, clip=clip))
            at += clip.seconds
            spoken += clip.seconds
        else:
            at += source.uniform(*PAUSES_S)
            continue
        break
    citizen, agent = (
        LegPlan(
            call=number,
            speaker=side,
            said=tuple(said[side]),
            continuous=(2 * number + index) % 3 != 0,
        )
        for index, side in enumerate(_SIDES)
    )
    return citizen, agent


_SIDES = [Speaker.CITIZEN, Speaker.AGENT]


def _endless(source: random.Random, clips: Sequence[Clip]) -> Iterator[Clip]:
    while True:
        yield from source.sample(clips, len(clips))
