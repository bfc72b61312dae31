"""Who is at the desks: persons by login and by extension."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cti.ports import Person


class People:
    """Everybody whom call control has met since it started."""

    def __init__(self) -> None:
        self._by_login: dict[str, Person] = {}
        self._by_extension: dict[str, str] = {}

    def __iter__(self) -> Iterator[Person]:
        return iter(tuple(self._by_login.values()))

    def meet(self, person: Person) -> None:
        """Remember (the newest version of) a person."""
        before = self._by_login.get(person.login)
        if before is not None and self._by_extension.get(before.extension) == person.login:
            del self._by_extension[before.extension]
        self._by_login[person.login] = person
        if person.extension:
            self._by_extension[person.extension] = person.login

    def meet_all(self, persons: Iterable[Person]) -> None:
        """Remember several."""
        for person in persons:
            self.meet(person)

    def extension(self, login: str) -> str:
        """The person's extension, "" when unknown or none."""
        person = self._by_login.get(login)
        return person.extension if person else ""

    def at_extension(self, extension: str) -> str | None:
        """Login of the person with this extension."""
        return self._by_extension.get(extension)

    @property
    def extensions(self) -> frozenset[str]:
        """Every extension that belongs to somebody."""
        return frozenset(self._by_extension)

    def districts_of(self, login: str) -> tuple[str, ...]:
        """区县 whose orders are open to this person, none for all."""
        person = self.find(login)
        return () if person is None else person.districts

    def find(self, login: str) -> Person | None:
        """The person, or None."""
        return self._by_login.get(login)
