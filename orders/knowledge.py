"""The knowledge base: articles, and finding those that answer what a citizen asks. Pure.

A question is matched by words, by pairs of characters (so that one wrong character costs little), and by
pairs of syllables (so that homophones of the recogniser cost less); Latin letters are read as pinyin or its
initials (shebaoka, sbk). Articles that are not valid on the day are not found.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

from orders.messages import KnowledgeAnswer
from orders.similar_terms import words_of

__all__ = ["Article", "KnowledgeIndex"]

TEXT_MAX = 300
"""Characters of what is asked that are looked at."""
LEAST_SCORE = 0.2
LIMIT_MOST = 50
CANDIDATES = 40
ANSWER_WEIGHT = 0.25
"""What a term found only in the answer counts, beside one in the question."""
UNKNOWN_WEIGHT = 0.5
"""What a term counts that no article has."""
WEIGHTS: Mapping[str, float] = {"w": 1.0, "b": 0.5, "p": 0.25}
"""Kinds of terms: words, pairs of characters, pairs of syllables."""

_HAN = re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf]+")
_LATIN = re.compile(r"[a-z]{3,40}")
_STOP_WORDS = "怎么/如何/什么/哪里/请问/可以/需要/我要/我想/多少/是否/能不能/办理/咨询/一下/你好/您好"
_STOP = frozenset(_STOP_WORDS.split("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article, as its newest version stands."""

    article_id: str  # which
    question: str  # the question it answers
    answer: str  # what to say
    variants: tuple[str, ...] = ()  # the same question in other words
    basis: str = ""  # 依据
    unit: str = ""  # whose it is
    area: str = ""  # where it holds, "" everywhere
    valid_from: str = ""  # first day (ISO), "" always was
    valid_until: str = ""  # last day (ISO), "" for ever
    version: int = 1  # grows with every change
    review_on: str = ""  # day (ISO) on which its unit looks whether it is still so, "" for none
    public: bool = False  # citizens find it by themselves
    withdrawn: bool = False  # told to nobody any more

    def valid(self, day: str) -> bool:
        """Whether it may be told on this day (ISO)."""
        return (
            not self.withdrawn
            and (not self.valid_from or self.valid_from <= day)
            and (not self.valid_until or day <= self.valid_until)
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    article: Article
    questions: tuple[frozenset[str], ...]  # terms of the question and of each variant
    answer: frozenset[str]  # terms of the answer
    pinyin: str  # of the questions, one after another, without blanks
    initials: str  # first letters of the same


class KnowledgeIndex:
    """Articles in memory."""

    def __init__(self, articles: Iterable[Article] = ()) -> None:
        """Begin with these articles."""
        self._entries: dict[str, _Entry] = {}
        self._having: dict[str, set[str]] = {}  # term -> ids of articles
        for article in articles:
            self.put(article)

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, article: Article) -> None:
        """Take an article up, or its newer version."""
        self.drop(article.article_id)
        asked = (article.question, *article.variants)
        entry = _Entry(
            article,
            tuple(frozenset(_terms(text)) for text in asked),
            frozenset(_terms(article.answer[:TEXT_MAX])),
            "|".join("".join(lazy_pinyin(text)) for text in asked).lower(),
            "|".join("".join(lazy_pinyin(text, style=Style.FIRST_LETTER)) for text in asked).lower(),
        )
        self._entries[article.article_id] = entry
        for term in _all(entry):
            self._having.setdefault(term, set()).add(article.article_id)

    def drop(self, article_id: str) -> None:
        """Forget an article; nothing where it is not here."""
        entry = self._entries.pop(article_id, None)
        if entry is None:
            return
        for term in _all(entry):
            having = self._having[term]
            having.discard(article_id)
            if not having:
                del self._having[term]

    def find(
        self, text: str, *, today: datetime.date, area: str = "", limit: int = 5
    ) -> tuple[KnowledgeAnswer, ...]:
        """Return the articles valid `today` that answer `text`, best first.

        With an `area`, articles of other areas are left out.
        """
        text = text[:TEXT_MAX].lower()
        asked = _terms(text)
        rarity = {term: self._rarity(term) * WEIGHTS[term[0]] for term in asked}
        rough: dict[str, float] = {}
        for term, weight in rarity.items():
            for article_id in self._having.get(term, ()):
                rough[article_id] = rough.get(article_id, 0.0) + weight
        best = sorted(rough, key=lambda one: (-rough[one], one))
        day = today.isoformat()
        scored: list[tuple[float, str]] = []
        for article_id in best:
            if len(scored) >= CANDIDATES:
                break
            entry = self._entries[article_id]
            if self._fits(entry.article, day, area):
                scored.append((self._score(entry, rarity), article_id))
        scored += self._by_letters(text, day, area)
        found: dict[str, float] = {}
        for score, article_id in scored:
            found[article_id] = max(score, found.get(article_id, 0.0))
        ranked = sorted(found.items(), key=lambda one: (-one[1], one[0]))
        return tuple(
            _answer(self._entries[article_id].article, score)
            for article_id, score in ranked[: min(max(0, limit), LIMIT_MOST)]
            if score >= LEAST_SCORE
        )

    def _fits(self, article: Article, day: str, area: str) -> bool:
        return article.valid(day) and (not area or not article.area or article.area == area)

    def _rarity(self, term: str) -> float:
        having = len(self._having.get(term, ()))
        if not having:  # no article speaks of it: it tells little of which one is meant
            return UNKNOWN_WEIGHT
        return math.log(1.0 + (len(self._entries) + 1.0) / (having + 0.5))

    def _score(self, entry: _Entry, asked: Mapping[str, float]) -> float:
        """Half: how much of what is asked the article has; half: how much of a question of it is asked."""
        in_questions: frozenset[str] = frozenset().union(*entry.questions)
        whole = sum(asked.values())
        had = sum(
            weight if term in in_questions else ANSWER_WEIGHT * weight
            for term, weight in asked.items()
            if term in in_questions or term in entry.answer
        )
        closest = 0.0
        for question in entry.questions:
            weights = {term: self._rarity(term) * WEIGHTS[term[0]] for term in question}
            total = sum(weights.values())
            said = sum(weight for term, weight in weights.items() if term in asked)
            closest = max(closest, said / total if total else 0.0)
        return min(1.0, 0.5 * had / max(whole, 1e-9) + 0.5 * closest)

    def _by_letters(self, text: str, day: str, area: str) -> list[tuple[float, str]]:
        typed = _LATIN.findall(text.replace(" ", "").replace("'", ""))
        if not typed or _HAN.search(text):
            return []
        return [
            (0.8 if typed[0] in entry.pinyin else 0.6, article_id)
            for article_id, entry in self._entries.items()
            if (typed[0] in entry.pinyin or typed[0] in entry.initials)
            and self._fits(entry.article, day, area)
        ][:CANDIDATES]


def _answer(article: Article, score: float) -> KnowledgeAnswer:
    return KnowledgeAnswer(
        article_id=article.article_id,
        title=article.question,
        answer=article.answer,
        basis=article.basis,
        score=round(score, 3),
    )


def _all(entry: _Entry) -> frozenset[str]:
    return entry.answer.union(*entry.questions)


@lru_cache(maxsize=20_000)
def _syllable(character: str) -> str:
    """Pinyin without tone, with sounds that are often taken for one another made one."""
    said: str = lazy_pinyin(character)[0]
    for heard, meant in (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n")):
        said = said.replace(heard, meant)
    return said


def _terms(text: str) -> dict[str, None]:
    """Return terms, each with its kind in front: w, b or p."""
    terms: dict[str, None] = {}
    for word in words_of(text.lower()):
        if word not in _STOP and (len(word) >= 2 or word.isdigit()) and not word.isspace():
            terms["w" + word] = None
    for run in _HAN.findall(text):
        for at in range(len(run) - 1):
            pair = run[at : at + 2]
            if pair not in _STOP:
                terms["b" + pair] = None
                terms[f"p{_syllable(pair[0])} {_syllable(pair[1])}"] = None
    return terms
