"""`hotline watch`: takes callers away from a server that hangs.

A server that died is noticed by Asterisk at once. One that hangs (stopped, deadlocked, swapping) keeps its
connections open, and its callers would hear nothing for ever. So another process asks it for a sign of life;
when it stays silent, new calls are kept away from it and its callers are sent to the native queue.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import aiohttp

from cti import machine
from cti.ami import AmiError, AmiLink, AmiNodes
from cti.faults import fault_site
from cti.secrets import Secrets
from cti.settings import Settings

log = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
ANSWER_WITHIN_S = 2.0
HELD_AT = ("hotline", "ask")
"""Context and extension of the dialplan at which a server is asked what to do with a call."""

SILENT_AT = 3
"""So many unanswered questions in a row, and the server counts as hung: about eight seconds.

Fewer would take callers away from a server that is only slow on a crowded machine, and slow it further.
"""


class Sign(StrEnum):
    """What a question for a sign of life brought."""

    ALIVE = "alive"  # answered
    REFUSED = "refused"  # nobody listens: dead, not hung; Asterisk notices by itself
    SILENT = "silent"  # connected or tried to, and nothing came


class Move(StrEnum):
    """What the watchdog does."""

    NOTHING = "nothing"
    RESCUE = "rescue"  # keep calls away from the server and take its callers to the native queue
    READMIT = "readmit"  # let calls reach it again


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the watchdog knows of one server. Pure: `after` gives the next one and the move."""

    silent: int = 0  # unanswered questions in a row
    kept_away: bool = True  # calls are kept away from it; a former watchdog may have left it so

    def after(self, sign: Sign) -> tuple[Watch, Move]:
        """The next state after one question, and what is to be done."""
        if sign is Sign.SILENT:
            silent = self.silent + 1
            if silent >= SILENT_AT:
                # again at every further silence: callers who slipped in meanwhile are rescued too
                return replace(self, silent=silent, kept_away=True), Move.RESCUE
            return replace(self, silent=silent), Move.NOTHING
        if sign is Sign.ALIVE and self.kept_away:
            return Watch(kept_away=False), Move.READMIT
        return replace(self, silent=0), Move.NOTHING


class Watchdog:
    """Asks one server, acts on every Asterisk node."""

    def __init__(self, *, ask: Callable[[], Awaitable[Sign]], nodes: AmiNodes, agi: str, turn: int) -> None:
        """`agi` is the server's host:port as in the dialplan, `turn` its number there (from 1)."""
        self._ask = ask
        self._nodes = nodes
        self._agi = agi
        self._turn = turn
        self.watch = Watch()
        self._last = Move.NOTHING  # what the nodes were to be told last

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            sign = await self._ask()
            self.watch, move = self.watch.after(sign)
            if move is not Move.NOTHING:
                log.warning("server watched", extra={"sign": sign.value, "move": move.value})
                self._last = move
                await asyncio.gather(*(self._act(link, move) for link in self._nodes.links.values()))
            await asyncio.sleep(ASK_EVERY_S)

    async def node_up(self, node: str) -> None:
        """A node's link is (again) there: it may have missed what was decided meanwhile."""
        if self._last is not Move.NOTHING:
            await self._act(self._nodes.link(node), self._last)

    async def _act(self, link: AmiLink, move: Move) -> None:
        try:
            down = "1" if move is Move.RESCUE else "0"
            await link.set_variable("", f"HL_DOWN_{self._turn}", down)
            if move is Move.RESCUE:
                await self._rescue(link)
        except AmiError as error:
            log.error("node not reached", extra={"node": link.name, "reason": type(error).__name__})
        except Exception as error:
            log.error("rescue failed", extra={"node": link.name, "site": fault_site(error)})

    async def _rescue(self, link: AmiLink) -> None:
        """Send every caller whom this server holds, and who talks with nobody, to the native queue.

        Where a channel is in the dialplan tells that a server holds it; the application does not: after a
        Dial that the server asked for it stays "Dial". A caller for whom a telephone rings is left alone, the
        ring ends by itself. Who has talked already (DIALSTATUS) is not put in line again: that call is over.
        """
        channels = await link.listing("CoreShowChannels", {})
        legs = Counter(channel.get("Linkedid") for channel in channels)
        for channel in channels:
            held = (channel.get("Context"), channel.get("Exten")) == HELD_AT
            if not held or channel.get("BridgeId") or legs[channel.get("Linkedid")] > 1:
                continue
            name = channel.get("Channel")
            try:
                if await link.get_variable(name, "HL_SERVER") != self._agi:
                    continue
                talked = await link.get_variable(name, "DIALSTATUS") == "ANSWER"
                await link.redirect(name, "hotline", "nobody" if talked else "rescue")
                log.warning("caller rescued", extra={"call_id": channel.get("Uniqueid")})
            except AmiError as error:
                log.error(
                    "caller not rescued",
                    extra={"call_id": channel.get("Uniqueid"), "reason": type(error).__name__},
                )


async def ask_health(client: aiohttp.ClientSession, url: str) -> Sign:
    """Ask /healthz for a sign of life."""
    try:
        async with client.get(url, timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)) as answer:
            await answer.read()
            return Sign.ALIVE
    except TimeoutError:
        return Sign.SILENT
    except aiohttp.ClientConnectorError:
        return Sign.REFUSED
    except aiohttp.ClientError:
        return Sign.SILENT


async def watch(settings: Settings, secrets: Secrets) -> int:
    """Watch this machine's server until SIGTERM or SIGINT; return the exit status."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    nodes = AmiNodes(
        machine.ami_addresses(settings, secrets),
        on_up=lambda node: dog.node_up(node),
        on_down=_note_down,
    )
    own, turn = machine.own_agi(settings), machine.own_turn(settings)
    web = settings.web
    scheme = "https" if web.tls_certificate else "http"
    url = f"{scheme}://{machine.reachable(web.host)}:{web.port}/healthz"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as client:
        dog = Watchdog(ask=lambda: ask_health(client, url), nodes=nodes, agi=own, turn=turn)
        await nodes.start()
        task = asyncio.create_task(dog.run(), name="watchdog")
        stop = asyncio.ensure_future(stopping.wait())
        await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        stop.cancel()
        await asyncio.wait((task, stop))
        await nodes.stop()
    return 0 if stopping.is_set() else 1


def _note_down(node: str, reason: str) -> None:
    log.warning("AMI link down", extra={"node": node, "reason": reason})
