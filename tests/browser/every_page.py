"""Opens every page of the desk for whom it is: no error may be told, and axe must pass it, light and dark.

With HOTLINE_PICTURES=<folder> it also keeps a picture of each page at 1366×768, after a day of calls
with weeks before it, and of the wall with the shipped skills; the pictures in docs/images are made so.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from acd.policy import SHIPPED
from cti.database import open_engine
from cti.demo.people import DemoAccount, ensure_accounts
from cti.messages import Role
from tests.browser.conftest import AGENT, Office
from tests.browser.desk import LIMIT_MS, DeskPage
from tests.browser.test_accessibility import violations
from tests.support.chromium import chromium, new_context, program
from tests.support.history import write_history
from tests.support.hotline import running_hotline
from tests.support.loopback import LoopbackBlock

MENU = Path(__file__).parents[2] / "agent_desktop" / "src" / "menu.ts"
PICTURES = os.environ.get("HOTLINE_PICTURES", "")
STILL_S = 1.0 if PICTURES else 0.3
DAY_S = 86_400.0
FORECAST_MS = 120_000
"""It is read once a day, beside everything else."""
TAKEN_UP_S = 4.0
"""An edited policy is in force by then."""
THEME = """month => fetch('/api/themes', {method: 'POST', headers: {'Content-Type': 'application/json'},
  body: JSON.stringify({month, title: '夜间路灯不亮', category: '市容环境/市政设施/路灯', district: '河西区',
    goal: '月底前修复全部报修路灯，新报修 48 小时内修复'})})
  .then(answer => answer.json()).then(one => one.theme_id)"""
PEOPLE = {
    Role.AGENT: AGENT,
    Role.SUPERVISOR: DemoAccount(
        login="zhou",
        name="周敏",
        role=Role.SUPERVISOR,
        extension="8090",
        skills={},
        password="only-for-tests-2",
    ),
    Role.LISTENER: DemoAccount(
        login="fang",
        name="方正",
        role=Role.LISTENER,
        extension="8091",
        skills={},
        password="only-for-tests-3",
    ),
    **{
        role: DemoAccount(
            login=login, name=name, role=role, extension="", skills={}, password="only-for-tests-4", unit=unit
        )
        for role, login, name, unit in (
            (Role.CLERK, "qian", "钱静", ""),
            (Role.UNIT, "sun", "孙强", "市住房和城乡建设局"),
            (Role.LEADER, "gao", "高远", ""),
            (Role.AUDITOR, "shen", "沈霁", ""),
        )
    },
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of the desk's navigation."""

    name: str
    link: str  # its address
    roles: str  # as written: a constant or a list


def listed() -> list[Listed]:
    """Read the navigation as the desk has it."""
    text = MENU.read_text(encoding="utf-8")
    entry = r"\{ name: '([\w-]+)', path: '([^']*)', link: '([^']*)', .*?roles: (\w+|\[[^\]]*\])"
    found = [Listed(name, link or path, roles) for name, path, link, roles in re.findall(entry, text)]
    return [one for one in found if ":" not in one.link]


def first_role(entry: Listed) -> Role:
    """The first of the roles for whom the page is."""
    if entry.roles.startswith("["):
        return Role(re.findall(r"'(\w+)'", entry.roles)[0])
    return {"STAFF": Role.AGENT, "IN_CHARGE": Role.SUPERVISOR}.get(entry.roles, Role.SUPERVISOR)


def is_for(entry: Listed, role: Role) -> bool:
    """Each page is opened once, by the first for whom it is; who only listens opens theirs as well."""
    return first_role(entry) is role or (role is Role.LISTENER and "listener" in entry.roles)


@asynccontextmanager
async def plain_office(block: LoopbackBlock) -> AsyncIterator[Office]:
    """Everything that runs but recognition, with a day of calls behind it and an account for every role."""
    program()
    async with running_hotline(block, agents=1) as hotline, chromium() as browser:
        settings = hotline.settings
        await ensure_accounts(settings, (AGENT, *PEOPLE.values()))
        if PICTURES:
            shutil.copyfile(SHIPPED, settings.calls.policy)
        engine = open_engine(settings.database)
        try:
            now = time.time()
            await write_history(engine, until=now, agents=[AGENT.login], calls=160 if PICTURES else 12)
            for week in range(1, 5 if PICTURES else 1):
                await write_history(
                    engine,
                    until=now + DAY_S / 2 - 7 * DAY_S * week,
                    agents=[AGENT.login],
                    calls=90,
                    seed=week,
                )
        finally:
            await engine.dispose()
        if PICTURES:
            await asyncio.sleep(TAKEN_UP_S)
        yield Office(hotline, browser)


async def picture(desk: DeskPage, name: str) -> None:
    """Keep what the page looks like, where pictures are wanted."""
    if not PICTURES:
        return
    await desk.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await asyncio.sleep(STILL_S / 2)
    if name in ("wall", "wallboard"):
        chart = desk.at("day-chart")
        await expect(chart).not_to_have_attribute("aria-label", re.compile("暂无预测"), timeout=FORECAST_MS)
    await desk.page.screenshot(path=Path(PICTURES) / f"page_{name}.png")
    if name == "wall":
        await desk.page.set_viewport_size({"width": 1920, "height": 1080})
        await asyncio.sleep(4 * STILL_S)
        await desk.page.screenshot(path=Path(PICTURES) / "wall-1920.png")
        await desk.page.set_viewport_size({"width": 1366, "height": 768})


async def what_is_wrong(office: Office, roles: Iterable[Role]) -> list[str]:
    """Open their pages, each once; return what any page told of errors, and what axe said."""
    people = {**PEOPLE, Role.ADMIN: office.hotline.admin.account}
    found, wrong = dict[str, Any](), list[str]()
    for role in roles:
        context = await new_context(office.browser)
        desk = DeskPage(await context.new_page(), office.hotline.stack.web)
        await desk.visit()
        await desk.sign_in(people[role].login, people[role].password)
        await expect(desk.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
        pages = [(entry.name, entry.link) for entry in listed() if is_for(entry, role)]
        if role is Role.CLERK:
            theme = await desk.page.evaluate(THEME, time.strftime("%Y-%m"))
            pages.append(("theme", f"/themes/{theme}"))
        for name, link in pages:
            await _look(desk, name, link, f"{name} as {role}", found, wrong)
        wrong += [f"{role}: {fault}" for fault in desk.faults]
        await desk.sign_out()
        await context.close()
    return wrong + [f"{where}: {told}" for where, told in found.items()]


async def what_is_wrong_for_everybody(office: Office) -> list[str]:
    """The same of the pages that need no account."""
    found, wrong = dict[str, Any](), list[str]()
    context = await new_context(office.browser)
    desk = DeskPage(await context.new_page(), office.hotline.stack.web)
    for name in ("citizen", "ask", "login"):
        await _look(desk, name, f"/{name}", name, found, wrong)
    await context.close()
    return [*wrong, *desk.faults, *(f"{where}: {told}" for where, told in found.items())]


async def _look(
    desk: DeskPage, name: str, link: str, where: str, found: dict[str, Any], wrong: list[str]
) -> None:
    await desk.visit(link)
    await expect(desk.page.locator("main, form, [data-page]").first).to_be_visible(timeout=LIMIT_MS)
    await desk.page.wait_for_load_state("networkidle")
    await asyncio.sleep(STILL_S)
    for alert in await desk.page.locator(".error[role=alert]:visible").all():
        if told := (await alert.inner_text()).strip():
            wrong.append(f"{where}: {told}")
    await picture(desk, name)
    await violations(desk, where, found)
