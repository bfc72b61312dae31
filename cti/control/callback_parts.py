"""The parts of call-backs, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from acd.callback_policy import CallbackPolicy
from acd.errors import InvalidValue
from cti.ami import AmiNodes
from cti.call import Call
from cti.callback_store import CallbackStore
from cti.control.callback_book import CallbackBook
from cti.control.callback_desk import CallbackDesk
from cti.control.callback_dialling import Dialler, DialSettings
from cti.control.callback_keeper import CallbackKeeper
from cti.control.callback_members import Alone, Members
from cti.control.callback_rules import CallbackRules
from cti.control.callback_turns import CallbackTurns
from cti.control.callbacks import Callbacks
from cti.control.calls import Calls
from cti.control.dispatch import Dispatch
from cti.control.people import People
from cti.control.phones import Phones
from cti.control.telephony import Telephony
from cti.errors import SettingError
from cti.ports import Pages
from cti.settings import Settings

__all__ = ["CallbackParts", "compose"]

log = logging.getLogger(__name__)

DELIVERED_S = 2.0
"""How long a start waits for what a former server wrote last; it is read again afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackParts:
    """What others hold of call-backs."""

    callbacks: Callbacks  # told by lines and calls
    turns: CallbackTurns  # told by the switchboard
    dialler: Dialler  # told of AMI events
    keeper: CallbackKeeper  # started and stopped with the server
    desk: CallbackDesk  # asked by people

    async def prepare(self, delivered: Callable[[], Awaitable[None]]) -> None:
        """Know what is open before the router decides anything; `delivered` waits for the journal."""
        try:
            async with asyncio.timeout(DELIVERED_S):
                await delivered()
        except TimeoutError:
            log.warning("call-backs are read before the journal is delivered")
        await self.keeper.read()

    def attach(self, calls: Calls) -> None:
        """Hear what becomes of calls, after whoever hears it already."""
        was_answered, was_ended = calls.on_answered, calls.on_ended

        def answered(call: Call) -> None:
            was_answered(call)
            self.callbacks.answered(call)

        def ended(call: Call) -> None:
            was_ended(call)
            self.callbacks.ended(call)

        calls.on_answered, calls.on_ended = answered, ended


def compose(
    *,
    settings: Settings,
    calls: Calls,
    dispatch: Dispatch,
    telephony: Telephony,
    nodes: AmiNodes,
    phones: Phones,
    people: People,
    pages: Pages,
    store: CallbackStore,
    blocked: Callable[[str], Awaitable[bool]],
    queue_titles: Callable[[str], str],
    turn: int,
    members: Members | None = None,
) -> CallbackParts:
    """Put them together; `turn` is this server's number in the dialplan. Raises SettingError."""
    rules = rules_of(settings)
    trunk = settings.callbacks.trunk or next((trunk.name for trunk in settings.trunks), "")
    book = CallbackBook(calls=calls, pages=pages, server=settings.name, queue_titles=queue_titles)
    dialler = Dialler(
        nodes=nodes,
        phones=phones,
        people=people,
        settings=DialSettings(trunk=trunk, caller_id=settings.callbacks.caller_id, turn=turn),
    )
    turns = CallbackTurns(
        book=book,
        calls=calls,
        dispatch=dispatch,
        dialler=dialler,
        blocked=blocked,
        beside=telephony.beside,
        rules=rules,
    )
    callbacks = Callbacks(book=book, turns=turns, calls=calls, dispatch=dispatch, rules=rules)
    keeper = CallbackKeeper(
        callbacks=callbacks,
        turns=turns,
        calls=calls,
        dispatch=dispatch,
        dialler=dialler,
        stored=store.open_ones,
        members=members or Alone(settings.name),
        alone=len(settings.servers) < 2,
    )
    desk = CallbackDesk(callbacks=callbacks, turns=turns, calls=calls, dispatch=dispatch, store=store)
    return CallbackParts(dialler=dialler, callbacks=callbacks, turns=turns, keeper=keeper, desk=desk)


def rules_of(settings: Settings) -> CallbackRules:
    """Read the rules of call-backs. Raises SettingError naming the key."""
    given = settings.callbacks
    trunks = [trunk.name for trunk in settings.trunks]
    if given.trunk and given.trunk not in trunks:
        remedy = (
            f"name one of {', '.join(trunks)}" if trunks else "no trunk is set: add one, or leave it empty"
        )
        raise SettingError("callbacks.trunk", given.trunk, remedy)
    try:
        policy = CallbackPolicy(
            tries=given.tries,
            waits_s=given.waits_s,
            opens_s=_second("opens", given.opens),
            closes_s=_second("closes", given.closes),
            asked_s=given.asked_s,
            keep_s=given.keep_s,
            automatic_behind_s=given.automatic_behind_s,
            automatic_limit_s=given.automatic_limit_s,
        )
    except InvalidValue as error:
        raise SettingError(error.key.removesuffix("_s"), error.value, error.remedy) from error
    return CallbackRules(
        policy=policy,
        ring_s=given.ring_s,
        automatic=given.automatic,
        abandoned_s=given.abandoned_s,
        area_code=given.area_code,
    )


def _second(key: str, text: str) -> float:
    hours, _, minutes = text.partition(":")
    second = int(hours) * 3600 + int(minutes) * 60  # as the setting's form says
    if second > 86_400:
        raise SettingError(f"callbacks.{key}", text, "write HH:MM, at most 24:00")
    return second
