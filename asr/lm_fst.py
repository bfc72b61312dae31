"""The language half of a model in OpenFst's text form, read into trigrams and written from them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import TextIO

import numpy as np

from asr.errors import AsrError
from asr.lm_ngram import BEGIN, BITS, END, SIZE, Ints, Trigrams

_MASK = SIZE - 1
_SOME = 50_000  # lines that are put together before they are written


class GrammarError(AsrError):
    """A language half is not the back-off model of up to three words that it should be."""


def read(lines: Iterable[str]) -> Trigrams:
    """Return the trigrams of what fstprint says of a language half without its symbols.

    Raises:
        GrammarError: the text is something else.
    """
    source, target, label, cost = array("i"), array("i"), array("i"), array("d")
    final_state, final_cost = array("i"), array("d")
    for line in lines:
        parts = line.split()
        if len(parts) >= 4:
            source.append(int(parts[0]))
            target.append(int(parts[1]))
            label.append(int(parts[3]))
            cost.append(float(parts[4]) if len(parts) > 4 else 0.0)
        elif parts:
            final_state.append(int(parts[0]))
            final_cost.append(float(parts[1]) if len(parts) > 1 else 0.0)
    if not source:
        raise GrammarError("the language half is empty: name a sound Vosk model")
    start = source[0]
    begin, end = np.array(source, np.int64), np.array(target, np.int64)
    word, log = np.array(label, np.int64), -np.array(cost)
    back = word == 0
    if not back.any() or int(word.max()) >= BEGIN:
        raise GrammarError("the language half has no back-off, or too many words: name a small Vosk model")
    states = int(max(begin.max(), end.max())) + 1
    root = _root(begin[back], end[back], states)
    context = _contexts(begin, end, word, back, states, start, root)
    ends = np.array(final_state, np.int64)
    begin, word = np.concatenate([begin[~back], ends]), np.concatenate([word[~back], np.full(len(ends), END)])
    log_back = np.zeros(states)
    log_back[np.array(source, np.int64)[back]] = log[back]
    return _gather(begin, word, np.concatenate([log[~back], -np.array(final_cost)]), log_back, context, root)


def _root(sources: Ints, targets: Ints, states: int) -> int:
    """Return the state without context: the one that everything backs off to and that backs off nowhere."""
    ends = np.setdiff1d(targets, sources)
    if len(ends) != 1 or ends[0] >= states:
        raise GrammarError("the language half does not back off to one state: name a small Vosk model")
    return int(ends[0])


def _contexts(
    begin: Ints, end: Ints, word: Ints, back: np.typing.NDArray[np.bool_], states: int, start: int, root: int
) -> Ints:
    """Return what each state has heard: one word's number, or two packed; -1 for the root."""
    context = np.full(states, -2, np.int64)
    context[root] = -1
    first = ~back & (begin == root) & (end != root)
    context[end[first]] = word[first]
    context[start] = BEGIN
    level = context.copy()
    second = ~back & (begin != root) & (level[begin] >= 0) & (context[end] == -2)
    context[end[second]] = (level[begin[second]] << BITS) | word[second]
    if (context == -2).any():
        raise GrammarError("the language half looks back more than two words: name a small Vosk model")
    return context


def _gather(
    begin: Ints, word: Ints, log: np.typing.NDArray[np.float64], log_back: np.typing.NDArray[np.float64],
    context: Ints, root: int,
) -> Trigrams:  # fmt: skip
    heard = context[begin]
    one = np.full(SIZE, -np.inf)
    one[word[begin == root]] = log[begin == root]
    short = (heard >= 0) & (heard < SIZE)
    two = (heard[short] << BITS) | word[short]
    order = np.argsort(two)
    two, two_log = two[order], log[short][order]
    long = heard >= SIZE
    three = (heard[long] << BITS) | word[long]
    order_three = np.argsort(three)
    one_back, two_back = np.zeros(SIZE), np.zeros(len(two))
    level = (context >= 0) & (context < SIZE)
    one_back[context[level]] = log_back[level]
    level = context >= SIZE
    at = np.minimum(np.searchsorted(two, context[level]), max(len(two) - 1, 0))
    if level.any() and (not len(two) or (two[at] != context[level]).any()):
        raise GrammarError("the language half has a pair of words only as context: name a small Vosk model")
    two_back[at] = log_back[level]
    return Trigrams(
        one=one, one_back=one_back, two=two, two_log=two_log, two_back=two_back,
        three=three[order_three], three_log=log[long][order_three],
    )  # fmt: skip


def write(model: Trigrams, out: TextIO) -> None:
    """Write the model in OpenFst's text form, the state of a sentence's begin first, labels ascending."""
    ones = np.unique(np.concatenate([model.two >> BITS, (model.three >> BITS) & _MASK]))
    ones = np.concatenate([[BEGIN], ones[ones != BEGIN]])
    ones_state = np.zeros(SIZE, np.int64)  # 0 is the state without context
    ones_state[ones] = np.arange(1, len(ones) + 1)
    pairs = np.unique(model.three >> BITS)

    def state_after(last: Ints, word: Ints) -> Ints:
        """The state that has heard as much of both words as there is a state for."""
        key = (last << BITS) | word
        at = np.minimum(np.searchsorted(pairs, key), max(len(pairs) - 1, 0))
        longer = pairs[at] == key if len(pairs) else np.zeros(len(key), np.bool_)
        return np.where(longer, at + 1 + len(ones), ones_state[word])

    last, word = model.two >> BITS, model.two & _MASK
    _arcs(out, ones_state[last], state_after(last, word), word, model.two_log, first=ones_state[BEGIN])
    _backs(out, ones_state[ones], np.zeros(len(ones), np.int64), model.one_back[ones])
    middle, word = (model.three >> BITS) & _MASK, model.three & _MASK
    source = np.searchsorted(pairs, model.three >> BITS) + 1 + len(ones)
    _arcs(out, source, state_after(middle, word), word, model.three_log)
    back = np.zeros(len(pairs))
    at = np.minimum(np.searchsorted(model.two, pairs), max(len(model.two) - 1, 0))
    if len(pairs):
        back = model.two_back[at]
    _backs(out, np.arange(len(pairs)) + 1 + len(ones), ones_state[pairs & _MASK], back)
    word = np.flatnonzero(np.isfinite(model.one))
    _arcs(out, np.zeros(len(word), np.int64), ones_state[word], word, model.one[word])


def _arcs(
    out: TextIO,
    source: Ints,
    target: Ints,
    word: Ints,
    log: np.typing.NDArray[np.float64],
    *,
    first: int | None = None,
) -> None:
    if first is not None:  # OpenFst takes the state of the first line for the start
        order = np.argsort(source != first, kind="stable")
        source, target, word, log = source[order], target[order], word[order], log[order]
    arcs = word != END
    for part in _parts(int(arcs.sum())):
        rows = zip(source[arcs][part].tolist(), target[arcs][part].tolist(), word[arcs][part].tolist(),
                   (-log[arcs][part]).tolist(), strict=True)  # fmt: skip
        out.write("".join([f"{a} {b} {w} {w} {cost:.5f}\n" for a, b, w, cost in rows]))
    ends = ~arcs
    rows_end = zip(source[ends].tolist(), (-log[ends]).tolist(), strict=True)
    out.write("".join([f"{a} {cost:.5f}\n" for a, cost in rows_end]))


def _backs(out: TextIO, source: Ints, target: Ints, back: np.typing.NDArray[np.float64]) -> None:
    rows = zip(source.tolist(), target.tolist(), (-back).tolist(), strict=True)
    out.write("".join([f"{a} {b} 0 0 {cost:.5f}\n" for a, b, cost in rows]))


def _parts(length: int) -> Iterator[slice]:
    for begin in range(0, length, _SOME):
        yield slice(begin, begin + _SOME)
