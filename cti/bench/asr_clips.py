"""When each word of a clip ends: each clip recognised once, alone and without haste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from asr.model import FoundModel
from cti.bench.asr_audio import FRAME, RATE, Clip

Ends = Mapping[str, tuple[tuple[str, float], ...]]
"""Clip's name -> its words with the seconds into it at which they end."""
QUIET_S = 0.6


def word_ends(found: FoundModel, clips: Sequence[Clip]) -> Ends:
    """Recognise every clip in a process of its own, which takes the model's memory with it when it ends.

    Raises:
        RecogniserError: the model cannot be loaded.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_word_ends, found, tuple(clips)).result()


def _word_ends(found: FoundModel, clips: tuple[Clip, ...]) -> dict[str, tuple[tuple[str, float], ...]]:
    from asr.recogniser import HeardWord, load_model

    recognisers = load_model(found)
    ends: dict[str, tuple[tuple[str, float], ...]] = {}
    for clip in clips:
        recogniser = recognisers.take(RATE)
        pcm = clip.pcm + bytes(round(QUIET_S * 2 * RATE))
        words: list[HeardWord] = []
        for offset in range(0, len(pcm), 5 * FRAME):
            heard = recogniser.accept(pcm[offset : offset + 5 * FRAME])
            words += heard.words if heard is not None else ()
        words += recogniser.finish().words
        ends[clip.name] = tuple((word.text, min(word.end, clip.seconds)) for word in words)
    return ends
