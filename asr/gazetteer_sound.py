"""How names sound: syllables of pinyin without tones, one letter each, and what the telephone makes of them.

Pairs that telephone and accent blur everywhere are merged (zh/z, ch/c, sh/s, n/l, ang/an, eng/en, ing/in).
Others (one consonant: f/h, b/p …; one vowel: e/en, u/ou …) only may be taken for one another, see `blurred`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache

from pypinyin import Style, pinyin

_KEYS_PER_NAME = 4
_DIGIT_SOUNDS = dict(
    zip("0123456789", ("ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"), strict=True)
)
_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"))
_INITIAL_AND_FINAL = re.compile(r"([bpmfdtlgkhjqxzcsryw]?)(.*)")
_BLURRED_INITIALS = frozenset(
    frozenset(pair) for pair in ("bp", "dt", "gk", "jq", "zc", "hf", "lr", "sc", "jx", "qx", "zs")
)
_BLURRED_FINALS = frozenset(
    frozenset(pair)
    for pair in (
        *(("a", "an"), ("e", "en"), ("i", "in"), ("u", "un"), ("ia", "ian"), ("ua", "uan")),
        *(("ou", "ao"), ("an", "uan"), ("u", "ou"), ("ie", "ue"), ("e", "uo"), ("u", "uo")),
        *(("ong", "uan"), ("ong", "ou"), ("u", "iu")),
    )
)
_BLURRED_WHOLE = frozenset(
    frozenset(pair)
    for pair in (
        *(("fa", "hua"), ("fan", "huan"), ("fei", "hui"), ("fen", "hun"), ("fo", "huo"), ("fen", "hon")),
        *(("ju", "ji"), ("qu", "qi"), ("xu", "xi"), ("yu", "yi"), ("jun", "jin"), ("xun", "xin")),
        *(("wan", "huan"), ("wu", "hu"), ("yun", "yin"), ("ran", "lan"), ("ri", "yi")),
    )
)
_SEVERAL = frozenset(
    "长重行乐朝都盛单藏调落朴圩厦省宿提弹六涡堡泊埔蚌降塞校柏番蔚栎侯铅荥牟尉沌涌浒泷漯浚伽荨殷谷巷吓"
)
"""Characters that are read in several ways in names; all others have one reading that matters."""
_PRIVATE = 0xE000
_PRIVATE_END = 0xF8FF
_UNREADABLE = "\0"


@lru_cache(maxsize=60_000)
def _merge(syllable: str) -> str:
    """Return the syllable with blurred pairs merged."""
    for strong, plain in _INITIALS:
        if syllable.startswith(strong):
            syllable = plain + syllable[2:]
    if syllable.startswith("n") and len(syllable) > 1:
        syllable = "l" + syllable[1:]
    if syllable.endswith(("ang", "eng", "ing")):
        syllable = syllable[:-1]
    return syllable.replace("v", "u")


@lru_cache(maxsize=60_000)
def _readings(character: str) -> tuple[str, ...]:
    """Return the merged readings of one character, the most usual first; itself when it has none."""
    if character in _DIGIT_SOUNDS:
        return (_merge(_DIGIT_SOUNDS[character]),)
    found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    if not found:
        return (character,)
    return tuple(dict.fromkeys(_merge(reading) for reading in found[0]))


def sound(text: str) -> tuple[str, ...]:
    """Return one merged syllable for every character of the text (the usual reading)."""
    return tuple(_readings(character)[0] for character in text)


class _Letters(dict[int, str]):
    """One letter for every syllable, made when it is first met; for `str.translate`."""

    def __init__(self) -> None:
        super().__init__()
        self._of_syllable: dict[str, str] = {}
        self.syllable: dict[str, str] = {}

    def of(self, syllable: str) -> str:
        """Return the letter of a merged syllable."""
        letter = self._of_syllable.get(syllable)
        if letter is None:
            letter = chr(_PRIVATE + len(self._of_syllable))
            self._of_syllable[syllable] = letter
            self.syllable[letter] = syllable
        return letter

    def __missing__(self, code: int) -> str:
        character = chr(code)
        reading = _readings(character)[0]
        if reading != character:
            letter = self.of(reading)
        elif _PRIVATE <= code <= _PRIVATE_END:
            letter = _UNREADABLE
        else:
            lower = character.lower()
            letter = lower if len(lower) == 1 else character
        self[code] = letter
        return letter


_LETTERS = _Letters()


def letters(text: str) -> str:
    """Return one letter a character; characters that sound the same (see `sound`) have the same."""
    return text.translate(_LETTERS)


def ways(name: str) -> Iterator[str]:
    """Yield the letters of every way in which a name may sound, the usual one first, at most 4."""
    usual = letters(name)
    yield usual
    if _SEVERAL.isdisjoint(name):
        return
    choices = [
        [_LETTERS.of(reading) for reading in _readings(character)[:3]] if character in _SEVERAL else [letter]
        for character, letter in zip(name, usual, strict=True)
    ]
    for way in itertools.islice(itertools.product(*choices), 1, _KEYS_PER_NAME):
        yield "".join(way)


def _parts(syllable: str) -> tuple[str, str]:
    """Return initial and final of a syllable."""
    match = _INITIAL_AND_FINAL.fullmatch(syllable)
    return ("", syllable) if match is None else (match[1], match[2])


@lru_cache(maxsize=200_000)
def blurred(left: str, right: str) -> bool:
    """Tell whether the telephone may make one letter's syllable of the other's: a consonant, or a vowel."""
    one, other = _LETTERS.syllable.get(left), _LETTERS.syllable.get(right)
    if one is None or other is None:
        return False
    if frozenset((one, other)) in _BLURRED_WHOLE:
        return True
    (initial, final), (other_initial, other_final) = _parts(one), _parts(other)
    if final == other_final:
        return frozenset((initial, other_initial)) in _BLURRED_INITIALS
    return initial == other_initial and frozenset((final, other_final)) in _BLURRED_FINALS
