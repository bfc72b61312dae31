"""Questions that flows put to other systems of the city; only those that the settings name.

A flow names a request, never an address; where it goes and with which secret is the operator's business.
No redirect is followed, TLS is verified, and nothing that the other side does takes longer than the flow
allows or fills more than a little memory.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import msgspec

from cti.control.line_ports import WebFailed
from cti.metrics import Metrics

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
"""Bytes of an answer that are read; a longer one is refused."""

MOST_FACTS = 50
MOST_KEY = 64
MOST_VALUE = 500
"""Facts that are taken from an answer, and their lengths in characters; what is beyond is left out."""

AT_ONCE = 50
"""Requests of one name at once: a system that hangs must not gather ever more of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedRequest:
    """One request that flows may make."""

    name: str  # as flows call it
    url: str  # where it goes: https://…, or http://… inside the own network
    header: str = ""  # name of the header that carries the secret, "" none
    secret: str = ""  # its value
    ca: str = ""  # PEM file of the authority that signed the other side's certificate, "" the usual ones


class WebAsker:
    """Asks over HTTP. Implements `WebRequests` of the line."""

    def __init__(self, allowed: Sequence[AllowedRequest], metrics: Metrics) -> None:
        self._allowed = {request.name: request for request in allowed}
        self._metrics = metrics
        self._slots = {name: asyncio.Semaphore(AT_ONCE) for name in self._allowed}
        self._tls: dict[str, ssl.SSLContext] = {}
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close what is open."""
        if self._http is not None:
            await self._http.close()

    async def ask(self, name: str, values: Mapping[str, str], within_s: float) -> Mapping[str, str]:
        """Send the values as a JSON object, and return the strings and numbers of the answer's top level.

        Raises:
            WebFailed: the request is not allowed, or no fit answer came within `within_s`.
        """
        request = self._allowed.get(name)
        if request is None:
            raise self._failed(name, "not_allowed")
        if self._slots[name].locked():
            raise self._failed(name, "busy")
        try:
            async with asyncio.timeout(within_s), self._slots[name]:
                body = await self._fetch(request, values)
        except TimeoutError:
            raise self._failed(name, "late") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._failed(name, type(error).__name__) from None
        facts = _facts(body)
        if facts is None:
            raise self._failed(name, "no_json_object")
        self._metrics.web_requests.labels(result="answered").inc()
        return facts

    async def _fetch(self, request: AllowedRequest, values: Mapping[str, str]) -> bytes:
        if self._http is None:
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if request.header:
            headers[request.header] = request.secret
        async with self._http.post(
            request.url,
            data=msgspec.json.encode(dict(values)),
            headers=headers,
            allow_redirects=False,
            ssl=self._context(request),
        ) as answer:
            if answer.status != 200:
                raise aiohttp.ClientPayloadError(f"status {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_chunked(8192):
                body += chunk
                if len(body) > MOST_BYTES:
                    raise aiohttp.ClientPayloadError("answer too long")
        return bytes(body)

    def _context(self, request: AllowedRequest) -> ssl.SSLContext | bool:
        if not request.ca:
            return True  # verified, by the authorities that this machine trusts
        if request.ca not in self._tls:
            self._tls[request.ca] = ssl.create_default_context(cafile=request.ca)
        return self._tls[request.ca]

    def _failed(self, name: str, why: str) -> WebFailed:
        result = why if why in ("not_allowed", "busy", "late") else "failed"
        self._metrics.web_requests.labels(result=result).inc()
        log.warning("web request failed", extra={"request": name, "reason": why})
        return WebFailed(f"web request {name}: {why}")


def _facts(body: bytes) -> dict[str, str] | None:
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    if not isinstance(answer, dict):
        return None
    facts: dict[str, str] = {}
    for key, value in answer.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if (number or isinstance(value, str)) and 0 < len(key) <= MOST_KEY and len(facts) < MOST_FACTS:
            facts[key] = str(value)[:MOST_VALUE]
    return facts
