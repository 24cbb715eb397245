"""How waves of the product are read for the judge, and what people of a storm say of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import requests

from shared.domain.policy.rebuilding import OnFailure, Rebuilding
from shared.domain.references import Digest, Tag
from shared.domain.waves.reasons import Reason
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.wave import Member, Wave
from tests.chaos.approvers import Approvers
from tests.chaos.found_waves import is_settled, judged
from tests.chaos.mischief import Speaks

pytestmark = pytest.mark.unit

NEW, OLD = (Digest(f"sha256:{letter * 64}") for letter in "ab")
NOW = datetime(2030, 1, 1, tzinfo=UTC)
FIRST = Member(target="acr:apps/first", registry="apps", task="first", canary=True, state=MemberState.FAILED)
END = Member(target="acr:apps/end", registry="apps", task="end", after=("acr:apps/middle",))
HELD = Wave(
    registry="base",
    repository="base/bee",
    tag=Tag("1"),
    number=2,
    digest=NEW,
    former=OLD,
    planned_at=NOW,
    members=(FIRST, END),
    state=WaveState.HELD,
    reason=Reason.CANARY_FAILED,
    held_until=NOW + timedelta(days=14),
)


class Watcher:
    """Answers for an API that has one wave on hold and one that goes."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.said: list[str] = []

    def api(self, method: str, path: str, params: Mapping[str, str] | None = None, **_: Any) -> requests.Response:
        answer = requests.Response()
        answer.status_code = 200 if method == "GET" else self.status
        state = (params or {}).get("state", "")
        found = [{"id": f"{state}~1", "state": state}] if state in {"held", "rolling"} else []
        answer._content = msgspec.json.encode({"waves": found})
        if method == "POST":
            self.said.append(path)
        return answer


def test_a_wave_on_hold_is_read_with_its_reason_and_its_end() -> None:
    read = judged(HELD)
    assert (read.tag, read.number, read.digest, read.former) == ("base/bee:1", 2, NEW, OLD)
    assert (read.state, read.reason, read.holds, read.held_until) == ("held", "canary-failed", True, HELD.held_until)
    assert [(one.task, one.state, one.canary, one.chained) for one in read.members] == [
        ("first", "failed", True, False),
        ("end", "waiting", False, True),
    ]
    assert not read.passes_over
    assert judged(msgspec.structs.replace(HELD, asked=Rebuilding(on_canary_failure=OnFailure.CONTINUE))).passes_over
    assert not judged(msgspec.structs.replace(HELD, reason=Reason.OTHERS_GO)).holds


def test_the_story_of_a_wave_names_its_members_and_their_states() -> None:
    told = "\n".join(judged(HELD).story)
    assert "canary first failed" in told
    assert "end waiting" in told


def test_a_wave_is_settled_once_it_is_over_or_waits_for_people_and_nothing_of_it_is_under_way() -> None:
    running = msgspec.structs.replace(END, state=MemberState.RUNNING)
    assert is_settled(HELD)
    assert is_settled(msgspec.structs.replace(HELD, state=WaveState.DONE))
    assert not is_settled(msgspec.structs.replace(HELD, state=WaveState.ROLLING))
    assert not is_settled(msgspec.structs.replace(HELD, members=(FIRST, running)))
    assert not is_settled(msgspec.structs.replace(HELD, state=WaveState.CANCELLED, members=(FIRST, running)))


@pytest.mark.parametrize(("of", "wave"), [("held", "held~1"), ("any", "rolling~1")])
def test_people_say_a_word_of_what_waits_or_of_what_goes(of: Any, wave: str) -> None:
    watcher = Watcher()
    approvers = Approvers(watcher)  # type: ignore[arg-type]
    approvers.play(Speaks("continue", of, 0.0))
    assert watcher.said == [f"waves/{wave}/continue"]
    assert (approvers.continued, approvers.heard) == ({wave}, 1)


def test_a_word_that_does_not_count_is_counted_apart_and_one_whose_answer_is_lost_is_remembered() -> None:
    late, down = Approvers(Watcher(409)), Approvers(Watcher(503))  # type: ignore[arg-type]
    late.play(Speaks("cancel", "held", 0.5))
    down.play(Speaks("continue", "held", 0.5))
    assert (late.heard, late.declined, late.continued) == (0, 1, set())
    assert (down.heard, down.refused, down.continued) == (0, 1, {"held~1"})


def test_when_all_is_well_again_those_that_wait_are_answered_but_for_every_fourth() -> None:
    watcher = Watcher()
    Approvers(watcher).heal()  # type: ignore[arg-type]
    assert watcher.said == ["waves/held~1/continue"]
    down = Approvers(Watcher(503))  # type: ignore[arg-type]
    down.heal()
    assert down.refused == 1
