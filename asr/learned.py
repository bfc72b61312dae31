"""A learned model of categories: linear over pieces of one to three characters, kept as plain arrays.

score(class) = sum of (1 + ln tf) * idf * weight over the pieces, divided by the Euclidean length of
(1 + ln tf) * idf: what scikit-learn calls sublinear TF-IDF with a linear model. asr.learned_train makes it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from asr.classify_cold import grams, plain
from asr.errors import AsrError

Floats = npt.NDArray[np.float32]
Path3 = tuple[str, ...]

SIZES = (1, 2, 3)
ARRAYS, ABOUT = "model.npz", "model.json"
MAX_BYTES = 200_000_000
MAX_PIECES = 400_000
READ = 800
"""Characters of a text that count."""


class LearnedModelError(AsrError):
    """A learned model cannot be read; the text names the file and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a learned model is."""

    version: str  # when it was trained and of what, e.g. "20261122-1a2b3c4d"
    taxonomy: str  # version of the taxonomy whose names it gives
    trained_on: int  # messages
    tops: tuple[str, ...]  # the names of level 1 that it knows, in the order of the columns
    paths: tuple[tuple[str, ...], ...]  # deeper paths that it knows, in the order of the columns; may be ()
    sharpness: float  # scores are multiplied by it before they become chances
    deep_sharpness: float  # the same for deeper paths
    learned_share: float  # how much its logarithms count beside the cold ones
    cold_share: float  # how much those of the cold classifier count
    new_share: float  # what is left of the cold chance of a level 1 that it does not know
    checked: Mapping[str, float]  # how it did on what was kept aside
    pieces: tuple[str, ...]  # the vocabulary, in the order of the rows
    digest: str = ""  # SHA-256 of the arrays' file


@dataclass(frozen=True, slots=True)
class Learned:
    """What the model says of one text."""

    tops: npt.NDArray[np.float64]  # chance of every known level 1; sums to 1
    paths: npt.NDArray[np.float64]  # chance of every known deeper path; sums to 1, or empty
    surprised: bool  # nothing it knows speaks for the text


@dataclass(frozen=True)
class LearnedModel:
    """Weights of pieces; keeps nothing of any call."""

    about: About
    idf: Floats  # (pieces)
    weights: Floats  # (pieces, level-1 names)
    bias: Floats  # (level-1 names)
    deep: Floats  # (pieces, deeper paths)
    deep_bias: Floats  # (deeper paths)

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {piece: row for row, piece in enumerate(self.about.pieces)}

    def judge(self, text: str) -> Learned | None:
        """Return what the model says, None where it knows no piece of the text."""
        counted = Counter(grams(plain(text[:READ]), SIZES))
        known = self._rows
        found = [(row, times) for piece, times in counted.items() if (row := known.get(piece)) is not None]
        if not found:
            return None
        rows = np.fromiter((row for row, _ in found), dtype=np.int64, count=len(found))
        values = np.fromiter(
            (1.0 + math.log(times) for _, times in found), dtype=np.float32, count=len(found)
        )
        values *= self.idf[rows]
        values /= float(np.linalg.norm(values))
        scores = values @ self.weights[rows] + self.bias
        paths = values @ self.deep[rows] + self.deep_bias if self.about.paths else self.deep_bias
        return Learned(
            _chances(scores, self.about.sharpness),
            _chances(paths, self.about.deep_sharpness),
            bool(scores.max() < 0),
        )

    def save(self, folder: Path) -> None:
        """Write the model into a folder that is made; the description is written last."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = folder / ARRAYS
        half = np.float16
        np.savez_compressed(
            arrays,
            idf=self.idf,
            weights=self.weights.astype(half),
            bias=self.bias,
            deep=self.deep.astype(half),
            deep_bias=self.deep_bias,
        )
        about = asdict(self.about) | {"digest": hashlib.sha256(arrays.read_bytes()).hexdigest()}
        written = folder / f"{ABOUT}.new"
        written.write_text(json.dumps(about, ensure_ascii=False), "utf-8")
        written.replace(folder / ABOUT)

    @classmethod
    def load(cls, folder: Path) -> LearnedModel:
        """Read a model; nothing in it is executed. Raises LearnedModelError."""
        remedy = "go back to another version with hotline learn back, or train again"
        try:
            for name in (ABOUT, ARRAYS):
                if (folder / name).stat().st_size > MAX_BYTES:
                    raise LearnedModelError(f"{folder / name}: more than {MAX_BYTES} bytes; {remedy}")
            about = msgspec.json.decode((folder / ABOUT).read_bytes(), type=About)
            raw = (folder / ARRAYS).read_bytes()
            if hashlib.sha256(raw).hexdigest() != about.digest:
                raise LearnedModelError(f"{folder / ARRAYS}: is not the file it was; {remedy}")
            with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
                found = {name: arrays[name].astype(np.float32) for name in arrays.files}
        except (OSError, ValueError, msgspec.MsgspecError, EOFError) as error:
            raise LearnedModelError(f"{folder}: cannot be read ({type(error).__name__}); {remedy}") from error
        model = _checked(folder, about, found)
        if model is None:
            raise LearnedModelError(f"{folder}: its parts do not fit together; {remedy}")
        return model


def _checked(folder: Path, about: About, arrays: Mapping[str, Any]) -> LearnedModel | None:
    pieces, tops, paths = len(about.pieces), len(about.tops), len(about.paths)
    shapes = {
        "idf": (pieces,),
        "weights": (pieces, tops),
        "bias": (tops,),
        "deep": (pieces if paths else 0, paths),
        "deep_bias": (paths,),
    }
    if not 0 < pieces <= MAX_PIECES or not tops or len(set(about.pieces)) != pieces:
        return None
    for name, shape in shapes.items():
        if name not in arrays or arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
            return None
    return LearnedModel(about, **{name: arrays[name] for name in shapes})


def _chances(scores: npt.NDArray[Any], sharpness: float) -> npt.NDArray[np.float64]:
    if not len(scores):
        return np.zeros(0)
    sharp = scores.astype(np.float64) * sharpness
    powers = np.exp(sharp - sharp.max())
    result: npt.NDArray[np.float64] = powers / powers.sum()
    return result


def mixed(
    about: About, cold: Sequence[float], names: Sequence[str], learned: Learned
) -> npt.NDArray[np.float64]:
    """Return the chances of all level-1 names, from the cold ones and the learned ones.

    Names that the model knows: the weighted sum of logarithms; others keep `new_share` of their cold chance
    (its square root where the model is surprised).
    """
    chances = np.asarray(cold, dtype=np.float64)
    place = {name: column for column, name in enumerate(about.tops)}
    known = np.array([name in place for name in names])
    if not known.any():
        return chances
    said = np.array([learned.tops[place[name]] if name in place else 1.0 for name in names])
    scores = about.learned_share * np.log(said + 1e-6) + about.cold_share * np.log(chances + 1e-3)
    powers = np.where(known, np.exp(scores - scores[known].max()), 0.0)
    left = math.sqrt(about.new_share) if learned.surprised else about.new_share
    new = float(chances[~known].sum()) * left
    old = max(float(chances[known].sum()), 0.05)
    share = old / (old + new)
    result: npt.NDArray[np.float64] = powers / powers.sum() * share
    if new:
        result = np.where(known, result, chances * left / new * (1.0 - share))
    return result
