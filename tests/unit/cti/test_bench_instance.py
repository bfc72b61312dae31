"""A benchmark's own hotline: settings that nothing from outside reaches into."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from acd.policy import load_policy
from asterisk_conf.config import AgentExtension, AsteriskConfig
from cti.bench import instance, loopback
from cti.bench.errors import BenchError
from ivr_flows.loader import load_flows

ADDRESSES = instance.Addresses.under("127.241.0")


def test_settings_from_the_environment_do_not_reach_into_a_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", "postgresql://city.example/hotline")
    monkeypatch.setenv("HOTLINE_WEB_PORT", "9999")
    with instance.temporary_home() as (home, cache):
        settings, _ = instance.write_settings(home, cache, ADDRESSES, agents=3, record=True)
        assert home != tmp_path
        assert cache == tmp_path / "cache"
        assert settings.database == f"sqlite:///{home / 'hotline.sqlite'}"
        assert settings.web.port != 9999
        assert settings.agents.extensions == "20001-20003"
    assert os.environ["HOTLINE_HOME"] == str(tmp_path)
    assert os.environ["HOTLINE_DATABASE_URL"] == "postgresql://city.example/hotline"
    assert not home.exists()


def test_the_flow_and_the_policy_of_a_benchmark_are_valid_and_go_straight_to_a_person() -> None:
    flows = load_flows(instance.HERE / "flows", instance.HERE / "numbers.yaml")
    flow = flows.for_number("12345")
    policy = load_policy(instance.HERE / "policy.yaml")
    assert (flow.start, flow.resume) == ("prompt", "general")
    assert [queue.wrap_up_s for queue in policy.queues] == [0]


def test_more_agents_than_can_be_simulated_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="offer fewer calls"):
        instance.write_settings(tmp_path, tmp_path, ADDRESSES, agents=100_000, record=True)


def test_two_benchmarks_never_share_addresses() -> None:
    with loopback.block() as first, loopback.block() as second:
        assert first != second


def test_the_peer_is_the_same_asterisk_without_a_server(tmp_path: Path) -> None:
    config = AsteriskConfig(
        system_name="bench",
        bind_address=ADDRESSES.asterisk,
        module_dir=tmp_path,
        data_dir=tmp_path,
        sounds_dir=tmp_path,
        recordings_dir=tmp_path,
        manager_user="hotline",
        manager_secret="manager-secret",
        agents=(AgentExtension(extension="20001", secret="agent-secret"),),
    )
    peer = instance.plain_peer(config, ADDRESSES, tmp_path, record=False)
    assert (peer.agi_servers, peer.record, peer.bind_address) == ((), False, ADDRESSES.plain)
    assert [trunk.context for trunk in peer.trunks] == ["plain-bench"]
    assert [agent.static_contact for agent in peer.agents] == [f"sip:agent@{ADDRESSES.agents}:5060"]
