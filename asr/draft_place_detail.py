"""What stands below a place: 8栋2单元603室, 86号, 东门口往南50米, 与五一路交叉口."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from asr.gazetteer import Kind, Match
from asr.gazetteer_sound import letters
from asr.text import value_of

MAX_PARTS = 12
_NUM = "(?:[零〇一二三四五六七八九幺两十百千]+|[0-9]+)"
_ID = rf"(?:[A-Za-z](?:[-－]?[0-9]+)?|{_NUM}[A-Za-z]?)"
_DASHED = re.compile(r"[0-9A-Za-z]+[栋幢座#]?(?:[-－—][0-9A-Za-z]+){1,3}(?:号楼|[栋幢室号房座])?(?![0-9])")
_NUMBERED = re.compile(
    rf"(?P<below>地下|负)?第?(?P<number>{_ID})"
    r"(?P<unit>#楼?|号楼|号院|号铺|号门(?!口)|栋楼?|幢|座(?!位|谈)|单元|号(?!线|码|召|称|文|令)|弄|室(?!内|外)"
    r"|房(?!子|屋|间|价|产|东|租|贷)|楼(?![盘梯道顶宇上下])|层|排(?!队|放|水|污|查|除)|组(?!织|长|成|合)|队(?!长)|期(?!间|限)|区|门(?!面|店)|户|巷)"
    r"|(?P<side>[东南西北])(?P<part>区|苑)(?![路街域])"
)
_ROOM = re.compile(
    r"(?P<number>[A-Za-z]?(?:[零〇一二三四五六七八九幺]{3,4}|[0-9]{3,4}))(?:室|房间?|号房?)?"
    r"(?![0-9零一二三四五六七八九十百千万年月日块元米人户多个])"
)
_ROOM_AFTER = ("单元", "栋", "幢", "座", "楼", "层", "号", "院", "期", "#", "区")
_WORD = re.compile(
    "[东南西北]门门?口?|[正大侧后前]?门口|[正侧后]门|大门口?|门前|院内|院子|公交车?站台?|地铁口|地铁站|站台"
    "|车站|十字路口|丁字路口|三岔路口|交叉路?口|交汇处|路口|路段|红绿灯(?=旁|处|路口|那|往|附近)|人行横道|斑马线|天桥|立交桥|高架桥?|转盘"
    "|斜?对面|旁边|附近|隔壁|楼下(?!有人|邻居|的?住户|的人)|楼顶|工地|人行道|非机动车道|辅道|匝道|隧道口?"
    "|地下车库|地下停车场|地下室|停车场|车库|广场|桥下|桥上|桥头|桥底|里面|[东西南北中][一二三]?段|菜市场|市场|小学|中学|幼儿园|医院"
    "|超市|饭店|餐馆|网吧|入口|出口|出入口|(?:路)?[东西南北]{1,2}[侧边面](?![路街])|拐角处?|转角处?|巷口|巷子里?|胡同口|村口|路边|门卫|岗亭"
)
_LOOSE = re.compile(
    "楼[下顶]|隔壁|附近|旁边|里面|对面|工地|广场|市场|超市|[饭酒]店|餐馆|网吧|小学|中学|幼儿园|医院"
)
"""After a comma these begin to tell what is the matter (楼下的广场舞)."""
_ALONG = re.compile(
    rf"(?P<way>(?:往|向|朝|以)?[东南西北前后左右]{{1,2}})(?:走|边|侧|面|方向)*(?:大概|大约|约|差不多|就)?(?P<number>{_NUM})"
    r"(?:多|来)?(?P<unit>米|公里|里地)(?:处|左右|远|的地方|多)*"
)
_AWAY = re.compile(rf"(?:大概|大约|约|差不多)?(?P<number>{_NUM})(?:多|来)?(?P<unit>米)(?:处|左右|远|的地方)+")
_GLUE = re.compile(
    "[，、, ]?(?:的|上|里|里面|这个|那个|这一|那一|这边|那边|这里|那里|这|那|就是|一个|靠近?)*"
)
_PAUSE = re.compile("[，、, ]+(?:在|就在|是|门牌|那个|这个|的)*")
_CROSSING = re.compile(
    r"[，,]?(?:的)?(?:与|和|跟|同|、|交|到)(?P<road>[\u4e00-\u9fffA-Za-z0-9]{1,6}?(?:路|大街|街|大道|巷|道))(?:的|那个|这个)*"
    r"(?P<end>交叉路?口|交叉处|交叉的?地方|交汇处?|交汇口|交界处?|相交处?|十字路口|丁字路口|路口|转角处?|拐角处?|红绿灯)"
)
_CROSSING_END = re.compile(
    "(?:的|那个|这个)*(?:交叉路?口|交叉处|交叉的?地方|交汇处?|交汇口|交界处?|相交处?|十字路口|丁字路口|路口|转角处?|拐角处?|红绿灯)"
)
_JOINTS = frozenset(map(letters, ("与", "和", "跟", "同", "交", "到", "、", "，和", "，与")))
_STRETCH = re.compile(
    r"(?:到|至|—|-)(?P<road>[\u4e00-\u9fffA-Za-z0-9]{1,6}?(?:路|大街|街|大道|桥))(?:这|那)?(?:一)?(?:路段|段)"
)
_NOT_ROAD = re.compile("[我你他她它这那的了是在有]")
_WRONG = re.compile(
    "(?:[，、,。 ]|啊|哦|呃)*(?:不+[，, ]*(?:对|不对)?[，, ]*我?[说讲]错了?|不对不?对?|不不+"
    "|错了|我?[说讲]错了?|不是|口误|更正一下|纠正一下)"
    "(?:[，、,。 ]|啊|了|哦)*(?:应该)?(?:是|在)?"
)
_DENIED = re.compile(
    rf"{_NUM}(?:号楼|栋|幢|单元|号|楼|室|座)?(?:[，,、 ]|啊|哦)*(?:而|应该)?是(?:在)?(?={_ID})"
    r"|(?:我|现在|已经|搬了|改了|换了|住的?|家){1,6}是(?:在)?(?=[0-9A-Za-z零一二三四五六七八九十])"
)
"""What stands between "not" and the right number: 不是四十五，是五十四号."""
_OPENING = re.compile(
    "(?:对|嗯|是的|是|在|就在|就是|住在|住|我家|我们家|家是|家里|好的?|具体|地址|门牌|[，、,。 ：:])*"
)
_STRONG = re.compile(
    rf"{_ID}(?:号楼|栋|幢|#楼?|座(?!位|谈))"
    rf"(?:[，, ]?{_ID}(?:单元|楼|层|室|号|房)|[，, ]?[零一二三四五六七八九幺0-9]{{3,4}})*"
    rf"|{_ID}单元(?:[，, ]?{_ID}(?:楼|层|室|号)|[，, ]?[零一二三四五六七八九幺0-9]{{3,4}})*"
)
_UNITS = {
    "号楼": "building",
    "栋": "building",
    "幢": "building",
    "座": "building",
    "#": "building",
    "楼": "floor",
    "层": "floor",
    "室": "room",
    "房": "room",
}


@dataclass(frozen=True, slots=True)
class Detail:
    """One part of what stands below a place."""

    unit: str  # what it counts; "word" for a gate or crossing
    text: str  # digits and unit, or the word


def joined(details: Sequence[Detail]) -> str:
    """Return the details as they are written in an address."""
    return "".join(detail.text for detail in details)


def details_at(text: str, start: int, here: Sequence[Match] = ()) -> tuple[list[Detail], int]:
    """Return house numbers, gates, crossings and the like that follow at `start`, and where they end.

    `here`: the names found in the text; a word with which one begins is not taken for a detail.
    """
    details: list[Detail] = []
    starts = {match.start for match in here}
    position = start
    while len(details) < MAX_PARTS:
        glue = _GLUE.match(text, position)
        following = position if glue is None else glue.end()
        found = (
            _detail(text, position, details, here)
            or _detail(text, following, details, here)
            or _after_pause(text, following, details, here)
        )
        if found is None or (found[1] in starts and found[0].unit != "crossing"):
            return details, position
        if found[0].unit == "word" and _PAUSE.match(text, position) and _LOOSE.search(found[0].text):
            return details, position
        details.append(found[0])
        position = found[2]
    return details, position


def _after_pause(
    text: str, position: int, before: Sequence[Detail], here: Sequence[Match]
) -> tuple[Detail, int, int] | None:
    """Return the detail after a comma; a word there begins to tell what is the matter (楼下有人唱歌)."""
    pause = _PAUSE.match(text, position)
    found = None if pause is None else _detail(text, pause.end(), before, here)
    return None if found is None or found[0].unit == "word" else found


def _number(number: str) -> str:
    return value_of(number) or number.upper().replace("－", "-")


def _detail(
    text: str, position: int, before: Sequence[Detail], here: Sequence[Match]
) -> tuple[Detail, int, int] | None:
    """Return the detail at a place, where it begins and where it ends."""
    crossing = _crossing(text, position, here)
    if crossing is not None:
        return crossing
    along = _ALONG.match(text, position)
    if along is not None:
        return (
            Detail("word", f"{along['way']}{_number(along['number'])}{along['unit']}"),
            position,
            along.end(),
        )
    dashed = _DASHED.match(text, position)
    if dashed is not None:
        return Detail("room", dashed.group().replace("－", "-").replace("—", "-")), position, dashed.end()
    numbered = _NUMBERED.match(text, position)
    if numbered is not None:
        if numbered["side"] is not None:
            return Detail("side", numbered.group()), position, numbered.end()
        if numbered["unit"] == "房" and len(_number(numbered["number"])) < 3:
            return None
        unit = (
            numbered["unit"].removesuffix("楼") if numbered["unit"] in ("栋楼", "#楼") else numbered["unit"]
        )
        if unit == "号" and before and before[-1].unit in ("单元", "building", "floor"):
            unit = "室" if len(_number(numbered["number"])) >= 3 else unit
        written = f"{numbered['below'] or ''}{_number(numbered['number'])}{unit}"
        return Detail(_UNITS.get(unit, unit), written), position, numbered.end()
    if text[:position].endswith(_ROOM_AFTER) and any(detail.unit != "word" for detail in before):
        room = _ROOM.match(text, position)
        if room is not None:
            return Detail("room", room_of(room["number"])), position, room.end()
    away = _AWAY.match(text, position)
    if away is not None:
        return Detail("word", f"{_number(away['number'])}米"), position, away.end()
    word = _WORD.match(text, position)
    return None if word is None else (Detail("word", word.group()), position, word.end())


def room_of(number: str) -> str:
    """Return a room's number as it is written: 六零三 → 603室."""
    letter = number[0] if number[0].isascii() and number[0].isalpha() else ""
    return f"{letter.upper()}{_number(number[len(letter) :])}室"


def _crossing(text: str, position: int, here: Sequence[Match]) -> tuple[Detail, int, int] | None:
    """Return 与五一路交叉口 or 至五一路段 that stands at a place."""
    for match in here:
        between = text[position : match.start]
        end = _CROSSING_END.match(text, match.end)
        if match.entry.kind is Kind.ROAD and end and between and letters(between) in _JOINTS:
            return Detail("crossing", f"与{match.text}交叉口"), position, end.end()
    for pattern, written in ((_CROSSING, "与{}交叉口"), (_STRETCH, "至{}路段")):
        found = pattern.match(text, position)
        if found is None or _NOT_ROAD.search(found["road"]):
            continue
        listed = next(
            (
                match.text
                for match in here
                if match.entry.kind is Kind.ROAD
                and match.start >= position
                and match.end <= found.end()
                and match.start <= found.start("road") + 1
            ),
            found["road"],
        )
        return Detail("crossing", written.format(listed)), position, found.end()
    return None


def corrected(text: str, position: int, details: list[Detail]) -> list[Detail]:
    """Apply "不对，是八十六号" that stands right after the details, as often as it does."""
    while True:
        wrong = _WRONG.match(text, position)
        if wrong is None or (wrong.group().endswith("不是") and not details):
            return details
        better, end = _better(text, wrong.end(), details)
        if not better:
            return details
        details, position = replaced(details, better), end


def _better(text: str, start: int, details: Sequence[Detail]) -> tuple[list[Detail], int]:
    """Return the details of a correction; a bare number is of the unit that was said last."""
    denied = _DENIED.match(text, start)
    start = start if denied is None else denied.end()
    better, end = details_at(text, start)
    if better or not details:
        return better, end
    bare = re.compile(rf"{_NUM}(?![个点元块米])").match(text, start)
    last = next((detail for detail in reversed(details) if re.match("[0-9]", detail.text)), None)
    if bare is None or last is None:
        return [], start
    unit = re.sub("^[0-9]+", "", last.text)
    return [Detail(last.unit, f"{_number(bare.group())}{unit}")], bare.end()


def replaced(details: Sequence[Detail], better: Sequence[Detail]) -> list[Detail]:
    """Return the details with the better ones in place of those of the same unit."""
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


def continued(text: str, details: Sequence[Detail], *, next_to: bool, asked: bool) -> list[Detail] | None:
    """Return the details with those of a later sentence, None when that sentence is not about the place.

    `next_to`: it follows the sentence the last detail came from; `asked`: the agent had asked for the place.
    """
    wrong = _WRONG.match(text)
    if wrong is not None and wrong.group().strip("，。、, "):
        better, _ = _better(text, wrong.end(), details)
        return (
            replaced(details, better) if better and not all(part.unit == "word" for part in better) else None
        )
    opening = _OPENING.match(text)
    more, end = details_at(text, 0 if opening is None else opening.end())
    more = corrected(text, end, more)
    more = more or _bare_room(text, details, asked=asked)
    if not more or (all(detail.unit == "word" for detail in more) and not (asked and not details)):
        return None
    if not next_to and not asked:
        return None
    have = {detail.unit for detail in details}
    fresh = [detail for detail in more if detail.unit == "word" or detail.unit not in have]
    return [*details, *fresh] if fresh else None


def _bare_room(text: str, details: Sequence[Detail], *, asked: bool) -> list[Detail]:
    """Return the room that a sentence of three or four digits tells after a building (十四栋 … 二三零一)."""
    if not asked or not details or details[-1].unit not in ("building", "单元", "floor"):
        return []
    room = _ROOM.fullmatch(text.strip("，。、,. "))
    return [] if room is None else [Detail("room", room_of(room["number"]))]


def fuller(text: str, details: Sequence[Detail]) -> list[Detail] | None:
    """Return the same building with its unit or room, as it was said elsewhere (四栋 … 四栋一单元)."""
    building = next((detail for detail in details if detail.unit == "building"), None)
    if building is None or any(detail.unit in ("单元", "floor", "room") for detail in details):
        return None
    for found in _STRONG.finditer(text):
        better, _ = details_at(text, found.start())
        if len(better) > 1 and better[0] == building and better[1].unit in ("单元", "floor", "room"):
            return [*details[: details.index(building)], *better]
    return None


def anywhere(text: str) -> tuple[list[Detail], int, int] | None:
    """Return a building, unit or room said anywhere in a text, where it begins and ends."""
    found = _STRONG.search(text)
    if found is None:
        return None
    details, end = details_at(text, found.start())
    details = corrected(text, end, details)
    return (details, found.start(), end) if details else None
