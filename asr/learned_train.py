"""Trains a model of categories from messages whose category a person confirmed."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from asr.classify_cold import plain
from asr.errors import AsrError
from asr.learned import FORM, MAX_DEEP, About, Learned, LearnedModel, mixed
from asr.learned_noise import Noise, augmented
from asr.learned_pieces import BLOCKS, READ, joined, pieces_of
from asr.taxonomy import Taxonomy

MAX_ROWS = 200_000
MAX_LINE = 200_000
MAX_PIECES: Mapping[str, int] = MappingProxyType({"c": 150_000, "w": 60_000, "h": 30_000})
LEAST_ROWS = 20
"""Fewer messages teach nothing."""
LEAST_OF_PATH = 4
MAX_CHECKED = 1500
_SPOKEN_WORTH = 0.3
"""How much a spoken or misheard copy of a message counts beside the message."""
_PARTS = 5
_MANY = 500
"""Of so many messages, pieces that stand in one text only are left out."""

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
    tokens: str = ""
    level2: str = ""
    level3: str = ""


def read_examples(file: Path, taxonomy: Taxonomy) -> list[Example]:
    """Read lines of JSON with title, body, level1[, level2, level3]; level 1 must be in the taxonomy.

    Instead of title and body a line may have text, or tokens: words with blanks between.

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
    body = row.body or row.text or joined(row.tokens)
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
    Raises TrainingError: fewer than 20 messages, or no word in them.
    """
    if len(examples) < LEAST_ROWS:
        raise TrainingError(f"{len(examples)} messages with a category; at least {LEAST_ROWS} are needed")
    if not any(plain(example.title + example.body) for example in examples):
        raise TrainingError(f"{len(examples)} messages without a word; give what was said or written")
    shuffled = list(examples)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secret
    read = _read(shuffled, seed)
    said: list[_Judged] = []
    for kept in _parted(shuffled):
        checking = [shuffled[number] for number in kept]
        progress(f"{len(shuffled) - len(kept)} messages to learn from, {len(kept)} kept aside")
        said += _asked(_fitted(shuffled, read, kept, taxonomy, at, seed), checking, taxonomy, cold, seed)
    progress("learning from all of them")
    whole = _fitted(shuffled, read, frozenset(), taxonomy, at, seed)
    about = replace(whole.about, new_share=1.0 / (1.0 + len(examples) / 100))
    return replace(whole, about=_settled(about, said, taxonomy.level1))


def _parted(examples: Sequence[Example]) -> Iterator[frozenset[int]]:
    """Yield the places of those that are kept aside; messages that begin alike stay together.

    Of few messages each is kept aside once, of many only some are.
    """
    heads: dict[str, list[int]] = {}
    for number, example in enumerate(examples):
        head = plain(joined(example.title + example.body)).replace(" ", "")[:12]
        heads.setdefault(head, []).append(number)
    parts: list[list[int]] = [[] for _ in range(max(_PARTS, len(examples) // MAX_CHECKED))]
    for group in heads.values():
        min(parts, key=len).extend(group)
    for part in parts[: _PARTS if len(examples) <= MAX_CHECKED else 1]:
        if part and len(part) < len(examples):
            yield frozenset(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """Messages and their spoken copies as counts of pieces."""

    counts: Mapping[str, Any]  # of each block: texts x pieces, sparse
    pieces: tuple[str, ...]  # of all blocks in their order
    owners: npt.NDArray[np.intp]  # which message a text is of
    worth: npt.NDArray[np.float64]  # how much a text counts


def _read(examples: Sequence[Example], seed: int) -> _Read:
    from sklearn.feature_extraction.text import CountVectorizer

    rows = [(example.title, example.body[:READ]) for example in examples]
    texts, owners = augmented(rows, Noise((body for _, body in rows), seed=seed))
    seen = [pieces_of(text) for text in texts]
    counts: dict[str, Any] = {}
    pieces: list[str] = []
    for block in BLOCKS:
        found = [one.pop(block) for one in seen]
        if not any(found):
            continue
        reader = CountVectorizer(
            analyzer=_as_it_is,
            min_df=2 if len(examples) >= _MANY else 1,
            max_features=MAX_PIECES[block],
            dtype=np.float32,
        )
        counts[block] = reader.fit_transform(found).tocsr()
        pieces += [str(piece) for piece in reader.get_feature_names_out()]
    first = [number == 0 or owners[number - 1] != owner for number, owner in enumerate(owners)]
    return _Read(
        counts=counts,
        pieces=tuple(pieces),
        owners=np.array(owners, dtype=np.intp),
        worth=np.where(first, 1.0, _SPOKEN_WORTH),
    )


def _as_it_is(pieces: list[str]) -> list[str]:
    return pieces


def _fitted(
    examples: Sequence[Example],
    read: _Read,
    without: frozenset[int],
    taxonomy: Taxonomy,
    at: datetime,
    seed: int,
) -> LearnedModel:
    """Return a model of all messages but some."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfTransformer

    used = np.array([owner not in without for owner in read.owners])
    matrices: list[Any] = []
    idfs: list[npt.NDArray[np.float32]] = []
    for block, counted in read.counts.items():
        weigher = TfidfTransformer(sublinear_tf=True)
        matrices.append(weigher.fit_transform(counted[used]) * np.float32(BLOCKS[block]))
        idfs.append(weigher.idf_.astype(np.float32))
    idf = np.concatenate(idfs)
    order = np.argsort(idf, kind="stable")  # the most frequent pieces first
    matrix = hstack(matrices).tocsr()[:, order]
    paths_of = [examples[owner].path for owner in read.owners[used]]
    labels = [path[0] for path in paths_of]
    tops = tuple(sorted(set(labels)))
    weights, bias = _linear(matrix, labels, read.worth[used], tops, seed)
    paths, deep, deep_bias = _deeper(matrix[:, :MAX_DEEP], paths_of)
    digest = hashlib.sha256("\n".join(f"{e.title}\t{e.body}\t{e.path}" for e in examples).encode())
    about = About(
        version=f"{at:%Y%m%d}-{digest.hexdigest()[:8]}",
        taxonomy=taxonomy.version,
        trained_on=len(examples) - len(without),
        tops=tops,
        paths=paths,
        sharpness=4.0,
        deep_sharpness=8.0,
        learned_share=1.0,
        cold_share=0.5,
        new_share=0.1,
        checked={},
        pieces=tuple(read.pieces[column] for column in order),
        form=FORM,
    )
    return LearnedModel(about, idf[order], weights, bias, deep, deep_bias)


def _linear(
    matrix: Any, labels: Sequence[str], worth: npt.NDArray[np.float64], tops: Sequence[str], seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return weights and bias of one linear separator for each level-1 name."""
    from sklearn.svm import LinearSVC

    if len(tops) == 1:
        return np.zeros((matrix.shape[1], 1), np.float32), np.zeros(1, np.float32)
    machine = LinearSVC(C=1.0, random_state=seed, tol=1e-3)
    machine.fit(matrix, labels, sample_weight=worth)
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
    logs = logs - logs.mean(axis=1, keepdims=True)
    return tuple(number), logs.astype(np.float32), bayes.class_log_prior_.astype(np.float32) * 0.1


_Judged = tuple[int, npt.NDArray[np.float64], Learned]
"""What is right, the cold chances, and what was learned of one message that was kept aside."""


def _asked(
    model: LearnedModel, checking: Sequence[Example], taxonomy: Taxonomy, cold: ColdChances, seed: int
) -> list[_Judged]:
    names = taxonomy.level1
    noise = Noise((example.body for example in checking), seed=seed + 1)
    texts = [
        noise.misheard(noise.spoken(e.title, e.body)) if number % 3 == 0 else f"{e.title}。{e.body}"
        for number, e in enumerate(checking)
    ]
    return [
        (names.index(example.path[0]), np.asarray(cold(text)), learned)
        for text, example in zip(texts, checking, strict=True)
        if (learned := model.judge(text)) is not None
    ]


def _settled(about: About, judged: Sequence[_Judged], names: Sequence[str]) -> About:
    """Choose how sure the model may be, and how much the cold chances count, on messages kept aside."""
    if not judged:
        return about
    best = min(_choices(about), key=lambda one: _loss(one, judged, names))
    right = sum(int(np.argmax(_mix(best, row, names))) == row[0] for row in judged)
    alone = sum(int(np.argmax(row[1])) == row[0] for row in judged)
    checked = {
        "messages": float(len(judged)),
        "right": round(right / len(judged), 4),
        "right_cold": round(alone / len(judged), 4),
    }
    return replace(best, checked=checked)


def _choices(about: About) -> Iterator[About]:
    for learned_share in (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0):
        for cold_share in (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0):
            yield replace(about, learned_share=learned_share, cold_share=cold_share)


def _mix(about: About, row: _Judged, names: Sequence[str]) -> npt.NDArray[np.float64]:
    return mixed(about, row[1].tolist(), names, row[2])


def _loss(about: About, judged: Sequence[_Judged], names: Sequence[str]) -> float:
    """Return the mean negative logarithm of the chance that was given to what is right."""
    return -float(np.mean([np.log(_mix(about, row, names)[row[0]] + 1e-4) for row in judged]))
