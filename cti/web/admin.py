"""Administration over HTTP: documents of the configuration, their drafts, editions and differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import msgspec
from aiohttp import web

from acd.errors import PolicyError
from acd.policy import parse_policy
from cti.control.editions import EditionKeeper, SetRefused
from cti.edition_cases import CASES
from cti.edition_difference import DiffLine, difference
from cti.edition_set import FLOW, PROMPT, TEXT_MAX, CheckedSet, kind_is_known
from cti.edition_words import told
from cti.editions import (
    PAGE_MAX,
    Change,
    Edition,
    EditionConflict,
    EditionDraft,
    EditionRefused,
    EditionUnknown,
)  # fmt: skip
from cti.policyadmin import differences
from cti.web.admin_rights import RIGHTS, may_edit
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import DEPS, person_of
from ivr_flows.check import Problem

__all__ = [
    "back", "changes_of", "check", "draft", "drop_draft", "editions", "keeper_of", "list_documents",
    "one_document", "one_edition", "publish", "refusals", "show_difference",
]  # fmt: skip

Kind = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
DocumentText = Annotated[str, msgspec.Meta(max_length=TEXT_MAX)]
Reason = Annotated[str, msgspec.Meta(max_length=1000)]
Number = Annotated[int, msgspec.Meta(ge=0)]

TITLES: Mapping[str, str] = {
    "policy": "路由策略", "numbers": "被叫号码", "calendar": "日历与节假日", "directory": "转接通讯录",
    **{kind: one.title for kind, one in CASES.items()},
}  # fmt: skip
"""kind -> Chinese name; flows and prompts have their own"""


class ChangeBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    kind: Kind
    text: DocumentText = ""
    base: Number = 0
    removed: bool = False

    def change(self) -> Change:
        """The same for the keeper."""
        return Change(kind=self.kind, text=self.text, base=self.base, removed=self.removed)


class CheckBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    changes: Annotated[list[ChangeBody], msgspec.Meta(min_length=1, max_length=20)]


class PublishBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    changes: Annotated[list[ChangeBody], msgspec.Meta(min_length=1, max_length=20)]
    reason: Reason


class DraftBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    text: DocumentText
    base: Number


class BackBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    number: Annotated[int, msgspec.Meta(ge=1)]
    reason: Reason


class EditionsQuery(msgspec.Struct):
    before: Annotated[int, msgspec.Meta(ge=1)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 50


class DifferenceQuery(msgspec.Struct):
    new: Annotated[int, msgspec.Meta(ge=1)]
    old: Annotated[int, msgspec.Meta(ge=0)] | None = None


class ProblemTold(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, or should be looked at, where, and what to do."""

    kind: str  # the document; "" when it is none of the set
    file: str  # as in a set's folder
    line: int  # 0: not known
    key: str  # e.g. steps.welcome.prompts[1]
    value: str  # what stands there
    remedy: str  # Chinese where there are words for it
    fatal: bool  # False: it works, but somebody should look at it


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One document as lists show it."""

    kind: str
    title: str  # Chinese
    number: int  # newest edition; 0: as in the file
    removed: bool  # taken away; its editions are still there
    author: str  # of the newest edition
    reason: str
    at: float | None  # epoch seconds; None: as in the file
    editable: bool  # whoever asks may publish it
    drafted: float | None  # their own draft was saved then


def keeper_of(request: web.Request) -> EditionKeeper:
    """The configuration's keeper. Raises ApiError: this server has none."""
    keeper = request.app[DEPS].editions
    if keeper is None:
        raise ApiError(503, "unavailable", "本服务器没有启用配置管理")
    return keeper


def problem_told(problem: Problem) -> ProblemTold:
    """A problem for a page."""
    place = problem.file.removesuffix(".yaml")
    kind = f"flow:{place.removeprefix('flows/')}" if place.startswith("flows/") else place
    return ProblemTold(
        kind=kind if kind_is_known(kind) else "",
        file=problem.file,
        line=problem.line,
        key=problem.key,
        value=problem.value[:200],
        remedy=told(problem.remedy),
        fatal=problem.fatal,
    )


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the keeper refuses into answers."""
    try:
        yield
    except SetRefused as error:
        more = {"problems": [problem_told(one) for one in error.problems]}
        raise ApiError(400, "wrong_set", error.shown, more=more) from None
    except EditionRefused as error:
        raise ApiError(400, "invalid", error.shown, field=error.field) from None
    except EditionConflict as error:
        newest = error.newest
        shown = f"{newest.author} 已发布第 {newest.number} 版，请对照后再发布"
        raise ApiError(409, "newer_edition", shown, more={"newest": newest}) from None
    except EditionUnknown:
        raise ApiError(404, "not_found", "没有这一版") from None


def changes_of(request: web.Request, bodies: list[ChangeBody]) -> list[Change]:
    """The changes, when whoever asks may make them all. Raises ApiError."""
    role = person_of(request).role
    for body in bodies:
        _known(body.kind)
        if not may_edit(role, body.kind):
            raise ApiError(403, "forbidden", "您没有修改此项配置的权限", field=body.kind)
    return [body.change() for body in bodies]


def _known(kind: str) -> str:
    if not kind_is_known(kind):
        raise ApiError(404, "not_found", "没有这种配置")
    return kind


def _asked(request: web.Request, *, edit: bool = False) -> str:
    kind = _known(request.match_info["kind"])
    if edit and not may_edit(person_of(request).role, kind):
        raise ApiError(403, "forbidden", "您没有修改此项配置的权限")
    return kind


async def list_documents(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/documents: all but prompts, which have a list of their own."""
    keeper, person = keeper_of(request), person_of(request)
    documents, newest, head = await keeper.in_force()
    drafts = {one.kind: one for one in await keeper.store.drafts(person.login)}
    kinds = dict.fromkeys((*TITLES, *sorted({*documents, *newest, *drafts})))
    listed = []
    for kind in kinds:
        if PROMPT.fullmatch(kind):
            continue
        edition = newest.get(kind)
        listed.append(
            Document(
                kind=kind,
                title=_title(kind, documents.get(kind) or (drafts[kind].text if kind in drafts else "")),
                number=edition.number if edition else 0,
                removed=kind not in documents,
                author=edition.author if edition else "",
                reason=edition.reason if edition else "",
                at=edition.at if edition else None,
                editable=may_edit(person.role, kind),
                drafted=drafts[kind].at if kind in drafts else None,
            )
        )
    rights = {name: sorted(role.value for role in roles) for name, roles in RIGHTS.items()}
    body = {
        "documents": listed,
        "managed": head > 0,
        "head": head,
        "in_force": keeper.head == head,
        "problems": [problem_told(one) for one in keeper.problems],
        "rights": rights,
    }
    return answer(body)


async def one_document(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/documents/{kind}: its text in force, and the draft of whoever asks."""
    keeper, person, kind = keeper_of(request), person_of(request), _asked(request)
    documents, newest, _ = await keeper.in_force()
    found = [one for one in await keeper.store.drafts(person.login) if one.kind == kind]
    edition = newest.get(kind)
    if kind not in documents and edition is None and not found:
        raise ApiError(404, "not_found", "没有这项配置")
    text = documents.get(kind, "")
    own: EditionDraft | None = found[0] if found else None
    body = {
        "kind": kind,
        "title": _title(kind, text),
        "text": text,
        "number": edition.number if edition else 0,
        "removed": kind not in documents,
        "editable": may_edit(person.role, kind),
        "draft": own,
    }
    return answer(body)


async def draft(request: web.Request) -> web.StreamResponse:
    """PUT /api/admin/documents/{kind}/draft"""
    kind = _asked(request, edit=True)
    body = await read_body(request, DraftBody)
    return answer(
        await keeper_of(request).store.save_draft(kind, person_of(request).login, body.text, body.base)
    )


async def drop_draft(request: web.Request) -> web.StreamResponse:
    """DELETE /api/admin/documents/{kind}/draft"""
    kind = _asked(request, edit=True)
    await keeper_of(request).store.drop_draft(kind, person_of(request).login)
    return answer({})


async def check(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/check: what would be wrong, and what would be different, if this were published."""
    keeper = keeper_of(request)
    changes = changes_of(request, (await read_body(request, CheckBody)).changes)
    documents, _, _ = await keeper.in_force()
    with refusals():
        checked = await keeper.check(changes)
    shown = [
        {"kind": one.kind, "lines": difference(documents.get(one.kind, ""), "" if one.removed else one.text)}
        for one in changes
    ]
    body = {
        "problems": [problem_told(one) for one in checked.problems],
        "differences": shown,
        "meanings": await _meanings(keeper, changes, checked),
    }
    return answer(body)


async def publish(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/publish: together, whole or not at all; in force on this server when it is answered."""
    keeper, person = keeper_of(request), person_of(request)
    body = await read_body(request, PublishBody)
    changes = changes_of(request, body.changes)
    with refusals():
        published = await keeper.publish(changes, author=person.login, reason=body.reason)
    for change in changes:
        await keeper.store.drop_draft(change.kind, person.login)
    return answer({"editions": published})


async def editions(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/documents/{kind}/editions: newest first, without their texts."""
    query = read_query(request, EditionsQuery)
    found = await keeper_of(request).store.history(_asked(request), before=query.before, limit=query.limit)
    return answer({"editions": [msgspec.structs.replace(one, text="") for one in found]})


async def one_edition(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/documents/{kind}/editions/{number}"""
    return answer(await _edition(request, _asked(request), _number(request)))


async def show_difference(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/documents/{kind}/difference: of two editions; `old` is the one before unless given."""
    kind, query = _asked(request), read_query(request, DifferenceQuery)
    new = await _edition(request, kind, query.new)
    number = query.old if query.old is not None else new.number - 1
    old = await _edition(request, kind, number) if number else None
    before = old.text if old is not None else ""
    lines: tuple[DiffLine, ...] = difference(before, new.text)
    return answer(
        {"old": number, "new": new.number, "lines": lines, "meanings": _policies(kind, before, new.text)}
    )


async def back(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/documents/{kind}/back: publish an older edition again."""
    kind = _asked(request, edit=True)
    body = await read_body(request, BackBody)
    with refusals():
        edition = await keeper_of(request).back(
            kind, body.number, author=person_of(request).login, reason=body.reason
        )
    return answer(edition)


async def _edition(request: web.Request, kind: str, number: int) -> Edition:
    with refusals():
        return await keeper_of(request).store.one(kind, number)


def _number(request: web.Request) -> int:
    try:
        return int(request.match_info["number"])
    except ValueError:
        raise ApiError(404, "not_found", "没有这一版") from None


async def _meanings(keeper: EditionKeeper, changes: list[Change], checked: CheckedSet) -> list[str]:
    """What a changed policy means, in words; nothing for other documents."""
    if checked.policy is None or not any(change.kind == "policy" for change in changes):
        return []
    return list(differences(keeper.policy, checked.policy))


def _policies(kind: str, old: str, new: str) -> list[str]:
    if kind != "policy" or not old or not new:
        return []
    try:
        return list(differences(parse_policy(old.encode()), parse_policy(new.encode())))
    except PolicyError:
        return []  # one of them was right under the rules of an older program


def _title(kind: str, text: str) -> str:
    if kind in TITLES:
        return TITLES[kind]
    for line in text.splitlines():
        if line.startswith("title:"):
            return line.removeprefix("title:").partition(" #")[0].strip().strip("\"'")[:60] or kind
    found = FLOW.fullmatch(kind) or PROMPT.fullmatch(kind)
    return found[1] if found else kind
