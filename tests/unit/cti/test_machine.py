"""This machine's Asterisk as settings describe it: addresses, trunks, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from asterisk_conf.provide import AsteriskInstall
from cti import machine
from cti.errors import SettingError
from cti.secrets import Secrets
from cti.settings import AsteriskSettings, NodeSettings, Settings, TrunkSettings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "main", cache=tmp_path / "cache")


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "main" / "secrets.json")


INSTALL = AsteriskInstall(
    version=(22, 0, 0), command=("asterisk",), env={}, module_dir=Path("/m"), data_dir=Path("/d")
)


def test_asterisk_asks_this_server_unless_others_are_named(settings: Settings) -> None:
    (own,) = machine.agi_servers(settings)
    assert (own.host, own.port) == ("127.0.0.1", 4573)
    several = replace(settings, servers=("10.0.0.5:4573", "10.0.0.6:4574"))
    assert [(s.host, s.port) for s in machine.agi_servers(several)] == [
        ("10.0.0.5", 4573),
        ("10.0.0.6", 4574),
    ]


@pytest.mark.parametrize("address", ["10.0.0.5", ":4573", "10.0.0.5:", "10.0.0.5:0", "10.0.0.5:70000", "a:b"])
def test_a_server_without_host_or_port_is_refused_by_name(settings: Settings, address: str) -> None:
    with pytest.raises(SettingError, match="host:port") as raised:
        machine.agi_servers(replace(settings, servers=(address,)))
    assert (raised.value.key, raised.value.value) == ("servers", address)


def test_what_listens_everywhere_is_reached_over_loopback() -> None:
    assert machine.reachable("0.0.0.0") == "127.0.0.1"  # noqa: S104 - recognised, not bound
    assert machine.reachable("127.0.0.9") == "127.0.0.9"


def test_nodes_of_somebody_else_are_reached_with_their_own_secrets(
    settings: Settings, secrets: Secrets
) -> None:
    nodes = (NodeSettings(name="a", host="10.0.0.7"), NodeSettings(name="b", host="10.0.0.8", port=5039))
    told = replace(settings, asterisk=AsteriskSettings(embedded=False, nodes=nodes))
    first, second = machine.ami_addresses(told, secrets)
    assert (first.name, first.host, first.port) == ("a", "10.0.0.7", 5038)
    assert (second.name, second.port) == ("b", 5039)
    assert first.secret != second.secret


def test_a_trunk_accepts_calls_from_its_address_and_is_called_there(
    settings: Settings, secrets: Secrets
) -> None:
    told = replace(settings, trunks=(TrunkSettings(name="city", host="192.0.2.1:5080"),))
    (trunk,) = machine.asterisk_config(told, secrets, INSTALL).trunks
    assert (trunk.match, trunk.contact, trunk.registration) == (("192.0.2.1",), "sip:192.0.2.1:5080", None)


def test_a_trunk_registers_with_the_password_that_the_carrier_gave(
    settings: Settings, secrets: Secrets
) -> None:
    city = TrunkSettings(name="city", host="192.0.2.1", user="12345", register=True)
    told = replace(settings, trunks=(city,))
    with pytest.raises(SettingError, match=r"trunk\.city"):  # nobody can make that one up
        machine.asterisk_config(told, secrets, INSTALL)
    given = secrets.get("trunk.city")
    (trunk,) = machine.asterisk_config(told, secrets, INSTALL).trunks
    assert trunk.registration is not None
    assert (trunk.registration.user, trunk.registration.secret) == ("12345", given)


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("", "trunks.city.host"),
        ("192.0.2.1:sip", "trunks.city.host"),
        ("carrier.example", "trunks.city.match"),  # a name tells nothing of where its calls come from
    ],
)
def test_a_trunk_that_cannot_be_told_from_strangers_is_refused(
    settings: Settings, secrets: Secrets, host: str, key: str
) -> None:
    told = replace(settings, trunks=(TrunkSettings(name="city", host=host),))
    with pytest.raises(SettingError) as raised:
        machine.asterisk_config(told, secrets, INSTALL)
    assert raised.value.key == key


def test_every_extension_gets_the_password_that_its_softphone_is_told(
    settings: Settings, secrets: Secrets
) -> None:
    agents = machine.asterisk_config(settings, secrets, INSTALL).agents
    assert [agent.extension for agent in agents][:2] == ["8001", "8002"]
    assert all(agent.secret == secrets.sip_password(agent.extension) for agent in agents)
