"""四单: which documents an order has, what stands on them, and what they are called."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import pytest
from pypdf import PdfReader

from cti.casework.document_pdf import Mark, write
from cti.casework.documents import Document, DocumentKind, covered, documents_of, serial_of
from cti.reports.pdf import find_font
from cti.reports.specs import ReportRefused
from orders import course_events as happened
from orders.chain import FIRST
from orders.course_messages import ClockKind, CorrectionCause, Outcome, Supervision
from orders.lifecycle import replay
from orders.messages import DraftOpened, FieldEdited, OrderEvent, OrderSubmitted
from orders.records import Order, RecordedEvent
from tests.support.asterisk import CACHE
from tests.support.courses import (
    ANSWERED,
    LEAD,
    OTHER,
    clock,
    closed,
    dispatched,
    dispute_ruled,
    disputed,
    fed_back,
    rated,
    redo,
    reviewed,
    signed,
)

K = DocumentKind
T0 = 1_800_000_000.0
NUMBER = "20261122000123"
BEFORE: tuple[OrderEvent, ...] = (
    DraftOpened(order_id="o1", call_id="c1", caller="13800138000"),
    FieldEdited(field="title", value="路灯不亮", agent="chen"),
    FieldEdited(field="summary", value="阳光小区东门路灯三天不亮，夜间出行不安全。", agent="chen"),
    FieldEdited(field="type", value="投诉", agent="chen"),
    FieldEdited(field="category", value="市政设施", agent="chen"),
    FieldEdited(field="contact", value="吴先生", agent="chen"),
    OrderSubmitted(agent="chen"),
)
MARK = Mark(short="李雷 li 2026-11-22", line="导出人：李雷（li）")


def recorded(*events: OrderEvent) -> tuple[RecordedEvent, ...]:
    return tuple(
        RecordedEvent(
            order_id="o1", seq=place + 1, event_id=f"e{place}", at=T0 + 60.0 * place, event=event,
            actor="x", hash=f"{place:x}" + FIRST[1:],
        )
        for place, event in enumerate((*BEFORE, *events))
    )  # fmt: skip


def order_of(events: Iterable[RecordedEvent]) -> Order:
    draft = replay((one.event, one.at) for one in events)
    assert draft is not None
    return Order(
        draft=draft, caller="13800138000", agent="chen", created_at=T0, updated_at=T0, number=NUMBER,
        closed_at=T0 + 240.0,
    )  # fmt: skip


def made(*events: OrderEvent) -> tuple[Document, ...]:
    trail = recorded(*events)
    return documents_of(order_of(trail), trail)


def text_of(document: Document, title: str) -> str:
    return next((line.text for part in document.sections for line in part.lines if line.title == title), "")


def followed(reason: str = "请今日联系市民") -> happened.FollowedUp:
    return happened.FollowedUp(reason=reason, by="wang")


def watched(level: Supervision) -> happened.SupervisionSet:
    return happened.SupervisionSet(level=level, reason="办理超期", by="system")


def test_an_accepted_order_has_no_document_yet() -> None:
    assert made() == ()


def test_a_dispatch_makes_a_document_that_names_units_matter_and_limits() -> None:
    limit = clock(ClockKind.RESOLVE, T0 + 86400.0, started=T0)
    (one,) = made(dispatched(LEAD, OTHER, clocks=(limit,)))
    assert (one.kind, one.n, one.title, one.to) == (K.DISPATCH, 1, "交办单", LEAD)
    assert text_of(one, "主办单位") == LEAD
    assert text_of(one, "协办单位") == OTHER
    assert text_of(one, "标题") == "路灯不亮"
    assert text_of(one, "联系人") == "吴先生"
    assert text_of(one, "办理") == "2027-01-16 16:00 前"


def test_what_the_reader_may_not_know_is_not_on_the_document() -> None:
    trail = recorded(dispatched())
    (one,) = documents_of(order_of(trail), trail, {"title": "路灯不亮", "contact": "吴**"})
    assert text_of(one, "联系人") == "吴**"
    assert text_of(one, "诉求内容") == ""


def test_names_in_what_people_wrote_are_covered_and_serials_and_times_stay() -> None:
    (_, one) = made(dispatched(), followed("请联系吴先生 13800138000"))
    told = covered(one, lambda text: text.replace("吴先生", "吴**").replace("13800138000", "138****8000"))
    assert text_of(told, "跟进要求") == "请联系吴** 138****8000"
    assert (told.serial, text_of(told, "受理时间")) == (one.serial, text_of(one, "受理时间"))


def test_each_kind_is_counted_by_itself() -> None:
    bad = (*ANSWERED, rated(bad=True))
    found = made(*bad, redo(), signed(), fed_back(), reviewed(), rated(bad=False), closed())
    assert [(one.kind, one.n) for one in found] == [(K.DISPATCH, 1), (K.DISPATCH, 2), (K.CLOSE, 1)]
    assert text_of(found[1], "交办依据") == "差评重办，第 2 轮"


def test_a_ruling_on_a_dispute_hands_the_order_over_again() -> None:
    found = made(dispatched(), signed(), disputed(), dispute_ruled(OTHER))
    assert [(one.kind, one.to) for one in found] == [(K.DISPATCH, LEAD), (K.DISPATCH, OTHER)]
    assert text_of(found[1], "交办意见") == "编办裁定"


def test_following_up_is_a_document_and_changes_nothing() -> None:
    found = made(dispatched(), followed())
    assert found[-1].title == "跟进单"
    assert text_of(found[-1], "跟进要求") == "请今日联系市民"
    assert text_of(found[-1], "办理状态") == "已派单"


def test_supervision_is_a_document_when_it_is_set_but_not_when_it_is_lifted() -> None:
    found = made(
        dispatched(), watched(Supervision.YELLOW), watched(Supervision.RED), watched(Supervision.NONE)
    )
    assert [one.kind for one in found] == [K.DISPATCH, K.SUPERVISE, K.SUPERVISE]
    assert [text_of(one, "督办级别") for one in found[1:]] == ["黄牌", "红牌"]
    assert text_of(found[2], "原级别") == "黄牌"
    assert found[1].by == "系统"


def test_a_second_bad_rating_that_lifts_the_level_makes_one_too() -> None:
    bad = (*ANSWERED, rated(bad=True))
    found = made(*bad, redo(), signed(), fed_back(), reviewed(), rated(bad=True))
    assert found[-1].kind is K.SUPERVISE
    assert text_of(found[-1], "督办事由") == "第 2 次差评"


def test_the_closing_says_what_came_of_it_and_whether_in_time() -> None:
    limit = clock(ClockKind.RESOLVE, T0 + 86400.0, started=T0)
    found = made(dispatched(clocks=(limit,)), signed(), fed_back(), reviewed(), rated(bad=False), closed())
    last = found[-1]
    assert last.title == "销号单"
    assert text_of(last, "答复内容") == "已清理并回复市民"
    assert text_of(last, "办理时限").endswith("按期")
    assert text_of(last, "是否解决") == "已解决"


def test_serials_come_from_kind_number_and_occurrence_and_so_stay_the_same() -> None:
    found = made(dispatched(), followed("一"), followed("二"))
    assert [one.serial for one in found] == [
        "交办〔2026〕1122000123号", "跟进〔2026〕1122000123号", "跟进〔2026〕1122000123-2号",
    ]  # fmt: skip
    later = made(dispatched(), followed("一"), followed("二"), watched(Supervision.RED))
    assert later[:3] == found
    assert serial_of(K.CLOSE, NUMBER, 12) == "销号〔2026〕1122000123-12号"


def test_each_document_carries_the_beginning_of_its_events_hash() -> None:
    (one,) = made(dispatched())
    assert (one.seq, one.hash) == (8, "7" + "0" * 15)


@pytest.fixture(scope="module")
def font() -> Path:
    try:
        return find_font(None, CACHE)
    except ReportRefused as error:
        pytest.skip(error.shown)


def test_the_pdf_says_all_of_it_and_who_took_it_on_every_page(font: Path) -> None:
    long = "\n".join(f"第{number}条：已更换灯具并复核亮度。" for number in range(150))
    answered = happened.FedBack(unit=LEAD, text=long, outcome=Outcome.DONE, by="li")
    found = made(dispatched(), signed(), answered, reviewed(), rated(bad=False), closed())
    assert [one.kind for one in found] == [K.DISPATCH, K.CLOSE]
    for document in found:
        reader = PdfReader(io.BytesIO(write(document, MARK, font)))
        text = "".join(page.extract_text() for page in reader.pages).replace("\n", "").replace(" ", "")
        assert document.serial in text
        assert document.hash in text
        assert "阳光小区东门路灯三天不亮" in text
        for page in reader.pages:
            assert "导出人：李雷（li）" in page.extract_text()
            assert page.extract_text().count("李雷 li") > 3


def test_what_is_corrected_afterwards_stands_at_the_end_of_a_document_and_not_on_later_ones() -> None:
    correction = happened.OrderCorrected(
        changes=(happened.FieldChange(field="category", was="市政设施", value="城乡建设/照明"),),
        cause=CorrectionCause.CLASSED,
        reason="吴先生来电说明",
        by="wang",
    )
    first, second = made(dispatched(), correction, followed())
    (line,) = next(one for one in first.sections if one.title == "此后的更正").lines
    assert line.text == "事项分类 市政设施 → 城乡建设/照明；归类不当：吴先生来电说明"
    assert text_of(second, "事项分类") == "城乡建设/照明"
    assert not any(one.title == "此后的更正" for one in second.sections)
    shown = covered(first, lambda text: text.replace("吴先生", "吴**"))
    assert "吴先生" not in shown.sections[-1].lines[0].text
