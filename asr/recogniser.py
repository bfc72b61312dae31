"""Vosk, wrapped: what was heard in one stretch of speech, with times counted from its first sample.

With a graph composed on the fly a new recogniser costs 70 to 160 ms and needs twice the time for its first
seconds (its part of the graph is composed again), and each grows towards 200 MB. So recognisers are kept, the
one used last is used first, one is kept ready that has heard a little speech, and after `RETIRE_S` seconds of
audio one is thrown away. With a graph composed ahead of time a new one costs nothing, and none is kept.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from asr.errors import RecogniserError
from asr.model import FoundModel

log = logging.getLogger(__name__)

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # before the engine loads: its threads would fight for cores

RETIRE_S = 120.0
"""Seconds of audio after which a recogniser with a graph composed on the fly is thrown away."""

WARM_NICE = 10
"""Niceness of the thread that makes recognisers for later."""

DECODING = {"beam": "10.0", "max-active": "3000", "lattice-beam": "2.0", "frames-per-chunk": "30"}
"""Laid over the model's own: limits of the search that cost no accuracy and halve the worst waiting time, and
0.3 s of sound for the network at a time instead of 0.2 (cheaper, not later at p95; docs/recognition.md)."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One word."""

    text: str  # as the model spells it
    start: float  # seconds from the first sample of the speech
    end: float  # seconds from the first sample of the speech
    confidence: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Heard:
    """A finished sentence; no words where nothing was understood."""

    words: tuple[HeardWord, ...]  # in order

    @property
    def text(self) -> str:
        """The words, without spaces between Chinese ones."""
        return join_words(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """Mean over the words, weighted by how long each took; 0 where there is none."""
        weight = sum(max(word.end - word.start, 0.01) for word in self.words)
        total = sum(max(word.end - word.start, 0.01) * word.confidence for word in self.words)
        return min(total / weight, 1.0) if weight else 0.0


class Recogniser(Protocol):
    """Understands one stretch of speech at a time."""

    def accept(self, pcm: bytes) -> Heard | None:
        """Take audio; return a sentence when it ended inside it."""

    def partial(self) -> str:
        """What has been understood of the sentence that is going on."""

    def finish(self) -> Heard:
        """The speech is over: return the rest of it."""


class Recognisers(Protocol):
    """Gives out recognisers, one for each stretch of speech."""

    def take(self, rate: int) -> Recogniser:
        """Return a recogniser for `rate` Hz that nobody else uses."""

    def give_back(self, recogniser: Recogniser) -> None:
        """It finished its speech and may be used again."""

    def forget(self) -> None:
        """One that was taken failed and does not come back."""


def join_words(words: Iterable[str]) -> str:
    """Join words: a space only between two in Latin letters or digits; marks like <unk> go."""
    text = " ".join(word for word in words if word[:1] not in "<[")
    return re.sub(r"(?<![0-9A-Za-z]) +| +(?![0-9A-Za-z])", "", text)


# ---------------------------------------------------------------- Vosk


@dataclass(frozen=True, slots=True)
class _Word:
    word: str
    start: float
    end: float
    conf: float = 0.0


@dataclass(frozen=True, slots=True)
class _Result:
    text: str = ""
    result: tuple[_Word, ...] = ()


@dataclass(frozen=True, slots=True)
class _Partial:
    partial: str = ""


class VoskRecogniser:
    """One Kaldi recogniser. Not safe for two threads at once."""

    def __init__(self, model: Any, rate: int, words: Sequence[str] = ()) -> None:
        """Make it from a `vosk.Model`; with `words` it hears nothing but these.

        Only a model whose graph is composed on the fly can be held to words.

        Raises:
            RecogniserError: the engine refused.
        """
        import vosk

        try:
            self._engine = (
                vosk.KaldiRecognizer(model, rate, json.dumps(list(words), ensure_ascii=False))
                if words
                else vosk.KaldiRecognizer(model, rate)
            )
        except Exception as error:  # the engine's binding raises nothing more exact
            raise RecogniserError(f"no recogniser for {rate} Hz: {error}") from error
        self._engine.SetWords(True)
        self.rate = rate
        self.fed_s = 0.0  # seconds of audio since it was made: the engine counts its times so
        self._begun = 0.0

    def accept(self, pcm: bytes) -> Heard | None:
        """Take audio; return a sentence when it ended inside it.

        Raises:
            RecogniserError: the engine refused the audio.
        """
        try:
            ended = self._engine.AcceptWaveform(pcm)
        except Exception as error:  # as above
            raise RecogniserError(f"{len(pcm)} bytes refused: {error}") from error
        self.fed_s += len(pcm) / 2 / self.rate
        return self._heard(self._engine.Result()) if ended else None

    def partial(self) -> str:
        """What has been understood of the sentence that is going on."""
        return join_words(msgspec.json.decode(self._engine.PartialResult(), type=_Partial).partial.split())

    def finish(self) -> Heard:
        """The speech is over: return the rest of it. The next speech starts afresh."""
        heard = self._heard(self._engine.FinalResult())
        self._begun = self.fed_s
        return heard

    def _heard(self, answer: str) -> Heard:
        try:
            found = msgspec.json.decode(answer, type=_Result)
        except msgspec.MsgspecError as error:
            raise RecogniserError(f"the engine's answer cannot be read: {type(error).__name__}") from error
        return Heard(
            tuple(
                HeardWord(
                    word.word,
                    max(word.start - self._begun, 0.0),
                    max(word.end - self._begun, 0.0),
                    min(max(word.conf, 0.0), 1.0),
                )
                for word in found.result
            )
        )


class VoskRecognisers:
    """The model and the recognisers that nobody uses at the moment. Safe for many threads."""

    def __init__(self, model: Any, *, composed: bool, spare: int = 8) -> None:
        """Serve from a `vosk.Model`; keep at most `spare` idle ones, none with a composed graph."""
        self.composed = composed
        self._model = model
        self._spare = 0 if composed else spare
        self._idle: list[VoskRecogniser] = []
        self._used = 0  # taken and not given back
        self._changed = threading.Condition()

    def limited(self, words: Sequence[str]) -> LimitedRecognisers:
        """Return recognisers of the same model, composed on the fly, that hear nothing but these words."""
        return LimitedRecognisers(self._model, tuple(words))

    @property
    def idle(self) -> int:
        """Recognisers that wait for a speaker."""
        with self._changed:
            return len(self._idle)

    def take(self, rate: int) -> VoskRecogniser:
        """Return a recogniser for `rate` Hz that nobody else uses: the one used last, or a new one.

        Raises:
            RecogniserError: the engine refused.
        """
        with self._changed:
            for index in reversed(range(len(self._idle))):
                if self._idle[index].rate == rate:
                    taken = self._idle.pop(index)
                    self._used += 1
                    self._changed.notify_all()
                    return taken
        made = VoskRecogniser(self._model, rate)
        with self._changed:
            self._used += 1
        return made

    def give_back(self, recogniser: Recogniser) -> None:
        """Keep it for the next speech, unless it has grown too large or there are enough."""
        with self._changed:
            self._used = max(self._used - 1, 0)
            if isinstance(recogniser, VoskRecogniser) and recogniser.fed_s <= RETIRE_S:
                self._idle.append(recogniser)
                del self._idle[: max(len(self._idle) - self._spare, 0)]
            self._changed.notify_all()

    def forget(self) -> None:
        """A recogniser that was taken failed and does not come back."""
        with self._changed:
            self._used = max(self._used - 1, 0)
            self._changed.notify_all()

    def prepare(self, count: int, speech: bytes, rate: int) -> None:
        """Make recognisers (at most the spares) that have heard `speech`, 16-bit samples of `rate` Hz.

        With the part of the graph that a few seconds need composed, its first real words take half the time,
        and the longest wait falls from 350 to 70 ms. Made before forking, all workers share that part.

        Raises:
            RecogniserError: the engine refused.
        """
        for _ in range(min(count, self._spare)):
            self._add_warm(speech, rate)

    def keep_warm(self, speech: bytes, rate: int) -> None:
        """From now on have one such recogniser more than are used, made on a thread, up to the spares.

        Call it after forking: a thread does not survive a fork.
        """
        if self._spare:
            threading.Thread(target=self._warm, args=(speech, rate), name="warm", daemon=True).start()

    def _warm(self, speech: bytes, rate: int) -> None:
        os.setpriority(
            os.PRIO_PROCESS, threading.get_native_id(), WARM_NICE
        )  # after those who wait for words
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._idle and self._used < self._spare)
            try:
                self._add_warm(speech, rate)
            except RecogniserError as error:
                log.error("no recogniser can be kept ready", extra={"error": str(error)})
                return

    def _add_warm(self, speech: bytes, rate: int) -> None:
        fresh = VoskRecogniser(self._model, rate)
        step = rate // 5 * 2
        for offset in range(0, len(speech), step):
            fresh.accept(speech[offset : offset + step])
        fresh.finish()
        with self._changed:
            self._idle.insert(0, fresh)
            self._changed.notify_all()


class LimitedRecognisers:
    """Recognisers of a few words: a new one for each stretch, since theirs is a small graph. Thread-safe."""

    def __init__(self, model: Any, words: tuple[str, ...]) -> None:
        """Serve from a `vosk.Model` whose graph is composed on the fly."""
        self._model = model
        self._words = words

    def take(self, rate: int) -> VoskRecogniser:
        """Return a new recogniser for `rate` Hz.

        Raises:
            RecogniserError: the engine refused.
        """
        return VoskRecogniser(self._model, rate, self._words)

    def give_back(self, recogniser: Recogniser) -> None:
        """Nothing is kept."""

    def forget(self) -> None:
        """Nothing is counted."""


def load_model(found: FoundModel, *, spare: int = 8) -> VoskRecognisers:
    """Load the model, with `DECODING` laid over its own limits.

    Raises:
        RecogniserError: the engine cannot read it.
    """
    import vosk

    vosk.SetLogLevel(-1)
    with _tuned(found.path) as folder:
        try:
            model = vosk.Model(str(folder))
        except Exception as error:  # the engine's binding raises nothing more exact
            raise RecogniserError(f"the model in {found.path} cannot be loaded: {error}") from error
    return VoskRecognisers(model, composed=found.composed, spare=spare)


@contextmanager
def _tuned(path: Path) -> Iterator[Path]:
    """A folder that links to the model, with a `model.conf` of its own; the engine reads it all at once."""
    original = path / "conf" / "model.conf"
    if not original.is_file():  # the older layout has its limits elsewhere
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="hotline-model-") as name:
        folder = Path(name)
        for item in path.iterdir():
            if item.name != "conf":
                (folder / item.name).symlink_to(item.resolve())
        (folder / "conf").mkdir()
        for item in (path / "conf").iterdir():
            if item.name != "model.conf":
                (folder / "conf" / item.name).symlink_to(item.resolve())
        lines = original.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if line.strip().removeprefix("--").split("=")[0] not in DECODING]
        kept += [f"--{name}={value}" for name, value in DECODING.items()]
        (folder / "conf" / "model.conf").write_text("\n".join(kept) + "\n", encoding="utf-8")
        yield folder
