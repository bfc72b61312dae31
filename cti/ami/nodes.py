"""Several Asterisk nodes, each with its own link."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType

from cti.ami.link import AmiLink
from cti.ami.messages import AmiAddress, AmiBadValue, AmiEvent, AmiLimits, AmiNoSuchNode

__all__ = ["AmiNodes"]


class AmiNodes:
    """Links by node name; the callbacks are those of `AmiLink` with the node's name in front."""

    def __init__(
        self,
        addresses: Iterable[AmiAddress],
        *,
        on_event: Callable[[AmiEvent], None] = lambda _event: None,
        on_up: Callable[[str], Awaitable[None]],
        on_down: Callable[[str, str], None],
        limits: AmiLimits | None = None,
    ) -> None:
        links: dict[str, AmiLink] = {}
        for address in addresses:
            if address.name in links:
                raise AmiBadValue(f"two Asterisk nodes are named {address.name!r}: rename one")
            links[address.name] = AmiLink(
                address,
                on_event=on_event,
                on_up=partial(on_up, address.name),
                on_down=partial(on_down, address.name),
                limits=limits,
            )
        self.links: Mapping[str, AmiLink] = MappingProxyType(links)

    def link(self, name: str) -> AmiLink:
        """The link of a node. Raises AmiNoSuchNode."""
        try:
            return self.links[name]
        except KeyError:
            known = ", ".join(self.links) or "none"
            raise AmiNoSuchNode(f"no Asterisk node named {name!r} (configured: {known})") from None

    @property
    def connected(self) -> tuple[str, ...]:
        """Names of the nodes whose link can take actions now."""
        return tuple(name for name, link in self.links.items() if link.connected)

    async def start(self) -> None:
        """Start every link; returns at once."""
        for link in self.links.values():
            await link.start()

    async def stop(self) -> None:
        """Stop every link."""
        await asyncio.gather(*(link.stop() for link in self.links.values()))
