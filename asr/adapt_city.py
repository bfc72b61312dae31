"""The city's names as slots of sentences: names that belong together, each of them said sooner or later."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from asr.adapt_grammar import Phrases, Slot
from asr.gazetteer_file import Entry, Kind

_SHARES: Mapping[Kind, float] = {
    Kind.ESTATE: 0.42,
    Kind.STREET: 0.16,
    Kind.ROAD: 0.17,
    Kind.LANDMARK: 0.12,
    Kind.COMMUNITY: 0.08,
    Kind.DISTRICT: 0.05,
}
"""How often a sentence is about a place of this kind."""

_STANDS_FOR: Mapping[Kind, tuple[str, ...]] = {
    Kind.DISTRICT: ("我们区", "市里"),
    Kind.STREET: ("我们街道", "街道办"),
    Kind.COMMUNITY: ("我们社区", "居委会", "我们村"),
    Kind.ESTATE: ("我们小区", "这个小区"),
    Kind.ROAD: ("这条路", "门口的马路"),
    Kind.LANDMARK: ("菜市场", "学校", "医院", "公园", "地铁站", "超市"),
    Kind.ORGANISATION: ("城管", "物业", "社区", "派出所", "自来水公司", "环保局", "住建局", "人社局"),
}  # fmt: skip
"""What is said where the city has no name of a kind."""


class _Deck:
    """Gives out names in a random order, all of them before one comes again."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._left = list(names), list[str]()

    def draw(self, chance: random.Random) -> str:
        if not self._left:
            self._left = self._names.copy()
            chance.shuffle(self._left)
        return self._left.pop()


@dataclass(slots=True)
class City:
    """Draws places. One sentence speaks of one place: `move` goes on to the next."""

    entries: tuple[Entry, ...]
    _decks: dict[Kind, _Deck] = field(default_factory=dict, repr=False)
    _inside: dict[tuple[str, Kind], list[str]] = field(default_factory=lambda: defaultdict(list), repr=False)
    _by_name: dict[str, Entry] = field(default_factory=dict, repr=False)
    _here: dict[Kind, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for entry in self.entries:
            self._by_name.setdefault(entry.name, entry)
        names: dict[Kind, list[str]] = defaultdict(list)
        for entry in self.entries:
            names[entry.kind] += (entry.name, *entry.aliases)
            for parent in entry.parents:
                self._inside[parent, entry.kind].append(entry.name)
        self._decks = {kind: _Deck(list(dict.fromkeys(each))) for kind, each in names.items()}

    def move(self, chance: random.Random) -> None:
        """Go to another place: a kind by its share, the next name of that kind, and what it lies in."""
        kinds = [kind for kind in _SHARES if kind in self._decks]
        self._here = {}
        if not kinds:
            return
        kind = chance.choices(kinds, [_SHARES[kind] for kind in kinds])[0]
        name = self._decks[kind].draw(chance)
        self._here[kind] = name
        entry = self._by_name.get(name)
        for _ in range(4):
            parents = [
                self._by_name[each] for each in (entry.parents if entry else ()) if each in self._by_name
            ]
            if not parents:
                return
            entry = parents[int(chance.random() * len(parents))]
            self._here.setdefault(entry.kind, entry.name)

    def name(self, kind: Kind, chance: random.Random) -> str:
        """Return the name of a kind here: of the place itself, of what it lies in, or of what lies in it."""
        if (here := self._here.get(kind)) is None:
            here = self._here[kind] = self._near(kind, chance)
        return here

    def other(self, kind: Kind, chance: random.Random) -> str:
        """Return any name of a kind."""
        deck = self._decks.get(kind)
        stands_for = _STANDS_FOR[kind]
        return deck.draw(chance) if deck else stands_for[int(chance.random() * len(stands_for))]

    def _near(self, kind: Kind, chance: random.Random) -> str:
        for above in (Kind.COMMUNITY, Kind.STREET, Kind.DISTRICT):
            inside = self._inside.get((self._here.get(above, ""), kind))
            if inside:
                return inside[int(chance.random() * len(inside))]
        return self.other(kind, chance)

    def slots(self) -> dict[str, Slot]:
        """Return the slots that names of the city fill."""

        def here(kind: Kind) -> Slot:
            return lambda chance: self.name(kind, chance)

        def other(kind: Kind) -> Slot:
            return lambda chance: self.other(kind, chance)

        return {kind.value: here(kind) for kind in Kind} | {
            "street2": other(Kind.STREET),
            "road2": other(Kind.ROAD),
            "landmark2": other(Kind.LANDMARK),
            "organisation": other(Kind.ORGANISATION),
        }

    def mentions(self, phrases: Phrases, chance: random.Random) -> Iterator[str]:
        """Yield every name in short sentences, as an answer, after what it lies in, and in a phrase."""
        for entry in self.entries:
            for name in (entry.name, *entry.aliases):
                yield name
                above = [each for each in entry.parents if each in self._by_name]
                if above:
                    parent = self._by_name[above[int(chance.random() * len(above))]]
                    grand = [each for each in parent.parents if each in self._by_name]
                    yield f"{grand[0] if grand and chance.random() < 0.6 else ''}{parent.name}{name}"
                around = "mention_body" if entry.kind is Kind.ORGANISATION else "mention"
                yield phrases.draw(around, {"name": _always(name)}, chance)


def _always(name: str) -> Slot:
    return lambda _chance: name
