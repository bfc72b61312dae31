"""Where advice is thought out: a process of its own, so that a hundred thousand orders hold up no call.

Whatever ends that process costs nothing but time: it is started again, and what it knew is read again.
"""

from __future__ import annotations

import asyncio
import datetime
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from cti.children import PARENT_VARIABLE, die_with_parent
from cti.control.advice_data import AdviceData, PastOrder
from cti.errors import HotlineError
from orders.knowledge import Article
from orders.messages import Advice, KnowledgeAnswer, UnitAdvice
from orders.similar import SimilarItem
from orders.unit_table import Unit, UnitRule

__all__ = ["AdviceLost", "AdviceRoom", "in_a_process", "in_a_thread"]

Given = ParamSpec("Given")
Told = TypeVar("Told")

NICENESS = 5
"""Calls go before advice where there is too little processor."""

_here = threading.local()


class AdviceLost(HotlineError):
    """What was in memory is gone; it has to be given again."""


def in_a_process() -> Executor:
    """Think in a process that ends with this one."""
    return ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_apart,
        initargs=(os.getpid(),),
    )


def in_a_thread() -> Executor:
    """Think in a thread of this process, where there are few orders."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="advice", initializer=_begin)


class AdviceRoom:
    """Asks `AdviceData`, wherever it is; one question at a time."""

    def __init__(self, make: Callable[[], Executor] = in_a_process) -> None:
        """Think in what `make` returns; it is made again when it broke."""
        self._make = make
        self._executor = make()
        self._orders = 0

    def __len__(self) -> int:
        """Orders in memory."""
        return self._orders

    async def take(self, orders: Sequence[PastOrder]) -> int:
        """Take submitted orders in; return how many were new or changed."""
        return await self._ask(AdviceData.take, orders)

    async def use_units(self, units: Sequence[Unit], rules: Sequence[UnitRule]) -> None:
        """Advise these units."""
        await self._ask(AdviceData.use_units, units, rules)

    async def use_articles(self, articles: Sequence[Article]) -> None:
        """Answer from these articles."""
        await self._ask(AdviceData.use_articles, articles)

    async def advise(self, item: SimilarItem, now: float, today: datetime.date) -> Advice:
        """Return what is shown beside a draft."""
        return await self._ask(AdviceData.advise, item, now, today)

    async def units(
        self, category: str, district: str, street: str, said: str, today: datetime.date
    ) -> tuple[UnitAdvice, ...]:
        """Return units for a matter, best first."""
        return await self._ask(AdviceData.units, category, district, street, said, today)

    async def answers(
        self, text: str, area: str, limit: int, today: datetime.date
    ) -> tuple[KnowledgeAnswer, ...]:
        """Return articles that answer `text`."""
        return await self._ask(AdviceData.answers, text, area, limit, today)

    async def close(self) -> None:
        """End; what is being thought out is waited for."""
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)

    async def _ask(
        self, method: Callable[Concatenate[AdviceData, Given], Told], *args: Given.args, **named: Given.kwargs
    ) -> Told:
        """Raises: AdviceLost: the process ended; another one, which knows nothing yet, is there now."""
        executor = self._executor
        try:
            self._orders, told = await asyncio.wrap_future(
                executor.submit(_answer, method, *args, **named)  # type: ignore[arg-type]
            )
        except BrokenExecutor as error:
            if executor is self._executor:
                self._executor, self._orders = self._make(), 0
            raise AdviceLost("the process that makes advice ended; it is started again") from error
        return told


def _answer(
    method: Callable[Concatenate[AdviceData, Given], Told], *args: Given.args, **named: Given.kwargs
) -> tuple[int, Told]:
    data: AdviceData = _here.data
    told = method(data, *args, **named)
    return len(data), told


def _begin() -> None:
    _here.data = AdviceData()


def _begin_apart(parent: int) -> None:
    os.environ[PARENT_VARIABLE] = str(parent)
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
    os.nice(NICENESS)
    _begin()
