"""One scripted call: the citizen's telephone and the agent's, taking turns."""

from __future__ import annotations

import asyncio
import logging

from cti.agi import AgiHangup, AgiSession
from cti.demo.network import be_silent, sound
from cti.demo.script import Scenario, Turn

log = logging.getLogger(__name__)

KEY_AFTER_S = 2.0
"""How long a citizen listens before pressing a key of the greeting."""

PAUSE_S = 0.8
"""Silence between two turns, as people leave it."""

HUMAN_PAUSE_S = 4.0
"""The same where a person at the desk speaks for the agent."""

RATING_AFTER_S = 4.0
PATIENCE_S = 180.0
LAST_PROMPT_S = 30.0


class Conversation:
    """Brings the two telephones of one call together and speaks the script."""

    def __init__(self, scenario: Scenario, *, agent_speaks: bool) -> None:
        """`agent_speaks`: the script speaks for the agent, too; otherwise a person does."""
        self.scenario = scenario
        self._agent_speaks = agent_speaks
        self._agent: asyncio.Future[AgiSession] = asyncio.get_running_loop().create_future()
        self._connected = asyncio.Event()
        self._said = asyncio.Event()
        self.over = asyncio.Event()
        self.dialled = False

    def connected(self) -> None:
        """The desk says that citizen and agent are connected."""
        self._connected.set()

    async def citizen(self, session: AgiSession) -> None:
        """The citizen's side, from the hotline's answer to the end. Raises AgiHangup."""
        self.dialled = True
        try:
            await be_silent(session)
            if self.scenario.key is not None:
                await asyncio.sleep(KEY_AFTER_S)
                await self._presses(session, self.scenario.key)
            async with asyncio.timeout(PATIENCE_S):
                await self._until(self._connected, session)
            await self._talk(session)
            if self.scenario.satisfaction is not None and self._agent_speaks:
                await asyncio.sleep(RATING_AFTER_S)
                await self._presses(session, self.scenario.satisfaction)
            async with asyncio.timeout(LAST_PROMPT_S):
                await session.hung_up.wait()
        except TimeoutError:
            await session.hangup()
        finally:
            self._said.set()
            self.over.set()

    async def agent(self, session: AgiSession) -> None:
        """The agent's desk phone: lends its voice to the script, hangs up at the end."""
        if not self._agent.done():
            self._agent.set_result(session)
        self._connected.set()
        await be_silent(session)
        await self._until(self._said, session)
        await asyncio.sleep(PAUSE_S)
        await session.hangup()

    async def _talk(self, citizen: AgiSession) -> None:
        await asyncio.sleep(PAUSE_S)
        for turn in self.scenario.turns:
            if turn.speaker == "citizen":
                await self._speaks(citizen, turn)
            elif self._agent_speaks:
                await self._agent_says(turn)
            await asyncio.sleep(PAUSE_S if self._agent_speaks else HUMAN_PAUSE_S)
        self._said.set()

    async def _agent_says(self, turn: Turn) -> None:
        agent = await self._agent
        try:
            await self._speaks(agent, turn)
        except AgiHangup:
            log.info("the agent's telephone hung up in the middle of the script")

    @staticmethod
    async def _speaks(session: AgiSession, turn: Turn) -> None:
        await session.stream_file(sound(turn.audio))
        await be_silent(session)

    @staticmethod
    async def _presses(session: AgiSession, key: str) -> None:
        await session.exec_app("SendDTMF", key)
        await be_silent(session)

    @staticmethod
    async def _until(event: asyncio.Event, session: AgiSession) -> None:
        """Wait for the event; raises AgiHangup when the telephone is hung up first."""
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(session.hung_up.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not event.is_set():
            raise AgiHangup("hung up")
