"""Where Asterisk listens: encrypted for browsers, on IPv6, and what it keeps over a restart."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from asterisk_conf.config import AsteriskConfig, TlsFiles
from asterisk_conf.provide import AsteriskInstall
from tests.support.asterisk import Pair, running_pair
from tests.support.loopback import LoopbackBlock

pytestmark = [pytest.mark.integration]


@pytest.fixture
def tls(tmp_path: Path) -> TlsFiles:
    """A certificate that nobody signed."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    files = TlsFiles(certificate=tmp_path / "hotline.pem", private_key=tmp_path / "hotline.key")
    arguments = ["-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
    subprocess.run(
        [
            "openssl",
            "req",
            *arguments,
            "-subj",
            "/CN=hotline",
            "-keyout",
            files.private_key,
            "-out",
            files.certificate,
        ],
        check=True,
        capture_output=True,
    )
    return files


async def sip_over(url: str, context: ssl.SSLContext | None = None) -> str:
    """Open a WebSocket for SIP and return the first line of the answer to OPTIONS."""
    request = (
        "OPTIONS sip:hotline SIP/2.0\r\nVia: SIP/2.0/WSS browser.invalid;branch=z9hG4bK1\r\n"
        "Max-Forwards: 5\r\n"
        "From: <sip:8001@hotline>;tag=1\r\nTo: <sip:8001@hotline>\r\nCall-ID: test\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    )
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            url, protocols=("sip",), ssl=context or False, timeout=aiohttp.ClientWSTimeout(5)
        ) as ws,
    ):
        await ws.send_str(request)
        return str((await ws.receive_str(timeout=5)).partition("\r\n")[0])


async def test_browsers_speak_sip_over_plain_and_encrypted_websockets(
    asterisk_install: AsteriskInstall, loopback: LoopbackBlock, tls: TlsFiles
) -> None:
    def encrypted(config: AsteriskConfig) -> AsteriskConfig:
        return replace(config, tls=tls)

    with running_pair(asterisk_install, loopback, hotline=encrypted) as pair:
        config = pair.hotline.config
        trusting = ssl.create_default_context(cafile=str(tls.certificate))
        trusting.check_hostname = False
        wss = await sip_over(f"wss://{config.bind_address}:{tls.port}/ws", trusting)
        assert wss == "SIP/2.0 401 Unauthorized"
        assert await sip_over(f"ws://{config.bind_address}:{config.http_port}/ws") == wss


async def test_what_a_browser_needs_is_all_that_is_served(asterisk_pair: Pair) -> None:
    config = asterisk_pair.hotline.config
    async with aiohttp.ClientSession(f"http://{config.bind_address}:{config.http_port}") as session:
        for path in ("/", "/httpstatus", "/static/index.html", "/ari/channels", "/manager", "/metrics"):
            async with session.get(path) as answer:
                assert answer.status == 404, path


def test_agents_stay_in_the_native_queue_over_a_restart(
    asterisk_install: AsteriskInstall, loopback: LoopbackBlock
) -> None:
    with running_pair(asterisk_install, loopback) as pair:
        pair.hotline.cli("queue add member PJSIP/8002p to hotline")
        pair.hotline.stop()
        pair.hotline.start()
        assert "PJSIP/8002p" in pair.hotline.cli("queue show hotline")
