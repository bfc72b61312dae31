"""What an operator may set for recognition."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from asr.errors import AsrSettingError


def default_cache() -> Path:
    """Where fetched models are kept when nobody says otherwise."""
    return Path.home() / ".hotline" / "cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class AsrSettings:
    """Settings of `hotline asr`; `redis_url` and `prefix` are those of the CTI servers."""

    redis_url: str  # live state and transcripts, e.g. redis://127.0.0.1:6379/0 or unix:///run/valkey.sock
    prefix: str = "hotline:"  # begins every key in the live state
    host: str = "127.0.0.1"  # address to listen on for AudioSocket
    advertise: str = ""  # address that Asterisk is told to connect to; empty: the same as host
    port: int = 0  # first AudioSocket port, one more for each process; 0: the system chooses
    processes: int = 0  # worker processes; 0: one a core
    threads: int = 2  # recognition threads in each process
    capacity: int = 0  # legs that one process may take; 0: 24, or 4 where the graph is not composed
    model_path: Path | None = None  # a Vosk model folder; None: found in the cache or fetched into it
    cache_dir: Path = field(default_factory=default_cache)  # holds models/<name>
    gazetteer: Path | None = None  # CSV or YAML file of the city's names; None: no names are repaired
    fetch_model: bool = True  # False: only the setting and the cache are looked at
    first_frame_s: float = 5.0  # how long a connection may take to say which tap it is
    max_backlog_s: float = 15.0  # audio a leg may have waiting for recognition before the oldest is skipped
    drain_s: float = 5.0  # how long a stop waits for the last sentences
    nice: int = 0  # niceness of the workers; raise it where calls suffer from them, captions come later then

    def __post_init__(self) -> None:
        """Refuse values that no worker could run with.

        Raises:
            AsrSettingError: naming the setting, its value and what it may be.
        """
        bounds: tuple[tuple[str, float, float, float], ...] = (
            ("port", self.port, 0, 65535),
            ("processes", self.processes, 0, 256),
            ("threads", self.threads, 1, 64),
            ("capacity", self.capacity, 0, 1000),
            ("first_frame_s", self.first_frame_s, 0.05, 60),
            ("max_backlog_s", self.max_backlog_s, 1, 120),
            ("drain_s", self.drain_s, 0, 60),
            ("nice", self.nice, 0, 19),
        )
        for name, value, low, high in bounds:
            if not low <= value <= high:
                raise AsrSettingError(name, value, f"a number from {low:g} to {high:g}")
        if not self.redis_url.startswith(("redis://", "rediss://", "unix://")):
            raise AsrSettingError(
                "redis_url", self.redis_url.split("@")[-1], "redis://…, rediss://… or unix://…"
            )
        if not self.host:
            raise AsrSettingError("host", self.host, "an address of this machine, e.g. 127.0.0.1")
