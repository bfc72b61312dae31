"""People who hum: each telephone plays one tone for ever, and what it hears is recorded.

    li = Voice("13800000001", hotline)
    await hotline.dial(li)
    await li.ear.hears(AGENT_1)

So that who hears whom in a call of several is measured in the sound itself.
"""

from __future__ import annotations

import array
import asyncio
import itertools
from pathlib import Path

from cti.agi import AgiSession
from tests.support.hotline import LIMIT_S, Citizen, Hotline
from tests.support.tones import RATE, strength

CITIZEN, OUTSIDE = 1450.0, 1300.0
AGENTS = {"8001": 1150.0, "8002": 1000.0, "8003": 1650.0, "8004": 2050.0}
"""Tone of every agent's telephone; none is a harmonic of another, and music has little of them."""

AUDIBLE, SILENT = 0.05, 0.02
"""Amplitude (of 1) above which somebody hears a tone, and below which they do not."""

PRIVATE_S = 1.5
"""So long is listened for what must not be heard."""

SETTLE_S = 0.8
"""What is recorded next may be so old: it is on its way, or waits in Asterisk to be written."""

EAR_RATE = 48_000
"""Samples a second of the recordings: Asterisk writes 32 KiB at a time, which is a third of a second then."""

_files = itertools.count(1)


class Ear:
    """What one telephone hears, as it is being recorded."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"ear-{next(_files)}.sln{EAR_RATE // 1000}"

    @property
    def file(self) -> Path:
        """Samples of 16 bit, without header."""
        return self._file

    def _heard(self, start: int, end: int | None = None) -> array.array[int]:
        """What was recorded between these bytes, at `RATE`: a telephone has no tones that this would lose."""
        samples = array.array("h")
        if self._file.exists():
            with self._file.open("rb") as file:
                file.seek(start)
                data = file.read(-1 if end is None else max(0, end - start))
            samples.frombytes(data[: len(data) // 2 * 2])
        return samples[:: EAR_RATE // RATE]

    def _now(self) -> int:
        return self._file.stat().st_size // 2 * 2 if self._file.exists() else 0

    async def hears(self, *tones: float) -> None:
        """Return when all of these have been heard, from now on. Raises AssertionError."""
        start, missing = self._now(), list(tones)
        try:
            async with asyncio.timeout(LIMIT_S):
                while missing:
                    await asyncio.sleep(0.1)
                    heard = self._heard(max(start, self._now() - _bytes(6.0)))
                    missing = [tone for tone in tones if strength(heard, tone) < AUDIBLE]
        except TimeoutError:
            raise AssertionError(f"{self._file.name}: {missing} Hz of {tones} not heard") from None

    async def hears_none_of(self, *tones: float) -> None:
        """Listen for a while and find none of these. Raises AssertionError, also when nothing is recorded."""
        start = self._now() + _bytes(SETTLE_S)
        end = start + _bytes(PRIVATE_S)
        try:
            async with asyncio.timeout(LIMIT_S):
                while self._now() < end:  # noqa: ASYNC110 - Asterisk tells nobody
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{self._file.name}: nothing is recorded") from None
        heard = self._heard(start, end)
        loud = {tone: round(strength(heard, tone), 4) for tone in tones}
        assert all(amplitude < SILENT for amplitude in loud.values()), f"{self._file.name}: {loud}"


def _bytes(seconds: float) -> int:
    return round(seconds * EAR_RATE) * 2


class Voice(Citizen):
    """Somebody who dials the hotline or is dialled by it; also plays the agents who answer them."""

    def __init__(self, number: str, hotline: Hotline, hertz: float = CITIZEN) -> None:
        super().__init__(number)
        self._folder = hotline.settings.home / "heard"
        self._hertz = hertz
        self.ear = Ear(self._folder)
        self.agents: dict[str, Ear] = {}  # ears of the agents who answered, by extension
        hotline.meet(self)

    async def on_telephone(self, session: AgiSession) -> None:
        """Hum, and do what is asked for."""
        self.gone.clear()
        try:
            await self._record(session, self.ear)
            self.inside.set()
            await self._hum(session, self._hertz, agent=False)
        finally:
            self.gone.set()

    async def on_agents_telephone(self, session: AgiSession, extension: str) -> None:
        """Hum as the agent of this extension, and do what is asked for."""
        ear = Ear(self._folder)
        await self._record(session, ear)
        self.agents[extension] = ear
        self.agent = extension
        self.agent_here.set()
        self.reached_at.append(asyncio.get_running_loop().time())
        try:
            await self._hum(session, AGENTS[extension], agent=True)
        finally:
            del self.agents[extension]
            self.agent_here.clear()

    async def _record(self, session: AgiSession, ear: Ear) -> None:
        await session.exec_app("MixMonitor", "", f"r({ear.file})")

    async def _hum(self, session: AgiSession, hertz: float, *, agent: bool) -> None:
        todo = self._agents_todo if agent else self._todo
        await session.exec_app("Playtones", str(int(hertz)))
        while True:
            if todo:
                await todo.popleft()(session)
                await session.exec_app("Playtones", str(int(hertz)))
            await session.wait_for_digit(100)
