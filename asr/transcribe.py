"""The live pipeline over a recording, faster than it was spoken."""

from __future__ import annotations

import wave
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr import text
from asr.errors import AudioFileError
from asr.messages import Speaker, TranscriptFinal
from asr.pipeline import Leg, LegPipeline, Readable
from asr.recogniser import Recognisers
from asr.segment import RATES

BLOCK_S = 0.2
"""Audio is fed in blocks of so much; live taps bring about as much at a time."""
MAX_S = 6 * 3600
"""Longer files are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A WAV file's audio, one entry for each channel."""

    rate: int  # Hz
    channels: tuple[bytes, ...]  # 16-bit little-endian samples; of two, the citizen is the first

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.channels[0]) / 2 / self.rate


def read_wav(path: Path) -> Recording:
    """Read a WAV file: 16-bit PCM, 8 or 16 kHz, mono or stereo.

    Raises:
        AudioFileError: naming the file, what it is and what it should be.
    """
    try:
        with wave.open(str(path), "rb") as file:
            shape = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if shape[0] not in (1, 2) or shape[1] != 2 or shape[2] not in RATES:
                raise AudioFileError(
                    f"{path}: {shape[0]} channels of {8 * shape[1]} bits at {shape[2]} Hz; "
                    "expected 1 or 2 channels of 16 bits at 8000 or 16000 Hz"
                )
            if file.getnframes() > MAX_S * shape[2]:
                raise AudioFileError(f"{path}: longer than {MAX_S // 3600} hours")
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise AudioFileError(f"{path}: not a PCM WAV file ({error})") from error
    except OSError as error:
        raise AudioFileError(f"{path}: {error.strerror}") from error
    data = data[: len(data) - len(data) % (2 * shape[0])]
    if shape[0] == 1:
        return Recording(rate=shape[2], channels=(data,))
    samples = array("h", data)
    return Recording(rate=shape[2], channels=(samples[0::2].tobytes(), samples[1::2].tobytes()))


def transcribe(
    recording: Recording,
    recognisers: Recognisers,
    *,
    speakers: Sequence[Speaker] = (Speaker.CITIZEN, Speaker.AGENT),
    readable: Readable = text.readable,
) -> list[TranscriptFinal]:
    """Return the sentences of a recording in the order in which they began; times are seconds from its begin.

    The channels belong to `speakers` in this order and are worked on at the same time.

    Raises:
        RecogniserError: the engine failed.
    """
    legs = [
        (Leg(call_id="", speaker=speaker, tap_id=speaker.value), pcm)
        for speaker, pcm in zip(speakers, recording.channels, strict=False)
    ]
    with ThreadPoolExecutor(len(legs), thread_name_prefix="transcribe") as pool:
        done = pool.map(lambda each: _one(each[0], each[1], recording.rate, recognisers, readable), legs)
        sentences = [sentence for each in done for sentence in each]
    return sorted(sentences, key=lambda sentence: (sentence.start, sentence.end))


def _one(
    leg: Leg, pcm: bytes, rate: int, recognisers: Recognisers, readable: Readable
) -> list[TranscriptFinal]:
    pipeline = LegPipeline(leg, rate, recognisers, readable=readable)
    step = 2 * round(rate * BLOCK_S)
    told = []
    for offset in range(0, len(pcm), step):
        block = pcm[offset : offset + step]
        told += pipeline.feed(block, (offset + len(block)) / 2 / rate, partials=False)
    told += pipeline.close()
    return [message for message in told if isinstance(message, TranscriptFinal)]


def as_segments(sentences: Sequence[TranscriptFinal]) -> list[dict[str, Any]]:
    """Return sentences as `hotline transcribe --json` prints them: times in seconds to the millisecond."""
    return [
        {
            "start": round(sentence.start, 3),
            "end": round(sentence.end, 3),
            "speaker": sentence.speaker.value,
            "text": sentence.text,
            "verbatim": sentence.verbatim,
            "confidence": round(sentence.confidence, 3),
        }
        for sentence in sentences
    ]
