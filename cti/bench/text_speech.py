"""The measuring calls as they are heard: recognised, and read by the same draft as the clean text.

Two sides hear the same recordings, each in a process of its own. The hotline's is the live pipeline with its
reader (names of the city, numbers heard again); plain Vosk is the model as it was published, all audio into
one recogniser, its words with numbers in digits and nothing else. What the agent said is text in the calls,
so it stands between the citizen's sentences as it was written, after the one that it followed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec

from asr.draft_text import sentences
from asr.messages import Line, Speaker
from asr.model import FoundModel
from asr.text import readable

STEP_S = 0.2
MAX_POINTS = {
    **dict.fromkeys(("type", "level1", "urgent", "district"), 15.0),
    **dict.fromkeys(("street", "place", "detail", "phone"), 25.0),
}
"""So many points a field may lose between clean and recognised text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One sentence as a side heard it."""

    text: str  # readable
    verbatim: str  # as heard, without spaces
    start: float  # seconds into the recording
    end: float  # seconds into the recording
    confidence: float  # 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What a side is given."""

    model: FoundModel  # what it recognises with
    audio: tuple[Path, ...]  # WAV, the citizens' side of each call
    gazetteer: Path | None = None  # the city's names, for the hotline's reader


def hotline(hearing: Hearing) -> list[list[Piece]]:
    """Hear every recording as live calls are heard.

    Raises:
        AsrError: the model or the names cannot be loaded, or a file cannot be read.
    """
    return _aside(_hotline, hearing)


def plain(hearing: Hearing) -> list[list[Piece]]:
    """Hear every recording as Vosk's own examples do."""
    return _aside(_plain, hearing)


def heard_lines(call: Mapping[str, Any], pieces: Sequence[Piece]) -> list[Line]:
    """Return a call's lines with the citizen's sentences as they were heard.

    Which sentence a piece belongs to is found by the characters that both share.
    """
    said = [line["citizen"] for line in call["lines"] if "citizen" in line]
    waiting = list(zip(places(said, [piece.verbatim for piece in pieces]), pieces, strict=True))
    found: list[Line] = []
    number, now = -1, 0.0
    for line in call["lines"]:
        if "agent" in line:
            found.append(Line(speaker=Speaker.AGENT, text=line["agent"], start=now, end=now))
            continue
        number += 1
        while waiting and (waiting[0][0] <= number or number == len(said) - 1):
            piece = waiting.pop(0)[1]
            now = piece.end
            found += [
                Line(
                    speaker=Speaker.CITIZEN,
                    text=text,
                    start=piece.start,
                    end=piece.end,
                    confidence=piece.confidence,
                )
                for text in sentences(piece.text)
            ]
    return found


def places(said: Sequence[str], heard: Sequence[str]) -> list[int]:
    """Return for each piece the number of the sentence that most of it belongs to, never falling."""
    ends = list(accumulate(map(len, said)))
    starts = list(accumulate(map(len, heard), initial=0))
    shared = [[0] * len(said) for _ in heard]
    matcher = SequenceMatcher(None, "".join(said), "".join(heard), autojunk=False)
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            sentence = sum(end <= block.a + offset for end in ends)
            piece = sum(start <= block.b + offset for start in starts) - 1
            shared[piece][sentence] += 1
    found: list[int] = []
    for counts in shared:
        likeliest = counts.index(max(counts)) if any(counts) else 0
        found.append(max(likeliest, found[-1] if found else 0))
    return found


def lost(clean: Mapping[str, float], heard: Mapping[str, float]) -> dict[str, float]:
    """Return by field how many points fewer are right in what was heard."""
    return {name: round(100 * (clean[name] - share), 1) for name, share in heard.items()}


def too_much(points: Mapping[str, float]) -> tuple[str, ...]:
    """Return the fields that lose more than they may."""
    return tuple(name for name, most in MAX_POINTS.items() if points.get(name, 0.0) > most)


def _aside(work: Callable[[Hearing], list[list[Piece]]], hearing: Hearing) -> list[list[Piece]]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, hearing).result()


def _hotline(hearing: Hearing) -> list[list[Piece]]:
    from asr.recogniser import load_model
    from asr.text_reading import load_reader
    from asr.transcribe import read_wav, transcribe

    recognisers = load_model(hearing.model)
    reader = load_reader(hearing.gazetteer, hearing.model, recognisers)

    def hear(audio: Path) -> list[Piece]:
        return [
            Piece(
                text=sentence.text,
                verbatim=sentence.verbatim,
                start=sentence.start,
                end=sentence.end,
                confidence=sentence.confidence,
            )
            for sentence in transcribe(read_wav(audio), recognisers, reader=reader)
        ]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(hear, hearing.audio))


def _plain(hearing: Hearing) -> list[list[Piece]]:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import vosk

    vosk.SetLogLevel(-1)
    model = vosk.Model(str(hearing.model.path))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda audio: _plain_heard(vosk.KaldiRecognizer, model, audio), hearing.audio))


def _plain_heard(make: Any, model: Any, audio: Path) -> list[Piece]:
    from asr.wav_file import read_wav

    recording = read_wav(audio)
    engine = make(model, recording.rate)
    engine.SetWords(True)
    pcm, step = recording.channels[0], 2 * round(recording.rate * STEP_S)
    results = [
        engine.Result()
        for offset in range(0, len(pcm), step)
        if engine.AcceptWaveform(pcm[offset : offset + step])
    ]
    results.append(engine.FinalResult())
    return [piece for each in results if (piece := plain_piece(each)) is not None]


class _Word(msgspec.Struct):
    word: str
    start: float
    end: float
    conf: float


class _Told(msgspec.Struct):
    result: list[_Word] = []


def plain_piece(told: str) -> Piece | None:
    """Return what plain Vosk tells (JSON of its words) as a sentence, None where it heard nothing."""
    words = msgspec.json.decode(told, type=_Told).result
    verbatim = "".join(word.word for word in words)
    if not verbatim:
        return None
    return Piece(
        text=readable(verbatim),
        verbatim=verbatim,
        start=words[0].start,
        end=words[-1].end,
        confidence=sum(word.conf for word in words) / len(words),
    )
