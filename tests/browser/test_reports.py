"""A daily report in a real browser: figures beside their formulas, down to the calls, files, kept; axe too.

The server is the real application on a real database with a day that was made up; nobody calls.
"""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cti.calls import CallStore
from cti.database import migrate, open_engine
from cti.figures.facts import Rules
from cti.messages import Entry, EntryKind, Role
from cti.planning_days import CHINA, midnight
from cti.report_parts import ReportDesk
from cti.reports.archive import ReportArchive
from cti.reports.pages import Page
from cti.reports.room import ReportRoom, make_page
from cti.reports.specs import daily
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.chromium import chromium, new_context
from tests.support.history import write_history
from tests.support.loopback import LoopbackBlock
from tests.support.report_days import column, table_of
from tests.support.web import PASSWORD, Clock, Site, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

YESTERDAY = datetime.now(CHINA).date() - timedelta(days=1)
CALLS = 40


@dataclass(frozen=True, slots=True)
class Bureau:
    """A server that knows of a day, a browser, and what the day's report says."""

    site: Site
    browser: Browser
    page: Page
    calls: CallStore


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bureau(
    built_desk: Path, module_loopback: LoopbackBlock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Bureau]:
    """Yesterday there were some calls; Zhao is a supervisor."""
    folder = tmp_path_factory.mktemp("bureau")
    url = f"sqlite:///{folder / 'hotline.sqlite'}"
    await migrate(url)
    engine = open_engine(url)
    over = midnight(YESTERDAY + timedelta(days=1))
    await write_history(engine, until=over, agents=("li", "wang"), calls=CALLS, hours=23.9)
    clock = Clock(over + 3600.0)
    room = ReportRoom(url, Rules(), cache=folder / "cache")
    desk = ReportDesk(room=room, archive=ReportArchive(engine))
    async with (
        open_site(
            engine, folder, module_loopback.address(), clock=clock, static=built_desk, reports=desk
        ) as site,
        chromium() as browser,
    ):
        await site.add("zhao", Role.SUPERVISOR)
        page = await make_page(engine, daily(YESTERDAY), Rules(), now=clock())
        yield Bureau(site, browser, page, CallStore(engine))
    room.close()
    await engine.dispose()


async def opened(bureau: Bureau) -> DeskPage:
    context = await new_context(bureau.browser)
    desk = DeskPage(await context.new_page(), bureau.site.url)
    await desk.page.set_viewport_size({"width": 1366, "height": 768})
    await desk.visit()
    await desk.sign_in("zhao", PASSWORD)
    await expect(desk.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
    await desk.visit("/reports")
    await expect(desk.at("report-about")).to_contain_text("话务日报", timeout=LIMIT_MS)
    return desk


async def test_a_daily_report_is_read_looked_into_downloaded_kept_and_computed_again(
    bureau: Bureau, tmp_path: Path
) -> None:
    desk, found, page = await opened(bureau), dict[str, Any](), bureau.page
    await expect(desk.at("figure-calls_in")).to_have_text(str(CALLS))
    await expect(desk.at("headline-answer_rate")).to_have_text(f"{page.figures['answer_rate']:.2%}")
    answer_rate = desk.page.get_by_role("row").filter(has=desk.at("figure-answer_rate"))
    await expect(answer_rate).to_contain_text("接通量 ÷ 请求人工量")
    await expect(
        desk.page.get_by_role("tab", name=f"未达标来电（{page.figures['rule_breaks']:.0f}）")
    ).to_be_visible()
    await violations(desk, "report", found)

    for tab, figure in (("按事项分类", "calls_in"), ("按坐席", "handled")):
        await desk.page.get_by_role("tab", name=tab).click()
        table = table_of(page, "category" if figure == "calls_in" else "agent")
        place = next(number for number, row in enumerate(table.rows) if row.key)
        await violations(desk, tab, found)
        await desk.page.get_by_role("link", name=f"{table.rows[place].title}的通话").click()
        count = column(table, figure)[place]
        await expect(desk.page.get_by_text(f"共 {count:.0f} 条", exact=True)).to_be_visible()
        await expect(desk.at("calls-filter")).to_be_visible()
        await desk.page.go_back()
        await expect(desk.at("report-about")).to_contain_text("话务日报")

    for form, begins in (("xlsx", b"PK"), ("csv", "\ufeff表".encode())):
        async with desk.page.expect_download() as downloading:
            await desk.at(f"report-{form}").click()
        download = await downloading.value
        assert download.suggested_filename == f"{page.spec.title}.{form}"
        file = tmp_path / f"report.{form}"
        await download.save_as(file)
        assert file.read_bytes().startswith(begins)
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as told:
        whole = {line["指标"]: line["数值"] for line in csv.DictReader(told) if line["表"] == "合计"}
    assert whole["calls_in"] == str(CALLS)

    await desk.at("report-keep").click()
    await expect(desk.at("report-about")).to_contain_text("存档")
    await expect(desk.at("report-keep")).to_be_disabled()
    await desk.at("report-shelf-open").click()
    await expect(desk.at("report-list")).to_contain_text(page.spec.title)
    again = desk.page.get_by_role("button", name=f"重算并核对{page.spec.title}")
    await again.click()
    await expect(desk.at("report-difference")).to_contain_text("重算结果与存档完全一致")
    late = Entry(
        entry_id="late", call_id="late-1", at=page.spec.until, kind=EntryKind.CALL_STATE,
        data={"state": "ended", "outcome": "abandoned_in_flow", "started": page.spec.since + 60.0},
    )  # fmt: skip
    await bureau.calls.write([late])
    await again.click()
    await expect(desk.at("report-difference")).to_contain_text(re.compile(rf"呼入量：{CALLS} → {CALLS + 1}"))
    await violations(desk, "kept reports", found)
    assert found == {}
    assert desk.faults == []
