"""Tells other systems what happens: at least once, each webhook in order, for days until it is taken.

Only the server that leads sends. One that loses the lead in the middle of a delivery leaves its place as it
is, so the next leader sends the same event again, with the same delivery id.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from cti.faults import fault_site
from cti.tasks import end
from cti.webhook_post import NotTaken
from cti.webhooks import DeliveryState, HookEvent, HookKind, Webhook, WebhookStore

__all__ = ["Post", "WebhookSender", "content_of", "pause_s"]

log = logging.getLogger(__name__)

LOOK_S = 1.0
AT_ONCE = 50
"""Events of one webhook that are read at a time."""
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 3600.0
TIDY_EVERY_S = 3600.0
TRANSCRIPTS_EVERY_S = 10.0
DAY_S = 86400.0


class Post(Protocol):
    """The way to the receivers."""

    async def deliver(self, url: str, secret: str, delivery_id: str, content: object) -> str: ...


Describe = Callable[[HookEvent], Awaitable[object]]
"""What is told of an event: the call, order or alert as it is now; None when it is gone."""


def pause_s(tries: int, chance: float) -> float:
    """Seconds until the next try after so many, doubling up to an hour, spread by `chance` in 0..1."""
    whole = min(FIRST_PAUSE_S * 2.0 ** min(tries - 1, 30), LONGEST_PAUSE_S)
    return float(whole * (0.75 + chance / 2))


def content_of(webhook_id: str, event: HookEvent, what: object) -> tuple[str, dict[str, object]]:
    """Return the id of a delivery, the same at every try, and what is posted."""
    delivery_id = f"{webhook_id}-{event.place.id}"
    return delivery_id, {
        "id": delivery_id,
        "kind": event.kind.value,
        "at": event.at,
        "ref": event.ref,
        "data": what,
    }


class WebhookSender:
    """Runs beside the server; see the module."""

    def __init__(
        self,
        store: WebhookStore,
        post: Post,
        describe: Describe,
        *,
        leads: Callable[[], bool],
        days: float = 3.0,
        clock: Callable[[], float] = time.time,
        look_s: float = LOOK_S,
    ) -> None:
        self._store = store
        self._post = post
        self._describe = describe
        self._leads = leads
        self._dead_after_s = days * DAY_S
        self._clock = clock
        self._look_s = look_s
        self._task: asyncio.Task[None] | None = None
        self._busy: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin to look after webhooks."""
        self._task = asyncio.create_task(self._run(), name="webhooks")

    async def stop(self) -> None:
        """Stop; what is under way is sent again by whoever leads next."""
        if self._task is not None:
            await end(self._task, *self._busy.values())

    async def test(self, webhook: Webhook) -> str:
        """Post a test event now and return what was answered. Raises NotTaken."""
        now = self._clock()
        content = {
            "id": f"{webhook.webhook_id}-test",
            "kind": HookKind.TEST.value,
            "at": now,
            "ref": "",
            "data": None,
        }
        secret = self._store.secret(webhook.webhook_id)
        return await self._post.deliver(webhook.url, secret, str(content["id"]), content)

    async def _run(self) -> None:
        tidied = looked = float("-inf")
        while True:
            await asyncio.sleep(self._look_s)
            if not self._leads():
                continue
            try:
                for webhook in await self._store.list():
                    task = self._busy.get(webhook.webhook_id)
                    if webhook.active and (task is None or task.done()):
                        self._busy[webhook.webhook_id] = asyncio.create_task(self._serve(webhook.webhook_id))
                if (now := time.monotonic()) - looked >= TRANSCRIPTS_EVERY_S:
                    await self._store.look_for_transcripts()
                    looked = now
                if now - tidied >= TIDY_EVERY_S:
                    await self._store.tidy()
                    tidied = now
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("webhooks wait for the database", extra={"fault": fault_site(error)})

    async def _serve(self, webhook_id: str) -> None:
        try:
            # Read only now: the list may be older than the end of the task before this one.
            webhook = await self._store.find(webhook_id)
            if webhook is None or not webhook.active:
                return
            for event in await self._store.again(webhook.webhook_id):
                await self._tell(webhook, event, 1, in_turn=False)
            if webhook.next_at > self._clock():
                return
            tries = webhook.tries
            for event in await self._store.following(webhook, AT_ONCE):
                if not self._leads() or not await self._tell(webhook, event, tries + 1, in_turn=True):
                    return
                tries = 0
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("a webhook waits for the database", extra={"fault": fault_site(error)})
        except Exception as error:
            log.error("a webhook failed", extra={"webhook": webhook_id, "fault": fault_site(error)})

    async def _tell(self, webhook: Webhook, event: HookEvent, tries: int, *, in_turn: bool) -> bool:
        """Send one event and keep what became of it; False when it is to be tried again."""
        delivery_id, content = content_of(webhook.webhook_id, event, await self._describe(event))
        now = self._clock()
        next_at = 0.0
        try:
            secret = self._store.secret(webhook.webhook_id)
            status = await self._post.deliver(webhook.url, secret, delivery_id, content)
            state = DeliveryState.DELIVERED
        except NotTaken as refused:
            status = str(refused)
            old = not in_turn or now - event.at >= self._dead_after_s
            state = DeliveryState.DEAD if old else DeliveryState.FAILING
            next_at = now + pause_s(tries, random.random())  # noqa: S311 - only spreads tries
        await self._store.told(
            webhook.webhook_id,
            event,
            state,
            status=status,
            tries=tries,
            next_at=next_at,
            in_turn=in_turn,
        )
        return state is not DeliveryState.FAILING
