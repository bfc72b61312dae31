"""Taking up another model while calls go on: noticed on the disk, and tried in a process of its own."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

from asr.errors import NoModel
from asr.model import FoundModel, find_model
from asr.settings import AsrSettings

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""How often is looked which model is to be used."""
TRIAL_S = 300.0
"""How long the first hearing may take, loading included."""


class Renewal:
    """Says when another model is to be used and can be."""

    def __init__(self, settings: AsrSettings, used: Path | None, recording: Path) -> None:
        """`used`: the folder in use, None without one; `recording`: speech that a new one must understand."""
        self._settings = settings
        self._recording = recording
        self._known = used.resolve() if used is not None else None  # in use, or refused
        self._next = 0.0
        self._found: FoundModel | None = None
        self._trial: subprocess.Popen[bytes] | None = None
        self._until = 0.0

    def look(self, now: float) -> FoundModel | None:
        """Return a model that is to be used from now on and understands speech; `now`: monotonic seconds."""
        if self._trial is not None:
            return self._tried(now)
        if now < self._next:
            return None
        self._next = now + LOOK_S
        try:
            found = find_model(self._settings.model_path, self._settings.cache_dir, fetch=False)
        except NoModel:  # what is loaded goes on
            return None
        if found.path.resolve() == self._known:
            return None
        self._known, self._found, self._until = found.path.resolve(), found, now + TRIAL_S
        log.info("another model is to be used, trying it", extra={"composed": found.composed})
        # the engine ends the whole process over a graph that it cannot read
        command = [sys.executable, "-m", "asr.adapt", str(found.path.resolve()), str(self._recording)]
        self._trial = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return None

    def stop(self) -> None:
        """End a trial that still runs."""
        if self._trial is not None:
            self._trial.kill()
            self._trial.communicate()
            self._trial = None

    def _tried(self, now: float) -> FoundModel | None:
        if self._trial is None or (self._trial.poll() is None and now < self._until):
            return None
        if self._trial.poll() is None:
            self._trial.kill()
        heard, _ = self._trial.communicate()
        status, self._trial = self._trial.returncode, None
        if status or not heard.strip():
            log.error("the other model understands nothing and is not used", extra={"status": status})
            return None
        return self._found
