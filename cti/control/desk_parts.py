"""What the agent's desk is given beside calls and orders: composed here, used by `cti.web`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from asr.gazetteer import Gazetteer
from cti.call_records import CallRecord
from cti.calls import CallStore
from cti.control.advice import LiveAdvice
from cti.control.callers import Callers
from cti.control.calls import Calls
from cti.control.captions import Captions
from cti.control.orderdesk import OrderDesk
from cti.control.orderfront import OrderFront
from cti.control.places import Places
from cti.control.pop import Pop, PopView
from cti.ports import Amendable
from cti.settings import Settings
from cti.watch_words import SHIPPED, WatchWords
from orders.knowledge_feedback import KnowledgeFeedback
from orders.records import Order, Sight
from orders.store import OrderStore
from orders.templates import TemplateStore

__all__ = ["DeskParts", "compose"]

Found = tuple[PopView, Sequence[CallRecord], Sequence[Order]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskParts:
    """One of each."""

    pop: Callable[[str, Sight | None], Awaitable[Found | None]]  # who calls, by call id, as far as it is open
    feedback: KnowledgeFeedback  # verdicts on articles, and what was not found
    templates: TemplateStore  # of orders
    words: WatchWords  # that captions flag
    places: Places  # of the city, for the map
    captions: Amendable  # shows sentences of live calls that people corrected or marked


def compose(
    *,
    settings: Settings,
    engine: AsyncEngine,
    calls: Calls,
    call_store: CallStore,
    order_store: OrderStore,
    orders: OrderDesk,
    captions: Captions,
    advice: LiveAdvice,
    amendable: Amendable,
    gazetteer: Gazetteer,
) -> DeskParts:
    """Put the parts together; `amendable` are the captions of all servers, `captions` those of this one.

    Raises SettingError for a wrong file of words.
    """
    pop = Pop(
        engine,
        live=calls,
        store=call_store,
        callers=Callers(engine, area_code=settings.callbacks.area_code),
        orders=OrderFront(order_store, orders),
        drafts=orders,
        said=captions.of_call,
        advice=advice.of,
    )
    return DeskParts(
        pop=pop.of,
        feedback=KnowledgeFeedback(engine),
        templates=TemplateStore(engine),
        words=WatchWords(Path(settings.calls.words) if settings.calls.words else SHIPPED),
        places=Places(gazetteer),
        captions=amendable,
    )
