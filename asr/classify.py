"""Which category (事项分类) a text belongs to: cold by cues and examples, better with what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from asr.classify_cold import ColdModel, Evidence
from asr.classify_links import Links, link
from asr.examples import Matter, shipped_matters, shipped_taxonomy
from asr.learned import LearnedModel, mixed
from asr.messages import CategoryGuess
from asr.taxonomy import OTHER, Taxonomy

Floats = npt.NDArray[np.float64]

MAX_HEAD, MAX_TAIL = 1000, 200
"""Of a longer text only so many characters at its beginning and end are read."""
_LEAST = 0.01
"""Less likely ones are not worth showing."""
_DEEP = 0.45
"""A deeper level is only named when it is at least so likely, given the one above."""
_TAUGHT = 0.65
"""How much what was learned of deeper levels counts beside what is known of them without."""
COOL = 2.5
"""Chances of level 1 are raised to the power of 1 / COOL: fitted on messages, see docs/draft.md."""


class Classifier:
    """Guesses categories of one taxonomy; keeps nothing of any call, so one serves all."""

    def __init__(
        self,
        taxonomy: Taxonomy | None = None,
        *,
        matters: Sequence[Matter] | None = None,
        learned: LearnedModel | None = None,
    ) -> None:
        """`taxonomy`: whose names are guessed, the shipped one by default; takes up to two seconds.

        `matters`: what citizens say of what, the shipped ones by default. `learned`: a model that was trained
        with names of this taxonomy; names that it has not learned are still guessed cold.
        """
        self.taxonomy = taxonomy if taxonomy is not None else shipped_taxonomy()
        self._cold = ColdModel(matters if matters is not None else shipped_matters())
        self._links: Links = link(self._cold.matters, self.taxonomy, self._said)
        self._tops = self.taxonomy.level1
        place = {name: number for number, name in enumerate(self._tops)}
        self._top_of = np.array([place[node.path[0]] for node in self._links.nodes], dtype=np.int32)
        self.learned = learned

    def taught(self, learned: LearnedModel | None) -> Classifier:
        """Return one that uses another learned model (None: none) and shares everything else."""
        other = Classifier.__new__(Classifier)
        other.__dict__.update({key: value for key, value in self.__dict__.items() if key != "_taught_leaves"})
        other.learned = learned
        return other

    def guess(self, text: str, *, limit: int = 3) -> tuple[CategoryGuess, ...]:
        """Return the likeliest categories, the best first, each of another level 1; () when nothing speaks.

        A path is shorter than three levels where the deeper one is open. At most `limit`.
        """
        text = shortened(text)
        evidence = self._cold.evidence(text)
        said = None if self.learned is None else self.learned.judge(text)
        if said is None and not evidence.scores.any():
            return ()
        likely = _softmax(evidence.scores)
        leaves: Floats = likely @ self._links.weights
        tops = self._cooled(leaves)
        if self.learned is not None and said is not None:
            tops = mixed(self.learned.about, tops.tolist(), self._tops, said)
            leaves = self._with_learned(leaves, said.paths)
        best = np.argsort(-tops)[:limit]
        return tuple(
            self._one(int(top), float(tops[top]), leaves, likely, evidence, taught=said is not None)
            for top in best
            if tops[top] > _LEAST
        )

    def cold_chances(self, text: str) -> list[float]:
        """Return how likely each level-1 name is without anything learned."""
        evidence = self._cold.evidence(shortened(text))
        if not evidence.scores.any():
            return [1.0 / len(self._tops)] * len(self._tops)
        cooled = self._cooled(_softmax(evidence.scores) @ self._links.weights)
        return [float(chance) for chance in cooled]

    def _cooled(self, leaves: Floats) -> Floats:
        sums = np.bincount(self._top_of, leaves, len(self._tops))
        powers = (sums + 1e-6) ** (1.0 / COOL)
        result: Floats = powers / powers.sum()
        return result

    @cached_property
    def _taught_leaves(self) -> npt.NDArray[np.float64]:
        """How the learned deeper paths spread over the taxonomy's leaves (paths x leaves)."""
        paths = () if self.learned is None else self.learned.about.paths
        spread = np.zeros((len(paths), len(self._links.nodes)))
        for row, path in enumerate(paths):
            below = [n for n, node in enumerate(self._links.nodes) if node.path[: len(path)] == tuple(path)]
            if below:
                spread[row, below] = 1.0 / len(below)
        return spread

    def _with_learned(self, leaves: Floats, paths: Floats) -> Floats:
        if not len(paths):
            return leaves
        taught = paths @ self._taught_leaves
        mine, theirs = (np.bincount(self._top_of, part, len(self._tops)) for part in (leaves, taught))
        cold = leaves / np.maximum(mine, 1e-12)[self._top_of]
        warm = taught / np.maximum(theirs, 1e-12)[self._top_of]
        known = (theirs > 1e-9)[self._top_of]
        return np.where(known, (1.0 - _TAUGHT) * cold + _TAUGHT * warm, cold)

    def _one(
        self, top: int, chance: float, leaves: Floats, likely: Floats, evidence: Evidence, *, taught: bool
    ) -> CategoryGuess:
        path: tuple[str, ...] = (self._tops[top],)
        levels = [chance]
        below = np.flatnonzero(self._top_of == top)
        while True:
            sums = self._below(path, below, leaves)
            total = sum(sums.values())
            deeper = max(sums, key=lambda name: sums[name], default="")
            if not total or sums[deeper] < _DEEP * total or deeper.startswith(OTHER):
                break
            path = (*path, deeper)
            levels.append(levels[-1] * sums[deeper] / total)
            below = np.array([n for n in below if self._links.nodes[n].path[: len(path)] == path])
        matter, cue = self._reason(below, likely, evidence)
        rule = f"rule:category/{cue or matter.path[-1]}"
        return CategoryGuess(
            path=path,
            confidence=round(chance, 3),
            source=f"model:{self.learned.about.version}" if taught and self.learned else rule,
            quote=cue,
            matter=matter.title,
            levels=tuple(round(level, 3) for level in levels),
        )

    def _below(
        self, path: tuple[str, ...], below: npt.NDArray[np.intp], leaves: Floats
    ) -> Mapping[str, float]:
        sums: dict[str, float] = {}
        for number in below:
            node = self._links.nodes[number]
            if node.level > len(path):
                name = node.path[len(path)]
                sums[name] = sums.get(name, 0.0) + float(leaves[number])
        return sums

    def _reason(self, below: npt.NDArray[np.intp], likely: Floats, evidence: Evidence) -> tuple[Matter, str]:
        """Return the matter that speaks most for some leaves, and its weightiest cue that was said."""
        share = likely * self._links.weights[:, below].sum(axis=1)
        best = int(np.argmax(share))
        cues = evidence.cues.get(best, ())
        return self._cold.matters[best], max(cues, key=lambda heard: heard.worth).words if cues else ""

    def _said(self, text: str) -> Floats:
        return _softmax(self._cold.evidence(text).scores)


def shortened(text: str) -> str:
    """Return the part of a long text that is read."""
    return text if len(text) <= MAX_HEAD + MAX_TAIL else f"{text[:MAX_HEAD]}，{text[-MAX_TAIL:]}"


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max())
    result: Floats = powers / powers.sum()
    return result
