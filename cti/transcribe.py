"""`hotline transcribe`: the live pipeline over WAV files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from asr import transcribe as pipeline
from asr.errors import AsrError
from asr.model import find_model
from asr.recogniser import load_model
from asr.text import readable
from cti.errors import HotlineError
from cti.settings import hotline_home


class TranscribeFailed(HotlineError):
    """A file could not be transcribed; the message says why."""


def transcribe(
    files: Sequence[Path], *, model: Path | None, as_json: bool, say: Callable[[object], None]
) -> int:
    """Transcribe files one after another; return the exit status. Raises TranscribeFailed."""
    try:
        found = find_model(model, hotline_home() / "cache")
        recognisers = load_model(found)
        for file in files:
            recording = pipeline.read_wav(file)
            segments = pipeline.as_segments(pipeline.transcribe(recording, recognisers, readable=readable))
            if as_json:
                line: dict[str, object] = {"segments": segments}
                say(json.dumps(line if len(files) == 1 else {"file": str(file), **line}, ensure_ascii=False))
                continue
            for segment in segments:
                say(f"{segment['start']:8.2f} {segment['speaker']:<8} {segment['text']}")
    except (AsrError, OSError) as error:
        raise TranscribeFailed(str(error)) from error
    return 0
