"""What a person decides about one Asterisk; everything else is in the templates.

Each field's type names the kind of value it takes; :func:`asterisk_conf.checks.check` refuses anything else,
because a line break or a semicolon in a value would become configuration of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Kind:
    """Marks a field with the rule of :mod:`asterisk_conf.checks` that its value must keep."""

    name: str  # key of the rule


Host = Annotated[str, Kind("host")]
Port = Annotated[int, Kind("port")]
SipUri = Annotated[str, Kind("sip_uri")]
Name = Annotated[str, Kind("name")]
Secret = Annotated[str, Kind("secret")]
Seconds = Annotated[int, Kind("seconds")]
Network = Annotated[str, Kind("network")]
Codec = Annotated[str, Kind("codec")]
Extension = Annotated[str, Kind("extension")]
SafePath = Annotated[Path, Kind("path")]
Address = Annotated[str, Kind("address")]
Strategy = Annotated[str, Kind("strategy")]
Count = Annotated[int, Kind("count")]
Duration = Annotated[float, Kind("duration")]
DeskMode = Annotated[str, Kind("desk_mode")]
Sound = Annotated[str, Kind("sound")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgiServer:
    """One CTI server that takes calls over FastAGI."""

    host: Host  # address or name
    port: Port = 4573  # TCP port


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How this Asterisk signs in at a carrier that asks for it."""

    server: SipUri  # for example sip:carrier.example:5060
    user: Name  # account
    secret: Secret  # its password
    expiry_s: Seconds = 600  # renewed before this many seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """One way to and from the telephone network."""

    name: Name  # the server dials PJSIP/<number>@<name>
    match: tuple[Network, ...]  # source addresses or networks that are this trunk
    contact: SipUri  # where outbound calls go, for example sip:192.0.2.1:5060
    codecs: tuple[Codec, ...] = ("alaw", "ulaw")  # in order of preference
    context: Name = "from-trunk"  # where its calls enter the dialplan
    registration: Registration | None = None  # only with carriers that ask for it


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentExtension:
    """One agent's telephone number: `<ext>` is the browser's softphone, `<ext>p` a desk phone."""

    extension: Extension  # digits
    secret: Secret  # password of both
    static_contact: SipUri | None = None  # of `<ext>p`; for load tests without registering


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Certificate for https and wss."""

    certificate: SafePath  # PEM, with its chain
    private_key: SafePath  # PEM
    port: Port = 8089  # https and wss


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskConfig:
    """One hotline node's Asterisk."""

    system_name: Name  # unique per node; begins every call id
    bind_address: Address  # SIP, RTP, HTTP and AMI listen here only; 0.0.0.0 for all
    module_dir: SafePath  # of the install
    data_dir: SafePath  # of the install
    sounds_dir: SafePath  # prompts; STREAM FILE names are relative to it
    recordings_dir: SafePath  # <call id>-citizen.sln and <call id>-heard.sln appear here
    manager_user: Name  # AMI account of the CTI servers
    manager_secret: Secret  # its password
    manager_permit: tuple[Network, ...] = ("127.0.0.0/8",)  # who may use AMI
    agi_servers: tuple[AgiServer, ...] = ()  # CTI servers; none: every call goes to the native queue
    trunks: tuple[Trunk, ...] = ()  # ways to the telephone network
    agents: tuple[AgentExtension, ...] = ()  # agents' telephones
    sip_port: Port = 5060  # UDP, and TCP with sip_tcp
    sip_tcp: bool = False  # also listen on TCP
    http_port: Port = 8088  # ws://<bind_address>:<http_port>/ws
    ami_port: Port = 5038  # AMI
    rtp_first: Port = 10000  # first UDP port of audio and video
    rtp_last: Port = 20000  # last UDP port of audio and video
    external_address: Address | None = None  # behind NAT: told to peers outside local_networks
    local_networks: tuple[Network, ...] = ()  # with external_address: who is inside
    tls: TlsFiles | None = None  # https and wss
    language: Name = "zh"  # of prompts
    moh_dir: SafePath | None = None  # music while waiting; None: the install's own
    rejoin_s: Seconds = 20  # a citizen is kept so long for an agent's telephone that vanished
    media_lost_s: Seconds = 8  # a browser's leg that sends no sound so long has vanished
    qualify_s: Seconds = 30  # agents' phones are asked this often whether they live
    fallback_strategy: Strategy = "rrmemory"  # of the native queue
    fallback_ring_s: Seconds = 12  # how long the native queue rings one agent
    max_calls: Count = 2000  # channels beyond this are refused
    record: bool = True  # citizens' calls are recorded
    guest_number: Extension = "12345"  # number that a call from the citizens' page counts as having dialled
    bench: bool = False  # also write the contexts that benchmarks compare with


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPhone:
    """One simulated desk phone that registers at the hotline."""

    user: Name  # for example 8001p
    secret: Secret  # password
    answer_after_s: Duration | None = 0.5  # None: rings and is never answered


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonesConfig:
    """The simulated telephone network: citizens' telephones and agents' desk phones in one Asterisk."""

    trunk_address: Address  # the carrier's side of the trunk; also AMI
    desk_address: Address  # desk phones register from here
    hotline: Address  # the hotline's bind_address
    module_dir: SafePath  # of the install
    data_dir: SafePath  # of the install
    sounds_dir: SafePath  # files played by name
    recordings_dir: SafePath  # what telephones heard and said, when asked for
    manager_user: Name  # AMI account
    manager_secret: Secret  # its password
    manager_permit: tuple[Network, ...] = ("127.0.0.0/8",)  # who may use AMI
    phones: tuple[DeskPhone, ...] = ()  # agents' desk phones
    agi: AgiServer | None = None  # Python that plays agents and citizens; None: plain modes only
    desk_mode: DeskMode = "echo"  # an answered desk phone does: agi, echo, play, silent
    desk_sound: Sound = "en/demo-congrats"  # with desk_mode play
    hotline_port: Port = 5060  # the hotline's sip_port
    sip_port: Port = 5060  # on both addresses
    ami_port: Port = 5038  # AMI
    rtp_first: Port = 10000  # first UDP port of audio
    rtp_last: Port = 20000  # last UDP port of audio
    codecs: tuple[Codec, ...] = ("alaw", "ulaw")  # in order of preference
