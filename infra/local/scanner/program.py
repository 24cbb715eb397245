"""Trivy's program as an image that steps run, as its makers publish one."""

from __future__ import annotations

from pathlib import Path

from infra.local.topology import Topology
from infra.local.twin.images import Layer, PushedImage, layer_of, push_layers

VERSION = "0.76.0"
INSTALLED = Path(__file__).resolve().parents[3] / ".cache" / "scanner"
_PROGRAM = "/usr/local/bin/trivy"
# Where Go's programs look for whom to trust.
_TRUST = "/etc/ssl/certs/ca-certificates.crt"


class ScannerMissingError(FileNotFoundError):
    """The program is not installed."""


def push_scanner(topology: Topology, registry: str, repository: str, tag: str = VERSION) -> PushedImage:
    """Push the scanner's image and return its digests.

    It trusts the twin's own authority, as the published image trusts the world's: the registries of the twin have
    certificates of it.

    Args:
        topology: whose authority that is.
        registry: address of the registry, such as ``http://127.0.0.1:10010``.
        repository: where to push, such as ``aquasec/trivy``.
        tag: the tag to set.

    Raises:
        ScannerMissingError: it is not installed.
        requests.HTTPError: the registry refused a push.
    """
    trust = layer_of({_TRUST: topology.ca_bundle.read_bytes()}, empty=["tmp"])
    config = {"Entrypoint": ["trivy"], "Cmd": None, "Env": [f"PATH={Path(_PROGRAM).parent}"]}
    return push_layers(registry, repository, tag, [_program_layer(), trust], config=config)


def _program_layer() -> Layer:
    """Return the layer with the program, not zipped: every run that scans unpacks it, and nothing of it is far away."""
    program = INSTALLED / "bin" / "trivy"
    if not program.exists():
        raise ScannerMissingError("the scanner is not installed: run `infra/local/setup.sh twin`, on x86_64")
    return layer_of({_PROGRAM: program.read_bytes()}, zipped=False)
