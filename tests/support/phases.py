"""Citizens in every phase of a call at once, and people who serve them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cti.demo.desk import DeskFailed
from cti.messages import CallState, FinishWrapUp, Ready
from tests.support.hotline import LIMIT_S, Citizen, Desk, Hotline
from tests.support.until import until


class Phases:
    """Six citizens, one in each phase of a call and two in line; agents 1 to 3 have been or are with them."""

    def __init__(self, hotline: Hotline) -> None:
        numbers = iter(range(13800001001, 13800001010))
        self.survey, self.talking, self.ringing, self.first, self.second, self.greeting = (
            hotline.citizen(str(next(numbers))) for _ in range(6)
        )
        self.not_served = (self.ringing, self.first, self.second, self.greeting)

    async def reach(self, hotline: Hotline) -> None:
        """Bring everybody into their phase."""
        await hotline.answers(3, 2.0)
        await hotline.ready(1)
        await hotline.dial(self.survey)
        self.survey.press("1")
        await self.survey.hears_agent()
        self.survey.agent_hangs_up()
        await hotline.is_in(self.survey, CallState.SURVEY)
        await hotline.ready(2)
        await hotline.dial(self.talking)
        self.talking.press("1")
        await self.talking.hears_agent()
        for citizen in (self.ringing, self.first, self.second):
            await hotline.dial(citizen)
            citizen.press("1")
            await hotline.is_in(citizen, CallState.WAITING)
        await hotline.dial(self.greeting)
        await hotline.is_in(self.greeting, CallState.IN_FLOW)
        await hotline.ready(3)
        await hotline.is_in(self.ringing, CallState.RINGING)


async def served(citizen: Citizen) -> None:
    """The citizen reaches a person, who hangs up; then so does the citizen."""
    await citizen.hears_agent(120)
    citizen.agent_hangs_up()
    await until(lambda: not citizen.agent_here.is_set(), LIMIT_S)
    citizen.hang_up()
    await until(citizen.gone.is_set, LIMIT_S)


@asynccontextmanager
async def diligent(*desks: Desk) -> AsyncIterator[None]:
    """These agents write nothing up and go on at once, also when the system took them out."""

    async def work(desk: Desk) -> None:
        while True:
            await asyncio.sleep(0.1)
            command = {"wrap_up": FinishWrapUp(), "not_ready": Ready()}.get(desk.state)
            if command is not None and desk.here.is_set():
                try:
                    await desk.send(command)
                except (DeskFailed, ConnectionError):
                    continue  # the server is away, or the telephone is not known yet

    tasks = [asyncio.create_task(work(desk)) for desk in desks]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
