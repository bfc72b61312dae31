"""Writing one Asterisk's folder: configuration, and the places where it keeps things.

<target>/etc/*.conf   written here, readable by the owner only
<target>/data         links to the install's data, and the prompts as the language's sounds
<target>/lib          Asterisk's own database
<target>/run, log, spool
"""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from asterisk_conf.checks import check
from asterisk_conf.config import AsteriskConfig
from asterisk_conf.errors import ConfigValueError
from asterisk_conf.interfaces import ipv4_addresses
from asterisk_conf.modules import OPTIONAL, REQUIRED

EVENTS = (
    "FullyBooted",
    "Shutdown",
    "Reload",
    "Newchannel",
    "Newstate",
    "Hangup",
    "DialBegin",
    "DialEnd",
    "BridgeEnter",
    "BridgeLeave",
    "Hold",
    "Unhold",
    "DTMFEnd",
    "ContactStatus",
    "DeviceStateChange",
    "Registry",
    "OriginateResponse",
    "UserEvent",
    "QueueCallerJoin",
    "QueueCallerLeave",
    "QueueCallerAbandon",
    "QueueMemberAdded",
    "QueueMemberRemoved",
    "QueueMemberPause",
    "AgentCalled",
    "AgentConnect",
    "AgentComplete",
    "AgentRingNoAnswer",
    "ChanSpyStart",
    "ChanSpyStop",
    "MixMonitorStart",
    "MixMonitorStop",
    "MixMonitorMute",
)
"""Manager events that are sent; all others stay inside Asterisk."""

SOUND_ENDINGS = ("wav", "alaw", "ulaw", "sln", "sln16", "wav16", "g722")
"""Endings under which a prompt is looked for before it is played."""

SHARED = (
    "acl.conf",
    "asterisk.conf",
    "ccss.conf",
    "cdr.conf",
    "cel.conf",
    "features.conf",
    "indications.conf",
    "logger.conf",
    "modules.conf",
    "musiconhold.conf",
    "pjproject.conf",
    "pjsip_notify.conf",
    "stasis.conf",
    "udptl.conf",
)
"""Files that the hotline's Asterisk and the simulated network have in common."""

FILES = (
    *SHARED,
    "confbridge.conf",
    "extensions.conf",
    "http.conf",
    "manager.conf",
    "pjsip.conf",
    "queues.conf",
    "rtp.conf",
    "sorcery.conf",
)
"""Files of the hotline's Asterisk."""

_SOCKET_PATH_LIMIT = 107  # sun_path of Linux, without its final zero
_UNBOUND = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound


@dataclass(frozen=True, slots=True)
class Paths:
    """Where one Asterisk keeps its things."""

    etc: Path
    data: Path
    lib: Path
    run: Path
    log: Path
    spool: Path

    @classmethod
    def under(cls, target: Path) -> Paths:
        """Return the folders of an instance at ``target``."""
        return cls(*(target / name for name in ("etc", "data", "lib", "run", "log", "spool")))


def render(config: AsteriskConfig, target: Path) -> Path:
    """Write the hotline's Asterisk; a running one takes changes after ``core reload``.

    Args:
        config: what a person decided.
        target: folder of this Asterisk; made when absent.

    Returns:
        The path of ``asterisk.conf``.

    Raises:
        ConfigValueError: a value must not be written; nothing was changed.
    """
    check(config)
    _check_together(config)
    values: dict[str, object] = {
        "config": config,
        "system_name": config.system_name,
        "max_calls": config.max_calls,
        "language": config.language,
        "events": EVENTS,
        "sound_endings": SOUND_ENDINGS,
        "queues": ("hotline", "bench") if config.bench else ("hotline",),
        "moh_dir": config.moh_dir or config.data_dir / "moh",
        "ice_hosts": _ice_hosts(config),
        "media": _media(config),
        "nat": _nat(config),
    }
    config.recordings_dir.mkdir(parents=True, exist_ok=True)
    return write(
        target, {name: name for name in FILES}, values, config.module_dir, config.data_dir, config.sounds_dir
    )


def write(
    target: Path,
    files: Mapping[str, str],
    values: Mapping[str, object],
    module_dir: Path,
    data_dir: Path,
    sounds_dir: Path,
) -> Path:
    """Write an instance's folders and files.

    Args:
        target: folder of the instance.
        files: file name in ``etc`` -> template name without ``.j2``.
        values: what the templates use besides paths and modules.
        module_dir: the install's modules.
        data_dir: the install's data.
        sounds_dir: the folder linked as the sounds of ``values["language"]``.

    Returns:
        The path of ``asterisk.conf``.

    Raises:
        ConfigValueError: the folder's path is too long for a socket, or a required module is absent.
    """
    target = target.absolute()
    paths = Paths.under(target)
    socket = paths.run / "asterisk.ctl"
    if len(os.fsencode(socket)) > _SOCKET_PATH_LIMIT:
        raise ConfigValueError("target", f"{socket} is too long for a socket", "choose a folder nearer to /")
    if absent := [name for name in REQUIRED if not (module_dir / f"{name}.so").is_file()]:
        raise ConfigValueError(
            "module_dir", f"{module_dir} lacks {', '.join(absent)}", "use a complete Asterisk"
        )
    optional = [name for name in OPTIONAL if (module_dir / f"{name}.so").is_file()]
    everything = {**values, "data_dir": data_dir, "paths": paths, "required": REQUIRED, "optional": optional}
    environment = _environment()
    contents = {
        name: environment.get_template(f"{template}.j2").render(everything)
        for name, template in files.items()
    }
    for folder in (paths.etc, paths.data, paths.lib, paths.lib / "keys", paths.run, paths.log, paths.spool):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    _link_data(paths.data, data_dir, sounds_dir, str(values["language"]))
    for name, content in contents.items():
        _replace(paths.etc / name, content)
    return paths.etc / "asterisk.conf"


def _check_together(config: AsteriskConfig) -> None:
    """Refuse values that are right alone but not beside one another."""
    if config.rtp_last <= config.rtp_first:
        raise ConfigValueError("rtp_last", f"{config.rtp_last} is not above rtp_first", "give a higher port")
    names = [trunk.name for trunk in config.trunks]
    for agent in config.agents:
        names += [agent.extension, f"{agent.extension}p", f"{agent.extension}v"]
    reserved = {"global", "system", "transport-udp", "transport-tcp", "transport-ws", "transport-wss"}
    seen: set[str] = set(reserved)
    for name in names:
        if name in seen:
            raise ConfigValueError(
                "trunks, agents", f"{name!r} is there twice or reserved", "give another name"
            )
        seen.add(name)
    if config.manager_user == "general":
        raise ConfigValueError("manager_user", "'general' is reserved", "give another name")


def _media(config: AsteriskConfig) -> str:
    """Return the endpoint lines that keep RTP sockets on the bind address."""
    if config.bind_address in _UNBOUND:
        return ""
    return f"\nmedia_address = {config.bind_address}\nbind_rtp_to_media_address = yes"


def _ice_hosts(config: AsteriskConfig) -> tuple[str, ...]:
    """Return the addresses that stand for the bind address in ICE, when that is on IPv4 loopback."""
    address = ipaddress.ip_address(config.bind_address)
    return ipv4_addresses() if address.version == 4 and address.is_loopback else ()


def _nat(config: AsteriskConfig) -> str:
    """Return the transport lines for a node behind NAT."""
    if config.external_address is None:
        return ""
    lines = [
        f"external_media_address = {config.external_address}",
        f"external_signaling_address = {config.external_address}",
        *(f"local_net = {network}" for network in config.local_networks),
    ]
    return "".join(f"\n{line}" for line in lines)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(  # noqa: S701 - not HTML; values are checked before
        loader=jinja2.PackageLoader("asterisk_conf", "templates"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["in_uri"] = _in_uri
    environment.filters["with_user"] = _with_user
    environment.tests["bound"] = lambda address: address not in _UNBOUND
    return environment


def _in_uri(address: str) -> str:
    return f"[{address}]" if ipaddress.ip_address(address).version == 6 else address


def _with_user(uri: str, user: str) -> str:
    scheme, _, rest = uri.partition(":")
    return f"{scheme}:{user}@{rest.rpartition('@')[2]}"


def _link_data(data: Path, install: Path, sounds_dir: Path, language: str) -> None:
    """Make the data folder: the install's, with the prompts as one more language."""
    for entry in install.iterdir():
        if entry.name != "sounds":
            _link(data / entry.name, entry)
    sounds = data / "sounds"
    sounds.mkdir(exist_ok=True)
    spoken = sorted(entry for entry in install.glob("sounds/*") if entry.is_dir())
    for entry in spoken:
        _link(sounds / entry.name, entry.resolve())
    # packages name English by its speaker, and leave the plain name to be made when they are installed
    if english := [entry for entry in spoken if entry.name == "en" or entry.name.startswith("en_")]:
        _link(sounds / "en", english[0].resolve())
    if language != "en":
        _link(sounds / language, sounds_dir)


def _link(link: Path, to: Path) -> None:
    if link.is_symlink() and link.readlink() == to:
        return
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.symlink_to(to)
    fresh.replace(link)


def _replace(path: Path, content: str) -> None:
    """Write a file of mode 0600 so that a reader sees the old or the new one, never half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    fresh = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
