"""Our commands are written as pyst2's wrappers write them."""

from __future__ import annotations

import io
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from asterisk.agi import AGI

from cti.agi import AgiCommands, AgiLimits, AgiReply
from cti.agi.wire import command_line


class Recorder(AgiCommands):
    """Writes commands down instead of sending them."""

    def __init__(self) -> None:
        self.limits = AgiLimits()
        self.line = ""

    async def execute(self, command: str, *args: str | int, deadline: float | None = None) -> AgiReply:
        self.line = command_line(command, args, self.limits).decode()
        return AgiReply(code=200, value="0")


@pytest.fixture(autouse=True)
def _sighup_handler_kept() -> Iterator[None]:
    kept = signal.getsignal(signal.SIGHUP)  # pyst2's AGI replaces it
    yield
    signal.signal(signal.SIGHUP, kept)


def pyst2_line(call: Callable[[Any], object]) -> str:
    written = io.StringIO()
    agi = AGI(stdin=io.StringIO("agi_channel: C\n\n200 result=0\n"), stdout=written, stderr=io.StringIO())
    call(agi)
    return written.getvalue()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda s: s.answer(), lambda a: a.answer()),
        (lambda s: s.stream_file("hotline/menu", "123*#"), lambda a: a.stream_file("hotline/menu", "123*#")),
        (lambda s: s.stream_file("hotline/menu"), lambda a: a.stream_file("hotline/menu")),
        (lambda s: s.wait_for_digit(4000), lambda a: a.wait_for_digit(4000)),
        (lambda s: s.get_data("hotline/ask", 5000, 11), lambda a: a.get_data("hotline/ask", 5000, 11)),
        (lambda s: s.set_variable("CALL_ID", "a b"), lambda a: a.set_variable("CALL_ID", "a b")),
        (lambda s: s.get_variable("DIALSTATUS"), lambda a: a.get_variable("DIALSTATUS")),
        (lambda s: s.exec_app("Dial", "PJSIP/1", 20, "g"), lambda a: a.appexec("Dial", "PJSIP/1,20,g")),
        (lambda s: s.hangup(), lambda a: a.hangup()),
        (lambda s: s.verbose("flow begins", 2), lambda a: a.verbose("flow begins", 2)),
        (lambda s: s.channel_status(), lambda a: a.channel_status()),
    ],
)
async def test_a_command_is_written_as_pyst2_writes_it(
    ours: Callable[[AgiCommands], Awaitable[object]], theirs: Callable[[Any], object]
) -> None:
    recorder = Recorder()
    await ours(recorder)
    assert recorder.line == pyst2_line(theirs)
