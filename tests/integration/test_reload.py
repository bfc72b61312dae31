"""Flows and policy are edited while calls come in: new calls take the new ones, waiting ones go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from asterisk_conf.provide import AsteriskInstall
from cti.call import Call
from cti.messages import CallState
from tests.support.hotline import LIMIT_S, Citizen, Hotline, running_hotline
from tests.support.loopback import LoopbackBlock

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

LINE = """
flow: line
title: 直接转人工
start: person
resume: person
after_talk: bye
steps:
  person: {kind: route, queue: general, needs: {general: 1}, next: bye, error: give_up}
  bye: {kind: announce, prompts: [goodbye], next: hang_up, error: hang_up}
"""


class Files:
    """What the administrator edits."""

    def __init__(self, folder: Path) -> None:
        self.flow = folder / "flows" / "line.yaml"
        self.numbers = folder / "numbers.yaml"
        self.flow.parent.mkdir()
        self.flow.write_text(LINE, encoding="utf-8")
        self.numbers.write_text('default: line\nnumbers: {"12345": line}\n', encoding="utf-8")

    def put_back(self) -> None:
        self.flow.write_text(LINE, encoding="utf-8")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("edited"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    asterisk_install: AsteriskInstall, module_loopback: LoopbackBlock, files: Files
) -> AsyncIterator[Hotline]:
    """A hotline with files of its own."""
    async with running_hotline(module_loopback, flows=files.flow.parent, numbers=files.numbers) as hotline:
        yield hotline


@pytest_asyncio.fixture(loop_scope="module")
async def hotline(shared: Hotline, files: Files) -> AsyncIterator[Hotline]:
    """The running hotline without a call, with the files as they were at first."""
    yield shared
    files.put_back()
    await eventually(lambda: refused(shared), set())
    await shared.quiet()


async def refused(hotline: Hotline) -> set[str]:
    """Which files /readyz calls refused."""
    return {part for part in (await hotline.health()).get("degraded", []) if "refused" in part}


def add_queue(file: Path, name: str) -> None:
    """One more queue in the policy."""
    policy = yaml.safe_load(file.read_text(encoding="utf-8"))
    policy["queues"].append({"name": name, "title": "港口", "needs": {"general": 1}})
    file.write_text(yaml.safe_dump(policy, allow_unicode=True), encoding="utf-8")


async def eventually(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Wait until the answer is this."""
    async with asyncio.timeout(LIMIT_S):
        while await ask() != wanted:  # noqa: ASYNC110 (asked over HTTP)
            await asyncio.sleep(0.1)


async def waiting(hotline: Hotline, number: str) -> tuple[Citizen, Call]:
    """A citizen who has called and is in line."""
    citizen = hotline.citizen(number)
    await hotline.dial(citizen)
    return citizen, await hotline.is_in(citizen, CallState.WAITING)


async def called_until(hotline: Hotline, number: str, fits: Callable[[Call], bool]) -> Call:
    """Call again and again until a call's flow is the one that is waited for."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            citizen, call = await waiting(hotline, number)
            if fits(call):
                return call
            citizen.hang_up()
            async with asyncio.timeout(LIMIT_S):
                while number in await hotline.live():  # noqa: ASYNC110 (asked in Redis)
                    await asyncio.sleep(0.1)


async def test_new_calls_take_an_edited_flow_and_a_waiting_one_is_answered_under_its_own(
    hotline: Hotline, files: Files
) -> None:
    first, began = await waiting(hotline, "13800000101")
    files.flow.write_text(LINE.replace("prompts: [goodbye]", "prompts: [survey_thanks]"), encoding="utf-8")

    later = await called_until(
        hotline, "13800000102", lambda call: call.flow["version"] != began.flow["version"]
    )
    still = (await hotline.live())[first.number]
    assert later.flow["flow"] == still.flow["flow"] == "line"
    assert still.flow["version"] == began.flow["version"]

    await hotline.ready(1)
    await first.hears_agent()


async def test_a_broken_flow_is_refused_told_and_calls_go_on_under_the_old_one(
    hotline: Hotline, files: Files
) -> None:
    citizen, began = await waiting(hotline, "13800000103")
    files.flow.write_text(LINE.replace("queue: general", "queue: nobody_knows"), encoding="utf-8")
    await eventually(lambda: refused(hotline), {"flows refused"})

    _, later = await waiting(hotline, "13800000104")
    assert later.flow["version"] == began.flow["version"]

    await hotline.ready(1)
    await citizen.hears_agent()


async def test_a_queue_that_the_policy_gains_can_be_used_by_flows_at_once(
    hotline: Hotline, files: Files
) -> None:
    files.flow.write_text(LINE.replace("queue: general", "queue: harbour"), encoding="utf-8")
    await eventually(lambda: refused(hotline), {"flows refused"})

    add_queue(Path(hotline.settings.calls.policy), "harbour")
    await eventually(lambda: refused(hotline), set())

    citizen = hotline.citizen("13800000105")
    await hotline.dial(citizen)
    call = await hotline.is_in(citizen, CallState.WAITING)
    assert call.queue == "harbour"
    await hotline.ready(1)
    await citizen.hears_agent()
