"""Names of places that are in no list, as they were said: 翠竹雅苑, 新民街道, 第三小学."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import rjieba

from asr.gazetteer import Kind, Match
from asr.gazetteer_words import NOT_NAMES

LONGEST = 10
"""Characters of a name before its suffix."""

_ESTATE = (
    "小区|花园|家园|公寓|新村|花苑|嘉园|嘉苑|佳苑|佳园|雅苑|雅园|名苑|名园|御园|学苑|华府|华庭|名邸|豪庭|庄园|山庄|别墅|公馆|丽苑"
    "|丽都|新苑|小镇|安置房|廉租房|宿舍|家属院|家属区|大院|生活区"
)
_VENUE = (
    "(?:第[一二三四五六七八九十0-9]+|实验|中心|附属|人民|外国语|职业|中医|妇幼保健|社区卫生服务)?"
    "(?:小学|中学|幼儿园|医院|卫生院|派出所|菜市场|农贸市场|批发市场|建材市场|市场|公园|广场|商场|购物中心|地铁站|客运站|汽车站|火车站|学校|学院|大学|大厦|大桥|立交桥|隧道|敬老院|养老院|车管所|加油站|公交站)"
)
_SUFFIX = re.compile(
    f"(?P<estate>{_ESTATE})|(?P<venue>{_VENUE})"
    "|(?P<other>商业街|步行街|美食街|夜市|写字楼|工地|工业园区?|产业园区?|科技园区?|创业园|软件园|园区|酒店|宾馆|饭店|超市|车站|水库|体育馆|图书馆|博物馆|体育场|停车场|收费站|化工厂|水泥厂|砖厂|工厂|厂)"
    "|(?P<community>社区|村(?![民委镇里庄子口])|屯)"
    "|(?P<town>苑|府|城|里|湾|郡|邸|国际|天下|时代|中心)(?=[A-Za-z]?[0-9零一二三四五六七八九十]+(?:栋|号楼|幢|期|单元|座)|小区|[0-9一二三四五六]期)"
    "|(?P<quarter>(?:苑|府|湾|郡|邸|轩|阁|居|庭|城|里|天下|国际)(?=[，。,.、的]|$))"
    "|(?P<bare>(?<=[\u4e00-\u9fff]{3})(?=[A-Za-z]?[0-9一二三四五六七八九十]+(?:栋|幢|期(?!间|限)|号楼)))"
    "|(?P<road>(?<![马道公修一铁线走网思套后半让出])路(?![灯面边过上人口段况由费标政程线基障]|口)|大道|(?<![上逛扫道整])街(?![道上坊边头])"
    "|(?<=[\u4e00-\u9fff]{2})(?<![马公铁道套])路(?=(?:路口|边|上|段|面|口|[0-9零一二三四五六七八九十百]))|巷(?![子道口]))"
    "|(?P<street>街道(?!办理|两边|两侧|上|边|旁)|镇(?![定痛静压政区上长])|(?<!城)乡(?![下亲里村镇政间土长]))"
)
_INSIDE = frozenset(
    ["内", "旁", "侧", "附近", "周边", "外面", "里面", "对面", "旁边", "门口", "初", "末", "后", "前"]
)
"""Words after which a name begins (小区内 …), and none of which is inside one."""
_STOP_TAGS = frozenset("rpcuyedowxzhk")
_NUMERAL = re.compile("[零〇一二三四五六七八九十百两几0-9]+")
_NAMED_NUMBERS = re.compile(
    "(?<![零一二三四五六七八九十])(?:五一|八一|七一|三八|五四|六一|二七)(?![零一二三四五六七八九十个])"
)
_AS_NAME = "解放"
"""Read for them: a word that is part of names as well."""
_BREAK = re.compile("[^\u4e00-\u9fffA-Za-z0-9·]")
_KINDS = {
    "estate": Kind.ESTATE,
    "venue": Kind.LANDMARK,
    "other": Kind.LANDMARK,
    "community": Kind.COMMUNITY,
    "town": Kind.ESTATE,
    "bare": Kind.ESTATE,
    "quarter": Kind.ESTATE,
    "road": Kind.ROAD,
    "street": Kind.STREET,
}


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A name that is in no list."""

    name: str  # as it was said
    kind: Kind  # what its suffix says it is
    start: int  # first character
    end: int  # after the last


def unlisted_in(text: str, matches: Sequence[Match]) -> Iterator[Unlisted]:
    """Yield names that no listed name covers, from left to right."""
    last = 0
    for suffix in _SUFFIX.finditer(text):
        start, end = suffix.span()
        if start < last:
            continue
        inside = next((match for match in matches if match.start < end and start < match.end), None)
        if inside is not None:
            continue
        group = str(suffix.lastgroup)
        before = next((match for match in matches if match.end == start), None)
        if before is not None:
            # a body named by a road or an estate: 人民路小学
            if group == "venue" and before.entry.kind in (Kind.ROAD, Kind.ESTATE, Kind.COMMUNITY):
                yield Unlisted(before.text + suffix.group(), Kind.LANDMARK, before.start, end)
                last = end
            continue
        first = max([last, start - LONGEST, *(match.end for match in matches if match.end <= start)])
        name = _name_before(text[first:start], verbs=group not in ("venue", "other", "bare", "quarter"))
        if len(name) < (3 if group == "bare" else 2) or (group == "street" and len(name) > 5):
            continue
        if group == "quarter" and not _introduced(text, first, start - len(name)):
            continue
        if (
            group in ("estate", "town", "quarter")
            and text.startswith("小区", end)
            and suffix.group() != "小区"
        ):
            end += len("小区")
        yield Unlisted(text[start - len(name) : end], _KINDS[group], start - len(name), end)
        last = end


def _introduced(text: str, first: int, start: int) -> bool:
    """Tell whether a name that might be a common word begins right after a listed one, or where one lives."""
    return (first > 0 and start == first) or text[:start].endswith(("住在", "家在", "小区叫", "名叫", "位于"))


def _name_before(words: str, *, verbs: bool) -> str:
    """Return the last words before a suffix that can belong to a name (严重影响 + 小区: none).

    `verbs`: names of this kind may hold a verb (前进小区, 创业路).
    """
    words = _BREAK.split(words)[-1]
    name = ""
    tagged = rjieba.tag(_NAMED_NUMBERS.sub(lambda number: _AS_NAME[: len(number.group())], words))
    for index in range(len(tagged) - 1, -1, -1):
        word, tag = tagged[index]
        if (
            word in NOT_NAMES
            or (tag[0] in _STOP_TAGS and len(word) < 2)
            or tag in ("r", "d", "p", "c", "ul", "uj")
        ):
            break
        if tag == "v" and not verbs:
            break
        if word in _INSIDE:
            break
        if _NUMERAL.fullmatch(word):
            break
        if (tag == "q" and index and tagged[index - 1][1] == "m") or (len(name) + len(word) > LONGEST):
            break
        name = word + name
    name = words[len(words) - len(name) :]
    if re.match("[0-9]", name):
        name = re.sub("^[0-9]+[栋号楼期单元]*", "", name)
    if name[:1] in ("年", "月", "日") and words[: len(words) - len(name)][-1:].isdigit():
        name = name[1:]
    return name if len(name) >= 2 else ""
