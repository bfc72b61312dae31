"""The city's names, and finding them in what was heard, also when it was heard with other characters.

Names are compared by sound: syllables of pinyin without tones, with the pairs merged that telephone and
accent blur (zh/z, ch/c, sh/s, n/l, ang/an, eng/en, ing/in). So 新华接到 is found as 新华街道. A name that is
not in the list must not be bent to a neighbour that is, therefore

- every syllable has to fit; in names of four syllables and more one may differ by a consonant or a vowel that
  the telephone blurs, if a character of what tells the name from others was heard as it is written;
- names of three syllables or fewer, found by sound only, must stand where a place is said (after 在, 住 …,
  beside another name, or at the edge of the sentence);
- a name with 新, 老, 东 … before it is another name (新和平小区 is not 和平小区);
- where several names sound the same, the characters decide, then the district that was said; otherwise none.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from pypinyin import Style, lazy_pinyin, pinyin

from asr.gazetteer_file import Entry, Kind, load_entries

__all__ = ["Entry", "Gazetteer", "How", "Kind", "Match", "load_entries", "sound"]

MAX_LINE = 2_000
"""Characters of one line that are searched."""
_KEYS_PER_NAME = 16
_REMEMBERED = 2_000
"""Lines whose names are remembered: a draft reads the earlier lines of its call again and again."""
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
    )
)
_TELLS_APART = frozenset("新老大小东西南北")
_CUES = (
    "在",
    "住",
    "是",
    "到",
    "的",
    "于",
    "区",
    "道",
    "镇",
    "路",
    "市",
    "家",
    "们",
    "那",
    "这",
    "和",
    "跟",
    "与",
)


class How(StrEnum):
    """How a name was found."""

    EXACT = "exact"  # the very characters
    SOUND = "sound"  # other characters, the same (merged) syllables
    NEAR = "near"  # the same but for one consonant or vowel


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A name found in a line."""

    entry: Entry  # whose name
    start: int  # first character in the line
    end: int  # after the last character
    text: str  # the name or alias, spelled as in the list
    heard: str  # the characters that stood in the line
    how: How  # how sure
    others: tuple[Entry, ...] = ()  # further entries that fit as well


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
    return syllable


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


def _keys(name: str) -> Iterable[tuple[str, ...]]:
    """Yield every way in which a name may sound, at most 16, its reading as a word first."""
    syllables = lazy_pinyin(name, errors="ignore")
    whole = tuple(_merge(syllable) for syllable in syllables)
    if len(whole) != len(name):  # letters or digits in the name
        whole = sound(name)
    yield whole
    ways = itertools.product(*(_readings(character)[:3] for character in name))
    yield from itertools.islice(ways, _KEYS_PER_NAME)


def _parts(syllable: str) -> tuple[str, str]:
    """Return initial and final of a syllable."""
    match = _INITIAL_AND_FINAL.fullmatch(syllable)
    return ("", syllable) if match is None else (match[1], match[2])


def _blurred(left: str, right: str) -> bool:
    """Tell whether the telephone may make one syllable of the other: one consonant, or one vowel."""
    (initial, final), (other_initial, other_final) = _parts(left), _parts(right)
    if final == other_final:
        return frozenset((initial, other_initial)) in _BLURRED_INITIALS
    return initial == other_initial and frozenset((final, other_final)) in _BLURRED_FINALS


def _halves(key: tuple[str, ...]) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """Return both halves of a sound: of two sounds that differ in one syllable, one half is the same."""
    middle = len(key) // 2
    return (len(key), 0, *key[:middle]), (len(key), 1, *key[middle:])


@dataclass(frozen=True, slots=True)
class _Name:
    """A name or alias and whose it is."""

    text: str
    entry: Entry


@dataclass(slots=True)
class Gazetteer:
    """The city's names, ready to be found. Immutable once made; safe to share between calls."""

    entries: tuple[Entry, ...] = ()
    _by_text: dict[str, list[_Name]] = field(default_factory=lambda: defaultdict(list), repr=False)
    _by_sound: dict[tuple[str, ...], list[_Name]] = field(
        default_factory=lambda: defaultdict(list), repr=False
    )
    _by_half: dict[tuple[object, ...], list[tuple[tuple[str, ...], _Name]]] = field(
        default_factory=lambda: defaultdict(list), repr=False
    )
    _by_name: dict[str, Entry] = field(default_factory=dict, repr=False)
    _lengths: tuple[int, ...] = field(default=(), repr=False)
    _found: dict[tuple[str, str | None], tuple[Match, ...]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        lengths: set[int] = set()
        for entry in self.entries:
            self._by_name.setdefault(entry.name, entry)
            for text in dict.fromkeys((entry.name, *entry.aliases)):
                name = _Name(text, entry)
                lengths.add(len(text))
                self._by_text[text].append(name)
                if len(text) < 3:
                    continue
                for key in dict.fromkeys(_keys(text)):
                    self._by_sound[key].append(name)
                    if len(text) >= 4:
                        for half in _halves(key):
                            self._by_half[half].append((key, name))
        self._lengths = tuple(sorted(lengths, reverse=True))

    def named(self, name: str) -> Entry | None:
        """Return the entry with this full name."""
        return self._by_name.get(name)

    def districts_of(self, entry: Entry) -> tuple[str, ...]:
        """Return the districts an entry lies in: one for streets and places, several for long roads."""
        if entry.kind is Kind.DISTRICT:
            return (entry.name,)
        found: list[str] = []
        for parent in entry.parents:
            above = self._by_name.get(parent)
            if above is not None and above is not entry:
                found += self.districts_of(above)
        return tuple(dict.fromkeys(found))

    def street_of(self, entry: Entry) -> str | None:
        """Return the street (街道/乡镇) an entry lies in, None when it is not known."""
        if entry.kind is Kind.STREET:
            return entry.name
        for parent in entry.parents:
            above = self._by_name.get(parent)
            if above is not None and above.kind is Kind.STREET:
                return above.name
        return None

    def find(self, line: str, *, district: str | None = None) -> tuple[Match, ...]:
        """Return the names in a line, from left to right, none overlapping another.

        `district`: the one that was said, which decides between names that sound the same.
        """
        line = line[:MAX_LINE]
        known = self._found.get((line, district))
        if known is not None:
            return known
        candidates = self._candidates(line, district)
        candidates.sort(key=lambda match: (match.start - match.end - _SURENESS[match.how], match.start))
        taken: list[Match] = []
        for match in candidates:
            if all(match.end <= other.start or other.end <= match.start for other in taken):
                taken.append(match)
        taken.sort(key=lambda match: match.start)
        found = tuple(match for match in taken if _stands_as_place(match, line, taken))
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        self._found[line, district] = found
        return found

    def repaired(self, line: str, *, district: str | None = None) -> str:
        """Return the line with names that were found by sound spelled as in the list."""
        parts: list[str] = []
        position = 0
        for match in self.find(line, district=district):
            parts += (line[position : match.start], match.text)
            position = match.end
        return "".join((*parts, line[position:]))

    def _candidates(self, line: str, district: str | None) -> list[Match]:
        syllables = sound(line)
        found: list[Match] = []
        for stretch in _STRETCH.finditer(line):
            for length in self._lengths:
                for start in range(stretch.start(), stretch.end() - length + 1):
                    heard = line[start : start + length]
                    names, how = self._names(heard, syllables[start : start + length], district)
                    if not names:
                        continue
                    name, others = self._choose(names, heard, district)
                    if name is None or _is_another_name(line, start, name):
                        continue
                    found.append(
                        Match(
                            entry=name.entry,
                            start=start,
                            end=start + length,
                            text=name.text,
                            heard=heard,
                            how=how,
                            others=others,
                        )
                    )
        return found

    def _names(self, heard: str, key: tuple[str, ...], district: str | None) -> tuple[list[_Name], How]:
        exact = self._by_text.get(heard)
        if exact:
            return exact, How.EXACT
        if len(heard) < 3:
            return [], How.SOUND
        same = self._by_sound.get(key)
        if same:
            return same, How.SOUND
        if len(heard) < 4:
            return [], How.NEAR
        near: dict[int, _Name] = {}
        for half in _halves(key):
            for other, name in self._by_half.get(half, ()):
                wrong = [index for index, syllable in enumerate(other) if syllable != key[index]]
                if (
                    len(wrong) == 1
                    and _blurred(key[wrong[0]], other[wrong[0]])
                    and self._may_differ(heard, name, wrong[0], district)
                ):
                    near[id(name)] = name
        return list(near.values()), How.NEAR

    def _may_differ(self, heard: str, name: _Name, position: int, district: str | None) -> bool:
        """Tell whether a name may be meant although one syllable, at `position`, is blurred."""
        length = len(_distinctive(name.text))
        if position >= length:  # 南湖公演 is 南湖公园, but 南湖公寓 is not
            return length >= 2 and heard[:length] == name.text[:length] and _distinctive(heard) == heard
        if any(a == b for a, b in zip(heard[:length], name.text, strict=False)):
            return True
        # the streets of a district are few and all listed
        return name.entry.kind is Kind.STREET and district in self.districts_of(name.entry)

    def _choose(
        self, names: Sequence[_Name], heard: str, district: str | None
    ) -> tuple[_Name | None, tuple[Entry, ...]]:
        """Return the name meant and the other entries it might be; None when nothing decides."""
        unique = list({id(name.entry): name for name in names}.values())
        if len(unique) > 1 and district is not None:
            inside = [name for name in unique if district in self.districts_of(name.entry)]
            unique = inside or unique
        shared = [sum(a == b for a, b in zip(name.text, heard, strict=True)) for name in unique]
        best = [name for name, count in zip(unique, shared, strict=True) if count == max(shared)]
        if len(best) > 1 and best[0].text != heard:
            return None, ()
        return best[0], tuple(name.entry for name in best[1:])


_SURENESS: Mapping[How, float] = {How.EXACT: 1.5, How.SOUND: 0.0, How.NEAR: -1.0}
"""Characters by which a name may be shorter and still win over one that overlaps it."""
_STRETCH = re.compile(r"[^，。！？、；：,.!?;:\s]+")
_PUNCTUATION = re.compile(r"[，。！？、；：,.!?;:\s]")
_SUFFIX = re.compile(
    r"(?:街道|镇|乡|区|县|路|大道|大街|街|巷|小区|社区|花园|家园|公寓|公园|广场|小学|中学|医院|市场|大厦)$"
)


def _distinctive(text: str) -> str:
    """Return the part of a name that tells it from others of its kind."""
    return _SUFFIX.sub("", text)


def _is_another_name(line: str, start: int, name: _Name) -> bool:
    """Tell whether a place or road is told apart by the character before it (新和平小区 is not 和平小区)."""
    if start == 0 or name.entry.kind in (Kind.DISTRICT, Kind.STREET, Kind.ORGANISATION):
        return False
    return line[start - 1] in _TELLS_APART and not line[:start].endswith(
        (
            "城东",
            "城西",
            "河西",
            "城南",
            "城北",
            "以东",
            "以西",
            "以南",
            "以北",
            "路东",
            "路西",
            "路南",
            "路北",
        )
    )


def _carries(match: Match) -> bool:
    """Tell whether a match is sure enough to vouch for the name before it."""
    return match.how is How.EXACT or match.end - match.start > 3


def _stands_as_place(match: Match, line: str, taken: Sequence[Match]) -> bool:
    """Tell whether a short name found only by sound stands where people say places."""
    if match.how is How.EXACT or match.end - match.start > 3:
        return True
    if any(other is not match and match.start - 1 <= other.end <= match.start for other in taken):
        return True
    if any(
        other is not match and match.end <= other.start <= match.end + 1 and _carries(other)
        for other in taken
    ):
        return True
    before = line[: match.start]
    return match.start == 0 or before.endswith(_CUES) or _PUNCTUATION.match(before[-1]) is not None
