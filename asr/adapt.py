"""Adapting a model to a city: its names and words become part of the composed graph that recognisers search.

The model's language half is printed, mixed with one learnt from the city's words (`asr.adapt_learn`),
composed like any other (`asr.graph`) and tried on a recording of speech before anybody may use it. Nothing
that is in use is touched before that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

import msgspec

from asr.adapt_learn import WEIGHT, Learnt, Material, learn, lexicon_of, refusal
from asr.adapt_store import (
    SEAL,
    Adapted,
    AdaptError,
    active,
    adapted_beside,
    publish,
    read_seal,
    read_words,
    write_words,
)
from asr.fetch import Progress
from asr.graph import available_memory, half_sizes, locked, require_room
from asr.graph_digits import add_digits
from asr.graph_tools import FstRunner, Tools, link_parts, search_graph
from asr.lm_fst import read, write
from asr.lm_ngram import Trigrams

NEEDS_DISK = 1_900_000_000
"""Bytes that adapting takes at most, its intermediate files included."""
NEEDS_MEMORY = 1_900_000_000
"""Bytes of memory that it takes at most."""
TRIAL_S = 300.0
"""How long a first hearing may take, loading included."""

Hear = Callable[[Path], str]
"""Returns what a model folder makes of the recording of speech that comes with the product."""


def adapt(
    model: Path,
    tools: Tools,
    material: Material,
    progress: Progress,
    *,
    now: float,
    out: Path | None = None,
    force: bool = False,
    hear: Hear = lambda folder: first_hearing(folder),
    free_memory: Callable[[], int | None] = available_memory,
) -> tuple[Path, Adapted]:
    """Adapt the model to the city; return the new model's folder and how it came to be.

    The new model is used from the recognisers' next start on, and the one before is kept. With `out` it
    is written there instead, complete in itself, and nothing else changes. Takes two to five minutes.
    `force`: replace the adapted model in use although that one knows the city's sentences better.

    Raises:
        AdaptError: it is not better than what is in use, it hears nothing, or `out` holds something else.
        GraphError: the model has no halves, tools, space or memory are missing, or a tool failed.
    """
    place = adapted_beside(model) if out is None else out.parent
    if out is not None and out.exists() and read_seal(out) is None and any(out.iterdir()):
        raise AdaptError(f"{out}: holds something that is no adapted model: name an empty or a new folder")
    try:
        halves = half_sizes(model)
    except OSError as error:
        raise AdaptError(f"{model}: {Path(error.filename or '').name} is missing: name a Vosk model of two "
                         "halves (small models are)") from error  # fmt: skip
    place.mkdir(parents=True, exist_ok=True)
    require_room(place, NEEDS_DISK, NEEDS_MEMORY, free_memory())
    prefix = f".{(out or place).name}-work-"
    with locked(out or place):
        for left in place.glob(f"{prefix}*"):  # of a run that was killed
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(dir=place, prefix=prefix) as folder:
            work = Path(folder)
            current = active(model) if out is None and not force else None
            seal = read_seal(current) if current is not None else None
            used = read_words(current) if current is not None else None
            learnt = _language_half(model, work, tools, material, used, progress)
            names = len(material.entries)
            if (why := refusal(learnt, names=names, names_before=seal.names if seal else 0)) is not None:
                raise AdaptError(f"the adapted model is not better and is not used: {why}")
            search_graph(model, work, tools, progress)
            new = place / f"{prefix}new"  # as deep as where it will stand, or its links lead nowhere
            try:
                _assemble(model, work, tools, new, whole=out is not None)
                progress("listening with it for the first time", 0.95)
                if not (heard := hear(new).strip()):
                    raise AdaptError("the adapted model understands nothing of clear speech and is not used")
                write_words(new, learnt.domain)
                made = _described(learnt, material, now, heard, halves, new)
                (new / SEAL).write_bytes(msgspec.json.encode(made))
                if out is None:
                    target = publish(new, model)
                else:
                    if out.exists():
                        out.rename(work / "replaced")
                    target = new.rename(out)
            finally:
                if new.exists():
                    shutil.rmtree(new)
    progress("the model is adapted", 1.0)
    return target, made


def _language_half(
    model: Path, work: Path, tools: Tools, material: Material, used: Trigrams | None, progress: Progress
) -> Learnt:
    """Write the mixture's `G.txt` and `words.txt` into `work`; `used`: the city's share in what is in use."""
    fst = FstRunner(tools, work)
    half = str(model / "graph" / "Gr.fst")
    progress("reading the model's language half", 0.0)
    fst.run(["fstsymbols", "--save_osymbols=words.txt", half, os.devnull])
    fst.pipe((["fstsymbols", "--clear_isymbols", "--clear_osymbols", half], ["fstprint"]), "general.txt")
    with (work / "general.txt").open(encoding="ascii") as lines:
        general = read(lines)
    (work / "general.txt").unlink()
    words = lexicon_of((work / "words.txt").read_text("utf-8").splitlines(), general)
    progress("learning the city's words", 0.06)
    learnt = learn(material, words, general, current=used)
    progress("writing the mixture", 0.12)
    with (work / "G.txt").open("w", encoding="ascii") as out:
        write(learnt.model, out)
    return learnt


def _assemble(model: Path, work: Path, tools: Tools, new: Path, *, whole: bool) -> None:
    """Build the new model's folder; `whole`: with copies of the model's parts in place of links to them."""
    (new / "graph").mkdir(parents=True)
    for name in ("HCLG.fst", "words.txt"):
        (work / name).rename(new / "graph" / name)
    if whole:
        for part in sorted(model.iterdir()):
            if part.name != "graph" and not part.name.startswith("."):
                if part.is_dir():
                    shutil.copytree(part, new / part.name)
                else:
                    shutil.copy2(part, new / part.name)
        shutil.copytree(model / "graph" / "phones", new / "graph" / "phones")
    else:
        link_parts(model, new, new)
    add_digits(new, model, work, tools)


def _described(
    learnt: Learnt, material: Material, now: float, heard: str, halves: dict[str, int], new: Path
) -> Adapted:
    return Adapted(
        made_at=now,
        names=len(material.entries),
        texts=learnt.texts,
        sentences=learnt.sentences,
        skipped=learnt.skipped,
        weight=WEIGHT,
        before=learnt.before,
        after=learnt.after,
        heard=heard,
        halves=halves,
        graph_bytes=(new / "graph" / "HCLG.fst").stat().st_size,
    )


def first_hearing(folder: Path) -> str:
    """Return what the model in `folder` makes of our recording of speech; "" where it cannot even be loaded.

    In a process of its own: the engine ends the whole process over a graph that it cannot read.
    """
    with as_file(files("asr") / "data" / "warm.wav") as recording:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "asr.adapt", str(folder.resolve()), str(recording)],
                capture_output=True,
                timeout=TRIAL_S,
                check=False,
                text=True,
            )
        except subprocess.TimeoutExpired:
            return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _hear(folder: Path, recording: Path) -> str:
    from asr.model import FoundModel
    from asr.recogniser import load_model
    from asr.transcribe import read_wav, transcribe

    recognisers = load_model(FoundModel(path=folder, source="setting", composed=True))
    return "".join(sentence.verbatim for sentence in transcribe(read_wav(recording), recognisers))


if __name__ == "__main__":
    sys.stdout.write(_hear(Path(sys.argv[1]), Path(sys.argv[2])))
