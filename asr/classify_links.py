"""Which names of a taxonomy mean the matters that we know: by equal and similar names on any level."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from asr.draft_rules import as_list, as_mapping, as_text
from asr.examples import Matter
from asr.taxonomy import OTHER, Node, Taxonomy, load_yaml

Floats = npt.NDArray[np.float64]


@cache
def _words() -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the parts of names that say nothing, and groups of words that mean the same."""
    name = files("asr") / "data" / "taxonomy_words.yaml"
    found = as_mapping(str(name), "the file", load_yaml(name.read_text("utf-8")), ("vague", "same"))
    groups = as_list(str(name), "same", found.get("same"))
    vague = as_text(str(name), "vague", found.get("vague"), 200)
    return tuple(vague.split()), tuple(
        tuple(as_text(str(name), "same", group, 200).split()) for group in groups
    )


_MIDDLE, _TOP = 0.55, 0.35
_INHERITED = 0.5


def bare(name: str) -> str:
    """Return a name without the parts that say nothing."""
    kept = name
    for part in _words()[0]:
        kept = kept.replace(part, "")
    return kept or name


def pieces(name: str) -> frozenset[str]:
    """Return characters, pairs, and the words that mean the same as those in a name."""
    own = bare(name)
    found = {own[index : index + 2] for index in range(len(own) - 1)} | {f"{one}." for one in own}
    for group, words in enumerate(_words()[1]):
        if any(word in name for word in words):
            found.add(f"={group}")
    return frozenset(found)


def likeness_of(left: Sequence[str], right: Sequence[str]) -> Floats:
    """Return how alike names are, from 0 to 1, one row for each left one; frequent pieces count less."""
    found = {name: pieces(name) for name in (*left, *right)}
    seen = Counter(piece for name in found for piece in found[name])
    column = {piece: at for at, piece in enumerate(seen)}
    worth = np.array([math.log((1 + len(found)) / count) for count in seen.values()])
    worth *= np.array([0.5 if piece.endswith(".") else 1.0 for piece in column])
    one, other = _marked(left, found, column), _marked(right, found, column)
    one_sum, other_sum = one @ worth, other @ worth
    shared = (one * worth) @ other.T
    mean = 2 * shared / np.add.outer(one_sum, other_sum)
    inside = shared / np.minimum.outer(one_sum, other_sum)
    alike: Floats = 0.95 * (0.65 * mean + 0.35 * inside)
    alike[np.equal.outer(np.array(left, dtype=object), np.array(right, dtype=object)).astype(bool)] = 1.0
    return alike


def _marked(names: Sequence[str], found: Mapping[str, frozenset[str]], column: Mapping[str, int]) -> Floats:
    marks = np.zeros((len(names), len(column)))
    for row, name in enumerate(names):
        marks[row, [column[piece] for piece in found[name]]] = 1.0
    return marks


@dataclass(frozen=True, slots=True)
class Links:
    """How much of each matter belongs to each node that a call can be given."""

    nodes: tuple[Node, ...]  # the taxonomy's leaves
    weights: Floats  # matters x leaves; every row sums to 1, or is 0 where nothing is alike


def link(
    matters: Sequence[Matter],
    taxonomy: Taxonomy,
    said: Callable[[str], Floats] | None = None,
    *,
    sharpness: float = 10.0,
) -> Links:
    """Link every matter with the leaves whose names are most alike.

    `said` tells, for a text, how likely it is of each matter: names are words that citizens say, too.
    """
    leaves = taxonomy.leaves
    if taxonomy.nodes and all(taxonomy.find(matter.path) is not None for matter in matters):
        return Links(leaves, _own(matters, leaves))
    likeness = _likeness(matters, taxonomy)
    if said is not None:
        spoken = np.array([said(_spoken(taxonomy, node)) for node in leaves]).T
        likeness += 0.6 * spoken
    best = likeness.max(axis=1, keepdims=True)
    weights = np.exp(sharpness * (likeness - best))
    weights[likeness < 0.6 * best] = 0.0
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    weights[best[:, 0] < 0.15] = 0.0
    return Links(leaves, weights)


def _own(matters: Sequence[Matter], leaves: Sequence[Node]) -> Floats:
    weights = np.zeros((len(matters), len(leaves)))
    for row, matter in enumerate(matters):
        below = [column for column, node in enumerate(leaves) if node.path[: len(matter.path)] == matter.path]
        weights[row, below] = 1.0 / len(below)
    return weights


def _spoken(taxonomy: Taxonomy, node: Node) -> str:
    words = [bare(name) for name in (*node.path[1:], *node.aliases) if not name.startswith(OTHER)]
    return "，".join(dict.fromkeys(words)) or bare(node.path[0])


def _likeness(matters: Sequence[Matter], taxonomy: Taxonomy) -> Floats:
    """Return how alike matters (rows) and leaves (columns) are."""
    words = list(dict.fromkeys(word for matter in matters for word in _called(matter)))
    row = {word: at for at, word in enumerate(words)}
    names = list(dict.fromkeys(name for node in taxonomy.nodes for name in (node.name, *node.aliases)))
    column = {name: at for at, name in enumerate(names)}
    alike = likeness_of(words, names)
    alike[:, [at for at, name in enumerate(names) if name.startswith(OTHER)]] = 0.0
    own = np.array([alike[[row[word] for word in _called(one)]].max(axis=0) for one in matters])
    at = {matter.path: number for number, matter in enumerate(matters)}
    mid, top = (own[[at.get(matter.path[:level], at[matter.path]) for matter in matters]] for level in (2, 1))
    result = np.zeros((len(matters), len(taxonomy.leaves)))
    for number, leaf in enumerate(taxonomy.leaves):
        for level in range(1, leaf.level + 1):
            node = taxonomy.find(leaf.path[:level])
            called = () if node is None else (node.name, *node.aliases)
            columns = [column[name] for name in called]
            ours, twos, ones = (part[:, columns].max(axis=1) for part in (own, mid, top))
            if level == 1:
                result[:, number] += _TOP * np.maximum.reduce((ours, twos, 0.8 * ones))
            elif level == leaf.level:
                result[:, number] += np.maximum(ours, 0.4 * twos)
            else:
                result[:, number] += _MIDDLE * np.maximum.reduce((ours, 0.8 * twos, 0.4 * ones))
        if leaf.name.startswith(OTHER):
            result[:, number] += 0.1
    for number, matter in enumerate(matters):  # what is above stands before it
        above = at.get(matter.path[:-1])
        if above is not None:
            result[number] += _INHERITED * result[above]
    return result


def _called(matter: Matter) -> tuple[str, ...]:
    return (matter.path[-1], *matter.aliases)
