"""What comes from citizens without a call, and what goes back to them, composed for a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from acd.phone_numbers import read_number
from cti.casework.answer_rounds import AnswerRounds, Planner, VisitsOf
from cti.casework.attachments import Attachments
from cti.casework.intake import Intake
from cti.casework.intake_store import IntakeStore
from cti.casework.notice_replies import NoticeReplies
from cti.casework.notice_store import NoticeStore
from cti.casework.notice_way import GatewayWay, NoticeWay
from cti.casework.notices import Notices
from cti.casework.quotas import Quota
from cti.casework.scanning import scanner_for
from cti.changes import ChangeLog
from cti.errors import SettingError
from cti.secrets import Secrets
from cti.settings import CitizenSettings, NoticeSettings, OrderSettings
from orders.course_policy import CoursePolicy
from orders.file_types import MEDIA_TYPES
from orders.notices import NoticePolicy
from orders.store import OrderStore

__all__ = ["CitizenParts", "compose"]

QUERY_KEY = "orders.query"
"""Secret from which query codes (查询码) are made; several servers need the same."""
NOTICE_KEY = "notices.key"
"""Secret with which notices are signed, and that keys hashes of numbers."""
NOTICE_TOKEN = "notices.token"  # noqa: S105 - the name of a secret
"""Secret that the gateway asks for, as a bearer token; none when the file has none."""
WRONG_AN_HOUR = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenParts:
    """From the citizen and back."""

    intake: Intake  # matters that come without a call
    rounds: AnswerRounds  # from the answer to the end
    attachments: Attachments  # files
    notices: Notices  # what citizens are told
    replies: NoticeReplies  # what they answer
    form: bool  # the citizens' page takes matters in writing
    notice: str  # what citizens agree to
    asked: Quota  # by address
    wrong: Quota  # wrong codes, by number
    robot: bool  # planned return visits are made by themselves

    def start(self) -> None:
        """Begin what runs by itself."""
        self.rounds.start()
        self.attachments.start()
        self.notices.start()

    async def stop(self) -> None:
        """End it."""
        await self.rounds.stop()
        await self.attachments.stop()
        await self.notices.stop()


def compose(
    engine: AsyncEngine,
    store: OrderStore,
    policy: CoursePolicy,
    words: Callable[[], NoticePolicy],
    *,
    home: Path,
    orders: OrderSettings,
    notices: NoticeSettings,
    citizen: CitizenSettings,
    area_code: str,
    secrets: Secrets,
    planner: Planner,
    visits_of: VisitsOf,
    robot: bool,
    leads: Callable[[], bool],
    clock: Callable[[], float] = time.time,
) -> CitizenParts:
    """Return the parts of a server; `words` gives the notices in force.

    `robot`: planned visits are made by themselves. Raises SettingError.
    """
    unknown = sorted(set(orders.attachment_kinds) - set(MEDIA_TYPES))
    if unknown:
        raise SettingError("orders.attachment_kinds", unknown[0], f"use: {', '.join(MEDIA_TYPES)}")
    attachments = Attachments(
        engine,
        store,
        folder_of(orders, home),
        scanner_for(orders.scan_command, orders.scan_socket),
        kinds=frozenset(orders.attachment_kinds),
        most_mb=orders.attachment_mb,
        most_files=orders.attachments_most,
        leads=leads,
        clock=clock,
    )
    intake = Intake(
        store,
        IntakeStore(engine, store.unreadable, clock=clock),
        secret=lambda: secrets.get(QUERY_KEY),
        files=attachments,
        clock=clock,
    )
    telling = Notices(
        store,
        NoticeStore(engine),
        ChangeLog(engine),
        way=_way(notices, secrets, clock),
        policy=words,
        code=intake.code,
        dialled=lambda number: _dialled(number, area_code),
        secret=lambda: secrets.get(NOTICE_KEY),
        leads=leads,
        days=notices.days,
        fresh_hours=notices.fresh_hours,
        clock=clock,
    )
    return CitizenParts(
        intake=intake,
        rounds=AnswerRounds(
            engine,
            store,
            policy=lambda: policy.rules.answers,
            planner=planner,
            visits_of=visits_of,
            robot=robot,
            leads=leads,
            clock=clock,
        ),
        attachments=attachments,
        notices=telling,
        replies=NoticeReplies(engine, store, telling.store, hashed=telling.hashed, clock=clock),
        form=citizen.form,
        notice=citizen.notice,
        asked=Quota(per_s=citizen.per_minute / 60.0, burst=max(5.0, citizen.per_minute)),
        wrong=Quota(per_s=WRONG_AN_HOUR / 3600.0, burst=WRONG_AN_HOUR),
        robot=robot,
    )


def folder_of(orders: OrderSettings, home: Path) -> Path:
    """Return where files' contents lie."""
    return Path(orders.attachments) if orders.attachments else home / "attachments"


def _way(notices: NoticeSettings, secrets: Secrets, clock: Callable[[], float]) -> NoticeWay | None:
    if not notices.url:
        return None
    return GatewayWay(
        notices.url,
        token=lambda: secrets.get(NOTICE_TOKEN) if secrets.has(NOTICE_TOKEN) else "",
        secret=lambda: secrets.get(NOTICE_KEY),
        deadline_s=notices.deadline_s,
        clock=clock,
    )


def _dialled(number: str, area_code: str) -> str:
    read = read_number(number, area_code=area_code)
    return read.number if read.diallable else ""
