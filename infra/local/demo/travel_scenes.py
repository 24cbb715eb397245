"""The scenes of what travels with an image: signatures and an SBOM, a name that a digest keeps, and its lock."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from infra.local.demo.ageing import list_again
from infra.local.demo.registry_user import RegistryUser
from infra.local.demo.stage_set import OnStage
from infra.local.demo.watching import MANIFESTS, SceneFailed, eventually, expect
from infra.local.topology import BASE
from infra.local.twin.beside import attach
from infra.local.twin.images import push_image
from infra.local.twin.signing import Signer
from infra.local.twin.twin import Twin

_SOURCE, _TARGET, _TAG = "library/web", "base/web", "1"
_SBOM = "application/spdx+json"
_MANIFESTS, _TAGS = f"/v2/{_TARGET}/manifests", f"/acr/v1/{_TARGET}/_tags"
_ANY = {"Accept": MANIFESTS}
# What Azure's registries answer to whoever would change something that is locked.
_LOCKED = 405
_NAME = re.compile(r"1-[0-9]{8}\.[0-9]+")
_LIST = """\
images:
  - name: web
    source: docker.io/library/web
    tags: [1]
    target: base/web
    referrers: required
    unique_tag: "{tag}-{yyyymmdd}.{n}"
    lock: [unique, stable]
"""


class TravelScenes(OnStage):
    """The scenes, to be played in order on one twin.

    Args:
        twin: up; its host starts once all is prepared.
    """

    def __init__(self, twin: Twin) -> None:
        super().__init__(twin)
        self._user = RegistryUser(twin.topology, self._watcher)
        self._signer = Signer()
        self._first = ""
        self._beside: tuple[str, ...] = ()

    def prepare(self) -> None:
        """Put everything on the stage before the host starts: a signed image with an SBOM, and what asks for both."""
        self._first = self._release("release 1")
        self._beside = (self._sign(self._first), self._describe(self._first))
        self._set.add_webhook()
        self._set.configure(_LIST)

    def signature_and_sbom(self) -> None:
        """(x) A signature and an SBOM arrive in the base registry with their image, which keeps a name of its own."""
        self._until_in_base(self._first)
        for one in self._beside:
            expect(self._has(one), f"{one} is there as soon as the tag is")
        shown = self._shown()["companions"]
        expect(shown["told"] == "1 of 1 SBOM (SPDX), 1 of 1 sigstore bundle", f"both are counted, not {shown['told']}")
        expect(self._watcher.digest("base", _TARGET, self._name(0)) == self._first, "its name bears it")

    def late_signature(self) -> None:
        """(y) A signature that comes later follows by itself: nothing is decided, tested or rebuilt for it."""
        number, runs = self._shown()["number"], len(self._watcher.runs())
        late = self._sign(self._first, Signer())
        expect(not self._has(late), "the base registry does not have it yet")
        list_again(self._topology, _TARGET, self._first)
        eventually("the late signature is in the base registry", lambda: self._has(late))
        eventually("it is counted", lambda: "2 of 2 sigstore bundle" in self._shown()["companions"]["told"])
        expect(self._shown()["number"] == number, "no new decision was made")
        expect(len(self._watcher.runs()) == runs, "nothing was run")

    def back_to_a_name(self) -> None:
        """(z) An update gets the next name, and the tag goes back to the name of what it bore before."""
        update = self._release("release 2")
        self._until_in_base(update)
        expect(self._watcher.digest("base", _TARGET, self._name(1)) == update, "the update has the next name")
        body = {"unique_tag": self._name(0), "why": "the shop is slow on it"}
        answer = self._watcher.api("POST", f"targets/{_ID}/rollback", json=body)
        expect(answer.status_code == 200, f"the rollback is done, not answered {answer.status_code}: {answer.text}")
        self._until_in_base(self._first)
        expect(len(self._names()) == 2, f"going back makes no name: {self._names()}")
        for one in self._beside:
            expect(self._has(one), f"{one} is still there")

    def locked(self) -> None:
        """(aa) A name is locked, as its tag is: pushes and deletions are refused, though updates have moved the tag."""
        eventually("the tag and both names are locked", lambda: all(map(self._is_locked, (_TAG, *self._names()))))
        bears = self._watcher.digest("base", _TARGET, self._name(0))
        manifest = self._user.ask("GET", f"{_MANIFESTS}/{self._name(1)}", _TARGET, "pull", headers=_ANY)
        kind = {"Content-Type": manifest.headers["Content-Type"]}
        for tag in (self._name(0), _TAG):
            answer = self._user.ask(
                "PUT", f"{_MANIFESTS}/{tag}", _TARGET, "pull,push", headers=kind, data=manifest.content
            )
            expect(answer.status_code == _LOCKED, f"a push to {tag} is refused, not answered {answer.status_code}")
        gone = self._user.ask("DELETE", f"{_TAGS}/{self._name(0)}", _TARGET, "delete")
        expect(gone.status_code == _LOCKED, f"its deletion is refused, not answered {gone.status_code}")
        expect(self._watcher.digest("base", _TARGET, self._name(0)) == bears == self._first, "it bears what it bore")

    def all(self) -> tuple[Callable[[], None], ...]:
        """Return the scenes in order."""
        return (self.signature_and_sbom, self.late_signature, self.back_to_a_name, self.locked)

    def _release(self, release: str) -> str:
        platforms = ("linux/amd64", "linux/arm64")
        return push_image(self._upstream, _SOURCE, _TAG, release, platforms=platforms).digest

    def _sign(self, digest: str, signer: Signer | None = None) -> str:
        return (signer or self._signer).sign(self._upstream, _SOURCE, digest)

    def _describe(self, digest: str) -> str:
        return attach(self._upstream, _SOURCE, digest, _SBOM, b'{"spdxVersion": "SPDX-2.3"}')

    @property
    def _upstream(self) -> str:
        return self._topology.http("backing_docker_hub")

    def _until_in_base(self, digest: str) -> None:
        what = f"{_TARGET}:{_TAG} is {digest} in the base registry"
        eventually(what, lambda: self._watcher.digest("base", _TARGET, _TAG) == digest)
        eventually("the product has read it back", lambda: self._shown().get("reached"))

    def _has(self, digest: str) -> bool:
        return self._watcher.digest("base", _TARGET, digest) is not None

    def _names(self) -> list[str]:
        """Return the names in the base registry, in the order in which they were given."""
        return sorted(tag for tag in self._watcher.tags("base", _TARGET) if _NAME.fullmatch(tag))

    def _name(self, number: int) -> str:
        names = self._names()
        if len(names) <= number:
            raise SceneFailed(f"there are only the names {names}")
        return names[number]

    def _is_locked(self, tag: str) -> bool:
        answer = self._user.ask("GET", f"{_TAGS}/{tag}", _TARGET, "metadata_read")
        may: dict[str, bool] = answer.json()["tag"]["changeableAttributes"]
        return not may["writeEnabled"] and not may["deleteEnabled"]

    def _shown(self) -> dict[str, Any]:
        answer = self._watcher.api("GET", f"targets/{_ID}")
        content: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return content


_ID = f"{BASE}~base~web~{_TAG}"
