"""The scenes of waves: canaries decide whether a base goes on to the others, or goes back; and chains."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from infra.local.demo.applications import Applications
from infra.local.demo.stage_set import OnStage
from infra.local.demo.watching import eventually, expect
from infra.local.topology import APPLICATIONS, BASE
from infra.local.twin.api_key import api_key
from infra.local.twin.images import push_image
from infra.local.twin.parts import ROOT
from infra.local.twin.twin import Twin

# Who is built on what: two bases that may go back with a canary each, and one with a chain.
_SHOP, _BANK, _CHAIN = ("shop", "cart", "desk"), ("bank", "till"), ("runtime", "frame", "site")
APPLICATION_TASKS = (*_SHOP, *_BANK, *_CHAIN)
_TAG = "1"
_LIST = """\
images:
  - {name: node, source: docker.io/library/node, tags: [1], target: base/node, rebuild: *shop}
  - {name: java, source: docker.io/library/java, tags: [1], target: base/java, rebuild: *bank}
  - {name: go, source: docker.io/library/go, tags: [1], target: base/go, rebuild: {canary: 1}}
""".replace("*shop", "{canary: [tidegateapps/shop], on_canary_failure: restore}").replace(
    "*bank", "{canary: [tidegateapps/bank], on_canary_failure: restore}"
)
_BASES = ("node", "java", "go")
# What no application can be built on: each looks at its base while it is built.
_BREAKS = "release 2 breaks applications"
_DOCKERFILE = """\
ARG REGISTRY
ARG APPLICATIONS
FROM {on}
COPY check.sh /check.sh
RUN ["/bin/sh", "/check.sh"]
"""
_CHECK = "if grep -q breaks /etc/base-release; then echo 'this base breaks us'; exit 1; fi\n"
_BROKEN = "echo 'bank is broken by itself'; exit 1\n"
_FAILED_TWICE = ["Failed", "Failed"]
# So many more manifests are asked for by two checks of three images.
_TWO_CHECKS = 6


class WaveScenes(OnStage):
    """The scenes, to be played in order on one twin; what the later ones wait for begins in those before.

    Args:
        twin: up, with the tasks of ``APPLICATION_TASKS``; its host starts once all is prepared.
    """

    def __init__(self, twin: Twin) -> None:
        super().__init__(twin)
        self._applications = Applications(twin.topology, self._watcher)
        self._first: dict[str, str] = {}
        self._second: dict[str, str] = {}

    def prepare(self) -> None:
        """Put everything on the stage before the host starts: three bases, and what asks for waves."""
        self._first = {base: self._release(base, "release 1") for base in _BASES}
        self._set.add_webhook()
        self._set.configure(_LIST)

    def goes_back(self) -> None:
        """(ac) A canary fails: the tag goes back, no other was built on the new digest; a newer one goes through."""
        self._build("node", _SHOP)
        self._build("java", _BANK)
        self._until_built(*_SHOP, *_BANK)
        eventually(
            "it is known what is built on them", lambda: self._known("node", _SHOP) and self._known("java", _BANK)
        )
        self._applications.write("bank", {"check.sh": _BROKEN})
        self._second = {base: self._release(base, _BREAKS) for base in ("node", "java")}
        self._build_chain()
        good, bad = self._first["node"], self._second["node"]
        eventually("the tag goes back", lambda: self._state("node", 2) == "restored")
        control = eventually("the control", lambda: self._ended("node", 3))
        expect(_members(control) == {"shop": "built"}, f"the canary alone is rebuilt, and passes: {control}")
        expect(self._in_base("node") == good, "the base tag has the digest before")
        runs = [run["status"] for run in self._runs("shop")]
        expect(runs == ["Succeeded", *_FAILED_TWICE, "Succeeded"], f"the canary failed twice, then passed: {runs}")
        self._expect_never_built_on(bad, _SHOP)
        self._expect_left(bad)
        newer = self._release("node", "release 3")
        wave = eventually("the wave of the newer one", lambda: self._ended("node", 4))
        expect(set(_members(wave).values()) == {"built"}, f"all are rebuilt: {_members(wave)}")
        self._expect_built_on(newer, "node", _SHOP)
        canary, *others = (self._runs(task)[-1] for task in _SHOP)
        expect(all(one["started"] >= canary["finished"] for one in others), "the others came after the canary")

    def person_decides(self) -> None:
        """(ad) The canary fails on the digest before, too: the wave waits for a person, who has it go on."""
        self._lose_webhooks()
        self._second["go"] = self._release("go", "release 2")
        held = eventually("the control's wave waits", lambda: self._in_state("java", 3, "held"))
        expect(held["wave"]["reason"] == "control-failed", f"it waits as the control failed: {held['wave']['reason']}")
        expect(self._in_base("java") == self._first["java"], "the base tag has the digest before")
        both = (self._wave("java", 2), held)
        logs = [log for wave in both for log in self._logs(wave, "bank")]
        expect(len(logs) == 4, f"the logs of all four runs are kept: {len(logs)}")
        expect(all("bank is broken by itself" in log for log in logs), f"they say what is wrong: {logs}")
        self._command(held["wave"]["id"], "--continue", "--reason", "bank is broken by itself", "--yes")
        done = eventually("the wave goes on", lambda: self._ended("java", 3))
        said = done["wave"]["spoken"]["said"]["why"]
        expect(said == "bank is broken by itself", f"who has it go on says why: {done['wave']['spoken']}")
        self._expect_never_built_on(self._second["java"], _BANK)
        expect(len(self._runs("till")) == 1, "and the other one was left alone")

    def chain(self) -> None:
        """(ae) A chain of three, and the webhook is lost: each is rebuilt once, on what the one before it pushed."""
        wave = eventually("the chain is rebuilt", lambda: self._ended("go", 2))
        expect(set(_members(wave).values()) == {"built"}, f"all are rebuilt: {_members(wave)}")
        expect(self._lost() > 0, "a webhook was lost")
        self._watcher.no_faults()
        self._expect_built_on(self._second["go"], "go", ("runtime",))
        runs = [self._runs(task) for task in _CHAIN]
        expect([len(one) for one in runs] == [2, 2, 2], f"each was built once more: {runs}")
        for before, run, after in zip(_CHAIN, runs, runs[1:], strict=False):
            pushed = self._applications.digest(before)
            expect(pushed in after[-1]["bases"].values(), f"what comes after {before} is built on {pushed}: {after}")
            expect(after[-1]["started"] >= run[-1]["finished"], f"what comes after {before} is built after it")

    def all(self) -> tuple[Callable[[], None], ...]:
        """Return the scenes in order."""
        return self.goes_back, self.person_decides, self.chain

    def _build(self, base: str, tasks: Iterable[str]) -> None:
        """Once a base is in the base registry, have applications built on it for the first time."""
        self._until_in_base(base, self._first[base])
        for task in tasks:
            self._applications.add(task, _application(f"${{REGISTRY}}/base/{base}:{_TAG}"))

    def _until_built(self, *tasks: str) -> None:
        for task in tasks:
            self._applications.until_built(task)

    def _known(self, base: str, tasks: Sequence[str]) -> bool:
        """Tasks that are made while they are listed are found with the next list, up to a minute later."""
        told = self._watcher.api("GET", f"images/{base}/impact").json()["dependants"]
        return {one["id"] for one in told} == {_member(task) for task in tasks}

    def _build_chain(self) -> None:
        """Each can only be built once the one before it is."""
        first, *others = _CHAIN
        self._build("go", [first])
        for before, task in zip(_CHAIN, others, strict=False):
            self._until_built(before)
            self._applications.add(task, _application(f"${{APPLICATIONS}}/{before}:latest"))
        self._until_built(*others)

    def _expect_left(self, bad: str) -> None:
        """A check sees the digest that failed, and leaves the tag where it is."""
        runs, asked = len(self._watcher.runs()), self._asked()
        eventually("two checks", lambda: self._asked() >= asked + _TWO_CHECKS)
        expect(self._watcher.digest("docker_hub", "library/node", _TAG) == bad, "it is what stands upstream")
        expect(self._in_base("node") == self._first["node"], "the base tag still has the digest before")
        shown = self._target("node")
        expect(shown["number"] == 3, f"nothing was decided anew: {shown['number']}")
        mine = [run for run in self._watcher.runs()[runs:] if run["task"] in _SHOP]
        expect(not mine, f"nobody was rebuilt: {mine}")

    def _expect_never_built_on(self, digest: str, tasks: Iterable[str]) -> None:
        on = [run for task in tasks for run in self._runs(task) if digest in run["bases"].values()]
        expect(not on, f"nobody was built on {digest}: {on}")

    def _expect_built_on(self, digest: str, base: str, tasks: Iterable[str]) -> None:
        self._until_in_base(base, digest)
        for task in tasks:
            run = self._runs(task)[-1]
            expect(digest in run["bases"].values(), f"{task} is built on {digest}: {run}")

    def _release(self, base: str, release: str) -> str:
        return push_image(
            self._topology.http("backing_docker_hub"), f"library/{base}", _TAG, f"{base} {release}"
        ).digest

    def _in_base(self, base: str) -> str | None:
        return self._watcher.digest("base", f"base/{base}", _TAG)

    def _until_in_base(self, base: str, digest: str) -> None:
        eventually(f"base/{base}:{_TAG} is {digest}", lambda: self._in_base(base) == digest)

    def _runs(self, task: str) -> list[dict[str, Any]]:
        return [run for run in self._watcher.runs() if run["task"] == task]

    def _asked(self) -> int:
        """How many manifests were asked for upstream."""
        return sum(self._watcher.counts().get("docker_hub_registry", {}).values())

    def _lose_webhooks(self) -> None:
        self._watcher.play_fault(front="base", action="lost-webhook", kind="webhook", times=_MANY)

    def _lost(self) -> int:
        return sum(_MANY - fault["times"] for fault in self._watcher.faults())

    def _target(self, base: str) -> dict[str, Any]:
        shown: dict[str, Any] = self._watcher.api("GET", f"targets/{_target(base)}").json()
        return shown

    def _wave(self, base: str, number: int) -> dict[str, Any]:
        answer = self._watcher.api("GET", f"waves/{_target(base)}~{number}")
        content: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return content

    def _state(self, base: str, number: int) -> str:
        wave = self._wave(base, number)
        return str(wave["wave"]["state"]) if wave else ""

    def _in_state(self, base: str, number: int, *states: str) -> dict[str, Any] | None:
        wave = self._wave(base, number)
        return wave if wave and wave["wave"]["state"] in states else None

    def _ended(self, base: str, number: int) -> dict[str, Any] | None:
        return self._in_state(base, number, "done", "done-with-failures")

    def _logs(self, wave: Mapping[str, Any], task: str) -> list[str]:
        results = next(one["results"] for one in wave["members"] if one["target"] == _member(task))
        kept = [one["log"] for one in results if one.get("log")]
        return [self._watcher.api("GET", f"rebuilds/{one['rebuild']}/evidence/{one['evidence']}").text for one in kept]

    def _command(self, *words: str) -> None:
        """Say a word of a wave at a terminal."""
        known = {"TIDEGATE_URL": self._topology.http("host"), "TIDEGATE_KEY": api_key(self._topology)}
        command = [sys.executable, "-m", "shared.cli", "wave", *words]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **known}, capture_output=True, text=True, check=False
        )
        expect(done.returncode == 0, f"the command ends well: {done.returncode}, {done.stderr}")


_MANY = 1000


def _application(on: str) -> dict[str, str]:
    """Return an application that looks at its base while it is built."""
    lines = (
        "ARG REGISTRY",
        "ARG APPLICATIONS",
        f"FROM {on}",
        "COPY check.sh /check.sh",
        'RUN ["/bin/sh", "/check.sh"]',
    )
    return {"Dockerfile": "".join(f"{line}\n" for line in lines), "check.sh": _CHECK}


def _target(base: str) -> str:
    return f"{BASE}~base~{base}~{_TAG}"


def _member(task: str) -> str:
    return f"acr:{APPLICATIONS}/{task}"


def _members(wave: Mapping[str, Any]) -> dict[str, str]:
    """Return the members of a wave by the names of their tasks, and where each is."""
    return {one["target"].rpartition("/")[2]: one["state"] for one in wave["members"]}
