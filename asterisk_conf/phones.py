"""The simulated telephone network: a second Asterisk that plays citizens and agents' desk phones."""

from __future__ import annotations

from pathlib import Path

from asterisk_conf.checks import check
from asterisk_conf.config import PhonesConfig
from asterisk_conf.errors import ConfigValueError
from asterisk_conf.render import EVENTS, SHARED, write

FILES = {
    **{name: name for name in (*SHARED, "confbridge.conf")},
    **{name: f"phones/{name}" for name in ("extensions.conf", "manager.conf", "pjsip.conf", "rtp.conf")},
    **{name: f"phones/{name}" for name in ("http.conf", "queues.conf")},
}
"""File name in ``etc`` -> template."""


def render(config: PhonesConfig, target: Path) -> Path:
    """Write the simulated network's Asterisk.

    Args:
        config: who is on the telephone.
        target: folder of this Asterisk; made when absent.

    Returns:
        The path of ``asterisk.conf``.

    Raises:
        ConfigValueError: a value must not be written; nothing was changed.
    """
    check(config)
    if config.trunk_address == config.desk_address:
        raise ConfigValueError(
            "desk_address",
            "is the trunk's address too",
            "give another one: the hotline knows its trunk by the address that calls come from",
        )
    if config.desk_mode == "agi" and config.agi is None:
        raise ConfigValueError("agi", "is absent", "desk_mode agi needs a server")
    if len({phone.user for phone in config.phones}) < len(config.phones):
        raise ConfigValueError("phones", "one user is there twice", "give every phone its own user")
    values: dict[str, object] = {
        "config": config,
        "system_name": "phones",
        "max_calls": 5000,
        "language": "zh",
        "moh_dir": config.data_dir / "moh",
        "events": EVENTS,
    }
    config.recordings_dir.mkdir(parents=True, exist_ok=True)
    return write(target, FILES, values, config.module_dir, config.data_dir, config.sounds_dir)
