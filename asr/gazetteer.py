"""The city's names, and finding them in what was heard, also when it was heard with other characters.

Names are compared by sound (`gazetteer_sound`), so 新华接到 is found as 新华街道. A name that is not in the
list must not be bent to a neighbour that is, therefore

- every syllable has to fit; in names of four syllables and more (districts: three) one may be blurred by the
  telephone, in names of six and more two, if characters of what tells the name from others were heard as they
  are written;
- names of three syllables or fewer, found by sound only, must stand where a place is said (after 在, 住 …,
  beside another name, or at the edge of the sentence), as must names of two characters, however found;
- a name with 新, 老, 东 … before it is another name (新和平小区 is not 和平小区);
- where several names sound the same, the characters decide, then the district and street that were said;
  otherwise none. Entries of one name in several places are one match with `others`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from asr.gazetteer_file import Entry, Kind, Row, load_entries, tree_of
from asr.gazetteer_forms import distinctive, forms
from asr.gazetteer_index import SoundIndex, index_of
from asr.gazetteer_sound import letters, sound, ways
from asr.gazetteer_stand import How, Match, Name, is_another_name, may_differ, standing

__all__ = ["Entry", "Gazetteer", "How", "Kind", "Match", "load_entries", "sound"]

MAX_LINE = 2_000
"""Characters of one line that are searched."""
_REMEMBERED = 2_000
"""Lines whose names are remembered: a draft reads the earlier lines of its call again and again."""
_SURENESS = {How.EXACT: 1.5, How.SOUND: 0.0, How.NEAR: -1.0}
"""Characters by which a name may be shorter and still win over one that overlaps it."""


@dataclass(slots=True)
class Gazetteer:
    """The city's names, ready to be found. Immutable once made; safe to share between calls.

    Raises:
        GazetteerError: an entry lies in something that is in no list, or in itself.
    """

    entries: tuple[Entry, ...] = ()
    _above: tuple[tuple[int, ...], ...] = field(default=(), repr=False)
    _numbers: dict[tuple[str, Kind, tuple[str, ...]], int] = field(default_factory=dict, repr=False)
    _by_name: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list), repr=False)
    _by_core: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list), repr=False)
    _index: SoundIndex = field(default_factory=SoundIndex, repr=False)
    _districts: dict[int, tuple[str, ...]] = field(default_factory=dict, repr=False)
    _found: dict[tuple[str, str | None, str | None], tuple[Match, ...]] = field(
        default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        tree = tree_of([Row(entry=entry, where="gazetteer") for entry in self.entries])
        self.entries, self._above = tree.entries, tree.above
        listed: set[str] = set()
        for number, entry in enumerate(self.entries):
            self._numbers[entry.name, entry.kind, entry.parents] = number
            self._by_name[entry.name].append(number)
            self._by_core[letters(distinctive(entry.name))].append(number)
            listed.update((entry.name, *entry.aliases))
        self._index = index_of(self._names(listed))

    def _names(self, listed: Collection[str]) -> Iterator[Name]:
        """Yield every way to say and to hear an entry's name."""
        for number, entry in enumerate(self.entries):
            told = dict.fromkeys((entry.name, *entry.aliases), False)
            told |= {text: True for text in forms(entry) if text not in listed}
            for text, derived in told.items():
                if len(text) >= 2:
                    for key in ways(text):
                        yield Name(text=text, key=key, entry=entry, number=number, derived=derived)

    # ------------------------------------------------------------ what is listed

    def named(self, name: str) -> Entry | None:
        """Return the first entry with this full name."""
        numbers = self._by_name.get(name)
        return None if numbers is None else self.entries[numbers[0]]

    def cored(self, text: str, kind: Kind) -> tuple[Entry, ...]:
        """Return entries of a kind that sound as `text` without what says of which kind they are (西湖)."""
        found = (self.entries[number] for number in self._by_core.get(letters(text), ()))
        return tuple(entry for entry in found if entry.kind is kind)

    def districts_of(self, entry: Entry) -> tuple[str, ...]:
        """Return the districts an entry lies in: one for streets and places, several for long roads."""
        number = self._numbers.get((entry.name, entry.kind, entry.parents))
        return () if number is None else self._in_districts(number)

    def street_of(self, entry: Entry) -> str | None:
        """Return the street (街道/乡镇) an entry lies in, None when it is not known or there are several."""
        number = self._numbers.get((entry.name, entry.kind, entry.parents))
        streets = [] if number is None else list(dict.fromkeys(self._in_streets(number)))
        return streets[0] if len(streets) == 1 else None

    def _in_districts(self, number: int) -> tuple[str, ...]:
        known = self._districts.get(number)
        if known is None:
            entry = self.entries[number]
            if entry.kind is Kind.DISTRICT:
                known = (entry.name,)
            else:
                known = tuple(
                    dict.fromkeys(name for up in self._above[number] for name in self._in_districts(up))
                )
            self._districts[number] = known
        return known

    def _in_streets(self, number: int) -> Iterable[str]:
        if self.entries[number].kind is Kind.STREET:
            yield self.entries[number].name
        else:
            for up in self._above[number]:
                yield from self._in_streets(up)

    # ------------------------------------------------------------ finding

    def find(self, line: str, *, district: str | None = None, street: str | None = None) -> tuple[Match, ...]:
        """Return the names in a line, from left to right, none overlapping another.

        `district`, `street`: those that were said, which decide between names that sound the same.
        """
        line = line[:MAX_LINE]
        known = self._found.get((line, district, street))
        if known is not None:
            return known
        candidates = self._candidates(line, district, street)
        candidates.sort(key=lambda match: (match.start - match.end - _sureness(match), match.start))
        taken: list[Match] = []
        for match in candidates:
            if all(match.end <= other.start or other.end <= match.start for other in taken):
                taken.append(match)
        taken.sort(key=lambda match: match.start)
        found = standing(taken, line)
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        self._found[line, district, street] = found
        return found

    def repaired(self, line: str, *, district: str | None = None, street: str | None = None) -> str:
        """Return the line with names that were found by sound spelled as in the list."""
        parts: list[str] = []
        position = 0
        for match in self.find(line, district=district, street=street):
            parts += (line[position : match.start], match.text)
            position = match.end
        return "".join((*parts, line[position:]))

    def _candidates(self, line: str, district: str | None, street: str | None) -> list[Match]:
        heard_letters = letters(line)
        found: list[Match] = []
        for start in range(len(line) - 1):
            lengths: dict[int, tuple[How, list[Name]]] = {}
            for name, wrong in self._index.at(heard_letters, start):
                how = self._how(name, wrong, line, start, district)
                if how is not None:
                    _note(lengths, name, how)
            for length, (how, names) in lengths.items():
                match = self._match(names, how, line, start, length, district, street)
                if match is not None:
                    found.append(match)
        return found

    def _how(
        self, name: Name, wrong: tuple[int, ...], line: str, start: int, district: str | None
    ) -> How | None:
        """Return how sure the name is, None when it is not meant."""
        if not wrong:
            if line.startswith(name.text, start):
                return How.EXACT
            return How.SOUND if len(name.text) > 2 else None
        listed = name.entry.kind is Kind.STREET and district in self._in_districts(name.number)
        heard = line[start : start + len(name.key)]
        return How.NEAR if may_differ(heard, name, wrong, listed=listed) else None

    def _match(
        self,
        names: Sequence[Name],
        how: How,
        line: str,
        start: int,
        length: int,
        district: str | None,
        street: str | None,
    ) -> Match | None:
        heard = line[start : start + length]
        chosen = self._choose(names, heard, district, street)
        if not chosen or is_another_name(line, start, chosen[0]):
            return None
        return Match(
            entry=chosen[0].entry,
            start=start,
            end=start + length,
            text=chosen[0].text,
            heard=heard,
            how=how,
            others=tuple(name.entry for name in chosen[1:]),
            derived=chosen[0].derived,
        )

    def _choose(
        self, names: Sequence[Name], heard: str, district: str | None, street: str | None
    ) -> list[Name]:
        """Return the name meant, and after it others of the same text; none when nothing decides."""
        unique = list({name.number: name for name in reversed(names)}.values())[::-1]
        if len(unique) == 1:
            return unique
        shared = [sum(a == b for a, b in zip(name.text, heard, strict=True)) for name in unique]
        if max(shared) < len(heard):  # found by sound: where they said it is goes before characters
            unique = self._inside(unique, district, street)
            shared = [sum(a == b for a, b in zip(name.text, heard, strict=True)) for name in unique]
        best = [name for name, count in zip(unique, shared, strict=True) if count == max(shared)]
        best = self._inside(best, district, street)
        listed = [name for name in best if not name.derived]
        best = listed or best
        return best if len({name.text for name in best}) == 1 else []

    def _inside(self, names: list[Name], district: str | None, street: str | None) -> list[Name]:
        """Return the names that lie where the citizen says it is, all when none does."""
        if district is not None:
            names = [name for name in names if district in self._in_districts(name.number)] or names
        if street is not None:
            names = [name for name in names if street in self._in_streets(name.number)] or names
        return names


def _sureness(match: Match) -> float:
    """Return by how many characters a match may be shorter than one that overlaps it, and still win."""
    return 0.5 if match.derived and match.how is How.EXACT else _SURENESS[match.how]


_RANK = {How.EXACT: 0, How.SOUND: 1, How.NEAR: 2}


def _note(lengths: dict[int, tuple[How, list[Name]]], name: Name, how: How) -> None:
    """Keep a name of this length if none was found better."""
    length = len(name.text)
    before = lengths.get(length)
    if before is None or _RANK[how] < _RANK[before[0]]:
        lengths[length] = how, [name]
    elif before[0] is how:
        before[1].append(name)
