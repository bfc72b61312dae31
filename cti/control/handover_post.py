"""How place and transcript of a call are given to a service: the record, and the way over HTTP."""

from __future__ import annotations

import asyncio
from typing import Protocol

import aiohttp
import msgspec

from cti.errors import HotlineError
from cti.signatures import DELIVERY, SIGNATURE, signature

__all__ = ["Handover", "HandoverFailed", "Post", "SaidLine", "WebhookPost"]


class HandoverFailed(HotlineError):
    """The service's system did not take it; the text says why, without what was sent."""


class SaidLine(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of the talk so far."""

    speaker: str  # "citizen" or "agent"
    text: str  # readable text
    start: float  # seconds into the recording


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """What a service is told of a call: one JSON object."""

    handover_id: str  # the same at every attempt: whoever gets it twice counts it once
    service: str  # name in the directory
    title: str  # its Chinese name
    number: str  # what was dialled
    call_id: str  # which call
    order_id: str  # its work order
    at: float  # epoch seconds: when the agent pressed the button
    by: str  # the agent's login
    by_name: str  # 姓名
    caller: str  # number the citizen calls from
    phone: str  # number to call back, as written in the order
    contact: str  # 联系人
    district: str  # 区县
    street: str  # 街道
    place: str  # 地点
    type: str  # 诉求类型
    category: str  # 分类
    urgency: str  # 紧急程度
    title_of_matter: str  # 标题
    matter: str  # 诉求内容
    transcript: tuple[SaidLine, ...] = ()  # finished sentences so far, oldest first


class Post(Protocol):
    """One way to a service's system."""

    async def deliver(self, url: str, secret: str, handover: Handover) -> None:
        """Give it over. Raises HandoverFailed within the deadline in any case."""


class WebhookPost:
    """POSTs the record as JSON.

    The body is signed: ``X-Hotline-Signature: sha256=<hex>`` is its HMAC-SHA256 with the service's secret;
    ``X-Hotline-Delivery`` is the handover's id. Any 2xx answer means taken; redirects are not followed.
    """

    def __init__(self, deadline_s: float = 5.0) -> None:
        self._deadline_s = deadline_s

    async def deliver(self, url: str, secret: str, handover: Handover) -> None:
        """Send it once. Raises HandoverFailed."""
        body = msgspec.json.encode(handover)
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(secret, body),
            DELIVERY: handover.handover_id,
        }
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                aiohttp.ClientSession() as client,
                client.post(url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except TimeoutError:
            raise HandoverFailed(f"no answer within {self._deadline_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise HandoverFailed(type(error).__name__) from None
        if not 200 <= status < 300:
            raise HandoverFailed(f"answered {status}")
