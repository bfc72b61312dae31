"""Other ways in which people say a listed name, where they are safe: 市一医院, 新华街道办, 阳光花园小区."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asr.gazetteer_rows import Entry, Kind

SUFFIX = re.compile(
    r"(?:街道|镇|乡|自治县|新区|地区|区|县|市|路|大道|大街|街|巷|小区|社区|村|花园|家园|公寓|新村|公园|广场|小学|中学|学校|幼儿园"
    r"|医院|菜市场|市场|大厦|苑|中心)$"
)
"""What a name ends with that says of which kind it is."""
_ETHNIC = (
    "(?:[壮回满苗侗瑶彝白傣黎畲藏水羌土佤怒京]|土家|布依|朝鲜|哈尼|哈萨克|傈僳|拉祜|纳西|仡佬|锡伯|蒙古|维吾尔|东乡"
    "|撒拉|毛南|仫佬|达斡尔|各)族"
)
_AUTONOMOUS = re.compile(f"(?P<bare>.{{2,}}?)(?:{_ETHNIC})+(?P<kind>自治县|乡|镇)$")
_CITY = re.compile(r"^.{2,4}?市(?=.{4,})")
_ORDINAL = re.compile(
    r"^(市)?第([一二三四五六七八九十]+)(人民医院|医院|中学|小学|幼儿园|高级中学|实验小学|实验中学)$"
)
_SHORT = {"人民医院": "医院", "高级中学": "中学"}
_COMPANY = re.compile("(?:股份|集团)?有限(?:责任)?公司$")
_NO_NAME = frozenset("城郊矿市新老东南西北中")


def distinctive(text: str) -> str:
    """Return the part of a name that tells it from others of its kind; all of it when nothing is left."""
    bare = SUFFIX.sub("", text)
    return bare if len(bare) >= 2 else text


def forms(entry: Entry) -> Iterator[str]:
    """Yield further ways to say a name, besides its aliases; a listed name of the same text goes first."""
    name = entry.name
    if entry.kind is Kind.DISTRICT:
        yield from _district(name)
    elif entry.kind is Kind.STREET:
        yield from _street(name)
    elif entry.kind is Kind.ESTATE:
        yield from _estate(name)
    elif entry.kind is Kind.COMMUNITY:
        if name.endswith("社区") and len(name) >= 4:
            yield f"{name}居委会"
        elif name.endswith("村") and len(name) >= 3:
            yield f"{name}委会"
    elif entry.kind in (Kind.LANDMARK, Kind.ORGANISATION):
        yield from _body(name)


def _district(name: str) -> Iterator[str]:
    autonomous = _AUTONOMOUS.fullmatch(name)
    if autonomous is not None:
        yield autonomous["bare"] + "县"
        yield autonomous["bare"]
        return
    for long, short in (
        ("高新技术产业开发区", "高新区"),
        ("经济技术开发区", "经开区"),
        ("经济开发区", "经开区"),
    ):
        if name.endswith(long):
            yield short
            return
    bare = re.sub("[区县市]$", "", name)
    if bare != name and len(bare) >= 2 and not set(bare) <= _NO_NAME:
        yield bare


def _street(name: str) -> Iterator[str]:
    autonomous = _AUTONOMOUS.fullmatch(name)
    if autonomous is not None:
        yield autonomous["bare"] + autonomous["kind"]
    if name.endswith("街道"):
        bare = name.removesuffix("街道")
        yield f"{bare}街道办事处"
        yield f"{bare}街道办"
        yield f"{bare}办事处"
        if bare.endswith("路") and len(bare) >= 3:
            yield f"{bare[:-1]}街道"
            yield f"{bare[:-1]}街道办"
        elif len(bare) >= 3 and not bare.endswith(("路", "街", "道", "巷")):
            yield bare
    elif name.endswith(("镇", "乡")) and len(name) >= 3:
        yield f"{name}政府"


def _estate(name: str) -> Iterator[str]:
    bare = name.removesuffix("小区")
    if bare == name:
        yield f"{name}小区"
    elif len(bare) >= 3:
        yield bare


def _body(name: str) -> Iterator[str]:
    city = _CITY.match(name)
    local = name if city is None else "市" + name[city.end() :]
    if local != name:
        yield local
    bare = local.removeprefix("市")
    if city is not None and len(bare) >= 4:
        yield bare
    numbered = _ORDINAL.fullmatch(local)
    if numbered is not None:
        _, number, kind = numbered.groups()
        kind = _SHORT.get(kind, kind)
        yield f"市第{number}{kind}"
        yield f"市{number}{kind}"
        if kind == "中学":
            yield f"市{number}中"
            yield f"{number}中"
    firm = _COMPANY.sub("", name)
    if firm != name and len(firm) >= 4:
        yield f"{firm}公司"
        yield firm
