"""The machine's own IPv4 addresses, for ICE on loopback."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct

_SIOCGIFADDR = 0x8915  # linux/sockios.h
_NAME_BYTES = 15  # IFNAMSIZ without its final zero


def ipv4_addresses() -> tuple[str, ...]:
    """Return the first address of every interface that has one, loopback left out, sorted."""
    found: set[str] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:_NAME_BYTES])
            try:
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
            except OSError:  # this interface has no IPv4 address
                continue
            address = ipaddress.IPv4Address(answer[20:24])
            if not address.is_loopback:
                found.add(str(address))
    return tuple(sorted(found))
