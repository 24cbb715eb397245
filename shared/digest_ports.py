"""What flows ask of registries by digest; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from typing import Protocol

from shared.domain.references import Digest, Repository


class Holder(Protocol):
    """One of our own registries."""

    def holds(self, repository: str, digest: Digest) -> bool:
        """Whether a manifest can be had by its digest, tagged or not."""
        ...


class UpstreamHolder(Protocol):
    """A public registry, asked without pulling."""

    def holds(self, repository: Repository, digest: Digest) -> bool:
        """Whether a manifest can be had by its digest, whatever its tags point at.

        Raises:
            NotFound: the registry does not show the repository.
        """
        ...
