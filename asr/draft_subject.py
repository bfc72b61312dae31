"""Who is complained about (被诉对象): a company, a shop, a school, a unit, in the citizen's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import rjieba

from asr.draft_lines import Said
from asr.draft_words import Judged
from asr.gazetteer import Entry, Gazetteer, Kind

MAX_SUBJECT = 40
_KINDS = frozenset({"投诉", "举报", "表扬", "求助"})
"""Types of orders that are about somebody."""

_ORGANISATION = re.compile(
    "(?:物业服务|物业管理|建筑|房地产|置业|装修|装饰|供水|供热|供电|燃气|热力|自来水|电力|公交|出租车|出租|快递|物流|保洁|家政|劳务|培训|贷款|网络|科技|旅游|食品|投资|环保|化工|保安|汽车)*"
    "(?:有限责任公司|股份有限公司|有限公司|分公司|公司|集团)"
    "|物业(?:公司)?(?!费|公司|办|服务费|管理费|的?问题|收费|维修|纠纷|管理条例)|驾校|健身房|健身会所|养生会所|会所|俱乐部|培训学校|培训机构|培训班|培训中心|辅导班|补习班|教育机构|早教中心|托管班"
    "|幼儿园|小学|中学|学校|学院|职校|技校|大学|医院|诊所|卫生院|卫生室|卫生服务中心|口腔|药店|药房|大药房"
    "|酒店|宾馆|旅馆|民宿|旅行社|景区|超市|便利店|商场|购物中心|家具城|建材市场|建材城|市场|饭店|餐厅|餐馆|火锅店|烧烤店|烧烤摊|小吃店|面馆|奶茶店|蛋糕店|早餐店|早点铺|大排档|食堂"
    "|美容院|美发店|理发店|足浴店|洗浴中心|汗蒸馆|棋牌室|棋牌城|麻将馆|网吧|酒吧|[Kk][Tt][Vv]|歌厅|歌舞厅|影楼|婚庆|修理厂|修车店|洗车店|4[Ss]店|汽车城"
    "|化工厂|砖厂|食品厂|纺织厂|印染厂|水泥厂|养殖场|养猪场|屠宰场|搅拌站|加工厂|造纸厂|木材厂|家具厂|工厂|作坊|污水处理厂|垃圾中转站|垃圾站|加油站|砂石场|采石场|回收站|物流园"
    "|工地|项目部|施工队|施工单位|施工方|开发商|房产中介|中介|房东|二房东|包工头|业委会|居委会|村委会|社区居委会|办事大厅|服务大厅|政务大厅|办证大厅|派出所|交警队|营业厅|银行"
    "|[^的家了在那这个一是有去到底层门，。！？、]{1,2}店|置业(?![\u4e00-\u9fff]{0,6}公司)|地产(?!商|局|税|[\u4e00-\u9fff]{0,6}公司)|网约车|黑车|出租车司机|出租车(?!道|站|公司|停)|公交车?司机|公交公司|供电局|教育局|民政局|住建局|社保局|城管局|街道办事?处?|镇政府|村支书|村主任|棋牌社|娱乐城|楼上住户|楼下住户|隔壁邻居|楼上邻居|邻居"
)
_GENERIC = re.compile(
    "^(?:物业|物业公司|公司|超市|商场|饭店|餐厅|餐馆|烧烤店|学校|医院|诊所|药店|酒店|宾馆|市场|工地|店|开发商|中介|房东|邻居|幼儿园|小学|中学|网吧|酒吧|[Kk][Tt][Vv]|健身房|培训机构|培训班|理发店|美容院|工厂|银行|大学|食堂|社区|棋牌室|驾校|旅行社|加油站|会所|快递公司|派出所|中学|业委会|居委会|包工头|营业厅|出租车司机|网约车|黑车|出租车)$"
)
_WHERE = (
    "楼下|楼上|隔壁|对面|附近|旁边|门口|后面|前面|小区|村里|学校|公司|我们|家门口|楼道|单位|镇上|街上|路边"
)
_MODIFIED = re.compile(
    rf"(?:(?:我们?|我们?家|我家|咱们?|你们)?的?(?:{_WHERE})(?:{_WHERE})?的?(?:那个|这个|一家|那家|一个|有家|有个|有一家)?的?)$"
)
_CUT = re.compile(
    "^.*(?:投诉|举报|反映|反应|咨询|表扬|感谢|检举|建议|那个|这个|一个|有个|一辆|一位|一名|一家|这家|那家|有家|几家|某家|我家|他家|我们|你们|他们|咱们|自己|就是|因为|由于|本人|叫做|名叫|名为|位于|开发的|关于|对于|要求|请求|希望"
    "|[在是叫被找给向跟对从去到把让由的了着过我你他她它区县镇路街号楼栋层市]"
    "|[，。！？；：、,.!?;: “”\"'（）()《》【】]"
    "|(?:(?<=[0-9])|(?<=[一二三四五六七八九十]))[月日年]|昨天|今天|前天|上周|最近|有人|而且|但是|现在|突然|负责|小区里|工人|业主|居民|全部|于|与|和|及|经|有|买|交|办|年)"
)
_PLACED = re.compile(
    "^(?:的?(?:门口|旁边|附近|对面|后面|前面|楼顶|路口|北门|南门|东门|西门|周边|门前|外面|东侧|西侧|南侧|北侧|站台|公交站|那里|那边|这边|十字路口|家属院))"
)
_ACCUSED = re.compile(
    "(?:投诉|举报|反映|检举|表扬|感谢)(?:一下|一个|的是|的|了|下|那个|这个|你们|我们|小区|一家|[^，。]{0,6}?)?$"
)
_BAD = re.compile(
    "拒绝|不给|不退|不管|不修|不让|强制|强迫|乱收|多收|拖欠|欠|骗|无证|违规|违法|非法|扰民|态度|偷|卖|收费|收了|收取|克扣|关门|跑路|推诿|不作为|吵|油烟|排|倒闭|虚假|涨价|擅自|私自|拒不|骂|打人|开工|施工|打桩|赌博|不处理|噪音|太吵|臭|占|倒垃圾|卫生|服务|隐瞒|不开|一直|说"
)
_CALLED = re.compile(
    "(?:公司|店铺?|餐馆|饭店|餐厅|超市|小卖部|机构|学校|幼儿园|中介|工厂|厂|会所|健身房|诊所|药店|酒店|平台|名字|名称)(?:的?名字)?(?:就)?"
    "(?:叫做?|名叫|名为|是叫|叫的是)(?P<name>[\u4e00-\u9fffA-Za-z0-9]{2,12}?)"
    "(?=[他她它我在位老，。、,. ]|的|就在|地址|电话|骗|收|不|没|然后|现在|$)"
)
_NAMED = re.compile(
    "^(?:是|就)?叫(?:做|什么)?(?P<name>[\u4e00-\u9fffA-Za-z0-9]{2,12}?)(?=在|位于|就在|的|[，。,. ]|$)"
)
_ASKS_NAMED = re.compile("(?:名字|名称|叫什么|哪家|哪个公司|哪个店)")
_LONG = 5
"""Characters of a name that is no sentence's end; in longer ones a verb ends what is not the name."""
_OTHER_TAGS = frozenset({"t", "r", "c", "m", "p", "y", "uj", "ul", "uz", "f"})
_INSTITUTION = re.compile(
    "(?:小学|中学|学校|大学|学院|医院|市场|超市|商场|酒店|银行|幼儿园|景区|派出所|加油站|卫生院)$"
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    text: str
    worth: float
    named: bool
    end: int  # where it ends in the sentence


def find_subject(lines: Sequence[Said], gazetteer: Gazetteer, kind: str) -> Judged | None:
    """Return who is complained about or praised, None for questions and proposals."""
    if kind not in _KINDS:
        return None
    best: tuple[float, _Candidate, Said] | None = None
    for said in lines:
        for candidate in (*candidates_in(said.text), *_answered(said)):
            worth = candidate.worth
            candidate, entry = _listed(candidate, said.text, gazetteer)
            if entry is not None and entry.kind is not Kind.ORGANISATION:
                worth -= 1.5  # the place of the matter, not who is to blame for it
            elif entry is not None:
                worth += 1.0
            if kind == "求助":
                worth -= 0.8
            if worth > 0.9 and (best is None or worth > best[0] + 1e-9):
                best = (worth, candidate, said)
    if best is None:
        return None
    worth, candidate, said = best
    return Judged(
        value=candidate.text,
        source="rule:subject/" + ("name" if candidate.named else "kind"),
        confidence=round(min(0.9, 0.3 + 0.12 * worth) * said.confidence, 3),
        said=said,
        quote=candidate.text,
    )


def _listed(candidate: _Candidate, text: str, gazetteer: Gazetteer) -> tuple[_Candidate, Entry | None]:
    """Return the candidate with the listed name it is a part of, and that entry."""
    entry = gazetteer.named(candidate.text)
    if entry is not None:
        return candidate, entry
    for match in gazetteer.find(text):
        if match.entry.kind is Kind.ORGANISATION and match.start < candidate.end <= match.end:
            return replace(candidate, text=match.entry.name, named=True), match.entry
    return candidate, None


def _answered(said: Said) -> Iterator[_Candidate]:
    """Yield the name that was told when the agent asked what the shop is called."""
    found = (
        _NAMED.search(said.text) if _ASKS_NAMED.search(said.question) and not said.asked_own_name else None
    )
    if found is not None:
        yield _Candidate(found["name"], 3.2, True, found.end("name"))


def _trimmed(name: str) -> str:
    """Return the end of the words before a suffix that can be a name (当时 + 开发商: none)."""
    kept = ""
    for word, tag in reversed(rjieba.tag(name)):
        if tag in _OTHER_TAGS and len(word) > 1:
            break
        if tag in ("v", "d") and len(word) > 1 and len(name) > _LONG:
            break
        kept = word + kept
    return kept


@lru_cache(maxsize=8_000)
def candidates_in(text: str) -> tuple[_Candidate, ...]:
    return tuple(_found(text))


def _found(text: str) -> Iterator[_Candidate]:
    for match in _CALLED.finditer(text):
        yield _Candidate(match["name"], 3.0, True, match.end("name"))
    for match in _ORGANISATION.finditer(text):
        before = text[max(0, match.start() - 14) : match.start()]
        behind = text[match.end() : match.end() + 24]
        name = _trimmed(_CUT.sub("", before))
        whole = match.group()
        generic = _GENERIC.match(whole) is not None
        modified = _MODIFIED.search(before)
        named = len(name) >= 2 or (not generic and len(whole) > 3)
        subject = name + whole
        if generic and not name and modified is not None:
            subject, named = modified.group() + whole, False
            subject = re.sub("^(?:我们?家?|咱们?|你们)的?", "", subject) or whole
        elif len(name) == 1 and not generic:
            subject = whole
        if not 2 <= len(subject) <= MAX_SUBJECT or subject.endswith(("的店", "书店铺")) or subject == "店":
            continue
        worth = 1.0 + (1.3 if named else 0.4 if modified is not None else 0.0)
        if _ACCUSED.search(text[max(0, match.start() - len(name) - 10) : match.start() - len(name)]):
            worth += 1.2
        if _BAD.search(behind):
            worth += 0.8
        if _PLACED.match(behind):
            worth -= 2.0
        if _INSTITUTION.search(whole) and not _BAD.search(behind):
            worth -= 0.8
        yield _Candidate(subject, worth, named, match.end())
