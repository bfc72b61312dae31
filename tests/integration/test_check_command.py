"""The command itself, as an operator meets it: what is wrong is named with key, value and remedy."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.asterisk import CACHE
from tests.support.loopback import LoopbackBlock

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Done:
    """What a command printed and how it ended."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A home folder of its own, with the shared cache."""

    home: Path

    def write(self, text: str) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "hotline.toml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, **environ: str) -> Done:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
        done = subprocess.run(
            [sys.executable, "-m", "cti", *arguments],
            env=inherited
            | {"HOTLINE_HOME": str(self.home), "HOTLINE_CACHE": str(CACHE), "PYTHONPATH": str(ROOT)}
            | environ,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        text = done.stdout + done.stderr
        assert "Traceback" not in text, text
        return Done(done.returncode, text)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "hl")


def listening(loopback: LoopbackBlock) -> str:
    """Settings that put every listener on an address of the test's own."""
    return '[web]\nhost = "{0}"\n[agi]\nhost = "{0}"\n[asterisk]\nbind = "{0}"\n'.format(loopback.address())


def test_nothing_is_wrong_with_a_new_machine(
    machine: Machine, loopback: LoopbackBlock, asterisk_install: object
) -> None:
    machine.write(listening(loopback))

    done = machine.run("check")

    assert done.status == 0, done.text
    assert "0 个错误" in done.text
    assert not (machine.home / "main").exists()  # looking leaves nothing behind


def test_settings_that_cannot_be_read_are_told_in_one_line(machine: Machine) -> None:
    machine.write("[web]\nport = 'many'\n")

    done = machine.run("check")

    assert done.status == 78
    assert "web.port" in done.text
    assert "'many'" in done.text
    assert done.text.count("\n") == 1


def test_every_wrong_file_is_named_in_one_run(
    machine: Machine, tmp_path: Path, asterisk_install: object
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "x.yaml").write_text("steps: [", encoding="utf-8")
    (tmp_path / "cert.pem").write_text("no certificate", encoding="utf-8")
    machine.write(
        f'[calls]\nflows = "{tmp_path}/flows"\nprompts = "{tmp_path}/absent"\n'
        f'[web]\ntls_certificate = "{tmp_path}/cert.pem"\ntls_key = "{tmp_path}/key.pem"\n'
        f'[recognition]\nmodel = "{tmp_path}/model"\ncity = "{tmp_path}/city.yaml"\n'
        '[[trunks]]\nname = "unicom"\nhost = "sip.example.cn"\n'
    )

    done = machine.run("check", "--no-ports")

    assert done.status == 1
    for key in (
        "flows/x.yaml:1 file",
        "calls.prompts",
        "web.tls_key",
        "recognition.model",
        "recognition.city",
        "trunks.unicom.match",
    ):
        assert key in done.text
    assert str(tmp_path / "flows" / "x.yaml") in done.text


def test_a_policy_that_is_no_policy_is_named(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("queues: 5", encoding="utf-8")
    (tmp_path / "cert.pem").write_text("no certificate", encoding="utf-8")
    machine.write(
        f'[calls]\npolicy = "{tmp_path}/policy.yaml"\n'
        f'[web]\ntls_certificate = "{tmp_path}/cert.pem"\ntls_key = "{tmp_path}/cert.pem"\n'
        '[asterisk]\nembedded = false\n[[asterisk.nodes]]\nname = "ast1"\nhost = "192.0.2.1"\n'
    )

    done = machine.run("check", "--no-ports")

    assert done.status == 1
    assert "calls.policy" in done.text
    assert "web.tls_certificate" in done.text
    assert "ami.ast1" in done.text


def test_a_trunk_that_registers_needs_its_password(machine: Machine, asterisk_install: object) -> None:
    machine.write('[[trunks]]\nname = "unicom"\nhost = "192.0.2.1"\nregister = true\nuser = "u"\n')

    done = machine.run("check", "--no-ports")

    assert done.status == 1
    assert "trunk.unicom" in done.text


def test_secrets_that_others_can_read_are_refused(machine: Machine, asterisk_install: object) -> None:
    (machine.home / "main").mkdir(parents=True)
    secrets = machine.home / "main" / "secrets.json"
    secrets.write_text("{}", encoding="utf-8")
    secrets.chmod(0o644)

    assert "chmod 600" in machine.run("check", "--no-ports").text
    assert machine.run("up").status == 78


def test_a_port_in_use_is_named_by_check_and_stops_up_at_once(
    machine: Machine, loopback: LoopbackBlock, asterisk_install: object
) -> None:
    address = loopback.address()
    machine.write(f'[web]\nhost = "{address}"\n[agi]\nhost = "{address}"\n[asterisk]\nbind = "{address}"\n')
    with socket.create_server((address, 4573)):
        check, up = machine.run("check"), machine.run("up")

    assert check.status == 1
    assert f"agi.port = {address}:4573" in check.text
    assert up.status == 69
    assert "agi.port" in up.text


def test_a_second_up_says_that_the_first_one_runs(machine: Machine) -> None:
    machine.write("")
    (machine.home / "main").mkdir()
    with (machine.home / "main" / "lock").open("a", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = machine.run("up")

    assert done.status == 69
    assert "it runs already" in done.text


@pytest.mark.parametrize("folder", ["with space", "x" * 90])
def test_a_home_in_which_asterisk_cannot_run_is_refused_before_anything_starts(
    tmp_path: Path, folder: str
) -> None:
    machine = Machine(tmp_path / folder)
    machine.write("")

    done = machine.run("up", HOTLINE_CACHE=str(tmp_path / "cache"))

    assert done.status == 78
    assert "HOTLINE_HOME" in done.text
    assert not (machine.home / "main").exists()


def test_a_home_that_cannot_be_written_is_told_in_one_line(machine: Machine) -> None:
    machine.write("")
    (machine.home / "main").write_text("a file where the instance's folder should be", encoding="utf-8")

    done = machine.run("account", "list")

    assert done.status == 1
    assert str(machine.home / "main") in done.text
    assert done.text.count("\n") == 1


def test_a_database_that_is_away_is_told_in_one_line(machine: Machine, loopback: LoopbackBlock) -> None:
    machine.write(f'database_url = "postgresql://hotline:geheim@{loopback.address()}/hotline"\n')

    done = machine.run("migrate")

    assert done.status == 69
    assert "database_url" in done.text
    assert "geheim" not in done.text


def test_what_a_command_writes_is_for_its_owner_only(machine: Machine) -> None:
    machine.write("")

    done = machine.run("account", "create", "admin", "--role", "admin")

    assert done.status == 0, done.text
    written = [machine.home / "main", *(machine.home / "main").rglob("*")]
    assert len(written) > 1
    assert not [path for path in written if path.stat().st_mode & 0o077]


def test_wrong_usage_is_status_2(machine: Machine) -> None:
    machine.write("")

    assert machine.run("fly").status == 2
    assert machine.run("account", "create").status in (1, 2)


@pytest.mark.parametrize("part", ["serve", "asr"])
def test_a_part_without_redis_says_which_setting_is_missing(machine: Machine, part: str) -> None:
    machine.write("")

    done = machine.run(part)

    assert done.status == 78
    assert "redis_url" in done.text
