"""Tokens and webhooks, for administrators."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.systems import Systems
from cti.tokens import ApiToken, Scope, TokenRefused
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of
from cti.webhook_post import NotTaken
from cti.webhooks import HookKind, Webhook, WebhookRefused

__all__ = [
    "create_token",
    "create_webhook",
    "list_deliveries",
    "list_tokens",
    "list_webhooks",
    "remove_webhook",
    "revoke_token",
    "send_again",
    "switch_webhook",
    "systems_of",
    "test_webhook",
    "token_body",
    "webhook_body",
]

Text = Annotated[str, msgspec.Meta(max_length=500)]


Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NewToken(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: Text
    scopes: Annotated[list[Scope], msgspec.Meta(max_length=20)]
    days: int | None = 365  # None: until it is revoked
    per_minute: int = 600
    reason: Reason  # what it is for


class RevokeBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    reason: Reason


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    title: Text
    url: Text
    kinds: Annotated[list[HookKind], msgspec.Meta(max_length=40)]
    reason: Reason  # what it is for


class WebhookChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    active: bool
    reason: Reason


class ReasonQuery(msgspec.Struct):
    reason: Reason


class DeliveriesQuery(msgspec.Struct):
    before: Annotated[int, msgspec.Meta(ge=1)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50


def systems_of(request: web.Request) -> Systems:
    """Return what other systems use. Raises ApiError: this server has none of it."""
    systems = request.app[DEPS].systems
    if systems is None:
        raise ApiError(503, "unavailable", "本服务器未启用对外接口")
    return systems


def token_body(token: ApiToken, now: float) -> dict[str, object]:
    """Return what is told of a token; never its secret."""
    return {**msgspec.to_builtins(token), "in_force": token.in_force(now)}


def webhook_body(webhook: Webhook) -> dict[str, object]:
    """Return what is told of a webhook; never its secret."""
    return {
        "webhook_id": webhook.webhook_id,
        "title": webhook.title,
        "url": webhook.url,
        "kinds": [kind.value for kind in webhook.kinds],
        "active": webhook.active,
        "created_by": webhook.created_by,
        "created_at": webhook.created_at,
        "tries": webhook.tries,
        "next_at": webhook.next_at,
        "status": webhook.status,
    }


async def list_tokens(request: web.Request) -> web.StreamResponse:
    """GET /api/tokens: newest first, revoked ones too."""
    now = request.app[DEPS].clock()
    return answer({"tokens": [token_body(one, now) for one in await systems_of(request).tokens.list()]})


async def create_token(request: web.Request) -> web.StreamResponse:
    """POST /api/tokens: the answer holds the token itself, this once."""
    body = await read_body(request, NewToken)
    try:
        secret, made = await systems_of(request).tokens.create(
            body.name,
            body.scopes,
            by=person_of(request).login,
            days=body.days,
            per_minute=body.per_minute,
            reason=body.reason.strip(),
        )
    except TokenRefused as refused:
        raise ApiError(400, "invalid", refused.shown, field=refused.field) from None
    return answer({**token_body(made, request.app[DEPS].clock()), "token": secret}, status=201)


async def revoke_token(request: web.Request) -> web.StreamResponse:
    """POST /api/tokens/{token_id}/revoke: with a reason; it opens nothing any more."""
    body = await read_body(request, RevokeBody)
    token = await systems_of(request).tokens.revoke(
        request.match_info["token_id"][:16], by=person_of(request).login, reason=body.reason.strip()
    )
    if token is None:
        raise ApiError(404, "not_found", "找不到这个令牌")
    return answer(token_body(token, request.app[DEPS].clock()))


async def _webhook(request: web.Request) -> Webhook:
    webhook = await systems_of(request).webhooks.find(request.match_info["webhook_id"][:16])
    if webhook is None:
        raise ApiError(404, "not_found", "找不到这个推送")
    return webhook


async def list_webhooks(request: web.Request) -> web.StreamResponse:
    """GET /api/webhooks: oldest first."""
    return answer({"webhooks": [webhook_body(one) for one in await systems_of(request).webhooks.list()]})


async def create_webhook(request: web.Request) -> web.StreamResponse:
    """POST /api/webhooks: the answer holds the secret that deliveries are signed with, this once."""
    body = await read_body(request, NewWebhook)
    store = systems_of(request).webhooks
    try:
        made = await store.create(
            body.title, body.url, body.kinds, by=person_of(request).login, reason=body.reason.strip()
        )
    except WebhookRefused as refused:
        raise ApiError(400, "invalid", refused.shown, field=refused.field) from None
    return answer({**webhook_body(made), "secret": store.secret(made.webhook_id)}, status=201)


async def switch_webhook(request: web.Request) -> web.StreamResponse:
    """PATCH /api/webhooks/{webhook_id}: pause it, or let it go on with what happens from then on."""
    body = await read_body(request, WebhookChange)
    webhook = await _webhook(request)
    store = systems_of(request).webhooks
    await store.switch(
        webhook.webhook_id, active=body.active, by=person_of(request).login, reason=body.reason
    )
    return answer(webhook_body(await _webhook(request)))


async def remove_webhook(request: web.Request) -> web.StreamResponse:
    """DELETE /api/webhooks/{webhook_id}?reason=…: nothing further is sent."""
    query = read_query(request, ReasonQuery)
    webhook, login = await _webhook(request), person_of(request).login
    await systems_of(request).webhooks.remove(webhook.webhook_id, by=login, reason=query.reason.strip())
    return web.Response(status=204)


async def test_webhook(request: web.Request) -> web.StreamResponse:
    """POST /api/webhooks/{webhook_id}/test: post a test event now and say what came of it."""
    webhook = await _webhook(request)
    try:
        status = await systems_of(request).sender.test(webhook)
    except NotTaken as refused:
        return answer({"taken": False, "status": str(refused)})
    return answer({"taken": True, "status": status})


async def list_deliveries(request: web.Request) -> web.StreamResponse:
    """GET /api/webhooks/{webhook_id}/deliveries: newest first, older than event `before` when given."""
    query = read_query(request, DeliveriesQuery)
    webhook = await _webhook(request)
    found = await systems_of(request).webhooks.deliveries(
        webhook.webhook_id, before=query.before, limit=query.limit
    )
    return answer({"deliveries": found})


async def send_again(request: web.Request) -> web.StreamResponse:
    """POST /api/webhooks/{webhook_id}/deliveries/{event_id}/again: send one event once more."""
    webhook = await _webhook(request)
    number = request.match_info["event_id"][:18]
    known = number.isdecimal() and await systems_of(request).webhooks.send_again(
        webhook.webhook_id, int(number), by=person_of(request).login
    )
    if not known:
        raise ApiError(404, "not_found", "找不到这次推送，或它仍在自动重试")
    return web.Response(status=202)
