"""Headless Chromium for tests: a real browser with a microphone that plays a file.

    async with chromium(microphone=file) as browser:
        context = await new_context(browser)

The program is the one that `HOTLINE_CHROMIUM` names, else an installed one, else Debian's package unpacked
beside Asterisk's. Without any of them the test is skipped, saying why; in CI (`CI=true`) it fails instead.
"""

from __future__ import annotations

import functools
import os
import shutil
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import pytest
import soxr
from playwright.async_api import Browser, BrowserContext, async_playwright

from asterisk_conf import debs
from asterisk_conf.errors import ProvideError
from cti.bench.browser import FLAGS, NAMES, PACKAGES
from tests.support.asterisk import CACHE
from tests.support.speech import CITIZENS

SIZE = (1366, 768)
"""Width and height of the screens that hotlines still have most of."""

MICROPHONE_RATE = 48_000

WATCH_CONNECTIONS = """
window.__connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) { super(...options); window.__connections.push(this); }
};
"""
"""Keeps every WebRTC connection that the page opens where a test can ask for its statistics."""


@dataclass(frozen=True, slots=True)
class Program:
    """A Chromium that can be run."""

    path: Path
    env: dict[str, str] = field(default_factory=dict)
    """Variables to add to the environment."""


@functools.cache
def program() -> Program:
    """Return the machine's Chromium, or one that is unpacked on first use; else skip, or fail in CI."""
    named = os.environ.get("HOTLINE_CHROMIUM", "")
    if named:
        if not os.access(named, os.X_OK):
            pytest.fail(f"HOTLINE_CHROMIUM={named} is no program; name one, or unset it")
        return Program(Path(named))
    for name in NAMES:
        if (found := shutil.which(name)) is not None:
            return Program(Path(found))
    try:
        return _unpacked()
    except ProvideError as error:
        reason = f"no Chromium: {error}; install one or name it in HOTLINE_CHROMIUM"
        if os.environ.get("CI", "") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def _unpacked() -> Program:
    tree = debs.provide(PACKAGES, debs.HOST, CACHE / "chromium")
    fonts = CACHE / "chromium-fonts.conf"
    fonts.write_text(
        f"<fontconfig><dir>{tree.root}/usr/share/fonts</dir><dir>/usr/share/fonts</dir>"
        f"<cachedir>{CACHE}/chromium-fonts</cachedir></fontconfig>",
        encoding="utf-8",
    )
    return Program(tree.path("chromium"), tree.env() | {"FONTCONFIG_FILE": str(fonts)})


@asynccontextmanager
async def chromium(microphone: Path | None = None) -> AsyncIterator[Browser]:
    """Run a browser; its microphone plays `microphone` again and again, or beeps."""
    found = program()
    flags = list(FLAGS)
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found.path, args=flags, env={**os.environ, **found.env}
        )
        try:
            yield browser
        finally:
            await browser.close()


async def new_context(browser: Browser) -> BrowserContext:
    """Open a window of its own: nobody is signed in, the microphone is allowed."""
    width, height = SIZE
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        permissions=["microphone"],
    )
    await context.add_init_script(WATCH_CONNECTIONS)
    return context


def say(file: Path, lines: Sequence[str | float]) -> Path:
    """Write what a microphone shall hear: names of the demo's recordings, and seconds of silence between."""
    parts = []
    for line in lines:
        if isinstance(line, str):
            with wave.open(str(CITIZENS / f"{line}.wav")) as sound:
                speech = numpy.frombuffer(sound.readframes(sound.getnframes()), dtype=numpy.int16)
                parts.append(soxr.resample(speech, sound.getframerate(), MICROPHONE_RATE))
        else:
            parts.append(numpy.zeros(int(line * MICROPHONE_RATE), dtype=numpy.int16))
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(MICROPHONE_RATE)
        sound.writeframes(numpy.concatenate(parts).astype("<i2").tobytes())
    return file
