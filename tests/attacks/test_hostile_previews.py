"""A preview that is made to do harm changes nothing, ends soon, and says little."""

from __future__ import annotations

import json
import time

import pytest

from shared.web.answers import answered
from shared.web.previews import LARGEST_BODY, Previews
from tests.attacks.test_hostile_list import READ, REFUSED
from tests.doubles.world import World
from tests.unit.web.test_previews import SCANNED, TEST, asked, kept_world, list_of, previews_of

pytestmark = pytest.mark.unit

# The host ends a request after 230 seconds; a machine at other work takes ten times as long as an idle one.
_LONGEST = 60.0
_MOST_TOLD = 200_000
# They take a second or two each; what a list may do to its reader, its own tests show with all of them.
_SOME = ("aliases of aliases", "merges of much", "unknown fields of an entry", "a regular expression that hangs others")


def none_may_write(moment: str) -> None:
    """No store is written."""
    raise AssertionError(f"something was written: {moment}")


def _kept(world: World) -> tuple[object, ...]:
    scans = [one.record for one in world.scans.current()]
    return scans, len(world.outbox.waiting), [*world.activity.events], {**world.evidence.kept}


@pytest.fixture
def world() -> World:
    return kept_world()


@pytest.fixture
def previews(world: World) -> Previews:
    """What serves previews of a world in which nothing may be written any more."""
    served = previews_of(world)
    world.policies.now()
    world.hook = none_may_write
    return served


@pytest.mark.parametrize("name", _SOME)
@pytest.mark.parametrize("field", ["list", "policy"])
def test_a_hostile_text_is_refused_soon_and_in_few_words(previews: Previews, name: str, field: str) -> None:
    text = REFUSED[name].decode()
    began = time.monotonic()
    answer = answered(lambda: previews.preview(asked({field: {"images.yaml": text} if field == "list" else text})))
    assert answer.status_code == 400
    assert len(answer.get_body()) < _MOST_TOLD
    assert time.monotonic() - began < _LONGEST


def test_a_list_of_thousands_of_patterns_for_one_repository_is_previewed_soon(previews: Previews) -> None:
    began = time.monotonic()
    text = READ["one target of many expressions"].decode()
    answer = answered(lambda: previews.preview(asked({"list": {"images.yaml": text}})))
    assert answer.status_code in {200, 400}
    assert time.monotonic() - began < _LONGEST


def test_the_largest_body_is_answered_soon(previews: Previews) -> None:
    frame = len(json.dumps({"policy": ""}))
    began = time.monotonic()
    answer = answered(lambda: previews.preview(asked({"policy": "x" * (LARGEST_BODY - frame)})))
    assert answer.status_code == 400
    assert b"more than 1048576 bytes" in answer.get_body()
    assert time.monotonic() - began < _LONGEST


def test_whatever_is_previewed_nothing_is_written_or_told_or_asked_for(world: World, previews: Previews) -> None:
    before = _kept(world)
    never = {"block": "unknown", "max_db_age": "1m", "delta": "true", "known_exploited": "enforce"}
    for said in (SCANNED, {**TEST, "scan": never, "min_age": "9w"}, {"test": {"gate": "node", "mode": "observe"}}):
        for body in (
            {"list": {"images.yaml": list_of({"node": said, "old": said}, ("linux/amd64", "linux/s390x")).decode()}},
            {"list": {"images.yaml": "images: []"}},
            {"policy": json.dumps(said)},
        ):
            assert answered(lambda body=body: previews.preview(asked(body))).status_code == 200  # type: ignore[misc]
    assert _kept(world) == before
    assert world.policies.now().of("node", world.target().place).scan is None, "no other list came into force"


def test_a_waiver_in_a_list_or_a_policy_is_no_waiver(previews: Previews) -> None:
    waived = json.dumps({**SCANNED, "waivers": [{"id": "CVE-2026-0001"}]})
    answer = answered(lambda: previews.preview(asked({"policy": waived})))
    assert answer.status_code == 400
    assert b"waivers" in answer.get_body()
