"""Configurations for tests that start no Asterisk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asterisk_conf.config import AgentExtension, AgiServer, AsteriskConfig, DeskPhone, PhonesConfig, Trunk
from asterisk_conf.modules import OPTIONAL, REQUIRED


def fake_install(folder: Path) -> tuple[Path, Path]:
    """Make folders that look like an install's modules and data; return them."""
    modules, data = folder / "modules", folder / "share"
    modules.mkdir(parents=True)
    for name in (*REQUIRED, *OPTIONAL):
        (modules / f"{name}.so").touch()
    for name in ("documentation", "moh", "sounds/en", "static-http"):
        (data / name).mkdir(parents=True)
    return modules, data


def hotline_config(folder: Path, **changes: Any) -> AsteriskConfig:
    """Return a valid configuration of a hotline node under a folder, with some fields changed."""
    fields: dict[str, Any] = {
        "system_name": "node1",
        "bind_address": "127.0.0.1",
        "module_dir": folder / "modules",
        "data_dir": folder / "share",
        "sounds_dir": folder / "sounds",
        "recordings_dir": folder / "recordings",
        "manager_user": "cti",
        "manager_secret": "manager-secret-1",
        "agi_servers": (AgiServer(host="10.0.0.1"), AgiServer(host="cti2.example", port=4600)),
        "trunks": (Trunk(name="city", match=("192.0.2.0/24",), contact="sip:192.0.2.1:5060"),),
        "agents": (AgentExtension(extension="8001", secret="agent-secret-1"),),
    }
    return AsteriskConfig(**(fields | changes))


def phones_config(folder: Path, **changes: Any) -> PhonesConfig:
    """Return a valid configuration of the telephone network under a folder, with some fields changed."""
    fields: dict[str, Any] = {
        "trunk_address": "127.0.0.2",
        "desk_address": "127.0.0.3",
        "hotline": "127.0.0.1",
        "module_dir": folder / "modules",
        "data_dir": folder / "share",
        "sounds_dir": folder / "sounds",
        "recordings_dir": folder / "heard",
        "manager_user": "phones",
        "manager_secret": "manager-secret-2",
        "phones": (DeskPhone(user="8001p", secret="agent-secret-1", answer_after_s=None),),
    }
    return PhonesConfig(**(fields | changes))
