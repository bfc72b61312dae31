"""One Asterisk node's manager interface: connect, log in, stay connected, tell when up and when down."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from cti.ami.actions import AmiActions
from cti.ami.messages import (
    AmiAddress,
    AmiBusy,
    AmiCounters,
    AmiDeadline,
    AmiDown,
    AmiError,
    AmiEvent,
    AmiLimits,
    AmiRefused,
    AmiReply,
    Originate,
    OriginateOutcome,
)
from cti.ami.protocol import LinkManager, Listing, OneReply, Originated
from cti.ami.wire import check_action
from cti.faults import fault_site

__all__ = ["AmiLink", "Backoff"]

log = logging.getLogger(__name__)

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class _LoginRefused(AmiError):
    pass


class Backoff:
    """Growing waits: first, twice that, … up to the cap; a random share is taken off each."""

    def __init__(self, limits: AmiLimits, rng: Callable[[], float]) -> None:
        self._limits = limits
        self._rng = rng
        self._tries = 0

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        limits = self._limits
        wait = min(limits.backoff_cap, limits.backoff_first * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return wait * (1 - limits.backoff_jitter * self._rng())

    def reset(self) -> None:
        """Begin with the short waits again."""
        self._tries = 0


class AmiLink(AmiActions):
    """A link that keeps itself up.

    `on_event` is called synchronously, in the order received, from the login on (so also while `on_up`
    runs); answers to listings are not handed to it. `on_up` is awaited after every login, once Asterisk
    is fully booted; if it raises, the connection is dropped and tried again. `on_down` is called with a
    reason once for every time the link had come up, also by `stop`.
    """

    def __init__(
        self,
        address: AmiAddress,
        *,
        on_event: Callable[[AmiEvent], None] = lambda _event: None,
        on_up: Callable[[], Awaitable[None]] | None = None,
        on_down: Callable[[str], None] = lambda _reason: None,
        limits: AmiLimits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self.address = address
        self.limits = limits or AmiLimits()
        self.counters = AmiCounters()
        self.last_error = ""  # why the link is or was down; empty before the first failure
        self._on_event = on_event
        self._on_up = on_up or _nothing
        self._on_down = on_down
        self._sleep = sleep
        self._backoff = Backoff(self.limits, rng)
        self._rng = rng
        self._manager: LinkManager | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()

    @property
    def name(self) -> str:
        """The node's name."""
        return self.address.name

    @property
    def connected(self) -> bool:
        """True while actions can be sent: logged in, Asterisk fully booted, connection standing."""
        return self._manager is not None and self._manager.alive

    async def start(self) -> None:
        """Begin to connect, and keep trying; returns at once."""
        if self._task is not None:
            raise RuntimeError(f"AMI link {self.name!r} is already started")
        self._task = asyncio.create_task(self._run(), name=f"ami-{self.name}")

    async def stop(self) -> None:
        """End the connection and everything that would renew it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def wait_up(self, deadline: float) -> None:
        """Wait until `on_up` has been carried out. AmiDown, with the reason, after `deadline` seconds."""
        try:
            async with asyncio.timeout(deadline):
                await self._up.wait()
        except TimeoutError as error:
            reason = self.last_error or "no connection yet"
            raise AmiDown(f"node {self.name!r} not up within {deadline} s: {reason}") from error

    async def action(
        self, name: str, fields: Mapping[str, str | int | Sequence[str]] = _NOTHING, *, deadline: float = 5.0
    ) -> AmiReply:
        """Send an action and return its successful answer.

        Raises AmiDown (not connected, or lost meanwhile), AmiDeadline, AmiRefused, AmiBadValue, AmiBusy.
        """
        reply: AmiReply = await self._ask(OneReply(check_action(name, fields, self.limits)), deadline)
        return reply

    async def listing(
        self, name: str, fields: Mapping[str, str | int | Sequence[str]] = _NOTHING, *, deadline: float = 10.0
    ) -> tuple[AmiEvent, ...]:
        """Send an action that is answered by a list (CoreShowChannels, QueueStatus …) and return its events.

        Complete or nothing: raises what `action` raises, and AmiRefused at once if Asterisk refuses.
        """
        action = Listing(check_action(name, fields, self.limits), self.limits.listing_events)
        events: tuple[AmiEvent, ...] = await self._ask(action, deadline)
        return events

    async def originate_and_wait(
        self, request: Originate, *, deadline: float | None = None
    ) -> OriginateOutcome:
        """Place a call and wait until it is answered or not (`request.timeout` plus 10 s unless told)."""
        action = Originated(check_action("Originate", self.originate_fields(request), self.limits))
        event: AmiEvent = await self._ask(action, request.timeout + 10 if deadline is None else deadline)
        reason = event.get("Reason")
        return OriginateOutcome(
            answered=event.get("Response") == "Success",
            reason=int(reason) if re.fullmatch(r"\d{1,9}", reason) else 0,
            channel=event.get("Channel"),
            uniqueid=event.get("Uniqueid").replace("<null>", ""),
        )

    async def _ask(self, action: OneReply, deadline: float) -> Any:
        manager = self._manager
        if manager is None or not manager.alive:
            raise AmiDown(f"node {self.name!r} is not connected")
        if manager.pending >= self.limits.pending:
            raise AmiBusy(f"node {self.name!r}: {manager.pending} actions await their answer already")
        try:
            result = await manager.ask(action, deadline)
        except TimeoutError as error:
            raise AmiDeadline(
                f"{action.name} on node {self.name!r}: no answer within {deadline} s"
            ) from error
        self.counters.replies += 1
        return result

    async def _run(self) -> None:
        while True:
            await self._sleep(await self._connection())

    async def _connection(self) -> float:
        """Live through one connection; return the seconds to wait before the next."""
        manager = LinkManager(self.address, self.limits, on_event=self._take, on_late=self._count_late)
        serving: asyncio.Task[None] | None = None
        reason = "stopped"
        slow = False
        try:
            await manager.open()
            self.counters.connects += 1
            serving = asyncio.create_task(self._serve(manager), name=f"ami-{self.name}-serve")
            await asyncio.wait((serving, manager.lost), return_when=asyncio.FIRST_COMPLETED)
            # Asterisk closes right after it refuses a login: the refusal is the reason, not the closing.
            slow = serving.done() and isinstance(serving.exception(), _LoginRefused)
            reason = self._why_ended(serving) if slow or not manager.lost.done() else manager.lost.result()
        except TimeoutError:
            reason = f"no connection within {self.limits.connect_deadline} s"
        except OSError as error:
            reason = f"cannot connect: {type(error).__name__}"
        finally:
            await self._tear_down(manager, serving, reason)
        if slow:
            return self.limits.login_retry * (1 + self.limits.backoff_jitter * self._rng())
        return self._backoff.next()

    async def _serve(self, manager: LinkManager) -> None:
        """Log in, bring up, then ping until the connection ends."""
        await self._log_in(manager)
        try:
            async with asyncio.timeout(self.limits.boot_deadline):
                await manager.booted.wait()
        except TimeoutError as error:
            raise AmiDown(
                "no FullyBooted event: Asterisk is still starting, or the AMI user lacks read=system"
            ) from error
        self._manager = manager
        self.counters.logins += 1
        log.info("AMI link up", extra={"node": self.name})
        await self._on_up()
        self._backoff.reset()
        self._up.set()
        while True:
            await asyncio.sleep(self.limits.ping_interval)
            try:
                await manager.ask(OneReply({"Action": "Ping"}), self.limits.ping_deadline)
            except TimeoutError as error:
                raise AmiDown(f"ping not answered within {self.limits.ping_deadline} s") from error

    async def _log_in(self, manager: LinkManager) -> None:
        address = self.address
        login = check_action(
            "Login", {"Username": address.user, "Secret": address.secret, "Events": "on"}, self.limits
        )
        try:
            await manager.ask(OneReply(login), self.limits.login_deadline)
        except TimeoutError as error:
            raise AmiDown(f"login not answered within {self.limits.login_deadline} s") from error
        except AmiRefused as error:
            raise _LoginRefused(f"login refused: {error.message}: check user and secret") from error

    def _why_ended(self, serving: asyncio.Task[None]) -> str:
        error = serving.exception()
        if isinstance(error, _LoginRefused):
            self.counters.refused_logins += 1
        if isinstance(error, _LoginRefused | AmiDown):
            return str(error)
        return f"bringing up failed: {fault_site(error) if error else 'ended'}"

    async def _tear_down(self, manager: LinkManager, serving: asyncio.Task[None] | None, reason: str) -> None:
        was_up = self._manager is manager
        self._manager = None
        self._up.clear()
        self.last_error = reason
        await manager.shut(reason)
        if serving is not None:
            serving.cancel()
            await asyncio.wait((serving,))
        if reason != "stopped":
            log.warning("AMI link down", extra={"node": self.name, "reason": reason})
        if was_up:
            self.counters.drops += 1
            try:
                self._on_down(reason)
            except Exception as error:
                self._count_fault("on_down", error)

    def _take(self, event: AmiEvent) -> None:
        self.counters.events += 1
        try:
            self._on_event(event)
        except Exception as error:
            self._count_fault(event.name, error)

    def _count_late(self) -> None:
        self.counters.late += 1

    def _count_fault(self, event: str, error: Exception) -> None:
        # A handler that always raises must not fill the disk: the first ten, then every thousandth.
        self.counters.handler_errors += 1
        count = self.counters.handler_errors
        if count <= 10 or count % 1000 == 0:
            log.error(
                "AMI event handler raised",
                extra={"node": self.name, "event": event, "error": fault_site(error), "count": count},
            )


async def _nothing() -> None:
    """What follows a login where nobody asked for anything."""
