"""`hotline transcribe`: the live pipeline over WAV files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from asr import transcribe as pipeline
from asr.errors import AsrError
from asr.model import find_model
from asr.recogniser import load_model
from asr.text_reading import load_reader
from cti.errors import HotlineError
from cti.gazetteeradmin import city_file
from cti.settings import load


class TranscribeFailed(HotlineError):
    """A file could not be transcribed; the message says why."""


def transcribe(
    files: Sequence[Path],
    *,
    model: Path | None,
    gazetteer: Path | None,
    rate: int | None,
    as_json: bool,
    say: Callable[[object], None],
) -> int:
    """Transcribe files one after another; return the exit status.

    `model` and `gazetteer` are those of the settings unless they are given; `rate` is the one at which
    the recogniser is fed. A file that cannot be transcribed does not keep the others from it.

    Raises:
        TranscribeFailed: nothing can be transcribed; or, after the others, the files that could not.
    """
    settings = load()
    own = Path(settings.recognition.model) if settings.recognition.model else None
    try:
        found = find_model(model or own, settings.cache)
        recognisers = load_model(found)
        reader = load_reader(gazetteer or city_file(settings), found, recognisers)
    except (AsrError, OSError) as error:
        raise TranscribeFailed(str(error)) from error
    failed = []
    for file in files:
        try:
            recording = pipeline.read_wav(file, rate)
            told = pipeline.transcribe(recording, recognisers, reader=reader)
        except (AsrError, OSError) as error:
            failed.append(str(error))
            continue
        segments = pipeline.as_segments(told)
        if as_json:
            line: dict[str, object] = {"segments": segments}
            say(json.dumps(line if len(files) == 1 else {"file": str(file), **line}, ensure_ascii=False))
            continue
        for segment in segments:
            say(f"{segment['start']:8.2f} {segment['speaker']:<8} {segment['text']}")
    if failed:
        raise TranscribeFailed("; ".join(failed))
    return 0
