"""The AGI commands that call control uses, typed.

The vocabulary (command names, order and quoting of arguments) is pyst2's `asterisk.agi`; a unit test
holds every command here against the line that pyst2's wrapper writes. pyst2 itself cannot run the
sessions: it blocks a thread per call, and its FastAGI module does not import on Python 3.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from cti.agi.messages import AgiBadValue, AgiFailed, AgiLimits, AgiReply, Digits
from cti.agi.wire import Word, variable_name

__all__ = ["AgiCommands"]

KEYS: Final = "0123456789*#ABCD"


class AgiCommands(ABC):
    """Typed commands over `execute`; every one raises AgiHangup when the caller is gone."""

    limits: AgiLimits

    @abstractmethod
    async def execute(self, command: str, *args: str | int, deadline: float | None = None) -> AgiReply:
        """Send one command and await its reply (see `AgiSession.execute`)."""

    async def probe(self) -> None:
        """Raise AgiHangup if the channel is gone.

        Asterisk looks for a hang-up before it reads a command, and then says HANGUP or closes; so the
        answer to a NOOP is certain, and takes well under a millisecond.
        """
        await self.execute("NOOP", deadline=self.limits.command_deadline)

    async def _checked(self, command: str, *args: str | int, deadline: float | None) -> AgiReply:
        reply = await self.execute(command, *args, deadline=deadline)
        if reply.value.startswith("-"):
            if reply.result == -1:  # hang-up or failure, Asterisk says the same for both
                await self.probe()
            raise AgiFailed(command, reply.result)
        return reply

    async def answer(self) -> None:
        """Answer the channel if it is not answered yet."""
        await self._checked("ANSWER", deadline=self.limits.command_deadline)

    async def stream_file(
        self, name: str, escape_digits: str = "", *, deadline: float | None = None
    ) -> str | None:
        """Play a sound (no extension) and return the key of `escape_digits` that ended it, else None.

        Raises AgiFailed if Asterisk cannot play it. `deadline` in seconds, by default
        `limits.playback_deadline`.
        """
        reply = await self._checked(
            "STREAM FILE",
            Word(name),
            _keys(escape_digits),
            0,
            deadline=self.limits.playback_deadline if deadline is None else deadline,
        )
        return _key(reply)

    async def wait_for_digit(self, timeout_ms: int) -> str | None:
        """Wait up to `timeout_ms` milliseconds for a key; None when the time ran out."""
        if timeout_ms < 0:
            raise AgiBadValue(f"timeout_ms={timeout_ms}: must be 0 or more")
        deadline = timeout_ms / 1000 + self.limits.command_deadline
        return _key(await self._checked("WAIT FOR DIGIT", timeout_ms, deadline=deadline))

    async def get_data(self, name: str, timeout_ms: int, max_digits: int) -> Digits:
        """Play a sound and collect digits; `timeout_ms` counts from the end of the sound and between keys."""
        if timeout_ms < 0 or not 1 <= max_digits <= 100:
            raise AgiBadValue(
                f"timeout_ms={timeout_ms}, max_digits={max_digits}: time must be 0 or more, digits 1 to 100"
            )
        deadline = self.limits.playback_deadline + timeout_ms / 1000 * (max_digits + 1)
        reply = await self._checked("GET DATA", Word(name), timeout_ms, max_digits, deadline=deadline)
        return Digits(reply.value, reply.timed_out)

    async def record_file(
        self, name: str, ending: str, escape_digits: str, *, timeout_ms: int, silence_s: int = 0
    ) -> str | None:
        """Record what the caller says to a file of Asterisk's, and return the key that ended it, else None.

        `name` is an absolute path without `ending`, which names the format. It also ends after `timeout_ms`
        milliseconds and, unless 0, after `silence_s` seconds of silence. Raises AgiFailed if the file cannot
        be written.
        """
        if timeout_ms < 1 or silence_s < 0:
            raise AgiBadValue(f"timeout_ms={timeout_ms}, silence_s={silence_s}: both must be more than 0")
        silence = (Word(f"s={silence_s}"),) if silence_s else ()
        reply = await self._checked(
            "RECORD FILE",
            Word(name),
            Word(ending),
            _keys(escape_digits),
            timeout_ms,
            *silence,
            deadline=timeout_ms / 1000 + self.limits.command_deadline,
        )
        return _key(reply)

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable or a function such as ``CALLERID(name)``."""
        await self._checked("SET VARIABLE", variable_name(name), value, deadline=self.limits.command_deadline)

    async def get_variable(self, name: str) -> str | None:
        """Read a channel variable; None when it is not set."""
        reply = await self._checked(
            "GET VARIABLE", variable_name(name), deadline=self.limits.command_deadline
        )
        return reply.data if reply.result == 1 else None

    async def exec_app(self, app: str, *args: str | int, deadline: float | None = None) -> AgiReply:
        """Run a dialplan application; `args` are joined by commas. No deadline unless given.

        A comma inside an argument separates arguments: pass foreign text through `app_argument` first.
        Raises AgiFailed with result -2 for an application that Asterisk does not have.
        """
        return await self._checked("EXEC", Word(app), ",".join(map(str, args)), deadline=deadline)

    async def set_music(self, on: bool, music_class: str = "default") -> None:
        """Start or stop music on hold; it plays on while no command runs."""
        await self._checked(
            "SET MUSIC", Word("on" if on else "off"), Word(music_class), deadline=self.limits.command_deadline
        )

    async def hangup(self) -> None:
        """Hang up the channel of this session."""
        await self._checked("HANGUP", deadline=self.limits.command_deadline)

    async def verbose(self, message: str, level: int = 1) -> None:
        """Write a line to Asterisk's console; never a citizen's words."""
        await self._checked("VERBOSE", message, level, deadline=self.limits.command_deadline)

    async def channel_status(self) -> int:
        """State of the channel.

        0 down, 1 reserved, 2 off hook, 3 dialled, 4 ringing, 5 remote end ringing, 6 up, 7 busy.
        """
        return (await self._checked("CHANNEL STATUS", deadline=self.limits.command_deadline)).result


def _keys(keys: str) -> str:
    wrong = sorted(set(keys) - set(KEYS))
    if wrong:
        raise AgiBadValue(f"escape_digits={keys!r}: {wrong[0]!r} is no telephone key, use {KEYS}")
    return keys


def _key(reply: AgiReply) -> str | None:
    return chr(reply.result) if 0 < reply.result < 128 else None
