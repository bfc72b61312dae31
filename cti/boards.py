"""What the web side is given of alerts, waves of calls, notices, announcements and the wall."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cti.alert_store import AlertStore
from cti.announcements import Announcements
from cti.bulletins import Bulletins
from cti.burst_store import BurstStore
from cti.figures.causes import Break
from ivr_flows.speech import load_manifest
from orders.bursts import BurstPolicy

__all__ = ["Boards", "Linking", "MapMissing", "prompt_texts", "read_map"]

MAP_MOST = 8 * 1024 * 1024
SHIPPED_MAP = Path(__file__).parent / "demo" / "districts.geojson"


class MapMissing(Exception):
    """The map of the city's districts cannot be given."""


class Linking(Protocol):
    """Who marks orders as one wave (cti.control.bursts)."""

    async def link(self, burst_id: str, order_ids: Sequence[str], *, by: str) -> int:
        """Mark them; returns how many were not before."""


async def _renewed() -> None:
    return None


def _policy() -> BurstPolicy:
    return BurstPolicy()


async def _no_breaks() -> tuple[float, Sequence[Break]]:
    return 0.0, ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Boards:
    """See the module."""

    alerts: AlertStore
    bursts: BurstStore
    linking: Linking
    bulletins: Bulletins
    announcements: Announcements
    queues: Callable[[], tuple[tuple[str, str], ...]]  # every queue: name and Chinese name
    renewed: Callable[[], Awaitable[None]] = _renewed  # something was changed: pages need not wait for it
    burst_policy: Callable[[], BurstPolicy] = _policy
    # calls of the last 24 hours that broke the rule, newest first, and as of when
    breaks: Callable[[], Awaitable[tuple[float, Sequence[Break]]]] = _no_breaks
    prompts: Path | None = None  # folder of the prompts' audio
    manifest: Path | None = None  # texts of the prompts
    city_map: Path | None = None  # GeoJSON of the districts, None: the setting says that there is none


def read_map(file: Path) -> bytes:
    """Return the districts' map. Raises MapMissing with words for people."""
    try:
        if file.stat().st_size > MAP_MOST:
            raise MapMissing(f"地图文件超过 {MAP_MOST // 1024 // 1024} MB")
        return file.read_bytes()
    except OSError:
        raise MapMissing("地图文件不能读取，请检查设置 city.map") from None


async def prompt_texts(boards: Boards) -> tuple[tuple[str, str], ...]:
    """Key and text of every prompt that has audio, in the order of the manifest."""
    manifest, folder = boards.manifest, boards.prompts
    if manifest is None or folder is None:
        return ()
    loaded = await asyncio.to_thread(load_manifest, manifest)
    return tuple(
        (key, prompt.text) for key, prompt in loaded.prompts.items() if (folder / f"{key}.wav").is_file()
    )
