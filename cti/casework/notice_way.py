"""How a notice leaves the house: the interface, and the way over a gateway's HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import aiohttp
import msgspec

from cti.errors import HotlineError
from cti.signatures import DELIVERY, SIGNATURE, TIMESTAMP, signature

__all__ = ["GatewayWay", "NoticeNotTaken", "NoticeWay"]

ANSWER_MAX = 1024


class NoticeNotTaken(HotlineError):
    """The gateway did not take it; the text says why, without number and words."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good  # it would not take it the next time either


class NoticeWay(Protocol):
    """One way to citizens."""

    async def send(
        self, notice_id: str, number: str, template: str, text: str, values: Mapping[str, str]
    ) -> str:
        """Send one notice and return what was answered. Raises NoticeNotTaken within a deadline."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


class GatewayWay:
    """POSTs JSON `{id, number, template, text, values}` to the city's message gateway.

    `Authorization: Bearer` carries the gateway's token when there is one; time and body are signed
    (`X-Hotline-Timestamp`, `X-Hotline-Signature`); `X-Hotline-Delivery` is the notice's id, the same at every
    try, so that a gateway that gets it twice sends it once. Any 2xx answer means taken, redirects are not
    followed; 400, 413 and 422 mean that it never will be.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Callable[[], str],
        secret: Callable[[], str],
        deadline_s: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`token` is the gateway's, "" for none; `secret` signs."""
        self._url = url
        self._token = token
        self._secret = secret
        self._deadline_s = deadline_s
        self._clock = clock
        self._http: aiohttp.ClientSession | None = None

    async def send(
        self, notice_id: str, number: str, template: str, text: str, values: Mapping[str, str]
    ) -> str:
        """Send it once. Raises NoticeNotTaken."""
        content = {
            "id": notice_id, "number": number, "template": template, "text": text, "values": values,
        }  # fmt: skip
        body, at = msgspec.json.encode(content), int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "hotline",
            DELIVERY: notice_id,
            TIMESTAMP: str(at),
            SIGNATURE: signature(self._secret(), body, at),
        }
        token = self._token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if self._http is None:
            self._http = aiohttp.ClientSession(trust_env=False)
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                self._http.post(self._url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                await answer.content.read(ANSWER_MAX)
                status = answer.status
        except TimeoutError:
            raise NoticeNotTaken(f"no answer within {self._deadline_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoticeNotTaken(type(error).__name__) from None
        if not 200 <= status < 300:
            raise NoticeNotTaken(f"answered {status}", for_good=status in (400, 413, 422))
        return f"answered {status}"

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None
