"""`hotline prompts`: the sentences that citizens hear, and the demo's voices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cti.errors import HotlineError
from ivr_flows import synthesis
from ivr_flows.speech import AUDIO, MANIFEST


class PromptsFailed(HotlineError):
    """Prompts could not be built or taken; the message says why."""


def prompts(action: str, keys: Sequence[str], *, force: bool, say: Callable[[object], None]) -> int:
    """Build, check or accept prompts; return the exit status. Raises PromptsFailed."""
    try:
        if action == "build":
            report = synthesis.build(
                MANIFEST,
                AUDIO,
                only=keys,
                force=force,
                progress=lambda done, total, key: say(f"[{done}/{total}] {key}"),
            )
            say(f"新生成 {len(report.built)}，未变 {len(report.fresh)}，真人录音保留 {len(report.kept)}")
            return 0
        if action == "accept":
            if len(keys) != 2:
                raise PromptsFailed("write: hotline prompts accept KEY FILE.wav")
            seconds = synthesis.accept(MANIFEST, AUDIO, keys[0], Path(keys[1]))
            say(f"{keys[0]}: {seconds:.1f} 秒，已采用")
            return 0
        problems = synthesis.check(MANIFEST, AUDIO)
    except (ValueError, OSError, RuntimeError) as error:
        raise PromptsFailed(str(error)) from error
    for problem in problems:
        say(f"{problem.key}: {problem.kind}: {problem.remedy}")
    say(f"语音检查完毕：{len(problems)} 个问题")
    return 1 if problems else 0
