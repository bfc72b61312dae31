"""Settings: defaults here, then hotline.toml, then the environment; wrong ones fail naming key and value.

A key `web.port` may be set in the file as `[web] port = 8080` and in the environment as
`HOTLINE_WEB_PORT=8080`. `HOTLINE_REDIS_URL` and `HOTLINE_DATABASE_URL` set the two addresses that turn
the embedded single machine into a member of a cluster.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from cti.errors import SettingError

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86400)]
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-4]):[0-5][0-9]$")]
MaybeClock = Annotated[str, msgspec.Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$")]
ReportForm = Annotated[str, msgspec.Meta(pattern="^(xlsx|pdf|csv|json)$")]

INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}")
NOT_SETTINGS = frozenset({"HOTLINE_HOME", "HOTLINE_CONFIG"})
"""Variables that say where settings are, and are none themselves."""

SETTING_REMEDY = "see docs/operations.md for the keys and what they take"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Where pages and programs reach the server."""

    host: str = "127.0.0.1"  # address to listen on
    port: Port = 8012  # port to listen on; 0: the system chooses
    tls_certificate: str = ""  # PEM file; browsers allow the microphone only over https or on localhost
    tls_key: str = ""  # PEM file
    origins: tuple[str, ...] = ()  # further page origins allowed, e.g. "https://desk.example.gov.cn"
    trusted_proxies: tuple[str, ...] = ()  # addresses of proxies whose X-Forwarded-For and -Proto count
    page_grace_s: Seconds = 8.0  # a page may be gone this long (reload) before its agent counts as lost


@dataclass(frozen=True, slots=True, kw_only=True)
class AgiSettings:
    """Where Asterisk reaches this server's FastAGI."""

    host: str = "127.0.0.1"  # address to listen on
    port: Port = 4573  # port to listen on; 0: the system chooses (single machine only)
    max_calls: Annotated[int, msgspec.Meta(ge=1, le=20000)] = 1500  # sessions at once


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """An Asterisk that somebody else runs."""

    name: Name  # its systemname; call ids begin with it
    host: str  # AMI address
    port: Port = 5038  # AMI port
    user: Name = "hotline"  # AMI user; the password is secret ami.<name>
    webrtc_url: str = ""  # wss://… that browsers register at
    sip_domain: str = ""  # domain of the agents' SIP addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskSettings:
    """The Asterisk that the project runs itself, or the ones that it is told of."""

    embedded: bool = True  # True: provide, configure and run one here; False: use `nodes`
    bind: str = "127.0.0.1"  # address of SIP, RTP, WebSocket; 0.0.0.0 for real phones
    external: str = ""  # address that phones see, when behind NAT
    system_name: Name = "hl1"  # name of the embedded node
    sip_port: Port = 5060  # UDP and TCP
    http_port: Port = 8088  # WebSocket for browsers; wss on the next port when TLS files are given
    ami_port: Port = 5038  # always on loopback or `bind`
    rtp_first: Port = 10000  # media ports
    rtp_last: Port = 19999
    manager_permit: tuple[str, ...] = ("127.0.0.0/8",)  # networks whose CTI servers may use AMI
    tls_certificate: str = ""  # PEM file for wss
    tls_key: str = ""  # PEM file
    webrtc_url: str = ""  # what browsers are told; empty: made of bind and http_port
    nodes: tuple[NodeSettings, ...] = ()  # with embedded = false


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkSettings:
    """One SIP trunk to the telephone network."""

    name: Name  # e.g. "unicom"
    host: str  # address (and port, host:port) of the carrier; calls from there are accepted
    match: tuple[str, ...] = ()  # further addresses calls may come from; empty: `host` only
    user: str = ""  # with registration; the password is secret trunk.<name>
    register: bool = False  # register there
    codecs: tuple[Name, ...] = ("alaw", "ulaw")  # in order of preference


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Agents' telephone accounts in Asterisk; people are accounts in the database."""

    extensions: str = "8001-8020"  # ranges and single numbers, e.g. "8001-8120,8200"
    auto_answer_queues: tuple[str, ...] = ()  # calls of these queues are answered by themselves, "*": of all
    auto_answer_people: tuple[str, ...] = ()  # and all calls of these people (logins)
    rejoin_s: Annotated[float, msgspec.Meta(ge=2, le=120)] = (
        20.0  # kept so long for a telephone that vanished
    )
    media_lost_s: Annotated[float, msgspec.Meta(ge=3, le=60)] = 8.0  # a leg that sends no sound is over


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """How calls are handled."""

    numbers: str = ""  # file: called number -> flow; empty: the shipped ivr_flows/numbers.yaml
    flows: str = ""  # folder of flows; empty: the shipped ivr_flows/flows
    calendar: str = ""  # hours, holidays, make-up days; empty: the shipped ivr_flows/calendar.yaml
    policy: str = ""  # routing policy file; empty: the shipped acd/policy.yaml
    directory: str = ""  # whom agents may call and transfer to; empty: the shipped cti/control/directory.yaml
    prompts: str = ""  # folder of audio; empty: the shipped ivr_flows/prompts/audio
    words: str = ""  # file of words that captions flag; empty: the shipped cti/watch_words.yaml
    announce_every_s: Seconds = 30.0  # place in line is said this often; 0: never
    record: bool = True  # record every call in stereo
    recordings: str = ""  # folder of recordings; empty: in the instance's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackSettings:
    """How citizens are called back."""

    trunk: str = ""  # over which trunk; empty: the first
    caller_id: Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9]{3,20}$")] = "12345"  # shown to the citizen
    area_code: Annotated[str, msgspec.Meta(pattern=r"^(0[0-9]{2,3})?$")] = ""  # of local numbers, e.g. 010
    ring_s: Annotated[float, msgspec.Meta(ge=5, le=120)] = 30.0  # the citizen's telephone rings so long
    tries: int = 4  # dialled so often before it is given up
    waits_s: tuple[float, ...] = (300.0, 1800.0, 7200.0)  # after the first, second … try; the last repeats
    opens: Clock = "08:00"  # from when on citizens are called, China time
    closes: Clock = "21:00"  # and until when
    asked_s: Seconds = 1800.0  # who asked for it themselves is called for so long at any hour
    keep_s: Annotated[float, msgspec.Meta(ge=60, le=60 * 86400)] = 259200.0  # older ones are given up
    automatic: bool = True  # missed and abandoned calls are called back, too
    abandoned_s: Seconds = 5.0  # not those who hung up earlier than this
    automatic_behind_s: Seconds = 900.0  # they stand so far behind those who asked or wait on the line
    automatic_limit_s: Seconds = 15.0  # and not in line at all while somebody on the line waits longer


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitSettings:
    """Return visits (回访): the robot calls citizens and asks whether it was solved."""

    enabled: bool = False  # False: visits can be planned, and nobody is called
    most_at_once: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 4  # robot calls at the same time
    policy: str = ""  # file: hours, tries, load; empty: the shipped orders/visits.yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySettings:
    """Who sees the personal data of orders (个人信息)."""

    policy: str = ""  # file: who sees what, and who may unmask it; empty: orders/data/privacy.yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSettings:
    """Orders (工单): files of rules, empty: those that are shipped in orders/data; and attachments (附件)."""

    clocks: str = ""  # file: time limits
    workdays: str = ""  # file: the working calendar
    supervision: str = ""  # file: when an order is supervised by itself
    answers: str = ""  # file: checklist, bad ratings, redo, visits, closing
    assessment: str = ""  # file: weights, what counts, who is ranked
    attachments: str = ""  # folder that all servers see; empty: in the instance's folder
    attachment_mb: Annotated[float, msgspec.Meta(gt=0, le=500)] = 20.0  # megabytes a file
    attachment_kinds: tuple[str, ...] = (  # by content, see orders/file_types.py
        "pdf", "jpg", "png", "gif", "webp", "heic", "mp4", "mov", "mp3", "m4a", "wav", "amr", "docx", "xlsx",
        "office", "txt",
    )  # fmt: skip
    attachments_most: Annotated[int, msgspec.Meta(ge=1, le=200)] = 20  # files an order
    scan_command: str = ""  # scans the file whose path follows: exit status 0 clean, 1 infected
    scan_socket: str = ""  # or a clamd-like daemon: host:port, or the path of a Unix socket


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """What is kept of citizens, and for how long (到期删除)."""

    enabled: bool = False  # delete each night what has to go; False: only by hand
    policy: str = ""  # file: what goes after how many days; empty: orders/data/retention.yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchSettings:
    """Dispatch of accepted orders (派单)."""

    policy: str = ""  # file: what is dispatched by itself; empty: orders/data/dispatch.yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSettings:
    """Messages to citizens (告知), over the city's gateway."""

    url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s@]{1,500})?$")] = ""  # empty: nothing is sent
    policy: str = ""  # file of templates; empty: the shipped orders/data/notices.yaml
    deadline_s: Annotated[float, msgspec.Meta(ge=1, le=60)] = 10.0  # the gateway answers within this time
    days: Annotated[float, msgspec.Meta(gt=0, le=30)] = 3.0  # a notice that it did not take is given up
    fresh_hours: Annotated[float, msgspec.Meta(ge=1, le=720)] = 48.0  # what is older is not told any more


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionSettings:
    """Live transcription."""

    enabled: bool = True  # False: no captions, and the desk says so
    model: str = ""  # folder of a Vosk model; empty: the small Chinese one, fetched when needed
    host: str = "127.0.0.1"  # address the workers listen on
    port: Port = 0  # first AudioSocket port; 0: the system chooses
    processes: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0  # 0: one a core
    capacity: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0  # legs a process takes; 0: as measured
    city: str = ""  # gazetteer file; empty: the shipped demo city


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequestSettings:
    """A question that flows may put to another system of the city, by its name."""

    name: Name  # as flows call it
    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s@]{1,500}$")]  # where it goes; no redirects
    header: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{0,64}$")] = ""  # carries secret web.<name>
    ca: str = ""  # PEM file of the authority that signed its certificate; empty: the usual ones


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSettings:
    """Where the lines are drawn in figures: one set for wall, desk and reports."""

    answer_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 15.0  # a call should be answered within so long
    connected: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.95  # share to be answered in any 24 hours
    short_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 5.0  # hanging up earlier is a short abandon
    repeat_days: Annotated[int, msgspec.Meta(ge=1, le=31)] = 7  # same number and matter: a repeated call
    satisfied_from: Annotated[int, msgspec.Meta(ge=1, le=5)] = 4  # ratings from here on are satisfied


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """The regular reports: made on the server that leads, kept for good, and written as files."""

    daily: MaybeClock = "01:00"  # when 日报 are made, China time; "": never
    monthly: MaybeClock = "02:00"  # when 月报 are made, on the first of the month; "": never
    catch_up_days: Annotated[int, msgspec.Meta(ge=1, le=60)] = 7  # missed ones are made so many days back
    forms: tuple[ReportForm, ...] = ("xlsx", "pdf")  # files that are written
    folder: str = ""  # where files are written; empty: `reports` in the instance's folder
    font: str = ""  # TrueType font with Chinese for PDF; empty: WenQuanYi Micro Hei, fetched when needed


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSettings:
    """How categories are learned from submitted orders."""

    enabled: bool = True  # learn every night, on the server that leads
    hour: Clock = "03:00"  # when it begins, China time
    least_orders: Annotated[int, msgspec.Meta(ge=100, le=60000)] = 200  # fewer submitted ones teach nothing
    keep: Annotated[int, msgspec.Meta(ge=2, le=100)] = 10  # versions that stay on the disk
    folder: str = ""  # of models and taxonomy, shared by several servers; empty: the instance's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenSettings:
    """The citizens' page (`/citizen`), open to everybody: speech, sign language over video, writing."""

    voice: bool = True  # may citizens speak over the page
    video: bool = True  # may they call a sign-language seat
    text: bool = True  # may they write
    form: bool = True  # may they bring a matter in writing, ask for their own orders, and rate them
    number: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{3,20}$")] = "12345"  # that such calls dial
    text_queue: Name = "general"  # where who writes waits
    guests: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 200  # guests at once on this server
    per_minute: Annotated[float, msgspec.Meta(ge=1, le=600)] = 12.0  # new guests of one address
    gone_s: Annotated[float, msgspec.Meta(ge=20, le=3600)] = 300.0  # the page may be closed so long
    silence_s: Annotated[float, msgspec.Meta(ge=60, le=7200)] = 600.0  # then "are you still there" is asked
    notice: str = (  # what citizens agree to before they begin
        "通话会录音，文字和视频中的文字会保存，仅用于办理您的诉求和服务质量检查，并依法保密。"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionSettings:
    """Which ways of supervisors in a call its agent is told of."""

    show_listen: bool = False  # 监听
    show_whisper: bool = True  # 耳语
    show_barge: bool = True  # 强插; taking over is always told


@dataclass(frozen=True, slots=True, kw_only=True)
class CitySettings:
    """What the pages know of the city."""

    map: str = ""  # GeoJSON of the districts; empty: the shipped demo city's; "none": no map


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSettings:
    """Waves of calls, and announcements to callers."""

    bursts: str = ""  # file: how many callers make a wave; empty: the shipped orders/data/bursts.yaml
    announcements: str = ""  # folder that Asterisk reads, too; empty: in the instance's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """How events are told to other systems."""

    allow: tuple[str, ...] = ()  # hosts and networks beside public addresses, e.g. "10.8.0.0/16"
    deadline_s: Annotated[float, msgspec.Meta(ge=1, le=60)] = 10.0  # a receiver answers within this time
    days: Annotated[float, msgspec.Meta(gt=0, le=30)] = 3.0  # an event that nobody took is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator may set, except secrets (see cti.secrets)."""

    home: Path  # this instance's folder: secrets, database, recordings, logs
    cache: Path  # shared folder: Asterisk, models, tools
    name: Name = "server1"  # this server's name among several
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9:_-]{0,40}$")] = "hotline:"  # of keys in Redis
    redis_url: str = ""  # empty: embedded Valkey
    database_url: str = ""  # empty: SQLite in `home`
    servers: tuple[str, ...] = ()  # FastAGI host:port of all servers, in order; empty: only this one
    log_level: Annotated[str, msgspec.Meta(pattern="^(debug|info|warning|error)$")] = "info"
    web: WebSettings = field(default_factory=WebSettings)
    agi: AgiSettings = field(default_factory=AgiSettings)
    asterisk: AsteriskSettings = field(default_factory=AsteriskSettings)
    trunks: tuple[TrunkSettings, ...] = ()
    web_requests: tuple[WebRequestSettings, ...] = ()  # questions of flows to other systems
    agents: AgentSettings = field(default_factory=AgentSettings)
    calls: CallSettings = field(default_factory=CallSettings)
    callbacks: CallbackSettings = field(default_factory=CallbackSettings)
    visits: VisitSettings = field(default_factory=VisitSettings)
    orders: OrderSettings = field(default_factory=OrderSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    dispatch: DispatchSettings = field(default_factory=DispatchSettings)
    notices: NoticeSettings = field(default_factory=NoticeSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    recognition: RecognitionSettings = field(default_factory=RecognitionSettings)
    learning: LearningSettings = field(default_factory=LearningSettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    figures: FigureSettings = field(default_factory=FigureSettings)
    reports: ReportSettings = field(default_factory=ReportSettings)
    city: CitySettings = field(default_factory=CitySettings)
    boards: BoardSettings = field(default_factory=BoardSettings)
    supervision: SupervisionSettings = field(default_factory=SupervisionSettings)
    citizen: CitizenSettings = field(default_factory=CitizenSettings)

    @property
    def database(self) -> str:
        """Address of the database in use."""
        return self.database_url or f"sqlite:///{self.home / 'hotline.sqlite'}"

    @property
    def recordings(self) -> Path:
        """Folder of the calls' recordings."""
        return Path(self.calls.recordings) if self.calls.recordings else self.home / "recordings"


def hotline_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder under which instances and the cache live: HOTLINE_HOME, or .hotline in the user's home."""
    return Path(environ.get("HOTLINE_HOME") or Path.home() / ".hotline").absolute()


def load(
    *,
    instance: str = "main",
    file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings of one instance.

    `overrides` are dotted keys set by the program itself (a demo's ports); they win over everything.
    Raises SettingError naming the key, the value and the remedy.
    """
    if not INSTANCE.fullmatch(instance) or instance == "cache":
        raise SettingError("--instance", instance, "use 1 to 31 of A-Z a-z 0-9 _ - (and not cache)")
    root = hotline_home(environ)
    named = file is not None or bool(environ.get("HOTLINE_CONFIG"))
    if file is None:
        file = Path(environ["HOTLINE_CONFIG"]) if named else root / "hotline.toml"
    data: dict[str, Any] = {"home": str(root / instance), "cache": str(root / "cache")}
    data |= _from_file(file, required=named)
    _merge_environment(data, environ)
    for key, value in (overrides or {}).items():
        _put(data, key.split("."), value)
    try:
        settings = msgspec.convert(
            data, Settings, strict=False, dec_hook=lambda kind, value: kind(value) if kind is Path else value
        )
    except msgspec.ValidationError as error:
        key = str(error).rpartition("`$.")[2].rstrip("`") if "`$." in str(error) else ""
        raise SettingError(
            key or "?", _get(data, key), f"{str(error).split(' - at')[0]}; {SETTING_REMEDY}"
        ) from None
    _refuse_unknown(data, Settings, "")
    _check(settings)
    return settings


def _from_file(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise SettingError(
                "hotline.toml", str(file), "the file does not exist; name an existing one"
            ) from None
        return {}
    except OSError as error:
        raise SettingError("hotline.toml", str(file), f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError("hotline.toml", str(file), f"not valid TOML: {error}") from None


def _merge_environment(data: dict[str, Any], environ: Mapping[str, str]) -> None:
    for kind, path in _sections(Settings, ()):
        prefix = "_".join(("HOTLINE", *path, "")).upper()
        known = {prefix + item.name.upper() for item in fields(kind)}
        for item in fields(kind):
            variable = prefix + item.name.upper()
            hint = get_type_hints(kind)[item.name]
            if variable in environ and not is_dataclass(hint) and variable not in NOT_SETTINGS:
                raw = environ[variable]
                many = get_origin(hint) is tuple and not is_dataclass(get_args(hint)[0])
                value: Any = [part.strip() for part in raw.split(",") if part.strip()] if many else raw
                _put(data, [*path, item.name], value)
        for variable in sorted(environ) if path else ():
            if variable.startswith(prefix) and variable not in known:
                raise SettingError(
                    variable, environ[variable], f"no such setting; known here: {', '.join(sorted(known))}"
                )


def _sections(kind: type, path: tuple[str, ...]) -> list[tuple[Any, tuple[str, ...]]]:
    found: list[tuple[Any, tuple[str, ...]]] = [(kind, path)]
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint) and isinstance(hint, type):
            found += _sections(hint, (*path, name))
    return found


def _put(data: dict[str, Any], path: list[str], value: Any) -> None:
    for number, part in enumerate(path[:-1], start=1):
        data = data.setdefault(part, {})
        if not isinstance(data, dict):
            raise SettingError(".".join(path[:number]), data, "this is a section: write it as a table")
    data[path[-1]] = value


def _get(data: Mapping[str, Any], key: str) -> object:
    here: Any = data
    for part in key.split("."):
        name = part.split("[")[0]
        if not isinstance(here, Mapping) or name not in here:
            return None
        here = here[name]
    return here


def _refuse_unknown(data: Mapping[str, Any], kind: Any, path: str) -> None:
    hints = get_type_hints(kind)
    for key, value in data.items():
        if key not in hints:
            raise SettingError(
                f"{path}{key}", value, f"no such setting; known here: {', '.join(sorted(hints))}"
            )
        if is_dataclass(hints[key]) and isinstance(value, Mapping):
            _refuse_unknown(value, hints[key], f"{path}{key}.")
        item = get_args(hints[key])[:1] if get_origin(hints[key]) is tuple else ()
        if item and is_dataclass(item[0]):
            for number, entry in enumerate(value):
                _refuse_unknown(entry, item[0], f"{path}{key}[{number}].")


def extensions(spec: str) -> tuple[str, ...]:
    """Spell out "8001-8003,8010" as ("8001", "8002", "8003", "8010"); at most 10,000 of 2 to 8 digits each.

    Raises SettingError.
    """
    found: list[str] = []
    for part in (piece.strip() for piece in spec.split(",") if piece.strip()):
        first, dash, last = part.partition("-")
        last = last if dash else first
        good = first.isdecimal() and last.isdecimal() and 2 <= len(first) <= 8 and len(first) == len(last)
        if not good or int(first) > int(last) or int(last) - int(first) >= 10_000:
            raise SettingError(
                "agents.extensions", part, "write numbers of 2 to 8 digits and ranges, e.g. 8001-8120,8200"
            )
        found += [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    if len(set(found)) != len(found) or len(found) > 10_000:
        raise SettingError("agents.extensions", spec, "each extension once, at most 10,000 of them")
    return tuple(found)


def _check(settings: Settings) -> None:
    extensions(settings.agents.extensions)
    asterisk = settings.asterisk
    if asterisk.rtp_first >= asterisk.rtp_last:
        raise SettingError("asterisk.rtp_last", asterisk.rtp_last, "must be greater than asterisk.rtp_first")
    if asterisk.embedded and asterisk.nodes:
        raise SettingError(
            "asterisk.nodes",
            [node.name for node in asterisk.nodes],
            "set asterisk.embedded = false to use Asterisk servers of your own, or remove the nodes",
        )
    if not asterisk.embedded and not asterisk.nodes:
        raise SettingError("asterisk.nodes", [], "with asterisk.embedded = false name at least one node")
    for key, address in (
        ("asterisk.bind", asterisk.bind),
        ("web.host", settings.web.host),
        ("agi.host", settings.agi.host),
        ("recognition.host", settings.recognition.host),
    ):
        _check_address(key, address, "e.g. 127.0.0.1 or 0.0.0.0")
    for proxy in settings.web.trusted_proxies:
        _check_address("web.trusted_proxies", proxy, "one for each proxy, e.g. 10.0.0.7")
    for section, pair in (("web", settings.web), ("asterisk", asterisk)):
        if bool(pair.tls_certificate) != bool(pair.tls_key):
            raise SettingError(f"{section}.tls_key", pair.tls_key, "give certificate and key, or neither")
    if len({trunk.name for trunk in settings.trunks}) != len(settings.trunks):
        raise SettingError(
            "trunks", [trunk.name for trunk in settings.trunks], "each trunk needs its own name"
        )
    if len({request.name for request in settings.web_requests}) != len(settings.web_requests):
        raise SettingError(
            "web_requests", [one.name for one in settings.web_requests], "each needs a name of its own"
        )
    if settings.redis_url and not settings.redis_url.startswith(("redis://", "rediss://", "unix://")):
        raise SettingError(
            "redis_url", settings.redis_url.split("@")[-1], "redis://…, rediss://… or unix://…"
        )
    if settings.database_url and not settings.database_url.startswith(("sqlite:", "sqlite+", "postgres")):
        raise SettingError(
            "database_url", settings.database_url.split("@")[-1], "sqlite:///… or postgresql://…"
        )


def _check_address(key: str, address: str, example: str) -> None:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise SettingError(key, address, f"give a numeric address, {example}") from None
