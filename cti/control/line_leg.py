"""The citizen's leg under a line's control: prompts, keys, pauses. Everything ends at once on a hang-up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from cti.agi import AgiError, AgiFailed, AgiHangup, AgiSession
from cti.ami import AmiError
from cti.call import Call
from cti.control.keys import ALL_KEYS, Keys
from cti.control.line_ports import LineDeps

log = logging.getLogger(__name__)

T = TypeVar("T")

ESCAPE_KEY = "D"
"""A key no telephone of a citizen has: sent by ourselves to end a prompt when something else is due."""

ESCAPE_S = 0.3
"""How long Asterisk may take to tell that it has read our own key; unread it would end the next prompt."""

KEY_GRACE_S = 0.1
"""A command that waits for keys ends by itself within this time after AMI told of one, unless the key came
between two commands; then it is ended by us."""

DEAF_SLICE_S = 0.25
"""While AMI is down a pause listens for keys by AGI, in slices of this length."""


class Leg:
    """One AGI session and the keys pressed on its channel."""

    def __init__(self, session: AgiSession, call_id: str, deps: LineDeps) -> None:
        self.session = session
        self.call_id = call_id
        self.keys = Keys()
        self._deps = deps
        self._key_news = asyncio.Event()
        self._command = 0  # number of the command that may be ended now; 0: none
        self._commands = 0
        self._by_keys = False  # keys end it
        self._stopping = False  # it has been told to end
        self._escapes = 0  # own keys that Asterisk has not read yet
        self._escaped = asyncio.Event()
        self._aside: set[asyncio.Task[None]] = set()

    @property
    def call(self) -> Call:
        """The call as it is now."""
        return self._deps.calls.get(self.call_id)

    def now(self) -> float:
        """Epoch seconds."""
        return self._deps.calls.now()

    @staticmethod
    def clock() -> float:
        """Steady seconds, for waiting."""
        return asyncio.get_running_loop().time()

    # ------------------------------------------------------------ told from outside

    def pressed(self, key: str) -> None:
        """AMI tells of a key on this channel."""
        if key == ESCAPE_KEY:
            self._escapes = max(0, self._escapes - 1)
            self._escaped.set()
        elif self.keys.told(key, self.clock()):
            self._key_news.set()
            if self._command and self._by_keys:
                self.beside(self._end_soon(self._command))

    def stop(self) -> None:
        """End the prompt or the wait for a key that runs now, if one does."""
        if self._command and not self._stopping:
            self._stopping = True
            self._escapes += 1
            self.beside(self._press_escape())

    async def _press_escape(self) -> None:
        try:
            await self._deps.phones.press(self.call, ESCAPE_KEY)
        except AmiError:
            self._escapes = max(0, self._escapes - 1)
            raise

    async def _end_soon(self, command: int) -> None:
        await asyncio.sleep(KEY_GRACE_S)
        if self._command == command:
            self.stop()

    # ------------------------------------------------------------ prompts and keys

    async def say(
        self, prompts: tuple[str, ...], *, stops: bool, until: Callable[[], bool] = lambda: False
    ) -> None:
        """Play prompts one after another. With `stops` a key ends them, also one that is kept already."""
        for prompt in prompts:
            if until() or (stops and self.keys):
                return
            await self.stream(prompt, stops=stops, until=until)

    async def stream(self, prompt: str, *, stops: bool, until: Callable[[], bool] = lambda: False) -> None:
        """Play one prompt until its end, a key (with `stops`), or `stop`. A missing one is counted."""
        await self._escapes_read()
        if until():
            return
        key = None
        with self._endable(by_keys=stops):
            try:
                key = await self.session.stream_file(prompt, ALL_KEYS + ESCAPE_KEY if stops else ESCAPE_KEY)
            except AgiFailed:
                self._deps.calls.metrics.prompts_missing.inc()
                log.error("prompt could not be played", extra={"call_id": self.call_id, "prompt": prompt})
        await self._returned(key)

    async def next_key(self, seconds: float) -> str | None:
        """Return the next key, waiting so long for one; None when there is none."""
        if not self.keys and seconds > 0:
            await self._escapes_read()
        if not self.keys and seconds > 0:
            with self._endable(by_keys=True):
                key = await self.session.wait_for_digit(round(seconds * 1000))
            await self._returned(key)
        return self.keys.take()

    async def pause(self, seconds: float, *events: asyncio.Event, keys: bool = False) -> None:
        """Wait until the time is over, an event is set, or (with `keys`) a key is kept. Raises AgiHangup.

        No command runs meanwhile: music plays on. While AMI is down it may end early: look again.
        """
        if keys and self.keys:
            return
        if keys and not self._deps.phones.hears(self.call):
            key = await self.session.wait_for_digit(round(1000 * min(seconds, DEAF_SLICE_S)))
            await self._returned(key)
            return
        self._key_news.clear()
        awaited = (*events, self.session.hung_up, *((self._key_news,) if keys else ()))
        waits = [asyncio.ensure_future(event.wait()) for event in awaited]
        try:
            await asyncio.wait(waits, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self.here()

    def here(self) -> None:
        """Raise AgiHangup when the citizen is gone."""
        if self.session.hung_up.is_set():
            raise AgiHangup("the caller hung up")

    async def while_here(self, work: Awaitable[T]) -> T:
        """Return what the work returns; a hang-up ends it. Raises AgiHangup, and what the work raises."""
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self.session.hung_up.wait())
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self.here()
            return task.result()
        finally:
            task.cancel()
            gone.cancel()

    # ------------------------------------------------------------ beside

    def beside(self, work: Awaitable[Any]) -> None:
        """Run something that must not hold the caller up and ends with the line."""

        async def guarded() -> None:
            try:
                await work
            except (AgiError, AmiError, OSError) as error:
                log.warning(
                    "telephone side refused", extra={"call_id": self.call_id, "reason": type(error).__name__}
                )

        task = asyncio.create_task(guarded(), name=f"line-aside-{self.call_id}")
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    def end(self) -> None:
        """The line is over."""
        for task in tuple(self._aside):
            task.cancel()

    # ------------------------------------------------------------ inside

    @contextmanager
    def _endable(self, *, by_keys: bool) -> Iterator[None]:
        self._commands += 1
        self._command, self._by_keys, self._stopping = self._commands, by_keys, False
        try:
            yield
        finally:
            self._command = 0

    async def _escapes_read(self) -> None:
        """Wait until Asterisk has read the keys that we pressed ourselves."""
        until = self.clock() + ESCAPE_S
        while self._escapes and (left := until - self.clock()) > 0:
            self._escaped.clear()
            await self.pause(left, self._escaped)
        self._escapes = 0

    async def _returned(self, key: str | None) -> None:
        """A command returned this key: keep it, unless AMI has told of it or does within a moment."""
        if key is None:
            return
        if key == ESCAPE_KEY:
            self._escapes = 0
            return
        known = self.keys.returned(key, self.clock())
        if self._deps.phones.hears(self.call):
            until = self.clock() + self._deps.settings.key_news_s
            while not (known and self.keys) and (left := until - self.clock()) > 0:
                await self.pause(left, self._key_news)
                known = known or self.keys.returned(key, self.clock())
        if not known:
            self.keys.owe(key, self.clock())
