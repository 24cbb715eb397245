"""POST /api/preview: what it is given, what it answers, and what it refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import azure.functions as func
import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.watching.watch_list import ListFile, WatchList
from shared.errors import MalformedRequest
from shared.flows.preview import Previewer
from shared.policy_yaml import read_one_policy
from shared.watch_list_yaml import parse_files
from shared.web.answers import answered
from shared.web.asked import Asked
from shared.web.previews import LARGEST_BODY, Previews
from tests.doubles.scans import CRITICAL
from tests.doubles.world import BASE, BASE_SERVER, ONE, TAG, TWO, World
from tests.unit.flows.previewed import OLD, Kept, Pointed, list_of, world_of

pytestmark = pytest.mark.unit

TEST = {"test": {"gate": "node"}}
SCANNED = {**TEST, "scan": {"block": "high"}}
READER = Caller(Kind.KEY, "1", "ci", frozenset({Role.READER}))


def kept_world() -> World:
    """A world with two tags that have ONE in use, and TWO, in which a scan found something; two policies, one used."""
    tags = {TAG: Pointed(ONE, (ONE, TWO)), OLD: Pointed(ONE, (ONE, TWO))}
    listed = list_of({"node": TEST, "old": TEST}).replace(b"policies:", b"policies:\n  strict: {scan: {block: high}}")
    return world_of(tags, {ONE: Kept(), TWO: Kept((CRITICAL,))}, listed)


class Means:
    """What previews of a world are made with."""

    read_policy = staticmethod(read_one_policy)

    def __init__(self, world: World) -> None:
        self.previewer = Previewer(world.admissions, world.targets, world.candidates, BASE, world.clock)

    def read_list(self, files: Sequence[ListFile]) -> WatchList:
        """Read a list's files as the app does."""
        return parse_files(files, BASE_SERVER)


def previews_of(world: World) -> Previews:
    """Return what serves previews of a world."""
    return Previews(lambda: world.watch_lists, lambda: Means(world))


def asked(body: object, params: Mapping[str, str] | None = None) -> Asked:
    """Return a request for a preview."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = func.HttpRequest("POST", "https://localhost/api/preview", body=content, params=params or {})
    return Asked(request, {}, READER)


def told(previews: Previews, body: object, params: Mapping[str, str] | None = None, *, status: int = 200) -> Any:
    """Ask for a preview, and return the body of its answer."""
    answer = answered(lambda: previews.preview(asked(body, params)))
    assert answer.status_code == status, answer.get_body()
    return json.loads(answer.get_body())


@pytest.fixture
def previews() -> Previews:
    return previews_of(kept_world())


def test_a_list_is_told_with_what_is_decided_now_and_then_and_why(previews: Previews) -> None:
    found = told(previews, {"list": {"images.yaml": list_of({"node": SCANNED, "old": TEST}).decode()}})
    (change,) = found["otherwise"]
    assert (change["target"], change["digest"]) == (f"{BASE}~base~node~{TAG}", TWO)
    assert (change["now"]["outcome"], change["then"]["outcome"]) == ("pass", "reject")
    assert change["then"]["reasons"] == ["blocking-findings"]
    assert "CVE-2026-0001" in change["then"]["detail"]
    assert found["counts"] == {
        "targets": 1,
        "untouched": 1,
        "same": 1,
        "otherwise": {"pass-reject": 1},
        "not_known": {},
    }
    assert (found["next"], found["not_known"]) == ("", [])


@pytest.mark.parametrize(
    "policy", ["scan: {block: high}", "strict", "extends: strict", "{extends: strict, min_age: off}"]
)
def test_a_policy_is_told_by_its_text_or_its_name_for_all_entries_or_some(previews: Previews, policy: str) -> None:
    everywhere, there = (told(previews, {"policy": policy, **more}) for more in ({}, {"entries": ["old"]}))
    assert everywhere["counts"]["otherwise"] == {"pass-reject": 2}
    assert [one["target"] for one in there["otherwise"]] == [f"{BASE}~base~node~{OLD}"]


def test_a_policy_that_says_that_no_test_is_made_asks_for_other_candidates(previews: Previews) -> None:
    assert told(previews, {"policy": "{extends: strict, test: off}"})["counts"]["not_known"] == {"not-passed": 4}


def test_a_list_of_several_files_is_one_list(previews: Previews) -> None:
    whole = list_of({"node": SCANNED, "old": TEST}).decode()
    policies, _, rest = whole.partition("scanner:")
    files = {"images.yaml": f"scanner:{rest}", "images/policies.yaml": f"{policies}images: []\n"}
    assert told(previews, {"list": files}) == told(previews, {"list": {"images.yaml": whole}})


def test_what_is_wrong_with_a_list_or_a_policy_is_told_with_its_lines(previews: Previews) -> None:
    found = told(previews, {"list": {"images.yaml": "images:\n- {name: a}\n- 3\n"}}, status=400)
    assert {line.partition(":")[0] for line in found["problems"]} == {"line 2", "line 3"}
    found = told(previews, {"policy": "scan:\n  block: hi\n"}, status=400)
    assert found["problems"] == [
        "line 2: scan.block: invalid enum value 'hi'; expected unknown, low, medium, high, critical"
    ]
    assert found["detail"].startswith("the policy is not valid: line 2")
    found = told(previews, {"policy": "extends: nix"}, status=400)
    assert "there is no policy called 'nix'; there are: of-node" in found["detail"]


def test_names_of_entries_that_do_not_exist_are_told_and_a_tool_has_no_policy(previews: Previews) -> None:
    found = told(previews, {"policy": "strict", "entries": ["node", "nix", "trivy-db"]}, status=404)
    assert "'nix', 'trivy-db'" in found["detail"]
    many = told(previews, {"policy": "strict", "entries": [f"no-{n}" for n in range(9_000)]}, status=404)
    assert "and 8980 more" in many["detail"]
    assert len(many["detail"]) < 1000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"list": {"images.yaml": "images: []"}, "policy": "strict"}, 400),
        ({"list": {"images.yaml": "images: []"}, "entries": ["node"]}, 400),
        ({"entries": ["node"]}, 400),
        ({"policy": "strict", "entries": []}, 400),
        ({"list": {}}, 400),
        ({"list": "images: []"}, 400),
        ({"policy": "strict", "why": "x"}, 400),
        (b"", 400),
        (b"[" * 100_000, 400),
        (b'{"policy": "\\ud800"}', 400),
        (b" " * (LARGEST_BODY + 1), 413),
    ],
    ids=str,
)
def test_another_body_is_refused(previews: Previews, body: object, status: int) -> None:
    found = told(previews, body, status=status)
    assert found["detail"]
    assert len(found["detail"]) < 1000


def test_the_query_bounds_a_part_and_says_where_to_go_on(previews: Previews) -> None:
    first = told(previews, {"policy": "strict"}, {"limit": "1"})
    second = told(previews, {"policy": "strict"}, {"limit": "1", "after": first["next"]})
    assert (first["ended_by"], second["next"]) == ("limit", "")
    assert {one["target"] for part in (first, second) for one in part["otherwise"]} == {
        f"{BASE}~base~node~{OLD}",
        f"{BASE}~base~node~{TAG}",
    }
    for params in ({"limit": "0"}, {"limit": "501"}, {"after": "no target"}):
        told(previews, {"policy": "strict"}, params, status=400)


def test_while_one_is_made_another_one_is_asked_to_wait() -> None:
    world = kept_world()
    previews, goes_on, reached = previews_of(world), threading.Event(), threading.Event()
    read = world.evidence.read

    def waiting(of: str, name: str) -> bytes | None:
        reached.set()
        assert goes_on.wait(20)
        return read(of, name)

    world.evidence.read = waiting  # type: ignore[method-assign]
    first = threading.Thread(target=lambda: previews.preview(asked({"policy": "strict"})))
    first.start()
    assert reached.wait(20)
    with pytest.raises(MalformedRequest, match="another preview") as refused:
        previews.preview(asked({"policy": "strict"}))
    goes_on.set()
    first.join(20)
    assert refused.value.status == 429
    assert told(previews, {"policy": "strict"})["counts"]["otherwise"] == {"pass-reject": 2}
