"""Supervisors of several servers: each knows who supervises elsewhere; words reach who reads a call."""

from __future__ import annotations

from collections.abc import Callable

from asr.messages import Speaker
from cti.control.supervision_book import Supervising, SupervisionBook
from cti.control.supervision_elsewhere import KEPT_S, Elsewhere
from cti.control.supervision_relay import SupervisionRelay
from cti.messages import Caption, SupervisionKind


def supervising(spy_id: str = "supervisor-1", by: str = "boss", call_id: str = "c1") -> Supervising:
    kind = SupervisionKind.LISTEN
    return Supervising(
        spy_id=spy_id, call_id=call_id, agent_id="li", by=by, by_name="班长", kind=kind, wanted=kind,
        began=1.0, since=1.0,
    )  # fmt: skip


def said(text: str) -> Caption:
    return Caption(
        call_id="c1", line_id=text, speaker=Speaker.CITIZEN, text=text, start=0.0, end=1.0, final=True
    )


class Server:
    """One server's book and pages, on a wire to all others."""

    def __init__(self, name: str, wire: list[Server], calls: dict[str, list[Caption]]) -> None:
        self.name = name
        self.on_supervision: Callable[[str, bytes], None]
        self.now = 0.0
        self.book = SupervisionBook()
        self.topics: set[str] = set()
        self.shown: list[tuple[str, str]] = []
        self.handed: list[tuple[str, bool]] = []
        self.silent: list[Supervising] = []
        self._wire = wire
        self.relay = SupervisionRelay(
            self, self.book, self, is_here=calls.__contains__,
            captions=lambda call_id: calls.get(call_id, ()), mono=lambda: self.now,
        )  # fmt: skip
        self.relay.on_handed = lambda spy_id, put_down: self.handed.append((spy_id, put_down))
        self.relay.on_silent = self.silent.append
        wire.append(self)

    def say_supervision(self, word: bytes) -> None:
        for other in self._wire:
            if other is not self:
                other.on_supervision(self.name, word)

    def watched(self, topic: str) -> bool:
        return topic in self.topics

    def tell(self, topic: str, message: Caption) -> None:
        if topic in self.topics:
            self.shown.append((topic, message.text))


def pair(calls: dict[str, list[Caption]] | None = None) -> tuple[Server, Server]:
    """Two servers; the calls are at the second."""
    wire: list[Server] = []
    return Server("one", wire, {}), Server("two", wire, calls or {})


def test_each_server_knows_who_supervises_at_the_other() -> None:
    one, two = pair()
    two.book.put(supervising())
    assert [found.call_id for found in one.relay.elsewhere] == ["c1"]
    two.book.drop("supervisor-1")
    assert list(one.relay.elsewhere) == []


def test_a_server_that_starts_later_hears_who_supervises_within_the_next_look() -> None:
    wire: list[Server] = []
    two = Server("two", wire, {})
    two.book.put(supervising())
    one = Server("one", wire, {})
    two.relay.look()
    assert one.relay.elsewhere.by("boss") == supervising()


def test_supervisors_of_a_server_that_has_fallen_silent_are_forgotten() -> None:
    one, two = pair()
    two.book.put(supervising())
    one.now = KEPT_S + 0.1
    one.relay.look()
    assert (list(one.relay.elsewhere), one.silent) == ([], [supervising()])


def test_a_supervisor_whom_another_server_has_taken_up_is_not_told_to_be_gone() -> None:
    elsewhere = Elsewhere()
    elsewhere.heard("two", (supervising(),), 0.0)
    elsewhere.heard("three", (supervising(),), KEPT_S)
    assert elsewhere.expired(KEPT_S + 0.1) == ()
    assert elsewhere.by("boss") == supervising()


def test_who_goes_to_a_call_elsewhere_is_handed_over() -> None:
    one, two = pair()
    two.relay.handed("supervisor-1", put_down=False)
    assert (one.handed, two.handed) == ([("supervisor-1", False)], [])


def test_a_page_reads_a_call_of_another_server_from_its_beginning_for_as_long_as_it_watches() -> None:
    words = [said("你好")]
    one, two = pair({"c1": words})
    two.relay.caption(said("没有人在看"))
    one.topics.add("call:c1")
    one.relay.read("c1")
    two.relay.caption(said("路灯坏了"))
    assert one.shown == [("call:c1", "你好"), ("call:c1", "路灯坏了")]
    two.now = KEPT_S - 1
    one.relay.look()
    two.now = KEPT_S + 1
    two.relay.caption(said("在人民路"))
    assert one.shown[2:] == [("call:c1", "在人民路")]
    one.topics.clear()
    one.relay.look()
    two.now += KEPT_S
    two.relay.caption(said("没有人再看"))
    assert len(one.shown) == 3
