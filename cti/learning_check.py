"""What is wrong with the city's taxonomy and the learned model, for `hotline check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asr.errors import AsrError
from cti.errors import HotlineError
from cti.learning import ModelShelf, taxonomy_file, taxonomy_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong."""

    part: str  # taxonomy, learning
    value: str  # the file or the version
    remedy: str  # why, and what to do
    fatal: bool  # drafts have no category; False: they are guessed without the learned model


def problems(home: Path) -> Iterator[Problem]:
    """Yield what is wrong below the folder of models and taxonomy; nothing where there are none."""
    try:
        taxonomy = taxonomy_of(home)
    except AsrError as error:
        remedy = f"{error}; import a sound one, or hotline taxonomy reset"
        yield Problem(part="taxonomy", value=str(taxonomy_file(home)), remedy=remedy, fatal=True)
        return
    shelf = ModelShelf(home)
    try:
        model, version = shelf.model(taxonomy), shelf.active().version
    except (AsrError, HotlineError) as error:
        yield Problem(part="learning", value=str(shelf.pointer), remedy=str(error), fatal=False)
        return
    if version and model is None:
        remedy = "it names categories that the taxonomy has not; train again with hotline learn"
        yield Problem(part="learning", value=version, remedy=remedy, fatal=False)
