"""SIPp as the telephones of citizens and agents: found or unpacked, started, asked for what they saw."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf import debs
from asterisk_conf.errors import ProvideError
from cti.bench.errors import BenchError
from cti.bench.instance import Addresses
from cti.control.phones import DESK_SUFFIX
from cti.launcher import die_with_us
from cti.secrets import Secrets

PACKAGES = ("sip-tester",)
SCENARIOS = Path(__file__).parent
STOP_S = 5.0
LISTEN_S = 10.0

TONE = bytes.fromhex("34212134b4a1a1b4") * 1000
"""One second of 1 kHz at the digital reference level in A-law. Source: ITU-T G.711, table 5."""

GOOD_ENDS = frozenset({0, 1})
"""All calls were successful; at least one was not. Source: SIPp's manual."""


@dataclass(frozen=True, slots=True)
class Tool:
    """How SIPp is run here."""

    command: tuple[str, ...]
    env: Mapping[str, str]


def find(cache: Path) -> Tool:
    """The SIPp of this machine, else the one unpacked into the cache, fetched when needed.

    Raises:
        BenchError: there is none, and none can be fetched.
    """
    if (installed := shutil.which("sipp")) is not None:
        return Tool((installed,), {})
    try:
        tree = debs.provide(PACKAGES, debs.HOST, cache / "sipp")
        return Tool(tuple(tree.command("sipp")), tree.env())
    except ProvideError as error:
        raise BenchError(f"SIPp is needed to make calls: {error}") from error


class Telephones:
    """One SIPp process: the telephones of all citizens, or of all agents."""

    def __init__(
        self,
        tool: Tool,
        name: str,
        address: str,
        folder: Path,
        *,
        sound: bool = True,
        pause_s: tuple[float, float] | None = None,
    ) -> None:
        """`name` is the scenario, `address` where it sends and listens, `folder` where it may write.

        Without `sound` the telephones send no RTP. With `pause_s` the scenario's pause is not as long as -d
        says but anything between the two, equally likely.
        """
        self._tool = tool
        self._name = name
        self._address = address
        self._folder = folder
        self._sound = sound
        self._pause_s = pause_s
        self._log = folder / "marks.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self, arguments: Sequence[str], *, numbers: Sequence[str] = ()) -> None:
        """Start it; `arguments` are SIPp's own beside scenario, addresses and files.

        `numbers` are the lines of its injection file: call after call takes the next one's fields.
        """
        self._folder.mkdir(parents=True)
        if numbers:
            lines = "".join(f"{line}\n" for line in ("SEQUENTIAL", *numbers))
            (self._folder / "numbers.csv").write_text(lines, encoding="ascii")
            arguments = (*arguments, "-inf", "numbers.csv")
        (self._folder / "tone.alaw").write_bytes(TONE)
        scenario = self._folder / f"{self._name}.xml"
        written = (SCENARIOS / scenario.name).read_text(encoding="utf-8")
        kept = [line for line in written.splitlines() if self._sound or "rtp_stream=" not in line]
        written = "\n".join(kept) + "\n"
        if self._pause_s is not None:
            low, high = (round(1000 * limit) for limit in self._pause_s)
            written = written.replace("<pause/>", f'<pause distribution="uniform" min="{low}" max="{high}"/>')
        scenario.write_text(written, encoding="utf-8")
        with (self._folder / "screen.txt").open("wb") as screen:
            self._process = await asyncio.create_subprocess_exec(
                *die_with_us(),
                *self._tool.command,
                *arguments,
                *("-sf", scenario.name, "-i", self._address, "-p", "5060", "-mi", self._address),
                *("-trace_logs", "-log_file", self._log.name, "-nostdin"),
                *("-trace_err", "-error_file", "errors.log"),
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=screen,
                stderr=screen,
                env=os.environ | dict(self._tool.env) | {"TERM": "dumb"},
            )

    async def listening(self) -> None:
        """Wait until it takes calls.

        Raises:
            BenchError: it ended instead, or takes too long.
        """
        end = asyncio.get_running_loop().time() + LISTEN_S
        while not _bound(self._address, 5060):
            if self.pid is None or asyncio.get_running_loop().time() > end:
                raise BenchError(f"SIPp does not listen: {self._last_words()}")
            await asyncio.sleep(0.05)

    async def done(self, within_s: float) -> bool:
        """Wait until all its calls are over; False when some did not go well or are not over in time.

        Raises:
            BenchError: it could not work at all.
        """
        if self._process is None:
            raise BenchError("SIPp was not started")
        try:
            async with asyncio.timeout(within_s):
                status = await self._process.wait()
        except TimeoutError:
            return False
        if status not in GOOD_ENDS:
            raise BenchError(f"SIPp ended with {status}: {self._last_words()}")
        return status == 0

    async def stop(self) -> None:
        """End it, whatever it is doing."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGUSR1)  # writes its files to the end
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
                return
            except TimeoutError:
                process.send_signal(number)
        await process.wait()

    def marks(self) -> list[str]:
        """The lines that its calls wrote so far."""
        return self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []

    def _last_words(self) -> str:
        for name in ("errors.log", "screen.txt"):
            path = self._folder / name
            text = path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""
            if text:
                return " | ".join(line.strip() for line in text.splitlines()[-3:])[-300:]
        return "it says nothing"


async def register(
    tool: Tool, secrets: Secrets, numbers: Sequence[str], addresses: Addresses, folder: Path, least_s: float
) -> None:
    """Register every agent's desk phone, at the address where it will be rung.

    Raises:
        BenchError: not every one could, in `least_s` and a time for each.
    """
    telephones = Telephones(tool, "register", addresses.agents, folder)
    lines = [
        f"{user};[authentication username={user} password={secrets.sip_password(number)}]"
        for number in numbers
        for user in (f"{number}{DESK_SUFFIX}",)
    ]
    try:
        await telephones.start(
            (f"{addresses.asterisk}:5060", "-r", "100", "-m", str(len(lines))), numbers=lines
        )
        if not await telephones.done(least_s + len(lines) / 50):
            raise BenchError("not every agent's telephone could register")
    finally:
        await telephones.stop()


def _bound(address: str, port: int) -> bool:
    """Whether a UDP socket is bound to this IPv4 address and port. Source: proc(5), /proc/net/udp."""
    # the kernel prints the address as a number of the machine's own byte order
    number = int.from_bytes(bytes(map(int, address.split("."))), sys.byteorder)
    wanted = f"{number:08X}:{port:04X}"
    table = Path("/proc/net/udp").read_text(encoding="ascii")
    return any(line.split()[1] == wanted for line in table.splitlines()[1:])
