"""Waves of calls: several citizens within minutes speak of the same matter and place. Pure.

finder = BurstFinder(BurstPolicy())
finder.take(Mention(order_id="…", at=…, caller="…", category="城乡建设/供水", district="…", place="…"), now)
finder.changes(now)

Each order is one mention, which changes as its fields fill. Mentions of one matter come together at a place,
on a street, in a district, or about the same company. What makes a wave is callers, never calls, so that one
citizen who calls again and again makes none; all numbers that are withheld count as one caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated

import msgspec

__all__ = ["Burst", "BurstFinder", "BurstPolicy", "Mention", "Scale"]

MENTIONS_MOST = 20_000
ORDERS_MOST = 500
"""Orders of one wave that are kept by name; later ones count."""


class Scale(StrEnum):
    """What the mentions of a wave share beside the matter, narrowest first."""

    PLACE = "place"  # the same estate, road or landmark
    SUBJECT = "subject"  # the same company or shop
    STREET = "street"  # the same 街道
    DISTRICT = "district"  # the same 区县


class BurstPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many callers make a wave."""

    window_s: Annotated[float, msgspec.Meta(ge=60, le=86_400)] = 900.0  # calls within so long come together
    quiet_s: Annotated[float, msgspec.Meta(ge=60, le=86_400)] = 1800.0  # over when nobody called for so long
    depth: Annotated[int, msgspec.Meta(ge=1, le=6)] = 2  # levels of the category that must be the same
    place_callers: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 3  # different callers at one place
    subject_callers: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 4  # about one company
    street_callers: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 5  # on one street
    district_callers: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 10  # in one district

    def callers(self, scale: Scale) -> int:
        """Different callers that make a wave."""
        return {
            Scale.PLACE: self.place_callers,
            Scale.SUBJECT: self.subject_callers,
            Scale.STREET: self.street_callers,
            Scale.DISTRICT: self.district_callers,
        }[scale]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """What one order says so far."""

    order_id: str  # which
    at: float  # the call began, epoch seconds
    caller: str  # calling number or a hash of it, "" withheld
    category: str = ""  # path with "/", "" not known yet
    district: str = ""  # 区县
    street: str = ""  # 街道
    place: str = ""  # estate, road or landmark
    subject: str = ""  # company or shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """One wave."""

    burst_id: str  # which
    scale: Scale  # what its mentions share
    category: str  # the levels that they share
    district: str  # of the newest mention that knows it
    place: str  # place, street, company or "", as the scale says
    orders: tuple[str, ...]  # ids, oldest first
    callers: int  # different ones
    since: float  # the first of them
    last: float  # the newest of them
    over: bool = False

    @property
    def title(self) -> str:
        """Matter and place, in Chinese."""
        where = self.place if self.place.startswith(self.district) else f"{self.district}{self.place}"
        return f"{where} · {self.category.rpartition('/')[2]}"


Key = tuple[Scale, str, str, str]
"""Scale, matter, district, name of what is shared."""


@dataclass(slots=True)
class _Wave:
    burst: Burst
    members: dict[str, Mention] = field(default_factory=dict)  # order id -> as it was said last
    told: Burst | None = None


class BurstFinder:
    """Mentions of the last minutes, and the waves that they make."""

    def __init__(self, policy: BurstPolicy) -> None:
        self.policy = policy
        self._mentions: dict[str, Mention] = {}
        self._keys: dict[Key, dict[str, None]] = {}
        self._waves: dict[Key, _Wave] = {}

    def restore(self, bursts: Iterable[Burst], mentions: Iterable[Mention], now: float) -> None:
        """Go on with waves of before a restart.

        `mentions`: of their orders, and of every order that is young enough.
        """
        known = {mention.order_id: mention for mention in mentions}
        for mention in known.values():
            self._put(mention, now)
        for burst in bursts:
            key = (burst.scale, burst.category, _district(burst.scale, burst.district), burst.place)
            members = {order_id: known[order_id] for order_id in burst.orders if order_id in known}
            self._waves[key] = _Wave(burst=burst, told=burst, members=members)

    def take(self, mention: Mention, now: float) -> None:
        """An order says this now; replaces what it said before."""
        self._put(mention, now)

    def withdraw(self, order_id: str) -> None:
        """The order was given up: it never was a mention."""
        self._drop(order_id)
        for wave in self._waves.values():
            wave.members.pop(order_id, None)

    def changes(self, now: float) -> tuple[Burst, ...]:
        """Waves that began, grew, shrank or ended since the last question, and are told now."""
        self._forget(now)
        for key in sorted(self._keys, key=_narrowest_first):
            self._look(key, now)
        changed = []
        for key, wave in list(self._waves.items()):
            self._renew(wave)
            if now - wave.burst.last >= self.policy.quiet_s:
                wave.burst = replace(wave.burst, over=True)
                del self._waves[key]
            if wave.burst != wave.told:
                wave.told = wave.burst
                changed.append(wave.burst)
        return tuple(changed)

    # ------------------------------------------------------------ inside

    def _put(self, mention: Mention, now: float) -> None:
        self._drop(mention.order_id)
        mine = self._keys_of(mention)
        for key, wave in self._waves.items():
            if mention.order_id in wave.members:
                if key in mine:
                    wave.members[mention.order_id] = mention
                else:  # it became another matter
                    del wave.members[mention.order_id]
        if now - mention.at >= self.policy.window_s or not mine:
            return
        self._mentions[mention.order_id] = mention
        if len(self._mentions) > MENTIONS_MOST:
            self._drop(next(iter(self._mentions)))
        for key in mine:
            self._keys.setdefault(key, {})[mention.order_id] = None

    def _drop(self, order_id: str) -> None:
        mention = self._mentions.pop(order_id, None)
        if mention is None:
            return
        for key in self._keys_of(mention):
            members = self._keys[key]
            members.pop(order_id, None)
            if not members:
                del self._keys[key]

    def _forget(self, now: float) -> None:
        old = [m.order_id for m in self._mentions.values() if now - m.at >= self.policy.window_s]
        for order_id in old:
            self._drop(order_id)

    def _keys_of(self, mention: Mention) -> tuple[Key, ...]:
        matter = "/".join(mention.category.split("/")[: self.policy.depth])
        if not matter:
            return ()
        district = mention.district.strip()
        keys: list[Key] = []
        if place := mention.place.strip():
            keys.append((Scale.PLACE, matter, district, place))
        if subject := mention.subject.strip():
            keys.append((Scale.SUBJECT, matter, "", subject))
        if street := mention.street.strip():
            keys.append((Scale.STREET, matter, district, street))
        if district:
            keys.append((Scale.DISTRICT, matter, district, ""))
        return tuple(keys)

    def _look(self, key: Key, now: float) -> None:
        """Let the mentions under this key join their wave, or make one when they are enough callers."""
        wave = self._waves.get(key)
        narrower = {
            order_id
            for other, one in self._waves.items()
            if other != key and _order(other[0]) < _order(key[0])
            for order_id in one.members
        }
        members = {
            order_id: self._mentions[order_id] for order_id in self._keys[key] if order_id not in narrower
        }
        if wave is None:
            if _callers(members) < self.policy.callers(key[0]):
                return
            scale, matter, district, name = key
            first = min(one.at for one in members.values())
            wave = self._waves[key] = _Wave(
                burst=Burst(
                    burst_id=f"b{round(now * 1000)}-{len(self._waves)}",
                    scale=scale, category=matter, district=district, place=name,
                    orders=(), callers=0, since=first, last=first,
                )
            )  # fmt: skip
        wave.members.update(members)

    @staticmethod
    def _renew(wave: _Wave) -> None:
        members = sorted(wave.members.values(), key=lambda one: (one.at, one.order_id))
        if not members:  # restored without mentions, or all of them were given up: it ends in quiet
            return
        kept = tuple(one.order_id for one in members[-ORDERS_MOST:])
        districts = [one.district for one in members if one.district]
        wave.burst = replace(
            wave.burst,
            orders=kept,
            callers=_callers(wave.members),
            since=members[0].at,
            last=members[-1].at,
            district=districts[-1] if districts else wave.burst.district,
        )


def _callers(members: Mapping[str, Mention]) -> int:
    return len({mention.caller for mention in members.values()})


def _order(scale: Scale) -> int:
    return list(Scale).index(scale)


def _narrowest_first(key: Key) -> tuple[int, str, str, str]:
    return (_order(key[0]), key[1], key[2], key[3])


def _district(scale: Scale, district: str) -> str:
    return "" if scale is Scale.SUBJECT else district
