"""Every page of offices, administrators and citizens opens, says no error, and passes axe (WCAG 2.2 AA)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk_conf.provide import AsteriskInstall
from cti.messages import Role
from tests.browser.conftest import Office
from tests.browser.every_page import plain_office, what_is_wrong, what_is_wrong_for_everybody
from tests.support.loopback import LoopbackBlock

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    asterisk_install: AsteriskInstall, built_desk: Path, module_loopback: LoopbackBlock
) -> AsyncIterator[Office]:
    """Everything that runs, without recognition."""
    async with plain_office(module_loopback) as running:
        yield running


async def test_every_page_of_the_offices_opens_and_passes(office: Office) -> None:
    offices = (Role.CLERK, Role.UNIT, Role.LEADER, Role.AUDITOR, Role.ADMIN)
    assert await what_is_wrong(office, offices) == []


async def test_every_page_for_everybody_opens_and_passes(office: Office) -> None:
    assert await what_is_wrong_for_everybody(office) == []
