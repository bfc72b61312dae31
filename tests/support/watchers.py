"""Pages that watch topics, played by a test: what they are told, and who they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from cti.messages import ServerMessage
from cti.ports import Person

__all__ = ["FakeHub"]

Message = TypeVar("Message", bound=ServerMessage)


@dataclass(slots=True)
class FakeHub:
    """Implements `cti.casework.order_feed.Watchers`."""

    openings: dict[str, Callable[[Person, str], Iterable[ServerMessage]]] = field(default_factory=dict)
    watchers: list[tuple[Person, str]] = field(default_factory=list)
    told: list[tuple[str, str, ServerMessage]] = field(default_factory=list)  # login, topic, message

    def watch(self, person: Person, topic: str) -> None:
        """Let the person's page watch; raises CommandRefused as a hub does."""
        self.openings[topic.partition(":")[0]](person, topic)
        self.watchers.append((person, topic))

    def tell(
        self, topic: str, message: ServerMessage, *, only: Callable[[Person], bool] | None = None
    ) -> None:
        for person, watched in self.watchers:
            if watched == topic and (only is None or only(person)):
                self.told.append((person.login, topic, message))

    def looking_at(self, topic: str) -> Iterable[Person]:
        return [person for person, watched in self.watchers if watched == topic]

    def watching(self) -> frozenset[str]:
        return frozenset(topic for _, topic in self.watchers)

    def heard(self, login: str, kind: type[Message]) -> list[Message]:
        """What of this kind a person's pages were told."""
        return [message for who, _, message in self.told if who == login and isinstance(message, kind)]
