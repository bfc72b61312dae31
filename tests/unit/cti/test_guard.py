"""Where a request comes from, and whether its browser speaks TLS: only trusted proxies are believed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from cti.web.guard import DEPS, client_address, is_secure
from cti.web.ports import WebDeps

PROXY = "10.0.0.7"
AGENT = "192.0.2.33"


def request(headers: dict[str, str], *, remote: str = PROXY, trusted: set[str] | None = None) -> web.Request:
    app = web.Application()
    app[DEPS] = cast(WebDeps, SimpleNamespace(trusted_proxies=frozenset(trusted or set()), secure=False))
    transport = Mock()
    transport.get_extra_info = lambda key, default=None: (remote, 50000) if key == "peername" else default
    return make_mocked_request("POST", "/api/login", headers=headers, app=app, transport=transport)


def test_without_a_proxy_the_connection_counts() -> None:
    assert client_address(request({}, remote=AGENT)) == AGENT


def test_a_stranger_cannot_claim_another_address() -> None:
    assert client_address(request({"X-Forwarded-For": "10.9.9.9"}, remote=AGENT, trusted={PROXY})) == AGENT


def test_a_trusted_proxy_says_who_asked() -> None:
    assert client_address(request({"X-Forwarded-For": AGENT}, trusted={PROXY})) == AGENT


def test_what_the_client_itself_put_in_front_is_not_believed() -> None:
    headers = {"X-Forwarded-For": f"10.9.9.9, {AGENT}"}

    assert client_address(request(headers, trusted={PROXY})) == AGENT


def test_a_chain_of_trusted_proxies_is_followed() -> None:
    headers = {"X-Forwarded-For": f"{AGENT}, 10.0.0.8"}

    assert client_address(request(headers, trusted={PROXY, "10.0.0.8"})) == AGENT


@pytest.mark.parametrize(("trusted", "secure"), [({PROXY}, True), (set(), False)])
def test_only_a_trusted_proxy_says_that_the_browser_speaks_tls(trusted: set[str], secure: bool) -> None:
    assert is_secure(request({"X-Forwarded-Proto": "https"}, trusted=trusted)) is secure
