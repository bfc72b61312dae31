"""The demo's telephone network: a second Asterisk with the citizens' and the agents' telephones."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from asterisk_conf import phones, provide
from asterisk_conf.config import AgiServer as AgiAddress
from asterisk_conf.config import DeskPhone, PhonesConfig
from asterisk_conf.process import AsteriskProcess
from cti.agi import AgiServer, AgiSession
from cti.ami import AmiAddress, AmiLink, Originate
from cti.control.phones import DESK_SUFFIX
from cti.demo.script import CITIZENS_AUDIO
from cti.launcher import die_with_us
from cti.machine import reachable
from cti.secrets import Secrets
from cti.settings import Settings

log = logging.getLogger(__name__)

USER = "demo"
RING_S = 60.0


class Network:
    """Starts the second Asterisk and lets Python speak for every telephone in it."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        *,
        trunk_address: str,
        desk_address: str,
        extensions: tuple[str, ...],
        answer_after_s: float = 0.5,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._trunk_address = trunk_address
        self._desk_address = desk_address
        self._extensions = extensions
        self._answer_after_s = answer_after_s
        self._asterisk: AsteriskProcess | None = None
        self._agi: AgiServer | None = None
        self._link: AmiLink | None = None

    async def start(self, telephone: Callable[[AgiSession], Awaitable[None]]) -> None:
        """Start it; `telephone` speaks for whoever has picked up. Raises AsteriskConfError, AmiError."""
        settings = self._settings
        self._agi = AgiServer(telephone)
        _, agi_port = await self._agi.start(self._trunk_address, 0)
        install = await asyncio.to_thread(provide.find, settings.cache)
        folder = settings.home / "network"
        secret = self._secrets.get("ami.network")
        config = PhonesConfig(
            trunk_address=self._trunk_address,
            desk_address=self._desk_address,
            hotline=reachable(settings.asterisk.bind),
            hotline_port=settings.asterisk.sip_port,
            module_dir=install.module_dir,
            data_dir=install.data_dir,
            sounds_dir=CITIZENS_AUDIO,
            recordings_dir=settings.home / "heard",
            manager_user=USER,
            manager_secret=secret,
            phones=tuple(
                DeskPhone(
                    user=extension + DESK_SUFFIX,
                    secret=self._secrets.sip_password(extension),
                    answer_after_s=self._answer_after_s,
                )
                for extension in self._extensions
            ),
            agi=AgiAddress(host=self._trunk_address, port=agi_port),
            desk_mode="agi",
        )
        phones.render(config, folder)
        self._asterisk = AsteriskProcess(install, folder, launcher=die_with_us())
        await self._asterisk.start()
        await self._asterisk.wait_booted()
        address = AmiAddress(
            name="network", host=self._trunk_address, port=config.ami_port, user=USER, secret=secret
        )
        self._link = AmiLink(address, on_down=_note_down)
        await self._link.start()
        await self._link.wait_up(15.0)

    async def stop(self) -> None:
        """End all its calls and stop it."""
        if self._link is not None:
            await self._link.stop()
        if self._agi is not None:
            await self._agi.close(0.5)
        if self._asterisk is not None:
            await self._asterisk.stop()

    async def call(self, caller: str, called: str = "12345") -> None:
        """A citizen dials; what they do then is decided by `telephone`. Raises AmiError."""
        if self._link is None:
            raise RuntimeError("the network is not started")
        await self._link.originate(
            Originate(
                channel=f"PJSIP/{called}@hotline",
                context="citizen",
                exten="agi",
                caller_id=f"{caller} <{caller}>",
                timeout=RING_S,
                variables={"TELEPHONE": caller},
            )
        )


async def be_silent(session: AgiSession) -> None:
    """Send silence while nobody speaks, as real telephones do; what sends nothing is missing in a recording.

    Playing or pressing keys ends it: to be called again afterwards. Raises AgiHangup.
    """
    await session.exec_app("Playtones", "0")


def _note_down(reason: str) -> None:
    if reason != "stopped":  # by ourselves
        log.warning("link to the demo's network down", extra={"reason": reason})


def sound(audio: str) -> str:
    """Name under which Asterisk plays a scenario's audio file."""
    return Path(audio).stem
