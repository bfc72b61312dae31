"""Who is told of supervisors in calls: themselves, those in charge, the agent as policy says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from cti.call import Call
from cti.control.calls import Calls
from cti.control.people import People
from cti.control.supervision_book import Supervising, SupervisionBook
from cti.control.supervision_rights import WATCHERS
from cti.message_base import Role
from cti.messages import Caption, EntryKind, Notice
from cti.messages_floor import SupervisionKind, SupervisionView
from cti.ports import Pages, Person

__all__ = ["SupervisionNews", "note_act"]


class SupervisionNews:
    """Tells pages, wherever they are, what the book says."""

    def __init__(
        self,
        book: SupervisionBook,
        calls: Calls,
        people: People,
        pages: Pages,
        captions: Callable[[str], Sequence[Caption]],
        shown: Collection[SupervisionKind],
        elsewhere: Iterable[Supervising] = (),
    ) -> None:
        """`captions(call)`: said so far; `shown`: ways that agents are told of; `elsewhere`: others'."""
        self._book = book
        self._calls = calls
        self._people = people
        self._pages = pages
        self._captions = captions
        self._shown = shown
        self._elsewhere = elsewhere

    def of_agent(self, login: str) -> SupervisionView | None:
        """Who is in this agent's call, as far as the agent may know."""
        shown = [one for one in self._everybody() if one.agent_id == login and one.shown]
        return _view(shown[0]) if shown else None

    def views(self, person: Person) -> tuple[SupervisionView, ...]:
        """Everybody who supervises anywhere, for the live list; who only listens sees themselves."""
        own = person.role is Role.LISTENER
        return tuple(_view(one) for one in self._everybody() if not own or one.by == person.login)

    def hears(self, login: str, call_id: str) -> bool:
        """Whether this person is in this call."""
        return any(one.by == login and one.call_id == call_id and one.there for one in self._everybody())

    def caption(self, call: Call, caption: Caption) -> None:
        """Show words of a call to whoever supervises it; who is in it as a party sees them anyway."""
        ears = [one.by for one in self._book.of_call(call.call_id) if one.there]
        if others := [login for login in ears if login not in call.agents]:
            self._pages.send(others, caption)

    def brief(self, one: Supervising) -> None:
        """Show who has come into a call what has been said so far."""
        for caption in self._captions(one.call_id):
            self._pages.send((one.by,), caption)

    def tell(self, one: Supervising) -> None:
        """Tell how it is now, the agent as policy says."""
        shown = one.there and one.kind in self._shown and bool(one.agent_id)
        if shown or one.shown:
            self._pages.send((one.agent_id,), _view(one, active=shown))
        if shown is not one.shown:
            one = self._book.put(replace(one, shown=shown))
        self._pages.send(self._watchers(one), _view(one))

    def over(self, one: Supervising) -> None:
        """Tell that this way of being in the call is over."""
        agent = (one.agent_id,) if one.shown else ()
        self._pages.send((*agent, *self._watchers(one)), _view(one, active=False))

    def hide(self, one: Supervising) -> None:
        """The agent of before has nothing to do with it any more."""
        if one.shown:
            self._pages.send((one.agent_id,), _view(one, active=False))

    def notice(self, login: str, level: str, text: str) -> None:
        """A sentence for one person; nobody hears it when `login` is ""."""
        if login:
            self._pages.send((login,), Notice(level=level, text=text))

    def note(self, call_id: str, by: str, act: str, **more: object) -> None:
        """Journal an act."""
        note_act(self._calls, call_id, by, act, more)

    def fell_silent(self, one: Supervising, show: Callable[[Iterable[str], SupervisionView], None]) -> None:
        """The server of this supervisor says nothing any more: the pages here see them no longer."""
        if all(other.spy_id != one.spy_id for other in self._everybody()):
            agent = (one.agent_id,) if one.shown else ()
            show((*agent, *self._watchers(one)), _view(one, active=False))

    def _everybody(self) -> Iterator[Supervising]:
        """Who supervises here or elsewhere; of somebody who has just come here only what is here."""
        yield from self._book
        here = {one.by for one in self._book}
        yield from (one for one in self._elsewhere if one.by not in here)

    def _watchers(self, one: Supervising) -> Iterable[str]:
        in_charge = {person.login for person in self._people if person.role in WATCHERS - {Role.LISTENER}}
        return (in_charge | {one.by}) - {one.agent_id}


def _view(one: Supervising, *, active: bool = True) -> SupervisionView:
    return SupervisionView(
        call_id=one.call_id, agent_id=one.agent_id, by=one.by, by_name=one.by_name, kind=one.kind,
        since=one.since, active=active, there=one.there,
    )  # fmt: skip


def note_act(calls: Calls, call_id: str, by: str, act: str, more: Mapping[str, object]) -> None:
    """Journal what a supervisor did; the database makes a line of the audit trail of it."""
    calls.note(call_id, EntryKind.SUPERVISION, {"by": by, "act": act, **more})
