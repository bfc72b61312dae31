"""The prompts' recordings on this server: as published, or as they came with the program.

Files lie in one folder that Asterisk reads. An edition of a prompt holds text and recording, and every server
puts the recording into its own folder.
"""

from __future__ import annotations

import tempfile
import threading
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from cti.edition_set import PROMPT, prompt_of
from cti.editions import Change, Edition, EditionRefused
from ivr_flows.audio import AudioError, encode_wav, read_wav, shape
from ivr_flows.kokoro import Kokoro, Spoken, SynthesisError
from ivr_flows.speech import MANIFEST, Prompt, PromptError, load_manifest, spell_digits
from ivr_flows.synthesis import Synthesiser, place, read_lock

__all__ = ["UPLOAD_MAX", "PromptShelf", "PromptView", "prompt_text"]

UPLOAD_MAX = 16 * 1024 * 1024
"""bytes of a recording that is uploaded: a minute at 48 kHz in stereo, with room to spare"""


class PromptView(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt as the administration pages show it."""

    key: str  # as flows name it
    text: str  # what is said
    note: str  # for those who record it
    seconds: float  # of the recording; 0: there is none
    recorded_by: str  # person, kokoro, or "" when nobody knows
    number: int  # newest edition; 0: as it came with the program


def prompt_text(prompt: Prompt) -> str:
    """What an edition of a prompt holds as its text: YAML of what differs from the defaults."""
    values = {key: value for key, value in msgspec.to_builtins(prompt).items() if value is not None}
    return msgspec.yaml.encode(values).decode()


class PromptShelf:
    """The recordings in one folder; its methods read and write files: not on the event loop."""

    def __init__(
        self, folder: Path, *, shipped: Path = MANIFEST, synthesiser: Synthesiser | None = None
    ) -> None:
        self._folder = folder
        self._shipped = shipped
        self._synthesiser = synthesiser
        self._speaking = threading.Lock()
        self._taken: dict[str, int] = {}

    @property
    def can_speak(self) -> bool:
        """Whether a synthesiser is installed here, so that nothing needs to be fetched."""
        return self._synthesiser is not None or Kokoro().ready

    def views(self, newest: Mapping[str, Edition]) -> list[PromptView]:
        """Every prompt that there is, in the manifest's order, published ones of their own at the end.

        Raises PromptError: manifest or lock cannot be used.
        """
        lock = read_lock(self._folder)
        prompts = dict(load_manifest(self._shipped).prompts)
        numbers: dict[str, int] = {}
        for kind, edition in newest.items():
            if (found := PROMPT.fullmatch(kind)) and not edition.removed:
                prompts[found[1]] = prompt_of(edition.text)
                numbers[found[1]] = edition.number
        return [
            PromptView(
                key=key,
                text=prompt.text,
                note=prompt.note or "",
                seconds=round(_seconds(self.file(key)), 2),
                recorded_by=lock[key].recorded_by if key in lock else "",
                number=numbers.get(key, 0),
            )
            for key, prompt in prompts.items()
        ]

    def file(self, key: str) -> Path:
        """Where the recording of a prompt lies, or would."""
        return self._folder / f"{key}.wav"

    def baseline(self, changes: Sequence[Change], newest: Mapping[str, Edition]) -> list[Change]:
        """Prompts that are about to be changed for the first time, as they are now."""
        shipped = load_manifest(self._shipped).prompts
        found = []
        for change in changes:
            named = PROMPT.fullmatch(change.kind)
            if named and change.kind not in newest and named[1] in shipped:
                path = self.file(named[1])
                audio = path.read_bytes() if path.is_file() else None
                found.append(
                    Change(kind=change.kind, text=prompt_text(shipped[named[1]]), base=0, audio=audio)
                )
        return found

    def has(self, kind: str, edition: int) -> bool:
        """Whether this server has put the recording of this edition (its id) into the folder."""
        return self._taken.get(kind) == edition and self.file(kind.partition(":")[2]).is_file()

    def take(self, kind: str, edition: int, text: str, wav: bytes) -> None:
        """Put the recording of an edition into the folder, unless the same lies there.

        Raises OSError, PromptError, SynthesisError: it cannot be put there now.
        """
        key = kind.partition(":")[2]
        path = self.file(key)
        if not path.is_file() or path.read_bytes() != wav:
            self._folder.mkdir(parents=True, exist_ok=True)
            place(self._folder, key, prompt_of(text).text, wav)
        self._taken[kind] = edition

    def shaped(self, raw: bytes, prompt: Prompt) -> bytes:
        """An uploaded WAV as the telephone plays it: 8 kHz mono, cut to its speech, levelled.

        Raises EditionRefused: it cannot be used.
        """
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            file.write(raw)
            file.flush()
            try:
                samples, rate = read_wav(Path(file.name))
                return encode_wav(shape(samples, rate, fragment=prompt.fragment))
            except AudioError as error:
                raise EditionRefused(
                    str(error).replace(file.name, "the recording"), shown=_shown(str(error)), field="audio"
                ) from None

    def spoken(self, key: str, prompt: Prompt) -> bytes:
        """The text as the synthesiser reads it.

        Raises EditionRefused: there is none here, it is busy, or it failed.
        """
        if not self.can_speak:
            raise EditionRefused(
                "no synthesiser is installed",
                shown="本机没有安装语音合成（运行 hotline prompts build 可安装）",
            )
        if not self._speaking.acquire(blocking=False):
            raise EditionRefused("the synthesiser is busy", shown="语音合成正忙，请稍后再试")
        try:
            voice = self._synthesiser or Kokoro()
            shipped = load_manifest(self._shipped)
            line = Spoken(
                key=key,
                text=prompt.text,
                spelling=spell_digits(prompt.say or prompt.text),
                voice=prompt.voice or shipped.voice,
                fragment=prompt.fragment,
                style=prompt.style,
                speed=prompt.speed,
            )
            samples = next(iter(voice.speak([line])))[1]
            return encode_wav(shape(samples, voice.rate, fragment=prompt.fragment))
        except (SynthesisError, AudioError, PromptError, StopIteration) as error:
            raise EditionRefused(str(error), shown="语音合成失败，请查看服务器日志") from error
        finally:
            self._speaking.release()


def _seconds(path: Path) -> float:
    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (OSError, wave.Error, EOFError):
        return 0.0


_REASONS = {
    "not a PCM WAV": "不是 PCM 编码的 WAV 文件",
    "no speech": "录音里没有声音，或声音太小",
    "s long": "录音须为 0.1 至 60 秒",
    "Hz;": "采样率须为 8000 至 192000 Hz",
    "bits a sample": "每个采样须为 8、16、24 或 32 位",
    "bytes;": "文件太大",
}


def _shown(error: str) -> str:
    return next((words for part, words in _REASONS.items() if part in error), "录音不能用")
