"""All documents of the configuration as one set: read from files, written to a folder, checked as a whole."""

from __future__ import annotations

import datetime
import hashlib
import re
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import yaml

from acd.errors import PolicyError
from acd.policy import Policy, parse_policy
from cti.control.directory import DirectoryError, load_directory
from cti.edition_cases import CASES, case_files, case_problems
from cti.editions import Change, EditionRefused
from cti.flowset import FlowFiles, problem_of, queues_named
from ivr_flows.check import Problem
from ivr_flows.errors import FlowFileError
from ivr_flows.loader import Flows, parse_flow
from ivr_flows.speech import MANIFEST, Manifest, Prompt, PromptError, load_manifest

__all__ = ["TEXT_MAX", "ConfigFiles", "Documents", "check_set", "kind_is_known", "place_of", "write_set"]

TEXT_MAX = 200_000
"""characters of one document"""

Documents = Mapping[str, str]
"""kind -> text"""

PLACES: Mapping[str, str] = {
    "policy": "policy.yaml",
    "numbers": "numbers.yaml",
    "calendar": "calendar.yaml",
    "directory": "directory.yaml",
    **{kind: one.file for kind, one in CASES.items()},
}
"""kind -> file in a set's folder"""
FLOW = re.compile(r"flow:([a-z][a-z0-9_]{0,39})")
PROMPT = re.compile(r"prompt:([a-z][a-z0-9_]{0,55})")
MANIFEST_NAME = "manifest.yaml"


def kind_is_known(kind: str) -> bool:
    """Whether documents of this kind exist."""
    return kind in PLACES or bool(FLOW.fullmatch(kind) or PROMPT.fullmatch(kind))


def place_of(kind: str) -> str:
    """The file of a document, below the folder of a set; prompts have none of their own."""
    found = FLOW.fullmatch(kind)
    return f"flows/{found[1]}.yaml" if found else PLACES.get(kind, MANIFEST_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFiles:
    """Where one whole set of files is."""

    flows: FlowFiles  # flows, called numbers, calendar
    policy: Path  # the routing policy
    directory: Path  # whom agents may call
    manifest: Path = MANIFEST  # the prompts' texts
    cases: Mapping[str, Path] = field(default_factory=case_files)  # what is about orders, by kind

    @classmethod
    def below(cls, folder: Path, requests: frozenset[str] | None) -> ConfigFiles:
        """The files of a set that `write_set` wrote."""
        flows = FlowFiles(
            folder=folder / "flows",
            numbers=folder / PLACES["numbers"],
            calendar=folder / PLACES["calendar"],
            requests=requests,
        )
        return cls(
            flows=flows,
            policy=folder / PLACES["policy"],
            directory=folder / PLACES["directory"],
            manifest=folder / MANIFEST_NAME,
            cases={kind: folder / one.file for kind, one in CASES.items()},
        )

    def by_kind(self) -> dict[str, Path]:
        """The file of every document; a flow is called after its file."""
        found = {
            "policy": self.policy,
            "numbers": self.flows.numbers,
            "calendar": self.flows.calendar,
            "directory": self.directory,
            **self.cases,
        }
        for path in sorted(self.flows.folder.glob("*.yaml")):
            kind = f"flow:{path.stem}"
            if FLOW.fullmatch(kind):
                found[kind] = path
        return found

    def read(self) -> dict[str, str]:
        """Every document's text.

        Raises:
            OSError, UnicodeDecodeError: a file cannot be read.
        """
        return {kind: path.read_text(encoding="utf-8") for kind, path in self.by_kind().items()}


def digest(text: str) -> str:
    """A short mark of what a document says."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def prompt_of(text: str) -> Prompt:
    """A prompt from the text of its edition. Raises EditionRefused."""
    try:
        return msgspec.yaml.decode(text.encode(), type=Prompt)
    except (msgspec.DecodeError, yaml.YAMLError, UnicodeError) as error:
        raise EditionRefused(f"prompt: {error}", shown="语音文字有误：1 至 200 个字", field="text") from None


def manifest_text(prompts: Mapping[str, Prompt], shipped: Path = MANIFEST) -> str:
    """The shipped manifest with these prompts put into it or added.

    Raises:
        PromptError: the shipped manifest cannot be used.
    """
    manifest = load_manifest(shipped)
    joined = {**manifest.prompts, **prompts}
    rows = {
        key: {name: value for name, value in msgspec.to_builtins(one).items() if value is not None}
        for key, one in joined.items()
    }
    head = "# Written by the server from the shipped manifest and the published prompts. Do not edit.\n"
    return head + yaml.safe_dump(
        {"voice": manifest.voice, "prompts": rows}, allow_unicode=True, sort_keys=False
    )


def write_set(documents: Documents, folder: Path) -> None:
    """Write a set below a folder: what is different replaces what was there, what is not in it is removed.

    Raises:
        OSError: the disk refuses.
        EditionRefused, PromptError: a prompt cannot be used.
    """
    (folder / "flows").mkdir(parents=True, exist_ok=True)
    prompts = {kind[7:]: prompt_of(text) for kind, text in documents.items() if PROMPT.fullmatch(kind)}
    files = {place_of(kind): text for kind, text in documents.items() if not PROMPT.fullmatch(kind)}
    files[MANIFEST_NAME] = manifest_text(prompts)
    for place, text in files.items():
        path = folder / place
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        fresh = path.with_name(f".{path.name}.fresh")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    for path in (folder / "flows").glob("*.yaml"):
        if f"flows/{path.name}" not in files:
            path.unlink()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSet:
    """A set that was looked at as a whole."""

    problems: tuple[Problem, ...]  # files are named as `place_of` does
    flows: Flows | None = None  # None: they cannot be read
    policy: Policy | None = None  # None: it cannot be read
    manifest: Manifest | None = None  # None: it cannot be read

    @property
    def fatal(self) -> tuple[Problem, ...]:
        """What keeps the set from being published."""
        return tuple(one for one in self.problems if one.fatal)


def check_set(
    documents: Documents,
    *,
    requests: frozenset[str] | None,
    today: datetime.date,
    queues_in_use: Collection[str] = (),
) -> CheckedSet:
    """Look at a set as the command line does, all documents together.

    `queues_in_use` are the queues that the flows in force name: the policy must keep them, because servers
    take it up before they take up flows. Raises OSError when there is no room for the files.
    """
    with tempfile.TemporaryDirectory(prefix="hotline-set-") as name:
        folder = Path(name)
        try:
            write_set(documents, folder)
            manifest = load_manifest(folder / MANIFEST_NAME)
        except (PromptError, EditionRefused) as error:
            problem = Problem(file=MANIFEST_NAME, line=1, key="prompts", value="", remedy=str(error))
            return CheckedSet(problems=(problem,))
        files = ConfigFiles.below(folder, requests)
        found = [*_names(documents), *_directory(files.directory), *case_problems(documents)]
        policy = None
        try:
            policy = parse_policy(documents.get("policy", "").encode(), name=PLACES["policy"])
        except PolicyError as error:
            found.append(
                Problem(
                    file=error.file,
                    line=error.line,
                    key=error.key,
                    value=str(error.value),
                    remedy=error.remedy,
                )
            )
        flows = None
        if policy is not None:
            found += _queues_kept(policy, queues_in_use)
            found += files.flows.problems(policy, manifest.prompts, today)
            try:
                flows = files.flows.load()
            except FlowFileError:
                flows = None  # `problems` has said so
        return CheckedSet(
            problems=tuple(_without(folder, found)), flows=flows, policy=policy, manifest=manifest
        )


def queues_of(flows: Flows) -> frozenset[str]:
    """Every queue that a step of these flows, or a called number, sends callers to."""
    return queues_named(flows)


def changed(documents: Documents, changes: Iterable[Change]) -> dict[str, str]:
    """The set with some documents changed, added or removed."""
    after = dict(documents)
    for change in changes:
        if change.removed:
            after.pop(change.kind, None)
        else:
            after[change.kind] = change.text
    return after


def _names(documents: Documents) -> list[Problem]:
    """Flows whose name is not that of their document."""
    found = []
    for kind, text in documents.items():
        if not (named := FLOW.fullmatch(kind)):
            continue
        try:
            flow = parse_flow(text.encode(), name=place_of(kind))
        except FlowFileError:
            continue  # `FlowFiles.problems` tells of it
        if flow.name != named[1]:
            remedy = f"call it {named[1]}, as its document is called, or create another flow"
            line = flow.lines.get("flow", 1)
            found.append(Problem(file=place_of(kind), line=line, key="flow", value=flow.name, remedy=remedy))
    return found


def _directory(path: Path) -> list[Problem]:
    try:
        load_directory(path)
    except DirectoryError as error:
        cause = error.__context__
        if isinstance(cause, FlowFileError):
            return [problem_of(cause)]
        return [Problem(file=str(path), line=1, key="file", value="", remedy=str(error))]
    return []


def _queues_kept(policy: Policy, needed: Collection[str]) -> list[Problem]:
    gone = sorted(set(needed) - {queue.name for queue in policy.queues})
    remedy = "flows in force send callers to this queue: keep it, or publish flows without it first"
    return [
        Problem(file=PLACES["policy"], line=1, key="queues", value=queue, remedy=remedy) for queue in gone
    ]


def _without(folder: Path, problems: Iterable[Problem]) -> Iterable[Problem]:
    for one in problems:
        yield Problem(
            file=one.file.removeprefix(f"{folder}/"),
            line=one.line,
            key=one.key,
            value=one.value,
            remedy=one.remedy.replace(f"{folder}/", ""),
            fatal=one.fatal,
        )
