"""Servers and databases that any test may ask for."""

from __future__ import annotations

import pytest
from hypothesis import settings
from pytest import Item, TerminalReporter

from tests.support.asterisk import asterisk_install, asterisk_pair, hotline_ami, network_ami
from tests.support.loopback import loopback, module_loopback
from tests.support.migrated import migrated_postgres, migrated_sqlite, migrated_url
from tests.support.postgres import database_url, module_database_url, postgres_server, postgres_url
from tests.support.redis import (
    any_redis_server,
    any_redis_url,
    redis_server,
    redis_url,
    valkey_server,
    valkey_url,
)

settings.register_profile("hotline", deadline=None)
settings.load_profile("hotline")  # how long an example takes says more of the machine than of the code

PLAYED = ("browser", "integration")


def pytest_collection_modifyitems(items: list[Item]) -> None:
    """Try what is played in real time once more: on a busy machine it may come too late, or be misheard."""
    for item in items:
        if any(item.get_closest_marker(name) is not None for name in PLAYED):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Show what was tried once more, and why: whoever reads the run says whether the machine is to blame."""
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.section(f"failed, and was tried once more: {report.nodeid}")
        terminalreporter.line(report.longreprtext)


__all__ = [
    "any_redis_server",
    "any_redis_url",
    "asterisk_install",
    "asterisk_pair",
    "database_url",
    "hotline_ami",
    "loopback",
    "migrated_postgres",
    "migrated_sqlite",
    "migrated_url",
    "module_database_url",
    "module_loopback",
    "network_ami",
    "postgres_server",
    "postgres_url",
    "redis_server",
    "redis_url",
    "valkey_server",
    "valkey_url",
]
