"""Requests in, answers out: bounded JSON bodies, checked queries, and one shape for every error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import web

__all__ = ["BODY_MAX", "ApiError", "answer", "error_answer", "read_body", "read_query"]

BODY_MAX = 256 * 1024
T = TypeVar("T")

_AT = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING = re.compile(r"required field `([^`]+)`")
_UNKNOWN = re.compile(r"unknown field `([^`]{1,64})`")


class ApiError(Exception):
    """A request that is answered with an error.

    `code` is for programs, `shown` is Chinese for people, `field` names the part of the request that is
    wrong, `more` holds further members of the answer.
    """

    def __init__(
        self, status: int, code: str, shown: str, *, field: str = "", more: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.shown = shown
        self.field = field
        self.more = more or {}


def answer(value: object, *, status: int = 200) -> web.Response:
    """Return a value as JSON; dataclasses and msgspec structs go as they are."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def error_answer(error: ApiError) -> web.Response:
    """Return the JSON of an error."""
    told: dict[str, object] = {"code": error.code, "message": error.shown}
    if error.field:
        told["field"] = error.field
    return answer({"error": told, **error.more}, status=error.status)


def _where(error: msgspec.ValidationError) -> str:
    text = str(error)
    for pattern in (_MISSING, _UNKNOWN, _AT):
        found = pattern.search(text)
        if found:
            return found.group(1)
    return ""


async def read_body(request: web.Request, kind: type[T]) -> T:
    """Return the JSON body as `kind`.

    Raises:
        ApiError: 415 when it is not JSON by its content type, 400 when it is not such a value.
        web.HTTPRequestEntityTooLarge: above 256 KiB.
    """
    if request.content_type != "application/json":
        raise ApiError(415, "not_json", "请求须为 application/json")
    body = await request.read()
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        field = _where(error)
        raise ApiError(
            400, "invalid", f"请求内容有误：{field}" if field else "请求内容有误", field=field
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ApiError(400, "invalid", "请求不是有效的 JSON，须为 UTF-8 编码") from None


def read_query(request: web.Request, kind: type[T]) -> T:
    """Return the query string as `kind`; unknown and repeated keys are refused, so typing errors do not pass.

    Raises:
        ApiError: 400 naming the key.
    """
    given: dict[str, Any] = {}
    known = {field.name for field in msgspec.structs.fields(kind)}  # type: ignore[arg-type]
    for key, value in request.query.items():
        if key not in known:
            raise ApiError(400, "invalid", "未知的查询条件", field=key[:64])
        if key in given:
            raise ApiError(400, "invalid", "查询条件重复", field=key)
        given[key] = value
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(400, "invalid", "查询条件有误", field=_where(error)) from None
