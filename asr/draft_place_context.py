"""What the words around a name say of it: where the matter is, where they live, a body they asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from asr.gazetteer import Kind

_BREAK = re.compile("[，。；！？,;!?\n]")
_AT = re.compile("(?:在|位于|于|地址[是为：:]*|地点[是为：:]*|位置[是为在：:]*|就是|住|反映|投诉|举报)$")
_LIVES = re.compile(
    "(?:我|我们|我家|本人|我们家|咱们?|家|自己)(?:现在|目前|是|家|就|都|一直|也|呢|本人|平时|平常|以前)*(?:住|居住|租住|租房|租)(?:在|的是|的)?[^，。；]*$"
    "|(?:家|户口|籍贯|老家|户籍)(?:住)?(?:就)?(?:是|在)[^，。；]*$"
    "|我(?:就)?是[^，。；]{0,6}$"
)
_LIVES_AFTER = re.compile("^[^，。；]{0,10}?(?:的)?(?:居民|业主|住户|村民|租户)(?:[，。；]|$|我|想|要|，)")
_OF_SELF = re.compile("我(?:就)?是[^，。；]*$")
_PAST = re.compile("(?:以前|之前|原来|曾经|过去|上次|上回|去年|前年|早先|从前)[^，。；]{0,8}$")
_COMPARED = re.compile(
    "(?:不像|像|比如|例如|人家|别的|其他|听说|不如|参照|学学|类似|离开|搬离|来自)[^，。；]{0,4}$"
)
_COMPARED_AFTER = re.compile("^(?:那样|一样|那种|都能|都可以|就做得|就很|那边都)")
_ASK_BEFORE = re.compile(
    "(?:去|到|找|问|跟|向|给|打给|电话给|电话到|联系|反映给|反映到|跑|通知|告诉|打|和|对|被|由|经)"
    "(?:过|了)?(?:一下)?(?:[^，。；]{0,6}区|[^，。；]{0,3}的)?$"
)
_ASK_AFTER = re.compile(
    "^[^，。；]{0,12}?(?:问|反映|咨询|说|投诉|举报|办(?!公|事)|找过|打[过了]|打电话|答复|回复|回应|不管|不理|推|踢皮球|让我|叫我|告诉|没人|接电话|上班|工作|求助|申请|登记|汇报|沟通)"
)
_ASKED_FIRMLY = re.compile("^(?:也|都|那边)?(?:反映|问|投诉|举报|咨询|说|打)过")
_BODY_AFTER = re.compile(
    "^(?:的)?(?:人民政府|政府|管委会|区委|县委|市委|党委|纪委|信访|法院|检察院|公安|交警|城管|住建|人社|社保|医保|民政"
    "|税务|环保|供电|供水|自来水公司|燃气公司|电视台|人民法院"
    "|[^，。；的在有]{0,8}?(?:局|委员会|办公室|执法大队|支队|服务中心|办事大厅|政务大厅|政务中心))"
)
_STREET_BODY = re.compile("^(?:办事处|街道办|办|政府|城管|综治|工作人员|领导|干部|书记|主任)")
_NEAR_AFTER = re.compile("^[^，。；]{0,8}?(?:门口|附近|对面|旁边|隔壁|大厅|大院|楼下|后面|前面|路口)")
_BESIDE_AFTER = re.compile(
    "^(?:[^，。；]{0,3}(?:门口|的))?(?:斜?对面|旁边?|附近|隔壁|后面|后边|边上|周边|往[东南西北])"
)
_BESIDE_BEFORE = re.compile("(?:靠近|挨着|邻近|临近|紧邻|紧挨着?|毗邻|靠着)的?$")
_NEGATED = re.compile("(?<!是)(?<!要)不是(?:在|住|说|指)?$")
_MARK = re.compile(
    "(?:不对|错了|[说讲]错|口误|更正|纠正|不好意思)[^。；]{0,8}$"
    "|(?<!是)(?<!要)不是(?:[，、, ]|啊|了)*(?:应该|而)?(?:是|在)$"
    "|(?<!是)(?<!要)不是[^，。；]{1,10}[，, ]?(?:而|应该)?是(?:在)?$|应该是(?:在)?$"
)
_BODIES = frozenset({Kind.DISTRICT, Kind.STREET, Kind.ORGANISATION, Kind.COMMUNITY})


@dataclass(frozen=True, slots=True)
class Context:
    """What the words around a name say of it."""

    score: float  # to be added to the name's own
    dead: bool = False  # it is not where the matter is: denied, or a body that was asked
    weak: bool = False  # where they live, or was before
    relative: bool = False  # named to tell what is beside it
    corrected: bool = False  # said to correct what was said before


def context_of(text: str, start: int, end: int, kind: Kind, since: int = 0) -> Context:
    """Return what the words before `start` and after `end` say of a name of this kind.

    `since`: the end of the last name before it that is of another address.
    """
    before = text[max(since, start - 40) : start]
    clause = _BREAK.split(before)[-1]
    after = text[end : end + 30]
    mark = _MARK.search(before[-14:])
    if _NEGATED.search(before):
        return Context(-2.0, dead=True)
    if kind in _BODIES and _is_body(text[start:end], clause, after, kind):
        return Context(-2.0, dead=True)
    score = 0.15 if _AT.search(clause) else 0.0
    weak = False
    if _LIVES.search(clause) or (_OF_SELF.search(clause) and _LIVES_AFTER.search(after)):
        score, weak = -0.3, True
    if _PAST.search(clause):
        score, weak = score - 0.5, True
    if _COMPARED.search(clause) or _COMPARED_AFTER.search(after):
        score, weak = score - 0.5, True
    if _ASK_BEFORE.search(clause) and _ASK_AFTER.search(after) and kind not in _BODIES:
        score, weak = score - 0.5, True
    beside = _BESIDE_BEFORE.search(clause) is not None
    score -= 0.7 if beside else 0.0
    return Context(
        score + (1.0 if mark else 0.0),
        weak=weak and not mark,
        relative=beside or _BESIDE_AFTER.match(after) is not None,
        corrected=mark is not None,
    )


def _is_body(name: str, clause: str, after: str, kind: Kind) -> bool:
    """Tell whether the name stands for a body that was asked or called, not for a place."""
    if _NEAR_AFTER.match(after):
        return False
    if kind is Kind.DISTRICT and _BODY_AFTER.match(after):
        return True
    if kind is Kind.STREET and _ASKED_FIRMLY.match(after):
        return True
    asked = _ASK_BEFORE.search(clause) is not None and _ASK_AFTER.match(after) is not None
    if kind is Kind.STREET and (_STREET_BODY.match(after) or name.endswith(("办", "办事处", "政府"))):
        return True
    return asked and not clause.endswith(("在", "到处"))
