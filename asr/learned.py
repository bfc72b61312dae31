"""A learned model of categories: linear over pieces of characters and words, kept as plain arrays.

score(class) = sum of value * weight over the pieces. A piece's value is (1 + ln tf) * idf, divided by the
Euclidean length of these in its block and times what the block counts (asr.learned_pieces): what scikit-learn
calls sublinear TF-IDF, one for each block, with a linear model. asr.learned_train makes it.
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

from asr.errors import AsrError
from asr.learned_pieces import BLOCKS, pieces_of

Floats = npt.NDArray[np.float32]

ARRAYS, ABOUT = "model.npz", "model.json"
MAX_BYTES = 200_000_000
MAX_PIECES = 400_000
FORM = 2
"""Of the pieces that a model sees; one of another form is not understood and must be trained again."""
MAX_DEEP = 20_000
"""So many pieces at most, the most frequent ones, speak for deeper paths."""


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
    form: int = 1  # what its pieces are; see FORM


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
    deep: Floats  # (the first pieces, deeper paths); the others do not speak for deeper paths
    deep_bias: Floats  # (deeper paths)

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {piece: row for row, piece in enumerate(self.about.pieces)}

    def judge(self, text: str) -> Learned | None:
        """Return what the model says, None where it knows no piece of the text."""
        known = self._rows
        rows_of: list[int] = []
        parts: list[npt.NDArray[np.float32]] = []
        for block, pieces in pieces_of(text).items():
            found = [
                (row, times)
                for piece, times in Counter(pieces).items()
                if (row := known.get(piece)) is not None
            ]
            if found:
                rows_of += [row for row, _ in found]
                part = np.array([1.0 + math.log(times) for _, times in found], dtype=np.float32)
                part *= self.idf[[row for row, _ in found]]
                parts.append(part * np.float32(BLOCKS[block] / float(np.linalg.norm(part))))
        if not parts:
            return None
        rows, values = np.array(rows_of, dtype=np.int64), np.concatenate(parts)
        scores = values @ self.weights[rows] + self.bias
        first = rows < len(self.deep)
        paths = values[first] @ self.deep[rows[first]] + self.deep_bias
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
        "deep": (min(pieces, MAX_DEEP) if paths else 0, paths),
        "deep_bias": (paths,),
    }
    if about.form != FORM or not 0 < pieces <= MAX_PIECES or not tops or len(set(about.pieces)) != pieces:
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
