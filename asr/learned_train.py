"""Trains a model of categories from messages whose category a person confirmed."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from asr.classify_cold import grams, plain
from asr.errors import AsrError
from asr.learned import READ, SIZES, About, Learned, LearnedModel, mixed
from asr.learned_noise import Noise, augmented
from asr.taxonomy import Taxonomy

MAX_ROWS = 200_000
MAX_LINE = 200_000
MAX_PIECES = 90_000
LEAST_ROWS = 20
"""Fewer messages teach nothing."""
LEAST_OF_PATH = 4
MAX_CHECKED = 1500
_DEEP_PIECES = 20_000

ColdChances = Callable[[str], Sequence[float]]
"""Chances of the taxonomy's level-1 names by the cold classifier."""


class TrainingError(AsrError):
    """What was to be learned from cannot be used; the text says which line and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One message with its category."""

    title: str  # may be ""
    body: str  # what was said or written
    path: tuple[str, ...]  # as in the taxonomy, at least level 1


class _Row(msgspec.Struct):
    level1: str
    title: str = ""
    body: str = ""
    text: str = ""
    level2: str = ""
    level3: str = ""


def read_examples(file: Path, taxonomy: Taxonomy) -> list[Example]:
    """Read lines of JSON with title, body, level1[, level2, level3]; level 1 must be in the taxonomy.

    Raises TrainingError naming the line.
    """
    found: list[Example] = []
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    found.append(_example(f"{file.name}, line {number}", line, taxonomy))
                if len(found) > MAX_ROWS:
                    raise TrainingError(f"{file.name}: more than {MAX_ROWS} messages; give fewer")
    except OSError as error:
        raise TrainingError(f"{file}: cannot be read ({error.strerror}); give a readable file") from error
    return found


def _example(where: str, line: bytes, taxonomy: Taxonomy) -> Example:
    if len(line) > MAX_LINE:
        raise TrainingError(f"{where}: {len(line)} bytes, at most {MAX_LINE}; shorten it")
    try:
        row = msgspec.json.decode(line, type=_Row)
    except msgspec.MsgspecError as error:
        raise TrainingError(f"{where}: {error}; write title, body, level1[, level2, level3]") from error
    named = [row.level1.strip(), row.level2.strip(), row.level3.strip()]
    path = taxonomy.closest([name for name in named if name])
    if not path:
        known = "、".join(taxonomy.level1[:20])
        raise TrainingError(f"{where}: level1 is {row.level1[:40]!r}; the taxonomy has {known}")
    body = row.body or row.text
    if not (row.title.strip() or body.strip()):
        raise TrainingError(f"{where}: title and body are empty; give the message's words")
    return Example(title=row.title[:200], body=body[:4000], path=path)


def train(
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    cold: ColdChances,
    *,
    at: datetime,
    seed: int = 5,
    progress: Callable[[str], None] = lambda _: None,
) -> LearnedModel:
    """Return a model learned from messages; takes under a minute for 8,000 of them on one core.

    A part is kept aside to find how sure it may be and how much the cold classifier should count.
    Raises TrainingError: fewer than 20 messages.
    """
    if len(examples) < LEAST_ROWS:
        raise TrainingError(f"{len(examples)} messages with a category; at least {LEAST_ROWS} are needed")
    shuffled = list(examples)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secret
    fitting, checking = _parted(shuffled)
    progress(f"{len(fitting)} messages to learn from, {len(checking)} kept aside")
    draft = _fitted(fitting, taxonomy, at, seed)
    draft = _settled(draft, checking, taxonomy, cold, seed)
    progress("learning from all of them")
    whole = _fitted(shuffled, taxonomy, at, seed)
    about = replace(
        whole.about,
        sharpness=draft.about.sharpness,
        deep_sharpness=draft.about.deep_sharpness,
        learned_share=draft.about.learned_share,
        cold_share=draft.about.cold_share,
        new_share=1.0 / (1.0 + len(examples) / 100),
        checked=draft.about.checked,
    )
    return replace(whole, about=about)


def _parted(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Return what to fit and what to check on; messages that begin alike stay together."""
    kept = min(MAX_CHECKED, max(10, len(examples) // 6))
    heads: dict[str, list[Example]] = {}
    for example in examples:
        heads.setdefault(plain(example.title + example.body).replace(" ", "")[:12], []).append(example)
    fitting: list[Example] = []
    checking: list[Example] = []
    for group in heads.values():
        (checking if len(checking) < kept else fitting).extend(group)
    return (fitting, checking) if fitting else (list(examples), checking)


def pieces_of(text: str) -> list[str]:
    """Return the pieces of one to three characters of the part of a text that counts."""
    return list(grams(plain(text[:READ]), SIZES))


def _fitted(examples: Sequence[Example], taxonomy: Taxonomy, at: datetime, seed: int) -> LearnedModel:
    from sklearn.feature_extraction.text import TfidfVectorizer

    rows = [(example.title, example.body[:READ]) for example in examples]
    texts, owners = augmented(rows, Noise((body for _, body in rows), seed=seed))
    reader = TfidfVectorizer(
        analyzer=pieces_of, sublinear_tf=True, min_df=2, max_features=MAX_PIECES, dtype=np.float32
    )
    matrix = reader.fit_transform(texts)
    labels = [examples[owner].path[0] for owner in owners]
    tops = tuple(sorted(set(labels)))
    weights, bias = _linear(matrix, labels, tops, seed)
    paths, deep, deep_bias = _deeper(matrix, [examples[owner].path for owner in owners])
    pieces = tuple(str(piece) for piece in reader.get_feature_names_out())
    digest = hashlib.sha256("\n".join(f"{e.title}\t{e.body}\t{e.path}" for e in examples).encode())
    about = About(
        version=f"{at:%Y%m%d}-{digest.hexdigest()[:8]}",
        taxonomy=taxonomy.version,
        trained_on=len(examples),
        tops=tops,
        paths=paths,
        sharpness=4.0,
        deep_sharpness=8.0,
        learned_share=1.0,
        cold_share=0.5,
        new_share=0.1,
        checked={},
        pieces=pieces,
    )
    return LearnedModel(about, reader.idf_.astype(np.float32), weights, bias, deep, deep_bias)


def _linear(
    matrix: Any, labels: Sequence[str], tops: Sequence[str], seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return weights and bias of one linear separator for each level-1 name."""
    from sklearn.svm import LinearSVC

    if len(tops) == 1:
        return np.zeros((matrix.shape[1], 1), np.float32), np.zeros(1, np.float32)
    machine = LinearSVC(C=0.3, class_weight="balanced", random_state=seed, tol=1e-3)
    machine.fit(matrix, labels)
    weights, bias = machine.coef_.T, machine.intercept_
    if len(tops) == 2:  # one separator tells both
        weights, bias = np.hstack((-weights, weights)), np.concatenate((-bias, bias))
    return weights.astype(np.float32), bias.astype(np.float32)


def _deeper(
    matrix: Any, paths: Sequence[tuple[str, ...]]
) -> tuple[tuple[tuple[str, ...], ...], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return deeper paths with enough messages, and how much each piece speaks for them (naive Bayes)."""
    from sklearn.naive_bayes import MultinomialNB

    counts = Counter(path for path in paths if len(path) > 1)
    known = [path for path, count in counts.items() if count >= LEAST_OF_PATH]
    if len(known) < 2:
        return (), np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
    number = {path: index for index, path in enumerate(sorted(known))}
    rows = [row for row, path in enumerate(paths) if path in number]
    bayes = MultinomialNB(alpha=0.05)
    bayes.fit(matrix[rows], [number[paths[row]] for row in rows])
    logs = bayes.feature_log_prob_.T
    seen = np.asarray(matrix[rows].sum(axis=0)).ravel()
    rare = np.argsort(seen)[: max(0, len(seen) - _DEEP_PIECES)]
    logs = logs - logs.mean(axis=1, keepdims=True)
    logs[rare] = 0.0
    return tuple(number), logs.astype(np.float32), bayes.class_log_prior_.astype(np.float32) * 0.1


def _settled(
    model: LearnedModel, checking: Sequence[Example], taxonomy: Taxonomy, cold: ColdChances, seed: int
) -> LearnedModel:
    """Choose how sure the model may be, and how much the cold chances count, on messages kept aside."""
    names = taxonomy.level1
    noise = Noise((example.body for example in checking), seed=seed + 1)
    texts = [
        f"{e.title}。{e.body}" if number % 2 else noise.misheard(noise.spoken(e.title, e.body))
        for number, e in enumerate(checking)
    ]
    judged = [
        (names.index(example.path[0]), np.asarray(cold(text)), learned)
        for text, example in zip(texts, checking, strict=True)
        if (learned := model.judge(text)) is not None
    ]
    if not judged:
        return model
    best = min(_choices(model.about), key=lambda about: _loss(about, judged, names))
    right = sum(int(np.argmax(_mix(best, row, names))) == row[0] for row in judged)
    alone = sum(int(np.argmax(row[1])) == row[0] for row in judged)
    checked = {
        "messages": float(len(judged)),
        "right": round(right / len(judged), 4),
        "right_cold": round(alone / len(judged), 4),
    }
    return replace(model, about=replace(best, checked=checked))


_Judged = tuple[int, npt.NDArray[np.float64], Learned]


def _choices(about: About) -> Iterator[About]:
    for learned_share in (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0):
        for cold_share in (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0):
            yield replace(about, learned_share=learned_share, cold_share=cold_share)


def _mix(about: About, row: _Judged, names: Sequence[str]) -> npt.NDArray[np.float64]:
    return mixed(about, row[1].tolist(), names, row[2])


def _loss(about: About, judged: Sequence[_Judged], names: Sequence[str]) -> float:
    """Return the mean negative logarithm of the chance that was given to what is right."""
    return -float(np.mean([np.log(_mix(about, row, names)[row[0]] + 1e-4) for row in judged]))
