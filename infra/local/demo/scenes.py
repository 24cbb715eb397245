"""The scenes. Each asserts what the registries hold, not what the product says of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.local.demo.stage_set import (
    APPLICATION,
    NODE,
    NODE_TARGET,
    RUNTIME,
    RUNTIME_TARGET,
    UPSTREAM,
    WATCH_LIST,
    StageSet,
)
from infra.local.demo.watching import ENDED, SceneFailed, Watcher, eventually, expect
from infra.local.topology import APPLICATIONS
from infra.local.twin.twin import Twin

_QUEUES = ("imports", "validations")

# A check begins every other second on this stage. One by hand would have the rejected release tested once more.
_SOME_CHECKS = 5


class Scenes:
    """The scenes, to be played in order on one twin.

    Args:
        twin: up; its host starts once all is prepared.
    """

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._watcher = Watcher(twin.topology)
        self._set = StageSet(twin.topology, self._watcher)
        self._released: dict[tuple[str, str], str] = {}
        self._published: dict[tuple[str, str], list[str]] = {}
        self._rebuilds = 0
        self._put_off = datetime.now(UTC)

    @property
    def watcher(self) -> Watcher:
        """What looks at the twin."""
        return self._watcher

    def prepare(self) -> None:
        """Put everything on the stage before the host starts, which would go by the deployed watch list otherwise."""
        for part, repository, tag in UPSTREAM:
            self._release(part, repository, tag, f"{tag} release 1")
        self._set.add_bash()
        self._set.add_webhook()
        self._set.configure()

    def first_import(self) -> None:
        """(a) Everything on the watch list arrives in the base registry, by the digest it has upstream."""
        for (repository, tag), digest in self._released.items():
            self._until_promoted(repository, tag, digest)
        self._set.add_application()

    def bad_update(self) -> None:
        """(b) An upstream update fails its test: rejected, the base tag still the old digest, the log kept."""
        old = self._watcher.digest("base", NODE_TARGET, "20-alpine")
        digest = self._release("docker_hub", NODE, "20-alpine", "20-alpine release 2 broken")
        candidate = eventually("the rejection", lambda: self._ended(digest))
        expect(candidate["status"] == "rejected", f"the candidate is rejected, not {candidate['status']}")
        expect(self._watcher.digest("base", NODE_TARGET, "20-alpine") == old, "the base tag still has the old digest")
        log = self._watcher.container("evidence").download_blob(f"{candidate['id']}/{candidate['evidence'][0]}")
        expect(b"this release is broken" in log.readall(), "the log of the failed test is kept")
        del self._released[NODE, "20-alpine"]

    def killed_between_import_and_validation(self) -> None:
        """(c) The host is killed between import and validation and started again: the update still arrives, once."""
        self._interrupted(self._twin.kill_host, "8.0 release 2")

    def deleted_base_tag(self) -> None:
        """(d) Somebody deletes a base image: its tag comes back by the same digest; nothing is tested or rebuilt."""
        digest = self._released[RUNTIME, "8.0"]
        before = len(self._until_quiet())
        self._set.delete("base", RUNTIME_TARGET, digest)
        expect(self._watcher.digest("base", RUNTIME_TARGET, "8.0") is None, "the tag is gone")
        eventually("the tag is back", lambda: self._watcher.digest("base", RUNTIME_TARGET, "8.0") == digest, 120)
        kinds = [operation["kind"] for operation in self._until_quiet()[before:]]
        expect(kinds == ["import"], f"one import put it back; there were {kinds}")

    def good_update(self) -> None:
        """(e) An upstream update passes its test, is promoted, and the application is rebuilt on it and runs."""
        before = self._watcher.digest("applications", APPLICATION, "latest")
        digest = self._release("docker_hub", NODE, "22-alpine", "22-alpine release 2")
        self._until_promoted(NODE, "22-alpine", digest)
        self._until_rebuilt(before, "22-alpine release 2")

    def same_messages_again(self) -> None:
        """(f) Every message of the past delivered again: no second import, run or rebuild."""
        before = self._until_quiet()
        sent = self._send_again()
        after = self._until_quiet()
        expect(sent > 20, f"many messages were sent again, not {sent}")
        expect(after == before, f"no import, run or rebuild is made a second time: {after[len(before) :]}")
        self._registries_hold_what_was_promoted()

    def rollback(self) -> None:
        """(g) A rollback: the application is rebuilt on the digest before, no check undoes it, a newer release does."""
        former, before = self._digest_before(NODE, "22-alpine"), len(self._until_quiet())
        application = self._watcher.digest("applications", APPLICATION, "latest")
        self._set.roll_back(NODE_TARGET, "22-alpine", why="the shop is slow on it")
        self._until_promoted(NODE, "22-alpine", former)
        self._until_rebuilt(application, "22-alpine release 1")
        after = self._until_quiet()
        kinds = [operation["kind"] for operation in after[before:]]
        expect(kinds == ["import", "run"], f"one import and one rebuild; there were {kinds}")
        time.sleep(_SOME_CHECKS)
        expect(self._watcher.digest("base", NODE_TARGET, "22-alpine") == former, "checks leave the tag where it is")
        expect(self._until_quiet() == after, "and imports, tests and rebuilds nothing")
        self._promoted_again("22-alpine release 3")

    def steps_of_a_users_own(self) -> None:
        """(h) A gate of three steps, as a user writes them, rejects a broken release by one, and lets a good one in."""
        in_steps = WATCH_LIST.replace("    gate: release\n", "    gate: steps\n")
        self._set.store_list(in_steps.replace("gate: steps", "gate: release", 1).encode())
        old = self._watcher.digest("base", RUNTIME_TARGET, "8.0")
        bad = self._release("mcr", RUNTIME, "8.0", "8.0 release 4 broken")
        candidate = eventually("the rejection", lambda: self._ended(bad))
        said = f"{candidate['status']}: {candidate['detail']}"
        expect("rejected: the gate's step 'acb_step_2' exited with 3" in said, f"the third step rejects, not {said}")
        expect(candidate["trusts_image"], "the gate is shown as one that trusts the image")
        expect(self._watcher.digest("base", RUNTIME_TARGET, "8.0") == old, "the base tag still has the old digest")
        self._until_promoted(RUNTIME, "8.0", self._release("mcr", RUNTIME, "8.0", "8.0 release 5"))

    def superseded_run(self) -> None:
        """(i) A release is replaced while it is being tested: its run is cancelled, and the newer one is promoted."""
        application = self._watcher.digest("applications", APPLICATION, "latest")
        self._watcher.set(run_seconds=120.0)
        first = self._release("docker_hub", NODE, "22-alpine", "22-alpine release 4")
        run = eventually("the test is under way", lambda: self._run_of(first))
        second = self._release("docker_hub", NODE, "22-alpine", "22-alpine release 5")
        eventually("the run is cancelled", lambda: self._status_of(run["run_id"]) == "Canceled")
        self._watcher.set(run_seconds=0.0)
        candidate = eventually("the end of its candidate", lambda: self._ended(first))
        expect(candidate["status"] == "superseded", f"it is superseded, not {candidate['status']}")
        self._until_promoted(NODE, "22-alpine", second)
        self._until_rebuilt(application, "22-alpine release 5")
        expect(run["run_id"] in candidate["detail"], f"the run is named: {candidate['detail']}")

    def a_minute_later(self) -> None:
        """(j) A minute later all that looks once more has looked: no application was rebuilt a second time."""
        eventually("what was put off is due", lambda: datetime.now(UTC) > self._put_off, 120)
        operations = self._until_quiet()
        runs = [one for one in operations if one["target"].startswith(f"{APPLICATIONS}/")]
        expect(len(runs) == 1 + self._rebuilds, f"the first build and {self._rebuilds} rebuilds, not {len(runs)} runs")
        self._registries_hold_what_was_promoted()

    def _run_of(self, digest: str) -> dict[str, Any] | None:
        """The run that a candidate says it has, once an agent has taken it."""
        candidate = self._watcher.candidate(digest)
        live = candidate and candidate["status"] == "validating" and self._watcher.runs()[-1]
        return live if live and live["status"] == "Running" else None

    def _status_of(self, run_id: str) -> str:
        return next(str(run["status"]) for run in self._watcher.runs() if run["run_id"] == run_id)

    def _digest_before(self, repository: str, tag: str) -> str:
        return self._published[repository, tag][-2]

    def _promoted_again(self, release: str) -> None:
        application = self._watcher.digest("applications", APPLICATION, "latest")
        digest = self._release("docker_hub", NODE, "22-alpine", release)
        self._until_promoted(NODE, "22-alpine", digest)
        self._until_rebuilt(application, release)

    def stopped_between_import_and_validation(self) -> None:
        """The same with a host that is asked to end, as a deployment does it; not among the demo's scenes."""
        self._interrupted(self._twin.stop_host, "8.0 release 3")

    def _interrupted(self, end_host: Callable[[], None], release: str) -> None:
        before = len(self._until_quiet())
        self._watcher.set(import_seconds=4.0)
        digest = self._release("mcr", RUNTIME, "8.0", release)
        eventually("the import into staging is under way", lambda: self._operations(before), pause=0.02)
        eventually(
            "nobody has a message until the next look", lambda: self._watcher.is_held_by_nobody(*_QUEUES), pause=0.02
        )
        end_host()
        eventually("the import ends while nobody looks", lambda: self._operations(before)[0]["finished"])
        expect(len(self._operations(before)) == 1, "nothing else was begun")
        expect(self._watcher.digest("base", RUNTIME_TARGET, "8.0") != digest, "nothing was promoted")
        self._watcher.set(import_seconds=0.0)
        self._twin.start_host()
        self._until_promoted(RUNTIME, "8.0", digest)
        kinds = [operation["kind"] for operation in self._until_quiet()[before:]]
        expect(sorted(kinds) == ["import", "import", "run"], f"one import, one run, one promotion; there were {kinds}")

    def all(self) -> tuple[Callable[[], None], ...]:
        """Return the scenes in order."""
        return (
            self.first_import,
            self.bad_update,
            self.killed_between_import_and_validation,
            self.deleted_base_tag,
            self.good_update,
            self.same_messages_again,
            self.rollback,
            self.steps_of_a_users_own,
            self.superseded_run,
            self.a_minute_later,
        )

    def _release(self, part: str, repository: str, tag: str, release: str) -> str:
        digest = self._set.release(part, repository, tag, release)
        self._released[repository, tag] = digest
        self._published.setdefault((repository, tag), []).append(digest)
        return digest

    def _until_promoted(self, repository: str, tag: str, digest: str) -> None:
        target = NODE_TARGET if repository == NODE else RUNTIME_TARGET
        eventually(
            f"{target}:{tag} is {digest} in the base registry",
            lambda: self._watcher.digest("base", target, tag) == digest or self._unless_ended_badly(digest),
        )

    def _unless_ended_badly(self, digest: str) -> None:
        candidate = self._ended(digest)
        if candidate and candidate["status"] != "promoted":
            ended = f"{candidate['id']} ended as {candidate['status']}: {candidate['detail']}"
            raise SceneFailed("\n".join((ended, *self._watcher.evidence(candidate["id"]))))

    def _ended(self, digest: str) -> dict[str, Any] | None:
        candidate = self._watcher.candidate(digest)
        ended = candidate and candidate["status"] in ENDED
        return candidate if ended else None

    def _until_rebuilt(self, before: str | None, release: str) -> None:
        eventually("the application's rebuild", lambda: self._application_changed(before), seconds=180)
        base = self._watcher.layers("base", NODE_TARGET, "22-alpine")
        application = self._watcher.layers("applications", APPLICATION, "latest")
        expect(application[: len(base)] == base, "the application's image begins with the layers of what the tag bears")
        said = self._set.run_application().strip()
        expect(said == f"shop runs on {release}", f"the application runs on {release}; it said {said!r}")
        self._rebuilds += 1

    def _application_changed(self, before: str | None) -> bool:
        return self._watcher.digest("applications", APPLICATION, "latest") != before

    def _operations(self, since: int) -> list[dict[str, Any]]:
        return self._watcher.operations()[since:]

    def _until_quiet(self) -> list[dict[str, Any]]:
        """Wait until nothing is to be done now; return the operations so far.

        A signal that came before tasks were listed anew is looked at once more, up to a minute later. Nobody waits for
        that here: the last scene asserts that it led to nothing.
        """
        eventually("nothing is to be done", lambda: self._watcher.is_quiet(*_QUEUES), seconds=180)
        died = self._watcher.died(*_QUEUES)
        expect(not died, f"no message died; these did: {died}")
        self._put_off = max((one.until for one in self._watcher.put_off(*_QUEUES)), default=self._put_off)
        return self._watcher.operations()

    def _send_again(self) -> int:
        """Send each message the candidates can have had: every step of every one, to every stage, and the webhooks."""
        sent = 0
        for candidate in self._watcher.candidates():
            for step in range(1, candidate["step"] + 1):
                message = {"kind": "candidate", "v": 1, "candidate": candidate["id"], "step": step}
                sent += self._send(message, *_QUEUES)
            for target in candidate["targets"] if candidate["status"] == "promoted" else ():
                moved = {**target, "digest": candidate["digest"]}
                sent += self._send({"kind": "base-moved", "v": 1, **moved}, "validations")
                sent += self._webhook(moved)
        return sent

    def _send(self, message: dict[str, Any], *queues: str) -> int:
        for queue in queues:
            self._watcher.queue(queue).send_message(json.dumps(message))
        return len(queues)

    def _webhook(self, target: dict[str, str]) -> int:
        event = {"id": "again", "action": "push", "target": target}
        topology = self._twin.topology
        headers = {"x-functions-key": topology.function_key, "x-tidegate-secret": topology.webhook_secret}
        answer = self._watcher.api("POST", "webhooks/acr", json=event, headers=headers)
        expect(answer.status_code == 202, f"the webhook is taken, not answered {answer.status_code}")
        return 1

    def _registries_hold_what_was_promoted(self) -> None:
        for (repository, tag), digest in self._released.items():
            target = NODE_TARGET if repository == NODE else RUNTIME_TARGET
            expect(self._watcher.digest("base", target, tag) == digest, f"{target}:{tag} is still {digest}")
        expect(bool(self._watcher.arm("GET", APPLICATIONS, "tasks").get("value")), "the application's task is there")
