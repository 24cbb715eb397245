"""Which of what lies beside an image is looked at, and how it is called when people are told of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial

from shared.domain.signatures.findings import Attempt, Found, NotASignature
from shared.domain.signatures.material import (
    LARGEST_CONTENT,
    MOST_ARTEFACTS,
    MOST_LAYERS,
    Artefact,
    ArtefactKind,
    Layer,
    Material,
)

Judge = Callable[[ArtefactKind, Layer], Found]


def attempts(material: Material, kinds: Collection[ArtefactKind], judge: Judge) -> Iterator[Attempt]:
    """Return all that may be a signature of some kinds, each with what judges it.

    Args:
        material: what was found.
        kinds: the forms that are looked at.
        judge: judges one layer of an artefact of such a form.
    """
    for number, artefact in enumerate(material.artefacts, 1):
        if artefact.kind in kinds:
            name = f"{artefact.kind.value} {number}"
            yield from [(name, _not_looked_at)] if number > MOST_ARTEFACTS else _of_artefact(name, artefact, judge)


def _of_artefact(name: str, artefact: Artefact, judge: Judge) -> Iterator[Attempt]:
    for number, layer in enumerate(artefact.layers, 1):
        place = f"{name}.{number}" if len(artefact.layers) > 1 else name
        if number > MOST_LAYERS or _is_large(layer):
            yield place, _not_looked_at
        else:
            yield place, partial(judge, artefact.kind, layer)


def _is_large(layer: Layer) -> bool:
    texts = sum(len(name) + len(text) for name, text in layer.annotations.items())
    return len(layer.content) + texts > LARGEST_CONTENT


def _not_looked_at() -> Found:
    raise NotASignature(
        f"it was not looked at, for there are more than {MOST_ARTEFACTS}, or more than {MOST_LAYERS} in one, or it has "
        f"more than {LARGEST_CONTENT} bytes"
    )
