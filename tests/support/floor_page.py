"""A supervisor's page without a browser: it remembers the live list and what it is told of supervisors."""

from __future__ import annotations

from typing import Any

from cti.messages import (
    AgentView,
    CallView,
    FloorChange,
    FloorView,
    Notice,
    ServerMessage,
    StaffMessage,
    SupervisionKind,
    SupervisionView,
)
from tests.support.hotline import Desk


class Page(Desk):
    """A page that remembers what it is told of the floor."""

    def __init__(self, base: str, account: Any) -> None:
        super().__init__(base, account)
        self.people: dict[str, AgentView] = {}
        self.live: dict[str, CallView] = {}
        self.supervisions: dict[tuple[str, str], SupervisionView] = {}
        self.notices: list[str] = []
        self.words: dict[str, StaffMessage] = {}

    def _take(self, message: ServerMessage) -> None:
        super()._take(message)
        match message:
            case FloorView():
                self.people = {one.agent_id: one for one in message.agents}
                self.live = {one.call_id: one for one in message.calls}
                self.supervisions |= {(one.call_id, one.by): one for one in message.supervisions}
            case FloorChange():
                self.people |= {one.agent_id: one for one in message.agents}
                self.live |= {one.call_id: one for one in message.calls}
            case SupervisionView():
                self.supervisions[message.call_id, message.by] = message
            case Notice():
                self.notices.append(message.text)
            case StaffMessage():
                self.words[message.message_id] = message
            case _:
                return

    def is_in(self, call_id: str, kind: SupervisionKind) -> bool:
        """Whether the supervisor agent3 is shown to be in the call so."""
        view = self.supervisions.get((call_id, "agent3"))
        return view is not None and view.active and view.there and view.kind is kind
