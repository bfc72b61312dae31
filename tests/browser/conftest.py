"""One whole hotline with the built desk, one browser, and a fresh desk page for every test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from asterisk_conf.provide import AsteriskInstall
from cti import deskbuild
from cti.demo.people import DemoAccount, ensure_accounts
from cti.errors import StartError
from cti.messages import Role
from tests.browser.desk import DeskPage
from tests.support.asterisk import CACHE
from tests.support.chromium import chromium, new_context, program, say
from tests.support.hotline import Hotline, running_hotline
from tests.support.loopback import LoopbackBlock
from tests.support.speech import found_model

AGENT = DemoAccount(
    login="chen",
    name="陈静",
    role=Role.AGENT,
    extension="8003",
    skills={"general": 3, "enterprise": 3},
    password="only-for-tests-1",
)
"""An agent who has no other telephone than the page."""


@dataclass(frozen=True, slots=True)
class Office:
    """What the tests of one module share."""

    hotline: Hotline
    browser: Browser


@pytest.fixture(scope="session")
def built_desk() -> Path:
    """The desk's pages, built from the present sources."""
    try:
        return deskbuild.build(CACHE, print)
    except StartError as error:
        reason = f"the desk cannot be built: {error}"
        if os.environ.get("CI", "") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    asterisk_install: AsteriskInstall,
    built_desk: Path,
    module_loopback: LoopbackBlock,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Office]:
    """Everything that runs, and a browser whose microphone says the agent's greeting again and again."""
    program()
    found_model()
    microphone = say(tmp_path_factory.mktemp("sound") / "agent.wav", (1.5, "agent_hello", 6.0))
    async with (
        running_hotline(module_loopback, captions=True, agents=1) as hotline,
        chromium(microphone) as browser,
    ):
        await ensure_accounts(hotline.settings, (AGENT,))
        await hotline.health_says(captions=True)
        yield Office(hotline, browser)


@pytest_asyncio.fixture(loop_scope="module")
async def blank(office: Office) -> AsyncIterator[DeskPage]:
    """A browser window in which nobody is signed in; afterwards all calls end and they sign out."""
    context = await new_context(office.browser)
    desk = DeskPage(await context.new_page(), office.hotline.stack.web)
    yield desk
    await office.hotline.network.hang_up_all()
    await desk.sign_out()
    await context.close()
    await office.hotline.quiet()
    assert desk.faults == []


@pytest_asyncio.fixture(loop_scope="module")
async def desk(blank: DeskPage) -> DeskPage:
    """The agent's page: signed in, connected, its telephone registered, not ready yet."""
    await blank.open(AGENT)
    await blank.is_in("not_ready")
    return blank
