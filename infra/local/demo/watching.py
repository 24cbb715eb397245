"""What the scenes look at: the real registries, the emulator's counts, the product's HTTP API and its storage."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import requests
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from infra.local.emulator.assignments import OPERATOR
from infra.local.topology import Topology
from infra.local.twin.api_key import api_key
from infra.local.twin.put_off import PutOff, put_off
from infra.local.twin.settings import storage_connection_string

T = TypeVar("T")

MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_SECONDS = 60
ENDED = frozenset(("promoted", "rejected", "superseded", "failed"))
# Work that goes on looks again, or comes again, within these; what was put off for longer begins anew when it is seen.
_GOES_ON = timedelta(seconds=10)
# The log has whole seconds, and a message that is about to be seen is as good as seen.
_ABOUT_TO = timedelta(seconds=2)


class SceneFailed(Exception):
    """What a scene expects did not happen; the message says what was seen instead."""


# Each look costs the host a request, and there are two processors for all stages: ten looks a second would take more of
# them than what is looked at.
_PAUSE = 0.3


def eventually(what: str, look: Callable[[], T | None], seconds: float = 120, pause: float = _PAUSE) -> T:
    """Look again and again until there is something to see.

    Args:
        what: what is waited for, for people.
        look: returns something true once it is there.
        seconds: how long to wait.
        pause: seconds between two looks.

    Returns:
        What was seen.

    Raises:
        SceneFailed: it did not come.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if seen := look():
            return seen
        time.sleep(pause)
    raise SceneFailed(f"waited {seconds:.0f} s for this, and it did not happen: {what}")


def expect(condition: bool, what: str) -> None:
    """Hold the scene to something.

    Raises:
        SceneFailed: it is not so.
    """
    if not condition:
        raise SceneFailed(f"this is not so: {what}")


class Watcher:
    """Looks at a running twin.

    Args:
        topology: where it listens.
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._session = requests.Session()
        self._session.trust_env = False

    # The registries behind the fronts: what really is there.

    def digest(self, part: str, repository: str, tag: str) -> str | None:
        """Return what a tag of a backing registry points at, or ``None``."""
        answer = self._session.head(
            f"{self._topology.http(f'backing_{part}')}/v2/{repository}/manifests/{tag}",
            headers={"Accept": MANIFESTS},
            timeout=_SECONDS,
        )
        return answer.headers["Docker-Content-Digest"] if answer.status_code == 200 else None

    def tags(self, part: str, repository: str) -> list[str]:
        """Return every tag of a repository of a backing registry; none where it is not there."""
        url = f"{self._topology.http(f'backing_{part}')}/v2/{repository}/tags/list"
        answer = self._session.get(url, timeout=_SECONDS)
        listed: list[str] = (answer.json().get("tags") or []) if answer.status_code == 200 else []
        return listed

    def layers(self, part: str, repository: str, reference: str) -> list[str]:
        """Return the digests of an image's layers before compression, which every builder may do in its own way.

        Of an index, those of its linux/amd64 image. They are the configuration's ``rootfs.diff_ids``:
        https://github.com/opencontainers/image-spec/blob/main/config.md
        """
        manifest = self._read(part, f"{repository}/manifests/{reference}")
        for entry in manifest.get("manifests", []):
            if entry["platform"]["architecture"] == "amd64":
                return self.layers(part, repository, entry["digest"])
        configuration = self._read(part, f"{repository}/blobs/{manifest['config']['digest']}")
        return list(configuration["rootfs"]["diff_ids"])

    def _read(self, part: str, path: str) -> dict[str, Any]:
        url = f"{self._topology.http(f'backing_{part}')}/v2/{path}"
        answer = self._session.get(url, headers={"Accept": MANIFESTS}, timeout=_SECONDS)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content

    # The emulator: what was asked of Azure.

    def operations(self) -> list[dict[str, Any]]:
        """Return every import and run since the emulator began, oldest first."""
        answer = self._session.get(f"{self._topology.http('control')}/operations", timeout=_SECONDS)
        listed: list[dict[str, Any]] = answer.json()
        return listed

    def runs(self) -> list[dict[str, Any]]:
        """Return every run of every registry since the emulator began, oldest first."""
        answer = self._session.get(f"{self._topology.http('control')}/runs", timeout=_SECONDS)
        listed: list[dict[str, Any]] = answer.json()
        return listed

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many requests each front has had since the emulator began, by kind."""
        answer = self._session.get(f"{self._topology.http('control')}/counts", timeout=_SECONDS)
        counted: dict[str, dict[str, int]] = answer.json()
        return counted

    def set(self, **settings: float | str | None) -> None:
        """Change settings of the emulator."""
        url = f"{self._topology.http('control')}/settings"
        self._session.post(url, json=settings, timeout=_SECONDS).raise_for_status()

    def play_fault(self, **fault: float | str) -> None:
        """Have the emulator play a failure of a real service; see its ``Fault``."""
        url = f"{self._topology.http('control')}/faults"
        self._session.post(url, json=fault, timeout=_SECONDS).raise_for_status()

    def faults(self) -> list[dict[str, Any]]:
        """Return the failures that the emulator still plays, with how often each still happens."""
        answer = self._session.get(f"{self._topology.http('control')}/faults", timeout=_SECONDS)
        listed: list[dict[str, Any]] = answer.json()
        return listed

    def no_faults(self) -> None:
        """Have the emulator play no failure any more."""
        self._session.delete(f"{self._topology.http('control')}/faults", timeout=_SECONDS).raise_for_status()

    def give(self, principal: str, roles: Mapping[str, str]) -> None:
        """Give somebody roles, each on one resource, as a deployment does."""
        url = f"{self._topology.http('control')}/settings"
        given = self._session.get(url, timeout=_SECONDS).json()["assignments"]
        more = [{"principal": principal, "role": role, "scope": scope} for role, scope in roles.items()]
        self._session.post(url, json={"assignments": [*given, *more]}, timeout=_SECONDS).raise_for_status()

    def vault(self, method: str, path: str, body: object) -> None:
        """Ask the key vault something, as an operator with the Azure CLI would."""
        self._session.request(
            method,
            f"{self._topology.https('vault')}/{path}",
            params={"api-version": "7.4"},
            headers={"Authorization": f"Bearer {self.token('https://vault.azure.net')}"},
            json=body,
            verify=str(self._topology.ca_bundle),
            timeout=_SECONDS,
        ).raise_for_status()

    def registry_password(self, part: str) -> str:
        """Return what `az acr login --expose-token` prints for an operator."""
        answer = self._session.post(
            f"{self._topology.https(part)}/oauth2/exchange",
            data={"grant_type": "access_token", "access_token": self.token("https://containerregistry.azure.net")},
            verify=str(self._topology.ca_bundle),
            timeout=_SECONDS,
        )
        return str(answer.json()["refresh_token"])

    def token(self, audience: str = "https://management.azure.com") -> str:
        """Return an access token of the twin's operator, who may do what the product's identity may not."""
        answer = self._session.get(
            f"{self._topology.http('identity')}/msi/token",
            params={
                "resource": audience,
                "api-version": "2019-08-01",
                "client_id": OPERATOR,
            },
            headers={"X-IDENTITY-HEADER": self._topology.identity_header},
            timeout=_SECONDS,
        )
        return str(answer.json()["access_token"])

    def arm(self, method: str, registry: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask Azure Resource Manager something about a registry, as an operator with the Azure CLI would."""
        answer = self._session.request(
            method,
            f"{self._topology.https('arm')}{self._topology.registry_id(registry)}/{path}",
            params={"api-version": "2025-03-01-preview"},
            headers={"Authorization": f"Bearer {self.token()}"},
            json=body,
            verify=str(self._topology.ca_bundle),
            timeout=_SECONDS,
        )
        answer.raise_for_status()
        content: dict[str, Any] = answer.json() if answer.content else {}
        return content

    # The product, from outside.

    def api(self, method: str, path: str, **request: Any) -> requests.Response:
        """Call the product's HTTP API with an operator's key."""
        headers = {"x-api-key": api_key(self._topology), **request.pop("headers", {})}
        url = f"{self._topology.http('host')}/api/{path}"
        return self._session.request(method, url, headers=headers, timeout=_SECONDS, **request)

    def person(self, session: str, method: str, path: str, **request: Any) -> requests.Response:
        """Call the product's HTTP API as somebody who signed in: ``<name>:<role>+<role>``; see ``host.sign_in``."""
        url = f"{self._topology.http('host')}/api/{path}"
        headers = {"Cookie": f"AppServiceAuthSession={session}", **request.pop("headers", {})}
        return self._session.request(method, url, headers=headers, timeout=_SECONDS, **request)

    def candidates(self) -> list[dict[str, Any]]:
        """Return the product's candidates with their histories."""
        return [self._whole(one) for one in self._listed()]

    def candidate(self, digest: str) -> dict[str, Any] | None:
        """Return the product's candidate for a digest with its history, or ``None``."""
        return next((self._whole(one) for one in self._listed() if one["digest"] == digest), None)

    def _listed(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.api("GET", "candidates").json()["candidates"]
        return listed

    def _whole(self, listed: dict[str, Any]) -> dict[str, Any]:
        candidate: dict[str, Any] = self.api("GET", f"candidates/{listed['id']}").json()
        return candidate

    # Its storage.

    def container(self, name: str) -> ContainerClient:
        """Return a blob container of the product's storage account."""
        return ContainerClient.from_connection_string(storage_connection_string(self._topology), name)

    def evidence(self, name: str) -> list[str]:
        """Return what was kept under a name, which may be a beginning: of a candidate, the logs of its gate's runs."""
        kept = self.container("evidence")
        names = list(kept.list_blob_names(name_starts_with=name)) if kept.exists() else []
        return [kept.download_blob(found).readall().decode() for found in names]

    def queue(self, name: str) -> QueueClient:
        """Return a queue of the product's storage account."""
        return QueueClient.from_connection_string(storage_connection_string(self._topology), name)

    def waiting(self, *queues: str) -> int:
        """Return how many messages wait in some queues, hidden ones too."""
        return sum(self.queue(name).get_queue_properties().approximate_message_count or 0 for name in queues)

    def put_off(self, *queues: str) -> list[PutOff]:
        """Return the messages of some queues that were put off for long, and are not about to be seen yet."""
        return self._seen_later(queues, _GOES_ON, _ABOUT_TO)

    def _seen_later(self, queues: Sequence[str], longer: timedelta, soon: timedelta) -> list[PutOff]:
        log, then = self._topology.state / "logs" / "azurite.log", datetime.now(UTC) + soon
        return [one for one in put_off(log, longer) if one.queue in queues and one.until > then]

    def is_worked_off(self, *queues: str) -> bool:
        """Whether all that waits in some queues was put off for long.

        What somebody has received, or comes again in some seconds, is not. What was put off is counted first: one
        that is sent between the two counts makes them differ.
        """
        return self._wait_only(queues, self.put_off(*queues))

    def is_held_by_nobody(self, *queues: str) -> bool:
        """Whether nobody has received anything of some queues: all that waits is to be seen later, if only a second.

        A host that is killed keeps what it has received from every other for ten minutes.
        """
        return self._wait_only(queues, self._seen_later(queues, timedelta(0), timedelta(0)))

    def _wait_only(self, queues: Sequence[str], put_off: Sequence[PutOff]) -> bool:
        later = Counter(one.queue for one in put_off)
        return all(self.waiting(name) == later[name] for name in queues)

    def is_quiet(self, *queues: str) -> bool:
        """Whether nothing is to be done now: some queues are worked off, and nothing is under way."""
        return (
            self.is_worked_off(*queues)
            and all(candidate["status"] in ENDED for candidate in self._listed())
            and all(operation["finished"] for operation in self.operations())
        )

    def died(self, *queues: str) -> list[str]:
        """Return what died in some queues: what lies in their poison queues, and what a sweep found there and recorded.

        The queues come first: what a sweep takes out of them after that look, it has recorded before.
        """
        left = {name: self.waiting(f"{name}-poison") for name in queues}
        lying = [f"{number} in {name}-poison" for name, number in left.items() if number]
        return lying + [text for name in queues for text in self.evidence(f"poison-{name}/")]
