"""The work order (工单): its fields, its states, and what happens to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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


class Solved(StrEnum):
    """What the citizen says of the matter on a return visit (回访)."""

    YES = "yes"  # 已解决
    NO = "no"  # 未解决
    PARTLY = "partly"  # 部分解决


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderVisit:
    """What the citizen answered on the newest return visit (回访)."""

    visit_id: str  # which visit
    call_id: str  # the call in which it was said, "" when a person wrote it down without one
    by: str  # "robot" or "agent:<login>"
    solved: Solved | None = None  # None: not answered
    satisfaction: int | None = None  # 5 very satisfied … 1 very dissatisfied, None: not answered
    words: str = ""  # what they said, as it was understood
    audio_from: float | None = None  # where in that call's recording, seconds
    audio_to: float | None = None  # seconds
    at: float = 0.0  # epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The order while the call goes on."""

    order_id: str  # stays the same when submitted
    call_id: str  # the call it belongs to
    version: int  # grows with every change; edits name the version they saw
    state: OrderState = OrderState.DRAFT  # where it is
    fields: Mapping[str, FieldValue] = field(default_factory=dict)  # OrderField value -> what stands there
    visit: OrderVisit | None = None  # answers of the newest return visit


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
    call_id: str  # its call
    caller: str  # calling number, the default for PHONE


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
    satisfaction: int | None = None  # 5 … 1, None: not answered
    words: str = ""  # what they said, as it was understood
    audio_from: float | None = None  # where in that call's recording, seconds
    audio_to: float | None = None  # seconds


OrderEvent = DraftOpened | FieldSuggested | FieldEdited | OrderSubmitted | OrderDiscarded | VisitRecorded
