"""District, street, place and what stands below it, from the city's names and from how people say where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from asr.draft_lines import Said
from asr.draft_place_detail import Detail, anywhere, continued, corrected, details_at, fuller, joined
from asr.draft_place_mentions import PLACES, Mention, mentions_in
from asr.draft_place_spelling import spelled
from asr.gazetteer import Entry, Gazetteer, How, Kind

_IMPLIED = 0.92
_UNLISTED = 0.5
_DETAIL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value of one of the place fields."""

    value: str
    source: str
    confidence: float
    said: Said
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where it is, as far as it is known."""

    district: Found | None = None  # 区县 as listed
    street: Found | None = None  # 街道 as listed, else as said
    place: Found | None = None  # estate, road, landmark … as listed, else as said
    detail: Found | None = None  # below the place: 8栋2单元603室
    point: Found | None = None  # "lon,lat" of the place where it is listed


def find_places(lines: Sequence[Said], gazetteer: Gazetteer) -> Places:
    """Return where the matter is; what was corrected counts as corrected.

    Where they live gives way to where the matter is; a body that was asked, and a name that was denied, count
    for nothing.
    """
    originals = lines
    lines = [said.with_text(spelled(said.text)) for said in originals]
    mentions = mentions_in(lines, gazetteer, None, None)
    district = _best(mentions, {Kind.DISTRICT}, gazetteer, None)
    street = _best(mentions, {Kind.STREET}, gazetteer, district)
    if district is not None or street is not None:
        mentions = mentions_in(lines, gazetteer, _name(district), _name(street))
        district = _best(mentions, {Kind.DISTRICT}, gazetteer, None)
        street = _best(mentions, {Kind.STREET}, gazetteer, district)
    place = _most_exact(_best(mentions, PLACES, gazetteer, district), mentions, gazetteer, district)
    if place is not None and street is not None and _elsewhere(place, street, gazetteer):
        street = None
    if district is not None and any(
        other is not None and _overrules(other, district, gazetteer) for other in (street, place)
    ):
        district = None
    details, said, quote = _details(place, street, district, lines, mentions)
    places = Places(
        district=_named(district) or _implied_district((street, place), gazetteer),
        street=_named(street) or _implied_street(place, gazetteer),
        place=_named(place),
        detail=_detail_found(details, said, quote),
        point=_point(place),
    )
    heard = {id(said): original for said, original in zip(lines, originals, strict=True)}
    return Places(
        **{
            name: None
            if (found := getattr(places, name)) is None
            else replace(found, said=heard[id(found.said)])
            for name in ("district", "street", "place", "detail", "point")
        }
    )


def _name(mention: Mention | None) -> str | None:
    return None if mention is None else mention.name


# ---------------------------------------------------------------- which of the names


def _best(
    mentions: Sequence[Mention],
    kinds: frozenset[Kind] | set[Kind],
    gazetteer: Gazetteer,
    district: Mention | None,
) -> Mention | None:
    best: tuple[float, Mention] | None = None
    for mention in mentions:
        if mention.kind not in kinds or mention.dead:
            continue
        score = mention.score
        if district is not None and mention.match is not None:
            inside = gazetteer.districts_of(mention.match.entry)
            if inside and district.name not in inside:
                if mention.match.how is not How.EXACT and not district.weak:
                    continue  # heard only by sound, and not where the citizen says it is
                score -= 0.0 if mention.corrected or district.weak else 0.3
        later = mention.corrected and best is not None and best[1].corrected
        if best is None or score > best[0] + 1e-9 or (later and score > best[0] - 0.5):
            best = (score, mention)
    return None if best is None else best[1]


def _most_exact(
    place: Mention | None, mentions: Sequence[Mention], gazetteer: Gazetteer, district: Mention | None
) -> Mention | None:
    """Return an estate or landmark instead of the road it stands at, or of what it stands beside."""
    if place is None or place.corrected or (place.kind is not Kind.ROAD and not place.relative):
        return place
    others = [
        mention
        for mention in mentions
        if mention.name != place.name
        and mention.match is not None
        and not (mention.weak or mention.relative or mention.dead)
        and (mention.kind is Kind.ESTATE or (mention.kind is Kind.LANDMARK and place.kind is Kind.ROAD))
        and (place.relative or place.after(mention) or _follows(mention, place))
    ]
    return _best(others, PLACES, gazetteer, district) or place


def _follows(mention: Mention, place: Mention) -> bool:
    """Tell whether a name stands right after another one's, as 长虹商厦 in 长虹路长虹商厦."""
    return mention.said is place.said and 0 <= mention.start - place.end <= 1


def _districts(mention: Mention, gazetteer: Gazetteer) -> tuple[str, ...]:
    """Return the districts that a listed name may lie in."""
    if mention.match is None:
        return ()
    entries = (mention.match.entry, *mention.match.others)
    return tuple(dict.fromkeys(name for entry in entries for name in gazetteer.districts_of(entry)))


def _streets(mention: Mention, gazetteer: Gazetteer) -> tuple[str, ...]:
    if mention.match is None:
        return ()
    entries = (mention.match.entry, *mention.match.others)
    return tuple(dict.fromkeys(gazetteer.street_of(entry) or "" for entry in entries))


def _overrules(other: Mention, district: Mention, gazetteer: Gazetteer) -> bool:
    """Tell whether a street or place shows that the matter is not in the district that was said."""
    inside = _districts(other, gazetteer)
    if len(inside) != 1 or district.name in inside:
        return False
    corrected_since = other.corrected and not district.corrected and other.after(district)
    return corrected_since or (district.weak and not other.weak)


def _elsewhere(place: Mention, street: Mention, gazetteer: Gazetteer) -> bool:
    """Tell whether the place shows that the matter is not in the street that was said."""
    inside = _streets(place, gazetteer)
    if len(inside) != 1 or not inside[0] or street.name in inside:
        return False
    return (street.weak and not place.weak) or (
        place.corrected and not street.corrected and place.after(street)
    )


def _named(mention: Mention | None) -> Found | None:
    if mention is None:
        return None
    if mention.match is None:
        source = "street" if mention.kind is Kind.STREET else "place"
        return Found(
            value=mention.name,
            source=f"rule:{source}/unlisted",
            confidence=round((_UNLISTED - (0.1 if source == "street" else 0)) * mention.said.confidence, 3),
            said=mention.said,
            quote=mention.name,
        )
    return Found(
        value=mention.name,
        source=f"gazetteer/{mention.match.how.value}",
        confidence=round(mention.sure * mention.said.confidence, 3),
        said=mention.said,
        quote=mention.match.heard,
    )


def _implied_district(mentions: Sequence[Mention | None], gazetteer: Gazetteer) -> Found | None:
    for mention in mentions:
        if mention is not None:
            districts = _districts(mention, gazetteer)
            if len(districts) == 1:
                return _implied(mention, districts[0])
    return None


def _implied_street(place: Mention | None, gazetteer: Gazetteer) -> Found | None:
    streets = () if place is None else _streets(place, gazetteer)
    return _implied(place, streets[0]) if place is not None and len(streets) == 1 and streets[0] else None


def _implied(mention: Mention, value: str) -> Found:
    return Found(
        value=value,
        source="gazetteer/implied",
        confidence=round(_IMPLIED * mention.sure * mention.said.confidence, 3),
        said=mention.said,
        quote=mention.said.text[mention.start : mention.end],
    )


def _point(place: Mention | None) -> Found | None:
    """Return the coordinates of a listed place, none when several places may be meant."""
    if place is None or place.match is None:
        return None
    points = {_written(entry) for entry in (place.match.entry, *place.match.others)}
    point = points.pop()
    if points or not point:
        return None
    return replace(_implied(place, point), source="gazetteer/point")


def _written(entry: Entry) -> str:
    return "" if entry.lon is None or entry.lat is None else f"{entry.lon:.9g},{entry.lat:.9g}"


# ---------------------------------------------------------------- below the place


def _details(
    place: Mention | None,
    street: Mention | None,
    district: Mention | None,
    lines: Sequence[Said],
    mentions: Sequence[Mention],
) -> tuple[list[Detail], Said | None, str]:
    """Return what stands below the place, the sentence that said it last, and its words."""
    anchor = place or street or district
    if anchor is None:
        return _loose(lines, 0, mentions)
    said = anchor.said
    here = [mention.match for mention in mentions if mention.said is said and mention.match is not None]
    details, end = details_at(said.text, anchor.end, here)
    if place is None and all(detail.unit == "word" for detail in details):
        details, end = [], anchor.end
    details = corrected(said.text, end, details)
    quote = said.text[anchor.end : end]
    last = said
    for other in lines[_place_of(said, lines) + 1 :]:
        more = continued(
            other.text, details, next_to=other.number == last.number + 1, asked=other.asked_place
        )
        if more is not None:
            details, last, quote = more, other, f"{quote} {other.text}".strip()
    for other in lines[_place_of(said, lines) :]:
        full = fuller(other.text[anchor.end if other is said else 0 :], details)
        if full is not None:
            details, last, quote = full, other, other.text
    if not any(any(sign.isdigit() for sign in detail.text) for detail in details):
        loose, where, words = _loose(lines, _place_of(said, lines), mentions, after=anchor)
        if loose:
            words_only = [detail for detail in details if detail.unit == "word"]
            return [*loose, *words_only] if last is said and words_only else loose, where, words
    return details, last if details else None, quote


def _place_of(said: Said, lines: Sequence[Said]) -> int:
    """Return which of the lines a sentence is; they may be a part of a call, so its number does not tell."""
    return next(index for index, other in enumerate(lines) if other is said)


def _loose(
    lines: Sequence[Said], first: int, mentions: Sequence[Mention], after: Mention | None = None
) -> tuple[list[Detail], Said | None, str]:
    """Return a building, unit and room that were said apart from the place's name."""
    for said in lines[first:]:
        offset = after.end if after is not None and said is after.said else 0
        found = anywhere(said.text[offset:])
        if found is None:
            continue
        details, start, end = found
        other = next(
            (
                mention
                for mention in mentions
                if mention.said is said
                and mention is not after
                and mention.kind in PLACES
                and not mention.relative
                and mention.end <= offset + start
                and (after is None or said is not after.said or mention.start > after.start)
                and offset + start - mention.end <= 4
            ),
            None,
        )
        if other is None or after is None or other.name == after.name:
            return details, said, said.text[offset + start : offset + end]
    return [], None, ""


def _detail_found(details: Sequence[Detail], said: Said | None, quote: str) -> Found | None:
    text = joined(details)
    if not text or said is None:
        return None
    return Found(
        value=text[:200],
        source="rule:detail",
        confidence=round(_DETAIL * said.confidence, 3),
        said=said,
        quote=quote,
    )
