"""Real Asterisk for tests: one that is the hotline, and one that is the telephone network around it.

    with running_pair(install, block) as pair:
        pair.hotline.config.bind_address, pair.phones.cli("core show channels")

Fixtures: `asterisk_install` (session), `asterisk_pair` (module: both running, trunk open, phones registered),
`hotline_ami` and `network_ami` (function: signed in at either).
The CTI server under test listens at `pair.server`, port 4573, and signs in at `pair.hotline` with AMI.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import pytest

from asterisk_conf import phones, render
from asterisk_conf.config import AgentExtension, AgiServer, AsteriskConfig, DeskPhone, PhonesConfig, Trunk
from asterisk_conf.errors import ProvideError
from asterisk_conf.provide import AsteriskInstall, find
from tests.support.loopback import LoopbackBlock, loopback_block
from tests.support.raw_ami import RawAmi, raw_ami

CACHE = Path(os.environ.get("HOTLINE_CACHE", Path.home() / ".hotline" / "cache"))
SECRET = "only-for-tests-1"
AGI_PORT = 4573
PHONES_AGI_PORT = 4574

C = TypeVar("C", AsteriskConfig, PhonesConfig)


@dataclass(slots=True)
class RunningAsterisk(Generic[C]):
    """One Asterisk, started in the foreground; it dies with the test run."""

    install: AsteriskInstall
    config: C
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where its AMI listens."""
        if isinstance(self.config, AsteriskConfig):
            return self.config.bind_address
        return self.config.trunk_address

    @property
    def log(self) -> str:
        """What it wrote to its log."""
        return (self.folder / "log" / "messages.log").read_text(encoding="utf-8", errors="replace")

    def start(self, limit_s: float = 30.0) -> None:
        """Start it and wait until it is booted."""
        console = (self.folder / "log" / "console.log").open("ab")
        with console:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self._command("-f", "-n")],
                env=os.environ | self.install.env,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                process_group=0,
            )
        until(lambda: "fully booted" in self.cli("core waitfullybooted"), "Asterisk boots", limit_s)

    def cli(self, command: str) -> str:
        """Run a console command; return what it prints."""
        done = subprocess.run(
            self._command("-rx", command),
            env=os.environ | self.install.env,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout

    def channels(self) -> list[str]:
        """Names of the channels that exist."""
        lines = self.cli("core show channels concise").splitlines()
        return [line.split("!")[0] for line in lines if "!" in line]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def ami(self) -> AbstractAsyncContextManager[RawAmi]:
        """Sign in at its manager interface: ``async with asterisk.ami() as ami``."""
        return raw_ami(
            self.address, self.config.ami_port, self.config.manager_user, self.config.manager_secret
        )

    def _command(self, *arguments: str) -> list[str]:
        return [*self.install.command, "-C", str(self.folder / "etc" / "asterisk.conf"), *arguments]


@dataclass(slots=True)
class Pair:
    """The hotline and the telephone network."""

    hotline: RunningAsterisk[AsteriskConfig]
    phones: RunningAsterisk[PhonesConfig]
    server: str
    """Where the CTI server under test listens, port 4573."""
    folder: Path
    """Everything of both: ``sounds``, ``recordings``, ``heard``."""

    @property
    def sounds(self) -> Path:
        """Prompts of the hotline, and files that telephones play."""
        return self.hotline.config.sounds_dir

    @property
    def recordings(self) -> Path:
        """What the hotline recorded."""
        return self.hotline.config.recordings_dir

    @property
    def heard(self) -> Path:
        """What telephones recorded."""
        return self.phones.config.recordings_dir

    def hang_up_all(self) -> None:
        """End every call and wait until both sides have forgotten them."""
        for side in (self.phones, self.hotline):
            side.cli("channel request hangup all")
        until(lambda: not self.hotline.channels() and not self.phones.channels(), "all calls end", 10)


def until(condition: Callable[[], bool], what: str, limit_s: float = 10.0) -> None:
    """Wait until something is true.

    Raises:
        AssertionError: it does not become true in time.
    """
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {limit_s} s")
        time.sleep(0.1)


Change = Callable[[AsteriskConfig], AsteriskConfig]
ChangePhones = Callable[[PhonesConfig], PhonesConfig]


@contextmanager
def running_pair(
    install: AsteriskInstall,
    block: LoopbackBlock,
    *,
    hotline: Change = lambda config: config,
    telephones: ChangePhones = lambda config: config,
) -> Iterator[Pair]:
    """Run the hotline's Asterisk and the telephone network's while the block is open.

    The standard pair has agents 8001 to 8004 with a desk phone each, the trunk `city`, one CTI server at
    `pair.server`, and benchmark contexts. ``hotline`` and ``telephones`` change the two configurations.
    """
    home, trunk, desk, server = (block.address() for _ in range(4))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hl-")))
        (folder / "sounds").mkdir()
        extensions = ("8001", "8002", "8003", "8004")
        hotline_config = AsteriskConfig(
            system_name="test",
            bind_address=home,
            module_dir=install.module_dir,
            data_dir=install.data_dir,
            sounds_dir=folder / "sounds",
            recordings_dir=folder / "recordings",
            manager_user="cti",
            manager_secret=SECRET,
            agi_servers=(AgiServer(host=server, port=AGI_PORT),),
            trunks=(Trunk(name="city", match=(trunk,), contact=f"sip:{trunk}:5060"),),
            agents=tuple(AgentExtension(extension=extension, secret=SECRET) for extension in extensions),
            bench=True,
        )
        phones_config = PhonesConfig(
            trunk_address=trunk,
            desk_address=desk,
            hotline=home,
            module_dir=install.module_dir,
            data_dir=install.data_dir,
            sounds_dir=folder / "sounds",
            recordings_dir=folder / "heard",
            manager_user="phones",
            manager_secret=SECRET,
            phones=tuple(DeskPhone(user=f"{extension}p", secret=SECRET) for extension in extensions),
            agi=AgiServer(host=server, port=PHONES_AGI_PORT),
        )
        hotline_config, phones_config = hotline(hotline_config), telephones(phones_config)
        render.render(hotline_config, folder / "hotline")
        phones.render(phones_config, folder / "phones")
        pair = Pair(
            hotline=RunningAsterisk(install, hotline_config, folder / "hotline"),
            phones=RunningAsterisk(install, phones_config, folder / "phones"),
            server=server,
            folder=folder,
        )
        stack.callback(pair.hotline.stop)
        stack.callback(pair.phones.stop)
        pair.hotline.start()
        pair.phones.start()
        wanted = len(phones_config.phones)
        until(
            lambda: pair.hotline.cli("pjsip show contacts").count(f"@{desk}:") >= wanted,
            "the desk phones register",
            20,
        )
        yield pair


async def citizen_calls(
    network: RawAmi,
    mode: str = "silent",
    *,
    number: str = "12345",
    caller: str = "13800000001",
    variables: tuple[str, ...] = (),
) -> None:
    """Let a citizen dial; when answered, the telephone does what ``mode`` says (agi, echo, play, silent)."""
    reply = await network.action(
        "Originate",
        Channel=f"PJSIP/{number}@hotline",
        CallerID=f"<{caller}>",
        Context="citizen",
        Exten=mode,
        Priority=1,
        Timeout=60000,
        Async="true",
        variables=variables,
    )
    if reply["Response"] != "Success":
        raise AssertionError(f"the network cannot call: {reply}")


def settled(recording: Path) -> Path:
    """Return a recording that has stopped growing."""
    sizes = [-1]

    def same() -> bool:
        sizes.append(recording.stat().st_size)
        return sizes[-1] == sizes[-2]

    until(same, f"{recording.name} is complete")
    return recording


@pytest.fixture(scope="session")
def asterisk_install() -> AsteriskInstall:
    """An Asterisk that can be run; unpacked on first use where the machine's mirror can be reached."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not on this machine")
    try:
        return find(CACHE)
    except ProvideError as error:
        pytest.skip(f"no Asterisk: {error}")


@pytest.fixture(scope="module")
def asterisk_pair(asterisk_install: AsteriskInstall) -> Iterator[Pair]:
    """The standard pair for the tests of one module."""
    with loopback_block() as block, running_pair(asterisk_install, block) as pair:
        yield pair


@pytest.fixture
async def hotline_ami(asterisk_pair: Pair) -> AsyncIterator[RawAmi]:
    """The manager interface of the standard pair's hotline."""
    async with asterisk_pair.hotline.ami() as ami:
        yield ami


@pytest.fixture
async def network_ami(asterisk_pair: Pair) -> AsyncIterator[RawAmi]:
    """The manager interface of the standard pair's telephone network."""
    async with asterisk_pair.phones.ami() as ami:
        yield ami
