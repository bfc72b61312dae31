"""Captions, orders and advice as the agent sees them during a call; transcripts and accuracy afterwards."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import expect
from redis.asyncio import Redis

from asr import bus
from asr.messages import Repair, Speaker, TranscriptFinal, TranscriptGap, TranscriptMessage
from asterisk_conf.provide import AsteriskInstall
from cti.call import Call
from cti.demo.people import ensure_accounts
from cti.messages import (
    AdviceView,
    AnswerView,
    CallState,
    DraftView,
    FieldView,
    SimilarOrderView,
    UnitAdviceView,
)
from tests.browser.conftest import AGENT, Office
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import SETTLE_S, violations
from tests.browser.test_transfers import shown
from tests.browser.wire import Wire
from tests.support.chromium import chromium, program
from tests.support.hotline import Citizen, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

NUMBER = "13800004101"
NUMBER_SAID = "13987654321"
SENTENCE_S = 1.0  # how long every sentence took that the tests tell

ADVICE = AdviceView(
    order_id="",
    units=(
        UnitAdviceView(
            unit="市城市管理局",
            reason="占道经营由城管部门查处",
            source="rule:street_trade",
            confidence=0.92,
        ),
        UnitAdviceView(
            unit="市生态环境局",
            reason="近 90 天 12 张油烟工单由其办理",
            source="learned",
            confidence=0.61,
        ),
        UnitAdviceView(unit="鼓楼区人民政府", reason="属地：事发地在鼓楼区", source="duty", confidence=0.4),
    ),
    similar=(
        SimilarOrderView(
            order_id="other",
            number="20261121000012",
            title="烧烤店油烟扰民",
            at=1_800_000_000.0,
            score=0.87,
            reason="同一地点，都说到“烧烤”“油烟”",
        ),
    ),
    answers=(
        AnswerView(
            article_id="a1",
            title="露天烧烤由谁管？",
            answer="露天烧烤由城市管理部门负责查处，您的诉求我们会转交并在 5 个工作日内回复。",
            basis="《大气污染防治法》第八十一条",
            score=0.8,
        ),
    ),
)


def machine(value: str, source: str, confidence: float = 0.8, **more: Any) -> FieldView:
    """What the machine put into a field."""
    return FieldView(value=value, filler="machine", source=source, confidence=confidence, **more)


SECOND = DraftView(
    order_id="second",
    call_id="",
    version=1,
    state="draft",
    fields={
        "type": machine("投诉", "rule:type/投诉"),
        "category": machine("城乡建设/供水", "model:3", 0.55, audio_from=1.0, audio_to=3.0, quote="水也停了"),
        "place": machine("五一路", "gazetteer/sound"),
        "point": machine("119.300,26.080", "gazetteer/sound"),
        "time": machine("今天早上八点", "rule:time"),
        "time_iso": machine("2026-11-22T08:00:00+08:00", "rule:time"),
        "phone": machine(NUMBER, "caller_history"),
        "mood": machine("焦急", "rule:mood/急"),
        "title": machine("五一路停水", "summary"),
        "summary": machine("五一路停水半天", "summary"),
    },
)


class Talk:
    """One call at the page, whose words a test puts into the workers' stream."""

    def __init__(self, hotline: Hotline, citizen: Citizen, call: Call, redis: Redis) -> None:
        self.hotline = hotline
        self.citizen = citizen
        self.call = call
        self._redis = redis
        self._count = 0

    async def says(
        self, text: str, confidence: float = 0.9, *, speaker: Speaker = Speaker.CITIZEN, **more: Any
    ) -> None:
        """A worker has understood this sentence, which ended just now."""
        self._count += 1
        since = time.time() - self.call.recording_started
        await asyncio.sleep(max(0.0, SENTENCE_S - since))  # nobody was heard before the call
        end = time.time()
        await self.put(
            TranscriptFinal(
                call_id=self.call.call_id,
                speaker=speaker,
                segment=self._count,
                tap_id="told",
                text=text,
                verbatim=more.pop("verbatim", text),
                start=end - SENTENCE_S,
                end=end,
                confidence=confidence,
                **more,
            )
        )

    async def put(self, message: TranscriptMessage) -> None:
        """Put a message into the stream."""
        await bus.publish(self._redis, [message], prefix=self.hotline.settings.prefix)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    asterisk_install: AsteriskInstall, built_desk: Path, module_loopback: LoopbackBlock
) -> AsyncIterator[Office]:
    """A hotline without recognition: the words of these calls are told by the tests."""
    program()
    async with running_hotline(module_loopback, agents=1) as hotline, chromium() as browser:
        await ensure_accounts(hotline.settings, (AGENT,))
        yield Office(hotline, browser)


@pytest_asyncio.fixture(loop_scope="module")
async def wire(blank: DeskPage) -> Wire:
    wire = Wire()
    await wire.join(blank.page)
    return wire


@pytest_asyncio.fixture(loop_scope="module")
async def talk(office: Office, blank: DeskPage, wire: Wire) -> AsyncIterator[Talk]:
    """The agent at the page talks with a citizen."""
    hotline = office.hotline
    await blank.open(AGENT)
    await blank.is_in("not_ready")
    await blank.ready()
    citizen = hotline.citizen(NUMBER)
    citizen.press("1")
    await hotline.dial(citizen)
    await blank.answer()
    call = await hotline.is_in(citizen, CallState.TALKING)
    redis = Redis.from_url(hotline.settings.redis_url)
    yield Talk(hotline, citizen, call, redis)
    await redis.aclose()


async def both_themes(desk: DeskPage, name: str) -> None:
    """Keep pictures in light and dark, and let axe look at both."""
    found = dict[str, Any]()
    await violations(desk, name, found)
    for theme in ("dark", "light") if "HOTLINE_SCREENSHOTS" in os.environ else ():
        await desk.page.emulate_media(color_scheme=theme)
        await asyncio.sleep(SETTLE_S)
        await shown(desk, f"{name}-{theme}")
    assert found == {}


async def test_what_is_unsure_repaired_or_missing_is_shown_as_such(blank: DeskPage, talk: Talk) -> None:
    desk = blank
    await talk.says("您好，请问有什么可以帮您？", speaker=Speaker.AGENT)
    repair = Repair(start=2, end=6, heard="留意街道", source="gazetteer", confidence=0.88)
    await talk.says("我在六一街道这边", verbatim="嗯我在留意街道这边", repairs=(repair,))
    await talk.says("那个水啊停了好久", 0.41)
    await talk.says("我是小区的物业", speaker=Speaker.THIRD)
    now = time.time()
    await talk.put(
        TranscriptGap(
            call_id=talk.call.call_id,
            speaker=Speaker.CITIZEN,
            tap_id="told",
            start=now - 1.0,
            end=now + 2.0,
            reason="worker_lost",
        )
    )
    line = desk.at("caption-line")
    await expect(line.filter(has_text="那个水啊")).to_contain_text("听不准 41%", timeout=LIMIT_MS)
    await expect(desk.at("caption-gap")).to_contain_text("秒未转写：转写进程中断", timeout=LIMIT_MS)
    await expect(line.filter(has_text="小区的物业")).to_contain_text("第三方")
    await expect(desk.at("repair")).to_have_attribute("title", "原听“留意街道”，按地名库改写，把握 88%")
    await both_themes(desk, "captions")

    await desk.at("caption-verbatim").click()
    await expect(line.filter(has_text="嗯我在留意街道这边")).to_be_visible()
    await desk.at("caption-verbatim").click()
    await expect(line.filter(has_text="嗯我在留意街道这边")).to_be_hidden()


async def test_a_line_is_heard_while_the_call_goes_on(blank: DeskPage, talk: Talk) -> None:
    await talk.says("垃圾三天没有人收")
    line = blank.at("caption-line").filter(has_text="垃圾三天")
    await line.wait_for()
    for _ in range(8):  # Asterisk writes in blocks: the last seconds come a little later
        await line.get_by_role("button", name="播放").click()
        await expect(blank.at("snippet")).to_have_attribute(
            "data-state", re.compile("playing|failed"), timeout=LIMIT_MS
        )
        if await blank.at("snippet").get_attribute("data-state") == "playing":
            break
        await blank.page.wait_for_timeout(500)
    await expect(blank.at("snippet")).to_contain_text("正在播放")
    await expect(blank.at("snippet")).to_be_hidden(timeout=LIMIT_MS)  # played to its end


async def test_a_citizen_who_is_hardly_understood_goes_to_a_dialect_seat(blank: DeskPage, talk: Talk) -> None:
    for number in range(3):
        await talk.says(f"听不懂的第{number}句话", 0.3)
    await expect(blank.at("caption-line")).to_have_count(3, timeout=LIMIT_MS)
    await expect(blank.at("dialect-offer")).to_have_count(0)
    await talk.says("还是听不懂", 0.2)
    await expect(blank.at("dialect-offer")).to_contain_text("连续 4 句听不准", timeout=LIMIT_MS)
    await both_themes(blank, "dialect")
    await blank.at("dialect-transfer").click()
    await blank.at("dialect-confirm").click()
    call = await talk.hotline.is_in(talk.citizen, CallState.WAITING)
    assert call.queue == "dialect"


async def test_the_machines_second_thought_is_accepted_with_one_key(blank: DeskPage, talk: Talk) -> None:
    await blank.at("field-phone").fill("13900000000")
    await blank.filled_by("phone", "agent")
    await blank.saved()
    await talk.says(f"我的电话号码是{NUMBER_SAID}")
    await expect(blank.at("suggestion-phone")).to_contain_text(NUMBER_SAID, timeout=LIMIT_MS)
    await shown(blank, "suggestion")
    await blank.at("field-phone").press("Alt+a")
    await blank.shows("phone", NUMBER_SAID)
    await expect(blank.at("suggestion-phone")).to_have_count(0)
    await blank.at("undo-phone").click()
    await blank.shows("phone", "13900000000")


async def test_two_matters_are_two_orders_with_advice_of_their_own(
    blank: DeskPage, talk: Talk, wire: Wire
) -> None:
    desk, call_id = blank, talk.call.call_id
    await talk.says("楼下的烧烤店油烟很大，投诉它占道经营")
    await desk.filled_by("category", "machine")
    first = await desk.at("order").get_attribute("data-order")
    assert first
    wire.tell(msgspec.structs.replace(ADVICE, order_id=first))
    wire.invent(msgspec.structs.replace(SECOND, call_id=call_id))
    await expect(desk.at("order-tab-1")).to_contain_text("新", timeout=LIMIT_MS)
    await expect(desk.at("order")).to_have_attribute("data-order", first)  # nothing jumps
    await both_themes(desk, "advice")

    await desk.page.keyboard.press("Alt+u")
    await desk.shows("unit", "市城市管理局")
    await desk.filled_by("unit", "agent")
    await desk.at("advice-tab-answers").click()
    await desk.at("answer-a1").click()
    await desk.at("insert-a1").click()
    await desk.shows("summary", re.compile("答复：露天烧烤由城市管理部门负责查处"))
    await both_themes(desk, "knowledge")
    await desk.at("advice-tab-similar").click()
    await expect(desk.at("similar-other")).to_contain_text("烧烤店油烟扰民")

    await desk.at("field-type-投诉").click()
    if await desk.at("field-category").input_value() == "":
        await desk.at("field-category").fill("城乡建设/城市管理")
    await desk.saved()
    await desk.submit()
    await desk.at("order-next").click()
    await expect(desk.at("order")).to_have_attribute("data-order", "second")
    await desk.shows("category", "城乡建设/供水")
    await expect(desk.at("beside-point")).to_have_attribute("title", re.compile("坐标 119.300,26.080"))
    await expect(desk.at("beside-time_iso")).to_contain_text("11-22 08:00")
    await expect(desk.at("mood")).to_have_attribute("data-value", "焦急")
    await expect(desk.at("source-phone")).to_contain_text("来电记录")
    await both_themes(desk, "second-order")
    await desk.at("mood").click()
    await desk.at("mood-不满").click()
    await expect(desk.at("mood")).to_have_attribute("data-value", "不满", timeout=LIMIT_MS)
    await desk.at("source-category").click()  # what it was taken from is heard
    await expect(desk.at("snippet")).to_be_visible()
    await desk.page.keyboard.press("Alt+t")
    await expect(desk.at("order")).to_have_attribute("data-order", first)

    await desk.hang_up()
    await desk.at("finish-wrap-up").click()
    await expect(desk.at("unfinished-dialog")).to_contain_text("工单2")
    await desk.at("unfinished-submit").click()
    await expect(desk.at("order")).to_have_attribute("data-order", "second")
    await expect(desk.at("order")).to_have_attribute("data-state", "accepted", timeout=LIMIT_MS)
    await shown(desk, "both-submitted")


async def test_a_second_matter_in_a_call_gets_an_order_that_is_submitted_on_its_own(
    blank: DeskPage, talk: Talk
) -> None:
    desk = blank
    await talk.says("我要投诉楼下的烧烤店，油烟很大还占道经营")
    await desk.filled_by("category", "machine")
    first = await desk.at("order").get_attribute("data-order")
    await talk.says("还有一件事，我想问一下社保卡丢了去哪里补办")
    await talk.says("麻烦你们告诉我补办社保卡要带什么")
    await expect(desk.at("order-tab-1")).to_have_attribute("data-state", "draft", timeout=LIMIT_MS)
    for tab in ("order-tab-1", "order-tab-0"):
        await desk.at(tab).click()
        await desk.at("field-type-投诉").click()
        for field, text in (("category", "城乡建设"), ("summary", "市民反映的问题")):
            if await desk.at(f"field-{field}").input_value() == "":
                await desk.at(f"field-{field}").fill(text)
        await desk.saved()
        await desk.submit()
        await expect(desk.at(tab)).to_have_attribute("data-state", "accepted", timeout=LIMIT_MS)
    await shown(desk, "two-matters")
    await desk.hang_up()
    await desk.at("finish-wrap-up").click()  # nothing is left to ask about
    await desk.is_in("ready")
    call = await talk.hotline.fetch(f"/api/calls/{talk.call.call_id}")
    orders = {order["order_id"]: order for order in call["orders"]}
    assert len(orders) == 2
    assert first in orders
    assert {order["state"] for order in orders.values()} == {"accepted"}


async def test_a_transcript_is_found_corrected_and_taken_away(
    blank: DeskPage, talk: Talk, tmp_path: Path
) -> None:
    desk = blank
    await talk.says("六一街道停水了", 0.5)
    await talk.says("已经停了两天")
    await expect(desk.at("caption-line").filter(has_text="停了两天")).to_be_visible(timeout=LIMIT_MS)
    await desk.hang_up()
    talk.citizen.hang_up()
    await talk.hotline.record(talk.citizen, "recording_url", "ended")
    await desk.at("nav-transcripts").click()
    await desk.at("transcripts-search").fill("六一街道")
    found = desk.at(f"transcript-{talk.call.call_id}")
    await expect(found).to_be_visible(timeout=LIMIT_MS)
    await found.click()
    line = desk.at("transcript-line").filter(has_text="六一街道停水了")
    await expect(line).to_contain_text("听不准 50%", timeout=LIMIT_MS)
    row = desk.page.locator("li", has=line)
    await row.get_by_test_id("correct").click()
    await shown(desk, "correcting")
    await desk.at("correct-text").fill("五一街道停水了")
    await desk.at("correct-save").click()
    await expect(desk.at("corrected")).to_have_text("五一街道停水了", timeout=LIMIT_MS)
    await expect(desk.at("original")).to_contain_text("机器转写：六一街道停水了")
    await both_themes(desk, "transcripts")

    await desk.at("transcripts-search").fill("五一街道")
    await expect(found).to_be_visible(timeout=LIMIT_MS)
    await desk.at("export-one").click()
    async with desk.page.expect_download() as download:
        await desk.at("export-one-txt").click()
    file = await (await download.value).path()
    assert "市民：五一街道停水了　（chen" in file.read_text(encoding="utf-8")
    await line.or_(desk.at("transcript-line").filter(has_text="五一街道")).first.click()
    await expect(desk.at("player")).to_have_attribute("data-playing", "true", timeout=LIMIT_MS)


async def test_who_is_in_charge_sees_how_right_the_machine_was(office: Office, blank: DeskPage) -> None:
    await blank.open(office.hotline.admin.account)
    await blank.at("group-班长").click()
    await blank.at("nav-quality").click()
    await expect(blank.at("quality-formula")).to_contain_text(
        "准确率 = 准确 ÷（准确 + 被改 + 多填）", timeout=LIMIT_MS
    )
    await expect(blank.at("quality-category")).to_have_text("事项分类", timeout=LIMIT_MS)
    await expect(blank.at("precision-category")).to_have_text(re.compile(r"%$"))
    await expect(blank.at("accuracy-chart").locator("canvas")).to_be_visible(timeout=LIMIT_MS)
    await both_themes(blank, "quality")
