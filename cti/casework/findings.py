"""What a verification of orders finds, and how it is said in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from orders.fields import TITLES

__all__ = ["Finding", "FindingKind", "Progress", "Totals", "said"]


class FindingKind(StrEnum):
    """What does not fit."""

    CHANGED = "changed"  # an event is not what was written
    REMOVED = "removed"  # an event is gone
    INSERTED = "inserted"  # an event was put between
    REORDERED = "reordered"  # an event stood elsewhere
    EMPTIED = "emptied"  # an event's data was taken out, and nothing says by whom
    UNREADABLE = "unreadable"  # an event says nothing, or what cannot have happened
    NO_EVENTS = "no_events"  # an order without events
    NO_ORDER = "no_order"  # events, or what is made of them, without an order
    PROJECTION = "projection"  # a table says something else than the events
    MONTH_CHANGED = "month_changed"  # the figures of a frozen month are not those that were frozen
    MONTH_LOST = "month_lost"  # a frozen month that was sealed is not there any more
    MONTH_DIFFERS = "month_differs"  # a frozen month is not the one that was sealed
    CORRECTIONS_DIFFER = "corrections_differ"  # corrections of frozen months are not those that were sealed
    SEAL_CHANGED = "seal_changed"  # a seal is not what was written
    SEAL_REMOVED = "seal_removed"  # a seal is gone
    SEALED_LOST = "sealed_lost"  # an event that was sealed is not there any more
    SEALED_DIFFERS = "sealed_differs"  # an event is not the one that was sealed
    FILE_ADDED = "file_added"  # a file that no event tells of
    FILE_REMOVED = "file_removed"  # a file that was added is not in the table, and no event removed it
    FILE_CHANGED = "file_changed"  # the table says something else of a file than its event
    FILE_LOST = "file_lost"  # the content of a file is not in the folder
    FILE_SWAPPED = "file_swapped"  # the content of a file is not the one that was sent
    ANCHOR_LOST = "anchor_lost"  # the seal that was noted outside is not there


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that does not fit."""

    kind: FindingKind  # what
    order_id: str = ""  # whose, "" for seals
    number: str = ""  # 工单编号, "" where it has none, or it is not known
    seq: int | None = None  # which event
    table: str = ""  # which table says something else
    column: str = ""  # which column, "" for a whole row
    seal: int | None = None  # which seal
    month: int | None = None  # YYYYMM, of a frozen month
    version: int | None = None  # which version of it
    file: str = ""  # id of a file


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is."""

    done: int  # orders
    total: int  # orders, as many as there were at the beginning
    findings: int  # so far
    files: int = 0  # whose contents were read


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, when it is over."""

    orders: int  # verified
    events: int  # of theirs
    erased: int  # events whose personal data was taken out by rule; they are no findings
    seals: int  # verified
    heads: int  # of theirs
    unsealed: int  # orders that changed since the newest seal: what is taken off their end is not found
    findings: int  # of all kinds
    files: int = 0  # of theirs
    read: int = 0  # of these files, whose contents were read and compared
    seal_hash: str = ""  # of the newest seal: note it outside


_SAID: Mapping[FindingKind, str] = MappingProxyType(
    {
        FindingKind.CHANGED: "第 {seq} 条记录被改动",
        FindingKind.REMOVED: "第 {seq} 条记录被删除",
        FindingKind.INSERTED: "第 {seq} 条记录是后来插入的",
        FindingKind.REORDERED: "第 {seq} 条记录的次序被调换",
        FindingKind.EMPTIED: "第 {seq} 条记录的内容被清除或改动，没有删除依据",
        FindingKind.UNREADABLE: "第 {seq} 条记录无法重演",
        FindingKind.NO_EVENTS: "有工单，没有任何记录",
        FindingKind.NO_ORDER: "工单不存在，但{table}中留有内容",
        FindingKind.PROJECTION: "{table}与记录不一致{column}",
        FindingKind.MONTH_CHANGED: "{month} 考核第 {version} 版封账结果被改动",
        FindingKind.MONTH_LOST: "第 {seal} 次封存时的 {month} 考核第 {version} 版封账结果不见了",
        FindingKind.MONTH_DIFFERS: "{month} 考核第 {version} 版封账结果与第 {seal} 次封存时不同",
        FindingKind.CORRECTIONS_DIFFER: "考核更正（mark_changes）与第 {seal} 次封存时不同",
        FindingKind.SEAL_CHANGED: "第 {seal} 次封存被改动",
        FindingKind.SEAL_REMOVED: "第 {seal} 次封存被删除",
        FindingKind.SEALED_LOST: "第 {seal} 次封存时的第 {seq} 条记录不见了",
        FindingKind.SEALED_DIFFERS: "第 {seq} 条记录与第 {seal} 次封存时不同",
        FindingKind.FILE_ADDED: "附件{name}没有登记在记录中",
        FindingKind.FILE_REMOVED: "附件{name}已登记（第 {seq} 条记录），现在不见了，没有移除记录",
        FindingKind.FILE_CHANGED: "附件{name}与第 {seq} 条记录不一致{column}",
        FindingKind.FILE_LOST: "附件{name}的文件不在附件目录中",
        FindingKind.FILE_SWAPPED: "附件{name}的文件内容被替换，与第 {seq} 条记录的 SHA-256 不符",
        FindingKind.ANCHOR_LOST: "外部留存的封存值不在封存链中",
    }
)


_TABLES: Mapping[str, str] = MappingProxyType(
    {
        "orders": "工单表", "order_events": "工单记录", "order_units": "单位收件", "order_links": "关联工单",
        "order_search": "检索内容", "order_marks": "考核计数", "mark_changes": "考核更正",
        "attachments": "附件",
    }
)  # fmt: skip
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        **{field.value: title for field, title in TITLES.items()},
        "number": "工单编号", "call_id": "通话", "caller": "来电号码", "state": "受理状态", "agent": "受理人",
        "created_at": "建立时间", "updated_at": "更新时间", "closed_at": "受理时间", "reason": "原因",
        "version": "记录条数", "channel": "诉求渠道", "solved": "是否解决", "satisfaction": "满意度",
        "fields_json": "各项内容", "visit_json": "回访", "course_json": "办理过程",
        "course_state": "办理状态", "course_since": "进入当前状态的时间", "course_round": "办理轮次",
        "lead_unit": "主办单位", "due_at": "到期时间", "near_at": "提醒时间", "due_kind": "当前时限",
        "supervision": "督办级别", "finished_at": "办结时间", "extension_asked_at": "申请延期时间",
        "text": "文本", "key": "计数项", "kind": "类别", "at": "计入时间", "day": "计入日期",
        "score": "计数结果", "since": "起始时间", "until": "截止时间", "void": "不计原因",
    }
)  # fmt: skip
"""Names of columns -> what people call them; the name itself is said beside it."""


def _named(titles: Mapping[str, str], name: str) -> str:
    return f"{titles[name]}（{name}）" if name in titles else name


def said(finding: Finding) -> str:
    """Return the finding as a Chinese sentence."""
    names = [_named(_COLUMNS, name) for name in finding.column.split(", ") if name]
    month = finding.month or 0
    words = _SAID[finding.kind].format(
        seq=finding.seq,
        seal=finding.seal,
        table=_named(_TABLES, finding.table),
        column=f"：{'、'.join(names)}" if names else "",
        month=f"{month // 100} 年 {month % 100} 月",
        version=finding.version,
    )
    whose = finding.number or finding.order_id
    return f"工单 {whose}：{words}" if whose else words
