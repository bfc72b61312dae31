"""`hotline bench answer`: from the agent's key to citizen and agent hearing one another, over real WebRTC.

A real Chromium with the built desk, a real Asterisk, SIPp as the citizen; both whistle without pause. The
clock starts at the press of F2 in the page, on this machine's clock. The citizen hears the agent when the
agent's tone is in Asterisk's recording of what the citizen hears (frames of 10 ms; its beginning is known to
about 20 ms). The agent hears the citizen when the page has received sound (its statistics, asked every 5 ms).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
from sqlalchemy import select

from asterisk_conf import provide
from cti.bench import host, instance, loopback, sipp
from cti.bench.browser import HERTZ, chromium, tone_file
from cti.bench.errors import BenchError
from cti.bench.options import Options
from cti.bench.result import Result
from cti.database import open_engine
from cti.launcher import Stack, Steps
from cti.tables import calls
from cti.web.guard import COOKIE

if TYPE_CHECKING:
    from playwright.async_api import Page

__all__ = ["measure", "onset", "steps"]

AIM_MS = 300.0
RATE = 8000
STEP = RATE // 100
"""Frames of 10 ms."""
PURE = 0.7
"""Share of a frame's energy at our tone: ringing and music do not have it."""
HOLDS = 10
"""Frames that the tone must last, so that no click counts."""
RING_S = 0.8
"""A person needs that long to answer, and the microphone is open by then."""
TALK_S = 1.5
LIMIT_S = 30.0
WRITTEN_TRIES = 25
A_CALL_S = 45.0
START_S = 240.0

WATCH = """() => {
  window.__answer = {};
  const from = window.__connections.length;
  addEventListener('keydown', event => {
    if (event.key === 'F2') window.__answer.pressed ??= performance.timeOrigin + performance.now();
  }, { capture: true, once: true });
  const timer = setInterval(async () => {
    const connection = window.__connections[from];
    if (connection === undefined) return;
    for (const report of (await connection.getStats()).values()) {
      if (report.type !== 'inbound-rtp' || !(report.totalAudioEnergy > 1e-7)) continue;
      window.__answer.heard ??= performance.timeOrigin + performance.now();
      clearInterval(timer);
    }
  }, 5);
}"""
CONNECTIONS = """
window.__connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) { super(...options); window.__connections.push(this); }
};
"""


def steps(_options: Options) -> int:
    """How many steps are told while it runs."""
    return 9


def measure(options: Options, steps: Steps) -> Result:
    """Run the benchmark.

    Raises:
        HotlineError: it cannot be run; the message says why.
    """
    machine = host.machine()
    with loopback.block() as block, instance.temporary_home() as (home, cache):
        addresses = instance.Addresses.under(block)
        limit = START_S + A_CALL_S * (options.rounds + 1)
        told = asyncio.run(asyncio.wait_for(_run(options, steps, home, cache, addresses), limit))
    agent, citizen = [one for one, _ in told], [other for _, other in told]
    both = [max(pair) for pair in told]
    figures = {
        "both_hear_ms": _delays(both), "agent_hears_ms": _delays(agent), "citizen_hears_ms": _delays(citizen)
    }  # fmt: skip
    p95 = figures["both_hear_ms"]["p95"]
    return Result(
        name="answer",
        value=p95,
        unit="ms from the key until both hear one another (p95)",
        aim=f"below {AIM_MS:g} ms",
        aim_met=p95 < AIM_MS,
        peer=AIM_MS,
        ratio=round(p95 / AIM_MS, 3),
        machine=machine,
        details={"answers": len(told), **figures},
        lines=tuple(
            f"  {name.removesuffix('_ms').replace('_', ' ')}: p50/p95/p99/longest "
            f"{one['p50']:.0f}/{one['p95']:.0f}/{one['p99']:.0f}/{one['longest']:.0f} ms"
            for name, one in figures.items()
        ),
    )


def _delays(values: Sequence[float]) -> dict[str, float]:
    found = {f"p{at}": round(float(numpy.percentile(values, at)), 1) for at in (50, 95, 99)}
    return found | {"longest": round(max(values), 1)}


def onset(samples: bytes) -> float | None:
    """Seconds into 16-bit samples at 8 kHz at which the tone begins and stays; None when it does not."""
    sound = numpy.frombuffer(samples, dtype="<i2").astype(float)
    frames = sound[: len(sound) // STEP * STEP].reshape(-1, STEP)
    turn = numpy.exp(-2j * numpy.pi * HERTZ * numpy.arange(STEP) / RATE)
    energy = (frames**2).sum(axis=1)
    share = 2 * abs(frames @ turn) ** 2 / STEP / numpy.maximum(energy, 1.0)
    ours = (share > PURE) & (energy > STEP * 200.0**2)
    for place in range(len(ours) - HOLDS):
        if ours[place : place + HOLDS].all():
            return place * STEP / RATE
    return None


async def _run(
    options: Options, steps: Steps, home: Path, cache: Path, addresses: instance.Addresses
) -> list[tuple[float, float]]:
    settings, file = instance.write_settings(home, cache, addresses, agents=1, record=True)
    steps.next("telephone (SIPp) and the agent's account")
    tool = await asyncio.to_thread(sipp.find, cache)
    install = await asyncio.to_thread(provide.find, cache)
    instance.lend_prompt(install, Path(settings.calls.prompts))
    number = str(instance.FIRST_EXTENSION)
    ((_, token),) = (await instance.sign_in(settings, (number,))).items()
    stack = Stack(settings, instance=instance.INSTANCE, config_file=file, steps=steps)
    async with stack, chromium(cache, tone_file(home / "tone.wav")) as browser:
        steps.next("the agent's page in Chromium")
        context = await browser.new_context(locale="zh-CN", permissions=["microphone"])
        await context.add_init_script(CONNECTIONS)
        await context.add_cookies([{"name": COOKIE, "value": token, "url": stack.web}])
        page = await context.new_page()
        page.set_default_timeout(LIMIT_S * 1000)
        await page.goto(stack.web)
        await _has(page, "phone", "line", "registered")
        found = []
        steps.next(f"{options.rounds} answers, one after another")
        for turn in range(options.rounds + 1):
            folder = home / f"call{turn}"
            heard = await _one(page, tool, addresses, folder, turn, settings.recordings, settings.database)
            if turn > 0:  # the first opens everything for the first time
                found.append(heard)
                steps.detail(f"{turn}: agent hears after {heard[0]:.0f} ms, citizen after {heard[1]:.0f} ms")
        return found


async def _has(page: Page, test_id: str, name: str, value: str) -> None:
    """Wait until a part of the page says this. Raises BenchError."""
    place = page.get_by_test_id(test_id)
    try:
        async with asyncio.timeout(LIMIT_S):
            while await place.get_attribute(f"data-{name}") != value:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        said = await place.get_attribute(f"data-{name}")
        raise BenchError(f"the page's {test_id} is {said}, not {value}, after {LIMIT_S:g} s") from None


async def _one(
    page: Page,
    tool: sipp.Tool,
    addresses: instance.Addresses,
    folder: Path,
    turn: int,
    recordings: Path,
    database: str,
) -> tuple[float, float]:
    """One answered call: milliseconds from the key until the agent hears, and until the citizen does."""
    if await page.get_by_test_id("agent-state").get_attribute("data-state") != "ready":
        await page.get_by_test_id("ready").click()
    await _has(page, "agent-state", "state", "ready")
    citizen = sipp.Telephones(tool, "citizen", addresses.citizens, folder)
    caller = f"139{turn:02d}"
    try:
        await citizen.start(
            (f"{addresses.asterisk}:5060", "-key", "lap", caller, "-mp", "30000", "-m", "1"),
            numbers=("12345",),
        )
        await _has(page, "phone", "call", "ringing")
        await asyncio.sleep(RING_S)
        await page.evaluate(WATCH)
        await page.keyboard.press("F2")
        await _has(page, "phone", "call", "talking")
        await asyncio.sleep(TALK_S)
        told: dict[str, float] = await page.evaluate("window.__answer")
        began = await _citizen_heard(recordings, database, caller)  # before the sides are put together
        await page.get_by_test_id("phone-hang-up").click()
        await _has(page, "phone", "call", "idle")
        await citizen.done(LIMIT_S)
    finally:
        await citizen.stop()
    if "heard" not in told or "pressed" not in told:
        raise BenchError("the agent's page received no sound")
    return told["heard"] - told["pressed"], 1000 * began - told["pressed"]


async def _citizen_heard(recordings: Path, database: str, caller: str) -> float:
    """When the agent's tone began in the newest call of this caller, epoch seconds. Raises BenchError."""
    engine = open_engine(database)
    query = select(calls.c.call_id, calls.c.recording_started).where(
        calls.c.caller.startswith(caller), calls.c.recording_started.is_not(None)
    )
    try:
        async with asyncio.timeout(LIMIT_S), engine.connect() as connection:
            while (row := (await connection.execute(query)).first()) is None:
                await connection.rollback()
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise BenchError("the call was not recorded; see the server's log") from None
    finally:
        await engine.dispose()
    file = recordings / f"{row.call_id}-heard.sln"
    for _ in range(WRITTEN_TRIES):  # Asterisk writes in pieces
        at = onset(await asyncio.to_thread(file.read_bytes)) if file.exists() else None
        if at is not None:
            return float(row.recording_started) + at
        await asyncio.sleep(0.2)
    raise BenchError("the citizen heard nothing of the agent")
