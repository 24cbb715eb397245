"""The scenes of admissions: an image that is signed, old enough, not frozen and agreed to; and what is found later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from infra.local.demo.ageing import seen_earlier
from infra.local.demo.reading_pages import Browser, Card, cards, forms_of
from infra.local.demo.stage_set import OnStage
from infra.local.demo.watching import SceneFailed, eventually, expect
from infra.local.receivers.receivers import destination_settings
from infra.local.scanner.advisories import DEBIAN, KNOWN
from infra.local.scanner.database import push_database
from infra.local.scanner.systems import FIXABLE_CRITICAL, FIXED, Files
from infra.local.scanner.upstream import DATABASE, JAVA_DATABASE, SCANNER, Published, publish
from infra.local.topology import BASE, Topology
from infra.local.twin.images import push_image
from infra.local.twin.signing import Signer
from infra.local.twin.twin import Twin

_ADA = "ada:approver"
_SOAK = timedelta(hours=48)
# Beyond the four hours that the fast lane takes.
_LONG_AGO = timedelta(hours=5)
# What a tag waits for, as it is shown.
_SOAKING, _APPROVAL, _FROZEN = "soaking", "awaiting-approval", "frozen"
_QUEUES = ("imports", "validations")
_FOUND = "CVE-2026-90001"
# A scan is some seconds of a processor, which may be minutes where many share it.
_SCAN_SECONDS = 240
_SIGNED, _UNSIGNED, _THEIRS = "signed", "unsigned", "theirs"
# What is upstream before the first scene, besides what is signed.
_UPSTREAM = ("cache", "web", "store", "desk")
_LIST = """\
scanner: {{image: "docker.io/{scanner}@{digest}", database: trivy-db, java_database: trivy-java-db}}
policies:
  ours: {{signatures: {{cosign: {{key: keys/build.pem}}}}}}
  slow: {{min_age: 48h}}
  asked: {{approval: required}}
  calm: {{extends: asked, freeze: [{{cron: "{frozen:%M %H} * * *", for: 3h}}]}}
  watched: {{scan: {{block: high}}}}
  strict: {{extends: watched, min_age: 48h}}
  lane: {{extends: ours, scan: {{block: high, delta: true}}, min_age: 48h, fast_lane: true}}
  later: {{extends: lane, min_age: 49h}}
images:
  - {{name: trivy-db, source: "{other}/{database}", tags: [2], target: tools/trivy-db, registry: staging}}
  - {{name: trivy-java-db, source: "{other}/{java}", tags: [1], target: tools/trivy-java-db, registry: staging}}
  - {{name: tool, source: docker.io/library/tool, tags: [signed, unsigned, theirs], target: base/tool, policy: ours}}
  - {{name: cache, source: docker.io/library/cache, tags: [1], target: base/cache, policy: slow}}
  - {{name: web, source: docker.io/library/web, tags: [1], target: base/web, policy: asked}}
  - {{name: store, source: docker.io/library/store, tags: [1], target: base/store, policy: calm}}
  - {{name: desk, source: docker.io/library/desk, tags: [1], target: base/desk, policy: asked}}
  - {{name: app, source: docker.io/library/app, tags: [1], target: base/app, policy: {app}, owner: shop team}}
"""
# That something was decided is told where a route names it. It is of one entry alone: each notice is a card of its own.
_NOTIFY = """\
routes:
  - {to: teams, kinds: [approval-needed, approval-decided], images: desk, when: now}
"""


def stage_settings(topology: Topology) -> dict[str, str]:
    """Return the settings of this stage: people sign in, and are told by a workflow of Teams.

    Args:
        topology: of the stage's twin.
    """
    return {
        "SIGN_IN_ENABLED": "true",
        "WEBSITE_AUTH_ENABLED": "True",
        "PUBLIC_URL": topology.http("host"),
        "NOTIFY_TEAMS": destination_settings(topology)["NOTIFY_TEAMS"],
    }


class AdmissionScenes(OnStage):
    """The scenes, to be played in order on one twin.

    Args:
        twin: up, with ``stage_settings``; its host starts once all is prepared.
    """

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        super().__init__(twin)
        self._ours, self._theirs = Signer(), Signer()
        self._released: dict[str, str] = {}
        self._published: Published | None = None
        self._frozen_at = datetime.now(UTC) - timedelta(hours=1)

    def prepare(self) -> None:
        """Put everything on the stage before the host starts: images, signatures, a key, a scanner, policies."""
        for tag in (_SIGNED, _UNSIGNED, _THEIRS):
            self._released[tag] = self._release("tool", tag, tag)
        for image in _UPSTREAM:
            self._released[image] = self._release(image, "1", "release 1")
        self._released["app"] = self._release("app", "1", "release 1", FIXABLE_CRITICAL)
        self._sign(self._ours, "tool", self._released[_SIGNED])
        self._sign(self._theirs, "tool", self._released[_THEIRS])
        self._published = publish(self._topology)
        unknown = [one for one in KNOWN if (one.source, one.id) != (DEBIAN, _FOUND)]
        push_database(self._topology.http("backing_other"), DATABASE, advisories=unknown)
        self._set.add_bash()
        self._set.store("trust/keys/build.pem", self._ours.public_key)
        self._set.store("notify.yaml", _NOTIFY)
        self._set.configure(self._list("watched"))

    def signed(self) -> None:
        """(p) An image that others signed is rejected, an unsigned one is held; one that we signed is let in."""
        self._until_in_base("tool", _SIGNED, self._released[_SIGNED])
        self._until_in(self._released[_THEIRS], "rejected")
        self._expect_reason("tool", _THEIRS, "signature-wrong")
        self._until_in(self._released[_UNSIGNED], "held")
        self._expect_reason("tool", _UNSIGNED, "signature-missing")
        for tag in (_THEIRS, _UNSIGNED):
            expect(self._in_base("tool", tag) is None, f"nothing came to base/tool:{tag}")

    def soaking(self) -> None:
        """(q) An image that has to be seen for 48 hours is held: it is shown as soaking, and until when."""
        target = eventually("it soaks", lambda: self._waits("cache", _SOAKING))
        left = datetime.fromisoformat(target["until"]) - datetime.now(UTC)
        expect(_SOAK - timedelta(hours=1) < left <= _SOAK, f"it soaks for 48 hours, not for {left}")
        self._until_in(self._released["cache"], "held")
        expect(self._in_base("cache", "1") is None, "nothing came to base/cache:1")

    def agreed_to(self) -> None:
        """(r) An image waits for people: somebody who signed in agrees, and it is promoted."""
        eventually("it waits for people", lambda: self._waits("web", _APPROVAL))
        expect(self._in_base("web", "1") is None, "nothing came to base/web:1 before")
        self._agree("web", self._released["web"], 200)
        self._until_in_base("web", "1", self._released["web"])

    def agreed_to_too_late(self) -> None:
        """(s) Somebody agrees to a release that a newer one has replaced: that is refused, and nothing promoted."""
        first, older = self._released["web"], self._release("web", "1", "release 2")
        eventually("it waits for people", lambda: self._waits("web", _APPROVAL, older))
        newer = self._release("web", "1", "release 3")
        eventually("the newer one waits", lambda: self._waits("web", _APPROVAL, newer))
        expect(self._agree("web", older, 409)["reason"] == "superseded", "it is refused as superseded")
        expect(self._in_base("web", "1") == first, "base/web:1 is what was agreed to before")
        self._agree("web", newer, 200)
        self._until_in_base("web", "1", newer)

    def agreed_to_by_page(self) -> None:
        """(t) Teams tells that an image waits for people, and links to a page; who agrees there has it promoted."""
        digest, browser = self._released["desk"], Browser(self._topology, self._watcher, _ADA)
        asked = eventually("Teams is told that it waits", lambda: self._card("Approval needed", digest))
        expect(self._in_base("desk", "1") is None, "nothing came to base/desk:1 before")
        forms = forms_of(browser.open(asked.link))
        agree = [form for form in forms if (form.fields["act"], form.fields["digest"]) == ("approve", digest)]
        expect(len(agree) == 1, f"the page has one form that agrees to it: {forms}")
        browser.send(agree[0], why="read on the page")
        self._until_in_base("desk", "1", digest)
        decided = eventually("Teams is told that it is decided", lambda: self._card("Approval decided", digest))
        for said in ("agreed by ada", "read on the page"):
            expect(said in decided.text, f"it is told who agreed, and why: {decided.text}")
        browser.open(decided.link)

    def frozen(self) -> None:
        """(u) Promotion is frozen: what is agreed to is held all the same, and until when."""
        eventually("it waits for people", lambda: _APPROVAL in self._reasons("store", "1"))
        self._agree("store", self._released["store"], 200)
        target = eventually("it is frozen alone", lambda: self._waits("store", _FROZEN))
        eventually("it is agreed to", lambda: "approved" in self._reasons("store", "1"))
        left = datetime.fromisoformat(target["until"]) - datetime.now(UTC)
        expect(timedelta() < left <= timedelta(hours=3), f"it is frozen until the freeze ends, in {left}")
        expect(self._in_base("store", "1") is None, "nothing came to base/store:1")

    def exposed(self) -> None:
        """(v) A newer database knows of a finding in what is in use: that is told, with the update that waits."""
        self._until_in_base("app", "1", self._released["app"])
        self._set.configure(self._list("strict"))
        self._push_database()
        update = self._release("app", "1", "release 2", FIXED)
        eventually("the update soaks", lambda: self._waits("app", _SOAKING, update), _SCAN_SECONDS)
        self._restart_until("a scan of what is in use", self._watched)
        self._restart_until("it is told", self._exposure)
        told = self._exposure() or {}
        named = [(one["id"], one["package"]) for one in told["findings"]]
        expect(named == [(_FOUND, "libssl3")], f"the finding is named with its package: {named}")
        expect(told["digest"] == self._in_base("app", "1"), "it is told of what is in use")
        expect(
            told["admitted_clean"] and told["owner"] == "shop team", f"it was let in, and is the shop team's: {told}"
        )
        waits = {"digest": update, "stands": "waits", "fixes": True}
        expect(told["update"] == waits, f"the update that fixes it waits: {told['update']}")

    def first(self) -> None:
        """(w) Five hours later, not 48, the fast lane lets in what mends the finding: once it is signed."""
        unsigned = self._newest("app")
        seen_earlier(self._topology, _target("app", "1"), unsigned, _LONG_AGO)
        self._set.configure(self._list("lane"))
        eventually("it lacks a signature", lambda: "signature-missing" in self._reasons("app", "1"), _SCAN_SECONDS)
        in_use, signed = self._in_base("app", "1"), self._release("app", "next", "release 3", FIXED)
        expect(in_use == self._released["app"], "what is not signed was not let in")
        self._sign(self._ours, "app", signed)
        expect(self._release("app", "1", "release 3", FIXED) == signed, "it is released once it is signed")
        eventually("it soaks for hours", lambda: self._waits("app", _SOAKING, signed), _SCAN_SECONDS)
        eventually("it goes first", lambda: "fast-lane" in self._reasons("app", "1"), _SCAN_SECONDS)
        seen_earlier(self._topology, _target("app", "1"), signed, _LONG_AGO)
        self._set.configure(self._list("later"))
        self._until_in_base("app", "1", signed)

    def all(self) -> tuple[Callable[[], None], ...]:
        """Return the scenes in order."""
        before = (self.signed, self.soaking, self.agreed_to, self.agreed_to_too_late, self.agreed_to_by_page)
        return *before, self.frozen, self.exposed, self.first

    def _list(self, app: str) -> str:
        published = self._published
        if published is None:
            raise SceneFailed("the scanner is not upstream yet")
        other = self._topology.address("other")
        tools = {"scanner": SCANNER, "digest": published.scanner, "database": DATABASE, "java": JAVA_DATABASE}
        return _LIST.format(**tools, other=other, frozen=self._frozen_at, app=app)

    def _release(self, image: str, tag: str, release: str, files: Files | None = None) -> str:
        registry = self._topology.http("backing_docker_hub")
        return push_image(registry, f"library/{image}", tag, release, files=files).digest

    def _sign(self, signer: Signer, image: str, digest: str) -> None:
        signer.sign(self._topology.http("backing_docker_hub"), f"library/{image}", digest)

    def _push_database(self) -> None:
        digest = push_database(self._topology.http("backing_other"), DATABASE)
        eventually("the database is mirrored", lambda: self._is_in(digest, "mirrored"), _SCAN_SECONDS)

    def _agree(self, image: str, digest: str, status: int) -> dict[str, Any]:
        body = {"digest": digest, "why": "it runs"}
        answer = self._watcher.person(_ADA, "POST", f"targets/{_target(image, '1')}/approve", json=body)
        expect(answer.status_code == status, f"{status} is answered, not {answer.status_code}: {answer.text}")
        content: dict[str, Any] = answer.json()
        return content

    def _card(self, title: str, digest: str) -> Card | None:
        told = cards(self._topology)
        return next((one for one in told if one.title.startswith(title) and digest in one.text), None)

    def _restart_until(self, what: str, look: Callable[[], object]) -> None:
        """What is in use is looked at when a process begins, as after a deployment, and every quarter of an hour."""
        self._twin.stop_host()
        self._twin.start_host()
        eventually(what, look, _SCAN_SECONDS)

    def _watched(self) -> bool:
        """Whether what is in use was looked at by a newer database, and the answer taken."""
        kept = self._watcher.evidence("standing-watch/watch.json")
        bundles = msgspec.json.decode(kept[0]).get("bundles", []) if kept else []
        looked_at = [len(self._watcher.evidence(f"{bundle}/")) > 1 for bundle in bundles]
        return bool(looked_at) and all(looked_at) and self._watcher.is_worked_off(*_QUEUES)

    def _exposure(self) -> dict[str, Any] | None:
        listed = self._watcher.api("GET", "exposure", params={"standing": "exposed"}).json()["exposure"]
        return next((one for one in listed if one["image"] == "app"), None)

    def _waits(self, image: str, what: str, digest: str | None = None) -> dict[str, Any] | None:
        """Return a tag that waits for something, if it does, with the digest that was last seen."""
        target = self._shown(image, "1")
        is_seen = digest in {None, (target.get("newest") or {}).get("digest")}
        return target if target.get("waits_for") == what and is_seen else None

    def _newest(self, image: str) -> str:
        digest: str = self._shown(image, "1")["newest"]["digest"]
        return digest

    def _reasons(self, image: str, tag: str) -> list[str]:
        """Return by which reasons the only digest of a tag is let in, held or refused."""
        admissions = self._shown(image, tag).get("admissions", [])
        return [reason for one in admissions for reason in one.get("reasons", [])]

    def _shown(self, image: str, tag: str) -> dict[str, Any]:
        """Return a tag as it is shown; nothing while it is not there."""
        answer = self._watcher.api("GET", f"targets/{_target(image, tag)}")
        content: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return content

    def _expect_reason(self, image: str, tag: str, reason: str) -> None:
        reasons = self._reasons(image, tag)
        expect(reason in reasons, f"base/{image}:{tag} has the reason {reason}, not {reasons}")

    def _in_base(self, image: str, tag: str) -> str | None:
        return self._watcher.digest("base", f"base/{image}", tag)

    def _until_in_base(self, image: str, tag: str, digest: str) -> None:
        what = f"base/{image}:{tag} is {digest} in the base registry"
        eventually(what, lambda: self._in_base(image, tag) == digest, _SCAN_SECONDS)

    def _until_in(self, digest: str, status: str) -> None:
        eventually(f"{digest} is {status}", lambda: self._is_in(digest, status))

    def _is_in(self, digest: str, status: str) -> bool:
        candidate = self._watcher.candidate(digest)
        return candidate is not None and candidate["status"] == status


def _target(image: str, tag: str) -> str:
    return f"{BASE}~base~{image}~{tag}"
