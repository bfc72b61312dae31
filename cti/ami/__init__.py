"""AMI: events from Asterisk and actions to it, over links that keep themselves up.

`AmiLink` is one node's link, `AmiNodes` several. Built on panoramisk; `protocol` says what is mended.
"""

from cti.ami.link import AmiLink
from cti.ami.messages import (
    AmiAddress,
    AmiBadValue,
    AmiBusy,
    AmiCounters,
    AmiDeadline,
    AmiDown,
    AmiError,
    AmiEvent,
    AmiLimits,
    AmiNoSuchNode,
    AmiProtocolError,
    AmiRefused,
    AmiReply,
    Originate,
    OriginateOutcome,
)
from cti.ami.nodes import AmiNodes

__all__ = [
    "AmiAddress",
    "AmiBadValue",
    "AmiBusy",
    "AmiCounters",
    "AmiDeadline",
    "AmiDown",
    "AmiError",
    "AmiEvent",
    "AmiLimits",
    "AmiLink",
    "AmiNoSuchNode",
    "AmiNodes",
    "AmiProtocolError",
    "AmiRefused",
    "AmiReply",
    "Originate",
    "OriginateOutcome",
]
