"""Verification and seals over HTTP, for those who check what others did."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.casework.findings import said
from cti.casework.oversight import Busy, Verification
from cti.web.answers import ApiError, answer, read_body
from cti.web.cases import casework_of
from cti.web.guard import person_of

__all__ = ["begin_verification", "list_seals", "list_verifications", "make_seal", "one_verification"]


class VerificationBody(msgspec.Struct, forbid_unknown_fields=True):
    order_id: Annotated[str, msgspec.Meta(max_length=80)] = ""  # "" for all orders and all seals
    since: float | None = None  # only orders that changed since, epoch seconds
    files: bool = True  # read contents of files, too
    anchor: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""  # a seal's hash noted outside


def _body(run: Verification, *, whole: bool) -> dict[str, object]:
    told = msgspec.to_builtins(run)
    findings = told.pop("findings")
    if whole:
        told["findings"] = [
            {**one, "words": said(found)} for one, found in zip(findings, run.findings, strict=True)
        ]
    return dict(told)


async def begin_verification(request: web.Request) -> web.StreamResponse:
    """POST /api/audit/verifications: begin to verify all orders, or one; 409 while another one runs."""
    body = await read_body(request, VerificationBody)
    try:
        run = await casework_of(request).oversight.begin(
            person_of(request), order_id=body.order_id, since=body.since, anchor=body.anchor, files=body.files
        )
    except Busy as error:
        raise ApiError(409, "busy", error.shown, more={"id": error.id}) from None
    return answer(_body(run, whole=True), status=202)


async def list_verifications(request: web.Request) -> web.StreamResponse:
    """GET /api/audit/verifications: those begun at this server, the newest first, without their findings."""
    runs = casework_of(request).oversight.runs()
    return answer({"verifications": [_body(run, whole=False) for run in runs]})


async def one_verification(request: web.Request) -> web.StreamResponse:
    """GET /api/audit/verifications/{run_id}: how far it is, and what it found so far."""
    run = casework_of(request).oversight.run(request.match_info["run_id"])
    if run is None:
        raise ApiError(404, "not_found", "没有这次校验，或服务器已重新启动")
    return answer(_body(run, whole=True))


async def list_seals(request: web.Request) -> web.StreamResponse:
    """GET /api/audit/seals: the newest thirty, the newest first."""
    return answer({"seals": await casework_of(request).oversight.sealer.newest()})


async def make_seal(request: web.Request) -> web.StreamResponse:
    """POST /api/audit/seals: seal all orders that changed since the last seal; none may be made."""
    return answer({"seals": await casework_of(request).oversight.sealer.seal(person_of(request).login)})
