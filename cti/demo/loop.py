"""One order through the whole closed loop: dispatched, answered, visited, rated badly, redone, rated well.

Every step is made by whoever makes it in a city: clerk, unit, robot and citizen, over the same HTTP that the
pages use; the robot's visits are calls that ring the citizen's telephone. Time limits are in minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import aiohttp

from cti.agi import AgiHangup, AgiSession
from cti.demo.desk import DeskFailed, answered
from cti.demo.network import be_silent
from cti.demo.people import DemoAccount

__all__ = ["Office", "OrderLoop", "VisitedCitizen"]

STEP_S = 180.0
"""So long the system may take for what it does by itself: a visit that comes due, a redo, a time limit."""
LOOK_S = 0.5
FIRST_WORDS_S = 6.0
BETWEEN_S = 7.0

UNHAPPY, CONTENT = ("2", "1"), ("1", "5", "5")
"""Keys: whether it is solved, how content with the result, and with the service."""


class VisitedCitizen:
    """What a citizen does when the robot calls: presses keys, one answer after the other."""

    def __init__(self, *visits: Sequence[str]) -> None:
        """`visits` are the keys of the first call, the second, …"""
        self._visits = deque(visits)

    async def answer(self, session: AgiSession) -> None:
        """Speak for the telephone until the robot hangs up."""
        keys = self._visits.popleft() if self._visits else ()
        with contextlib.suppress(AgiHangup):
            await be_silent(session)
            await asyncio.sleep(FIRST_WORDS_S)
            for key in keys:
                await session.exec_app("SendDTMF", key)
                await be_silent(session)
                await asyncio.sleep(BETWEEN_S)
            while True:
                await session.wait_for_digit(1000)


class Office:
    """A person who signs in and moves orders over HTTP."""

    def __init__(self, base: str, account: DemoAccount) -> None:
        self._base = base
        self.account = account
        self._http = aiohttp.ClientSession()

    async def open(self) -> None:
        """Sign in. Raises DeskFailed."""
        body = {"login": self.account.login, "password": self.account.password, "bearer": True}
        token = (await self._send("/api/login", body))["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    async def close(self) -> None:
        """Go home."""
        await self._http.close()

    async def order(self, order_id: str) -> dict[str, Any]:
        """Return the order with its course and trail. Raises DeskFailed."""
        path = f"/api/orders/{order_id}/course"
        async with self._http.get(f"{self._base}{path}") as response:
            return await answered(path, response)

    async def move(self, order_id: str, move: str, **fields: object) -> dict[str, Any]:
        """Make a move with the order as it stands. Raises DeskFailed with the server's words."""
        version = (await self.order(order_id))["version"]
        body = {"move": move, "version": version, "fields": fields}
        return await self._send(f"/api/orders/{order_id}/moves", body)

    async def checklist(self) -> list[dict[str, Any]]:
        """Return the reviewer's checklist, every line found right. Raises DeskFailed."""
        async with self._http.get(f"{self._base}/api/course/words") as response:
            words = await answered("/api/course/words", response)
        return [{"item": line["item"], "ok": True} for line in words["checklist"]]

    async def _send(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        async with self._http.post(f"{self._base}{path}", json=body) as response:
            return await answered(path, response)


class OrderLoop:
    """Takes one accepted order through its course."""

    def __init__(self, clerk: Office, officer: Callable[[str], Office], tell: Callable[[str], None]) -> None:
        """`officer` finds the person of a unit; `tell` is told what happens, in Chinese."""
        self._clerk = clerk
        self._officer = officer
        self._tell = tell

    async def follow(self, order_id: str, unit: str) -> dict[str, Any]:
        """Take the order from accepted to closed; return what came of it. Raises DeskFailed."""
        await self._clerk.move(order_id, "dispatch", lead=unit)
        self._tell(f"派单：{unit}")
        await self._answered(order_id, unit, "已到现场处理，请市民观察", first=True)
        await self._until(
            order_id, lambda course: course["rating"] is not None and course["rating"]["bad"], "差评"
        )
        self._tell("机器人回访：未解决，不满意")
        await self._until(order_id, lambda course: course["state"] == "redo", "重办")
        self._tell("差评重办：新的时限")
        await self._answered(order_id, unit, "更换了设备，已恢复正常", first=False)
        await self._until(
            order_id,
            lambda course: (
                (rating := course["rating"]) is not None and rating["round"] == 2 and rating["result"] == 5
            ),
            "第二次评价",
        )
        self._tell("机器人回访：已解决，非常满意")
        await self._close(order_id)
        self._tell("办结销号")
        return self._summary(await self._clerk.order(order_id))

    async def _answered(self, order_id: str, unit: str, text: str, *, first: bool) -> None:
        officer = self._officer(unit)
        await officer.move(order_id, "sign")
        if first:
            await officer.move(order_id, "contact", text="已与市民电话联系")
        await officer.move(order_id, "note", text=text)
        await officer.move(order_id, "feed_back", text=f"{text}。", outcome="done")
        await self._clerk.move(order_id, "review", passed=True, checklist=await self._clerk.checklist())
        self._tell("签收、联系、办理、反馈，审核通过")

    async def _close(self, order_id: str) -> None:
        course = (await self._clerk.order(order_id))["course"]
        if course["state"] != "closed":  # by itself after the days that the rules give
            await self._clerk.move(order_id, "close")

    async def _until(self, order_id: str, so: Callable[[Mapping[str, Any]], bool], what: str) -> None:
        try:
            async with asyncio.timeout(STEP_S):
                while True:
                    if so((await self._clerk.order(order_id))["course"]):
                        return
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            state = (await self._clerk.order(order_id))["course"]["state"]
            raise DeskFailed(f"order {order_id} is {state} after {STEP_S:g} s, waited for {what}") from None

    @staticmethod
    def _summary(order: Mapping[str, Any]) -> dict[str, Any]:
        course = order["course"]
        return {
            "order_number": order["number"],
            "state": course["state"],
            "rounds": course["round"],
            "ratings": list(_ratings(order["history"])),
            "clocks": [
                {
                    "kind": one["kind"],
                    "rule": one["rule"],
                    "minutes": round((one["due"] - one["started"]) / 60, 1),
                }
                for one in course["clocks"]
            ],
            "trail": [one["title"] for one in order["history"] if one["event"] != "FieldSuggested"],
        }


def _ratings(history: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The last word of each visit."""
    newest: dict[int, dict[str, Any]] = {}
    rounds = 1
    for one in history:
        if one["event"] == "RedoOrdered":
            rounds += 1
        elif one["event"] == "OrderRated":
            newest[rounds] = {key: one["data"].get(key) for key in ("result", "service", "solved", "bad")}
    yield from newest.values()
