"""What ``POST /purge`` of the control port asks for: the options of ``acr purge``, in JSON.

https://github.com/Azure/acr-cli
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
# A colon that is not part of a group which captures nothing.
_COLON = re.compile(r"(?<!\(\?):")


@dataclass(frozen=True)
class PurgeRequest:
    """One purge.

    Attributes:
        registry: whose name in Azure is this.
        filter: ``repository:tag``, both regular expressions; that of a repository has to fit it whole.
        ago: how old is old enough, such as ``7d`` or ``1d12h``; may be empty with ``untagged_only``.
        keep: how many of the newest that would be deleted are kept, of tags and of manifests apart.
        untagged: whether manifests without a tag are deleted after the tags.
        untagged_only: whether no tags are; without a filter, in every repository.
        include_locked: whether what is locked is unlocked and deleted.
        dry_run: whether nothing is deleted.
        later: how much later it is taken to be, such as ``8d``.
    """

    registry: str
    filter: tuple[str, ...] = ()
    ago: str = ""
    keep: int = 0
    untagged: bool = False
    untagged_only: bool = False
    include_locked: bool = False
    dry_run: bool = False
    later: str = ""

    @staticmethod
    def read(record: Mapping[str, Any]) -> PurgeRequest:
        """Return the purge that a JSON object asks for; ``ValueError`` says what is wrong with it."""
        unknown = sorted(set(record) - {field.name for field in fields(PurgeRequest)})
        if unknown or "registry" not in record:
            raise ValueError(f"no such options: {', '.join(unknown)}" if unknown else "registry: which one?")
        request = PurgeRequest(**{**record, "filter": tuple(record.get("filter") or ())})
        request.check()
        return request

    def check(self) -> None:
        """Refuse what the command refuses; ``ValueError`` names it."""
        if not self.untagged_only and not self.filter:
            raise ValueError("--filter is required when not using --untagged-only")
        if not self.untagged_only and not self.ago:
            raise ValueError("--ago is required when not using --untagged-only")
        if self.untagged_only and self.untagged:
            raise ValueError("--untagged and --untagged-only exclude each other")
        for text in (self.ago, self.later):
            seconds(text)
        self.by_repository(())

    def by_repository(self, names: Iterable[str]) -> dict[str, str]:
        """Return the expression for the tags of each repository that is meant, in their order."""
        if self.untagged_only and not self.filter:
            return dict.fromkeys(sorted(names), "")
        found: dict[str, str] = {}
        known = sorted(names)
        for one in self.filter:
            repository, tag = _split(one)
            for name in known:
                if re.fullmatch(repository, name):
                    found[name] = f"{found[name]}|{tag}" if name in found else tag
        return dict(sorted(found.items()))


def seconds(text: str) -> float:
    """Return a duration in seconds, 0 for an empty one; ``ValueError`` if it is none."""
    parts = _DURATION.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"expected a duration such as 7d or 1d12h, not {text!r}")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _split(text: str) -> tuple[str, str]:
    parts = _COLON.split(text)
    if len(parts) != 2 or not all(parts):
        raise ValueError(f"filter: expected repository:tag, both expressions, not {text!r}")
    try:
        re.compile(parts[0]), re.compile(parts[1])
    except re.error as error:
        raise ValueError(f"filter: {text!r}: {error}") from error
    return parts[0], parts[1]
