"""This machine's Asterisk as settings and secrets describe it, for the parts that configure and reach it."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

from asterisk_conf.checks import writable
from asterisk_conf.config import AgentExtension, AgiServer, AsteriskConfig, Registration, TlsFiles, Trunk
from asterisk_conf.debs import Progress
from asterisk_conf.provide import AsteriskInstall
from cti.ami import AmiAddress
from cti.control.webrequests import AllowedRequest
from cti.errors import SettingError
from cti.secrets import Secrets
from cti.settings import Settings, TrunkSettings, extensions
from ivr_flows import speech

MANAGER_USER = "hotline"
HOME_MAX = 80
"""Longest instance folder in bytes: the sockets of Asterisk and Valkey in it have room for no more."""
ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound


def check_home(settings: Settings) -> None:
    """Refuse an instance folder in which Asterisk or Valkey cannot run. Raises SettingError."""
    home = settings.home
    if len(os.fsencode(home)) > HOME_MAX:
        raise SettingError(
            "HOTLINE_HOME", str(home), f"choose a folder so that this path has at most {HOME_MAX} bytes"
        )
    for key, path in (
        ("HOTLINE_HOME", home),
        ("HOTLINE_HOME", settings.cache),
        ("calls.recordings", settings.recordings.absolute()),
        ("calls.prompts", prompts_folder(settings).absolute()),
    ):
        if not writable(path):
            raise SettingError(
                key, str(path), "Asterisk takes no folder with spaces, quotes, commas or brackets: move it"
            )


def agi_servers(settings: Settings) -> tuple[AgiServer, ...]:
    """The FastAGI servers that Asterisk asks, in order; raises SettingError for a bad address."""
    if not settings.servers:
        return (AgiServer(host=reachable(settings.agi.host), port=settings.agi.port),)
    found = []
    for address in settings.servers:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise SettingError("servers", address, "write host:port, e.g. 10.0.0.5:4573")
        found.append(AgiServer(host=host, port=int(port)))
    return tuple(found)


def own_agi(settings: Settings) -> str:
    """This server's own FastAGI address, host:port, as the dialplan writes it."""
    return f"{reachable(settings.agi.host)}:{settings.agi.port}"


def own_turn(settings: Settings) -> int:
    """This server's number in the dialplan, from 1.

    Raises:
        SettingError: it is not among `servers`; then the watchdog would keep calls away from another one.
    """
    servers = [f"{server.host}:{server.port}" for server in agi_servers(settings)]
    own = own_agi(settings)
    if own not in servers:
        remedy = f"name this server, too: with agi.host and agi.port as they are it is {own}"
        raise SettingError("servers", ", ".join(servers), remedy)
    return servers.index(own) + 1


def reachable(address: str) -> str:
    """The address at which this machine itself reaches a listener."""
    return "127.0.0.1" if address in ANY else address


def ami_addresses(settings: Settings, secrets: Secrets) -> tuple[AmiAddress, ...]:
    """Where every Asterisk node's manager interface is."""
    asterisk = settings.asterisk
    if asterisk.embedded:
        return (
            AmiAddress(
                name=asterisk.system_name,
                host=reachable(asterisk.bind),
                port=asterisk.ami_port,
                user=MANAGER_USER,
                secret=secrets.get(f"ami.{asterisk.system_name}"),
            ),
        )
    return tuple(
        AmiAddress(
            name=node.name,
            host=node.host,
            port=node.port,
            user=node.user,
            secret=secrets.get(f"ami.{node.name}"),
        )
        for node in asterisk.nodes
    )


def web_requests(settings: Settings, secrets: Secrets) -> tuple[AllowedRequest, ...]:
    """The questions that flows may put to other systems. Raises SettingError."""
    found = []
    for request in settings.web_requests:
        secret = f"web.{request.name}"
        if request.header and not secrets.has(secret):
            raise SettingError(
                f"web_requests.{request.name}.header",
                request.header,
                f"put its value as {secret} into secrets.json, or leave header out",
            )
        found.append(
            AllowedRequest(
                name=request.name,
                url=request.url,
                header=request.header,
                secret=secrets.get(secret) if request.header else "",
                ca=request.ca,
            )
        )
    return tuple(found)


def webrtc_address(settings: Settings) -> tuple[str, str]:
    """The WebSocket URL at which browsers register, and the SIP domain of their addresses."""
    asterisk = settings.asterisk
    if not asterisk.embedded:
        node = asterisk.nodes[0]
        return node.webrtc_url or f"ws://{node.host}:8088/ws", node.sip_domain or node.host
    host = asterisk.external or reachable(asterisk.bind)
    if asterisk.webrtc_url:
        return asterisk.webrtc_url, host
    if asterisk.tls_certificate:
        return f"wss://{host}:{asterisk.http_port + 1}/ws", host
    return f"ws://{host}:{asterisk.http_port}/ws", host


def media_address(settings: Settings) -> str:
    """What the audio of telephones on the embedded Asterisk is bound to; "" for every address."""
    asterisk = settings.asterisk
    return asterisk.bind if asterisk.embedded and asterisk.bind not in ANY else ""


def prompts_folder(settings: Settings) -> Path:
    """Folder of the prompts' audio."""
    return Path(settings.calls.prompts) if settings.calls.prompts else speech.AUDIO


def asterisk_config(settings: Settings, secrets: Secrets, install: AsteriskInstall) -> AsteriskConfig:
    """The embedded Asterisk's configuration. Raises SettingError."""
    asterisk = settings.asterisk
    tls = None
    if asterisk.tls_certificate:
        tls = TlsFiles(
            certificate=Path(asterisk.tls_certificate),
            private_key=Path(asterisk.tls_key),
            port=asterisk.http_port + 1,
        )
    return AsteriskConfig(
        system_name=asterisk.system_name,
        bind_address=asterisk.bind,
        module_dir=install.module_dir,
        data_dir=install.data_dir,
        sounds_dir=prompts_folder(settings),
        recordings_dir=settings.recordings,
        manager_user=MANAGER_USER,
        manager_secret=secrets.get(f"ami.{asterisk.system_name}"),
        agi_servers=agi_servers(settings),
        trunks=tuple(_trunk(trunk, secrets) for trunk in settings.trunks),
        agents=tuple(
            AgentExtension(extension=extension, secret=secrets.sip_password(extension))
            for extension in extensions(settings.agents.extensions)
        ),
        sip_port=asterisk.sip_port,
        http_port=asterisk.http_port,
        ami_port=asterisk.ami_port,
        rtp_first=asterisk.rtp_first,
        rtp_last=asterisk.rtp_last,
        manager_permit=asterisk.manager_permit,
        external_address=asterisk.external or None,
        local_networks=("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
        if asterisk.external
        else (),
        tls=tls,
        record=settings.calls.record,
        guest_number=settings.citizen.number,
        rejoin_s=round(settings.agents.rejoin_s),
        media_lost_s=round(settings.agents.media_lost_s),
    )


def _trunk(trunk: TrunkSettings, secrets: Secrets) -> Trunk:
    host, _, port = trunk.host.partition(":")
    if not host or (port and not port.isdecimal()):
        raise SettingError(f"trunks.{trunk.name}.host", trunk.host, "write an address, or address:port")
    match = trunk.match or ((host,) if _numeric(host) else ())
    if not match:
        raise SettingError(
            f"trunks.{trunk.name}.match", trunk.match, "name the addresses that the carrier's calls come from"
        )
    registration = None
    if trunk.register:
        if not trunk.user or not secrets.has(f"trunk.{trunk.name}"):
            raise SettingError(
                f"trunks.{trunk.name}.register",
                True,
                f"set user, and put the password as trunk.{trunk.name} into secrets.json",
            )
        registration = Registration(
            server=f"sip:{trunk.host}", user=trunk.user, secret=secrets.get(f"trunk.{trunk.name}")
        )
    return Trunk(
        name=trunk.name,
        match=match,
        contact=f"sip:{trunk.host}",
        codecs=trunk.codecs,
        registration=registration,
    )


def unpacking(progress: Progress) -> str:
    """How far fetching Asterisk is, in words for a person."""
    words = {"index": "读取软件包目录", "download": "下载", "unpack": "解包"}
    share = f" {10 * (10 * progress.done // progress.total)}%" if progress.total else ""
    return f"Asterisk：{words.get(progress.stage, progress.stage)}{share}"


def _numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
