"""The work order (工单): its fields, its states, and what happens to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orders.course_events import CourseEvent
from orders.course_messages import Course
from orders.course_messages import Solved as Solved


class OrderField(StrEnum):
    """Fields that both the machine and the agent may fill."""

    TYPE = "type"  # 诉求类型: 咨询 求助 投诉 举报 建议 表扬
    CATEGORY = "category"  # 事项分类
    DISTRICT = "district"  # 区县
    STREET = "street"  # 街道/乡镇
    PLACE = "place"  # 地点: road, estate or landmark
    DETAIL = "detail"  # 详细地址 below the place: 8栋2单元603室
    POINT = "point"  # 坐标 "longitude,latitude" of the place, where the gazetteer has it
    SUBJECT = "subject"  # 被诉对象: the company, shop or unit complained about
    PHONE = "phone"  # 联系电话
    CONTACT = "contact"  # 联系人
    CONTACT_BY = "contact_by"  # 联系方式: 电话, or 仅文字 for who cannot take calls
    SECRECY = "secrecy"  # 保密要求: 公开, 匿名 (units do not learn who it was), 保密 (举报保密)
    TIME = "time"  # 发生时间 in the citizen's words
    TIME_ISO = "time_iso"  # the same as ISO 8601, where it can be told
    URGENCY = "urgency"  # 紧急程度: 一般 紧急 特急
    MOOD = "mood"  # 情绪: 平静 焦急 不满 愤怒
    UNIT = "unit"  # 承办单位 as proposed or chosen
    TITLE = "title"  # 标题
    SUMMARY = "summary"  # 诉求内容


class Filler(StrEnum):
    """Who put a value there; an agent's value is never overwritten by a machine."""

    MACHINE = "machine"
    AGENT = "agent"


class OrderState(StrEnum):
    DRAFT = "draft"  # 草稿: being filled during the call
    ACCEPTED = "accepted"  # 已受理: submitted by an agent
    DISCARDED = "discarded"  # 已作废: draft given up with a reason (nuisance call, wrong number)
    MERGED = "merged"  # 已并单: the matter is an earlier order's, to which the citizen was added


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldValue:
    """What stands in one field now, and where it came from (provenance)."""

    value: str  # what stands there
    filler: Filler  # machine or agent
    source: str  # "agent:<login>" or the machine's rule/model
    confidence: float  # 1.0 for an agent
    audio_from: float | None = None  # seconds into the recording
    audio_to: float | None = None  # seconds into the recording
    quote: str = ""  # the words it was taken from
    at: float = 0.0  # epoch seconds
    suggestion: str | None = None  # the machine's second thought beside an agent's value


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderVisit:
    """What the citizen answered on the newest return visit (回访)."""

    visit_id: str  # which visit
    call_id: str  # the call in which it was said, "" when a person wrote it down without one
    by: str  # "robot" or "agent:<login>"
    solved: Solved | None = None  # None: not answered
    satisfaction: int | None = None  # 5 very satisfied … 1 very dissatisfied with the result, None: not asked
    service: int | None = None  # the same of how they were treated
    words: str = ""  # what they said, as it was understood
    audio_from: float | None = None  # where in that call's recording, seconds
    audio_to: float | None = None  # seconds
    at: float = 0.0  # epoch seconds


class Channel(StrEnum):
    """The way by which a matter came (诉求渠道)."""

    PHONE = "phone"  # 电话
    VIDEO = "video"  # 视频（手语）
    TEXT = "text"  # 文字会话
    WEB = "web"  # 网页表单
    PORTAL = "portal"  # 政务门户
    APP = "app"  # 小程序、APP
    MAILBOX = "mailbox"  # 市长信箱
    TRANSFER = "transfer"  # 其他热线转办
    IMPORT = "import"  # 批量导入


class LinkKind(StrEnum):
    """How one order stands to another one."""

    RELATED = "related"  # 关联: both go on
    MERGED_INTO = "merged_into"  # 并入: this one is closed, the other is worked on
    JOINED = "joined"  # 并单: the citizen of the other, closed one is served here, too


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLink:
    """One order's relation to another one."""

    other: str  # its order id
    kind: LinkKind  # seen from the order that has the link
    agent: str  # login of who made it
    at: float = 0.0  # epoch seconds
    number: str = ""  # the other's 工单编号, "" for a draft
    caller: str = ""  # joined: the number that called
    contact: str = ""  # joined: 联系人
    phone: str = ""  # joined: 联系电话
    secrecy: str = ""  # joined: 保密要求 of the closed order, which goes on to count


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The order while the call goes on."""

    order_id: str  # stays the same when submitted
    call_id: str  # the call it belongs to
    version: int  # grows with every change; edits name the version they saw
    state: OrderState = OrderState.DRAFT  # where it is
    fields: Mapping[str, FieldValue] = field(default_factory=dict)  # OrderField value -> what stands there
    visit: OrderVisit | None = None  # answers of the newest return visit
    links: tuple[OrderLink, ...] = ()  # to other orders, oldest first; one to each
    course: Course | None = None  # since it was accepted; stays when the order is merged afterwards
    channel: Channel = Channel.PHONE  # the way by which it came


# ---------------------------------------------------------------- advice beside the draft (never stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitAdvice:
    """A unit (承办单位) that could handle the matter."""

    unit: str  # its name
    reason: str  # why, in Chinese, fit to be shown
    source: str  # "rule:<id>", "learned" or "duty"
    confidence: float  # 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarOrder:
    """An order that may speak of the same matter (诉求查重)."""

    order_id: str  # which
    number: str  # 工单编号, "" for one that was read from a file
    title: str  # its title
    at: float  # opened, epoch seconds
    score: float  # 0 to 1: how surely it is the same matter
    reason: str  # why, in Chinese: the same place, words in common, the same caller
    district: str = ""  # 区县 of its matter


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeAnswer:
    """An article of the knowledge base that answers what the citizen asks."""

    article_id: str  # which
    title: str  # the question it answers
    answer: str  # what to say
    basis: str  # 依据, "" for none
    score: float  # 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is shown beside a draft: nothing of it is in the order until an agent takes it over."""

    units: tuple[UnitAdvice, ...] = ()  # best first, at most three
    similar: tuple[SimilarOrder, ...] = ()  # best first
    answers: tuple[KnowledgeAnswer, ...] = ()  # best first


# ---------------------------------------------------------------- events (append-only, the truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOpened:
    order_id: str  # new order
    call_id: str  # its call, "" when it came without one
    caller: str  # calling number, the default for PHONE
    channel: Channel = Channel.PHONE  # the way by which it came


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSuggested:
    field: str  # OrderField
    value: str  # the machine's value
    source: str  # rule, list or model
    confidence: float  # 0 to 1
    audio_from: float | None = None  # seconds into the recording
    audio_to: float | None = None  # seconds into the recording
    quote: str = ""  # the words


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEdited:
    field: str  # OrderField
    value: str  # what the agent typed; empty clears the field, and it stays the agent's
    agent: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSubmitted:
    agent: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDiscarded:
    agent: str  # login
    reason: str  # why


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRecorded:
    """The citizen was asked whether it was solved; of several of one visit the newest counts."""

    visit_id: str  # which visit
    call_id: str  # the call in which it was said, "" when a person wrote it down without one
    by: str  # "robot" or "agent:<login>"; what an agent recorded of a visit, the robot does not change
    solved: Solved | None = None  # None: not answered
    satisfaction: int | None = None  # with the result, 5 … 1, None: not answered
    service: int | None = None  # with how they were treated, 5 … 1, None: not answered
    words: str = ""  # what they said, as it was understood
    audio_from: float | None = None  # where in that call's recording, seconds
    audio_to: float | None = None  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLinked:
    """Somebody found that two orders have to do with one another; each order is told of the other."""

    other: str  # order id
    kind: LinkKind  # RELATED, or JOINED on the order that takes a citizen up
    agent: str  # login
    number: str = ""  # the other's 工单编号
    caller: str = ""  # joined: the number that called
    contact: str = ""  # joined: 联系人
    phone: str = ""  # joined: 联系电话
    secrecy: str = ""  # joined: 保密要求 of the closed order


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUnlinked:
    """The relation was a mistake, or a merger was undone."""

    other: str  # order id
    agent: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMerged:
    """This draft is closed: its matter is the other order's (并单)."""

    into: str  # order id
    agent: str  # login
    number: str = ""  # the other's 工单编号


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeUndone:
    """The merger was a mistake: this order is a draft again, or, accepted before, goes on where it was."""

    agent: str  # login


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedRow:
    """One event whose personal data was taken out."""

    seq: int  # which
    standing: str  # orders.chain.standing of what is left of it


@dataclass(frozen=True, slots=True, kw_only=True)
class DataErased:
    """数据到期删除: personal data in earlier events was replaced by 〔已删除〕; the order stays as it was."""

    rule: str  # of orders/data/retention.yaml
    what: tuple[str, ...]  # "fields", "words": orders.erasure.What
    basis: str  # the law, as the rule names it
    rows: tuple[ErasedRow, ...]  # what was changed, oldest first; may be none
    by: str  # login or "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentAdded:
    """添加附件: a file belongs to the order from now on; its content is known again by its digest."""

    attachment_id: str  # which
    name: str  # as whoever sent it calls it
    kind: str  # by its content (orders.file_types)
    size: int  # bytes
    digest: str  # SHA-256 of its content, hexadecimal
    by: str  # login, "api:<token>" or "citizen"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRemoved:
    """移除附件: a file added before does not belong to the order any more, and its content is gone."""

    attachment_id: str  # which
    name: str  # as it was called
    kind: str  # what it was
    size: int  # bytes
    digest: str  # SHA-256 of what its content was
    reason: str  # why
    by: str  # login or "system"


OrderEvent = (
    DraftOpened
    | FieldSuggested
    | FieldEdited
    | OrderSubmitted
    | OrderDiscarded
    | VisitRecorded
    | OrderLinked
    | OrderUnlinked
    | OrderMerged
    | MergeUndone
    | DataErased
    | AttachmentAdded
    | AttachmentRemoved
    | CourseEvent
)
