"""The citizen's name, as they gave it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import rjieba

from asr.draft_lines import Said
from asr.gazetteer import sound

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧肖蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖"
    "范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严武戚莫孔向汤常温康施牛樊葛邢安齐易乔伍庞颜倪庄"
    "聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁房滕屈饶解"
    "覃艾褚邬岑仇栾麦闵裘桑储项沙佘车窦娄冼巫揭占敖桂粟谌湛隋闫晏阳植邝宗郎古冷辜臧池党乐荣强寇荆虞费廉仲亓付代闻屠简匡迟蔺牟卓鹿"
)
"""Common surnames, the most common first."""
_DOUBLE = ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "司徒", "令狐", "夏侯")
_SPELLED = {
    "弓长张": "张",
    "立早章": "章",
    "耳东陈": "陈",
    "禾呈程": "程",
    "木子李": "李",
    "口天吴": "吴",
    "言午许": "许",
    "双人徐": "徐",
    "古月胡": "胡",
    "草头黄": "黄",
    "三横王": "王",
    "双木林": "林",
    "干勾于": "于",
    "人禾余": "余",
}
_BY_SOUND: dict[tuple[str, ...], str] = {}
for _name in _SURNAMES:
    _BY_SOUND.setdefault(sound(_name), _name)

_I_AM_CALLED = sound("我姓")
_SURNAME = re.compile(
    "(?:我|我们家|我家|免贵|本人|(?:^|(?<=[，。、,. 啊呃嗯哦零一二三四五六七八九幺0-9室号])))"
    "姓(?!名|什么|啥)(.)(?!的)"
)
"""老百姓, 肖姓领导 and 民警姓刘 are nobody who calls."""
_END = (
    "(?=[，。；、,.;：:（(\\s]|电话|手机|联系|我|家|住|是|想|要|在|反映|投诉|今|男|女|身份|的|你|请|就|那|这|谢谢|麻烦|好吧|好的|行吧|物业|老板|因为|现在|昨|前天|啊|呀|呢|哦|呃|有个|有一|地址|微信|1[3-9]"
    f"|{'|'.join(_SPELLED)}|[0-9]{{6}}|$)"
)
_FULL = re.compile(
    "(?:我叫|名字叫|名字是|我是叫|我名|姓名(?:是|为|：|:)|(?:联系人|反映人|投诉人|来信人|来电人|举报人|求助人|诉求人|申请人|署名|落款)"
    rf"(?:姓名)?[是为：:]+ *)([\u4e00-\u9fff·]{{2,4}}?){_END}"
)
_SELF = re.compile(
    r"(?:^|(?<=[，。！,. ]))(?:我是|本人是?|我本人是)([\u4e00-\u9fff]{2,3})(?=[，。,.、（(]|$)"
)
_SIGNED = re.compile(
    r"(?:反映人|联系人|市民|居民|业主|村民|群众|——|—|此致敬礼)[：: ]*([\u4e00-\u9fff]{2,4})"
    r"(?=[。 ]*$|[，, ：:（(]*(?:电话|手机|联系|身份证|1[3-9][0-9]{9}))"
    r"|(?:^|[。！；;，, ])([\u4e00-\u9fff]{2,4})[：:，, ]*(?=1[3-9][0-9]{9}[。 ]*$)"
)
_PLACE_END = re.compile("[区县市省镇乡村路街道]$")
_TITLED = "(先生|女士|小姐|同志|师傅|大爷|大叔|阿姨|大妈|老师|太太)"
_CALLS_SELF = re.compile(rf"(?:我是|叫我|我|本人)(欧阳|司马|上官|诸葛|司徒|.){_TITLED}(?!说|答复|告诉|的)")
_NICK = re.compile("(?:叫我|喊我|称呼我)([小老].)(?=就|吧|好了|[，。,. ]|$)")
_CALLED = re.compile(
    rf"(?:联系人|反映人|投诉人|来电人|来信人|举报人|姓名|市民|居民|业主|村民|群众|网友|称呼)[是为：: ]*"
    rf"([\u4e00-\u9fff]{{1,3}}?){_TITLED}"
    rf"|(?:找|联系|联系我|叫我)([\u4e00-\u9fff]{{1,3}}?){_TITLED}(?=[，。,. ]|就行|就好|$)"
    rf"|(?<=[0-9])[，,、 ]+(?!找|联系|叫)([\u4e00-\u9fff]{{1,3}}?){_TITLED}[。！ ]*$"
    rf"|^([\u4e00-\u9fff]{{1,3}}?){_TITLED}[，,：: ]*(?=电话|手机|联系|1[3-9])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Who called."""

    name: str  # 王先生, 王 or a full name
    source: str  # rule:contact/…
    confidence: float  # 0 to 1
    said: Said  # the sentence


def find_contact(lines: Sequence[Said], agent: Sequence[str]) -> Contact | None:
    """Return the last name the citizen gave; how the agent addresses them adds 先生 or 女士."""
    found: Contact | None = None
    for said in lines:
        found = _called(said) or _full(said) or _surname(said, agent) or found
    return found or _as_addressed(lines, agent)


def _as_addressed(lines: Sequence[Said], agent: Sequence[str]) -> Contact | None:
    """Return the name by which the agent addresses the citizen, if 姓 and that name can be heard before."""
    for line in agent:
        for match in re.finditer(f"(.){_TITLED}", line):
            if match[1] not in _SURNAMES:
                continue
            sought = sound(f"姓{match[1]}")
            for said in lines:
                sounds = sound(said.text)
                if any(sounds[index : index + 2] == sought for index in range(len(sounds) - 1)):
                    return Contact(
                        name=match.group(), source="rule:contact/agent", confidence=0.75, said=said
                    )
    return None


def _called(said: Said) -> Contact | None:
    """Return a name with a title that is given as the citizen's (联系人：王女士)."""
    names = [[part for part in found.groups() if part] for found in _CALLED.finditer(said.text)]
    name = next(("".join(name) for name in names if _surname_of(name[0])), None)
    if name is None:
        return None
    return Contact(
        name=name,
        source="rule:contact/named",
        confidence=round(0.9 * said.confidence, 3),
        said=said,
    )


def _full(said: Said) -> Contact | None:
    """Return a full name that the citizen gives, or signs with."""
    for pattern, sure in ((_FULL, 0.7), (_SELF, 0.65), (_SIGNED, 0.6)):
        for match in pattern.finditer(said.text):
            name = next(part for part in match.groups() if part)
            if _surname_of(name) is None or (pattern is not _FULL and not _is_person(name)):
                continue
            return Contact(
                name=name,
                source="rule:contact/name",
                confidence=round(sure * said.confidence, 3),
                said=said,
            )
    return None


def _is_person(name: str) -> bool:
    """Tell whether a word is a person's name and no place or trade (高新区, 施工方)."""
    return _PLACE_END.search(name) is None and all(tag.startswith("nr") for _, tag in rjieba.tag(name))


def _surname_of(text: str) -> str | None:
    double = next((name for name in _DOUBLE if text.startswith(name)), None)
    return double or (text[0] if text[0] in _SURNAMES else None)


def _surname(said: Said, agent: Sequence[str]) -> Contact | None:
    for spelled, name in _SPELLED.items():
        if spelled in said.text:
            return _addressed(name, 0.97, said, agent)
    calls = _CALLS_SELF.search(said.text)
    if calls is not None and calls[1] in _SURNAMES:
        return Contact(
            name=calls[1] + calls[2],
            source="rule:contact/self",
            confidence=round(0.9 * said.confidence, 3),
            said=said,
        )
    nick = _NICK.search(said.text)
    if nick is not None and nick[1][1] in _SURNAMES:
        return _addressed(nick[1], 0.8, said, agent)
    match = _SURNAME.search(said.text)
    if match is None:
        return _surname_by_sound(said, agent) if said.asked_name else None
    double = next((name for name in _DOUBLE if said.text.startswith(name, match.start(1))), None)
    if double is not None or match[1] in _SURNAMES:
        return _addressed(double or match[1], 0.92, said, agent)
    alike = _BY_SOUND.get(sound(match[1]))
    return None if alike is None else _addressed(alike, 0.6, said, agent)


def _surname_by_sound(said: Said, agent: Sequence[str]) -> Contact | None:
    """Read 我性网 as 我姓王, in an answer to the question for the name only."""
    sounds = sound(said.text)
    for index in range(len(sounds) - 2):
        alike = _BY_SOUND.get((sounds[index + 2],))
        if sounds[index : index + 2] == _I_AM_CALLED and alike is not None:
            surname = said.text[index + 2] if said.text[index + 2] in _SURNAMES else alike
            return _addressed(surname, 0.55, said, agent)
    return None


def _addressed(surname: str, confidence: float, said: Said, agent: Sequence[str]) -> Contact:
    for line in agent:
        title = re.search(f"{surname}{_TITLED}", line)
        if title is not None:
            return Contact(
                name=surname + title[1],
                source="rule:contact/surname+agent",
                confidence=round(min(0.97, confidence + 0.1), 3),
                said=said,
            )
    return Contact(
        name=surname,
        source="rule:contact/surname",
        confidence=round(confidence * said.confidence, 3),
        said=said,
    )
