"""`hotline check`: what is wrong before it goes wrong, each with key, value and remedy."""

from __future__ import annotations

import datetime
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from acd.errors import RouterError
from acd.policy import load_policy
from asr.adapt_store import read_seal
from asr.errors import AsrError
from asr.gazetteer_file import load_entries
from asr.model import find_model
from asterisk_conf import provide, validate
from asterisk_conf.errors import AsteriskConfError, ConfigValueError
from asterisk_conf.render import render
from cti import deskbuild, machine, openports
from cti.casework.policy_shelf import AHEAD_S
from cti.control.callback_parts import rules_of
from cti.control.directory import DirectoryError, load_directory
from cti.control.edition_parts import first_files, named_file
from cti.edition_cases import CASES
from cti.errors import HotlineError, SecretsError, SettingError
from cti.gazetteeradmin import DEMO_CITY, city_file
from cti.learning import folder_of
from cti.learning_check import problems
from cti.secrets import Secrets
from cti.settings import Settings
from cti.visitadmin import policy_of
from ivr_flows import synthesis
from ivr_flows.speech import load_manifest
from orders.policy_file import PolicyError
from orders.workdays import Workdays


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    part: str  # settings, flows, policy, directory, prompts, asterisk, model, ports, desk
    key: str  # setting, file or place
    value: str  # what is there
    remedy: str  # what to do
    fatal: bool = True  # False: everything works, but less well

    def __str__(self) -> str:
        mark = "错误" if self.fatal else "提示"
        return f"{mark} {self.part}  {self.key} = {self.value}\n     {self.remedy}"


def check(
    settings: Settings, *, ports: bool = True, progress: Callable[[str], None] = lambda _: None
) -> list[Finding]:
    """Look at everything that `hotline up` needs. `ports`: also whether its addresses are free.

    `progress` is told when Asterisk has to be fetched first: its configuration names its folders.
    """
    found: list[Finding] = []
    parts: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _files,
        _policy_and_flows,
        _directory,
        _callbacks,
        _visits,
        _orders,
        _prompts,
        _gazetteer,
        _categories,
        _model,
        lambda settings: _asterisk(settings, progress),
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
    try:
        machine.check_home(settings)
    except SettingError as error:
        yield Finding(part="settings", key=error.key, value=str(error.value), remedy=error.remedy)
    yield from _certificate("web", settings.web.tls_certificate, settings.web.tls_key)
    yield from _certificate("asterisk", settings.asterisk.tls_certificate, settings.asterisk.tls_key)
    open_to_all = settings.web.host in machine.ANY or settings.asterisk.bind in machine.ANY
    if open_to_all and not settings.web.tls_certificate:
        yield Finding(
            part="settings",
            key="web.tls_certificate",
            value="",
            remedy="browsers on other machines get no microphone without https: set certificate and key",
            fatal=False,
        )


def _certificate(section: str, certificate: str, key: str) -> Iterator[Finding]:
    """A pair of PEM files must be there, be readable, and belong together."""
    missing = False
    for name, file in (("tls_certificate", certificate), ("tls_key", key)):
        if file and not Path(file).is_file():
            missing = True
            yield Finding(
                part="settings", key=f"{section}.{name}", value=file, remedy="there is no such file: name one"
            )
    if not certificate or missing:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        yield Finding(
            part="settings",
            key=f"{section}.tls_certificate",
            value=certificate,
            remedy=f"certificate and key cannot be used together: {error}; give a PEM pair",
        )


def _policy_and_flows(settings: Settings) -> Iterator[Finding]:
    files = first_files(settings)
    try:
        policy = load_policy(files.policy)
    except (RouterError, OSError) as error:
        yield Finding(part="policy", key="calls.policy", value=settings.calls.policy, remedy=str(error))
        return
    try:
        prompts = load_manifest(files.manifest).prompts
    except (ValueError, OSError) as error:
        yield Finding(part="prompts", key="manifest.yaml", value="", remedy=str(error))
        return
    today = datetime.datetime.now(datetime.UTC).date()
    for problem in files.flows.problems(policy, prompts, today):
        yield Finding(
            part="flows",
            key=f"{problem.file}:{problem.line} {problem.key}",
            value=problem.value,
            remedy=problem.remedy,
            fatal=problem.fatal,
        )


def _directory(settings: Settings) -> Iterator[Finding]:
    try:
        load_directory(first_files(settings).directory)
    except (DirectoryError, OSError) as error:
        yield Finding(
            part="directory", key="calls.directory", value=settings.calls.directory, remedy=str(error)
        )


def _callbacks(settings: Settings) -> Iterator[Finding]:
    try:
        rules_of(settings)
    except SettingError as error:
        yield Finding(part="call-backs", key=error.key, value=str(error.value), remedy=error.remedy)


def _visits(settings: Settings) -> Iterator[Finding]:
    try:
        policy_of(settings)
    except SettingError as error:
        yield Finding(part="visits", key=error.key, value=str(error.value), remedy=error.remedy)


def _orders(settings: Settings) -> Iterator[Finding]:
    """Rules about orders: each file, and whether the working calendar reaches far enough."""
    for kind, path in first_files(settings).cases.items():
        one = CASES[kind]
        try:
            said = one.parse(path.read_bytes(), name=str(path))
        except (PolicyError, OSError) as error:
            yield Finding(part="orders", key=one.setting, value=named_file(settings, kind), remedy=str(error))
            continue
        if isinstance(said, Workdays):
            now = datetime.datetime.now(datetime.UTC).timestamp()
            for note in said.notes(now, now + AHEAD_S):
                yield Finding(
                    part="orders", key=one.setting, value=str(note.year), remedy=note.shown, fatal=False
                )


def _prompts(settings: Settings) -> Iterator[Finding]:
    folder = machine.prompts_folder(settings)
    if not folder.is_dir():
        remedy = "there is no such folder: name one, or remove the setting to use the shipped prompts"
        yield Finding(part="prompts", key="calls.prompts", value=str(folder), remedy=remedy)
        return
    for problem in synthesis.check(first_files(settings).manifest, folder):
        yield Finding(part="prompts", key=problem.key, value=problem.kind, remedy=problem.remedy)


def _gazetteer(settings: Settings) -> Iterator[Finding]:
    city, file = settings.recognition.city, city_file(settings)
    try:
        load_entries(file)
    except (AsrError, OSError) as error:
        yield Finding(part="gazetteer", key="recognition.city", value=city, remedy=str(error))
    if file == DEMO_CITY:
        yield Finding(
            part="gazetteer",
            key="recognition.city",
            value="",
            remedy="the demo city's places are used; take in your own city's with hotline gazetteer import",
            fatal=False,
        )


def _categories(settings: Settings) -> Iterator[Finding]:
    for one in problems(folder_of(settings)):
        yield Finding(part=one.part, key="learning", value=one.value, remedy=one.remedy, fatal=one.fatal)


def _model(settings: Settings) -> Iterator[Finding]:
    recognition = settings.recognition
    if not recognition.enabled:
        yield Finding(
            part="model", key="recognition.enabled", value="false", remedy="没有字幕：按设置关闭", fatal=False
        )
        return
    try:
        found = find_model(
            Path(recognition.model) if recognition.model else None, settings.cache, fetch=False
        )
    except AsrError as error:
        if not recognition.model:
            remedy = "not here yet: hotline up fetches it (44 MB); without it there are no captions"
            yield Finding(part="model", key="recognition.model", value="", remedy=remedy, fatal=False)
            return
        yield Finding(
            part="model",
            key="recognition.model",
            value=recognition.model,
            remedy=f"没有字幕：{error}",
            fatal=False,
        )
        return
    if (adapted := read_seal(found.path)) is not None:
        day = datetime.datetime.fromtimestamp(adapted.made_at).astimezone().strftime("%Y-%m-%d %H:%M")
        remedy = (
            f"使用 {day} 按本市用语调整的模型（地名 {adapted.names} 个）；hotline asr adapt --back 恢复之前的"
        )
        yield Finding(
            part="model", key="recognition.model", value=str(found.path), remedy=remedy, fatal=False
        )
    if not found.composed:
        remedy = (
            "识别图尚未合成：处理器占用约为合成后的 5 倍，每路语音约占 150 MB 内存，"
            "每个识别进程最多 4 路、约 1.3 GB；"
            "运行 hotline asr compose（约 2 分钟，350 MB 磁盘）"
        )
        yield Finding(
            part="model", key="recognition.model", value=str(found.path), remedy=remedy, fatal=False
        )


def _asterisk(settings: Settings, progress: Callable[[str], None]) -> Iterator[Finding]:
    kept = settings.home / "secrets.json"
    if not settings.asterisk.embedded:
        yield from _nodes(settings, kept)
        return
    try:
        install = provide.find(settings.cache, lambda step: progress(machine.unpacking(step)))
        with tempfile.TemporaryDirectory(prefix="hl-check-") as folder:
            copy = Path(folder) / "secrets.json"  # so that looking makes no secrets
            if kept.exists():
                shutil.copy2(kept, copy)
            secrets = Secrets(copy)
            config = machine.asterisk_config(settings, secrets, install)
            render(replace(config, recordings_dir=Path(folder) / "recordings"), Path(folder))
            for problem in validate.problems(Path(folder) / "etc"):
                yield Finding(
                    part="asterisk",
                    key=f"{problem.file.name}:{problem.line} {problem.key}",
                    value=problem.value,
                    remedy=problem.remedy,
                )
    except SecretsError:
        return  # said among the settings
    except SettingError as error:
        yield Finding(part="asterisk", key=error.key, value=str(error.value), remedy=error.remedy)
    except ConfigValueError as error:
        what = str(error).removeprefix(f"{error.key}: ").removesuffix(f"; {error.remedy}")
        yield Finding(part="asterisk", key=error.key, value=what, remedy=error.remedy)
    except AsteriskConfError as error:
        yield Finding(part="asterisk", key="asterisk", value="", remedy=str(error))


def _nodes(settings: Settings, kept: Path) -> Iterator[Finding]:
    """Where Asterisk runs elsewhere its passwords must have come from there."""
    try:
        secrets = Secrets(kept)
    except SecretsError:
        return  # said among the settings
    for node in settings.asterisk.nodes:
        if not secrets.has(f"ami.{node.name}"):
            remedy = f"{kept} has no ami.{node.name}: copy secrets.json from the Asterisk machine, or add it"
            yield Finding(part="asterisk", key="asterisk.nodes", value=node.name, remedy=remedy)


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
    for key, place, reason in openports.taken(settings):
        remedy = f"{reason}; stop what listens there, or set {key} (a running hotline counts, too)"
        yield Finding(part="ports", key=key, value=place, remedy=remedy)
