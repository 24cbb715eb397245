"""Which of what lies beside an image is looked at, and how it is called when people are told of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial

from shared.domain.signatures.findings import Attempt, Found, NotASignature
from shared.domain.signatures.material import (
    LARGEST_CONTENT,
    MOST_ARTEFACTS,
    MOST_LAYERS,
    MOST_SIGNATURES,
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
    found = (
        attempt
        for number, artefact in enumerate(material.artefacts, 1)
        if artefact.kind in kinds
        for attempt in _of_artefact(number, artefact, judge)
    )
    for number, (place, attempt) in enumerate(found):
        yield place, (attempt if number < MOST_SIGNATURES else _not_looked_at)


def _of_artefact(artefact_number: int, artefact: Artefact, judge: Judge) -> Iterator[Attempt]:
    name = f"{artefact.kind.value} {artefact_number}"
    if artefact_number > MOST_ARTEFACTS:
        yield name, _not_looked_at
        return
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
        f"it was not looked at: {MOST_ARTEFACTS} artefacts are, {MOST_LAYERS} layers of one, {MOST_SIGNATURES} in all, "
        f"each of {LARGEST_CONTENT} bytes at most"
    )
