"""Word trigrams with back-off: counted with interpolated Kneser-Ney smoothing, and mixed with others.

A word is its number in the model's symbol table, below 2^20 - 2; the begin and the end of a sentence are two
numbers of our own. N-grams are kept as sorted arrays of packed numbers, so that a million of them are handled
at once. All logarithms are natural.

Source of the smoothing: Chen and Goodman, "An empirical study of smoothing techniques for language modeling"
(1999), interpolated Kneser-Ney with one discount n1 / (n1 + 2 n2) an order. Source of the FST form: Kaldi's
arpa2fst, with epsilon for back-off as Vosk's look-ahead graphs have it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BITS = 20
SIZE = 1 << BITS
BEGIN = SIZE - 2
END = SIZE - 1
_MASK = SIZE - 1

SHARES = (0.05, 0.85)
"""The least and the most that a domain's model has to say in a mixture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigrams:
    """A back-off model. An n-gram's key is its words' numbers, 20 bits each, the last word lowest."""

    one: Floats  # number -> logarithm of its probability without context, -inf for words it does not have
    one_back: Floats  # number -> logarithm of the back-off weight after it
    two: Ints  # keys, ascending
    two_log: Floats  # of each: logarithm of the last word's probability after the first
    two_back: Floats  # of each: logarithm of the back-off weight after both
    three: Ints  # keys, ascending
    three_log: Floats  # of each

    def log(self, before: Ints, last: Ints, word: Ints) -> Floats:
        """Return ln P(word | before last) for rows; `before` is -1 where only one word of context counts."""
        pair = (last << BITS) | word
        at, found = _find(self.two, pair)
        low = np.where(found, _take(self.two_log, at), self.one_back[last] + self.one[word])
        context = (before << BITS) | last
        at, known = _find(self.two, context)
        low = low + np.where(known & (before >= 0), _take(self.two_back, at), 0.0)
        at, found = _find(self.three, (context << BITS) | word)
        return np.where(found & (before >= 0), _take(self.three_log, at), low)

    def log_two(self, last: Ints, word: Ints) -> Floats:
        """Return ln P(word | last) for rows."""
        return self.log(np.full_like(last, -1), last, word)


def _find(keys: Ints, wanted: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return where each wanted key stands, and whether it is there."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


def _take(values: Floats, at: Ints) -> Floats:
    return values[at] if len(values) else np.zeros(len(at))


def count(sentences: Iterable[Sequence[int]]) -> Trigrams:
    """Return the model of sentences (rows of word numbers); no sentence at all is refused.

    Raises:
        ValueError: there is no sentence.
    """
    words: list[int] = []
    for sentence in sentences:
        words += (BEGIN, BEGIN, *sentence, END)
    row = np.array(words, np.int64)
    if not len(row):
        raise ValueError("no sentence to count")
    here = row[2:]
    real = here != BEGIN  # a word or an end: what is predicted
    pairs = ((row[1:-1] << BITS) | here)[real]
    triples = ((row[:-2] << 2 * BITS) | (row[1:-1] << BITS) | here)[real]
    three, three_times = np.unique(triples, return_counts=True)
    full = (three >> BITS) & _MASK != BEGIN  # two begins say no more than one
    three, three_times = three[full], three_times[full]
    two, two_times = np.unique(pairs, return_counts=True)
    two_times = _continued(two, two_times, three)
    one, one_times = np.unique(two & _MASK, return_counts=True)  # in how many contexts: Kneser-Ney's count
    return _smooth(one, one_times, two, two_times, three, three_times)


def _continued(two: Ints, times: Ints, three: Ints) -> Ints:
    """Return pairs' counts as Kneser-Ney has them: in how many contexts; at a sentence's begin how often."""
    tails, contexts = np.unique(three & (SIZE * SIZE - 1), return_counts=True)
    at, found = _find(tails, two)
    return np.where(found & (two >> BITS != BEGIN), contexts[at] if len(contexts) else 0, times)


def _discount(times: Ints) -> float:
    once, twice = int((times == 1).sum()), int((times == 2).sum())
    return min(max(once / (once + 2 * twice), 0.1), 0.9) if once else 0.5


def _smooth(
    one: Ints, one_times: Ints, two: Ints, two_times: Ints, three: Ints, three_times: Ints
) -> Trigrams:
    log_one = np.full(SIZE, -np.inf)
    log_one[one] = np.log(one_times / one_times.sum())
    less = _discount(two_times)
    contexts, total, kinds = _by_context(two >> BITS, two_times)
    at, _ = _find(contexts, two >> BITS)
    back = less * kinds / total
    two_p = (two_times - less) / total[at] + back[at] * np.exp(log_one[two & _MASK])
    one_back = np.zeros(SIZE)
    one_back[contexts] = np.log(back)
    less = _discount(three_times)
    contexts, total, kinds = _by_context(three >> BITS, three_times)
    at, _ = _find(contexts, three >> BITS)
    back = less * kinds / total
    shorter, _ = _find(two, three & (SIZE * SIZE - 1))
    three_p = (three_times - less) / total[at] + back[at] * two_p[shorter]
    two_back = np.zeros(len(two))
    known, found = _find(two, contexts)
    two_back[known[found]] = np.log(back[found])
    return Trigrams(
        one=log_one,
        one_back=one_back,
        two=two,
        two_log=np.log(two_p),
        two_back=two_back,
        three=three,
        three_log=np.log(three_p),
    )


def _by_context(contexts: Ints, times: Ints) -> tuple[Ints, Floats, Floats]:
    """Return each context, how often it was seen, and with how many different words after it."""
    found, where = np.unique(contexts, return_inverse=True)
    total = np.bincount(where, weights=times).astype(np.float64)
    return found, total, np.bincount(where).astype(np.float64)


def prune(model: Trigrams, least: float) -> Trigrams:
    """Return the model without trigrams that say little more than their back-off does.

    A trigram stays where ln P(w | u v) exceeds ln P(w | v) by `least`. The back-off weights are made anew, so
    that probabilities still sum to one.
    """
    low = model.log_two((model.three >> BITS) & _MASK, model.three & _MASK)
    keep = model.three_log - low > least
    return normalised(
        one=model.one,
        two=model.two,
        two_log=model.two_log,
        three=model.three[keep],
        three_log=model.three_log[keep],
    )


def normalised(*, one: Floats, two: Ints, two_log: Floats, three: Ints, three_log: Floats) -> Trigrams:
    """Return the model with these n-grams and the back-off weights that make every context sum to one."""
    contexts, given, lower = _sums(two >> BITS, two_log, one[two & _MASK])
    one_back = np.zeros(SIZE)
    one_back[contexts] = _left(given, lower)
    bare = Trigrams(
        one=one, one_back=one_back, two=two, two_log=two_log, two_back=np.zeros(len(two)),
        three=np.zeros(0, np.int64), three_log=np.zeros(0),
    )  # fmt: skip
    shorter = bare.log_two((three >> BITS) & _MASK, three & _MASK)
    contexts, given, lower = _sums(three >> BITS, three_log, shorter)
    two_back = np.zeros(len(two))
    at, found = _find(two, contexts)
    two_back[at[found]] = _left(given[found], lower[found])
    return Trigrams(
        one=one, one_back=one_back, two=two, two_log=two_log, two_back=two_back,
        three=three, three_log=three_log,
    )  # fmt: skip


def _sums(contexts: Ints, high: Floats, low: Floats) -> tuple[Ints, Floats, Floats]:
    found, where = np.unique(contexts, return_inverse=True)
    given, lower = (np.bincount(where, weights=np.exp(each)).astype(np.float64) for each in (high, low))
    return found, given, lower


def _left(given: Floats, lower: Floats) -> Floats:
    """Return ln((1 - given) / (1 - lower)), never below what a full context still leaves to others."""
    return np.asarray(np.log(np.maximum(1 - given, 1e-4) / np.maximum(1 - lower, 1e-4)), np.float64)


def mix(domain: Trigrams, general: Trigrams, weight: float) -> Trigrams:
    """Return both models in one, for every n-gram that one of them has.

    The domain's share depends on the words before: it is `weight` times how much likelier the domain is to
    say them than the general model (Bayes' rule with `weight` before any word), between `SHARES`. So the
    domain is not asked where nobody speaks of it.
    """
    with np.errstate(divide="ignore"):
        one = np.log(weight * np.exp(domain.one) + (1 - weight) * np.exp(general.one))
    two = np.union1d(domain.two, general.two)
    last, word = two >> BITS, two & _MASK
    share = _share(_alone(domain, last), _alone(general, last), weight)
    two_log = np.log(
        share * np.exp(domain.log_two(last, word)) + (1 - share) * np.exp(general.log_two(last, word))
    )
    three = np.union1d(domain.three, general.three)
    before, last, word = three >> 2 * BITS, (three >> BITS) & _MASK, three & _MASK
    share = _share(
        _alone(domain, before) + domain.log_two(before, last),
        _alone(general, before) + general.log_two(before, last),
        weight,
    )
    three_log = np.log(
        share * np.exp(domain.log(before, last, word)) + (1 - share) * np.exp(general.log(before, last, word))
    )
    return normalised(one=one, two=two, two_log=two_log, three=three, three_log=three_log)


def _alone(model: Trigrams, word: Ints) -> Floats:
    """Return ln P(word) without context; a sentence's begin is certain."""
    return np.where(word == BEGIN, 0.0, model.one[word])


def _share(domain: Floats, general: Floats, weight: float) -> Floats:
    """Return the domain's share after words of which both models say how likely they are."""
    odds = np.clip(math.log(weight / (1 - weight)) + domain - general, -20.0, 20.0)
    return np.asarray(np.clip(1 / (1 + np.exp(-odds)), *SHARES), np.float64)
