"""The page of the playground is walked through: its commands as they stand there, and a browser's clicks in between."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from infra.local.demo.reading_pages import Browser, Form, cards, forms_of
from infra.local.demo.watching import Watcher, eventually
from infra.local.playground import ground, told
from infra.local.playground.ground import Playground
from infra.local.topology import Topology
from infra.local.twin.parts import ROOT
from infra.local.twin.ports import DEFAULT_BASE_PORT, free_base_port, new_topology
from infra.local.twin.twin import Twin

pytestmark = pytest.mark.twin

PAGE = (ROOT / "docs" / "playground.md").read_text()
HELD = 2
REJECTED = 1
_SECONDS = 240
_KEPT = re.compile(r"^(?:export |[a-z_]+=|[a-z_]+\(\) ).*", re.MULTILINE)


def sections() -> dict[str, list[str]]:
    """The blocks of commands of each section."""
    parts = re.split(r"^## (.*)$", PAGE, flags=re.MULTILINE)[1:]
    found = zip(parts[::2], parts[1::2], strict=True)
    return {name: re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for name, text in found}


class Reader:
    """Somebody who walks through the page on a twin of the test's own.

    Args:
        topology: of that twin.
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._watcher = Watcher(topology)
        self._blocks = sections()
        # What a shell knows of the blocks before.
        self._known = _KEPT.findall("".join(self._blocks["Start it"]))

    def runs(self, section: str, number: int = 0, status: int = 0) -> str:
        """Run a block, which has to end as the page says; return what it prints."""
        block = self._blocks[section][number]
        script = "\n".join([*self._known, block])
        done = subprocess.run(
            ["bash", "-u", "-c", self._here(script)],
            cwd=ROOT,
            env={**os.environ, "NO_PROXY": "localhost,127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == status, f"{block}\n{done.stdout}\n{done.stderr}"
        assert "/api/problems/" not in done.stdout, f"{block}\n{done.stdout}"
        self._known += _KEPT.findall(block)
        return done.stdout

    def _here(self, script: str) -> str:
        """For this twin in place of the one that `make up` starts."""
        state = f"{self._topology.state}/"
        own = re.sub(r"(infra\.local\.twin \w+)", rf"\1 --state {state}", script.replace(".twin/", state))
        return own.replace(f"127.0.0.1:{DEFAULT_BASE_PORT + 30}", f"127.0.0.1:{self._topology.port('host')}")

    def as_person(self, person: str) -> Browser:
        """A browser in which somebody of the stand-in's has signed in."""
        assert person in ground.PEOPLE
        return Browser(self._topology, self._watcher, person)

    def form(self, browser: Browser, link: str, act: str) -> Form:
        """The form of a page by which something is done."""
        return next(form for form in forms_of(browser.open(link)) if form.fields["act"] == act)

    def base(self, repository: str, tag: str) -> str | None:
        """What a tag of the base registry bears."""
        return self._watcher.digest("base", repository, tag)

    def upstream(self, part: str, repository: str, tag: str) -> str | None:
        """What an upstream tag points at."""
        return self._watcher.digest(part, repository, tag)

    def approves(self) -> None:
        """Open the link of the last notice, and approve there as ada."""
        ada, link = self.as_person("ada:approver"), cards(self._topology)[-1].link
        ada.send(self.form(ada, link, "approve"), why="it runs in test")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    topology = new_topology(tmp_path_factory.mktemp("playground"), free_base_port())
    people = [f"--person={person}" for person in ground.PEOPLE]
    with Twin(topology, ground.settings(topology, signs_in=True), host="own", host_options=people) as twin:
        Playground(topology, say=lambda _: None).lay_out(twin)
        assert f"{topology.http('host')}/api/pages" in told.addresses(topology), (
            "which makes the key, as `make up` does"
        )
        yield Reader(topology)
        assert "Traceback" not in twin.log("host").read_text(), "no function broke off"


def test_everything_is_current_at_first_in_a_terminal_and_on_the_page(reader: Reader) -> None:
    eventually("all is there", lambda: "3 current" in reader.runs("See how everything stands"))
    page = reader.as_person("eva:reader").open("/api/pages")
    assert "eva" in page
    assert forms_of(page) == []


def test_a_release_is_followed_until_it_is_promoted_and_the_application_runs_on_it(reader: Reader) -> None:
    followed = reader.runs("A new release arrives")
    assert "promoted, promotion-verified" in followed
    assert "tidegateapps/shop: succeeded" in followed
    assert "shop runs on 22-alpine of" in followed
    assert reader.base("base/node", "22-alpine") == reader.upstream("docker_hub", "library/node", "22-alpine")


def test_a_bad_release_is_rejected_and_who_asks_for_it_all_the_same_cannot_grant_it(reader: Reader) -> None:
    assert "rejected, gate-rejected" in reader.runs("A bad release is stopped", status=REJECTED)
    link, bad = "/api/pages/targets/tidegatebase~base~node~20-alpine", "promote_against_gate"
    ada, ben = reader.as_person("ada:approver"), reader.as_person("ben:approver")
    after = ada.send(reader.form(ada, link, bad), why="we need it")
    assert bad not in [form.fields["act"] for form in forms_of(after)]
    assert "Not now:" in after
    assert reader.form(ben, link, bad).fields["digest"] == reader.upstream("docker_hub", "library/node", "20-alpine")


def test_an_update_that_waits_for_people_is_told_approved_on_the_page_and_promoted(reader: Reader) -> None:
    name, before = "An update waits for people", reader.base("base/dotnet-runtime", "8.0")
    assert "held, awaiting-approval" in reader.runs(name, status=HELD)
    assert reader.base("base/dotnet-runtime", "8.0") == before
    assert "[playground] Approval needed: base/dotnet-runtime:8.0" in reader.runs(name, 1)
    reader.approves()
    after = reader.runs(name, 2)
    assert "promoted, promotion-verified" in after
    assert "[playground] Solved: Approval needed: base/dotnet-runtime:8.0" in after
    assert reader.base("base/dotnet-runtime", "8.0") == reader.upstream("mcr", "dotnet/runtime", "8.0") != before


def test_a_changed_list_is_taken_and_a_broken_one_is_told(reader: Reader) -> None:
    name = "Change the watch list"
    assert '"24-alpine"' in reader.runs(name)
    eventually("it is promoted", lambda: reader.base("base/node", "24-alpine"))
    assert "watch-list-invalid" in reader.runs(name, 1)


def test_a_tag_goes_back_and_a_digest_is_blocked_until_both_are_taken_back(reader: Reader) -> None:
    name, newest = "Roll back, and block", reader.base("base/node", "22-alpine")
    reader.runs(name)
    assert reader.base("base/node", "22-alpine") != newest
    eventually("it is built again", lambda: "shop runs on 22-alpine release 1" in reader.runs(name, 1), pause=2)
    assert str(newest) in reader.runs(name, 2)
    reader.runs(name, 3)
    assert reader.base("base/node", "22-alpine") == newest


def test_the_page_has_no_other_blocks() -> None:
    numbers = {name: len(blocks) for name, blocks in sections().items()}
    assert numbers == {
        "Start it": 2,
        "See how everything stands": 1,
        "A new release arrives": 1,
        "A bad release is stopped": 1,
        "An update waits for people": 3,
        "Change the watch list": 2,
        "Roll back, and block": 4,
        "Stop it": 1,
    }
