"""The built desk: hashed assets are kept for a year, the rest is asked for again, other paths lead to it."""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePosixPath

from aiohttp import web

from cti.web.answers import ApiError
from cti.web.guard import DEPS

__all__ = ["desk"]

NOT_BUILT = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><title>12345 热线</title>
<style>body{font:16px/1.8 sans-serif;max-width:36em;margin:15vh auto;padding:0 1em;color:#1f2937}
code{background:#f3f4f6;padding:.1em .4em;border-radius:4px}</style>
<h1>坐席页面尚未构建</h1>
<p>服务器正在运行，但没有找到坐席页面的文件。请在项目目录运行 <code>./hotline up</code>（会自动构建），
或在 <code>agent_desktop</code> 目录运行 <code>npm ci &amp;&amp; npm run build</code>，然后刷新本页。</p>
<p>The server runs, but the desk has not been built: run <code>./hotline up</code>, or
<code>npm ci &amp;&amp; npm run build</code> in <code>agent_desktop</code>, and reload this page.</p>
</html>
"""


def _find(folder: Path, name: str) -> Path | None:
    root = folder.resolve()
    path = (root / name).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


async def desk(request: web.Request) -> web.StreamResponse:
    """GET /{path}: a file of the desk, or its index for the desk's own addresses."""
    folder = request.app[DEPS].static
    name = request.match_info["path"].lstrip("/")
    if name == "api" or name.startswith("api/"):
        raise ApiError(404, "not_found", "没有这个接口")
    if "\0" in name or len(name) > 500:
        raise ApiError(404, "not_found", "没有这个文件")
    path = await asyncio.to_thread(_find, folder, name) if name else None
    if path is not None and path.name != "index.html":
        hashed = name.startswith("assets/")
        caching = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return web.FileResponse(path, headers={"Cache-Control": caching})
    if PurePosixPath(name).suffix and path is None:
        raise ApiError(404, "not_found", "没有这个文件")
    index = await asyncio.to_thread(_find, folder, "index.html")
    if index is None:
        return web.Response(
            status=503, text=NOT_BUILT, content_type="text/html", headers={"Retry-After": "10"}
        )
    return web.FileResponse(index, headers={"Cache-Control": "no-cache"})
