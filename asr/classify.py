"""Which category (事项分类) a text belongs to: cold by cues and examples, better with what was learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asr.classify_cold import ColdModel, Evidence
from asr.classify_links import Links, link
from asr.examples import Matter, shipped_matters, shipped_taxonomy
from asr.messages import CategoryGuess
from asr.taxonomy import OTHER, Taxonomy

Floats = npt.NDArray[np.float64]

MAX_HEAD, MAX_TAIL = 1500, 500
"""Of a longer text only so many characters at its beginning and end are read."""
_LEAST = 0.01
"""Less likely ones are not worth showing."""
_DEEP = 0.5
"""A deeper level is only named when it is at least so likely, given the one above."""


class Classifier:
    """Guesses categories of one taxonomy; keeps nothing of any call, so one serves all."""

    def __init__(self, taxonomy: Taxonomy | None = None, *, matters: Sequence[Matter] | None = None) -> None:
        """`taxonomy`: whose names are guessed, the shipped one by default; takes up to a second.

        `matters`: what citizens say of what, the shipped ones by default.
        """
        self.taxonomy = taxonomy if taxonomy is not None else shipped_taxonomy()
        self._cold = ColdModel(matters if matters is not None else shipped_matters())
        self._links: Links = link(self._cold.matters, self.taxonomy, self._said)
        self._tops = self.taxonomy.level1

    def guess(self, text: str, *, limit: int = 3) -> tuple[CategoryGuess, ...]:
        """Return the likeliest categories, the best first, each of another level 1; () when nothing speaks.

        A path is shorter than three levels where the deeper one is open. At most `limit`.
        """
        if len(text) > MAX_HEAD + MAX_TAIL:
            text = f"{text[:MAX_HEAD]}，{text[-MAX_TAIL:]}"
        evidence = self._cold.evidence(text)
        if not evidence.scores.any():
            return ()
        likely = _softmax(evidence.scores)
        leaves: Floats = likely @ self._links.weights
        tops: dict[str, list[int]] = {}
        for number, node in enumerate(self._links.nodes):
            tops.setdefault(node.path[0], []).append(number)
        chances = {name: float(leaves[own].sum()) for name, own in tops.items()}
        best = sorted(chances, key=lambda name: -chances[name])[:limit]
        return tuple(
            self._one(name, chances[name], leaves, tops[name], likely, evidence)
            for name in best
            if chances[name] > _LEAST
        )

    def _one(
        self,
        name: str,
        chance: float,
        leaves: Floats,
        own: Sequence[int],
        likely: Floats,
        evidence: Evidence,
    ) -> CategoryGuess:
        path: tuple[str, ...] = (name,)
        levels = [chance]
        below = list(own)
        while True:
            sums: dict[str, float] = {}
            for number in below:
                node = self._links.nodes[number]
                if node.level > len(path):
                    key = node.path[len(path)]
                    sums[key] = sums.get(key, 0.0) + float(leaves[number])
            total = sum(sums.values())
            deeper = max(sums, key=lambda key: sums[key], default="")
            if not total or sums[deeper] < _DEEP * total or deeper.startswith(OTHER):
                break
            path = (*path, deeper)
            levels.append(levels[-1] * sums[deeper] / total)
            below = [n for n in below if self._links.nodes[n].path[: len(path)] == path]
        share = likely * self._links.weights[:, below].sum(axis=1)
        matter = int(np.argmax(share))
        cues = evidence.cues.get(matter, ())
        cue = max(cues, key=lambda heard: heard.worth).words if cues else ""
        return CategoryGuess(
            path=path,
            confidence=round(chance, 3),
            source=f"rule:category/{cue or self._cold.matters[matter].path[-1]}",
            quote=cue,
            matter=self._cold.matters[matter].title,
            levels=tuple(round(level, 3) for level in levels),
        )

    def _said(self, text: str) -> Floats:
        return _softmax(self._cold.evidence(text).scores)


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max())
    result: Floats = powers / powers.sum()
    return result
