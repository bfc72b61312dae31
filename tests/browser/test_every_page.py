"""Every page of people on calls opens, says no error, and passes axe for WCAG 2.2 AA, light and dark."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk_conf.provide import AsteriskInstall
from cti.messages import Role
from tests.browser.conftest import Office
from tests.browser.every_page import first_role, listed, plain_office, what_is_wrong
from tests.support.loopback import LoopbackBlock

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    asterisk_install: AsteriskInstall, built_desk: Path, module_loopback: LoopbackBlock
) -> AsyncIterator[Office]:
    """Everything that runs, without recognition."""
    async with plain_office(module_loopback) as running:
        yield running


ON_CALLS = (Role.AGENT, Role.SUPERVISOR, Role.LISTENER)


async def test_the_navigation_can_be_read_and_every_page_is_opened_by_somebody() -> None:
    assert {"desk", "orders", "calls", "reviews", "accounts"} <= {entry.name for entry in listed()}
    others = {Role.CLERK, Role.UNIT, Role.LEADER, Role.AUDITOR, Role.ADMIN}  # test_every_page_offices.py
    assert {first_role(entry) for entry in listed()} <= {*ON_CALLS, *others}


async def test_every_page_opens_and_passes(office: Office) -> None:
    assert await what_is_wrong(office, ON_CALLS) == []
