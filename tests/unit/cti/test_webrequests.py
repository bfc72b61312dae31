"""Questions to other systems: only allowed ones, within the deadline, and no more than fits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cti.control.line_ports import WebFailed
from cti.control.webrequests import MOST_BYTES, MOST_FACTS, MOST_VALUE, AllowedRequest, WebAsker
from cti.metrics import Metrics

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def asker(handler: Handler, *, header: str = "") -> AsyncIterator[WebAsker]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    async with TestServer(app) as server:
        request = AllowedRequest(
            name="orders", url=str(server.make_url("/ask")), header=header, secret="s3cret"
        )
        made = WebAsker([request], Metrics())
        try:
            yield made
        finally:
            await made.close()


async def test_strings_and_numbers_of_the_top_level_become_facts() -> None:
    asked: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.headers.get("X-Key", ""), (await request.json())["number"]))
        return web.json_response(
            {
                "open": 2,
                "share": 0.5,
                "state": "办理中",
                "done": True,
                "none": None,
                "list": [1],
                "deep": {"a": 1},
            }
        )

    async with asker(answer, header="X-Key") as web_asker:
        facts = await web_asker.ask("orders", {"number": "138"}, 2.0)
    assert facts == {"open": "2", "share": "0.5", "state": "办理中"}
    assert asked == [("s3cret", "138")]


async def refuses(handler: Handler, *, name: str = "orders", within_s: float = 2.0) -> str:
    async with asker(handler) as web_asker:
        with pytest.raises(WebFailed) as refused:
            await web_asker.ask(name, {}, within_s)
    return str(refused.value)


async def test_a_request_that_the_settings_do_not_name_is_not_made() -> None:
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        return web.json_response({})

    assert "not_allowed" in await refuses(answer, name="elsewhere")
    assert asked == []


async def test_no_redirect_is_followed() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPTemporaryRedirect("/other")

    await refuses(answer)
    assert asked == ["/ask"]


async def test_a_system_that_does_not_answer_holds_nobody_up() -> None:
    go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        await go_on.wait()
        return web.json_response({})

    assert "late" in await refuses(answer, within_s=0.05)
    go_on.set()


async def test_a_system_that_answers_without_end_holds_nobody_up() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        for _ in range(1000):
            await stream.write(b" ")
            await asyncio.sleep(0.01)
        return stream

    assert "late" in await refuses(answer, within_s=0.1)


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[1]", b'"text"', b"\xff\xfe", b'{"a":"' + b"x" * MOST_BYTES + b'"}']
)
async def test_an_answer_that_is_no_small_json_object_is_refused(body: bytes) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body)

    await refuses(answer)


@pytest.mark.parametrize("status", [204, 400, 404, 500])
async def test_an_answer_that_is_no_success_is_refused(status: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"a": "b"}, status=status)

    await refuses(answer)


async def test_facts_are_bounded() -> None:
    many = {f"fact{number}": "长" * 2 * MOST_VALUE for number in range(10)} | {"k" * 65: "v", "": "v"}
    many |= {f"more{number}": "x" for number in range(2 * MOST_FACTS)}

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=json.dumps(many).encode()[:MOST_BYTES])

    async with asker(answer) as web_asker:
        facts = await web_asker.ask("orders", {}, 2.0)
    assert len(facts) == MOST_FACTS
    assert max(len(value) for value in facts.values()) == MOST_VALUE
    assert "k" * 65 not in facts


async def test_nobody_there_is_a_failure_like_any_other() -> None:
    unused = AllowedRequest(name="orders", url="http://127.34.9.9:9/")
    made = WebAsker([unused], Metrics())
    with pytest.raises(WebFailed):
        await made.ask("orders", {}, 2.0)
    await made.close()
