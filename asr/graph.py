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
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import msgspec

from asr.errors import AsrError
from asr.fetch import Progress

SEAL = ".hotline-graph.json"
"""In a composed model's folder: of which halves it was made, and how long the graph is."""
PROGRAMS = ("fstsymbols", "fstprint", "fstcompile", "fstarcsort", "fstcompose", "fstrelabel", "fstconnect",
            "fstconvert")  # fmt: skip
NEEDS_DISK = 1_300_000_000
"""Bytes that composing the small Chinese model takes at most, its intermediate files included."""
NEEDS_MEMORY = 1_600_000_000
"""Bytes of memory that it takes at most (measured: 1.16 GB)."""
STEP_S = 1800.0
NICE = 10


class GraphError(AsrError):
    """A graph cannot be composed here; the message says why and what to do."""


class Tools(Protocol):
    """OpenFst's programs with their plugins for n-gram and look-ahead graphs."""

    def command(self, program: str) -> list[str]:
        """The beginning of the command line that runs a program."""

    def env(self) -> Mapping[str, str]:
        """Environment variables that the programs need, plugins included."""


def composed_beside(model: Path) -> Path:
    """Where the composed form of a model stands: a folder of its own beside it."""
    return model.with_name(f"{model.name}-composed")


def is_composed_of(folder: Path, model: Path) -> bool:
    """Whether `folder` is a whole composed form of `model` as it is now."""
    try:
        seal = msgspec.json.decode((folder / SEAL).read_bytes(), type=_Seal)
        whole = (folder / "graph" / "HCLG.fst").stat().st_size == seal.graph_bytes
        return whole and seal.halves == _sizes(model)
    except (OSError, msgspec.MsgspecError):
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seal:
    halves: Mapping[str, int]  # file of the model -> bytes
    sha256: Mapping[str, str]  # file of the model -> its SHA-256, for people who compare
    graph_bytes: int  # of HCLG.fst


_HALVES = ("graph/Gr.fst", "graph/HCLr.fst", "graph/disambig_tid.int")


def _sizes(model: Path) -> dict[str, int]:
    return {name: (model / name).stat().st_size for name in _HALVES}


def compose(
    model: Path,
    tools: Tools,
    progress: Progress,
    *,
    into: Path | None = None,
    free_memory: Callable[[], int | None] = lambda: _available_memory(),
) -> Path:
    """Compose the graph of a model folder and return the new model's folder; takes one to three minutes.

    The new folder (default: `composed_beside`) links to the model's other parts; it appears only when it is
    whole, and replaces an older one. `progress` is called with each step and the share of all steps done.

    Raises:
        GraphError: the model has no halves to compose, tools, space or memory are missing, or a tool failed.
    """
    target = into or composed_beside(model)
    try:
        _sizes(model)
    except OSError as error:
        raise GraphError(f"{model}: {Path(error.filename or '').name} is missing: name a Vosk model of two "
                         "halves (small models are)") from error  # fmt: skip
    if is_composed_of(target, model):
        progress("the graph is composed already", 1.0)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(target.parent).free) < NEEDS_DISK:
        raise GraphError(
            f"{target.parent}: {free >> 20} MiB free, composing needs {NEEDS_DISK >> 20}: make room"
        )
    if (memory := free_memory()) is not None and memory < NEEDS_MEMORY:
        raise GraphError(
            f"{memory >> 20} MiB of memory are free, composing needs {NEEDS_MEMORY >> 20}: try again when "
            "the machine is less busy, or compose on another one and copy the folder"
        )
    with _lock(target), tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as work:
        _work(model, Path(work), tools, progress)
        _publish(model, Path(work), target)
    progress("the graph is composed", 1.0)
    return target


def _work(model: Path, work: Path, tools: Tools, progress: Progress) -> None:
    """Write `words.txt` and `HCLG.fst` into `work`."""
    halves = model / "graph"
    fst = _Fst(tools, work)
    progress("words of the language model", 0.0)
    fst.run(["fstsymbols", "--save_osymbols=words.txt", str(halves / "Gr.fst"), os.devnull])
    progress("language half", 0.02)
    fst.pipe(
        (["fstsymbols", "--clear_isymbols", "--clear_osymbols", str(halves / "Gr.fst")], ["fstprint"]),
        "G.txt",
    )
    fst.pipe((["fstcompile", "G.txt"], ["fstarcsort", "--sort_type=ilabel"]), "G.fst")
    (work / "G.txt").unlink()
    progress("composing", 0.15)
    fst.run(["fstcompose", str(halves / "HCLr.fst"), "G.fst", "raw.fst"])
    (work / "G.fst").unlink()
    progress("removing labels that only composing needed", 0.7)
    labels = (halves / "disambig_tid.int").read_text(encoding="ascii").split()
    (work / "pairs.txt").write_text("".join(f"{label} 0\n" for label in labels), encoding="ascii")
    fst.pipe(
        (
            ["fstrelabel", "--relabel_ipairs=pairs.txt", "raw.fst"],
            ["fstconnect"],
            ["fstarcsort", "--sort_type=ilabel"],
            ["fstconvert", "--fst_type=const", "--fst_align=true"],
        ),
        "HCLG.fst",
    )
    (work / "raw.fst").unlink()
    progress("looking at the result", 0.97)
    if (work / "HCLG.fst").stat().st_size < 1_000_000 or (work / "words.txt").stat().st_size < 1000:
        raise GraphError("the composed graph is next to empty: the model's halves do not fit together")


def _publish(model: Path, work: Path, target: Path) -> None:
    """Build the new model's folder beside its place and rename it there."""
    new = work / "model"
    (new / "graph").mkdir(parents=True)
    for name in ("HCLG.fst", "words.txt"):
        (work / name).rename(new / "graph" / name)
    for part in sorted(model.iterdir()):
        if part.name != "graph" and not part.name.startswith("."):
            (new / part.name).symlink_to(os.path.relpath(part, target))
    (new / "graph" / "phones").symlink_to(os.path.relpath(model / "graph" / "phones", target / "graph"))
    hashes = {name: _sha256(model / name) for name in _HALVES}
    size = (new / "graph" / "HCLG.fst").stat().st_size
    seal = _Seal(halves=_sizes(model), sha256=hashes, graph_bytes=size)
    (new / SEAL).write_bytes(msgspec.json.encode(seal))
    if target.exists():
        target.rename(work / "replaced")
    new.rename(target)


class _Fst:
    """Runs the tools in one folder, politely, and says what they complained of."""

    def __init__(self, tools: Tools, folder: Path) -> None:
        self._tools = tools
        self._folder = folder
        self._env = os.environ | dict(tools.env())

    def run(self, command: Sequence[str]) -> None:
        """Run one program. Raises GraphError."""
        self.pipe((command,), None)

    def pipe(self, commands: Sequence[Sequence[str]], output: str | None) -> None:
        """Run programs, each reading what the one before writes. Raises GraphError."""
        with contextlib.ExitStack() as files:
            said = files.enter_context(tempfile.TemporaryFile())
            out: IO[bytes] | int = subprocess.DEVNULL
            if output is not None:
                out = files.enter_context((self._folder / output).open("wb"))
            running: list[subprocess.Popen[bytes]] = []
            try:
                for number, (program, *arguments) in enumerate(commands, 1):
                    last = number == len(commands)
                    source = running[-1].stdout if running else subprocess.DEVNULL
                    running.append(
                        subprocess.Popen(
                            ["nice", "-n", str(NICE), *self._tools.command(program), *arguments],
                            stdin=source,
                            stdout=out if last else subprocess.PIPE,
                            stderr=said,
                            cwd=self._folder,
                            env=self._env,
                        )
                    )
                    if source is not None and not isinstance(source, int):
                        source.close()  # so that the writer notices when its reader dies
                statuses = [process.wait(STEP_S) for process in running]
            except subprocess.TimeoutExpired:
                raise GraphError(
                    f"{commands[-1][0]} did not end in {STEP_S:.0f} s: use a faster machine"
                ) from None
            finally:
                for process in running:
                    if process.poll() is None:
                        process.kill()
                        process.wait()
            if any(statuses):
                said.seek(0)
                words = said.read(2000).decode(errors="replace").strip().splitlines()
                names = " | ".join(command[0] for command in commands)
                raise GraphError(f"{names} failed: {words[-1] if words else 'it says nothing'}")


@contextlib.contextmanager
def _lock(target: Path) -> Iterator[None]:
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


def _available_memory() -> int | None:
    """Bytes of memory that could be had now; None where nobody says. Source: proc(5), MemAvailable."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None
