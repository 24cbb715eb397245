"""A record of a decision over the twin: signed by its vault, pushed into staging, imported, read back and verified."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from azure.identity import ManagedIdentityCredential

from infra.local.emulator.assignments import APP
from infra.local.emulator.role_definitions import RECORDS, SIGNS
from infra.local.topology import BASE, STAGING
from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.key_vault import KeyVaultSigner
from shared.adapters.azure.registry import AzureContainerRegistry
from shared.adapters.azure.shelf import RegistryShelf
from shared.cli.exits import Exit
from shared.cli.main import main
from shared.cli.session import Surroundings
from shared.domain.record.record import Record, RecordState
from shared.domain.record.statement import Verifier
from shared.domain.references import Digest, Repository, Tag
from shared.errors import NotPermitted, RateLimited, Refused
from shared.ports import ImportSource
from shared.registry_ids import parse_registry_id
from shared.rules.key_ring import KeyRing
from shared.rules.record_grounds import RecordGrounds
from shared.rules.record_pieces import Pieces
from shared.rules.recording import Recording
from tests.doubles.records import InMemorySigningKeys
from tests.twin.conftest import Twin
from tests.twin.images import push_index
from tests.twin.test_referrers import ask, listed
from tests.twin.test_vault import Client
from tests.unit.rules.test_recording import Scene

pytestmark = pytest.mark.twin


class Stage(Scene):
    """The scene of the unit tests, over the twin's registries and its vault."""

    def __init__(self, twin: Twin, repository: str, *forms: str) -> None:
        super().__init__(*forms)
        self.twin, self.repository = twin, repository
        self.key = Client(twin).made(repository.partition("/")[0])["key"]["kid"].rpartition("/")[0]
        self.keys = InMemorySigningKeys()
        self.digest = Digest(push_index(twin.topology, "base", f"{repository}:1", "amd64", "arm64"))
        self.candidate = msgspec.structs.replace(self.candidate, digest=self.digest)
        self.targets = [self.target(repository=repository)]
        for name in ("gate-1.log", "admission-1.json"):
            self.evidence.kept[self.candidate.id, name] = b'{"platforms": {}}'
        clients = AzureClients(
            ManagedIdentityCredential,
            arm_endpoint=twin.topology.https("arm"),
            arm_audience="https://management.azure.com",
            acr_audience="https://containerregistry.azure.net",
        )
        self.signer_there = KeyVaultSigner(clients, self.key, "https://vault.azure.net")
        servers = {part: twin.topology.https(part).removeprefix("https://") for part in ("staging", "base")}
        self.server = servers["base"]
        self.shelves = (RegistryShelf(clients, servers["staging"]), RegistryShelf(clients, servers["base"]))
        ids = {name: twin.topology.registry_id(name) for name in (STAGING, BASE)}
        self.registry = AzureContainerRegistry(
            clients,
            parse_registry_id(ids[BASE]),
            login_server=servers["base"],
            staging_id=ids[STAGING],
            base_id=ids[BASE],
            accounts={},
        )

    @property
    def recording(self) -> Recording:
        """See ``Scene.recording``."""
        verifier = Verifier(f"https://{self.server}")
        grounds = RecordGrounds(self, self, self, self.evidence, verifier.id, failures=True)  # type: ignore[arg-type]
        ring = KeyRing(self.signer_there, self.keys, self.clock)
        pieces = Pieces(*self.shelves, self.registry)
        return Recording(grounds, ring, self.evidence, pieces, self.clock, self.server, verifier, self.forms)

    def of_repository(self, repository: str) -> Any:
        assert repository == self.repository
        return super().of_repository("base/node")

    def advance(self) -> Record:
        """Do the next thing for the record."""
        recording = self.recording
        about = recording.about(self.repository, self.repository, self.digest)
        pieces = self.record.pieces if self.record else ()
        there = {(one.digest, one.tag) for one in pieces if self.is_there(one.digest, one.tag)}
        self.record = recording.step(about, self.record, there)
        return self.record

    def is_there(self, digest: Digest, tag: Tag) -> bool:
        if tag:
            return self.registry.digest(self.repository, tag) == digest
        return self.registry.holds(self.repository, digest)

    def bring_it(self) -> Record:
        """Go on until it lies beside the image."""
        for _ in range(8):
            record = self.advance()
            if record.is_settled:
                return record
            for piece in record.pieces if record.state is RecordState.STAGED else ():
                source = ImportSource(Repository("staging", self.repository), piece.digest, staging=True)
                token = self.registry.start_import(source, self.repository, *([piece.tag] if piece.tag else []))
                while not token.done:
                    token = self.registry.look_at_import(token.token)
        raise AssertionError(self.record)


@pytest.fixture
def stage(twin: Twin) -> Callable[..., Stage]:
    """Make a stage on which the app has the roles that the templates give it."""

    def made(repository: str, *forms: str, without: str = "") -> Stage:
        done = Stage(twin, repository, *forms)
        key = f"{twin.topology.vault_id}/keys/{done.key.rpartition('/')[2]}"
        wanted = {RECORDS: twin.topology.registry_id(STAGING), SIGNS: key}
        given = twin.control("GET", "/settings").json()["assignments"]
        given = [one for one in given if (one["principal"], one["role"]) not in {(APP, role) for role in wanted}]
        given += [{"principal": APP, "role": role, "scope": at} for role, at in wanted.items() if role != without]
        twin.control("POST", "/settings", {"assignments": given})
        return done

    return made


def test_a_record_is_signed_by_the_vault_and_listed_beside_the_image(twin: Twin, stage: Callable[..., Stage]) -> None:
    done = stage("recorded/app", "att", "sig", "platforms")
    record = done.bring_it()
    assert record.state is RecordState.ATTACHED
    assert record.version == Client(twin).ask("GET", f"/keys/{done.key.rpartition('/')[2]}").json()["key"]["kid"][-32:]
    (bundle,) = [piece.digest for piece in record.pieces if piece.subject == done.digest and not piece.tag]
    assert listed(ask(twin, "recorded/app", done.digest)) == [bundle]
    assert len(record.pieces) == 4, "its test ran on one of both platforms"


def test_attaching_twice_is_once(twin: Twin, stage: Callable[..., Stage]) -> None:
    done = stage("twice/app")
    done.bring_it()
    done.record = msgspec.structs.replace(done.record or Record(), state=RecordState.SIGNED)
    done.bring_it()
    assert len(listed(ask(twin, "twice/app", done.digest))) == 1


def test_the_record_verifies_by_the_command_offline_and_an_altered_one_does_not(
    stage: Callable[..., Stage], tmp_path: Path
) -> None:
    done = stage("offline/app")
    record = done.bring_it()
    (key,) = done.keys.keys
    (tmp_path / "key.pem").write_text(key.pem)
    envelope = json.loads(done.evidence.kept[done.digest, record.envelope])
    image = f"{done.server}/offline/app@{done.digest}"

    def verified(name: str, content: object, of: str = image) -> int:
        (tmp_path / name).write_text(json.dumps(content))
        around = Surroundings(now=lambda: done.clock() + timedelta(hours=1))
        return main(["verify", of, "--key", str(tmp_path / "key.pem"), "--offline", str(tmp_path / name)], around)

    assert verified("record.json", envelope) == Exit.FINE
    assert verified("altered.json", {**envelope, "payload": envelope["payload"][:-8] + "AAAAAAA="}) == Exit.NO
    assert verified("record.json", envelope, image.replace("offline/app", "another/app")) == Exit.NO


def test_without_the_right_to_sign_nothing_is_signed_and_it_is_said_which(stage: Callable[..., Stage]) -> None:
    done = stage("unsigned/app", without=SIGNS)
    with pytest.raises(NotPermitted, match="Key Vault Crypto User"):
        done.advance()


def test_without_the_right_to_push_nothing_is_pushed_and_it_is_said_which(stage: Callable[..., Stage]) -> None:
    done = stage("unpushed/app", without=RECORDS)
    assert done.advance().state is RecordState.SIGNED
    with pytest.raises(NotPermitted, match="AcrPush"):
        done.advance()


def test_a_version_that_was_disabled_hands_over_to_the_next_one(twin: Twin, stage: Callable[..., Stage]) -> None:
    done, operator = stage("rotated/app"), Client(twin)
    name = done.key.rpartition("/")[2]
    first = done.bring_it()
    operator.ask("PATCH", f"/keys/{name}/{first.version}", {"attributes": {"enabled": False}})
    done.record = None
    with pytest.raises(Refused, match="disabled"):
        done.advance()
    operator.ask("POST", f"/keys/{name}/rotate", {})
    done.clock.advance(timedelta(hours=2))
    second = done.bring_it()
    assert second.state is RecordState.ATTACHED
    assert second.version != first.version


def test_a_vault_that_is_asked_too_much_is_asked_later(twin: Twin, stage: Callable[..., Stage]) -> None:
    done = stage("throttled/app")
    twin.control("POST", "/settings", {"vault_limits": {"sign": [0, 10]}})
    with pytest.raises(RateLimited):
        done.advance()
    twin.control("POST", "/settings", {"vault_limits": {}})
    assert done.bring_it().state is RecordState.ATTACHED


def test_the_record_verifies_by_the_command_from_the_registry(
    twin: Twin, stage: Callable[..., Stage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = stage("online/app")
    done.bring_it()
    (key,) = done.keys.keys
    (tmp_path / "key.pem").write_text(key.pem)
    arguments = ["verify", f"{done.server}/online/app:1", "--key", str(tmp_path / "key.pem"), "--json"]
    around = Surroundings(now=lambda: done.clock() + timedelta(hours=1))
    assert main(arguments, around) == Exit.DENIED
    account = {"username": "00000000-0000-0000-0000-000000000000", "password": refresh_token(twin)}
    monkeypatch.setenv("TIDEGATE_REGISTRY_CREDENTIALS", json.dumps({done.server: account}))
    assert main(arguments, around) == Exit.FINE
    assert main([*arguments, "--level", "TIDEGATE_SIGNED"], around) == Exit.NO


def refresh_token(twin: Twin) -> str:
    """Return what `az acr login --expose-token` prints."""
    token = twin.credential.get_token("https://containerregistry.azure.net/.default").token
    form = {"grant_type": "access_token", "service": "x", "access_token": token}
    answer = requests.post(twin.topology.https("base") + "/oauth2/exchange", data=form, timeout=10)
    return str(answer.json()["refresh_token"])
