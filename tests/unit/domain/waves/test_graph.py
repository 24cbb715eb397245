"""Who would be rebuilt, in which order: by tag and digest, through middle images, each once, and cycles cut."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency
from shared.domain.promotion.task_runs import Pushed, TaskRun, TaskRuns
from shared.domain.watching.rebuild_targets import RebuildTarget
from shared.domain.waves.builders import (
    Apart,
    Base,
    Builder,
    Claim,
    HowKnown,
    Image,
    of_claim,
    of_target,
    of_task,
    together,
)
from shared.domain.waves.graph import MOST_CYCLES, By, Graph, Impact, Root
from shared.domain.waves.results import Baseline

pytestmark = pytest.mark.unit

BASE, APPS = "base.azurecr.io", "contosoapps.azurecr.io"
OLD, NEW = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
ROOT = Root(f"{BASE}/base/node", "22", frozenset({NEW, OLD}))


def task(
    name: str,
    *bases: str,
    pushes: str = "",
    digest: str = OLD,
    own_trigger: bool = False,
    enabled: bool = True,
    owner: str = "",
    ended: RunStatus | None = None,
) -> ApplicationTask:
    """Return a task that was built on some images of ours, each ``repository:tag``, and pushes one."""
    run = TaskRun(f"run-{name}", ended) if ended else None
    pushed = (Pushed(APPS, *pushes.split(":"), digest=f"sha256:of-{name}"),) if pushes else ()
    return ApplicationTask(
        registry="contosoapps",
        name=name,
        resource_id=f"/tasks/{name}",
        enabled=enabled,
        own_trigger=own_trigger,
        dependencies=tuple(
            Dependency(BASE if one.startswith("base/") else APPS, *one.split(":"), digest) for one in bases
        ),
        owner=owner,
        runs=TaskRuns(run, pushed),
    )


def builders(*tasks: ApplicationTask) -> tuple[Builder, ...]:
    """Return tasks as builders."""
    return tuple(of_task(one, APPS) for one in tasks)


def impact(*tasks: ApplicationTask, more: Sequence[Builder] = (), root: Root = ROOT) -> Impact:
    """Return what is rebuilt if the root moves."""
    return Graph(together([*builders(*tasks), *more])).impact([root])


def order(found: Impact) -> list[str]:
    """Return the names of those hit, in order."""
    return [one.builder.id.rpartition("/")[2] for one in found.hits]


def test_a_task_that_is_built_on_the_tag_is_hit_and_others_are_not() -> None:
    found = impact(task("shop", "base/node:22"), task("other", "base/node:20"), task("java", "base/java:22"))
    assert order(found) == ["shop"]
    (edge,) = found.hits[0].on
    assert (edge.image, edge.by, edge.known) == (f"{BASE}/base/node:22", By.TAG_AND_DIGEST, HowKnown.REPORTED)


def test_a_task_that_was_built_on_a_digest_that_the_tag_never_bore_is_hit_by_its_tag_alone() -> None:
    (hit,) = impact(task("shop", "base/node:22", digest="sha256:other")).hits
    assert hit.on[0].by is By.TAG


def test_a_chain_is_hit_in_its_order_and_each_waits_for_whom_it_is_built_on() -> None:
    found = impact(
        task("app", "runtime:1"),
        task("runtime", "middle:1", pushes="runtime:1"),
        task("middle", "base/node:22", pushes="middle:1"),
    )
    assert order(found) == ["middle", "runtime", "app"]
    assert [one.level for one in found.hits] == [0, 1, 2]
    assert found.hits[2].after == ("acr:contosoapps/runtime",)


def test_a_task_on_the_tag_and_on_a_middle_image_waits_for_the_middle_image_and_is_hit_once() -> None:
    found = impact(task("app", "base/node:22", "middle:1"), task("middle", "base/node:22", pushes="middle:1"))
    assert order(found) == ["middle", "app"]
    assert [(edge.image, edge.builder) for edge in found.hits[1].on] == [
        (f"{BASE}/base/node:22", ""),
        (f"{APPS}/middle:1", "acr:contosoapps/middle"),
    ]


def test_a_cycle_is_told_once_and_cut_at_the_edge_that_leads_back() -> None:
    found = impact(task("a", "base/node:22", "b:1", pushes="a:1"), task("b", "a:1", pushes="b:1"))
    assert found.cycles == (("acr:contosoapps/a", "acr:contosoapps/b"),)
    assert order(found) == ["a", "b"]
    assert [one.after for one in found.hits] == [(), ("acr:contosoapps/a",)]


def test_a_cycle_is_begun_with_by_whoever_is_built_on_the_tag_whatever_the_names() -> None:
    found = impact(task("z", "base/node:22", "b:1", pushes="z:1"), task("b", "z:1", pushes="b:1"))
    assert order(found) == ["z", "b"]


def test_a_task_that_is_built_on_what_it_pushes_is_a_cycle_of_one_and_is_hit_once() -> None:
    found = impact(task("self", "base/node:22", "self:1", pushes="self:1"))
    assert found.cycles == (("acr:contosoapps/self",),)
    assert [(one.level, one.after) for one in found.hits] == [(0, ())]


def test_a_chain_of_thousands_needs_no_recursion() -> None:
    tasks = [task(f"t{n:05}", f"i{n - 1}:1" if n else "base/node:22", pushes=f"i{n}:1") for n in range(3000)]
    found = impact(*tasks)
    assert found.hits[-1].level == 2999


def test_hundreds_that_are_all_built_on_what_each_pushes_take_a_moment_and_tell_of_some_cycles() -> None:
    pushed = Image("contosoapps.azurecr.io/cache", "1")
    bases = (Base(ROOT.name, ROOT.tag), Base(pushed.name, pushed.tag))
    made = [Builder(f"acr:contosoapps/task{number}", bases=bases, pushes=(pushed,)) for number in range(100)]
    began = time.process_time()
    found = impact(more=made)
    assert time.process_time() - began < 1.5
    assert (len(found.hits), len(found.cycles)) == (100, MOST_CYCLES)


def test_the_order_does_not_depend_on_how_anything_is_listed() -> None:
    tasks = [task(f"t{n}", f"i{n // 3}:1" if n else "base/node:22", pushes=f"i{n}:1") for n in range(1, 30)]
    tasks += [task("t0", "base/node:22", "i7:1", pushes="i0:1")]
    first = impact(*tasks)
    for turn in range(0, 30, 7):
        assert impact(*tasks[turn:], *tasks[:turn]) == first
    assert impact(*reversed(tasks)) == first


@pytest.mark.parametrize(
    ("made", "apart"),
    [
        (task("t", "base/node:22", own_trigger=True), Apart.OWN_TRIGGER),
        (task("t", "base/node:22", enabled=False), Apart.DISABLED),
        (task("t", "base/node:22", enabled=False, own_trigger=True), Apart.DISABLED),
        (task("t", "base/node:"), Apart.PINNED),
        (task("t", "base/node:", own_trigger=True), Apart.PINNED),
        (task("t", "base/node:22"), None),
    ],
)
def test_who_is_in_no_wave_is_told_with_the_reason(made: ApplicationTask, apart: Apart | None) -> None:
    (hit,) = impact(made).hits
    assert hit.apart is apart


def test_a_task_that_the_app_may_not_run_is_apart_and_one_whose_trigger_is_on_is_left_to_that() -> None:
    for own_trigger, apart in ((False, Apart.MAY_NOT_RUN), (True, Apart.OWN_TRIGGER)):
        one = of_task(task("t", "base/node:22", own_trigger=own_trigger), APPS, without_right=True)
        assert Graph([one]).impact([ROOT]).hits[0].apart is apart


def test_a_trigger_that_does_not_look_at_this_base_leaves_the_task_in_waves() -> None:
    unseen = Dependency(BASE, "base/node", "22", OLD, watched=False)
    made = task("t", own_trigger=True)
    made = ApplicationTask(
        **{name: getattr(made, name) for name in made.__struct_fields__} | {"dependencies": (unseen,)}
    )
    assert impact(made).hits[0].apart is None


def test_nothing_follows_of_who_builds_nothing_and_everything_of_who_is_rebuilt_by_acr() -> None:
    app = task("app", "middle:1")
    assert order(impact(app, task("middle", "base/node:22", pushes="middle:1", enabled=False))) == ["middle"]
    assert order(impact(app, task("middle", "base/node:22", pushes="middle:1", own_trigger=True))) == ["middle", "app"]


def test_a_task_pinned_on_one_way_and_following_on_another_is_rebuilt_with_all_that_follows() -> None:
    app = task("app", "middle:1")
    middle = task("middle", "base/node:", "runtime:1", pushes="middle:1")
    runtime = task("runtime", "base/node:22", pushes="runtime:1")
    assert order(impact(app, middle, runtime)) == ["runtime", "middle", "app"]


def test_how_a_task_stood_is_what_its_last_run_said_that_decided_anything() -> None:
    found = impact(
        task("bad", "base/node:22", ended=RunStatus.FAILED),
        task("good", "base/node:22", ended=RunStatus.SUCCEEDED),
        task("new", "base/node:22"),
    )
    assert [one.builder.before for one in found.hits] == [Baseline.FAILING, Baseline.GOOD, Baseline.UNKNOWN]
    assert [one.builder.id for one in found.failing] == ["acr:contosoapps/bad"]


def test_a_rebuild_target_of_the_watch_list_stands_for_the_tags_of_its_entry() -> None:
    entry = [Base(f"{BASE}/base/node", tag, known=HowKnown.LISTED) for tag in ("22", "20")]
    shop = of_target(RebuildTarget("github:contoso/shop/i.yml@main", owner="web"), entry)
    other = of_target(RebuildTarget("github:contoso/old/i.yml@main", tags=["20"]), entry)
    (hit,) = impact(more=[shop, other]).hits
    assert (hit.builder.id, hit.builder.owner) == ("github:contoso/shop/i.yml@main", "web")
    assert (hit.on[0].known, hit.on[0].by) == (HowKnown.LISTED, By.TAG)


def test_a_rebuild_target_makes_a_chain_by_what_it_is_built_on_and_what_it_pushes() -> None:
    target = RebuildTarget("event:billing", on=[f"{APPS}/middle:1"], pushes=[f"{APPS}/billing:1"])
    more = [of_target(target, [Base(f"{BASE}/base/node", "22")])]
    found = impact(task("middle", "base/node:22", pushes="middle:1"), task("app", "billing:1"), more=more)
    assert [one.builder.id for one in found.hits] == ["acr:contosoapps/middle", "event:billing", "acr:contosoapps/app"]


def test_a_task_that_is_listed_and_reported_is_one_and_whose_it_is_the_list_says() -> None:
    listed = of_target(
        RebuildTarget("acr:ContosoApps/Shop", owner="payments"),
        [Base(f"{BASE}/base/node", "22", known=HowKnown.LISTED)],
    )
    (hit,) = impact(task("shop", "base/node:22", owner="web"), more=[listed]).hits
    assert hit.builder.owner == "payments"
    assert [one.known for one in hit.on] == [HowKnown.REPORTED]


def claimed(image: str, base: str, digest: str = "") -> Builder:
    """Return a claim that can be read."""
    found = of_claim(Claim(image, base, digest))
    assert found is not None
    return found


def test_an_image_that_claims_a_base_is_told_as_a_claim_and_nothing_follows_of_it() -> None:
    claim = claimed(f"{APPS}/lost:1", f"{BASE}/base/node:22", OLD)
    found = impact(task("app", "lost:1"), more=[claim])
    assert [(one.builder.id, one.apart, one.on[0].known) for one in found.hits] == [
        (f"image:{APPS}/lost:1", Apart.CLAIM, HowKnown.CLAIMED)
    ]


def test_a_claim_of_an_image_whose_builder_is_known_is_that_builders_and_marked_so() -> None:
    claim = claimed(f"{APPS}/shop:1", f"{BASE}/base/node:22")
    (hit,) = impact(task("shop", pushes="shop:1"), more=[claim]).hits
    assert (hit.builder.id, hit.apart, hit.on[0].known) == ("acr:contosoapps/shop", Apart.CLAIM, HowKnown.CLAIMED)


def test_a_claim_adds_nothing_to_what_was_reported() -> None:
    claim = claimed(f"{APPS}/shop:1", f"{BASE}/base/node:22")
    assert impact(task("shop", "base/node:20", pushes="shop:1"), more=[claim]).hits == ()


def test_what_claims_no_reference_claims_nothing() -> None:
    assert of_claim(Claim(f"{APPS}/shop:1", "not an image")) is None


def test_names_that_differ_with_each_run_name_nothing_that_others_could_build_on() -> None:
    one = ApplicationTask(
        "contosoapps", "t", "/t", True, False, (), pushes=(Pushed("", "web", "{{.Run.ID}}"), Pushed("", "web", "1"))
    )
    assert of_task(one, APPS).pushes == (Image(f"{APPS}/web", "1"),)


_EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=25)


@given(_EDGES, st.sets(st.integers(0, 7), min_size=1))
def test_any_graph_has_an_order_with_each_builder_once_after_all_whom_it_waits_for(
    edges: list[tuple[int, int]], first: set[int]
) -> None:
    tasks = [
        task(
            f"t{n}",
            *(["base/node:22"] if n in first else []),
            *sorted({f"i{pusher}:1" for pusher, one in edges if one == n}),
            pushes=f"i{n}:1",
        )
        for n in range(8)
    ]
    found = impact(*tasks)
    names = [one.builder.id for one in found.hits]
    assert len(names) == len(set(names))
    reached = set(first)
    while more := {one for pusher, one in edges if pusher in reached} - reached:
        reached |= more
    assert set(order(found)) == {f"t{n}" for n in reached}
    for place, hit in enumerate(found.hits):
        assert all(other in names[:place] for other in hit.after)
        waited = {edge.builder for edge in hit.on if edge.builder} - set(hit.after)
        assert all(any({other, hit.builder.id} <= set(cycle) for cycle in found.cycles) for other in waited)
