"""One delivery to another system: signed, bounded, and never to an address that is not allowed.

Deliveries go to public addresses. Networks and hosts of the city's own are named in the settings; loopback,
private and link-local addresses are refused otherwise, whatever a name resolves to at that moment, so that
nobody who may enter a webhook can reach what only this server can reach.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from cti.errors import HotlineError
from cti.signatures import DELIVERY, SIGNATURE, TIMESTAMP, signature

__all__ = ["AddressRules", "HookPost", "NotTaken"]

BODY_MAX = 256 * 1024
ANSWER_MAX = 1024
REFUSED = "address not allowed"


class NotTaken(HotlineError):
    """The receiver did not take it; the text says why, without what was sent."""


class AddressRules:
    """Which addresses deliveries may go to."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        """`allowed` holds host names and networks (`10.8.0.0/16`) beside the public ones."""
        self._networks = []
        self._hosts = set()
        for one in allowed:
            try:
                self._networks.append(ipaddress.ip_network(one, strict=False))
            except ValueError:
                self._hosts.add(one.lower().rstrip("."))

    def allows(self, host: str, address: str) -> bool:
        """Tell whether a delivery for `host` may go to this address."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        if any(found in network for network in self._networks):
            return True
        if host.lower().rstrip(".") in self._hosts:
            return True
        return found.is_global and not found.is_multicast


class _NotAllowed(aiohttp.ClientError):
    """A name that leads to no address that is allowed."""


class _Resolver(AbstractResolver):
    """Finds a name's addresses, and gives back only those that are allowed."""

    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        self._inner = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        good = [one for one in found if self._rules.allows(host, one["host"])]
        if not good:
            raise _NotAllowed
        return good

    async def close(self) -> None:
        await self._inner.close()


class HookPost:
    """POSTs JSON, signed with time and body. Any 2xx answer means taken; redirects are not followed."""

    def __init__(
        self, rules: AddressRules, *, deadline_s: float = 10.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._rules = rules
        self._deadline_s = deadline_s
        self._clock = clock
        self._http: aiohttp.ClientSession | None = None

    async def deliver(self, url: str, secret: str, delivery_id: str, content: object) -> str:
        """Send it once and return what was answered. Raises NotTaken within the deadline in any case."""
        body = msgspec.json.encode(content)
        if len(body) > BODY_MAX:
            raise NotTaken("larger than 256 KiB")
        host = urlsplit(url).hostname or ""
        if _is_address(host) and not self._rules.allows(host, host):
            raise NotTaken(REFUSED)
        at = int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "hotline",
            DELIVERY: delivery_id,
            TIMESTAMP: str(at),
            SIGNATURE: signature(secret, body, at),
        }
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                self._client().post(url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                await answer.content.read(ANSWER_MAX)
                status = answer.status
        except TimeoutError:
            raise NotTaken(f"no answer within {self._deadline_s:g} s") from None
        except _NotAllowed:
            raise NotTaken(REFUSED) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotTaken(type(error).__name__) from None
        if not 200 <= status < 300:
            raise NotTaken(f"answered {status}")
        return f"answered {status}"

    async def close(self) -> None:
        """Close what is open."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    def _client(self) -> aiohttp.ClientSession:
        if self._http is None:
            connector = aiohttp.TCPConnector(resolver=_Resolver(self._rules), use_dns_cache=False, limit=100)
            self._http = aiohttp.ClientSession(connector=connector, trust_env=False)
        return self._http


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
