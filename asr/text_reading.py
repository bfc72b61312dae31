"""Making the reader that live captions and files share: the city's names and the numbers' model from disk."""

from __future__ import annotations

import logging
from pathlib import Path

from asr.errors import RecogniserError
from asr.gazetteer import Gazetteer, load_entries
from asr.graph_digits import digits_beside
from asr.model import FoundModel
from asr.recogniser import load_model
from asr.second_look import SecondLook
from asr.text_reader import TextReader

log = logging.getLogger(__name__)


def load_reader(gazetteer: Path | None, model: FoundModel | None) -> TextReader:
    """Return a reader that knows the names in a file and listens to numbers again.

    Without a file no names are repaired. Numbers are heard again where the model has a graph of numbers
    beside it (see `hotline asr compose`); where that cannot be loaded they are read as they were heard.

    Raises:
        GazetteerError: the file of names cannot be used.
        TextTableError: a shipped table cannot be read.
    """
    names = Gazetteer(load_entries(gazetteer)) if gazetteer is not None else Gazetteer()
    return TextReader(names, _second_look(model))


def _second_look(model: FoundModel | None) -> SecondLook | None:
    folder = digits_beside(model.path) if model is not None else None
    if model is None or folder is None:
        return None
    try:
        digits = load_model(FoundModel(path=folder, source=model.source, composed=True))
    except RecogniserError as error:
        log.error("numbers are not listened to again", extra={"error": str(error)})
        return None
    return SecondLook(digits)
