"""Every name of a place in the citizen's sentences, with how likely the matter is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asr.draft_lines import Said
from asr.draft_place_context import Context, context_of
from asr.draft_place_detail import details_at
from asr.draft_place_unlisted import unlisted_in
from asr.gazetteer import Gazetteer, How, Kind, Match

PLACES = frozenset({Kind.ESTATE, Kind.COMMUNITY, Kind.LANDMARK, Kind.ROAD, Kind.ORGANISATION})
_SURE = {How.EXACT: 0.95, How.SOUND: 0.82, How.NEAR: 0.65}
_DERIVED = 0.05
_LESS = {Kind.ROAD: 0.1, Kind.COMMUNITY: 0.15, Kind.ORGANISATION: 0.3}
_UNLISTED = 0.4
_SPECIFIC = frozenset({Kind.ESTATE, Kind.LANDMARK})
_WIDER = frozenset({Kind.ROAD, Kind.COMMUNITY, Kind.STREET, Kind.DISTRICT})
_SHORT = re.compile(
    r"(?:不对|错了|[说讲]错了?|(?<!是)(?<!要)不是[^，。不]{0,8}?|应该)"
    r"(?:[，、,。 ]|啊|了|哦)*(?:而|应该)?是(?:在)?"
    r"(?P<name>[\u4e00-\u9fff]{2,5}?)(?:那边|那里|这边|这里)?(?=[，。,.！!的啊呀吧]|$)"
)
_LEVEL = {
    Kind.DISTRICT: 0,
    Kind.STREET: 1,
    Kind.COMMUNITY: 2,
    Kind.ROAD: 3,
    Kind.ORGANISATION: 4,
    Kind.ESTATE: 4,
    Kind.LANDMARK: 4,
}
_CROSSED = re.compile("(?:与|和|跟|同|、|交)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A name and what speaks for it."""

    name: str  # the entry's, or as said when it is not listed
    kind: Kind  # what it stands for
    said: Said  # the sentence
    start: int  # first character in the sentence
    end: int  # after the last
    sure: float  # how sure the name itself is
    score: float  # how likely the matter is there
    dead: bool  # denied, or a body that was asked
    weak: bool  # where they live, or were before
    relative: bool  # named to tell what is beside it
    corrected: bool  # said to correct what was said before
    match: Match | None = None  # None: not listed

    def after(self, other: Mention) -> bool:
        """Tell whether this was said later than the other."""
        return (self.said.number, self.start) > (other.said.number, other.start)


def mentions_in(
    lines: Sequence[Said], gazetteer: Gazetteer, district: str | None, street: str | None
) -> list[Mention]:
    """Return the names in the sentences, in order."""
    found: list[Mention] = []
    for said in lines:
        matches = gazetteer.find(said.text, district=district, street=street)
        listed = [_listed(said, match, matches) for match in matches]
        listed += _short(said, gazetteer, matches, [*found, *listed])
        found += sorted([*listed, *_unlisted(said, matches)], key=lambda mention: mention.start)
    return found


def _listed(said: Said, match: Match, matches: Sequence[Match]) -> Mention:
    sure = _SURE[match.how] - (_DERIVED if match.derived else 0.0)
    kind = match.entry.kind
    context = context_of(said.text, match.start, match.end, kind, _since(match, matches))
    score = sure + context.score - _LESS.get(kind, 0.0) + (0.3 if said.asked_place else 0.0)
    before = [other for other in matches if 0 <= match.start - other.end <= 1]
    after = [other for other in matches if 0 <= other.start - match.end <= 1]
    score += 0.15 * (bool(before) + bool(after))
    if kind is Kind.ROAD:
        score -= 0.3 if any(_crossing(said.text, other, match) for other in matches) else 0.0
    details, _ = details_at(said.text, match.end, matches)
    score += 0.1 if details else 0.0
    if kind is Kind.ORGANISATION and not details and not said.asked_place:
        score -= 0.3
    return _mention(said, match.entry.name, kind, (match.start, match.end), (sure, score), context, match)


def _since(match: Match, matches: Sequence[Match]) -> int:
    """Return the end of the last name before this that does not lead to it, as 城东区 to 新华街道 would."""
    end = 0
    following = match
    for other in reversed([other for other in matches if other.end <= match.start]):
        leads = following.start - other.end <= 1 and _LEVEL[other.entry.kind] < _LEVEL[following.entry.kind]
        if not leads:
            end = other.end
            break
        following = other
    return end


def _crossing(text: str, first: Match, second: Match) -> bool:
    """Tell whether `second` is the road that crosses `first`."""
    between = text[first.end : second.start]
    return first.entry.kind is Kind.ROAD and first.end < second.start and bool(_CROSSED.fullmatch(between))


def _unlisted(said: Said, matches: Sequence[Match]) -> Iterator[Mention]:
    for name in unlisted_in(said.text, matches):
        context = context_of(said.text, name.start, name.end, name.kind)
        score = _UNLISTED + context.score - _LESS.get(name.kind, 0.0) + (0.2 if said.asked_place else 0.0)
        details, _ = details_at(said.text, name.end, matches)
        score += 0.15 if details else 0.0
        wider = [
            match for match in matches if 0 <= name.start - match.end <= 1 and match.entry.kind in _WIDER
        ]
        if name.kind in _SPECIFIC and (
            any(match.entry.kind in (Kind.ROAD, Kind.COMMUNITY) for match in wider)
            or any(match.start == name.start for match in matches)
        ):
            score += 0.6  # more exact than the road or community it is named after
        yield _mention(said, name.name, name.kind, (name.start, name.end), (_UNLISTED, score), context, None)


def _short(
    said: Said, gazetteer: Gazetteer, matches: Sequence[Match], before: Sequence[Mention]
) -> Iterator[Mention]:
    """Yield names without their kind, said to correct one of that kind (不是东湖，是西湖)."""
    for short in _SHORT.finditer(said.text):
        start, end = short.span("name")
        if any(match.start < end and start < match.end for match in matches):
            continue
        kinds = dict.fromkeys(mention.kind for mention in reversed(before) if mention.match is not None)
        for kind in kinds:
            entries = gazetteer.cored(short["name"], kind)
            if not entries:
                continue
            exact = short["name"] in entries[0].name
            match = Match(
                entry=entries[0],
                start=start,
                end=end,
                text=entries[0].name,
                heard=short["name"],
                how=How.EXACT if exact else How.SOUND,
                others=entries[1:],
                derived=True,
            )
            context = Context(1.0, corrected=True)
            sure = _SURE[match.how] - _DERIVED
            yield _mention(said, match.text, kind, (start, end), (sure, sure + 1.0), context, match)
            break


def _mention(
    said: Said,
    name: str,
    kind: Kind,
    span: tuple[int, int],
    scores: tuple[float, float],
    context: Context,
    match: Match | None,
) -> Mention:
    return Mention(
        name=name,
        kind=kind,
        said=said,
        start=span[0],
        end=span[1],
        sure=scores[0],
        score=scores[1],
        dead=context.dead,
        weak=context.weak,
        relative=context.relative,
        corrected=context.corrected,
        match=match,
    )
