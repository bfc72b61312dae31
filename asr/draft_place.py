"""District, street and place, from the city's names and from how people say where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import rjieba

from asr.draft_lines import Said
from asr.gazetteer import Gazetteer, How, Kind, Match
from asr.text import value_of

_SURE = {How.EXACT: 0.95, How.SOUND: 0.82, How.NEAR: 0.65}
_PLACES = frozenset({Kind.ESTATE, Kind.COMMUNITY, Kind.LANDMARK, Kind.ROAD})
_NUM = "(?:[零〇一二三四五六七八九幺两十百]+|[0-9]+)"
_NUMBERED = re.compile(
    rf"({_NUM})(号楼|号院|栋|幢|座|单元|号(?!线|码)|弄|室|楼|层|排|组|期|门|区)"
    rf"|(?<=单元)({_NUM})(?![个天月年次点])"
    r"|(?<=[楼栋幢号])([零〇一二三四五六七八九幺]{3,4}|[0-9]{3,4})(?![0-9])"
)
_WORD = re.compile(
    "[东南西北]门门?口?|[正大侧后前]?门口|[正侧后]门|大门|门前|小区|社区|院内|公交车?站台?|地铁口|地铁站|站台"
    "|车站|站|十字路口|丁字路口|交叉路?口|交汇处|路口|路段|对面|旁边|附近|隔壁|楼下|楼上|工地|人行道"
    "|地下车库|地下室|停车场|广场|桥下|桥上|桥头|里面|[东西南北中]段|菜市场|市场|小学|中学|幼儿园|医院"
    "|超市|饭店|入口|出口|[东西南北][侧边区]"
)
_GLUE = re.compile("[，、, ]?(?:的|上|里|里面|这个|那个|这一|那一|这边|那边|这里|那里|这|那|就是|一个)*")
_JOINTS = ("和", "与", "跟", "到", "交", "至")
_WRONG = re.compile(
    "(?:[，、,。 ]|啊|哦)*(?:不对|错了|说错了?|不是|更正一下)(?:[，、,。 ]|啊|了)*(?:应该)?(?:是|在)?"
)
_OPENING = re.compile("(?:对|嗯|是的|是|在|就在|就是|住在|住|我家|我们家|家是|好的?|[，、,。 ])*")
_UNITS = {
    "号楼": "building",
    "栋": "building",
    "幢": "building",
    "座": "building",
    "楼": "floor",
    "层": "floor",
}

_BEFORE = re.compile(
    "^.*(?:住在|位于|我们|你们|他们|咱们|就是|反映"
    "|[在住是区县到道镇路，。、？！,. 的了去来从我你他家个这那哪有叫市说条每]|(?<=.)[和与跟])"
)
_UNLISTED_PLACE = re.compile(
    "小区|花园|家园|公寓|新村|花苑|嘉园|佳苑|雅苑|华庭|广场|大厦|菜市场|小学|中学|医院|公园|大道"
    "|(?<![马道公修一铁线])路(?=[0-9零一二三四五六七八九十百两]+号|路口|和|与|交叉|附近)"
)
_NAME_TAGS = frozenset("nabfjstxzgm")
_NOT_NAMES = frozenset(
    ("城镇", "乡镇", "商品房", "开发商", "居民", "业主", "物业", "问题", "全国", "全市", "全区", "住宅")
)
_UNLISTED_STREET = re.compile("街道|镇(?!定|痛|静|压)|乡(?!下|亲|里|村)")


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

    district: Found | None = None
    street: Found | None = None
    place: Found | None = None


@dataclass(frozen=True, slots=True)
class _Mention:
    match: Match
    said: Said
    score: float


@dataclass(frozen=True, slots=True)
class _Detail:
    unit: str  # what it counts; "word" for gate, crossing …
    text: str


def find_places(lines: Sequence[Said], gazetteer: Gazetteer) -> Places:
    """Return district, street and place; what was corrected counts as corrected."""
    mentions = _mentions(lines, gazetteer, None)
    district = _best(mentions, {Kind.DISTRICT})
    if district is not None:
        mentions = _mentions(lines, gazetteer, district.match.entry.name)
    street = _best(mentions, {Kind.STREET}, gazetteer, district)
    anchor = _best(mentions, _PLACES, gazetteer, district)
    place = _listed_place(anchor, lines, mentions) if anchor is not None else _unlisted_place(lines, mentions)
    street_found = _named(street) or _implied_street(anchor, gazetteer) or _unlisted_street(lines, mentions)
    district_found = _named(district) or _implied_district(street, anchor, gazetteer)
    return Places(district=district_found, street=street_found, place=place)


# ---------------------------------------------------------------- which of the names


def _mentions(lines: Sequence[Said], gazetteer: Gazetteer, district: str | None) -> list[_Mention]:
    found: list[_Mention] = []
    for said in lines:
        matches = gazetteer.find(said.text, district=district)
        for index, match in enumerate(matches):
            score = _SURE[match.how]
            if said.asked_place:
                score += 0.3
            if index and 0 <= match.start - matches[index - 1].end <= 1:
                score += 0.15
            if index + 1 < len(matches) and 0 <= matches[index + 1].start - match.end <= 1:
                score += 0.15
            before = said.text[max(0, match.start - 8) : match.start]
            if _WRONG.search(before):
                score += 1.0
            if _NUMBERED.match(said.text, match.end) or _WORD.match(said.text, match.end):
                score += 0.1
            found.append(_Mention(match, said, score))
    return found


def _best(
    mentions: Sequence[_Mention],
    kinds: frozenset[Kind] | set[Kind],
    gazetteer: Gazetteer | None = None,
    district: _Mention | None = None,
) -> _Mention | None:
    best: tuple[float, _Mention] | None = None
    for mention in mentions:
        entry = mention.match.entry
        if entry.kind not in kinds:
            continue
        score = mention.score - (0.1 if entry.kind is Kind.ROAD else 0.0)
        if gazetteer is not None and district is not None:
            inside = gazetteer.districts_of(entry)
            if inside and district.match.entry.name not in inside:
                if mention.match.how is not How.EXACT:
                    continue  # heard only by sound, and not where the citizen says it is
                score -= 0.3
        if best is None or score > best[0] + 1e-9:
            best = (score, mention)
    return None if best is None else best[1]


def _named(mention: _Mention | None) -> Found | None:
    if mention is None:
        return None
    match = mention.match
    return Found(
        value=match.entry.name,
        source=f"gazetteer/{match.how.value}",
        confidence=round(_SURE[match.how] * mention.said.confidence, 3),
        said=mention.said,
        quote=match.heard,
    )


def _implied_district(street: _Mention | None, anchor: _Mention | None, gazetteer: Gazetteer) -> Found | None:
    for mention in (street, anchor):
        if mention is None:
            continue
        districts = gazetteer.districts_of(mention.match.entry)
        if len(districts) == 1:
            return _implied(mention, districts[0])
    return None


def _implied_street(anchor: _Mention | None, gazetteer: Gazetteer) -> Found | None:
    street = None if anchor is None else gazetteer.street_of(anchor.match.entry)
    return None if anchor is None or street is None else _implied(anchor, street)


def _implied(mention: _Mention, value: str) -> Found:
    match = mention.match
    return Found(
        value=value,
        source="gazetteer/implied",
        confidence=round(0.92 * _SURE[match.how] * mention.said.confidence, 3),
        said=mention.said,
        quote=match.heard,
    )


# ---------------------------------------------------------------- the place in words


def _listed_place(anchor: _Mention, lines: Sequence[Said], mentions: Sequence[_Mention]) -> Found:
    said, match = anchor.said, anchor.match
    here = [mention.match for mention in mentions if mention.said is said]
    name = _joined(said.text, match, here)
    details, end = _details(said.text, name[1], here)
    details = _corrected(said.text, end, details)
    last = said
    for other in lines[said.number + 1 :]:
        more = _continued(other, last, details)
        if more is not None:
            details, last = more, other
    confidence = _SURE[match.how] * min(said.confidence, last.confidence)
    heard = said.text[min(match.start, name[2]) : end]
    return Found(
        value=_written(name[0], details),
        source=f"gazetteer/{match.how.value}",
        confidence=round(confidence, 3),
        said=replace(said, end=last.end),
        quote=heard if last is said else f"{heard} {last.quote}",
    )


def _written(name: str, details: Sequence[_Detail]) -> str:
    text = name
    for detail in details:
        if not (detail.unit == "word" and text.endswith(detail.text)):
            text += detail.text
    return text


def _joined(text: str, match: Match, here: Sequence[Match]) -> tuple[str, int, int]:
    """Return the anchor's name, with the road that crosses it (科技路和学院路), its end and its start."""
    if match.entry.kind is not Kind.ROAD:
        return match.text, match.end, match.start
    for other in here:
        if other.entry.kind is not Kind.ROAD or other is match:
            continue
        first, second = (match, other) if match.start < other.start else (other, match)
        joint = text[first.end : second.start]
        if joint in _JOINTS:
            return f"{first.text}{joint}{second.text}", second.end, first.start
    return match.text, match.end, match.start


def _details(text: str, start: int, here: Sequence[Match]) -> tuple[list[_Detail], int]:
    """Return house numbers, gates, crossings and the like that follow at `start`, and where they end."""
    details: list[_Detail] = []
    starts = {match.start for match in here}
    position = start
    while True:
        glue = _GLUE.match(text, position)
        following = position if glue is None else glue.end()
        found = _detail(text, following) or _detail(text, position)
        if found is None or (found[1].start() in starts and found[0].unit == "word"):
            return details, position
        details.append(found[0])
        position = found[1].end()


def _detail(text: str, position: int) -> tuple[_Detail, re.Match[str]] | None:
    numbered = _NUMBERED.match(text, position)
    if numbered is not None:
        unit = numbered[2] or "room"
        number = numbered[1] or numbered[3] or numbered[4]
        return _Detail(_UNITS.get(unit, unit), (value_of(number) or number) + (numbered[2] or "")), numbered
    word = _WORD.match(text, position)
    return None if word is None else (_Detail("word", word.group()), word)


def _corrected(text: str, position: int, details: list[_Detail]) -> list[_Detail]:
    """Apply "不对，是八十六号" that stands right after the details, as often as it does."""
    while True:
        wrong = _WRONG.match(text, position)
        if wrong is None:
            return details
        better, end = _details(text, wrong.end(), ())
        if not better:
            return details
        details, position = _replaced(details, better), end


def _replaced(details: Sequence[_Detail], better: Sequence[_Detail]) -> list[_Detail]:
    result = list(details)
    for detail in better:
        index = next(
            (n for n, old in enumerate(result) if old.unit == detail.unit and detail.unit != "word"), None
        )
        if index is None:
            result.append(detail)
        else:
            result[index] = detail
    return result


def _continued(other: Said, last: Said, details: list[_Detail]) -> list[_Detail] | None:
    """Return the details with those of a later sentence, None when that sentence is not about the place."""
    wrong = _WRONG.match(other.text)
    opening = _OPENING.match(other.text)
    start = wrong.end() if wrong is not None else 0 if opening is None else opening.end()
    more, _ = _details(other.text, start, ())
    if not more or all(detail.unit == "word" for detail in more):
        return None
    if wrong is not None:
        return _replaced(details, more)
    if other.number != last.number + 1 and not other.asked_place:
        return None
    have = {detail.unit for detail in details}
    fresh = [detail for detail in more if detail.unit == "word" or detail.unit not in have]
    return [*details, *fresh] if fresh else None


# ---------------------------------------------------------------- names that are in no list


def _unlisted_place(lines: Sequence[Said], mentions: Sequence[_Mention]) -> Found | None:
    for said, name, end in _unlisted(_UNLISTED_PLACE, lines, mentions):
        details, end_of_details = _details(said.text, end, ())
        details = _corrected(said.text, end_of_details, details)
        return _unlisted_found("rule:place/unlisted", said, _written(name, details), 0.5)
    return None


def _unlisted_street(lines: Sequence[Said], mentions: Sequence[_Mention]) -> Found | None:
    for said, name, _ in _unlisted(_UNLISTED_STREET, lines, mentions):
        return _unlisted_found("rule:street/unlisted", said, name, 0.4)
    return None


def _unlisted(
    suffix: re.Pattern[str], lines: Sequence[Said], mentions: Sequence[_Mention]
) -> Iterator[tuple[Said, str, int]]:
    """Yield names of two to six characters before a suffix, as heard, that no listed name covers."""
    for said in lines:
        covered = [(entry.match.start, entry.match.end) for entry in mentions if entry.said is said]
        for match in suffix.finditer(said.text):
            if any(start < match.end() and match.start() < end for start, end in covered):
                continue
            first = max([0, match.start() - 6, *(end for _, end in covered if end <= match.start())])
            name = _BEFORE.sub("", said.text[first : match.start()])
            name = _noun_at_end(name)
            if 2 <= len(name) <= 6 and not re.search("[0-9a-zA-Z一几]", name):
                yield said, name + match.group(), match.end()


def _noun_at_end(words: str) -> str:
    """Return the last words before a suffix that can belong to a name (严重影响 + 小区: none)."""
    name = ""
    for word, tag in reversed(rjieba.tag(words)):
        if tag[0] not in _NAME_TAGS or word in _NOT_NAMES:
            break
        name = word + name
    return name


def _unlisted_found(source: str, said: Said, value: str, confidence: float) -> Found:
    return Found(
        value=value, source=source, confidence=round(confidence * said.confidence, 3), said=said, quote=value
    )
