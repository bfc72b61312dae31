"""A whole hotline for a benchmark: settings, flow, prompt and signed-in agents in a temporary home."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from argon2 import PasswordHasher

from asterisk_conf.config import AsteriskConfig, Trunk
from asterisk_conf.provide import AsteriskInstall
from cti.accounts import Accounts
from cti.bench.errors import BenchError
from cti.database import migrate, open_engine, writing
from cti.messages import Role
from cti.ports import Person
from cti.settings import Settings, hotline_home, load

HERE = Path(__file__).parent
INSTANCE = "bench"
SKILLS = {"general": 3}
PASSWORD = "never signs in by it"  # noqa: S105 - the accounts live as long as the temporary home
FIRST_EXTENSION = 20001
MOST_AGENTS = 2000
PROMPT = "beep"
"""Asterisk's own short sound, played by the flow and by the plain dialplan alike."""

CONFIG = """# Written by `hotline bench`.
home = "{home}"
cache = "{cache}"
log_level = "warning"

[web]
host = "{web}"

[agi]
host = "{web}"
max_calls = 20000

[asterisk]
bind = "{asterisk}"
system_name = "bench"

[agents]
extensions = "{first}-{last}"

[calls]
flows = "{here}/flows"
numbers = "{here}/numbers.yaml"
policy = "{here}/policy.yaml"
prompts = "{home}/prompts"
record = {record}

[recognition]
enabled = false

[[trunks]]
name = "city"
host = "{citizens}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Who is where on loopback."""

    asterisk: str  # the hotline's Asterisk
    plain: str  # the Asterisk that it is compared with
    web: str  # the server: pages and FastAGI
    citizens: str  # citizens' telephones
    agents: str  # agents' telephones
    others: str  # citizens' telephones whose calls go to Asterisk's own queue

    @classmethod
    def under(cls, block: str) -> Addresses:
        """The addresses of a block such as ``127.241.0``."""
        return cls(
            asterisk=f"{block}.2",
            plain=f"{block}.3",
            web=f"{block}.4",
            citizens=f"{block}.5",
            agents=f"{block}.6",
            others=f"{block}.7",
        )


@contextmanager
def temporary_home() -> Iterator[tuple[Path, Path]]:
    """Yield a home of its own and the shared cache; settings in the environment do not reach into it.

    The processes of the benchmark inherit this process's environment: without this, a database or a Redis
    named there would get the benchmark's calls.
    """
    cache = hotline_home() / "cache"
    before = {key: value for key, value in os.environ.items() if key.startswith("HOTLINE_")}
    with tempfile.TemporaryDirectory(prefix="hlbench-", ignore_cleanup_errors=True) as folder:
        for key in before:
            del os.environ[key]
        try:
            os.environ["HOTLINE_HOME"] = folder
            yield Path(folder), cache
        finally:
            os.environ.pop("HOTLINE_HOME", None)
            os.environ.update(before)


def write_settings(
    home: Path, cache: Path, addresses: Addresses, *, agents: int, record: bool
) -> tuple[Settings, Path]:
    """Write the settings file; return the settings and the file.

    Raises:
        BenchError: more agents than extensions.
    """
    if not 1 <= agents <= MOST_AGENTS:
        raise BenchError(f"{agents} agents would be needed, at most {MOST_AGENTS} can be; offer fewer calls")
    file = home / "hotline.toml"
    (home / "prompts").mkdir()
    file.write_text(
        CONFIG.format(
            home=home,
            cache=cache,
            here=HERE,
            first=FIRST_EXTENSION,
            last=FIRST_EXTENSION + agents - 1,
            record=str(record).lower(),
            asterisk=addresses.asterisk,
            web=addresses.web,
            citizens=addresses.citizens,
        ),
        encoding="utf-8",
    )
    return load(instance=INSTANCE, file=file), file


def lend_prompt(install: AsteriskInstall, prompts: Path) -> None:
    """Put Asterisk's own short sound among the prompts, in all its formats.

    Raises:
        BenchError: this Asterisk has no such sound.
    """
    found = sorted(install.data_dir.glob(f"sounds/en*/{PROMPT}.*"))
    if not found:
        raise BenchError(f"Asterisk has no English sound {PROMPT!r}; install its core sounds (en)")
    for sound in found:
        shutil.copyfile(sound, prompts / sound.name)


async def sign_in(settings: Settings, extensions: tuple[str, ...]) -> Mapping[str, str]:
    """Create an account and a session for every extension; return the sessions' tokens by login.

    Password hashes are of the cheapest kind and no password is checked: signing in is not measured here.
    """
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    await migrate(settings.database)
    engine = open_engine(settings.database)
    tokens: dict[str, str] = {}
    try:
        accounts = Accounts(engine, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        for extension in extensions:
            login, name = f"agent{extension}", f"坐席{extension}"
            await accounts.create(
                by="system", login=login, name=name, role=Role.AGENT, password=PASSWORD, extension=extension,
                skills=SKILLS,
            )  # fmt: skip
            person = Person(login=login, name=name, role=Role.AGENT, extension=extension, skills=SKILLS)
            async with writing(engine) as connection:
                tokens[login], _ = await accounts.sessions.begin(connection, person)
    finally:
        await engine.dispose()
    return tokens


def under_load(config: AsteriskConfig) -> AsteriskConfig:
    """The configuration without a bound on calls, and without asking telephones whether they live."""
    return replace(config, max_calls=100_000, qualify_s=0)


def with_queue(config: AsteriskConfig, addresses: Addresses) -> AsteriskConfig:
    """The hotline's own Asterisk, where citizens at `others` come into Asterisk's own queue `bench`."""
    trunk = Trunk(
        name="others",
        match=(addresses.others,),
        contact=f"sip:{addresses.others}",
        context="plain-bench",
    )
    return replace(under_load(config), trunks=(*config.trunks, trunk), bench=True)


def plain_peer(config: AsteriskConfig, addresses: Addresses, folder: Path, *, record: bool) -> AsteriskConfig:
    """The same Asterisk without a server: citizens come into a plain dialplan that dials an agent.

    Nobody asks it which telephones are there, so they need not register.
    """
    contact = f"sip:agent@{addresses.agents}:5060"
    return replace(
        config,
        system_name="plain",
        bind_address=addresses.plain,
        recordings_dir=folder / "recordings",
        agi_servers=(),
        agents=tuple(replace(agent, static_contact=contact) for agent in config.agents),
        trunks=(
            Trunk(
                name="city",
                match=(addresses.citizens,),
                contact=f"sip:{addresses.citizens}",
                context="plain-bench",
            ),
        ),
        record=record,
        bench=True,
    )
