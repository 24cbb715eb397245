"""The port ``SignatureSource``: what lies beside a signed image is read alike from the double and each upstream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.domain.policy.signing import CosignCheck, SignatureCheck
from shared.domain.references import Digest, Repository, Tag
from shared.domain.signatures.judging import judge_signatures
from shared.domain.signatures.material import Material
from shared.domain.signatures.verdict import SignatureOutcome
from shared.errors import RateLimited, Unavailable
from shared.signature_ports import Beside, SignatureSource
from tests.contract.registry_fixtures import Outside, emulator, outside, word
from tests.contract.registry_sites import EmulatedUpstreamSite, InMemoryUpstreamSite
from tests.doubles.beside import Written, written
from tests.doubles.storage import MIDDAY
from tests.made_signatures.authorities import new_key, public_pem
from tests.made_signatures.cosign import bundle, key_bundle, legacy, legacy_layer, payload, statement
from tests.twin.images import push_beside

__all__ = ["emulator", "outside", "word"]
pytestmark = pytest.mark.contract

FRONTS = ("docker_hub", "mcr", "other")
KEY = new_key()
OURS = SignatureCheck(cosign=CosignCheck(key="build.pem"))


class Site:
    """An upstream with one image, and what a test lays beside it."""

    def __init__(self, outside: Outside | None, part: str, name: str) -> None:
        self.outside = outside
        self.part = part
        site = InMemoryUpstreamSite() if outside is None else EmulatedUpstreamSite(outside, part)
        self.source: SignatureSource = site.upstream  # type: ignore[assignment]  # every upstream is one
        self.repository = Repository(site.registry, f"library/{name}")
        self.digest: Digest = site.push(self.repository, Tag("1"), "text")
        self.sign: Callable[..., None] = self._sign_in_memory if outside is None else self._sign
        self.spent = 0

    def beside(self, *, whole: bool = False) -> Beside:
        self.spent = 0
        return self.source.beside(self.repository, self.digest, self._spend, whole=whole)

    def outcome(self, found: Beside) -> SignatureOutcome:
        material, trust = Material(self.digest, artefacts=found.artefacts), {"build.pem": public_pem(KEY)}
        return judge_signatures(OURS, material, str(self.repository), trust, MIDDAY).outcome

    def bundle(self, *, said: bool = True) -> Written:
        return written(bundle(key_bundle(statement(self.digest), KEY)), self.digest, said=said)

    def old(self) -> Written:
        return written(legacy(legacy_layer(payload(self.digest, str(self.repository)), KEY)), self.digest)

    def _spend(self, pull: bool) -> None:  # noqa: ARG002  as the port has it
        self.spent += 1

    def _sign(self, *signed: Written) -> None:
        assert self.outside is not None
        push_beside(self.outside.topology, self.part, self.repository.path, self.digest, *signed)

    def _sign_in_memory(self, *signed: Written) -> None:
        self.source.sign(self.repository, self.digest, *(one.artefact for one in signed))  # type: ignore[attr-defined]


@pytest.fixture(params=["double", *FRONTS])
def site(request: pytest.FixtureRequest, word: str) -> Site:
    """Each upstream in turn."""
    outside = request.getfixturevalue("outside") if request.param in FRONTS else None
    return Site(outside, request.param, word)


def test_beside_an_unsigned_image_there_is_nothing(site: Site) -> None:
    assert site.beside() == Beside()


def test_a_bundle_is_read_as_it_was_pushed_and_verifies(site: Site) -> None:
    pushed = site.bundle()
    site.sign(pushed)
    found = site.beside()
    assert found.artefacts == (pushed.artefact,)
    assert site.outcome(found) is SignatureOutcome.VERIFIED


def test_a_bundle_of_which_the_list_says_nothing_is_read_too(site: Site) -> None:
    site.sign(site.bundle(said=False))
    assert site.outcome(site.beside()) is SignatureOutcome.VERIFIED


def test_the_older_form_is_read_and_verifies(site: Site) -> None:
    site.sign(site.old())
    assert site.outcome(site.beside()) is SignatureOutcome.VERIFIED


def test_all_of_it_is_read_where_all_is_wanted(site: Site) -> None:
    site.sign(site.bundle(), site.old())
    assert len(site.beside().artefacts) == 1
    whole = site.beside(whole=True)
    assert (len(whole.artefacts), whole.whole) == (2, True)


@pytest.mark.parametrize(("part", "first", "later"), [("mcr", 3, 3), ("other", 4, 3), ("docker_hub", 5, 4)])
def test_a_bundle_takes_three_requests_and_some_more_where_a_tag_stands_for_the_list(
    outside: Outside, word: str, part: str, first: int, later: int
) -> None:
    """The other registry is asked once for a list that it has not; on Docker Hub a look goes before each pull."""
    site = Site(outside, part, word)
    site.sign(site.bundle())
    site.beside()
    assert site.spent == first
    outside.forget_counts()
    site.beside()
    assert site.spent == later
    counts = {kind: number for kind, number in outside.counts(_front(part)).items() if "token" not in kind}
    assert sum(counts.values()) == later
    assert counts["GET manifest"] <= 2


def test_one_token_is_enough_for_all_that_lies_beside_an_image(outside: Outside, word: str) -> None:
    site = Site(outside, "other", word)
    site.sign(site.bundle())
    site.beside()
    assert outside.counts("other")["GET token"] == 1


@pytest.mark.parametrize(("status", "error"), [(503, Unavailable), (429, RateLimited)])
@pytest.mark.parametrize("kind", ["GET manifest", "GET blob"])
def test_a_registry_that_fails_has_said_nothing(
    outside: Outside, word: str, kind: str, status: int, error: type[Exception]
) -> None:
    site = Site(outside, "mcr", word)
    site.sign(site.bundle())
    outside.fault("mcr", "status", status=status, kind=kind)
    with pytest.raises(error):
        site.beside()
    assert site.outcome(site.beside()) is SignatureOutcome.VERIFIED


def _front(part: str) -> str:
    return {"docker_hub": "docker_hub_registry"}.get(part, part)
