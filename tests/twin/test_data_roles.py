"""What roles permit with what travels with an image: lists, locks, referrers, deletions; each lack is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError

from infra.local.emulator.assignments import APP
from infra.local.emulator.role_definitions import (
    CATALOG_LISTER,
    DELETE,
    IMPORTER,
    PULL,
    PUSH,
    REGISTRIES,
    REPOSITORY_CONTRIBUTOR,
    REPOSITORY_READER,
    REPOSITORY_WRITER,
)
from infra.local.topology import BASE, RESOURCE_GROUP, STAGING
from tests.twin.conftest import Twin, twin_of
from tests.twin.images import push_image, push_referrer, referrer
from tests.twin.test_acr import docker_login
from tests.twin.test_referrers import SBOM, ask, push_through_the_front

pytestmark = pytest.mark.twin
LOCKER = "Locks"
LOCKS = {"actions": [f"{REGISTRIES}/metadata/read", f"{REGISTRIES}/metadata/write"]}
READ, LIST, REFER = "pull", "list", "list referrers"
PUSHES, LOCK, UNTAG, REMOVE, CATALOG = "push a referrer", "lock", "delete a tag", "delete a manifest", "catalog"
READS = {READ, LIST, REFER}
WHOLE = {
    (): set[str](),
    (PULL,): READS | {CATALOG},
    (PUSH,): READS | {CATALOG, PUSHES},
    (PULL, LOCKER): READS | {CATALOG, LOCK},
    (LOCKER,): {LIST, LOCK},
    (DELETE,): {UNTAG, REMOVE},
    (IMPORTER,): READS | {CATALOG},
    (REPOSITORY_CONTRIBUTOR,): set[str](),
}
BY_REPOSITORY = {
    (): set[str](),
    (REPOSITORY_READER,): READS,
    (REPOSITORY_WRITER,): READS | {PUSHES, LOCK},
    (REPOSITORY_CONTRIBUTOR,): READS | {PUSHES, LOCK, UNTAG, REMOVE},
    (CATALOG_LISTER,): {CATALOG},
    (PUSH, DELETE, LOCKER): set[str](),
}


@dataclass(frozen=True)
class Given:
    """The product's identity with some roles on base alone, and an image with a referrer there."""

    app: Twin
    repository: str
    digest: str
    sbom: str

    def may(self) -> set[str]:
        """Return what it may do; what deletes comes last."""
        return {name for name, call in self._tried().items() if _permitted(call)}

    def _tried(self) -> dict[str, Callable[[], Any]]:
        repository, digest = self.repository, self.digest
        client = self.app.client("base")
        return {
            READ: lambda: client.get_manifest(repository, "1"),
            LIST: lambda: [*client.list_tag_properties(repository), *client.list_manifest_properties(repository)],
            REFER: lambda: ask(self.app, repository, digest).raise_for_status(),
            CATALOG: lambda: list(client.list_repository_names()),
            PUSHES: self._push,
            LOCK: lambda: client.update_manifest_properties(repository, digest, can_write=True),
            UNTAG: lambda: client.delete_tag(repository, "2"),
            REMOVE: self._remove,
        }

    def _push(self) -> None:
        body = referrer(self.app.topology, "base", self.repository, self.digest, SBOM, "mine")
        push_through_the_front(self.app, self.repository, body).raise_for_status()

    def _remove(self) -> None:
        headers = {"Authorization": f"Bearer {docker_login(self.app, f'repository:{self.repository}:delete')}"}
        url = f"{self.app.topology.https('base')}/v2/{self.repository}/manifests/{self.sbom}"
        requests.delete(url, headers=headers, timeout=10).raise_for_status()


def _permitted(call: Callable[[], Any]) -> bool:
    """Tell whether a call was permitted; only a refusal of rights is none."""
    try:
        call()
    except HttpResponseError as refusal:
        assert refusal.status_code == 401
        return False
    except requests.HTTPError as refusal:
        assert refusal.response.status_code == 401
        return False
    except KeyError as refusal:  # whoever may do nothing gets no refresh token
        assert refusal.args == ("refresh_token",)
        return False
    return True


@pytest.fixture
def given(twin: Twin) -> Iterator[Callable[..., Given]]:
    """Give roles on base to the product's identity, and nothing else to anybody."""
    numbers = iter(range(100))

    def give(*roles: str, abac: bool) -> Given:
        scope = twin.topology.registry_id(BASE)
        assignments = [{"principal": APP, "role": role, "scope": scope} for role in roles]
        abacs = [BASE] if abac else []
        settings = {"roles": {LOCKER: LOCKS}, "assignments": assignments, "abac_registries": abacs}
        twin.control("POST", "/settings", settings)
        word = "-".join([*roles, "abac" if abac else "whole", str(next(numbers))]).lower().replace(" ", "-")
        digest = push_image(twin.topology, "base", f"{word}/app:1", word)
        push_image(twin.topology, "base", f"{word}/app:2", word)
        sbom = push_referrer(twin.topology, "base", f"{word}/app", digest, SBOM, "sbom")
        return Given(twin_of(twin.topology, twin.runner), f"{word}/app", digest, sbom)

    yield give
    twin.control("POST", "/settings", {"abac_registries": []})


@pytest.mark.parametrize("roles", WHOLE, ids="+".join)
def test_roles_on_a_registry_permit_this_and_nothing_else(given: Callable[..., Given], roles: tuple[str, ...]) -> None:
    assert given(*roles, abac=False).may() == WHOLE[roles]


@pytest.mark.parametrize("roles", BY_REPOSITORY, ids="+".join)
def test_roles_on_repositories_permit_this_and_nothing_else(
    given: Callable[..., Given], roles: tuple[str, ...]
) -> None:
    assert given(*roles, abac=True).may() == BY_REPOSITORY[roles]


def test_whoever_may_push_into_the_target_may_not_import_a_referrer_there(twin: Twin) -> None:
    scope = twin.topology.registry_id
    sbom = push_referrer(twin.topology, "staging", "unwelcome/app", f"sha256:{'1' * 64}", SBOM, "sbom")
    body = {
        "source": {"resourceId": scope(STAGING), "sourceImage": f"unwelcome/app@{sbom}"},
        "targetTags": [],
        "untaggedTargetRepositories": ["unwelcome/app"],
        "mode": "Force",
    }
    assignments = [{"principal": APP, "role": role, "scope": scope(BASE)} for role in (PUSH, DELETE)]
    assignments += [{"principal": APP, "role": IMPORTER, "scope": scope(STAGING)}]
    for roles, refused in ((assignments, True), ([*assignments, {**assignments[-1], "scope": scope(BASE)}], False)):
        twin.control("POST", "/settings", {"assignments": roles})
        registries = twin_of(twin.topology, twin.runner).management.registries
        if refused:
            with pytest.raises(HttpResponseError, match="importImage/action"):
                registries.begin_import_image(RESOURCE_GROUP, BASE, body)
        else:
            registries.begin_import_image(RESOURCE_GROUP, BASE, body).result(30)
            assert twin.control("GET", "/operations").json()[-1]["outcome"] == "Succeeded"


@pytest.mark.parametrize(
    ("roles", "word"),
    [({"Empty": {}}, "Empty"), ({"Odd": {"notActions": ["*"]}}, "notActions")],
)
def test_a_role_of_the_settings_that_makes_no_sense_is_refused(twin: Twin, roles: dict[str, Any], word: str) -> None:
    answer = requests.post(twin.topology.http("control") + "/settings", json={"roles": roles}, timeout=5)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]
