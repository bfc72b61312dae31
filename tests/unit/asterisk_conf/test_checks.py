"""Values that must not be written are refused, naming the key and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf.checks import MAX_ITEMS, check
from asterisk_conf.config import AgentExtension, AgiServer, DeskPhone, Registration, TlsFiles, Trunk
from asterisk_conf.errors import ConfigValueError
from tests.support.asterisk_samples import hotline_config, phones_config

FOLDER = Path("/srv/hotline")


def test_a_complete_configuration_is_accepted() -> None:
    check(
        hotline_config(
            FOLDER,
            external_address="203.0.113.9",
            local_networks=("10.0.0.0/8",),
            tls=TlsFiles(certificate=Path("/etc/ssl/a.pem"), private_key=Path("/etc/ssl/a.key")),
            trunks=(
                Trunk(
                    name="carrier",
                    match=("192.0.2.1",),
                    contact="sip:carrier.example",
                    registration=Registration(server="sip:carrier.example", user="u1", secret="12345678#'\""),
                ),
            ),
        )
    )
    check(phones_config(FOLDER))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"system_name": "node 1"}, "system_name"),
        ({"system_name": "节点"}, "system_name"),
        ({"bind_address": "localhost"}, "bind_address"),
        ({"bind_address": None}, "bind_address"),
        ({"sip_port": 0}, "sip_port"),
        ({"sip_port": 65536}, "sip_port"),
        ({"sip_port": "5060"}, "sip_port"),
        ({"sip_port": True}, "sip_port"),
        ({"sip_tcp": "yes"}, "sip_tcp"),
        ({"manager_secret": "short"}, "manager_secret"),
        ({"manager_secret": "semicolon;123"}, "manager_secret"),
        ({"manager_secret": "two words 12345"}, "manager_secret"),
        ({"manager_permit": ("10.0.0.0/33",)}, "manager_permit[0]"),
        ({"manager_permit": ["10.0.0.0/8"]}, "manager_permit"),
        ({"sounds_dir": Path("relative")}, "sounds_dir"),
        ({"sounds_dir": Path("/a,b")}, "sounds_dir"),
        ({"sounds_dir": Path("/${SHELL(id)}")}, "sounds_dir"),
        ({"sounds_dir": "/srv"}, "sounds_dir"),
        ({"moh_dir": Path("/a;b")}, "moh_dir"),
        ({"fallback_strategy": "fastest"}, "fallback_strategy"),
        ({"qualify_s": -1}, "qualify_s"),
        ({"agi_servers": (AgiServer(host="a b"),)}, "agi_servers[0].host"),
        ({"agi_servers": ("10.0.0.1",)}, "agi_servers[0]"),
        ({"agents": (AgentExtension(extension="80a1", secret="agent-secret"),)}, "agents[0].extension"),
        ({"agents": (AgentExtension(extension="8001", secret=""),)}, "agents[0].secret"),
        (
            {"trunks": (Trunk(name="t", match=("192.0.2.1",), contact="sip:x\nexten => s,1,System(id)"),)},
            "trunks[0].contact",
        ),
        (
            {"trunks": (Trunk(name="t", match=("192.0.2.1",), contact="sip:x", codecs=("mp3",)),)},
            "trunks[0].codecs[0]",
        ),
    ],
)
def test_a_value_that_must_not_be_written_is_refused_by_its_key(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigValueError) as refused:
        check(hotline_config(FOLDER, **changes))
    assert refused.value.key == key
    assert refused.value.remedy in str(refused.value)


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(ConfigValueError) as refused:
        check(hotline_config(FOLDER, manager_secret="do;not;tell"))
    assert "do;not;tell" not in str(refused.value)


def test_a_list_without_end_is_refused() -> None:
    agents = (AgentExtension(extension="8001", secret="agent-secret"),) * (MAX_ITEMS + 1)
    with pytest.raises(ConfigValueError, match="agents: has 2001 entries"):
        check(hotline_config(FOLDER, agents=agents))


def test_a_delay_that_is_no_number_is_refused() -> None:
    phones = (DeskPhone(user="8001p", secret="agent-secret", answer_after_s=float("nan")),)
    with pytest.raises(ConfigValueError, match=r"phones\[0\]\.answer_after_s"):
        check(phones_config(FOLDER, phones=phones))


@given(
    st.sampled_from(["system_name", "manager_user", "manager_secret", "language", "bind_address"]),
    st.text(max_size=120),
    st.sampled_from("\r\n;\x00\u2028\x85 "),
    st.text(max_size=120),
)
def test_no_value_with_a_line_break_or_a_semicolon_gets_through(
    key: str, before: str, bad: str, after: str
) -> None:
    with pytest.raises(ConfigValueError) as refused:
        check(hotline_config(FOLDER, **{key: before + bad + after}))
    assert refused.value.key == key
