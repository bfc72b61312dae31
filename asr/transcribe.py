"""The live pipeline over a recording, faster than it was spoken."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asr.messages import Speaker, TranscriptFinal
from asr.pipeline import Leg, LegPipeline
from asr.recogniser import Recognisers
from asr.text_reader import Reader, TextReader
from asr.wav_file import Recording, read_wav

__all__ = ["Recording", "as_segments", "read_wav", "transcribe"]

BLOCK_S = 0.2
"""Audio is fed in blocks of so much; live taps bring about as much at a time."""


def transcribe(
    recording: Recording,
    recognisers: Recognisers,
    *,
    speakers: Sequence[Speaker] = (Speaker.CITIZEN, Speaker.AGENT),
    reader: Reader | None = None,
) -> list[TranscriptFinal]:
    """Return the sentences of a recording in the order in which they began; times are seconds from its begin.

    The channels belong to `speakers` in this order and are worked on at the same time; without a `reader`
    sentences are read without the names of a city.

    Raises:
        RecogniserError: the engine failed.
    """
    chosen = reader or TextReader()
    legs = [
        (Leg(call_id="", speaker=speaker, tap_id=speaker.value), pcm)
        for speaker, pcm in zip(speakers, recording.channels, strict=False)
    ]
    with ThreadPoolExecutor(len(legs), thread_name_prefix="transcribe") as pool:
        done = pool.map(lambda each: _one(each[0], each[1], recording.rate, recognisers, chosen), legs)
        sentences = [sentence for each in done for sentence in each]
    return sorted(sentences, key=lambda sentence: (sentence.start, sentence.end))


def _one(leg: Leg, pcm: bytes, rate: int, recognisers: Recognisers, reader: Reader) -> list[TranscriptFinal]:
    pipeline = LegPipeline(leg, rate, recognisers, reader=reader)
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
