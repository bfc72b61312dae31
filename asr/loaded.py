"""What the workers share: the model and what reads its words, loaded once before they are forked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asr.errors import AsrError, NoModel, RecogniserError
from asr.model import REMEDY, FoundModel, find_model
from asr.recogniser import VoskRecognisers, load_model
from asr.settings import AsrSettings
from asr.text_reader import Reader, TextReader
from asr.text_reading import load_reader
from asr.wav_file import read_wav

log = logging.getLogger(__name__)

LEGS_COMPOSED, LEGS_PLAIN = 24, 4
"""Legs that one process takes, with the graph composed ahead of time and without: what a core keeps up with
when half of them speak, and some to spare (docs/recognition.md)."""
WARM = Path(__file__).parent / "data" / "warm.wav"
"""A few seconds of synthesised speech that every recogniser hears before its first leg."""
PREPARED = 2
"""Recognisers made before the first leg, one to two seconds each: a call has two legs."""


@dataclass(slots=True)
class Loaded:
    """What the workers share since they were forked."""

    recognisers: VoskRecognisers | None  # None: no captions
    reason: str  # why not (Chinese)
    reader: Reader  # what reads the words
    path: Path | None = None  # the model's folder


def prepare(settings: AsrSettings, progress: Callable[[str], None] | None) -> Loaded:
    """Return the loaded model and what reads the words; without a model, why there are no captions."""

    def tell(step: str, fraction: float | None) -> None:
        if progress is not None:
            progress(step if fraction is None else f"{step}: {fraction:.0%}")

    try:
        found = find_model(settings.model_path, settings.cache_dir, fetch=settings.fetch_model, progress=tell)
        return load(settings, found)
    except NoModel as error:
        reason = f"{error.reason}；{error.remedy}"
    except RecogniserError as error:
        log.error("the model cannot be loaded", extra={"error": str(error)})
        reason = f"语音模型无法加载；{REMEDY}"
    log.error("no captions", extra={"reason": reason})
    return Loaded(None, reason, TextReader())


def load(settings: AsrSettings, found: FoundModel) -> Loaded:
    """Load a model and the city's names. Raises RecogniserError."""
    recognisers = load_model(found, spare=max(PREPARED, capacity(settings, composed=False) // 2))
    speech = read_wav(WARM)
    recognisers.prepare(PREPARED, speech.channels[0], speech.rate)
    log.info("speech model loaded", extra={"source": found.source, "composed": found.composed})
    return Loaded(recognisers, "", _reader(settings, found, recognisers), found.path)


def _reader(settings: AsrSettings, found: FoundModel, recognisers: VoskRecognisers) -> Reader:
    """Return what reads the words; a file of names that cannot be used costs the names, not the captions."""
    try:
        return load_reader(settings.gazetteer, found, recognisers)
    except AsrError as error:
        log.error("names are not repaired", extra={"error": str(error)})
        return load_reader(None, found, recognisers)


def capacity(settings: AsrSettings, *, composed: bool) -> int:
    """Return how many legs one process takes."""
    return settings.capacity or (LEGS_COMPOSED if composed else LEGS_PLAIN)
