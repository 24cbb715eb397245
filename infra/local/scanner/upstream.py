"""Where the twin's upstreams have the scanner and its databases, as the world's have them."""

from __future__ import annotations

from dataclasses import dataclass

from infra.local.scanner.database import push_database, push_java_database
from infra.local.scanner.program import push_scanner
from infra.local.topology import Topology

# On Docker Hub, and in the registry of the twin that is neither Docker Hub nor MCR.
SCANNER, DATABASE, JAVA_DATABASE = "aquasec/trivy", "aquasecurity/trivy-db", "aquasecurity/trivy-java-db"


@dataclass(frozen=True)
class Published:
    """The digests that are upstream."""

    scanner: str
    database: str
    java_database: str


def publish(topology: Topology) -> Published:
    """Push the scanner's image to Docker Hub, and both databases, as new as now, to the other registry.

    A test that wants a database of another time or content pushes it there by ``push_database``.

    Raises:
        ScannerMissingError: the scanner is not installed.
        requests.HTTPError: a registry refused a push.
    """
    hub, other = topology.http("backing_docker_hub"), topology.http("backing_other")
    return Published(
        push_scanner(topology, hub, SCANNER).digest,
        push_database(other, DATABASE),
        push_java_database(other, JAVA_DATABASE),
    )
