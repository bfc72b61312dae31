"""Adapted models on this disk: which there are, which one is used, and going back to the one before.

They stand beside the model that they were made of, in `<model>-adapted/`: a folder for each, and the link
`active`, which is replaced in one step. A process that dies half-way leaves the link as it was.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec
import numpy as np

from asr.errors import AsrError
from asr.graph import half_sizes
from asr.lm_ngram import Trigrams

log = logging.getLogger(__name__)

SEAL = ".hotline-adapted.json"
WORDS = ".hotline-words.npz"
"""In an adapted model's folder: the city's share of its language half, `asr.lm_ngram.Trigrams`."""
ACTIVE = "active"
_VERSION = re.compile(r"v(\d{1,6})")


class AdaptError(AsrError):
    """The language model cannot be adapted; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What one character costs a language model, in bits: less is better."""

    city: float  # in sentences of this city that were kept out of learning
    general: float  # in sentences that have nothing to do with a hotline


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """How an adapted model came to be; kept in its folder."""

    made_at: float  # epoch seconds
    names: int  # of the gazetteer
    texts: int  # sentences that were brought
    sentences: int  # that it learnt from, drawn ones included
    skipped: int  # sentences with characters that the model does not know
    weight: float  # share of the city's words in the language half
    before: Scores  # of the model that it was made of
    after: Scores
    heard: str  # what the adapted model made of a recording of speech that comes with the product
    halves: Mapping[str, int]  # files that it was made of -> bytes
    graph_bytes: int  # of HCLG.fst


def adapted_beside(model: Path) -> Path:
    """Where the adapted models of a model stand."""
    return model.with_name(f"{model.name}-adapted")


def read_seal(folder: Path) -> Adapted | None:
    """Return how an adapted model came to be, None where the folder is none or is not whole."""
    try:
        seal = msgspec.json.decode((folder / SEAL).read_bytes(), type=Adapted)
        whole = (folder / "graph" / "HCLG.fst").stat().st_size == seal.graph_bytes
    except (OSError, msgspec.MsgspecError):
        return None
    return seal if whole else None


def write_words(folder: Path, domain: Trigrams) -> None:
    """Keep the city's share of the language half in an adapted model's folder, to compare the next with."""
    arrays = {each.name: getattr(domain, each.name) for each in fields(Trigrams)}
    with (folder / WORDS).open("wb") as out:
        np.savez_compressed(out, **arrays)


def read_words(folder: Path) -> Trigrams | None:
    """Return the city's share of an adapted model's language half, None where the file is not whole."""
    try:
        with np.load(folder / WORDS, allow_pickle=False) as arrays:
            return Trigrams(**{each.name: arrays[each.name] for each in fields(Trigrams)})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        log.warning("the model in use is not compared with", extra={"error": type(error).__name__})
        return None


def versions(model: Path) -> dict[int, Path]:
    """Return the whole adapted models of a model by number, the oldest first."""
    place = adapted_beside(model)
    try:
        sizes = half_sizes(model)
        folders = sorted(place.iterdir())
    except OSError:
        return {}
    found: dict[int, Path] = {}
    for folder in folders:
        match, seal = _VERSION.fullmatch(folder.name), read_seal(folder)
        if match and seal is not None and seal.halves == sizes:
            found[int(match[1])] = folder
    return dict(sorted(found.items()))


def active(model: Path) -> Path | None:
    """Return the adapted model that is used in place of `model`, None where there is none."""
    try:
        name = (adapted_beside(model) / ACTIVE).readlink().name
    except OSError:
        return None
    return next((folder for folder in versions(model).values() if folder.name == name), None)


def publish(new: Path, model: Path) -> Path:
    """Move a finished folder among the adapted models, use it, keep the one before; return its place."""
    place = adapted_beside(model)
    before = active(model)
    number = max((int(match[1]) for each in place.iterdir() if (match := _VERSION.fullmatch(each.name))),
                 default=0) + 1  # fmt: skip
    target = place / f"v{number:04d}"
    new.rename(target)
    _use(place, target.name)
    for folder in place.iterdir():
        if _VERSION.fullmatch(folder.name) and folder not in (target, before):
            shutil.rmtree(folder)
    return target


def back(model: Path) -> Path | None:
    """Use the adapted model from before the active one; None: the model itself is used again.

    Raises:
        AdaptError: no adapted model is in use.
    """
    current = active(model)
    if current is None:
        raise AdaptError(f"{model}: no adapted model is in use, there is nothing to go back from")
    place = adapted_beside(model)
    older = [folder for folder in versions(model).values() if folder.name < current.name]
    if not older:
        (place / ACTIVE).unlink()
        return None
    _use(place, older[-1].name)
    return older[-1]


def _use(place: Path, name: str) -> None:
    link = place / f".{ACTIVE}-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    link.replace(place / ACTIVE)
