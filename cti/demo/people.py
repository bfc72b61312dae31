"""The demo's accounts: one login for each role, passwords made on the first run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cti.account_errors import AccountExists
from cti.accounts import Accounts
from cti.database import migrate, open_engine
from cti.messages import Role
from cti.secrets import Secrets
from cti.settings import Settings, extensions

ALL_SKILLS = ("general", "enterprise", "social_security", "dialect", "sign_video")
TEXTS = 3
"""Written conversations that an agent of the demo has at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    """Who can sign in to the demo."""

    login: str  # account name
    name: str  # 姓名
    role: Role  # what they may do
    extension: str  # telephone extension, "" for none
    skills: dict[str, int]  # skill -> level
    password: str  # plain, for the demo's terminal only
    texts: int = 0  # written conversations at once
    unit: str = ""  # 承办单位 they work for, "" for the hotline itself


def demo_accounts(
    settings: Settings, secrets: Secrets, agents: int = 6, units: Sequence[str] = ()
) -> tuple[DemoAccount, ...]:
    """One person of each role that has no telephone, one of each unit, and agents at the first extensions."""

    def account(
        login: str, name: str, role: Role, extension: str = "", level: int = 0, unit: str = ""
    ) -> DemoAccount:
        return DemoAccount(
            login=login,
            name=name,
            role=role,
            extension=extension,
            skills=dict.fromkeys(ALL_SKILLS, level) if level else {},
            password=secrets.get(f"demo.{login}"),
            texts=TEXTS if level else 0,
            unit=unit,
        )

    numbers = extensions(settings.agents.extensions)
    known, left = numbers[:agents], (*numbers[agents:], "", "")
    return (
        account("admin", "系统管理员", Role.ADMIN),
        account("monitor", "值班班长", Role.SUPERVISOR, left[0]),
        account("leader", "值班领导", Role.LISTENER, left[1]),
        account("mayor", "分管领导", Role.LEADER),
        account("clerk", "派单员", Role.CLERK),
        account("auditor", "审计员", Role.AUDITOR),
        *(
            account(f"unit{number}", f"{unit}承办人"[-20:], Role.UNIT, unit=unit)
            for number, unit in enumerate(units, start=1)
        ),
        *(
            account(f"agent{number}", f"坐席{number:02d}", Role.AGENT, extension, 1 + number % 5)
            for number, extension in enumerate(known, start=1)
        ),
    )


async def ensure_accounts(settings: Settings, people: tuple[DemoAccount, ...]) -> None:
    """Create the accounts that do not exist yet. Raises SQLAlchemyError when there is no database."""
    await migrate(settings.database)
    engine = open_engine(settings.database)
    try:
        accounts = Accounts(engine)
        for person in people:
            try:
                await accounts.create(
                    by="system",
                    login=person.login,
                    name=person.name,
                    role=person.role,
                    password=person.password,
                    extension=person.extension,
                    skills=person.skills,
                    texts=person.texts,
                    unit=person.unit,
                )
            except AccountExists:
                continue
    finally:
        await engine.dispose()
