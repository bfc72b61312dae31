"""What a flow says, and the keys that answer it."""

from __future__ import annotations

from cti.control.line_leg import Leg
from ivr_flows.messages import Collect, Collected, Play, Played

END_KEY_S = 2.0
"""Who has typed all the digits that there are often ends them, too: that key means nothing afterwards."""


async def play(leg: Leg, action: Play) -> Played:
    """Say it. With `keys` any key ends it (the flow says which ones mean something).

    Without, it is said to its end, and what was pressed meanwhile is told as type-ahead.
    """
    stops = bool(action.keys)
    if action.flush:
        leg.keys.clear()
    await leg.say(action.prompts, stops=stops)
    if action.wait_s > 0:
        return Played(key=await leg.next_key(action.wait_s))
    return Played(key=leg.keys.take())


async def collect(leg: Leg, action: Collect) -> Collected:
    """Say it and gather digits, each once, in the order pressed."""
    if action.flush:
        leg.keys.clear()
    await leg.say(action.prompts, stops=True)
    digits = ""
    while len(digits) < action.most:
        key = await leg.next_key(action.next_s if digits else action.first_s)
        if key is None:
            return Collected(digits=digits)
        if key == action.end_key:
            return Collected(digits=digits, ended=True)
        digits += key
    if action.end_key:
        leg.keys.ignore(action.end_key, leg.clock() + END_KEY_S)
    return Collected(digits=digits)
