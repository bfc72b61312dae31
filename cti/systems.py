"""What a city's other systems use: tokens, kept answers, changes, webhooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from cti.changes import ChangeLog
from cti.hook_bodies import Find, describing
from cti.idempotency import KeptAnswers
from cti.secrets import Secrets
from cti.settings import Settings
from cti.tokens import TokenStore
from cti.webhook_post import AddressRules, HookPost
from cti.webhook_sender import WebhookSender
from cti.webhooks import WebhookStore

__all__ = ["Systems", "compose"]

KEY = "webhook_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Systems:
    """What others hold of it."""

    tokens: TokenStore
    answers: KeptAnswers
    changes: ChangeLog
    webhooks: WebhookStore
    sender: WebhookSender
    post: HookPost

    def start(self) -> None:
        """Begin to tell webhooks."""
        self.sender.start()

    async def stop(self) -> None:
        """Stop telling."""
        await self.sender.stop()
        await self.post.close()


def compose(
    settings: Settings,
    engine: AsyncEngine,
    secrets: Secrets,
    *,
    call: Find,
    order: Find,
    leads: Callable[[], bool],
) -> Systems:
    """Put them together; `leads` tells whether this server is the one that sends."""
    store = WebhookStore(engine, key=lambda: secrets.get(KEY))
    post = HookPost(AddressRules(settings.webhooks.allow), deadline_s=settings.webhooks.deadline_s)
    alone = len(settings.servers) < 2
    return Systems(
        tokens=TokenStore(engine),
        answers=KeptAnswers(engine),
        changes=ChangeLog(engine),
        webhooks=store,
        sender=WebhookSender(
            store,
            post,
            describing(engine, call, order),
            leads=lambda: alone or leads(),
            days=settings.webhooks.days,
        ),
        post=post,
    )
