"""Prompts over HTTP: listed, heard, recorded anew, spoken by the synthesiser, published."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.edition_set import PROMPT
from cti.editions import Change, EditionRefused
from cti.prompt_shelf import UPLOAD_MAX, prompt_text
from cti.tasks import aside
from cti.web.admin import Reason, keeper_of, refusals
from cti.web.answers import ApiError, answer, read_body, read_query
from cti.web.guard import person_of
from ivr_flows.speech import Prompt, PromptError

__all__ = ["hear_prompt", "list_prompts", "publish_prompt", "speak_prompt"]

Sentence = Annotated[str, msgspec.Meta(max_length=200)]


class HearQuery(msgspec.Struct):
    number: Annotated[int, msgspec.Meta(ge=1)] | None = None


class SpeakBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    text: Sentence
    say: Sentence = ""


class RecordingQuery(msgspec.Struct):
    text: Sentence
    reason: Reason
    base: Annotated[int, msgspec.Meta(ge=0)]
    say: Sentence = ""
    note: Sentence = ""


def _key(request: web.Request) -> str:
    key = request.match_info["key"]
    if not PROMPT.fullmatch(f"prompt:{key}"):
        raise ApiError(404, "not_found", "没有这条语音")
    return key


def _prompt(text: str, say: str = "", note: str = "") -> Prompt:
    text, say = text.strip(), say.strip()
    if not text:
        raise ApiError(400, "invalid", "请写明文字", field="text")
    return Prompt(text=text, say=say or None, note=note.strip() or None)


async def list_prompts(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/prompts: every prompt, with what its recording is."""
    keeper = keeper_of(request)
    newest = await keeper.store.newest()
    try:
        prompts = await aside(keeper.prompts.views, newest)
    except (PromptError, EditionRefused):
        raise ApiError(503, "unavailable", "语音清单不能读取，请运行 hotline prompts check") from None
    return answer({"prompts": prompts, "can_speak": await aside(lambda: keeper.prompts.can_speak)})


async def hear_prompt(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/prompts/{key}/audio: as it is played now, or as an edition of it was."""
    keeper, key = keeper_of(request), _key(request)
    query = read_query(request, HearQuery)
    if query.number is not None:
        wav = await keeper.store.audio(f"prompt:{key}", query.number)
    else:
        path = keeper.prompts.file(key)
        wav = await aside(lambda: path.read_bytes() if path.is_file() else None)
    if wav is None:
        raise ApiError(404, "not_found", "没有录音")
    return web.Response(body=wav, content_type="audio/wav")


async def speak_prompt(request: web.Request) -> web.StreamResponse:
    """POST /api/admin/prompts/{key}/speak: how the synthesiser says a text; nothing is kept."""
    keeper, key = keeper_of(request), _key(request)
    body = await read_body(request, SpeakBody)
    with refusals():
        wav = await aside(keeper.prompts.spoken, key, _prompt(body.text, body.say))
    return web.Response(body=wav, content_type="audio/wav")


async def publish_prompt(request: web.Request) -> web.StreamResponse:
    """PUT /api/admin/prompts/{key}: a WAV recording in the body, its text and the reason in the query."""
    keeper, key = keeper_of(request), _key(request)
    query = read_query(request, RecordingQuery)
    prompt = _prompt(query.text, query.say, query.note)
    if request.content_type not in ("audio/wav", "audio/x-wav", "audio/wave"):
        raise ApiError(415, "not_wav", "录音须为 WAV 文件")
    raw = bytearray()
    async for piece in request.content.iter_chunked(64 * 1024):
        raw += piece
        if len(raw) > UPLOAD_MAX:
            raise ApiError(413, "too_large", "录音文件过大")
    with refusals():
        wav = await aside(keeper.prompts.shaped, bytes(raw), prompt)
        change = Change(kind=f"prompt:{key}", text=prompt_text(prompt), base=query.base, audio=wav)
        edition = (await keeper.publish([change], author=person_of(request).login, reason=query.reason))[0]
    return answer(edition)
