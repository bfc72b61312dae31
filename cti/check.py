"""`hotline check`: what is wrong before it goes wrong, each with key, value and remedy."""

from __future__ import annotations

import errno
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from acd.policy import SHIPPED as SHIPPED_POLICY
from acd.policy import load_policy
from asr.errors import AsrError
from asr.gazetteer_file import load_entries
from asr.model import find_model
from asterisk_conf import provide, validate
from asterisk_conf.errors import AsteriskConfError
from asterisk_conf.render import render
from cti import deskbuild, machine
from cti.errors import HotlineError, SettingError
from cti.secrets import Secrets
from cti.serve import DEMO_CITY
from cti.settings import Settings
from ivr_flows import check as flow_check
from ivr_flows import synthesis
from ivr_flows.loader import SHIPPED_FLOWS, SHIPPED_NUMBERS, load_flows
from ivr_flows.speech import MANIFEST, load_manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    part: str  # settings, flows, policy, prompts, asterisk, model, ports, desk
    key: str  # setting, file or place
    value: str  # what is there
    remedy: str  # what to do
    fatal: bool = True  # False: everything works, but less well

    def __str__(self) -> str:
        mark = "错误" if self.fatal else "提示"
        return f"{mark} {self.part}  {self.key} = {self.value}\n     {self.remedy}"


def check(settings: Settings, *, ports: bool = True) -> list[Finding]:
    """Look at everything that `hotline up` needs. `ports`: also whether its addresses are free."""
    found: list[Finding] = []
    parts: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _files,
        _policy_and_flows,
        _prompts,
        _gazetteer,
        _model,
        _asterisk,
        _desk,
        *((_ports,) if ports else ()),
    )
    for part in parts:
        found += part(settings)
    return found


def _files(settings: Settings) -> Iterator[Finding]:
    try:
        Secrets(settings.home / "secrets.json")
    except HotlineError as error:
        yield Finding(part="settings", key="secrets.json", value="…", remedy=str(error))
    for key, name in (
        ("web.tls_certificate", settings.web.tls_certificate),
        ("web.tls_key", settings.web.tls_key),
        ("asterisk.tls_certificate", settings.asterisk.tls_certificate),
        ("asterisk.tls_key", settings.asterisk.tls_key),
    ):
        if name and not Path(name).is_file():
            yield Finding(
                part="settings", key=key, value=name, remedy="the file does not exist or cannot be read"
            )
    open_to_all = settings.web.host in machine.ANY or settings.asterisk.bind in machine.ANY
    if open_to_all and not settings.web.tls_certificate:
        yield Finding(
            part="settings",
            key="web.tls_certificate",
            value="",
            remedy="browsers on other machines get no microphone without https: set certificate and key",
            fatal=False,
        )


def _policy_and_flows(settings: Settings) -> Iterator[Finding]:
    calls = settings.calls
    try:
        policy = load_policy(Path(calls.policy) if calls.policy else SHIPPED_POLICY)
    except (ValueError, OSError) as error:
        yield Finding(part="policy", key="calls.policy", value=calls.policy, remedy=str(error))
        return
    try:
        flows = load_flows(
            Path(calls.flows) if calls.flows else SHIPPED_FLOWS,
            Path(calls.numbers) if calls.numbers else SHIPPED_NUMBERS,
        )
        prompts = load_manifest().prompts
    except (ValueError, OSError) as error:
        yield Finding(part="flows", key="calls.flows", value=calls.flows, remedy=str(error))
        return
    queues = {queue.name for queue in policy.queues}
    for flow in flows.by_name.values():
        for problem in flow_check.check(flow, queues, prompts):
            yield Finding(
                part="flows",
                key=f"{problem.file}:{problem.line} {problem.key}",
                value=problem.value,
                remedy=problem.remedy,
            )


def _prompts(settings: Settings) -> Iterator[Finding]:
    for problem in synthesis.check(MANIFEST, machine.prompts_folder(settings)):
        yield Finding(part="prompts", key=problem.key, value=problem.kind, remedy=problem.remedy)


def _gazetteer(settings: Settings) -> Iterator[Finding]:
    city = settings.recognition.city
    try:
        load_entries(Path(city) if city else DEMO_CITY)
    except (AsrError, OSError) as error:
        yield Finding(part="gazetteer", key="recognition.city", value=city, remedy=str(error))
    if not city:
        yield Finding(
            part="gazetteer",
            key="recognition.city",
            value="",
            remedy="the places of the demo's city are used; name a file with your own city's places",
            fatal=False,
        )


def _model(settings: Settings) -> Iterator[Finding]:
    recognition = settings.recognition
    if not recognition.enabled:
        yield Finding(
            part="model", key="recognition.enabled", value="false", remedy="没有字幕：按设置关闭", fatal=False
        )
        return
    try:
        find_model(Path(recognition.model) if recognition.model else None, settings.cache, fetch=False)
    except AsrError as error:
        yield Finding(
            part="model",
            key="recognition.model",
            value=recognition.model,
            remedy=f"没有字幕：{error}",
            fatal=False,
        )


def _asterisk(settings: Settings) -> Iterator[Finding]:
    if not settings.asterisk.embedded:
        return
    try:
        install = provide.find(settings.cache)
        with tempfile.TemporaryDirectory(prefix="hl-check-") as folder:
            secrets = Secrets(Path(folder) / "secrets.json")
            render(machine.asterisk_config(settings, secrets, install), Path(folder))
            for problem in validate.problems(Path(folder) / "etc"):
                yield Finding(
                    part="asterisk",
                    key=f"{problem.file.name}:{problem.line} {problem.key}",
                    value=problem.value,
                    remedy=problem.remedy,
                )
    except SettingError as error:
        yield Finding(part="asterisk", key=error.key, value=str(error.value), remedy=error.remedy)
    except AsteriskConfError as error:
        yield Finding(part="asterisk", key="asterisk", value="", remedy=str(error))


def _desk(_settings: Settings) -> Iterator[Finding]:
    if not deskbuild.is_built():
        yield Finding(
            part="desk",
            key="agent_desktop/dist",
            value="",
            remedy="not built yet: hotline up builds it",
            fatal=False,
        )


def _ports(settings: Settings) -> Iterator[Finding]:
    asterisk = settings.asterisk
    wanted = [
        ("web.port", settings.web.host, settings.web.port, socket.SOCK_STREAM),
        ("agi.port", settings.agi.host, settings.agi.port, socket.SOCK_STREAM),
    ]
    if asterisk.embedded:
        wanted += [
            ("asterisk.sip_port", asterisk.bind, asterisk.sip_port, socket.SOCK_DGRAM),
            ("asterisk.http_port", asterisk.bind, asterisk.http_port, socket.SOCK_STREAM),
            ("asterisk.ami_port", asterisk.bind, asterisk.ami_port, socket.SOCK_STREAM),
        ]
    for key, host, port, kind in wanted:
        reason = _in_use(host, port, kind)
        if reason:
            yield Finding(
                part="ports",
                key=key,
                value=f"{host}:{port}",
                remedy=f"{reason}; stop what listens there, or set {key} (a running hotline counts, too)",
            )


def _in_use(host: str, port: int, kind: socket.SocketKind) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            names = {errno.EADDRINUSE: "in use", errno.EADDRNOTAVAIL: "no address of this machine"}
            return names.get(error.errno or 0, error.strerror or "cannot be had")
    return ""
