"""The search graph, composed ahead of time: recognisers then cost next to nothing and do not grow.

Vosk's small models bring two halves of a graph (`HCLr.fst`: sounds to words; `Gr.fst`: which words follow
which) and compose them while they listen; the cache of that is what makes every recogniser grow. Composed
once with OpenFst's own tools, the whole graph is read into memory that all workers share.

The way (OpenFst's tools; which labels must vanish: `disambig_tid.int` of the model, as in Kaldi's mkgraph):
the language half is printed without its symbols and compiled again, composed with the sounds' half, the
disambiguation labels on its input side become epsilon, and the result is stored as a constant, aligned graph.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from asr.fetch import Progress
from asr.graph_digits import add_digits, digits_are_whole
from asr.graph_tools import FstRunner, GraphError, Tools, link_parts, search_graph

SEAL = ".hotline-graph.json"
"""In a composed model's folder: of which halves it was made, and how long the graph is."""
NEEDS_DISK = 1_300_000_000
"""Bytes that composing the small Chinese model takes at most, its intermediate files included."""
NEEDS_MEMORY = 1_600_000_000
"""Bytes of memory that it takes at most (measured: 1.16 GB)."""


def composed_beside(model: Path) -> Path:
    """Where the composed form of a model stands: a folder of its own beside it."""
    return model.with_name(f"{model.name}-composed")


def halves_of(model: Path) -> Path:
    """Return the model of two halves that a composed or adapted one was made of; the same for a plain one."""
    if (model / "graph" / "Gr.fst").is_file():
        return model
    plain = (model / "am").resolve().parent  # composed models link to the other parts
    return plain if (plain / "graph" / "Gr.fst").is_file() else model


def is_composed_of(folder: Path, model: Path) -> bool:
    """Whether `folder` is a whole composed form of `model` as it is now."""
    try:
        seal = msgspec.json.decode((folder / SEAL).read_bytes(), type=_Seal)
        whole = (folder / "graph" / "HCLG.fst").stat().st_size == seal.graph_bytes
        return whole and seal.halves == half_sizes(model)
    except (OSError, msgspec.MsgspecError):
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seal:
    halves: Mapping[str, int]  # file of the model -> bytes
    sha256: Mapping[str, str]  # file of the model -> its SHA-256, for people who compare
    graph_bytes: int  # of HCLG.fst


_HALVES = ("graph/Gr.fst", "graph/HCLr.fst", "graph/disambig_tid.int")


def half_sizes(model: Path) -> dict[str, int]:
    return {name: (model / name).stat().st_size for name in _HALVES}


def compose(
    model: Path,
    tools: Tools,
    progress: Progress,
    *,
    into: Path | None = None,
    free_memory: Callable[[], int | None] = lambda: available_memory(),
) -> Path:
    """Compose the graph of a model folder and return the new model's folder; takes one to three minutes.

    The new folder (default: `composed_beside`) links to the model's other parts; it appears only when it is
    whole, and replaces an older one. `progress` is called with each step and the share of all steps done.

    Raises:
        GraphError: the model has no halves to compose, tools, space or memory are missing, or a tool failed.
    """
    target = into or composed_beside(model)
    try:
        half_sizes(model)
    except OSError as error:
        raise GraphError(f"{model}: {Path(error.filename or '').name} is missing: name a Vosk model of two "
                         "halves (small models are)") from error  # fmt: skip
    if is_composed_of(target, model):
        if not digits_are_whole(target):
            progress("the graph of numbers", 0.9)
            with locked(target), tempfile.TemporaryDirectory(dir=target.parent, prefix=".digits-") as work:
                add_digits(target, model, Path(work), tools)
        progress("the graph is composed already", 1.0)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    require_room(target.parent, NEEDS_DISK, NEEDS_MEMORY, free_memory())
    with locked(target), tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as work:
        _work(model, Path(work), tools, progress)
        _publish(model, Path(work), target, tools)
    progress("the graph is composed", 1.0)
    return target


def require_room(folder: Path, disk: int, memory: int, free_memory: int | None) -> None:
    """Raise GraphError where the disk of `folder` or the machine's memory (bytes) has too little left."""
    if (free := shutil.disk_usage(folder).free) < disk:
        raise GraphError(f"{folder}: {free >> 20} MiB free, composing needs {disk >> 20}: make room")
    if free_memory is not None and free_memory < memory:
        raise GraphError(
            f"{free_memory >> 20} MiB of memory are free, composing needs {memory >> 20}: try again when "
            "the machine is less busy, or compose on another one and copy the folder"
        )


def _work(model: Path, work: Path, tools: Tools, progress: Progress) -> None:
    """Write `words.txt` and `HCLG.fst` into `work`."""
    grammar = model / "graph" / "Gr.fst"
    fst = FstRunner(tools, work)
    progress("words of the language model", 0.0)
    fst.run(["fstsymbols", "--save_osymbols=words.txt", str(grammar), os.devnull])
    progress("language half", 0.02)
    fst.pipe((["fstsymbols", "--clear_isymbols", "--clear_osymbols", str(grammar)], ["fstprint"]), "G.txt")
    search_graph(model, work, tools, progress)
    progress("looking at the result", 0.97)
    if (work / "HCLG.fst").stat().st_size < 1_000_000 or (work / "words.txt").stat().st_size < 1000:
        raise GraphError("the composed graph is next to empty: the model's halves do not fit together")


def _publish(model: Path, work: Path, target: Path, tools: Tools) -> None:
    """Build the new model's folder beside its place and rename it there."""
    new = work / "model"
    (new / "graph").mkdir(parents=True)
    for name in ("HCLG.fst", "words.txt"):
        (work / name).rename(new / "graph" / name)
    link_parts(model, new, target)
    hashes = {name: _sha256(model / name) for name in _HALVES}
    size = (new / "graph" / "HCLG.fst").stat().st_size
    seal = _Seal(halves=half_sizes(model), sha256=hashes, graph_bytes=size)
    (new / SEAL).write_bytes(msgspec.json.encode(seal))
    add_digits(new, model, work, tools)
    if target.exists():
        target.rename(work / "replaced")
    new.rename(target)


@contextlib.contextmanager
def locked(target: Path) -> Iterator[None]:
    """Keep two processes from composing at once; the kernel drops the lock when we die."""
    handle = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GraphError(f"{target}: another process composes it: wait for that one") from None
        yield
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def available_memory() -> int | None:
    """Bytes of memory that could be had now; None where nobody says. Source: proc(5), MemAvailable."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None
