"""The desk as an agent uses it: a page in a real browser, played by its `data-testid`s alone."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Locator, Page, expect

from cti.demo.people import DemoAccount
from tests.support.chromium import SIZE
from tests.support.hotline import LIMIT_S

LIMIT_MS = LIMIT_S * 1000

RECEIVED = """async () => {
  let packets = 0;
  for (const connection of window.__connections)
    for (const report of (await connection.getStats()).values())
      if (report.type === 'inbound-rtp' && report.kind === 'audio') packets += report.packetsReceived;
  return packets;
}"""
TOO_WIDE = """() => {
  const scrolls = [...document.querySelectorAll('html, body, .frame, .bar, main, main > *')]
    .filter(part => part.scrollWidth > part.clientWidth + 1);
  const out = [...document.querySelectorAll('[data-testid], main button, .bar button, .bar a')]
    .filter(part => part.checkVisibility() && part.getBoundingClientRect().right > innerWidth + 1
      && !part.closest('.queues'));
  return [...scrolls, ...out].map(part => part.dataset.testid ?? part.className ?? part.tagName);
}"""
FINAL_WORDS = """lines => lines.filter(line => line.dataset.final === 'true').map(line => {
  const text = line.querySelector('.text').cloneNode(true);
  for (const aside of text.querySelectorAll('.hidden, small')) aside.remove();
  return [line.dataset.speaker, text.textContent.trim()];
})"""


class DeskPage:
    """One agent's page."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self._base = base
        self.faults: list[str] = []  # errors that no code of the page has caught
        page.set_default_timeout(LIMIT_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def at(self, test_id: str) -> Locator:
        """The control with this `data-testid`."""
        return self.page.get_by_test_id(test_id)

    async def visit(self, path: str = "/") -> None:
        """Open a page of the desk by its address."""
        await self.page.goto(f"{self._base}{path}")

    async def sign_in(self, login: str, password: str) -> None:
        """Type name and password, and press the button."""
        await self.at("login-name").fill(login)
        await self.at("login-password").fill(password)
        await self.at("login-submit").click()

    async def open(self, account: DemoAccount) -> None:
        """Sign in; returns when the page is connected and, for who has one, its telephone is registered."""
        await self.visit()
        await self.sign_in(account.login, account.password)
        await expect(self.at("link-state")).to_have_text("服务器已连接", timeout=LIMIT_MS)
        if account.extension:
            await expect(self.at("phone")).to_have_attribute("data-line", "registered", timeout=LIMIT_MS)

    async def sign_out(self) -> None:
        """End the session, whatever the page shows."""
        await self.page.evaluate("fetch('/api/logout', {method: 'POST'})")

    # ------------------------------------------------------------ the telephone

    async def is_in(self, state: str) -> None:
        """Wait until the agent is in this state."""
        await expect(self.at("agent-state")).to_have_attribute("data-state", state, timeout=LIMIT_MS)

    async def ready(self) -> None:
        """Press 示闲."""
        await self.at("ready").click()

    async def rings(self) -> None:
        """Wait until a caller rings in the page."""
        await self.phone_is("ringing")

    async def phone_is(self, step: str) -> None:
        """Wait until the telephone is idle, ringing, answering, talking or ending."""
        await expect(self.at("phone")).to_have_attribute("data-call", step, timeout=LIMIT_MS)

    async def answer(self) -> None:
        """Answer the caller who rings, and wait until both are connected."""
        await self.rings()
        await self.at("phone-answer").click()
        await self.phone_is("talking")
        await self.is_in("talking")

    async def hang_up(self) -> None:
        """End the talk; the order is still to be written up."""
        await self.at("phone-hang-up").click()
        await self.phone_is("idle")
        await self.is_in("wrap_up")

    async def received(self) -> int:
        """How many audio packets have come in over WebRTC since the page was opened."""
        packets: int = await self.page.evaluate(RECEIVED)
        return packets

    async def receives(self, packets: int) -> None:
        """Wait until so many have come in. Raises TimeoutError."""
        async with asyncio.timeout(LIMIT_S):
            while await self.received() < packets:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    # ------------------------------------------------------------ zoom

    async def zoom(self) -> None:
        """Give the page as many pixels of its own as a screen of 1366×768 has at 150 %."""
        await self.page.set_viewport_size({"width": 911, "height": 512})

    async def unzoom(self) -> None:
        """Show it in its usual size again."""
        width, height = SIZE
        await self.page.set_viewport_size({"width": width, "height": height})

    async def too_wide(self) -> list[str]:
        """What makes the window, or the page in it, scroll sideways; nothing where all is well."""
        parts: list[str] = await self.page.evaluate(TOO_WIDE)
        return parts

    # ------------------------------------------------------------ words and order

    async def heard(self, speaker: str) -> str:
        """All finished captions of one side, as they are shown."""
        lines: list[tuple[str, str]] = await self.at("caption-line").evaluate_all(FINAL_WORDS)
        return "".join(text for who, text in lines if who == speaker)

    async def shows(self, field: str, value: str | re.Pattern[str]) -> None:
        """Wait until a field of the order holds this."""
        box = self.at(f"field-{field}")
        if field in ("type", "urgency"):
            await expect(box).to_have_attribute("data-value", value, timeout=LIMIT_MS)
        else:
            await expect(box).to_have_value(value, timeout=LIMIT_MS)

    async def filled_by(self, field: str, filler: str) -> None:
        """Wait until a field is the machine's or the agent's."""
        await expect(self.at(f"box-{field}")).to_have_attribute("data-filler", filler, timeout=LIMIT_MS)

    async def saved(self) -> None:
        """Wait until the server has everything that was typed."""
        await expect(self.at("order-saving")).to_have_text("已保存", timeout=LIMIT_MS)

    async def submit(self) -> str:
        """Submit the order, wait until the server has it, and return its id."""
        order = await self.at("order").get_attribute("data-order")
        await self.at("order-submit").click()
        await expect(self.at("order-message")).to_have_text("工单已提交", timeout=LIMIT_MS)
        return order or ""
