"""Every generated part of the documentation, as Markdown, from the code that it describes."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from docs.triggers import functions
from infra.local.demo.admission_scenes import AdmissionScenes
from infra.local.demo.builder_scenes import BuilderScenes
from infra.local.demo.record_scenes import RecordScenes
from infra.local.demo.scan_scenes import ScanScenes
from infra.local.demo.scenes import Scenes
from infra.local.demo.travel_scenes import TravelScenes
from infra.local.demo.wave_scenes import WaveScenes
from shared.config import setting_fields
from shared.domain.events.messages import LookAtDue, queue_of
from shared.domain.housekeeping.reasons import Goes, Spared
from shared.domain.notices.kinds import KINDS, Told
from shared.domain.policy.policy import ScanCheck
from shared.domain.promotion.actions import Refusal
from shared.domain.promotion.admission import AdmissionReason
from shared.domain.promotion.due import CANDIDATES
from shared.domain.promotion.previewing import NotKnown
from shared.domain.promotion.rebuilds import REBUILD_ENDS, RebuildStatus
from shared.domain.promotion.said import Why
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target_troubles import Hindrance
from shared.domain.promotion.transitions import BEGINNINGS, ENDS, TRANSITIONS
from shared.domain.scan import scan as scans
from shared.domain.scan.decision import Decided
from shared.domain.scan.decision import Reason as ScanReason
from shared.domain.scan.scan import SCAN_ENDS, SCAN_TRANSITIONS, ScanStatus
from shared.domain.watching.selection import ChoiceReason
from shared.domain.watching.troubles import Kind
from shared.domain.watching.watch_list import schema
from shared.domain.waves.reasons import HOLDS
from shared.domain.waves.reasons import Reason as WaveReason
from shared.domain.waves.results import HowKnown
from shared.domain.waves.states import MEMBER_MOVES, WAVE_ENDS, WAVE_MOVES, MemberState, WaveState
from shared.telemetry import counts as telemetry_counts

ROOT = Path(__file__).resolve().parent.parent
_MEMBER = re.compile(r'^    [A-Z_]+ = "(?P<value>[\w-]+)"  # (?P<comment>.+)$', re.MULTILINE)


def scenes() -> str:
    """Return the demo's scenes, as they announce themselves."""
    played = (Scenes, ScanScenes, AdmissionScenes, TravelScenes, RecordScenes, BuilderScenes, WaveScenes)
    members = [member for scenes in played for member in vars(scenes).values()]
    told = (inspect.getdoc(member) or "" for member in members if inspect.isfunction(member))
    return "\n".join(f"- {text}" for text in sorted((text for text in told if text.startswith("(")), key=_place))


def _place(scene: str) -> tuple[int, str]:
    """Return where a scene is played: a–z, and then aa."""
    letters = scene[1 : scene.index(")")]
    return len(letters), letters


def function_table() -> str:
    """Return every function of the app with what triggers it."""
    shown = {"timer": "timer, `{}`", "queue": "queue `{}`", "http": "`{}`"}
    rows = ((f"`{f.name}`", shown[f.kind].format(f.source), f.purpose) for f in functions(ROOT / "function_app.py"))
    return table(("function", "trigger", "what it does"), rows)


def layout() -> str:
    """Return every module of the product with the first sentence it says of itself."""
    files = sorted((ROOT / "shared").rglob("*.py"), key=lambda file: (file.parent, file.name))
    rows = ((f"`{file.relative_to(ROOT)}`", _purpose(file)) for file in files if file.stat().st_size)
    return table(("module", "what it says of itself"), rows)


def _purpose(file: Path) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
    return " ".join(docstring.partition("\n\n")[0].split()).replace("``", "`")


def lifecycle() -> str:
    """Return the candidate's state diagram, one arrow for each pair of statuses of the transition table."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for reason, beginnings in BEGINNINGS.items():
        for begin in beginnings:
            arrows.setdefault(("[*]", begin.value), []).append(reason.value)
    for (status, reason), to in TRANSITIONS.items():
        arrows.setdefault((status.value, to.value), []).append(reason.value)
    lines = [f"    {begin} --> {to}: {', '.join(reasons)}" for (begin, to), reasons in arrows.items()]
    ends = [f"    {status.value} --> [*]" for status in Status if status in ENDS]
    return "\n".join(("```mermaid", "stateDiagram-v2", *lines, *ends, "```"))


def statuses() -> str:
    """Return a candidate's statuses, each with the queue of the stage whose turn it is."""
    rows = ((f"`{value}`", _queue(Status(value)), said) for value, said in told(Status))
    return table(("status", "queue", "meaning"), rows)


_EVER = datetime.min.replace(tzinfo=UTC)


def _queue(status: Status) -> str:
    found = [due for due, statuses in CANDIDATES.items() if status in statuses]
    return "".join(f"`{queue_of(LookAtDue(v=1, due=due, at=_EVER))}`" for due in found)


def reasons() -> str:
    """Return the reasons for which a candidate's record changes."""
    return table(("reason", "meaning"), ((f"`{value}`", said) for value, said in told(Reason)))


def whys() -> str:
    """Return why a target should point at what it should."""
    return table(("why", "meaning"), ((f"`{value}`", said) for value, said in told(Why)))


def refusals() -> str:
    """Return why an action is refused."""
    return table(("reason", "meaning"), ((f"`{value}`", said) for value, said in told(Refusal)))


def goes() -> str:
    """Return why housekeeping deletes something."""
    return table(("reason", "meaning"), ((f"`{value}`", said) for value, said in told(Goes)))


def spared() -> str:
    """Return why housekeeping leaves something."""
    return table(("reason", "meaning"), ((f"`{value}`", said) for value, said in told(Spared)))


def troubles() -> str:
    """Return what may be wrong, by kind."""
    return table(("kind", "meaning"), ((f"`{value}`", said) for value, said in told(Kind)))


def notices() -> str:
    """Return the kinds of notices, with when each goes where no route says otherwise."""
    said = {**dict(told(Told)), **dict(told(Kind))}
    rows = ((f"`{one.name}`", one.severity.value, one.usually.value, said[one.name]) for one in KINDS.values())
    return table(("kind", "severity", "usually", "meaning"), rows)


def hindrances() -> str:
    """Return why the base registry does not have what upstream bears."""
    return table(("reason", "meaning"), ((f"`{value}`", said) for value, said in told(Hindrance)))


def rebuild_statuses() -> str:
    """Return a rebuild's statuses."""
    ends = {status.value for status in REBUILD_ENDS}
    rows = ((f"`{value}`", "yes" if value in ends else "", said) for value, said in told(RebuildStatus))
    return table(("status", "end", "meaning"), rows)


def scan_lifecycle() -> str:
    """Return a scan's state diagram, one arrow for each pair of statuses of its transition table."""
    arrows: dict[tuple[str, str], list[str]] = {("[*]", ScanStatus.WANTED.value): [scans.ScanReason.ASKED.value]}
    for (status, reason), to in SCAN_TRANSITIONS.items():
        arrows.setdefault((status.value, to.value), []).append(reason.value)
    lines = [f"    {begin} --> {to}: {', '.join(reasons)}" for (begin, to), reasons in arrows.items()]
    ends = [f"    {status.value} --> [*]" for status in ScanStatus if status in SCAN_ENDS]
    return "\n".join(("```mermaid", "stateDiagram-v2", *lines, *ends, "```"))


def scan_statuses() -> str:
    """Return a scan's statuses."""
    return table(("status", "meaning"), ((f"`{value}`", said) for value, said in told(ScanStatus)))


def scan_reasons() -> str:
    """Return the reasons for which a scan's record changes."""
    return table(("reason", "meaning"), ((f"`{value}`", said) for value, said in told(scans.ScanReason)))


def wave_lifecycle() -> str:
    """Return a wave's state diagram, one arrow for each move of its table."""
    return _drawn(WaveState.PLANNED, WAVE_MOVES)


def member_lifecycle() -> str:
    """Return the state diagram of a wave's member, one arrow for each move of its table."""
    return _drawn(MemberState.WAITING, MEMBER_MOVES)


def _drawn(first: Enum, moves: Mapping[Any, Collection[Enum]]) -> str:
    """Mermaid takes no hyphen in the name of a state, so that those have other names below what is shown."""
    states = list(type(first))
    named = [f'    state "{one.value}" as {_plain(one)}' for one in states if "-" in one.value]
    arrows = [f"    {_plain(one)} --> {_plain(to)}" for one in states for to in states if to in moves[one]]
    ends = [f"    {_plain(one)} --> [*]" for one in states if not moves[one]]
    return "\n".join(("```mermaid", "stateDiagram-v2", *named, f"    [*] --> {_plain(first)}", *arrows, *ends, "```"))


def _plain(state: Enum) -> str:
    return str(state.value).replace("-", "_")


def wave_states() -> str:
    """Return where a wave may be."""
    ends = {state.value for state in WAVE_ENDS}
    rows = ((f"`{value}`", "yes" if value in ends else "", said) for value, said in told(WaveState))
    return table(("state", "over", "meaning"), rows)


def member_states() -> str:
    """Return where a wave's member may be."""
    return table(("state", "meaning"), ((f"`{value}`", said) for value, said in told(MemberState)))


def wave_reasons() -> str:
    """Return why a wave may be where it is."""
    holds = {reason.value for reason in HOLDS}
    rows = ((f"`{value}`", "yes" if value in holds else "", said) for value, said in told(WaveReason))
    return table(("reason", "waits for a person", "meaning"), rows)


def how_known() -> str:
    """Return how it may be known on what a run was built."""
    return table(("how", "meaning"), ((f"`{value}`", said) for value, said in told(HowKnown)))


def told(kind: type[Enum]) -> list[tuple[str, str]]:
    """Return the values of an enumeration with the comments that stand beside them.

    Raises:
        ValueError: a value has no comment.
    """
    comments = {found["value"]: found["comment"] for found in _MEMBER.finditer(inspect.getsource(kind))}
    silent = [member.value for member in kind if member.value not in comments]
    if silent:
        raise ValueError(f"{kind.__name__}: no comment beside {', '.join(silent)}")
    return [(member.value, comments[member.value]) for member in kind]


def counts() -> str:
    """Return everything that is counted and told with a span."""
    every = (value for value in vars(telemetry_counts).values() if isinstance(value, telemetry_counts.Count))
    rows = ((f"`{count.name}`", count.by or "one number", count.meaning) for count in every)
    return table(("attribute", "told apart by", "what it counts"), rows)


def settings() -> str:
    """Return every app setting with its default."""
    rows = ((f"`{name}`", _default(field), _described(meta)) for name, field, meta in setting_fields())
    return table(("app setting", "default", "meaning"), rows)


def _default(field: Any) -> str:
    if field.required:
        return "**required**"
    return f"`{field.default}`" if field.default else "empty"


def _described(meta: Any) -> str:
    return f"{meta.description} **Secret.**" if meta.extra["secret"] else str(meta.description)


# What people call the records of a watch list; all others are words of which one is written.
_RECORDS = {"TagRule": "rule", "Written": "policy", "Rebuilding": "waves", "RebuildTarget": "target"}


def watch_list() -> str:
    """Return the fields of an entry of the watch list."""
    image = schema()["$defs"]["Image"]
    needed = set(image["required"])
    rows = (
        (f"`{name}`", _kind(field), "yes" if name in needed else "no", field["description"])
        for name, field in image["properties"].items()
    )
    return table(("field", "kind", "required", "meaning"), rows)


def scanner() -> str:
    """Return what a watch list says of its scanner."""
    fields = schema()["$defs"]["ScannerEntry"]
    rows = (
        (f"`{name}`", "yes" if name in fields["required"] else "no", field["description"])
        for name, field in fields["properties"].items()
    )
    return table(("field", "required", "meaning"), rows)


def rebuilding() -> str:
    """Return what an entry, the defaults and a policy may say of rebuilds."""
    fields = schema()["$defs"]["Rebuilding"]["properties"]
    shown = ((name, json.dumps(field["default"]).strip('"'), field) for name, field in fields.items())
    rows = ((f"`{name}`", _kind(field), f"`{value}`", field["description"]) for name, value, field in shown)
    return table(("field", "kind", "default", "meaning"), rows)


def rebuild_target() -> str:
    """Return what an item of ``rebuilds`` may say."""
    fields = schema()["$defs"]["RebuildTarget"]["properties"]
    rows = ((f"`{name}`", _kind(field), field["description"]) for name, field in fields.items())
    return table(("field", "kind", "meaning"), rows)


def tag_rules() -> str:
    """Return the fields of a rule that selects tags."""
    fields = schema()["$defs"]["TagRule"]["properties"]
    rows = ((f"`{name}`", _kind(field), field["description"]) for name, field in fields.items())
    return table(("field", "kind", "meaning"), rows)


def choice_reasons() -> str:
    """Return the reasons for which a tag is taken or left."""
    return table(("reason", "meaning"), ((f"`{value}`", said) for value, said in told(ChoiceReason)))


def scan_policy() -> str:
    """Return what a policy may say of scans."""
    fields = msgspec.json.schema(ScanCheck)["$defs"]["ScanCheck"]["properties"]
    shown = ((name, json.dumps(field["default"]).strip('"'), field["description"]) for name, field in fields.items())
    return table(("field", "default", "meaning"), ((f"`{name}`", f"`{value}`", said) for name, value, said in shown))


def verdict_reasons() -> str:
    """Return the reasons of a verdict over a scan."""
    return table(("reason", "meaning"), ((f"`{value}`", said) for value, said in told(ScanReason)))


def admission_reasons() -> str:
    """Return the reasons of an admission beside those of the verdict."""
    return table(("reason", "meaning"), ((f"`{value}`", said) for value, said in told(AdmissionReason)))


def not_known() -> str:
    """Return why a preview cannot tell what would be decided."""
    return table(("why", "meaning"), ((f"`{value}`", said) for value, said in told(NotKnown)))


def decided() -> str:
    """Return what may decide about a finding."""
    return table(("decided", "meaning"), ((f"`{value}`", said) for value, said in told(Decided)))


def _kind(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(choice) for choice in field["anyOf"] if choice != {"type": "null"})
    if "$ref" in field:
        return _RECORDS.get(field["$ref"].rpartition("/")[2], "word")
    if field["type"] == "array":
        return f"list, {field.get('minItems', 0)} to {field['maxItems']} of {_kind(field['items'])}"
    if "minimum" in field:
        return f"{field['type']}, {field['minimum']} to {field['maximum']}"
    return f"{field['type']}, `{field['pattern']}`" if "pattern" in field else str(field["type"])


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = (heads, ("---",) * len(heads), *rows)
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)
