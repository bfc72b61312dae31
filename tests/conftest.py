"""Servers and databases that any test may ask for."""

from __future__ import annotations

from hypothesis import settings

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
