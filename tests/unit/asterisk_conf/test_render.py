"""What is written for Asterisk, and how."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from asterisk.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asterisk_conf import phones, render
from asterisk_conf.config import (
    AgentExtension,
    AgiServer,
    AsteriskConfig,
    DeskPhone,
    Registration,
    TlsFiles,
    Trunk,
)
from asterisk_conf.errors import ConfigValueError
from asterisk_conf.modules import REQUIRED
from asterisk_conf.validate import problems
from tests.support.asterisk_samples import fake_install, hotline_config, phones_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with something that looks like an install."""
    fake_install(tmp_path)
    return tmp_path


def values(file: Path, section: str, key: str) -> list[str]:
    """Return all values of a key in all sections of a name."""
    return [
        item.value.strip()
        for category in Config(str(file)).categories
        if category.name == section
        for item in category.items
        if item.name == key
    ]


def etc(config: AsteriskConfig, folder: Path) -> Path:
    """Render and return the folder of the files."""
    return render.render(config, folder / "node").parent


def test_every_file_is_for_its_owner_only(folder: Path) -> None:
    for file in etc(hotline_config(folder), folder).iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file.name


def test_what_was_rendered_has_no_problems(folder: Path) -> None:
    tls = TlsFiles(certificate=Path("/etc/ssl/a.pem"), private_key=Path("/etc/ssl/a.key"))
    registered = Trunk(
        name="carrier",
        match=("192.0.2.7",),
        contact="sip:carrier.example",
        registration=Registration(server="sip:carrier.example:5080", user="acc1", secret="carrier-secret"),
    )
    desk = AgentExtension(extension="8002", secret="agent-secret-2", static_contact="sip:8002@10.0.0.9:6000")
    config = hotline_config(folder)
    config = hotline_config(
        folder,
        tls=tls,
        sip_tcp=True,
        bench=True,
        trunks=(*config.trunks, registered),
        agents=(*config.agents, desk),
        external_address="203.0.113.9",
        local_networks=("10.0.0.0/8",),
    )
    assert problems(etc(config, folder)) == []


def test_a_plain_node_without_servers_trunks_and_agents_has_no_problems(folder: Path) -> None:
    config = hotline_config(folder, agi_servers=(), trunks=(), agents=())
    assert problems(etc(config, folder)) == []


def test_rendering_again_replaces_files_and_leaves_nothing_beside_them(folder: Path) -> None:
    etc(hotline_config(folder), folder)
    target = etc(hotline_config(folder, sip_port=5070), folder)
    assert values(target / "pjsip.conf", "transport-udp", "bind") == ["127.0.0.1:5070"]
    assert sorted(file.name for file in target.iterdir()) == sorted(render.FILES)


def test_a_refused_value_changes_nothing(folder: Path) -> None:
    target = etc(hotline_config(folder), folder)
    before = {file.name: file.read_bytes() for file in target.iterdir()}
    with pytest.raises(ConfigValueError):
        render.render(hotline_config(folder, sip_port=5070, manager_secret="bad;secret"), folder / "node")
    assert {file.name: file.read_bytes() for file in target.iterdir()} == before


def test_an_agent_has_a_softphone_and_a_desk_phone(folder: Path) -> None:
    pjsip = etc(hotline_config(folder), folder) / "pjsip.conf"
    assert values(pjsip, "8001", "webrtc") == ["yes"]
    assert values(pjsip, "8001p", "webrtc") == []
    assert values(pjsip, "8001p", "password") == ["agent-secret-1"]


def test_a_desk_phone_for_load_tests_needs_no_registration(folder: Path) -> None:
    agents = (
        AgentExtension(extension="8001", secret="agent-secret-1", static_contact="sip:a@10.0.0.9:6000"),
    )
    pjsip = etc(hotline_config(folder, agents=agents), folder) / "pjsip.conf"
    assert values(pjsip, "8001p", "contact") == ["sip:a@10.0.0.9:6000"]
    assert values(pjsip, "8001", "contact") == []


def test_calls_are_recorded_unless_that_is_turned_off(folder: Path) -> None:
    recorded = (etc(hotline_config(folder), folder) / "extensions.conf").read_text()
    silent = (etc(hotline_config(folder, record=False), folder) / "extensions.conf").read_text()
    assert "MixMonitor(" in recorded
    assert "MixMonitor(" not in silent


def test_a_trunk_is_known_by_its_address_before_any_name_is_looked_at(folder: Path) -> None:
    pjsip = etc(hotline_config(folder), folder) / "pjsip.conf"
    assert values(pjsip, "global", "endpoint_identifier_order") == ["ip,username"]
    assert values(pjsip, "city", "match") == ["192.0.2.0/24"]


def test_the_network_is_not_told_which_extension_answered(folder: Path) -> None:
    pjsip = etc(hotline_config(folder), folder) / "pjsip.conf"
    assert values(pjsip, "city", "send_connected_line") == ["no"]


def test_a_carrier_that_asks_for_it_is_signed_in_at(folder: Path) -> None:
    registration = Registration(server="sip:carrier.example:5080", user="acc1", secret="carrier-secret")
    trunk = Trunk(name="c", match=("192.0.2.7",), contact="sip:carrier.example", registration=registration)
    pjsip = etc(hotline_config(folder, trunks=(trunk,)), folder) / "pjsip.conf"
    assert values(pjsip, "c", "client_uri") == ["sip:acc1@carrier.example:5080"]
    assert values(pjsip, "c", "server_uri") == ["sip:carrier.example:5080"]


def test_audio_stays_on_the_bind_address(folder: Path) -> None:
    target = etc(hotline_config(folder, bind_address="127.5.0.1"), folder)
    for endpoint in ("city", "8001", "8001p"):
        assert values(target / "pjsip.conf", endpoint, "media_address") == ["127.5.0.1"]
        assert values(target / "pjsip.conf", endpoint, "bind_rtp_to_media_address") == ["yes"]


def test_on_loopback_the_machines_addresses_stand_for_it_towards_browsers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "ipv4_addresses", lambda: ("192.0.2.8", "198.51.100.8"))
    rtp = etc(hotline_config(folder, bind_address="127.5.0.1"), folder) / "rtp.conf"
    assert values(rtp, "ice_host_candidates", "192.0.2.8") == ["127.5.0.1"]
    assert values(rtp, "ice_host_candidates", "198.51.100.8") == ["127.5.0.1"]


def test_on_a_network_address_browsers_are_offered_that_address_only(folder: Path) -> None:
    rtp = etc(hotline_config(folder, bind_address="192.0.2.8"), folder) / "rtp.conf"
    assert values(rtp, "general", "ice_permit") == ["192.0.2.8"]
    assert values(rtp, "general", "ice_deny") == ["0.0.0.0/0", "::/0"]


def test_a_node_on_all_addresses_binds_audio_to_none(folder: Path) -> None:
    pjsip = etc(hotline_config(folder, bind_address="0.0.0.0"), folder) / "pjsip.conf"  # noqa: S104
    assert values(pjsip, "city", "media_address") == []


def test_an_ipv6_address_is_written_in_brackets_where_a_port_follows(folder: Path) -> None:
    target = etc(hotline_config(folder, bind_address="::1"), folder)
    assert values(target / "pjsip.conf", "transport-udp", "bind") == ["[::1]:5060"]
    assert values(target / "manager.conf", "general", "bindaddr") == ["::1"]


def test_servers_are_asked_by_their_own_extension(folder: Path) -> None:
    text = (etc(hotline_config(folder), folder) / "extensions.conf").read_text(encoding="utf-8")
    assert "HL_SERVERS = 2" in text
    assert "exten => server2,1,Set(HL_SERVER=cti2.example:4600)" in text


def test_modules_that_the_install_lacks_are_not_asked_for(folder: Path) -> None:
    (folder / "modules" / "codec_opus.so").unlink()
    text = (etc(hotline_config(folder), folder) / "modules.conf").read_text(encoding="utf-8")
    assert "codec_opus.so" not in text
    assert "load = codec_opus_open_source.so" in text


def test_an_install_without_a_required_module_is_refused(folder: Path) -> None:
    (folder / "modules" / f"{REQUIRED[0]}.so").unlink()
    with pytest.raises(ConfigValueError, match=f"module_dir: .* lacks {REQUIRED[0]}"):
        etc(hotline_config(folder), folder)


def test_a_folder_too_deep_for_a_socket_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigValueError, match="too long for a socket"):
        render.render(hotline_config(folder), folder / ("x" * 100))


def test_one_name_for_two_things_is_refused(folder: Path) -> None:
    trunk = Trunk(name="8001p", match=("192.0.2.7",), contact="sip:carrier.example")
    with pytest.raises(ConfigValueError, match="'8001p' is there twice"):
        etc(hotline_config(folder, trunks=(trunk,)), folder)


def test_an_audio_port_range_that_ends_before_it_begins_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigValueError, match="rtp_last"):
        etc(hotline_config(folder, rtp_first=20000, rtp_last=10000), folder)


def test_prompts_are_the_languages_sounds(folder: Path) -> None:
    etc(hotline_config(folder), folder)
    assert (folder / "node/data/sounds/zh").readlink() == folder / "sounds"
    assert (folder / "node/data/documentation").resolve() == folder / "share/documentation"


def test_english_is_found_under_its_plain_name_where_a_package_names_the_speaker(folder: Path) -> None:
    (folder / "share/sounds/en").rename(folder / "share/sounds/en_US_f_Allison")
    etc(hotline_config(folder), folder)
    assert (folder / "node/data/sounds/en").resolve() == folder / "share/sounds/en_US_f_Allison"


def test_the_telephone_network_needs_an_address_for_desk_phones_alone(folder: Path) -> None:
    with pytest.raises(ConfigValueError, match="desk_address"):
        phones.render(phones_config(folder, desk_address="127.0.0.2"), folder / "phones")


def test_desk_phones_that_python_plays_need_a_server(folder: Path) -> None:
    with pytest.raises(ConfigValueError, match="agi: is absent"):
        phones.render(phones_config(folder, desk_mode="agi"), folder / "phones")


def test_a_desk_phone_that_nobody_answers_says_never(folder: Path) -> None:
    config = phones_config(folder, agi=AgiServer(host="127.0.0.9"))
    target = phones.render(config, folder / "phones").parent
    text = (target / "extensions.conf").read_text(encoding="utf-8")
    assert "DESK_ANSWER_8001p = never" in text
    assert "AGI(agi://127.0.0.9:4573/phone,${TELEPHONE})" in text


def test_two_desk_phones_of_one_user_are_refused(folder: Path) -> None:
    phone = DeskPhone(user="8001p", secret="agent-secret-1")
    with pytest.raises(ConfigValueError, match="phones: one user is there twice"):
        phones.render(phones_config(folder, phones=(phone, phone)), folder / "phones")


names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,39}\Z").filter(
    lambda name: name not in {"global", "system", "general"} and not name.startswith("transport-")
)
secrets = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=";"), min_size=8, max_size=100
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    user=names,
    secret=secrets,
    agent_secret=secrets,
    trunk=names.filter(lambda name: not name.startswith("800")),
    address=st.ip_addresses(v=4, network="10.0.0.0/8"),
    port=st.integers(1, 65535),
)
def test_every_accepted_value_is_read_back_as_it_was_given(
    folder: Path,
    user: str,
    secret: str,
    agent_secret: str,
    trunk: str,
    address: ipaddress.IPv4Address,
    port: int,
) -> None:
    config = hotline_config(
        folder,
        manager_user=user,
        manager_secret=secret,
        bind_address=str(address),
        ami_port=port,
        agents=(AgentExtension(extension="8001", secret=agent_secret),),
        trunks=(Trunk(name=trunk, match=("192.0.2.1",), contact="sip:192.0.2.1"),),
    )
    target = etc(config, folder)
    assert values(target / "manager.conf", user, "secret") == [secret]
    assert values(target / "manager.conf", "general", "port") == [str(port)]
    assert values(target / "pjsip.conf", "8001", "password") == [agent_secret]
    assert values(target / "pjsip.conf", trunk, "contact") == ["sip:192.0.2.1"]
    assert problems(target) == []
