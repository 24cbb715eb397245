"""What rules ask of those who have signatures; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from shared.domain.references import Digest, Repository
from shared.domain.signatures.material import Artefact


class Beside(msgspec.Struct, frozen=True, omit_defaults=True):
    """What lies beside an image in its registry and may be its signatures.

    Attributes:
        artefacts: what was read.
        whole: whether nothing is left that could be one; else what is most likely was read alone.
        unread: what could not be read, or was too much, for people: whether it is a signature nobody can say.
        hidden: whether something that refers to it was not read and may be anything: all but what is too large.
    """

    artefacts: tuple[Artefact, ...] = ()
    whole: bool = True
    unread: tuple[str, ...] = ()
    hidden: bool = False


# Is told of each request before it is made, and whether it may count as a pull; raises ``RateLimited``.
Spend = Callable[[bool], None]


class SignatureSource(Protocol):
    """A public registry."""

    def beside(self, repository: Repository, digest: Digest, spend: Spend, *, whole: bool) -> Beside:
        """Read what lies beside an image.

        Args:
            repository: in this upstream.
            digest: of the image, or of its index.
            spend: grants each request.
            whole: whether all is read, not only what is most likely a signature.

        Raises:
            ServiceError: the registry, or its budget, did not let it be read.
        """
        ...
