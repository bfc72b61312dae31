"""Intake without a call (非电话渠道受理): each request makes one order, however often it is sent."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from cti.casework.attachment_rows import AttachmentRefused, Waiting
from cti.casework.attachments import Attachments
from cti.casework.intake_reading import NoReading, Reading
from cti.casework.intake_store import IntakeStore, Taken
from cti.faults import fault_site
from orders.errors import MissingFields, StaleVersion, UnknownOrder, ValueRefused
from orders.fields import REQUIRED, TITLES, check_text, known
from orders.intake import (
    OUTSIDE,
    Matter,
    code_of,
    intake_events,
    key_hash,
    order_id_of,
    same_code,
)
from orders.joined import above_of, joined_to
from orders.lifecycle import value_of
from orders.messages import (
    FieldEdited,
    FieldSuggested,
    OrderEvent,
    OrderField,
    OrderState,
    OrderSubmitted,
)
from orders.records import Order, OrderFilter, OrderPage
from orders.store import OrderStore

__all__ = ["CITIZEN", "Intake", "Receipt", "UnknownCategory"]

log = logging.getLogger(__name__)

CITIZEN = "citizen"
"""Who brings what comes over the citizens' page."""
MAX_KEY = 100


class UnknownCategory(ValueRefused):
    """There is no such category."""

    def __init__(self) -> None:
        super().__init__(
            "the category is not in the taxonomy; give a path of it, or leave category out",
            shown="没有这个事项分类，请从分类表中选择，或留空由系统识别",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What whoever brings a matter gets."""

    order: Order  # as it stands
    taken: Taken  # the request
    code: str  # 查询码
    fresh: bool  # False: it had been taken in before


class Intake:
    """Takes matters in, accepts what waits. Raises OrderError; SQLAlchemy's errors pass through."""

    def __init__(
        self,
        orders: OrderStore,
        store: IntakeStore,
        *,
        secret: Callable[[], str],
        files: Attachments,
        reading: Reading | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`secret` is what query codes are made from; `files` may come first; `reading` may be set later."""
        self.store = store
        self.reading: Reading = reading or NoReading()
        self._orders = orders
        self._secret = secret
        self._files = files
        self._clock = clock

    async def take(self, matter: Matter, *, who: str, key: str) -> Receipt:
        """Make the order of a request; the same key again returns it as it stands.

        Raises:
            KeyReused: the key came with something else.
            AlreadyTaken: the external id belongs to another order.
            AttachmentRefused: a file is unknown, another sender's, or used already.
            OrderError: what is given may not stand on an order.
        """
        check_text("Idempotency-Key", key, 1, MAX_KEY)
        check_text("system", matter.system, 0, 40)
        check_text("external_id", matter.external_id, 0, 100)
        category = matter.fields.get(OrderField.CATEGORY.value, "").strip()
        if category and not self.reading.knows(category):
            raise UnknownCategory
        hashed = key_hash(who, key)
        order_id, now = order_id_of(hashed), self._clock()
        made = await self._made(order_id)
        # What is refused is refused before anything is kept; a request of before is not read again.
        files = Waiting(())
        if made is None and matter.attachments:
            try:
                files = await self._files.waiting(matter.attachments, who=who)
            except AttachmentRefused:  # unless the same request has used them at this very moment
                made = await self._made(order_id)
                if made is None:
                    raise
        read = () if made is not None else await self._read(matter, order_id, now)
        events: tuple[OrderEvent, ...] = ()
        if made is None:
            events = intake_events(order_id, matter, by=who, read=read, at=now, files=files.events())
        taken = await self.store.reserve(order_id, matter, who=who)
        order = made or await self._create(order_id, events, f"intake:{hashed}", now, files)
        return Receipt(order=order, taken=taken, code=code_of(self._secret(), order_id), fresh=made is None)

    async def _create(
        self, order_id: str, events: Sequence[OrderEvent], event_id: str, at: float, files: Waiting
    ) -> Order:
        async def beside(connection: AsyncConnection) -> None:
            await files.claim(connection, order_id, at)

        try:
            return await self._orders.create(
                events, order_id=order_id, event_id=event_id, at=at, beside=beside
            )
        except UnknownOrder:  # the same request made it at this very moment
            return await self._orders.get(order_id)

    async def _made(self, order_id: str) -> Order | None:
        try:
            return await self._orders.get(order_id)
        except UnknownOrder:
            return None

    async def _read(self, matter: Matter, order_id: str, at: float) -> tuple[FieldSuggested, ...]:
        title = matter.fields.get(OrderField.TITLE.value, "")
        text = "\n".join(part for part in (title, matter.fields.get(OrderField.SUMMARY.value, "")) if part)
        phone = matter.fields.get(OrderField.PHONE.value, "")
        try:
            return tuple(await self.reading.read(text, order_id=order_id, phone=phone, at=at))
        except Exception as error:  # the machine only helps: the citizen's matter is taken in all the same
            log.error("a written matter was not read", extra={"site": fault_site(error)})
            return ()

    # ------------------------------------------------------------ who asks from outside

    def code(self, order_id: str) -> str:
        """Return an order's 查询码."""
        return code_of(self._secret(), order_id)

    async def by_code(self, number: str, code: str) -> Order:
        """Return the order of this 工单编号 or 登记号 to whoever knows its code.

        Who joined another order may name that one's number, which they were told, with their own code.

        Raises:
            UnknownOrder: no such order, or another code; nobody is told which.
        """
        check_text("number", number, 1, 30)
        check_text("code", code, 1, 20)
        order_id = await self.store.order_numbered(number.strip())
        right = same_code(self._secret(), order_id or "none", code)
        if order_id is None:
            raise UnknownOrder(number)
        order = await self._orders.get(order_id)
        if right:
            return order
        for link in joined_to(order.draft):
            if same_code(self._secret(), link.other, code):
                return await self._orders.get(link.other)
        raise UnknownOrder(number)

    async def serving(self, order: Order) -> Order | None:
        """Return the order whose answer is this one's, too, because it was merged; None: its own."""
        above = await above_of(order, self._orders.get)
        return above[-1] if above else None

    # ------------------------------------------------------------ clerks

    async def waiting(self, which: OrderFilter) -> OrderPage:
        """Return one page of what waits to be accepted, first what came first."""
        return await self.store.waiting(which)

    async def accept(
        self, order: Order, fields: Mapping[str, str], *, by: str, seen: int, event_id: str
    ) -> Order:
        """Accept a draft with what a clerk changed in it, in one transaction.

        Raises:
            ValueRefused: it came with a call; its agent submits it.
            StaleVersion: somebody else changed it after `seen`.
            MissingFields, OrderError: it cannot be accepted as it is.
        """
        draft = order.draft
        if draft.channel not in OUTSIDE:
            raise ValueRefused("an order of a call is submitted at the desk", shown="通话工单请在工作台提交")
        if draft.state is OrderState.DRAFT and draft.version != seen:
            raise StaleVersion("version", "这张登记", seen, draft.version)
        category = fields.get(OrderField.CATEGORY.value, "").strip()
        if category and not self.reading.knows(category):
            raise UnknownCategory
        standing = {field: fields.get(field, value_of(draft, field)).strip() for field in REQUIRED}
        missing = [field for field in REQUIRED if not standing[field]]
        if missing and draft.state is OrderState.DRAFT:
            raise MissingFields(missing, [TITLES[field] for field in missing])
        events: list[OrderEvent] = [
            FieldEdited(field=name, value=value, agent=by)
            for name, value in fields.items()
            if draft.state is not OrderState.DRAFT or value != value_of(draft, known(name))
        ]
        events.append(OrderSubmitted(agent=by))
        return await self._orders.create(events, order_id=draft.order_id, event_id=event_id)

    async def discard(self, order: Order, reason: str, *, by: str) -> Order:
        """Give a draft up, with a reason that its citizen is told. Raises OrderError."""
        if order.draft.channel not in OUTSIDE:
            raise ValueRefused("a draft of a call is given up at the desk", shown="通话工单请在工作台作废")
        return await self._orders.discard(order.draft.order_id, by, reason)
