"""Making the reader that live captions and files share: the city's names and the numbers' model from disk."""

from __future__ import annotations

import logging
from pathlib import Path

from asr.errors import RecogniserError
from asr.gazetteer import Gazetteer, load_entries
from asr.graph_digits import digits_beside
from asr.model import FoundModel
from asr.recogniser import VoskRecognisers, load_model
from asr.second_look import SecondLook
from asr.text_reader import TextReader

log = logging.getLogger(__name__)


NUMBER_WORDS = (*"零一二三四五六七八九幺十百栋号楼室", "单元", "嗯", "是", "的")
"""What a model without a graph of numbers is held to when it listens to numbers again."""


def load_reader(
    gazetteer: Path | None, model: FoundModel | None, recognisers: VoskRecognisers | None = None
) -> TextReader:
    """Return a reader that knows the names in a file and listens to numbers again.

    Without a file no names are repaired. Numbers are heard again with the graph of numbers beside the model
    (see `hotline asr compose`), or with the model's own `recognisers` held to numbers where its graph is
    composed on the fly. Otherwise, or where the graph cannot be loaded, they are read as they were heard.

    Raises:
        GazetteerError: the file of names cannot be used.
        TextTableError: a shipped table cannot be read.
    """
    names = Gazetteer(load_entries(gazetteer)) if gazetteer is not None else Gazetteer()
    return TextReader(names, _second_look(model, recognisers))


def _second_look(model: FoundModel | None, recognisers: VoskRecognisers | None) -> SecondLook | None:
    if model is None:
        return None
    folder = digits_beside(model.path)
    if folder is None:
        if recognisers is None or model.composed:
            return None
        return SecondLook(recognisers.limited(NUMBER_WORDS))
    try:
        digits = load_model(FoundModel(path=folder, source=model.source, composed=True))
    except RecogniserError as error:
        log.error("numbers are not listened to again", extra={"error": str(error)})
        return None
    return SecondLook(digits)
