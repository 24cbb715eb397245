"""What the browser is shown: a world with images of several teams, in every state that people have to tell apart."""

from __future__ import annotations

from datetime import timedelta

from shared.access_ports import StoredKey
from shared.domain.access.api_keys import ApiKey
from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.gate.verdict import RunStatus
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.exposure import Exposure, Found, Standing, Watch
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency, EndKind
from shared.domain.promotion.said import Said
from shared.domain.references import Digest, Tag, parse_repository
from shared.domain.scan.findings import Finding
from shared.domain.watching.budget import Budget
from shared.domain.waves.reasons import Reason
from shared.domain.waves.results import Ended, HowKnown, Result
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.wave import Member, Outside, Wave
from tests.doubles.registries import TEST_FAILED_LOG, digest_of
from tests.doubles.world import BASE, BASE_SERVER, World

ADA = Caller(Kind.PERSON, "11-22@33-44", "Ada Lovelace", frozenset({Role.APPROVER}))
BOB = Caller(Kind.PERSON, "55-66@33-44", "Bob Bauer", frozenset({Role.APPROVER, Role.OPERATOR}))
_SCANNED = Policy("standard", scan=ScanCheck())
_ASKED = Policy("production", scan=ScanCheck(), approval=ApprovalCheck())
_AGED = Policy("aged", scan=ScanCheck(), min_age="48h")
# Name, tags, owner, policy.
_ENTRIES = (
    ("node", ("22-alpine", "20-alpine"), "team-web", _ASKED),
    ("python", ("3.12-slim", "3.11-slim"), "team-data", _AGED),
    ("nginx", ("1.29", "1.28-alpine"), "team-web", _SCANNED),
    ("php", ("8.4-fpm", "8.3-fpm"), "team-shop", _SCANNED),
    ("redis", ("8.0", "7.4"), "team-shop", _SCANNED),
    ("postgres", ("17", "16"), "team-data", _ASKED),
    ("golang", ("1.25", "1.24"), "platform", _SCANNED),
    ("eclipse-temurin", ("21-jre", "17-jre"), "team-billing", _SCANNED),
    ("mysql", ("9.1",), "platform", _SCANNED),
    ("busybox", ("1.37",), "platform", _SCANNED),
)
_LOW = Finding("CVE-2026-41020", "libxml2", installed="2.9.14", fixed="2.9.15", severity=Severity.LOW)
_MEDIUM = Finding("CVE-2026-38111", "zlib", installed="1.2.13", fixed="1.3.1", severity=Severity.MEDIUM)
_CRITICAL = Finding("CVE-2026-50007", "openssl", installed="3.0.14", fixed="3.0.15", severity=Severity.CRITICAL)


def watch_list() -> bytes:
    """Return the scene's list."""
    entries = (
        f"  - {{name: {name}, source: {name}, tags: [{', '.join(repr(tag) for tag in tags)}], target: base/{name}, "
        f"gate: node, owner: {owner}}}\n"
        for name, tags, owner, _ in _ENTRIES
    )
    return f"images:\n{''.join(entries)}".encode()


class Scene:
    """A world some weeks old."""

    def __init__(self, list_text: bytes | None = None) -> None:
        self.world = World(list_text or watch_list(), new_tags=100, destinations=("platform-mail", "team-chat"))
        for name, _, _, policy in _ENTRIES:
            self.world.policies_of[name] = policy
        self.keys = (
            ApiKey("0a1b2c3d4e5f", "deploy-pipeline", Role.OPERATOR, "", self.world.clock()),
            ApiKey("9a8b7c6d5e4f", "dashboards", Role.READER, "", self.world.clock()),
        )

    def every(self) -> tuple[StoredKey, ...]:
        """See ``ApiKeys.every``."""
        return tuple(StoredKey(key, "") for key in self.keys)

    def live(self) -> None:
        """Let some weeks pass: promotions, an approval asked for, a rejection, a block, an exposure, a lock."""
        world = self.world
        self._arrive("first", _MEDIUM)
        self._agree("first")
        world.run_for(timedelta(days=5), sweeps=timedelta(hours=6))
        for moved in ("second", "third"):
            self._arrive(moved, _LOW, names=("nginx", "golang", "eclipse-temurin", "busybox"))
            world.run_for(timedelta(days=5), sweeps=timedelta(hours=12))
        self._reject("php", "8.4-fpm")
        self._tasks()
        self._arrive("fourth", _LOW, names=("node", "python"))
        self._arrive("fourth", _LOW, _CRITICAL, names=("redis",))
        world.run_for(timedelta(hours=3), sweeps=timedelta(hours=1))
        self._said()
        self._exposed()
        self._waves()

    def _waves(self) -> None:
        """A canary failed on what a tag came to, and the others wait for people."""
        ended = [Ended(attempt=number, passed=False, kind=EndKind.BUILD, run=f"ca{number}") for number in (1, 2)]
        name, bad = "acr:contosoapps/portal", digest_of("nginx 1.29 waves")
        told = (Result(target=name, number=2, ended=one, built_on=bad, how=HowKnown.TAG) for one in ended)
        failed = {"state": MemberState.FAILED, "attempts": 2, "results": tuple(told)}
        others = (Member(target=f"acr:contosoapps/{one}", owner="team-web") for one in ("shop", "blog"))
        self.world.waves.insert(
            Wave(
                registry=BASE,
                repository="base/nginx",
                tag=Tag("1.29"),
                number=2,
                digest=bad,
                planned_at=self.world.clock(),
                members=(Member(target=name, canary=True, **failed), *others),
                outside=(Outside("acr:contosoapps/docs", "it is disabled"),),
                state=WaveState.HELD,
                reason=Reason.CANARY_FAILED,
                held_until=self.world.clock() + timedelta(days=14),
                image="nginx",
            )
        )

    def _arrive(self, build: str, *findings: Finding, names: tuple[str, ...] = ()) -> None:
        world = self.world
        for name, tag in self._tags(names):
            world.hub.push(parse_repository(name), tag, digest(name, tag, build))
        world.check()
        world.settle()
        for name, tag in self._tags(names):
            found = digest(name, tag, build)
            if found in world.kept_scans.of_digest:
                world.scan_ends(found, *findings)
        world.settle()

    def _tags(self, names: tuple[str, ...]) -> list[tuple[str, Tag]]:
        wanted = [(name, tags) for name, tags, _, _ in _ENTRIES if name != "mysql" and (not names or name in names)]
        return [(name, Tag(tag)) for name, tags in wanted for tag in tags]

    def _agree(self, build: str) -> None:
        world = self.world
        for name, tag in self._tags(("node", "postgres")):
            bob = Caller(BOB.kind, BOB.id, BOB.name, BOB.roles, world.clock())
            if name == "node" or tag == "17":
                world.approver.approve(target(name, tag), digest(name, tag, build), bob, "runs in test", world.clock())
        world.settle()

    def _reject(self, name: str, tag: str) -> None:
        world, found = self.world, digest(name, tag, "second")
        world.staging_runs.end(found, RunStatus.FAILED, log=TEST_FAILED_LOG)
        world.hub.push(parse_repository(name), Tag(tag), found)
        world.check()
        world.settle()

    def _tasks(self) -> None:
        """Three of four are built on what is in force."""
        world = self.world
        builds = {"node": "first", "nginx": "third", "golang": "third"}
        world.application_runs.application_tasks = tuple(
            _task(f"{name}-app{number}", name, tag, digest(name, tag, builds[name] if number else "before"))
            for name, tag in self._tags(tuple(builds))
            for number in range(4)
        )
        world.list_tasks()

    def _said(self) -> None:
        world = self.world
        said = Said(BOB.said, "the new one breaks checkout; back with the fix on Monday", world.clock())
        world.actor.pin(target("nginx", "1.28-alpine"), digest("nginx", "1.28-alpine", "third"), None, said)
        ada = Caller(ADA.kind, ADA.id, ADA.name, ADA.roles, world.clock())
        wished = (target("redis", "8.0"), digest("redis", "8.0", "fourth"), "CVE-2026-50007", "openssl", "2026-12-31")
        world.waiver.ask(*wished, ada, "openssl is not reached from here: no TLS listener", world.clock())
        stored = world.budgets.get("docker.io")
        until = world.clock() + timedelta(minutes=23)
        world.budgets.replace(stored, Budget(upstream="docker.io", limit=200, remaining=0, locked_until=until))
        world.run_for(timedelta(minutes=16))

    def _exposed(self) -> None:
        world = self.world
        found = Found("CVE-2026-50007", "openssl", "3.0.14", "3.0.15", "critical")
        since = world.clock() - timedelta(days=2)
        exposures = tuple(
            Exposure(
                target=target(name, tag),
                image=name,
                digest=world.targets.get(target(name, tag)).record.seen,  # type: ignore[union-attr]
                standing=Standing.EXPOSED,
                since=since,
                findings=(found,),
                count=1,
                exploited=(found,) if name == "node" else (),
            )
            for name, tag in self._tags(("node", "eclipse-temurin"))
        )
        world.watches.put(world.watches.get(), Watch(began_at=since, exposures=exposures))


def digest(name: str, tag: str, build: str) -> Digest:
    """Return the digest of one build of a tag."""
    return digest_of(f"{name}:{tag} {build}")


def target(name: str, tag: str) -> str:
    """Return the id of a tag of the base registry."""
    return f"{BASE}~base~{name}~{tag}"


def _task(name: str, base: str, tag: Tag, built_on: Digest) -> ApplicationTask:
    dependency = Dependency(BASE_SERVER, f"base/{base}", tag, built_on)
    return ApplicationTask(
        "tidegateapps", f"{name}-{tag.replace('.', '')}", f"/tasks/{name}", True, False, (dependency,)
    )


def lived() -> Scene:
    """Return a scene that has lived."""
    scene = Scene()
    scene.live()
    return scene
