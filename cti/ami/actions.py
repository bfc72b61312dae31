"""The AMI actions that call control uses, typed. Names and headers: Asterisk's manager documentation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from cti.ami.messages import AmiBadValue, AmiReply, Originate
from cti.ami.wire import variable_header

__all__ = ["AmiActions"]

Headers = dict[str, str | int | Sequence[str]]

KEYS: Final = "0123456789*#ABCD"


class AmiActions(ABC):
    """Typed helpers over `action`; every one raises what `AmiLink.action` raises."""

    @abstractmethod
    async def action(
        self, name: str, fields: Mapping[str, str | int | Sequence[str]] = ..., *, deadline: float = 5.0
    ) -> AmiReply:
        """Send an action and return its successful answer."""

    @staticmethod
    def originate_fields(request: Originate) -> Headers:
        """Headers of an Originate. AmiBadValue unless exactly one of application and context is set."""
        if bool(request.application) == bool(request.context):
            raise AmiBadValue("Originate needs either an application or a context, not both and not neither")
        headers: Headers = {
            "Channel": request.channel,
            "Async": "true",
            "Timeout": round(request.timeout * 1000),
        }
        if request.application:
            headers |= {"Application": request.application, "Data": request.data}
        else:
            headers |= {"Context": request.context, "Exten": request.exten, "Priority": request.priority}
        optional = {
            "CallerID": request.caller_id,
            "ChannelId": request.channel_id,
            "OtherChannelId": request.other_channel_id,
            "Codecs": request.codecs,
            "EarlyMedia": "true" if request.early_media else "",
        }
        headers |= {name: value for name, value in optional.items() if value}
        if request.variables:
            headers["Variable"] = [variable_header(*item) for item in request.variables.items()]
        return headers

    async def originate(self, request: Originate, *, deadline: float = 5.0) -> AmiReply:
        """Place a call and return once Asterisk took the order; the outcome comes as OriginateResponse."""
        return await self.action("Originate", self.originate_fields(request), deadline=deadline)

    async def redirect(
        self,
        channel: str,
        context: str,
        exten: str = "s",
        priority: int = 1,
        *,
        extra_channel: str = "",
        deadline: float = 5.0,
    ) -> AmiReply:
        """Send a channel (and a second one, to the same place) to the dialplan."""
        headers: Headers = {"Channel": channel, "Context": context, "Exten": exten, "Priority": priority}
        if extra_channel:
            headers |= {
                "ExtraChannel": extra_channel,
                "ExtraContext": context,
                "ExtraExten": exten,
                "ExtraPriority": priority,
            }
        return await self.action("Redirect", headers, deadline=deadline)

    async def hangup(self, channel: str, cause: int = 16, *, deadline: float = 5.0) -> AmiReply:
        """Hang a channel up with a Q.850 cause (16: normal). AmiRefused when there is no such channel."""
        return await self.action("Hangup", {"Channel": channel, "Cause": cause}, deadline=deadline)

    async def set_variable(self, channel: str, name: str, value: str, *, deadline: float = 5.0) -> AmiReply:
        """Set a variable or function of a channel; channel "" sets a global variable."""
        variable_header(name, "")  # only the check of the name: the value has a header of its own
        headers: Headers = {"Variable": name, "Value": value}
        if channel:
            headers["Channel"] = channel
        return await self.action("Setvar", headers, deadline=deadline)

    async def get_variable(self, channel: str, name: str, *, deadline: float = 5.0) -> str:
        """Read a variable or function of a channel (channel "": a global one); empty when not set."""
        variable_header(name, "")
        headers: Headers = {"Variable": name}
        if channel:
            headers["Channel"] = channel
        return (await self.action("Getvar", headers, deadline=deadline)).get("Value")

    async def play_dtmf(
        self,
        channel: str,
        digit: str,
        *,
        receive: bool = False,
        duration_ms: int | None = None,
        deadline: float = 5.0,
    ) -> AmiReply:
        """Send a key to the channel's far end, or (`receive`) act as if the far end had pressed it."""
        if len(digit) != 1 or digit not in KEYS:
            raise AmiBadValue(f"digit={digit!r}: one of {KEYS}")
        headers: Headers = {"Channel": channel, "Digit": digit}
        if receive:
            headers["Receive"] = "true"
        if duration_ms is not None:
            headers["Duration"] = duration_ms
        return await self.action("PlayDTMF", headers, deadline=deadline)

    async def queue_add(
        self,
        queue: str,
        interface: str,
        *,
        member_name: str = "",
        penalty: int = 0,
        paused: bool = False,
        state_interface: str = "",
        deadline: float = 5.0,
    ) -> AmiReply:
        """Sign a member in to one of Asterisk's own queues. AmiRefused when it is there already."""
        headers: Headers = {
            "Queue": queue,
            "Interface": interface,
            "Penalty": penalty,
            "Paused": "true" if paused else "false",
        }
        if member_name:
            headers["MemberName"] = member_name
        if state_interface:
            headers["StateInterface"] = state_interface
        return await self.action("QueueAdd", headers, deadline=deadline)

    async def queue_remove(self, queue: str, interface: str, *, deadline: float = 5.0) -> AmiReply:
        """Sign a member out. AmiRefused when it is not there."""
        return await self.action("QueueRemove", {"Queue": queue, "Interface": interface}, deadline=deadline)

    async def queue_pause(
        self, interface: str, paused: bool, *, queue: str = "", reason: str = "", deadline: float = 5.0
    ) -> AmiReply:
        """Pause or unpause a member, in every queue unless one is named."""
        headers: Headers = {"Interface": interface, "Paused": "true" if paused else "false"}
        if queue:
            headers["Queue"] = queue
        if reason:
            headers["Reason"] = reason
        return await self.action("QueuePause", headers, deadline=deadline)

    async def mixmonitor(
        self, channel: str, file: str, *, options: str = "", deadline: float = 5.0
    ) -> AmiReply:
        """Begin to record a channel.

        `file` with extension; options as MixMonitor's, e.g. ``r(in.wav)t(out.wav)``, or ``i(VARIABLE)`` to
        learn the recording's id from that channel variable (the answer does not tell it). The application's
        command argument is not offered: it is run by a shell.
        """
        headers: Headers = {"Channel": channel, "File": file}
        if options:
            headers["Options"] = options
        return await self.action("MixMonitor", headers, deadline=deadline)

    async def mixmonitor_stop(
        self, channel: str, mixmonitor_id: str = "", *, deadline: float = 5.0
    ) -> AmiReply:
        """End one recording of a channel, or all."""
        headers: Headers = {"Channel": channel}
        if mixmonitor_id:
            headers["MixMonitorID"] = mixmonitor_id
        return await self.action("StopMixMonitor", headers, deadline=deadline)

    async def mixmonitor_mute(
        self,
        channel: str,
        muted: bool,
        *,
        direction: Literal["read", "write", "both"] = "both",
        deadline: float = 5.0,
    ) -> AmiReply:
        """Record silence instead of a direction (read: what the channel says, write: what it hears)."""
        headers: Headers = {"Channel": channel, "Direction": direction, "State": 1 if muted else 0}
        return await self.action("MixMonitorMute", headers, deadline=deadline)
