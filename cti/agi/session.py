"""One call's FastAGI session: a reader task owns the socket, commands await their replies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl

from cti.agi.commands import AgiCommands
from cti.agi.messages import (
    AgiBadHeader,
    AgiBusy,
    AgiDeadline,
    AgiGarbage,
    AgiHangup,
    AgiLimits,
    AgiRefused,
    AgiReply,
)
from cti.agi.wire import ReplyParser, Signal, command_line, decode, parse_header

__all__ = ["AgiSession", "read_header"]

log = logging.getLogger(__name__)


async def read_header(reader: asyncio.StreamReader, limits: AgiLimits) -> dict[str, bytes]:
    """Read the request header within the limits; an empty dict means that the peer closed without a word.

    Raises AgiBadHeader for anything that is no complete, small enough FastAGI header in time.
    """
    lines: list[bytes] = []
    try:
        async with asyncio.timeout(limits.header_deadline):
            while True:
                line = await reader.readuntil(b"\n")
                line = line.rstrip(b"\r\n")
                if not line:
                    return parse_header(lines)
                if len(line) > limits.header_line:
                    raise AgiBadHeader(f"a header line is longer than {limits.header_line} bytes")
                lines.append(line)
                if len(lines) > limits.header_lines:
                    raise AgiBadHeader(f"the header has more than {limits.header_lines} lines")
    except asyncio.IncompleteReadError as error:
        if not lines and not error.partial:
            return {}
        raise AgiBadHeader("the peer closed in the middle of the header") from error
    except asyncio.LimitOverrunError as error:
        raise AgiBadHeader("a header line does not end") from error
    except TimeoutError as error:
        raise AgiBadHeader(f"the header took longer than {limits.header_deadline} s") from error
    except OSError as error:
        if not lines:
            return {}
        raise AgiBadHeader("the connection broke in the middle of the header") from error


class AgiSession(AgiCommands):
    """A channel under this server's control, from the end of the request header to the end of the handler.

    Made by `AgiServer` inside a running event loop; raises AgiBadHeader for a query with too many fields.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        header: Mapping[str, bytes],
        limits: AgiLimits,
    ) -> None:
        self.limits = limits
        self.raw: Mapping[str, bytes] = MappingProxyType(dict(header))  # header values as they came
        self.env: Mapping[str, str] = MappingProxyType({name: decode(raw) for name, raw in header.items()})
        self.call_id: str = self.env.get("uniqueid", "")  # for log lines; call control may set its own
        self.hung_up = asyncio.Event()  # set once: hang-up, taken away, or connection lost
        self.strays = 0  # lines that belonged to no reply
        path, _, query = self.env.get("network_script", "").partition("?")
        self.request_path: str = path.strip("/")  # of agi://server/PATH?query
        try:
            fields = parse_qsl(query, keep_blank_values=True, max_num_fields=limits.header_lines)
        except ValueError as error:
            raise AgiBadHeader(f"the query has more than {limits.header_lines} fields") from error
        self.query: Mapping[str, str] = MappingProxyType(dict(fields))
        self._reader = reader
        self._writer = writer
        self._parser = ReplyParser(limits)
        self._awaited: asyncio.Future[AgiReply] | None = None  # the reply that Asterisk still owes
        self._running = False  # somebody is inside execute()
        self._reading = asyncio.create_task(self._read(), name="agi-reader")

    @property
    def channel(self) -> str:
        """Name of the channel, e.g. ``PJSIP/trunk-00000001``."""
        return self.env.get("channel", "")

    @property
    def uniqueid(self) -> str:
        """Asterisk's id of the channel."""
        return self.env.get("uniqueid", "")

    @property
    def caller_number(self) -> str:
        """The caller's number, empty when withheld."""
        number = self.env.get("callerid", "")
        return "" if number == "unknown" else number

    @property
    def called_number(self) -> str:
        """The number dialled: DNID, or the extension where the trunk gave none."""
        number = self.env.get("dnid", "")
        return self.env.get("extension", "") if number in ("", "unknown") else number

    @property
    def args(self) -> tuple[str, ...]:
        """Arguments of the dialplan's AGI() after the URL."""
        found: list[str] = []
        while (value := self.env.get(f"arg_{len(found) + 1}")) is not None:
            found.append(value)
        return tuple(found)

    async def execute(self, command: str, *args: str | int, deadline: float | None = None) -> AgiReply:
        """Send one command and return its reply (code 200); no deadline (seconds) unless given.

        Text arguments are quoted, numbers and `Word` go bare. A result of -1 is left to the caller to judge;
        the typed commands raise for it. Cancelling is safe: the reply is dropped when it comes, and the next
        command waits for that first, since AGI runs one command at a time.

        Raises AgiHangup (before, or while waiting), AgiDeadline, AgiRefused (510, 520), AgiBadValue,
        and AgiBusy when another command of this session is running.
        """
        line = command_line(command, args, self.limits)
        if self._running:
            raise AgiBusy(f"{command!r} given while another command is awaited: await that one first")
        self._running = True
        try:
            async with asyncio.timeout(deadline):
                reply = await self._exchange(line)
        except TimeoutError as error:
            raise AgiDeadline(f"{command!r} not answered within {deadline} s") from error
        finally:
            self._running = False
        if reply.code == 511:
            self._mark_gone()
            raise AgiHangup(f"{command!r}: the channel is gone")
        if reply.code != 200:
            raise AgiRefused(command, reply.code, reply.text)
        return reply

    async def _exchange(self, line: bytes) -> AgiReply:
        if (
            self._awaited is not None and not self._awaited.done()
        ):  # of a command that was cancelled or came too late
            await asyncio.wait((self._awaited,))
        if self.hung_up.is_set():
            raise AgiHangup("the channel is gone")
        reply: asyncio.Future[AgiReply] = asyncio.get_running_loop().create_future()
        self._awaited = reply
        self._writer.write(line)
        try:
            await self._writer.drain()
        except OSError as error:
            self._mark_gone()
            raise AgiHangup("the connection is gone") from error
        await asyncio.wait((reply,))  # not awaited directly: a cancelled caller must not cancel the reply
        return reply.result()

    async def close(self) -> None:
        """Give the channel back to the dialplan: close the connection and end the reader."""
        self._reading.cancel()
        await asyncio.wait((self._reading,))
        self._mark_gone()
        self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    def _mark_gone(self) -> None:
        self.hung_up.set()
        reply = self._awaited
        if reply is not None and not reply.done():
            reply.set_exception(AgiHangup("the channel is gone"))
            reply.exception()  # read here: the one who waited may have been cancelled

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self._reader.readuntil(b"\n"))
        except (asyncio.IncompleteReadError, OSError):
            pass  # Asterisk closed: hang-up, redirect, or its own end
        except (AgiGarbage, asyncio.LimitOverrunError) as error:
            log.error(
                "AGI connection closed: replies make no sense",
                extra={"call_id": self.call_id, "reason": type(error).__name__},
            )
            self._writer.transport.abort()
        finally:
            self._mark_gone()

    def _take(self, raw: bytes) -> None:
        found = self._parser.feed(raw.removesuffix(b"\n"))
        if found is Signal.HANGUP:
            self._mark_gone()
        elif isinstance(found, AgiReply) and self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(found)
        elif found is not Signal.MORE and not self.hung_up.is_set():
            self.strays += 1
            if self.strays > self.limits.stray_lines:
                raise AgiGarbage(f"more than {self.limits.stray_lines} lines that nobody asked for")
