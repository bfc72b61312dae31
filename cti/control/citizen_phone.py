"""A telephone account in Asterisk for one call of one guest.

The account is two objects in Asterisk's own database, which PJSIP looks into for what its configuration
does not have (asterisk_conf/templates/sorcery.conf.j2). The password goes away the moment the call has come
in: what a page was told cannot be used again. The rest goes away with the call.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable, Sequence

import msgspec

from cti.ami import AmiError, AmiLink
from cti.control.citizen_guests import GUEST, Guest
from cti.tasks import end

log = logging.getLogger(__name__)

FAMILY = "guests"
UNUSED_S = 120.0
"""So long a page has for placing its call; then the password is gone."""

LONGEST_S = 14_400.0
"""No account outlives this."""

SWEEP_S = 60.0


class GuestAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What the page needs for its one call."""

    user: str  # SIP user
    password: str  # good for one call, within two minutes
    ws_url: str  # Asterisk's WebSocket
    sip_domain: str  # right of the @
    target: str = "citizen"  # whom to call there
    ice_servers: Sequence[msgspec.Raw] = ()  # STUN and TURN, as a browser takes them


class GuestPhones:
    """Makes accounts and takes them away."""

    def __init__(
        self,
        link: Callable[[], AmiLink],
        *,
        ws_url: str,
        sip_domain: str,
        media_address: str,
        ice_servers: Sequence[msgspec.Raw] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`link()`: the node that guests call; `media_address`: what its audio is bound to, "" for all."""
        self._link = link
        self._ws_url = ws_url
        self._domain = sip_domain
        self._media_address = media_address
        self._ice_servers = tuple(ice_servers)
        self._now = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sweep up what servers of before left behind."""
        self._task = asyncio.create_task(self._sweep_on(), name="guest-accounts")

    async def stop(self) -> None:
        """Stop sweeping."""
        await end(self._task)

    async def open(self, guest: Guest) -> GuestAccount:
        """Make the guest's account. Raises AmiError."""
        password = secrets.token_urlsafe(24)
        endpoint = {
            "context": "from-guest", "auth": guest.guest_id, "disallow": "all", "language": "zh",
            "allow": "alaw,ulaw,opus,vp8,h264" if guest.media == "video" else "alaw,ulaw,opus",
            "rtp_timeout": "0" if guest.media == "video" else "20",  # why: pjsip.conf.j2
            "webrtc": "yes", "dtls_auto_generate_cert": "yes", "rewrite_contact": "yes",
            "max_audio_streams": "1", "max_video_streams": "1", "allow_transfer": "no",
            "allow_subscribe": "no", "callerid": "<>", "trust_id_inbound": "no", "device_state_busy_at": "1",
        }  # fmt: skip
        if self._media_address:
            endpoint |= {"media_address": self._media_address, "bind_rtp_to_media_address": "yes"}
        auth = {"auth_type": "userpass", "username": guest.guest_id, "password": password}
        await self._put("auth", guest.guest_id, auth)
        await self._put("endpoint", guest.guest_id, endpoint)
        return GuestAccount(
            user=guest.guest_id, password=password, ws_url=self._ws_url, sip_domain=self._domain,
            ice_servers=self._ice_servers,
        )  # fmt: skip

    async def used(self, guest_id: str) -> None:
        """The guest's call has come in: the password is good for nothing from now on."""
        await self._delete("auth", guest_id)

    async def close(self, guest_id: str) -> None:
        """The guest's call is over."""
        await self._delete("auth", guest_id)
        await self._delete("endpoint", guest_id)

    async def hang_up(self, channel: str) -> None:
        """End a guest's call. Raises AmiError."""
        await self._link().hangup(channel)

    async def sweep(self) -> None:
        """Take away what is too old. Raises AmiError."""
        now = self._now()
        for kind, oldest in (("auth", UNUSED_S), ("endpoint", LONGEST_S)):
            for entry in await self._link().listing("DBGetTree", {"Family": f"{FAMILY}/{kind}"}):
                guest_id = entry.get("Key").rpartition("/")[2]
                if now - _born(guest_id) > oldest:
                    await self._delete(kind, guest_id)

    async def _sweep_on(self) -> None:
        while True:
            try:
                if self._link().connected:
                    await self.sweep()
            except AmiError as error:
                log.info("guest accounts not swept", extra={"reason": type(error).__name__})
            await asyncio.sleep(SWEEP_S)

    async def _put(self, kind: str, key: str, value: dict[str, str]) -> None:
        fields = {"Family": f"{FAMILY}/{kind}", "Key": key, "Val": json.dumps(value, separators=(",", ":"))}
        await self._link().action("DBPut", fields)

    async def _delete(self, kind: str, key: str) -> None:
        try:
            await self._link().action("DBDel", {"Family": f"{FAMILY}/{kind}", "Key": key})
        except AmiError:
            return  # gone already; what is left is swept up


def _born(guest_id: str) -> float:
    """When the guest was admitted, as the id says; 0 for what is no guest's id."""
    try:
        return float(int(guest_id.removeprefix(GUEST).partition("-")[0], 16))
    except ValueError:
        return 0.0
