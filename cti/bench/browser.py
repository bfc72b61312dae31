"""A real Chromium for a benchmark, with a microphone that whistles."""

from __future__ import annotations

import os
import shutil
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from asterisk_conf import debs
from asterisk_conf.errors import ProvideError
from cti.bench.errors import BenchError

if TYPE_CHECKING:
    from playwright.async_api import Browser

__all__ = ["FLAGS", "HERTZ", "NAMES", "PACKAGES", "chromium", "tone_file"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "chromium-common", "fonts-noto-cjk")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
)
HERTZ = 1000.0
RATE = 48_000
LOUD = 9000.0


def tone_file(file: Path) -> Path:
    """Write ten seconds of a tone, which the microphone plays again and again."""
    times = numpy.arange(RATE * 10) / RATE
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes((LOUD * numpy.sin(2 * numpy.pi * HERTZ * times)).astype("<i2").tobytes())
    return file


@asynccontextmanager
async def chromium(cache: Path, microphone: Path) -> AsyncIterator[Browser]:
    """Run the Chromium that `HOTLINE_CHROMIUM` names, an installed one, or one unpacked into the cache.

    Raises:
        BenchError: there is none, or Playwright, which drives it, is not installed.
    """
    try:
        from playwright.async_api import async_playwright
    except ModuleNotFoundError:
        raise BenchError("Playwright drives the browser: install this project's `dev` dependencies") from None
    program, variables = _program(cache)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            args=[*FLAGS, f"--use-file-for-fake-audio-capture={microphone}"],
            env={**os.environ, **variables},
        )
        try:
            yield browser
        finally:
            await browser.close()


def _program(cache: Path) -> tuple[Path, dict[str, str]]:
    named = os.environ.get("HOTLINE_CHROMIUM", "")
    for name in (named,) if named else NAMES:
        if (found := shutil.which(name)) is not None:
            return Path(found), {}
    if named:
        raise BenchError(f"HOTLINE_CHROMIUM={named} is no program; name one, or unset it")
    try:
        tree = debs.provide(PACKAGES, debs.HOST, cache / "chromium")
    except ProvideError as error:
        raise BenchError(f"no Chromium: {error}; install one or name it in HOTLINE_CHROMIUM") from error
    return tree.path("chromium"), tree.env()
