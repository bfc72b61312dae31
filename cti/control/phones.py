"""Which agent's telephone is registered where, and the native queue that holds every signed-in agent."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping

from cti.ami import AmiError, AmiEvent, AmiLink, AmiNodes, AmiRefused
from cti.tasks import end

log = logging.getLogger(__name__)

NATIVE_QUEUE = "hotline"
DESK_SUFFIX = "p"
"""`8001` is the browser's softphone, `8001p` the desk phone of the same agent."""

VIDEO_SUFFIX = "v"
"""`8001v` is the browser's softphone once more, as Asterisk rings it for calls with video."""

RETRY_S = 1.0
"""A node that did not take a change of its queue is asked again after this long."""

REACHABLE = frozenset({"Reachable", "NonQualified", "Created", "Updated"})
"""Contact states in which a call may be sent there. Source: ContactStatus events of res_pjsip."""


class Phones:
    """Telephones by extension, learnt from Asterisk's contact events, per node."""

    def __init__(self, nodes: AmiNodes) -> None:
        self._nodes = nodes
        self._contacts: dict[str, dict[str, set[str]]] = {}  # endpoint -> node -> contacts that are reachable
        self._members: dict[str, bool] = {}  # extension -> paused, for everybody signed in
        self._known: set[str] = set()  # nodes whose contacts have been listed since their link came up
        self._left: set[str] = set()  # extensions signed out since the start, and not in again
        self._work: dict[str, asyncio.Queue[str]] = {}  # node -> extensions whose membership may be wrong
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to keep the native queue of every node up to date."""
        for name in self._nodes.links:
            self._work[name] = asyncio.Queue()
            self._tasks.append(asyncio.create_task(self._keep_members(name), name=f"native-queue-{name}"))

    async def stop(self) -> None:
        """Stop; the members stay in Asterisk's queue, for they are the last line."""
        await end(*self._tasks)

    # ------------------------------------------------------------ registrations

    def registered(self, extension: str) -> bool:
        """Whether any telephone of this extension can be rung. True as long as no node could be asked."""
        if not self._known:
            return True
        return any(self._contacts.get(endpoint) for endpoint in self.endpoints(extension))

    def endpoints(self, extension: str) -> tuple[str, str]:
        """The endpoints of one extension: softphone, desk phone."""
        return extension, extension + DESK_SUFFIX

    def registered_endpoints(self, extension: str, node: str) -> tuple[str, ...]:
        """Those of them that the node can ring now; none while it could not be asked."""
        return tuple(one for one in self.endpoints(extension) if self._contacts.get(one, {}).get(node))

    def targets(self, extension: str, node: str) -> str:
        """Dial string for this extension on this node: its registered telephones, else both."""
        both = self.endpoints(extension)
        if node in self._known:
            both = tuple(e for e in both if self._contacts.get(e, {}).get(node))  # type: ignore[assignment]
        return "&".join(f"PJSIP/{endpoint}" for endpoint in both)

    def contact_event(self, event: AmiEvent) -> str | None:
        """Take a ContactStatus event; return the extension whose reachability changed, if any."""
        endpoint, status = event.get("EndpointName") or event.get("AOR"), event.get("ContactStatus")
        if not endpoint:
            return None
        extension = endpoint.removesuffix(DESK_SUFFIX)
        before = self.registered(extension)
        self._set(endpoint, event.node, event.get("URI"), reachable=status in REACHABLE)
        return extension if self.registered(extension) != before else None

    async def list_contacts(self, link: AmiLink) -> tuple[str, ...]:
        """Ask one node for all contacts, after its link came up. Raises AmiError.

        Returns the extensions of signed-in agents whose reachability is now known to be another.
        """
        before = {extension: self.registered(extension) for extension in self._members}
        try:
            listed = await link.listing("PJSIPShowContacts", {}, deadline=10.0)
        except AmiRefused:
            listed = ()  # Asterisk refuses the list when there is none
        for nodes in self._contacts.values():
            nodes.pop(link.name, None)
        for item in listed:
            endpoint = item.get("Endpoint") or item.get("Aor")
            self._set(endpoint, link.name, item.get("Uri"), reachable=item.get("Status") in REACHABLE)
        self._known.add(link.name)
        for extension in (*self._members, *self._left):
            self._work[link.name].put_nowait(extension)
        return tuple(one for one, was in before.items() if self.registered(one) is not was)

    def node_down(self, node: str) -> None:
        """The node's link is gone: nothing is known of its contacts until it is back."""
        self._known.discard(node)

    def _set(self, endpoint: str, node: str, uri: str, *, reachable: bool) -> None:
        contacts = self._contacts.setdefault(endpoint, {}).setdefault(node, set())
        if reachable:
            contacts.add(uri)
        else:
            contacts.discard(uri)
        if not contacts:
            self._contacts[endpoint].pop(node)
        if not self._contacts[endpoint]:
            self._contacts.pop(endpoint)

    # ------------------------------------------------------------ the native queue

    def sign_in(self, extension: str, *, paused: bool) -> None:
        """Put the agent into the native queue, or change whether it may ring them."""
        if self._members.get(extension) is not paused:
            self._members[extension] = paused
            self._left.discard(extension)
            self._tell_all(extension)

    def sign_out(self, extension: str) -> None:
        """Take the agent out of the native queue."""
        if self._members.pop(extension, None) is not None:
            self._left.add(extension)
            self._tell_all(extension)

    def restored(self, members: Mapping[str, bool]) -> None:
        """Take over who is signed in after a restart; told to the nodes as their links come up."""
        self._members.update(members)

    def _tell_all(self, extension: str) -> None:
        for queue in self._work.values():
            queue.put_nowait(extension)

    async def _keep_members(self, name: str) -> None:
        link = self._nodes.link(name)
        work = self._work[name]
        while True:
            extension = await work.get()
            if not link.connected:
                continue  # list_contacts tells everything again when the link is back
            paused = self._members.get(extension)  # the newest, whatever was asked for first
            for endpoint in self.endpoints(extension):
                try:
                    await self._tell_member(link, f"PJSIP/{endpoint}", extension, paused)
                except AmiError as error:
                    log.warning(
                        "native queue not updated", extra={"node": name, "reason": type(error).__name__}
                    )
                    await asyncio.sleep(RETRY_S)
                    work.put_nowait(extension)
                    break

    @staticmethod
    async def _tell_member(link: AmiLink, interface: str, extension: str, paused: bool | None) -> None:
        try:
            if paused is None:
                await link.queue_remove(NATIVE_QUEUE, interface)
            else:
                await link.queue_add(NATIVE_QUEUE, interface, member_name=extension, paused=paused)
        except AmiRefused:  # was not there, or is there already
            if paused is not None:
                await link.queue_pause(interface, paused, queue=NATIVE_QUEUE)


def with_video(targets: str) -> str:
    """The same dial string for a call with video."""
    return re.sub(r"PJSIP/(\d+)(?=&|$)", rf"PJSIP/\g<1>{VIDEO_SUFFIX}", targets)


def extension_of_channel(channel: str, known: Iterable[str]) -> str | None:
    """Return the extension of a channel like ``PJSIP/8001p-0000002a``, or None when it is no agent's."""
    endpoint = channel.removeprefix("PJSIP/").rpartition("-")[0]
    for name in (endpoint, endpoint.removesuffix(DESK_SUFFIX), endpoint.removesuffix(VIDEO_SUFFIX)):
        if name in known:
            return name
    return None
