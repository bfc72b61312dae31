"""Call-backs in call control: real router, lines and calls; the citizens' telephones are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, cast
from urllib.parse import quote

import msgspec
import pytest
import pytest_asyncio

from acd.callback_policy import CallbackPolicy
from acd.callbacks import Callback, CallbackState, Result
from acd.messages import AgentBecameReady, AgentState, OfferWithdrawn, Tick
from cti.ami import AmiDown
from cti.callback_records import KeptCallback
from cti.callback_store import CallbackStore
from cti.control.callback_book import CallbackBook
from cti.control.callback_desk import CallbackDesk, CallbackRefused
from cti.control.callback_keeper import CallbackKeeper
from cti.control.callback_members import Alone
from cti.control.callback_parts import CallbackParts, rules_of
from cti.control.callback_rules import CallbackRules
from cti.control.callback_turns import CallbackTurns
from cti.control.callbacks import Callbacks
from cti.errors import SettingError
from cti.messages import CallState
from cti.settings import CallbackSettings, Settings, load
from tests.support.control import NODE, SERVER, PlayedSession, World

S = CallbackState
NUMBER = "13800000001"  # of every played session
ALWAYS = CallbackPolicy(opens_s=0, closes_s=86_400)


class Clock:
    """The time, which tests set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class PlayedTelephones:
    """The citizens' telephones: rings until the test says what becomes of it."""

    able = True

    def __init__(self) -> None:
        self.rings: dict[str, asyncio.Future[Result | None]] = {}
        self.rung: list[str] = []  # numbers
        self.hung_up: list[str] = []
        self.channels: set[str] = set()
        self.node: str | None = NODE
        self.down = False

    def node_for(self, agent_id: str) -> str | None:
        return self.node

    def new_call_id(self, node: str) -> str:
        return f"{node}-1800000000.9{len(self.rung)}"

    async def dial(self, callback: Callback, call_id: str, seconds: float) -> Result | None:
        if self.down:
            raise AmiDown("played")
        self.rung.append(callback.number)
        self.channels.add(call_id)
        self.rings[callback.number] = asyncio.get_running_loop().create_future()
        return await self.rings[callback.number]

    async def hang_up(self, call_id: str) -> None:
        self.hung_up.append(call_id)

    async def alive(self, call_id: str) -> bool:
        if self.down:
            raise AmiDown("played")
        return call_id in self.channels


class NoStore:
    """A database that knows of nothing."""

    async def get(self, callback_id: str) -> None:
        return None


class Office:
    """Call control with call-backs."""

    def __init__(self, policy: CallbackPolicy = ALWAYS, *, automatic: bool = True) -> None:
        self.clock = Clock()
        self.world = World(clock=self.clock)
        self.telephones = PlayedTelephones()
        self.forbidden: set[str] = set()
        self.database_away = False
        self.stored: list[KeptCallback] = []
        self.members = Alone(SERVER)
        world = self.world
        rules = CallbackRules(policy=policy, automatic=automatic)
        self.book = CallbackBook(calls=world.calls, pages=world.book, server=SERVER, queue_titles=str)
        self.turns = CallbackTurns(
            book=self.book,
            calls=world.calls,
            dispatch=world.dispatch,
            dialler=self.telephones,
            blocked=self._blocked,
            beside=world.telephony.beside,
            rules=rules,
        )
        self.callbacks = Callbacks(
            book=self.book, turns=self.turns, calls=world.calls, dispatch=world.dispatch, rules=rules
        )
        self.keeper = CallbackKeeper(
            callbacks=self.callbacks,
            turns=self.turns,
            calls=world.calls,
            dispatch=world.dispatch,
            dialler=self.telephones,
            stored=self._stored,
            members=self.members,
            alone=True,
        )
        self.desk = CallbackDesk(
            callbacks=self.callbacks,
            turns=self.turns,
            calls=world.calls,
            dispatch=world.dispatch,
            store=cast("CallbackStore", NoStore()),
        )
        world.switchboard._callbacks = self.turns
        parts = CallbackParts(
            callbacks=self.callbacks,
            turns=self.turns,
            dialler=cast("Any", self.telephones),
            keeper=self.keeper,
            desk=self.desk,
        )
        parts.attach(world.calls)
        world.outside.places = cast("Any", self)

    def get(self, caller: str) -> float | None:
        """The place of a caller, as lines ask for it."""
        call = next((one for one in self.world.calls if one.caller == caller), None)
        return self.callbacks.place_of(call) if call else None

    async def _blocked(self, number: str) -> bool:
        if self.database_away:
            raise OSError("played")
        return number in self.forbidden

    async def _stored(self) -> list[KeptCallback]:
        return self.stored

    def wish(self, number: str = NUMBER, *, origin: str = "citizen", **more: Any) -> Callback:
        """Somebody is to be called back."""
        given: dict[str, Any] = {"queue": "general", "needs": {"general": 1}, "call_id": ""}
        given |= {"since": self.clock.now} | more
        callback = self.callbacks.wanted(origin=origin, number=number, **given)
        assert callback is not None
        return callback

    def find(self, callback: Callback) -> Callback:
        """As it stands now, open or closed."""
        kept = self.book.newest(callback.callback_id)
        assert kept is not None
        return kept.callback

    async def look(self, later_s: float = 0.0) -> None:
        """Some time passes, and the keeper looks."""
        self.clock.now += later_s
        await self.keeper.look()
        await self.settle()

    async def settle(self) -> None:
        """Let everything that runs beside go on."""
        for _ in range(10):
            await asyncio.sleep(0)

    async def rings(self, callback: Callback) -> Callback:
        """Agent li is ready; return when the citizen's telephone rings."""
        await self.look()
        if self.world.router.agent("li") is None:
            await self.world.signs_in("li")
        await self.settle()
        await self.world.comes(lambda: callback.number in self.telephones.rings)
        return self.find(callback)

    async def ends(self, callback: Callback, result: Result) -> Callback:
        """What became of the ringing."""
        self.telephones.rings[callback.number].set_result(result)
        self.telephones.channels.clear()
        await self.settle()
        return self.find(callback)

    def answers(self, callback: Callback) -> PlayedSession:
        """The citizen picks up: Asterisk hands the channel over."""
        ringing = self.find(callback)
        self.telephones.rings[callback.number].set_result(None)
        session = self.world.calls_in(call_id=ringing.call_id, stage="callback")
        place = [callback.callback_id, callback.number, callback.queue, callback.since, 0, False]
        session.variables["HL_CALLBACK"] = quote(msgspec.json.encode(place))
        return session

    def agent(self) -> AgentState | None:
        """What li does."""
        return self.world.agent_is("li")


@pytest_asyncio.fixture
async def office() -> AsyncIterator[Office]:
    office = Office()
    yield office
    await office.world.end()


async def test_an_agent_is_reserved_while_the_citizens_telephone_rings(office: Office) -> None:
    callback = await office.rings(office.wish())
    assert (callback.state, callback.agent_id, callback.tries) == (S.DIALLING, "li", 1)
    assert office.agent() is AgentState.RESERVED
    view = office.book.of_agent("li")
    assert view is not None
    assert view.number == NUMBER


async def test_who_answers_is_put_through_to_the_reserved_agent_in_the_line_they_waited_in(
    office: Office,
) -> None:
    callback = await office.rings(office.wish(since=office.clock.now - 50))
    session = office.answers(callback)
    await office.world.comes(lambda: office.agent() is AgentState.RINGING)
    await session.dials.wait()
    assert office.find(callback).state is S.REACHED
    call = office.world.calls.get(session.uniqueid)
    assert office.callbacks.place_of(call) == callback.since
    office.world.answers(session)
    assert office.world.state(session) is CallState.TALKING
    assert (office.find(callback).state, office.find(callback).agent_id) == (S.DONE, "li")


@pytest.mark.parametrize("result", [Result.BUSY, Result.NO_ANSWER, Result.REFUSED, Result.FAILED])
async def test_who_is_not_reached_keeps_the_place_and_the_agent_is_free(
    office: Office, result: Result
) -> None:
    callback = await office.rings(office.wish(since=office.clock.now - 50))
    after = await office.ends(callback, result)
    assert (after.state, after.last_result, after.since) == (S.WAITING, result, callback.since)
    assert office.agent() is AgentState.READY
    assert after.not_before is not None
    assert len(office.telephones.rung) == 1
    office.clock.now = after.not_before
    office.world.dispatch.tell(Tick())
    await office.look()
    await office.world.comes(lambda: len(office.telephones.rung) == 2)


async def test_a_blocked_number_is_given_up_without_ringing(office: Office) -> None:
    office.forbidden.add(NUMBER)
    callback = office.wish()
    await office.look()
    await office.world.signs_in("li")
    await office.world.comes(lambda: office.find(callback).state is S.GIVEN_UP)
    assert office.find(callback).reason == "blocked"
    assert office.telephones.rung == []
    assert office.agent() is AgentState.READY


async def test_while_nobody_can_say_who_is_blocked_only_those_who_asked_are_called(office: Office) -> None:
    office.database_away = True
    missed = office.wish("13800000002", origin="missed", since=office.clock.now - 3600)
    await office.look()
    await office.world.signs_in("li")
    await office.settle()
    assert office.telephones.rung == []
    assert office.find(missed).state is S.WAITING
    asked = await office.rings(office.wish())
    assert asked.state is S.DIALLING


async def test_an_agent_who_leaves_lets_the_telephone_ring_on_for_the_next_one(office: Office) -> None:
    callback = await office.rings(office.wish())
    assert office.turns.stop(OfferWithdrawn(call_id=callback.callback_id, agent_id="li", reason="agent_left"))
    assert (office.find(callback).state, office.find(callback).agent_id) == (S.DIALLING, None)
    assert office.telephones.hung_up == []


async def test_a_reservation_that_lasts_too_long_ends_the_ringing(office: Office) -> None:
    callback = await office.rings(office.wish())
    office.turns.stop(OfferWithdrawn(call_id=callback.callback_id, agent_id="li", reason="ring_limit"))
    await office.settle()
    assert office.telephones.hung_up == [callback.call_id]
    assert office.find(callback).last_result is Result.NO_ANSWER


async def test_a_withdrawal_of_an_ordinary_offer_is_not_ours(office: Office) -> None:
    assert not office.turns.stop(OfferWithdrawn(call_id="c1", agent_id="li", reason="ring_limit"))


async def test_the_waiting_call_itself_becomes_the_call_back_and_hanging_up_does_not_end_it(
    office: Office,
) -> None:
    session = office.world.calls_in()
    await office.world.waits(session)
    callback = office.wish(call_id=session.uniqueid)
    assert callback.callback_id == session.uniqueid
    waiting = office.world.dispatch.waiting(session.uniqueid)
    assert waiting is not None
    assert waiting.callback
    session.hang_up()
    office.world.telephony.citizen_left(session.uniqueid)
    await office.settle()
    waiting = office.world.dispatch.waiting(session.uniqueid)
    assert waiting is not None
    assert waiting.callback
    assert len(office.book) == 1


async def test_who_has_asked_and_not_hung_up_yet_has_the_place_and_is_dialled_after_that(
    office: Office,
) -> None:
    session = office.world.calls_in()
    await office.world.waits(session)
    callback = office.wish(call_id=session.uniqueid)
    await office.look()
    await office.world.signs_in("li")
    assert office.agent() is AgentState.RESERVED
    await asyncio.sleep(0.15)
    assert office.telephones.rung == []
    session.hang_up()
    office.world.telephony.citizen_left(session.uniqueid)
    await office.world.comes(lambda: office.telephones.rung == [NUMBER])
    assert office.find(callback).state is S.DIALLING


async def test_a_call_that_is_abandoned_becomes_one_call_back_for_the_number(office: Office) -> None:
    for _ in range(2):
        session = office.world.calls_in()
        await office.world.waits(session)
        office.clock.now += 20
        session.hang_up()
        office.world.telephony.citizen_left(session.uniqueid)
        await office.settle()
    (callback,) = office.book
    assert (callback.origin.value, callback.wishes, len(callback.calls)) == ("abandoned", 2, 2)


async def test_who_hangs_up_at_once_did_not_want_to_wait(office: Office) -> None:
    session = office.world.calls_in()
    await office.world.waits(session)
    office.clock.now += 2
    session.hang_up()
    office.world.telephony.citizen_left(session.uniqueid)
    assert len(office.book) == 0


async def test_who_asks_for_text_only_is_not_called_back_by_itself(office: Office) -> None:
    session = office.world.calls_in()
    await office.world.waits(session)
    calls = office.world.calls
    calls.update(replace(calls.get(session.uniqueid), text_only=True))
    office.clock.now += 20
    session.hang_up()
    office.world.telephony.citizen_left(session.uniqueid)
    await office.settle()
    assert len(office.book) == 0


async def test_missed_calls_make_no_work_where_the_settings_say_so() -> None:
    office = Office(automatic=False)
    session = office.world.calls_in()
    await office.world.waits(session)
    office.clock.now += 20
    session.hang_up()
    office.world.telephony.citizen_left(session.uniqueid)
    assert len(office.book) == 0
    await office.world.end()


async def test_a_citizen_on_the_line_is_not_dialled_and_done_when_put_through(office: Office) -> None:
    callback = office.wish(since=office.clock.now - 100)
    await office.look()
    assert office.world.dispatch.waiting(callback.callback_id) is not None
    session = office.world.calls_in()
    await office.world.waits(session)
    waiting = office.world.dispatch.waiting(session.uniqueid)
    assert waiting is not None
    assert waiting.since == callback.since
    await office.look()
    assert office.world.dispatch.waiting(callback.callback_id) is None
    assert office.find(callback).state is S.WAITING
    await office.world.signs_in("li")
    await session.dials.wait()
    office.world.answers(session)
    assert (office.find(callback).state, office.find(callback).reason) == (S.WITHDRAWN, "called_again")
    assert office.telephones.rung == []


async def test_who_did_not_ask_makes_way_while_citizens_on_the_line_wait_too_long(office: Office) -> None:
    missed = office.wish("13800000002", origin="missed")
    await office.look()
    assert office.world.dispatch.waiting(missed.callback_id) is not None
    session = office.world.calls_in()
    await office.world.waits(session)
    await office.look(later_s=16)
    assert office.world.dispatch.waiting(missed.callback_id) is None
    session.hang_up()
    office.world.telephony.citizen_left(session.uniqueid)
    await office.look()
    assert office.world.dispatch.waiting(missed.callback_id) is not None


async def test_an_old_call_back_expires(office: Office) -> None:
    callback = office.wish()
    await office.look(later_s=ALWAYS.keep_s)
    assert (office.find(callback).state, office.find(callback).reason) == (S.GIVEN_UP, "expired")
    assert office.world.dispatch.waiting(callback.callback_id) is None


def kept(callback: Callback, *, owner: str = SERVER, entry_id: str = "0") -> KeptCallback:
    """As the database has it after a restart."""
    return KeptCallback(callback=callback, owner=owner, entry_id=entry_id)


def torn(state: CallbackState, office: Office) -> Callback:
    """A call-back of a server that died in this state."""
    source = Office()
    callback = replace(source.wish(), state=state, agent_id="li", state_since=office.clock.now, tries=1)
    return replace(callback, call_id=f"{NODE}-1800000000.90" if state is not S.RESERVED else "")


@pytest.mark.parametrize("state", [S.RESERVED, S.DIALLING, S.REACHED])
async def test_what_a_dead_server_left_half_done_is_in_line_again(
    office: Office, state: CallbackState
) -> None:
    callback = torn(state, office)
    office.stored = [kept(callback)]
    await office.keeper.read()
    await office.look(later_s=6)
    await office.look()
    after = office.find(callback)
    assert (after.state, after.since) == (S.WAITING, callback.since)
    assert office.world.dispatch.waiting(callback.callback_id) is not None or after.not_before is not None


async def test_a_telephone_that_rings_on_across_a_restart_is_not_rung_twice(office: Office) -> None:
    callback = torn(S.DIALLING, office)
    office.stored = [kept(callback)]
    office.telephones.channels.add(callback.call_id)
    await office.keeper.read()
    await office.world.signs_in("li")
    await office.look(later_s=6)
    assert office.find(callback).state is S.DIALLING
    assert office.telephones.rung == []


async def test_while_asterisk_cannot_be_asked_nothing_is_decided(office: Office) -> None:
    callback = torn(S.DIALLING, office)
    office.stored = [kept(callback)]
    office.telephones.down = True
    await office.keeper.read()
    await office.look(later_s=60)
    assert office.find(callback).state is S.DIALLING


async def test_the_call_backs_of_a_server_that_is_gone_are_taken_over(office: Office) -> None:
    callback = replace(Office().wish(), callback_id="cb-other")
    office.stored = [kept(callback, owner="server2")]
    await office.keeper.read()
    await office.look()
    assert office.book.owned("cb-other")
    assert office.world.dispatch.waiting("cb-other") is not None


async def test_those_of_a_living_server_are_left_alone(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office.members, "alive", lambda: frozenset({SERVER, "server2"}))
    office.stored = [kept(replace(Office().wish(), callback_id="cb-other"), owner="server2")]
    await office.keeper.read()
    await office.look()
    assert not office.book.owned("cb-other")
    assert office.world.dispatch.waiting("cb-other") is None


async def test_what_is_known_here_is_not_undone_by_an_older_row(office: Office) -> None:
    callback = office.wish()
    closed = await office.desk.give_up(callback.callback_id, "重复", "ban")
    office.book.refresh([kept(callback)])
    assert office.find(callback) == closed
    assert len(office.book) == 0


async def test_an_agent_who_is_ready_takes_one_out_of_its_turn(office: Office) -> None:
    await office.world.signs_in("wang", ready=False)
    later = replace(office.wish(), not_before=office.clock.now + 3600)
    office.book.keep("put_off", later)
    with pytest.raises(CallbackRefused) as refused:
        await office.desk.take(later.callback_id, "wang")
    assert refused.value.shown == "请先示闲，再领取回拨"
    office.world.dispatch.tell(AgentBecameReady(agent_id="wang"))
    taken = await office.desk.take(later.callback_id, "wang")
    assert (taken.agent_id, taken.state) == ("wang", S.RESERVED)
    await office.world.comes(lambda: office.telephones.rung == [NUMBER])


async def test_a_number_that_no_machine_may_dial_is_settled_by_a_person(office: Office) -> None:
    await office.world.signs_in("li")
    callback = office.wish("10086")
    assert callback.state is S.BY_HAND
    await office.look()
    with pytest.raises(CallbackRefused) as refused:
        await office.desk.take(callback.callback_id, "li")
    assert "人工处理" in refused.value.shown
    assert (await office.desk.settle(callback.callback_id, "li")).state is S.DONE
    with pytest.raises(CallbackRefused, match="refused") as over:
        await office.desk.give_up(callback.callback_id, "x", "ban")
    assert over.value.shown == "这条回拨已经结束"


async def test_an_anonymous_caller_who_hangs_up_makes_no_work(office: Office) -> None:
    wanted: Callable[..., Callback | None] = office.callbacks.wanted
    given = {"queue": "general", "needs": {}, "since": 0.0, "call_id": "c1"}
    assert wanted(origin="abandoned", number="anonymous", **given) is None


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"trunk": "nowhere"}, "callbacks.trunk"),
        ({"tries": 0}, "callbacks.tries"),
        ({"opens": "21:00", "closes": "08:00"}, "callbacks.closes"),
        ({"closes": "24:30"}, "callbacks.closes"),
        ({"waits_s": (0.0,)}, "callbacks.waits"),
    ],
)
def test_rules_that_cannot_be_are_refused_by_their_key(
    change: dict[str, Any], key: str, tmp_path: Any
) -> None:
    settings: Settings = load(environ={"HOTLINE_HOME": str(tmp_path)})
    with pytest.raises(SettingError, match=key):
        rules_of(replace(settings, callbacks=replace(CallbackSettings(), **change)))
