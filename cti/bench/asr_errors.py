"""How many characters are heard wrongly: plain Vosk and the hotline's recogniser on the same audio.

Plain Vosk is what its own examples do: the model as it comes, all audio of one speaker into one recogniser.
The hotline's side is the live pipeline. Counted are characters that must be changed, added or left out,
of all that were said; signs do not count, and the two ways to say one (一, 幺) are the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import yaml

from asr.model import FoundModel
from asr.wav_file import read_wav
from cti.bench.asr_score import edits, letters

HOTLINE_SPEECH = Path(__file__).with_name("hotline_speech")
"""Calls of a city that does not exist, read by synthetic voices, in telephone band."""
STEP_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A recording and what is said in it."""

    audio: Path  # WAV, one speaker
    text: str  # as it is spoken, signs included


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """What one side made of all recordings."""

    characters: int  # that were said
    wrong: int  # changed, added or left out

    @property
    def rate(self) -> float:
        """Share of wrong characters, 0 to 1 (more where much was added)."""
        return self.wrong / self.characters if self.characters else 0.0


def hotline_calls(folder: Path = HOTLINE_SPEECH) -> tuple[Said, ...]:
    """The citizens' side of the calls in `calls.yaml` that have their audio beside it."""
    calls = yaml.safe_load((folder / "calls.yaml").read_text("utf-8"))["calls"]
    return tuple(
        Said(
            audio=folder / f"{call['id']}.wav",
            text="".join(line["citizen"] for line in call["lines"] if "citizen" in line),
        )
        for call in calls
        if (folder / f"{call['id']}.wav").is_file()
    )


def hotline_errors(found: FoundModel, said: Sequence[Said]) -> Errors:
    """Recognise with a model as live calls are, in a process of its own.

    Raises:
        AsrError: the model cannot be loaded, or a file cannot be read.
    """
    return _aside(_hotline, found, said)


def plain_errors(model: Path, said: Sequence[Said]) -> Errors:
    """Recognise with a model as Vosk's own examples do, in a process of its own."""
    return _aside(_plain, FoundModel(path=model, source="setting", composed=False), said)


def _aside(
    work: Callable[[FoundModel, tuple[Said, ...]], list[str]], found: FoundModel, said: Sequence[Said]
) -> Errors:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        heard = pool.submit(work, found, tuple(said)).result()
    pairs = [(_counted(each.text), _counted(text)) for each, text in zip(said, heard, strict=True)]
    return Errors(
        characters=sum(len(text) for text, _ in pairs), wrong=sum(edits(text, heard) for text, heard in pairs)
    )


def _counted(text: str) -> str:
    return letters(text).replace("幺", "一")


def _hotline(found: FoundModel, said: tuple[Said, ...]) -> list[str]:
    from asr.recogniser import load_model
    from asr.transcribe import transcribe

    recognisers = load_model(found)
    return [
        "".join(sentence.verbatim for sentence in transcribe(read_wav(each.audio), recognisers))
        for each in said
    ]


def _plain(found: FoundModel, said: tuple[Said, ...]) -> list[str]:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import vosk

    vosk.SetLogLevel(-1)
    model = vosk.Model(str(found.path))
    return [_plain_heard(vosk.KaldiRecognizer, model, each.audio) for each in said]


def _plain_heard(make: Any, model: Any, audio: Path) -> str:
    recording = read_wav(audio)
    engine = make(model, recording.rate)
    pcm, step = recording.channels[0], 2 * round(recording.rate * STEP_S)
    texts = [
        msgspec.json.decode(engine.Result(), type=_Text).text
        for offset in range(0, len(pcm), step)
        if engine.AcceptWaveform(pcm[offset : offset + step])
    ]
    texts.append(msgspec.json.decode(engine.FinalResult(), type=_Text).text)
    return "".join(texts).replace(" ", "")


@dataclass(frozen=True, slots=True)
class _Text:
    text: str = ""
