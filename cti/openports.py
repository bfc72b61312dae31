"""Whether the addresses that a hotline listens on are free."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from cti.settings import Settings

__all__ = ["taken"]


def taken(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield (setting, address, reason) of every address that cannot be had; a running hotline counts, too."""
    asterisk = settings.asterisk
    wanted = [
        ("web.port", settings.web.host, settings.web.port, socket.SOCK_STREAM),
        ("agi.port", settings.agi.host, settings.agi.port, socket.SOCK_STREAM),
    ]
    if asterisk.embedded:
        wanted += [
            ("asterisk.sip_port", asterisk.bind, asterisk.sip_port, socket.SOCK_DGRAM),
            ("asterisk.http_port", asterisk.bind, asterisk.http_port, socket.SOCK_STREAM),
            ("asterisk.ami_port", asterisk.bind, asterisk.ami_port, socket.SOCK_STREAM),
        ]
        if asterisk.tls_certificate:
            wanted.append(
                ("asterisk.http_port", asterisk.bind, asterisk.http_port + 1, socket.SOCK_STREAM),
            )
    ours: dict[tuple[str, int, socket.SocketKind], str] = {}
    for key, host, port, kind in wanted:
        reason = _reason(host, port, kind)
        if not reason and port and (other := ours.setdefault((host, port, kind), key)) != key:
            reason = f"the same as {other}"
        if reason:
            yield key, f"{host}:{port}", reason


def _reason(host: str, port: int, kind: socket.SocketKind) -> str:
    """Why this address cannot be listened on; "" when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError:
            return "no port has this number"
        except OSError as error:
            names = {errno.EADDRINUSE: "in use", errno.EADDRNOTAVAIL: "no address of this machine"}
            return names.get(error.errno or 0, error.strerror or "cannot be had")
    return ""
