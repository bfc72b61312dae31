"""Keeping recordings in step with the sentences they say: build, accept, check.

Beside the audio lies `audio.lock.yaml`: for every file, which text it says, who recorded it, and its hash.
A build renders only what changed. What a person recorded, and any file that somebody put there without
`accept`, is never overwritten unless forced.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import wave
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec
import yaml
from msgspec import Meta

from ivr_flows.audio import RATE, AudioError, Samples, encode_wav, read_wav, shape
from ivr_flows.kokoro import Kokoro, Spoken, SynthesisError
from ivr_flows.speech import Key, Manifest, PromptError, VoiceName, load_manifest

LOCK = "audio.lock.yaml"
MAX_LOCK_BYTES = 1024 * 1024

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Progress = Callable[[int, int, str], None]
"""told after each rendered sentence: how many are done, of how many, and its key"""


class Synthesiser(Protocol):
    """Reads sentences aloud."""

    @property
    def rate(self) -> int:
        """Samples a second of what `speak` returns."""

    def speak(self, sentences: Sequence[Spoken]) -> Iterator[tuple[Spoken, Samples]]:
        """Yield each sentence with its sound, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEntry:
    """What one audio file is."""

    text: Sha256
    """hash of the text that it says"""
    audio: Sha256
    """hash of the file"""
    recorded_by: Literal["kokoro", "person"]
    """who speaks"""
    spelling: Sha256 | None = None
    """hash of what the synthesiser read; `None` for a person"""
    voice: VoiceName | None = None
    """the synthesiser's voice; `None` for a person"""
    style: int | None = None
    """row of the voice's table of styles, when it was chosen by hand"""
    speed: float | None = None
    """pace of the synthesiser, when it was chosen by hand"""


ProblemKind = Literal["missing", "outdated", "changed", "unused", "format"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One prompt whose audio cannot be trusted."""

    key: str
    """the prompt, or the stem of the file"""
    kind: ProblemKind
    """missing: no audio; outdated: says another text; changed: replaced without `accept`;
    unused: no such prompt; format: not 8 kHz mono PCM16"""
    remedy: str
    """what to do, for the operator, in Chinese"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What a build did, by key."""

    built: tuple[str, ...]
    """rendered now"""
    fresh: tuple[str, ...]
    """left alone, because the audio already says the text"""
    kept: tuple[str, ...]
    """not rendered although the text changed, because a person's recording would be lost"""
    removed: tuple[str, ...]
    """deleted, because no sentence has this key any more"""


def manifest_lines(manifest: Manifest) -> tuple[Spoken, ...]:
    """Return the prompts of a manifest as sentences for a voice."""
    return tuple(
        Spoken(
            key=key,
            text=prompt.text,
            spelling=prompt.spelling,
            voice=manifest.voice_of(key),
            fragment=prompt.fragment,
            style=prompt.style,
            speed=prompt.speed,
        )
        for key, prompt in manifest.prompts.items()
    )


def build(
    manifest: Path,
    out: Path,
    *,
    only: Collection[str] = (),
    force: bool = False,
    progress: Progress = lambda _done, _total, _key: None,
    synthesiser: Synthesiser | None = None,
) -> BuildReport:
    """Render the prompts of a manifest whose audio in `out` is missing or says something else.

    See `build_lines`. Raises also `PromptError` when the manifest is not valid.
    """
    lines = manifest_lines(load_manifest(manifest))
    return build_lines(lines, out, only=only, force=force, progress=progress, synthesiser=synthesiser)


def build_lines(
    lines: Sequence[Spoken],
    out: Path,
    *,
    only: Collection[str] = (),
    force: bool = False,
    progress: Progress = lambda _done, _total, _key: None,
    synthesiser: Synthesiser | None = None,
) -> BuildReport:
    """Render sentences to `<key>.wav` in the folder `out`; after each one the lock is saved.

    `only` limits the build to these keys; `force` renders them even when they are fresh or recorded by a
    person. Raises `PromptError` for an unknown key in `only`, `SynthesisError` when the synthesiser cannot
    be had or another build is at work in `out`.
    """
    wanted = {line.key: line for line in lines}
    if unknown := sorted(set(only) - wanted.keys()):
        raise PromptError(f"{unknown[0]!r} is not a prompt; there are {', '.join(wanted)}")
    with _alone(out):
        lock = read_lock(out)
        todo: list[Spoken] = []
        fresh: list[str] = []
        kept: list[str] = []
        for key, line in wanted.items():
            if only and key not in only:
                continue
            if force or not (out / f"{key}.wav").is_file():
                todo.append(line)
            elif _foreign(out, key, lock.get(key)):
                kept.append(key)
            elif _says(lock[key], line):
                fresh.append(key)
            elif lock[key].recorded_by == "person":
                kept.append(key)
            else:
                todo.append(line)
        removed = [] if only else _remove_unused(out, lock, wanted)
        voice = synthesiser or Kokoro()
        for done, (line, samples) in enumerate(voice.speak(todo) if todo else (), start=1):
            try:
                wav = encode_wav(shape(samples, voice.rate, fragment=line.fragment))
            except AudioError as error:
                raise SynthesisError(f"{line.key}: {error}") from error
            _write(out / f"{line.key}.wav", wav)
            lock[line.key] = LockEntry(
                text=_sha(line.text.encode()),
                spelling=_sha(line.spelling.encode()),
                voice=line.voice,
                style=line.style,
                speed=line.speed,
                audio=_sha(wav),
                recorded_by="kokoro",
            )
            write_lock(out, lock)
            progress(done, len(todo), line.key)
        return BuildReport(
            built=tuple(line.key for line in todo),
            fresh=tuple(fresh),
            kept=tuple(kept),
            removed=tuple(removed),
        )


def accept(manifest: Path, out: Path, key: str, recording: Path) -> float:
    """Take a person's recording for a prompt: brought to 8 kHz, cut, levelled, written; returns its seconds.

    `recording` may be the very file in `out`. From then on no build overwrites it. Raises `PromptError`
    when there is no such prompt, `AudioError` when the file is not usable.
    """
    prompts = load_manifest(manifest).prompts
    if key not in prompts:
        raise PromptError(f"{key!r} is not a prompt; there are {', '.join(prompts)}")
    samples, rate = read_wav(recording)
    try:
        shaped = shape(samples, rate, fragment=prompts[key].fragment)
    except AudioError as error:
        raise AudioError(f"{recording}: {error}") from error
    wav = encode_wav(shaped)
    with _alone(out):
        lock = read_lock(out)
        _write(out / f"{key}.wav", wav)
        lock[key] = LockEntry(text=_sha(prompts[key].text.encode()), audio=_sha(wav), recorded_by="person")
        write_lock(out, lock)
    return len(shaped) / RATE


def place(out: Path, key: str, text: str, wav: bytes) -> None:
    """Put a finished recording of a prompt there (8 kHz mono PCM16); no build overwrites it from then on.

    Raises `PromptError` when the lock is not valid, `SynthesisError` when a build is at work in `out`.
    """
    with _alone(out):
        lock = read_lock(out)
        _write(out / f"{key}.wav", wav)
        lock[key] = LockEntry(text=_sha(text.encode()), audio=_sha(wav), recorded_by="person")
        write_lock(out, lock)


def check(manifest: Path, out: Path) -> tuple[Problem, ...]:
    """Return what is wrong between a manifest and its audio; nothing when every prompt can be played.

    Raises `PromptError` when manifest or lock is not valid.
    """
    return check_lines(manifest_lines(load_manifest(manifest)), out)


def check_lines(lines: Sequence[Spoken], out: Path) -> tuple[Problem, ...]:
    """Return what is wrong between sentences and their audio in `out`."""
    lock = read_lock(out)
    problems = [problem for line in lines if (problem := _problem(line, out, lock.get(line.key)))]
    wanted = {line.key for line in lines}
    files = {path.stem for path in out.glob("*.wav")}
    problems += [
        Problem(key=key, kind="unused", remedy="清单中没有这条语音，请删除文件，或在清单中补上")
        for key in sorted((files | lock.keys()) - wanted)
    ]
    return tuple(problems)


def _problem(line: Spoken, out: Path, entry: LockEntry | None) -> Problem | None:
    path = out / f"{line.key}.wav"
    if not path.is_file():
        return Problem(key=line.key, kind="missing", remedy="没有录音，请运行 hotline prompts build")
    if not _playable(path):
        return Problem(
            key=line.key, kind="format", remedy="不是 8 kHz 单声道 16 位录音，请运行 hotline prompts accept"
        )
    if entry is None or _foreign(out, line.key, entry):
        remedy = "录音被直接替换，请运行 hotline prompts accept，或 hotline prompts build --force"
        return Problem(key=line.key, kind="changed", remedy=remedy)
    if not _says(entry, line):
        again = "请重新录音" if entry.recorded_by == "person" else "请运行 hotline prompts build"
        return Problem(key=line.key, kind="outdated", remedy=f"文字已经修改，{again}")
    return None


def read_lock(folder: Path) -> dict[str, LockEntry]:
    """Read a folder's lock; empty when there is none yet.

    Raises `PromptError` when the file does not fit.
    """
    path = folder / LOCK
    if not path.is_file():
        return {}
    if (size := path.stat().st_size) > MAX_LOCK_BYTES:
        raise PromptError(f"{path}: {size} bytes; at most {MAX_LOCK_BYTES} are read")
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, dict[Key, LockEntry])
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise PromptError(
            f"{path}: {error}; take it from version control, or delete it and accept again"
        ) from error


def write_lock(folder: Path, lock: dict[str, LockEntry]) -> None:
    """Write a folder's lock, keys in order, so that changes can be read in version control."""
    rows = {
        key: {field: value for field, value in msgspec.to_builtins(lock[key]).items() if value is not None}
        for key in sorted(lock)
    }
    head = "# Written by `hotline prompts`; see ivr_flows/synthesis.py. Do not edit.\n"
    _write(folder / LOCK, (head + yaml.safe_dump(rows, sort_keys=False)).encode())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other builds out of a folder: two at once would each lose what the other notes in the lock."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SynthesisError(
                f"{folder}: another build or accept is at work; wait until it ends"
            ) from error
        yield
    finally:
        os.close(handle)


def _says(entry: LockEntry, line: Spoken) -> bool:
    if entry.recorded_by == "person":
        return entry.text == _sha(line.text.encode())
    rendered = (entry.spelling, entry.voice, entry.style, entry.speed)
    return rendered == (_sha(line.spelling.encode()), line.voice, line.style, line.speed)


def _foreign(out: Path, key: str, entry: LockEntry | None) -> bool:
    return entry is None or entry.audio != _sha((out / f"{key}.wav").read_bytes())


def _remove_unused(out: Path, lock: dict[str, LockEntry], wanted: Collection[str]) -> list[str]:
    removed = []
    for key in sorted(lock.keys() - set(wanted)):
        path = out / f"{key}.wav"
        if path.is_file() and (lock[key].recorded_by == "person" or _foreign(out, key, lock[key])):
            continue
        path.unlink(missing_ok=True)
        del lock[key]
        removed.append(key)
    if removed:
        write_lock(out, lock)
    return removed


def _playable(path: Path) -> bool:
    try:
        with wave.open(str(path), "rb") as file:
            return (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
    except (wave.Error, EOFError):
        return False


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)
