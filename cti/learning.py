"""Learned category models on the disk: versions side by side, one of them in use, and the city's taxonomy.

learned/versions/20261122-1a2b3c4d/model.npz, model.json
learned/active.json        which version is in use
taxonomy.csv or .yaml      the city's own names; without it the shipped ones
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from asr.classify import Classifier
from asr.examples import shipped_taxonomy
from asr.learned import ABOUT, LearnedModel, LearnedModelError
from asr.taxonomy import Taxonomy
from cti.errors import HotlineError
from cti.settings import Settings

TAXONOMIES = ("taxonomy.csv", "taxonomy.yaml")


class LearningRefused(HotlineError):
    """Nothing was changed; the message says why."""


class Active(msgspec.Struct, frozen=True):
    """Which version is in use."""

    version: str  # "" when none
    at: float  # since when, epoch seconds
    before: tuple[str, ...] = ()  # versions that were in use before, the last one last; "" is cold


class _Head(msgspec.Struct):
    version: str
    taxonomy: str
    trained_on: int
    checked: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One learned model."""

    version: str  # when and of what
    taxonomy: str  # version of the taxonomy whose names it gives
    trained_on: int  # messages
    checked: dict[str, float]  # how it did on what was kept aside
    active: bool  # it is in use


class ModelShelf:
    """The versions below an instance's folder."""

    def __init__(self, home: Path, *, keep: int = 10) -> None:
        """`keep`: so many versions are kept, the one in use and those before it among them."""
        self._folder = home / "learned"
        self._keep = keep

    @property
    def pointer(self) -> Path:
        """The file that says which version is in use."""
        return self._folder / "active.json"

    def active(self) -> Active:
        """Return which version is in use. Raises LearningRefused: the file that says it is broken."""
        try:
            return msgspec.json.decode(self.pointer.read_bytes(), type=Active)
        except FileNotFoundError:
            return Active(version="", at=0.0)
        except (OSError, msgspec.MsgspecError) as error:
            raise LearningRefused(f"{self.pointer}: {error}; delete it to guess without a model") from error

    def versions(self) -> list[Version]:
        """Return all versions, the newest first."""
        now = self.active().version
        found = [(file.stat().st_mtime, head) for file in self._abouts() if (head := _head(file)) is not None]
        found.sort(key=lambda one: -one[0])
        return [
            Version(
                version=head.version,
                taxonomy=head.taxonomy,
                trained_on=head.trained_on,
                checked=head.checked,
                active=head.version == now,
            )
            for _, head in found
        ]

    def model(self, taxonomy: Taxonomy) -> LearnedModel | None:
        """Return the model in use; None where there is none, or it names what the taxonomy has not.

        Raises LearnedModelError, LearningRefused.
        """
        version = self.active().version
        if not version:
            return None
        model = LearnedModel.load(self._of(version))
        return model if set(model.about.tops) <= set(taxonomy.level1) else None

    def add(self, model: LearnedModel, *, at: float) -> None:
        """Store a model and use it from now on; `at`: epoch seconds."""
        model.save(self._of(model.about.version))
        before = self.active()
        self._use(model.about.version, at, (*before.before, before.version)[-self._keep :])
        self._prune()

    def back(self, *, at: float) -> str:
        """Use the version again that was in use before; return it, "" for none. Raises LearningRefused."""
        now = self.active()
        if not now.version and not now.before:
            raise LearningRefused("no model was in use before; there is nothing to go back to")
        *older, last = now.before or ("",)
        if last and not (self._of(last) / ABOUT).exists():
            raise LearningRefused(f"version {last} is no longer kept; train again with hotline learn")
        self._use(last, at, tuple(older))
        return last

    def _use(self, version: str, at: float, before: tuple[str, ...]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        written = self.pointer.with_suffix(".new")
        written.write_bytes(msgspec.json.encode(Active(version=version, at=at, before=before)))
        written.replace(self.pointer)

    def _prune(self) -> None:
        now = self.active()
        wanted = {now.version, *now.before}
        for number, version in enumerate(self.versions()):
            if number >= self._keep and version.version not in wanted:
                shutil.rmtree(self._of(version.version))

    def _abouts(self) -> Iterator[Path]:
        yield from self._folder.glob(f"versions/*/{ABOUT}")

    def _of(self, version: str) -> Path:
        if not version.replace("-", "").isalnum():
            raise LearningRefused(f"{version!r} is no version; hotline learn list names them")
        return self._folder / "versions" / version


def _head(file: Path) -> _Head | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Head)
    except (OSError, msgspec.MsgspecError):
        return None  # half written, or not ours: it is no version


def folder_of(settings: Settings) -> Path:
    """Return the folder of models and taxonomy: the instance's own, or one that several servers share."""
    return Path(settings.learning.folder) if settings.learning.folder else settings.home


def taxonomy_file(home: Path) -> Path | None:
    """Return the file of the city's own taxonomy, None where the shipped one is in force."""
    return next((home / name for name in TAXONOMIES if (home / name).exists()), None)


def taxonomy_of(home: Path) -> Taxonomy:
    """Return the taxonomy in force. Raises TaxonomyError."""
    file = taxonomy_file(home)
    return shipped_taxonomy() if file is None else Taxonomy.load(file)


def classifier_of(home: Path) -> Classifier:
    """Return a classifier with the taxonomy and the model in force.

    Raises TaxonomyError, LearnedModelError, LearningRefused.
    """
    taxonomy = taxonomy_of(home)
    return Classifier(taxonomy, learned=ModelShelf(home).model(taxonomy))


__all__ = [
    "Active", "LearnedModelError", "LearningRefused", "ModelShelf", "Version", "classifier_of", "folder_of",
    "taxonomy_file", "taxonomy_of",
]  # fmt: skip
