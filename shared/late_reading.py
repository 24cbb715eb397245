"""Readers of YAML, each loaded when the first file is read: starting needs none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain.gate.contract import Contract
    from shared.domain.gate.identity import GateIdentity
    from shared.domain.watching.watch_list import ListFile, WatchList


def parse_watch_list(text: bytes, *more: ListFile, base: str) -> WatchList:
    """Read a watch list's texts; the YAML reader is loaded when the first list is read."""
    from shared.watch_list_yaml import parse_watch_list as parse  # noqa: PLC0415

    return parse(text, *more, base=base)


def read_gate(name: str, files: Mapping[str, bytes], identities: Mapping[str, GateIdentity]) -> Contract:
    """Read a gate's files; the YAML reader is loaded when the first gate is read."""
    from shared.gate_reading import checked_gate  # noqa: PLC0415

    return checked_gate(name, files, identities)
