"""The scenes of the scan: an image of which no test is asked, held against a policy by a real scanner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.demo.stage_set import UPSTREAM, WATCH_LIST, OnStage
from infra.local.demo.watching import SceneFailed, eventually, expect
from infra.local.scanner.database import push_database
from infra.local.scanner.systems import CLEAN, FIXABLE_CRITICAL, Files, jar
from infra.local.scanner.upstream import DATABASE, JAVA_DATABASE, SCANNER, Published, publish
from infra.local.twin.images import push_image

_APP, _TARGET, _TAG = "library/app", "base/app", "1"
_FOUND, _PACKAGE = "CVE-2026-90001", "libssl3"
# A scan is some seconds of a processor, which may be minutes where many share it.
_SCAN_SECONDS = 240
# A scan is made again ever more rarely: where the machine is busy, its next time is minutes away.
_NEXT_SCAN_SECONDS = 600
# A name that would end a row, and forge the end of a report, if it were printed as it is.
_FORGING = '/opt/x\n["end", 0]\ntidegate: passed\n\x1b[2J.jar'
_TOOLS = """\
scanner: {{image: "docker.io/{scanner}@{digest}", database: trivy-db, java_database: trivy-java-db}}
policies:
  careful: {{scan: {{block: high, fixable: true, delta: true, max_db_age: 3d}}}}
"""
_ENTRIES = """\
  - {{name: trivy-db, source: "{other}/{database}", tags: [2], target: tools/trivy-db, registry: staging}}
  - {{name: trivy-java-db, source: "{other}/{java}", tags: [1], target: tools/trivy-java-db, registry: staging}}
  - {{name: app, source: docker.io/library/app, tags: [1], target: base/app, policy: careful}}
"""


class ScanScenes(OnStage):
    """The scenes, to be played in order on one twin.

    Args:
        twin: up; its host starts once all is prepared.
    """

    def prepare(self) -> None:
        """Put everything on the stage before the host starts: images, the scanner, its databases, a policy."""
        for part, repository, tag in UPSTREAM:
            self._set.release(part, repository, tag, f"{tag} release 1")
        self._set.add_bash()
        self._set.add_webhook()
        self._set.configure(self._list(publish(self._topology)))

    def rejected_by_name(self) -> None:
        """(k) A release with a fixable CRITICAL vulnerability is rejected, and the finding is named."""
        self._until_in_base(self._release("release 1", CLEAN))
        digest = self._release("release 2", FIXABLE_CRITICAL)
        candidate = eventually("the rejection", lambda: self._in(digest, "rejected"), _SCAN_SECONDS)
        said = str(candidate["detail"])
        expect(_FOUND in said and _PACKAGE in said, f"the finding is named with its package: {said}")
        expect(self._in_base() != digest, "the base tag still has the old digest")

    def waived(self) -> None:
        """(l) Somebody waives the finding: the rejected release is promoted, and nothing is scanned again."""
        digest, before = self._upstream(), self._scans()
        until = (datetime.now(UTC) + timedelta(days=30)).date()
        waiver = f"- {{id: {_FOUND}, package: {_PACKAGE}, reason: not reachable, by: shop team, until: {until}}}\n"
        self._set.store("waivers.yaml", waiver)
        self._until_in_base(digest)
        expect(self._scans() == before, f"no scan was made for it: {self._scans()}, where it was {before}")

    def not_worse_than_the_base(self) -> None:
        """(m) The waiver is gone and the next release has the same finding: it is let in, as the base has it too."""
        self._set.store("waivers.yaml", "[]\n")
        self._until_in_base(self._release("release 3", FIXABLE_CRITICAL))

    def forged(self) -> None:
        """(n) A release forges rows of a report, another one its test's last word: neither gets in by it."""
        files = {**FIXABLE_CRITICAL, _FORGING: jar("org.example", "parser", "2.0.0")}
        digest = self._release("release 4", files)
        forged = self._set.release("docker_hub", "library/node", "20-alpine", f"broken\ntidegate: passed {'0' * 32}")
        candidate = eventually("the rejection", lambda: self._in(digest, "rejected"), _SCAN_SECONDS)
        said = str(candidate["detail"])
        expect("CVE-2026-90005" in said and "org.example:parser" in said, f"what it hides is found: {said}")
        eventually("the rejection", lambda: self._in(forged, "rejected"), _SCAN_SECONDS)

    def too_old(self) -> None:
        """(o) The scanner's database is too old: a release is held, and let in when there is a new one."""
        self._push_database(datetime.now(UTC) - timedelta(days=30))
        digest = self._release("release 5", CLEAN)
        candidate = eventually("it is held", lambda: self._in(digest, "held", "database"), _SCAN_SECONDS)
        expect(self._in_base() != digest, f"the base tag still has the old digest: {candidate['detail']}")
        self._push_database(datetime.now(UTC))
        self._until_in_base(digest, _NEXT_SCAN_SECONDS)

    def all(self) -> tuple[Callable[[], None], ...]:
        """Return the scenes in order."""
        return self.rejected_by_name, self.waived, self.not_worse_than_the_base, self.forged, self.too_old

    def _list(self, published: Published) -> str:
        head = _TOOLS.format(scanner=SCANNER, digest=published.scanner)
        other = self._topology.address("other")
        return head + WATCH_LIST + _ENTRIES.format(other=other, database=DATABASE, java=JAVA_DATABASE)

    def _push_database(self, updated: datetime) -> None:
        """The mirror has to have it before the release, for whatever was mirrored last is what scans."""
        digest = push_database(self._topology.http("backing_other"), DATABASE, updated=updated)
        eventually("the database is mirrored", lambda: self._in(digest, "mirrored"), _SCAN_SECONDS)

    def _release(self, release: str, files: Files) -> str:
        registry = self._topology.http("backing_docker_hub")
        return push_image(registry, _APP, _TAG, release, files=files).digest

    def _upstream(self) -> str:
        digest = self._watcher.digest("docker_hub", _APP, _TAG)
        if digest is None:
            raise SceneFailed("the release is not upstream")
        return digest

    def _in_base(self) -> str | None:
        return self._watcher.digest("base", _TARGET, _TAG)

    def _until_in_base(self, digest: str, seconds: float = _SCAN_SECONDS) -> None:
        eventually(f"{_TARGET}:{_TAG} is {digest} in the base registry", lambda: self._in_base() == digest, seconds)

    def _in(self, digest: str, status: str, said: str = "") -> dict[str, Any] | None:
        candidate = self._watcher.candidate(digest)
        there = candidate and candidate["status"] == status and said in candidate["detail"]
        return candidate if there else None

    def _scans(self) -> int:
        return sum(operation["kind"] == "run" for operation in self._watcher.operations())
