"""Words that stand beside names of places but belong to none."""

from __future__ import annotations

from pathlib import Path

import rjieba

NOT_NAMES = frozenset((Path(__file__).parent / "data" / "not_names.txt").read_text("utf-8").split())
"""Words that stand before a name, or before a kind of place, but belong to no name."""
_CITIES = frozenset((Path(__file__).parent / "data" / "cities.txt").read_text("utf-8").split())
"""Provinces and cities: said before a name, they belong to no longer one."""
_NOUNS = frozenset({"n", "nr", "nrt", "nrfg", "nz"})
_DIVISION = frozenset("省市区县镇乡村路街道州盟")
_NEAR = 8


def leads_into_name(before: str) -> bool:
    """Tell whether the text ends with a word that probably begins the name after it (建业 + 保利公寓)."""
    words = rjieba.tag(before[-_NEAR:])
    if not words:
        return False
    word, tag = words[-1]
    if len(word) < 2 or word in NOT_NAMES:
        return False
    return tag in _NOUNS or (tag == "ns" and word not in _CITIES and word[-1] not in _DIVISION)
