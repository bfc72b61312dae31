"""FastAGI: Asterisk hands a channel over a TCP connection, and this server says what it does next.

`AgiServer` accepts, `AgiSession` is one channel. Written on asyncio streams; see `server` for why
panoramisk's handler is not used and `commands` for what pyst2 is used for.
"""

from cti.agi.commands import AgiCommands
from cti.agi.messages import (
    AgiBadHeader,
    AgiBadValue,
    AgiBusy,
    AgiCounters,
    AgiDeadline,
    AgiError,
    AgiFailed,
    AgiGarbage,
    AgiHangup,
    AgiLimits,
    AgiRefused,
    AgiReply,
    Digits,
)
from cti.agi.server import AgiServer
from cti.agi.session import AgiSession
from cti.agi.wire import Word, app_argument

__all__ = [
    "AgiBadHeader",
    "AgiBadValue",
    "AgiBusy",
    "AgiCommands",
    "AgiCounters",
    "AgiDeadline",
    "AgiError",
    "AgiFailed",
    "AgiGarbage",
    "AgiHangup",
    "AgiLimits",
    "AgiRefused",
    "AgiReply",
    "AgiServer",
    "AgiSession",
    "Digits",
    "Word",
    "app_argument",
]
