"""The `hotline` command: reads the command line, loads settings, hands over.

Exit status: 0 done, 1 the work failed, 2 wrong usage, 69 a part is not available, 78 settings are wrong,
130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from asr.errors import AsrError
from asterisk_conf.errors import AsteriskConfError
from cti import (
    adviceargs,
    auditadmin,
    draftargs,
    gazetteeradmin,
    learnargs,
    orderadmin,
    planning,
    reportadmin,
    retentionadmin,
    toolargs,
)
from cti.children import FINAL_EXIT, die_with_parent
from cti.errors import HotlineError, SecretsError, SettingError, StartError
from cti.settings import Settings, load

UNAVAILABLE = 69
CLOSED_PIPE = 141
"""What a shell gives for a program that was ended by SIGPIPE."""

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status."""
    options = _parser().parse_args(arguments)
    die_with_parent()
    try:
        with _private() if options.private else nullcontext():
            return int(options.run(options))
    except (SettingError, SecretsError) as error:
        _complain(error)
        return FINAL_EXIT
    except (StartError, AsteriskConfError, AsrError) as error:
        _complain(error)
        return UNAVAILABLE
    except HotlineError as error:
        _complain(error)
        return 1
    except BrokenPipeError:
        # `hotline draft … | head`: nobody reads on, and what is still in the buffer has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except OSError as error:
        _complain(f"{error.filename or 'the system'}: {error.strerror or error}; free or mend it")
        return 1
    except KeyboardInterrupt:
        return 130


@contextmanager
def _private() -> Iterator[None]:
    """Only the owner reads what is written: it is citizens' data, or leads to it."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _complain(error: Exception | str) -> None:
    print(f"hotline: {error}", file=sys.stderr)  # noqa: T201


def _say(line: object) -> None:
    print(line, flush=True)  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hotline", description="12345 政务服务便民热线：呼叫、坐席、转写、工单"
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Command, about: str, *, settings: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(run=run, private=settings or name == "demo")
        if settings:
            sub.add_argument("--instance", default="main", help="which instance's folder (default: main)")
            sub.add_argument(
                "--config", type=Path, help="settings file (default: hotline.toml in the home folder)"
            )
        return sub

    command("up", _up, "run everything on this machine: Asterisk, Valkey, server, recogniser, desk")
    command("serve", _serve, "run one CTI server")
    asr = command("asr", _asr, "run the speech recognition workers, compose or adapt their model")
    toolargs.asr(asr)
    command("watch", _watch, "take callers away from a server that hangs")
    check = command("check", _check, "say what is wrong with settings, flows, Asterisk, model and ports")
    check.add_argument("--no-ports", action="store_true", help="do not look whether the ports are free")
    asterisk = command("asterisk", _asterisk, "write the configuration of an Asterisk that others run")
    asterisk.add_argument(
        "folder", type=Path, help="where: FOLDER/etc/asterisk.conf is what Asterisk is started with"
    )
    command("migrate", _migrate, "bring the database's schema up to date")

    demo = command("demo", _demo, "run everything with scripted citizens who call", settings=False)
    demo.add_argument(
        "--headless", action="store_true", help="agents answer by themselves; one JSON line a call"
    )
    demo.add_argument("--calls", type=_positive, help="how many calls (headless: one of each scenario)")
    demo.add_argument("--agents", type=_positive, default=2, help="headless agents (default: 2)")

    account = command("account", _account, "create or change an account, set a password, list accounts")
    account.add_argument("action", choices=("create", "change", "password", "list"))
    account.add_argument("login", nargs="?", help="account name")
    account.add_argument("--name", default="", help="姓名")
    account.add_argument("--role", choices=("agent", "supervisor", "admin"), default="agent")
    account.add_argument("--extension", default="", help="telephone extension")
    account.add_argument(
        "--skill", action="append", default=[], help="skill=level, e.g. general=3; repeatable"
    )
    account.add_argument("--team", help="班组")
    account.add_argument("--place", help="centre where the person sits, when there are several")
    account.add_argument("--texts", type=int, help="text conversations at once (default: 0)")

    toolargs.token(command("token", _token, "tokens of other systems: create, list, revoke"))

    visits = command("visits", _visits, "return visits: list, plan for orders, pause and resume the calls")
    visits.add_argument("action", choices=("list", "plan", "pause", "resume"))
    visits.add_argument("order", nargs="*", help="plan: ids of accepted orders")

    learning = command("learn", _learn, "categories: learn from submitted orders, list versions, go back")
    learnargs.learn(learning)
    taxonomy = command("taxonomy", _taxonomy, "categories: import a city's own names, check, show")
    learnargs.taxonomy(taxonomy)

    limits = command("clocks", _clocks, "time limits of orders: which rule sets which, until when")
    toolargs.clocks(limits)
    adviceargs.assessment(
        command("assessment", _assessment, "what units are assessed by: make it anew out of orders' events")
    )
    units = command("units", _units, "units that matters are given to: import, rules, list, try")
    adviceargs.units(units)
    knowledge = command("knowledge", _knowledge, "the knowledge base: import articles, look something up")
    adviceargs.knowledge(knowledge)

    bulk = command("orders", _orders, "orders: take them out into files, bring them in from files")
    orderadmin.arguments(bulk)

    keeping = command("retention", _retention, "what has to go by law: plan it, apply it, hold an order")
    retentionadmin.arguments(keeping)

    audits = command("audit", _audit, "orders: verify all that was written down of them, and seal it")
    auditadmin.arguments(audits)

    reports = command("report", _report, "daily, monthly and special reports; rebuild old records")
    reportadmin.arguments(reports)

    prompts = command("prompts", _prompts, "what the machine says: build, check, accept", settings=False)
    prompts.add_argument("action", choices=("build", "check", "accept"))
    prompts.add_argument("key", nargs="*", help="build: only these; accept: KEY FILE.wav")
    prompts.add_argument(
        "--force", action="store_true", help="build again what is fresh, or recorded by a person"
    )

    flows = command("flows", _flows, "what callers go through: check, list, draw, play")
    toolargs.flows(flows)
    policy = command("policy", _policy, "who takes which call: check a new policy, compare it, try it")
    toolargs.policy(policy)

    names = command("gazetteer", _gazetteer, "the city's names: import, list, find")
    gazetteeradmin.arguments(names)

    transcribe = command(
        "transcribe", _transcribe, "transcribe WAV files as a live call would be", settings=False
    )
    transcribe.add_argument("files", nargs="+", type=Path)
    transcribe.add_argument("--model", type=Path, help="folder of a Vosk model")
    transcribe.add_argument(
        "--rate", type=int, choices=(8000, 16000), help="Hz at which it is heard; 8000 as over a telephone"
    )
    transcribe.add_argument("--gazetteer", type=Path, help="CSV or YAML file of the city's names")
    transcribe.add_argument("--json", action="store_true", help="one JSON object a file")

    drafts = command("draft", _draft, "what the desk would fill in: type, category, place, phone … of texts")
    draftargs.arguments(drafts)

    bench = command("bench", _bench, "measure, and say it beside what it is compared with", settings=False)
    bench.add_argument("name", help="what to measure; a wrong name lists them")
    bench.add_argument("--json", action="store_true", help="print one JSON object")
    bench.add_argument("--rate", type=float, help="calls offered a second")
    bench.add_argument("--seconds", type=float, help="how long a side is offered calls")
    bench.add_argument("--rounds", type=_positive, help="how often the sides take turns, or it is repeated")
    bench.add_argument("--agents", type=_positive, help="how many agents")
    bench.add_argument("--calls", type=_positive, help="calls at once that are tried first")
    bench.add_argument("--clients", type=_positive, help="pages that are told of each event")
    bench.add_argument(
        "--recording",
        choices=("production", "both", "none"),
        help="record the hotline's calls only, as in production, both sides' or nobody's",
    )
    bench.add_argument("--orders", type=int, help="orders, orders-kill: how many orders")
    bench.add_argument(
        "--database",
        help='orders: a database URL, or "sqlite" for a new file; '
        'orders-kill: "postgresql" or "sqlite", both without it',
    )
    bench.add_argument("--report", type=Path, help="orders: write figures and the database's plans there")
    draftargs.bench(bench)

    planning.add_commands(command, _say)

    test = command("test", _test, "install what tests need and run all of them", settings=False)
    test.add_argument("--quick", action="store_true", help="unit tests and static checks only")
    test.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError(f"{text}: from 1 to 10000")
    return number


def _settings(options: argparse.Namespace) -> Settings:
    return load(instance=options.instance, file=options.config)


def _run(work: Coroutine[Any, Any, int]) -> int:
    """Run on uvloop, which serves sockets faster; it cannot start child processes the way `up` needs."""
    import uvloop

    return uvloop.run(work)


# ---------------------------------------------------------------- running


def _up(options: argparse.Namespace) -> int:
    from cti.launcher import Stack, up
    from cti.logs import configure

    settings = _settings(options)
    configure(settings.log_level.upper())

    def say(stack: Stack) -> None:
        _say(f"网页桌面  {stack.web}    按 Ctrl+C 结束")
        _say("首次使用请先创建账号：./hotline account create admin --role admin")

    return asyncio.run(up(settings, options.instance, options.config, say))


def _serve(options: argparse.Namespace) -> int:
    from cti.logs import configure
    from cti.secrets import Secrets
    from cti.serve import serve

    settings = _settings(options)
    if not settings.redis_url:
        raise SettingError(
            "redis_url", "", "hotline up brings its own; for hotline serve set HOTLINE_REDIS_URL"
        )
    configure(settings.log_level.upper())
    return _run(serve(settings, Secrets(settings.home / "secrets.json")))


def _asr(options: argparse.Namespace) -> int:
    if options.action != "adapt":
        for name in ("gazetteer", "text", "out", "force", "back"):
            if getattr(options, name):
                raise SettingError(f"--{name}", getattr(options, name), "goes with hotline asr adapt")
    if options.action != "run":
        from cti.asradmin import act

        with _database_errors():
            return act(_settings(options), options, say=_say, tell=_tell_once())
    from asr import server
    from asr.settings import AsrSettings
    from cti.gazetteeradmin import city_file
    from cti.logs import configure

    settings = _settings(options)
    if not settings.redis_url:
        raise SettingError(
            "redis_url", "", "hotline up brings its own; for hotline asr set HOTLINE_REDIS_URL"
        )
    configure(settings.log_level.upper())
    recognition = settings.recognition
    return server.run(
        AsrSettings(
            redis_url=settings.redis_url,
            prefix=settings.prefix,
            host=recognition.host,
            port=recognition.port,
            processes=recognition.processes,
            capacity=recognition.capacity,
            model_path=Path(recognition.model) if recognition.model else None,
            cache_dir=settings.cache,
            gazetteer=city_file(settings),
        ),
    )


def _watch(options: argparse.Namespace) -> int:
    from cti.logs import configure
    from cti.secrets import Secrets
    from cti.watchdog import watch

    settings = _settings(options)
    configure(settings.log_level.upper())
    return _run(watch(settings, Secrets(settings.home / "secrets.json")))


def _demo(options: argparse.Namespace) -> int:
    from cti.demo.run import DemoOptions, demo
    from cti.logs import configure

    configure("WARNING")
    chosen = DemoOptions(calls=options.calls, headless=options.headless, agents=options.agents)
    with _database_errors():
        return asyncio.run(demo(chosen))


# ---------------------------------------------------------------- looking and keeping


def _check(options: argparse.Namespace) -> int:
    from cti.check import check

    findings = check(_settings(options), ports=not options.no_ports, progress=_tell_once())
    for finding in findings:
        _say(finding)
    fatal = sum(finding.fatal for finding in findings)
    _say(f"检查完毕：{fatal} 个错误，{len(findings) - fatal} 个提示")
    return 1 if fatal else 0


def _tell_once() -> Callable[[str], None]:
    """Tell on standard error how far something is; the same words twice are told once."""
    told = [""]

    def tell(words: str) -> None:
        if words != told[-1]:
            told[-1] = words
            print(words, file=sys.stderr, flush=True)  # noqa: T201

    return tell


def _asterisk(options: argparse.Namespace) -> int:
    from asterisk_conf import provide, validate
    from asterisk_conf.render import render
    from cti import machine
    from cti.secrets import Secrets

    settings = _settings(options)
    try:
        tell = _tell_once()
        install = provide.find(settings.cache, lambda step: tell(machine.unpacking(step)))
        settings.recordings.mkdir(parents=True, exist_ok=True)
        secrets = Secrets(settings.home / "secrets.json")
        written = render(machine.asterisk_config(settings, secrets, install), options.folder.resolve())
    except AsteriskConfError as error:
        raise StartError("Asterisk", str(error), "mend what it names") from error
    for problem in validate.problems(written.parent):
        _say(f"{problem.file.name}:{problem.line} {problem.key} = {problem.value}: {problem.remedy}")
    environment = [f"{name}={value}" for name, value in install.env.items()]
    _say(shlex.join([*environment, *install.command, "-C", str(written), "-f"]))
    return 0


@contextmanager
def _database_errors() -> Iterator[None]:
    """Tell a database that is away in one line, without its password."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, ConnectionError, TimeoutError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0][:300]
        raise StartError("database", reason, "Start it, or correct database_url") from error


def _migrate(options: argparse.Namespace) -> int:
    from cti.database import PATIENT_LIMIT_S, migrate

    settings = _settings(options)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _database_errors():
        asyncio.run(migrate(settings.database, limit_s=PATIENT_LIMIT_S))
    return 0


def _report(options: argparse.Namespace) -> int:
    with _database_errors():
        return reportadmin.report(_settings(options), options, say=_say)


def _orders(options: argparse.Namespace) -> int:
    with _database_errors():
        return asyncio.run(orderadmin.orders(_settings(options), options, _say, _tell_once()))


def _retention(options: argparse.Namespace) -> int:
    with _database_errors():
        return asyncio.run(retentionadmin.retention(_settings(options), options, _say))


def _audit(options: argparse.Namespace) -> int:
    with _database_errors():
        return asyncio.run(auditadmin.audit(_settings(options), options, _say, _tell_once()))


def _account(options: argparse.Namespace) -> int:
    from cti.accountadmin import account

    with _database_errors():
        return asyncio.run(account(_settings(options), options, _say))


def _token(options: argparse.Namespace) -> int:
    from cti.tokenadmin import token

    with _database_errors():
        return asyncio.run(token(_settings(options), options, _say))


def _visits(options: argparse.Namespace) -> int:
    from cti.visitadmin import visits

    return _run(visits(_settings(options), options, _say))


def _clocks(options: argparse.Namespace) -> int:
    from cti.clockadmin import clocks

    return _run(clocks(_settings(options), options, _say))


def _assessment(options: argparse.Namespace) -> int:
    from cti.assessmentadmin import assessment

    return _run(assessment(_settings(options), options, _say))


def _units(options: argparse.Namespace) -> int:
    from cti.unitadmin import units

    with _database_errors():
        return _run(units(_settings(options), options, _say))


def _knowledge(options: argparse.Namespace) -> int:
    from cti.knowledgeadmin import knowledge

    with _database_errors():
        return _run(knowledge(_settings(options), options, _say))


def _prompts(options: argparse.Namespace) -> int:
    from cti.promptadmin import prompts

    return prompts(options.action, options.key, force=options.force, say=_say)


def _flows(options: argparse.Namespace) -> int:
    from cti.flowadmin import flows

    return flows(_settings(options), options, _say)


def _learn(options: argparse.Namespace) -> int:
    from cti.learnadmin import learn

    return asyncio.run(learn(_settings(options), options, _say))


def _taxonomy(options: argparse.Namespace) -> int:
    from cti.learnadmin import taxonomy

    return taxonomy(_settings(options), options, _say)


def _gazetteer(options: argparse.Namespace) -> int:
    return gazetteeradmin.gazetteer(_settings(options), options, _say)


def _policy(options: argparse.Namespace) -> int:
    from cti.policyadmin import policy

    return policy(_settings(options), options, _say)


def _transcribe(options: argparse.Namespace) -> int:
    from cti.transcribe import transcribe

    return transcribe(
        options.files,
        model=options.model,
        gazetteer=options.gazetteer,
        rate=options.rate,
        as_json=options.json,
        say=_say,
    )


def _draft(options: argparse.Namespace) -> int:
    from cti.draftadmin import draft
    from cti.gazetteeradmin import city_file
    from cti.learning import classifier_of, folder_of

    return draft(
        options,
        city=lambda: city_file(_settings(options)),
        known=lambda: classifier_of(folder_of(_settings(options))),
        say=_say,
        tell=_tell_once(),
    )


def _bench(options: argparse.Namespace) -> int:
    from cti.bench import Recording, run
    from cti.logs import configure

    configure("WARNING")
    plain = ("rate", "seconds", "rounds", "agents", "calls", "clients", "orders", "database", "report")
    chosen = {name: getattr(options, name) for name in plain}
    chosen["recording"] = Recording(options.recording) if options.recording else None
    chosen |= {name: getattr(options, name) for name in draftargs.BENCH_FILES}
    given = {name: value for name, value in chosen.items() if value is not None}
    return run(options.name, given, as_object=options.json, say=_say)


def _test(options: argparse.Namespace) -> int:
    from cti.testing import test

    return test(options.pytest, quick=options.quick)
