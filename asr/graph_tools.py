"""OpenFst's programs: what they need to run, and running them one after the other or in a pipe."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from asr.errors import AsrError
from asr.fetch import Progress

PROGRAMS = ("fstsymbols", "fstprint", "fstcompile", "fstarcsort", "fstcompose", "fstrelabel", "fstconnect",
            "fstconvert")  # fmt: skip
STEP_S = 1800.0
NICE = 10
DIGITS = "digits"
"""Name of the folder inside a composed model that hears nothing but numbers."""


class GraphError(AsrError):
    """A graph cannot be composed here; the message says why and what to do."""


class Tools(Protocol):
    """OpenFst's programs with their plugins for n-gram and look-ahead graphs."""

    def command(self, program: str) -> list[str]:
        """The beginning of the command line that runs a program."""

    def env(self) -> Mapping[str, str]:
        """Environment variables that the programs need, plugins included."""


class FstRunner:
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


def search_graph(model: Path, work: Path, tools: Tools, progress: Progress) -> None:
    """Make `HCLG.fst` in `work` of a model's sounds and the language half in `G.txt`, which it consumes.

    `G.txt` has OpenFst's text form with the model's word numbers for labels.

    Raises:
        GraphError: a tool failed.
    """
    halves = model / "graph"
    fst = FstRunner(tools, work)
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


def link_parts(model: Path, new: Path, stands_at: Path) -> None:
    """Link all of `model` but its graph into the folder `new`, which will be renamed to `stands_at`."""
    for part in sorted(model.iterdir()):
        if part.name not in ("graph", DIGITS) and not part.name.startswith("."):
            (new / part.name).symlink_to(os.path.relpath(part, stands_at))
    phones = os.path.relpath(model / "graph" / "phones", stands_at / "graph")
    (new / "graph" / "phones").symlink_to(phones)
