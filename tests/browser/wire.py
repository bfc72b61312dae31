"""Between a page and the server: messages of the server's kind that a test says in its place.

What the desk does with two matters or with advice does not depend on how they were found, so a test tells the
page of them itself, and answers for the order that only the page knows.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from playwright.async_api import Page, WebSocketRoute

from cti.messages import AdviceView, DraftView, FieldView, View


class Wire:
    """One page's WebSocket, with the test in the middle."""

    def __init__(self) -> None:
        self._page: WebSocketRoute | None = None
        self._invented: dict[str, DraftView] = {}
        self._advises = False  # the test has told advice: the server's own is held back
        self._seq = 0  # number of the last message told: with what the test says they are other ones

    async def join(self, page: Page) -> None:
        """Stand between; call this before the page is opened."""
        await page.route_web_socket("**/api/ws", self._joined)

    def tell(self, view: View) -> None:
        """Say this to the page."""
        if self._page is None:
            raise RuntimeError("the page is not connected")
        self._advises = self._advises or isinstance(view, AdviceView)
        self._send(msgspec.to_builtins(view))

    def invent(self, draft: DraftView) -> None:
        """Tell the page of an order that the server does not know."""
        self._invented[draft.order_id] = draft
        self.tell(draft)

    def _joined(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        self._page = page

        def from_page(text: str | bytes) -> None:
            message: dict[str, Any] = json.loads(text)
            draft = self._invented.get(str(message.get("order_id", "")))
            if draft is None:
                server.send(text)
            else:
                self._answer(draft, message)

        def from_server(text: str | bytes) -> None:
            message: dict[str, Any] = json.loads(text)
            if self._advises and message["type"] == "advice_view":
                return  # the test's advice stands
            self._send(message)

        page.on_message(from_page)
        server.on_message(from_server)

    def _answer(self, draft: DraftView, message: dict[str, Any]) -> None:
        """Do as the server does with an edit, a submission or a discarding."""
        fields, state = dict(draft.fields), draft.state
        if message["type"] == "edit_field":
            fields[message["field"]] = FieldView(
                value=message["value"], filler="agent", source="agent:chen", confidence=1.0
            )
        else:
            state = {"submit_order": "accepted", "discard_order": "discarded"}[message["type"]]
        self.invent(
            DraftView(
                order_id=draft.order_id,
                call_id=draft.call_id,
                version=draft.version + 1,
                state=state,
                fields=fields,
            )
        )
        if self._page is not None:
            self._send({"type": "reply", "ref": message["ref"], "ok": True, "error": ""})

    def _send(self, message: dict[str, Any]) -> None:
        """Send it as the next one."""
        if self._page is not None:
            self._seq += 1
            self._page.send(json.dumps({**message, "seq": self._seq}, ensure_ascii=False))
