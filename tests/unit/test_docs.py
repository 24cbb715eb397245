"""The documents say what is so: paths, links, commands, settings, functions, values and generated parts."""

from __future__ import annotations

import ast
import json
import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest

from docs.generate import pages
from docs.parts import ROOT
from docs.triggers import functions
from shared.config import setting_fields
from shared.domain.access.callers import Role
from shared.domain.promotion import rebuilds, schedule
from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.promotion.said import Why
from shared.domain.promotion.statuses import Reason
from shared.domain.promotion.target_troubles import Hindrance
from shared.domain.watching.troubles import Kind
from shared.storage_settings import STORAGE
from shared.web.routes import ROUTES

pytestmark = pytest.mark.unit

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *DECISIONS,
]
FUNCTIONS = functions(ROOT / "function_app.py")
SUFFIXES = {".py", ".md", ".sh", ".json", ".yaml", ".toml", ".txt"}
# Names of blobs, which look like paths.
BLOBS = ("config/", "images.last-good.yaml")
# Where people who change the code are told of it by name, and where its names are made.
ABOUT_CODE = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md", *DECISIONS]
CODE = ("shared", "infra", "tests", "docs")
# A module by its dotted path, a class, a function with its parentheses, a name of several words, a constant.
NAMES = (
    r"(shared|infra|tests|docs)(\.\w+)+",
    r"[A-Z][a-z]+[A-Za-z]*",
    r"\w+\(\)",
    r"_?[a-z]+(_[a-z0-9]+)+|_[a-z]+",
    r"_?[A-Z]+(_[A-Z0-9]+)*",
)
# Folders that are made by running, and are in no clone.
IGNORED = {line.strip() for line in (ROOT / ".gitignore").read_text().splitlines()}
# What people put into the container config beside the watch list.
STORED = {
    "notify.yaml",
    "config/notify.yaml",
    "waivers.yaml",
    "known-exploited.json",
    "vex/",
    "vex/*.json",
    "config/waivers.yaml",
    "config/vex/",
}
# What the Functions host reads and the app does not.
HOST_SETTINGS = {"FUNCTIONS_WORKER_RUNTIME", "PYTHON_THREADPOOL_THREAD_COUNT"}
# What gates are written with.
DOCKERFILE_WORDS = {"BASE_IMAGE", "TIDEGATE_NONCE", "ENTRYPOINT", "CMD", "COPY", "FROM", "ONBUILD", "PATH"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def spans(text: str) -> list[str]:
    """Inline code, without that of code blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def names_a_path(span: str) -> bool:
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", span) or span.startswith(BLOBS):
        return False
    in_repository = "/" in span and (ROOT / span.partition("/")[0]).is_dir()
    return in_repository or span.endswith("/") or Path(span).suffix in SUFFIXES


@cache
def names_of_the_project() -> set[str]:
    """What its Python files define or are called, as dotted modules too; and its settings."""
    names = {name for name, _, _ in setting_fields()} | HOST_SETTINGS | {STORAGE} | DOCKERFILE_WORDS
    for file in (path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))):
        names |= {file.stem, ".".join(file.relative_to(ROOT).with_suffix("").parts)}
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
    return names | {function.name for function in FUNCTIONS} | {one.name for one in ROUTES}


def looks_like_a_name(span: str) -> bool:
    """Whether inline code is spelled as a module, a class, a function or a constant of the project would be."""
    return any(re.fullmatch(form, span) for form in NAMES)


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


def rows(text: str, columns: int) -> list[list[str]]:
    """The rows of every Markdown table with so many columns."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if len(row) == columns]


def flat(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        inner = [flat(child, f"{path}.{name}" if path else name) for name, child in value.items()]
        return {name: text for part in inner for name, text in part.items()}
    return {path: value if isinstance(value, str) else json.dumps(value)}


def hours_of_all_retries() -> float:
    pauses = (schedule.pause_before_retry(attempt) for attempt in range(1, schedule.MOST_ATTEMPTS))
    return sum(pauses, timedelta()) / timedelta(hours=1)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_path_a_document_names_exists(document: Path) -> None:
    named = {span for span in spans(document.read_text()) if names_a_path(span)}
    assert [path for path in sorted(named - IGNORED - STORED) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(((?!https?:)[^)]+)\)", document.read_text()):
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        if anchor:
            assert anchor in {slug(heading) for heading in re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)}


def test_the_readme_counts_the_scenes_of_the_demo_as_they_are() -> None:
    text = text_of("README.md")
    letters = re.findall(r"^- \((\w+)\) ", text, flags=re.MULTILINE)
    assert letters == [*ascii_lowercase, *(f"a{letter}" for letter in ascii_lowercase)][: len(letters)]
    assert f'"demo: {len(letters)} of {len(letters)} scenes passed"' in text
    assert f"Then {len(letters)} scenes follow" in text


@pytest.mark.parametrize("document", ABOUT_CODE, ids=lambda file: file.name)
def test_every_name_of_the_code_that_a_document_tells_of_exists(document: Path) -> None:
    told = {span for span in spans(document.read_text()) if looks_like_a_name(span)}
    assert sorted(name for name in told if name.removesuffix("()") not in names_of_the_project()) == []


def test_a_name_that_is_nowhere_would_be_found() -> None:
    for gone in ("WATCHED_REGISTRIES", "shared.adapters.acr", "OciUpstream", "upstream_timers", "fingerprints()"):
        assert looks_like_a_name(gone)
        assert gone.removesuffix("()") not in names_of_the_project()


@pytest.mark.parametrize("page", pages())
def test_the_generated_parts_of_a_page_are_up_to_date(page: str) -> None:
    assert (ROOT / page).read_text() == pages()[page], "run make docs"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_make_target_a_document_mentions_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", text_of("Makefile"), re.MULTILINE))
    mentioned = set(re.findall(r"(?:`|^)make ([a-z0-9-]+)", document.read_text(), re.MULTILINE))
    assert mentioned <= targets


def test_every_target_of_make_is_explained_to_contributors() -> None:
    targets = re.findall(r"^([a-z0-9-]+):.*##", text_of("Makefile"), re.MULTILINE)
    explained = text_of("CONTRIBUTING.md")
    assert "bench-check" in targets
    assert [target for target in targets if f"`make {target}`" not in explained] == []


def test_the_example_of_local_settings_holds_every_setting_and_no_other() -> None:
    example = json.loads(text_of("local.settings.json.example"))["Values"]
    assert set(example) - HOST_SETTINGS == {name for name, _, _ in setting_fields()} | {STORAGE}


def test_the_table_of_the_http_api_has_every_http_function_and_no_other() -> None:
    section = text_of("README.md").partition("\n## HTTP API\n")[2].partition("\n## ")[0]
    told = {(address, name, access) for address, name, access, _ in rows(section, 4) if address.startswith("`")}
    own = {"acr_webhook": "function key and `x-tidegate-secret`", "health": "anonymous"}
    own["rebuild_outcome"] = "a builder's own signature"
    wanted = {(f"`{f.source}`", f"`{f.name}`", own[f.name]) for f in FUNCTIONS if f.name in own}
    for one in ROUTES:
        *roles, last = [role.value for role in Role if role in one.roles]
        access = f"{', '.join(roles)} or {last}" if roles else last
        wanted.add((f"`{one.method.value} /api/{one.path}`", f"`{one.name}`", access))
    assert told == wanted


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_address_a_document_names_is_served(document: Path) -> None:
    addresses = {function.source for function in FUNCTIONS if function.kind == "http"}
    addresses |= {f"{one.method.value} /api/{one.path}" for one in ROUTES}
    assert set(re.findall(r"\b(?:GET|POST|PUT) /api/[\w{}/-]+(?:\.json)?", document.read_text())) <= addresses


def test_the_drawing_of_the_way_names_functions_and_queues_that_exist() -> None:
    drawing = re.search(r"^    check_docker_hub.*?(?=^\S)", text_of("docs/architecture.md"), re.DOTALL | re.MULTILINE)
    assert drawing is not None
    named = set(re.findall(r"\w+_\w+", drawing[0]))
    assert named and named <= {function.name for function in FUNCTIONS}
    queues = {function.source for function in FUNCTIONS if function.kind == "queue"}
    assert set(re.findall(r"queue (\w+)", drawing[0])) == {queue for queue in queues if not queue.endswith("-poison")}


def test_every_value_of_host_json_is_explained_and_quoted_as_it_is() -> None:
    section = text_of("docs/configuration.md").partition("\n## host.json\n")[2]
    quoted = {row[0].strip("`"): row[1].strip("`") for row in rows(section, 3) if row[0].startswith("`")}
    assert quoted == flat(json.loads(text_of("host.json")))


def test_decisions_are_numbered_without_gaps_and_say_context_decision_and_consequence() -> None:
    assert [file.name[:4] for file in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    for number, file in enumerate(DECISIONS, 1):
        text = file.read_text()
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequence"]


def test_the_events_that_the_runbook_names_are_told() -> None:
    paragraph = text_of("docs/runbook.md").partition("What is told, and by which names:")[2].partition("\n\n")[0]
    named = {name for name in spans(paragraph) if re.fullmatch(r"[a-z]+(-[a-z]+)*", name)}
    lines = {
        name
        for file in (ROOT / "shared").glob("*s/*.py")
        for name in re.findall(r'\bEvent\([^"]*(?:"[^"]*:[^"]*", )?"([a-z-]+)"', file.read_text())
    }
    lists = {"watch-list-invalid", "watch-list-missing", "watch-list-held", "first-imports-wait", "flapping"}
    ours = {"tag-missing", "tag-overwritten", "tag-in-order", "tag-let-go", "tag-taken-back"}
    tasks = {"task-not-permitted", "rebuild-missing", "rebuild-doubled", "dispatcher-off", "digest-failed-elsewhere"}
    said = {"brought-back", "policy-weakened", "closed-by-newer-digest", "file-written", "came-too-late"}
    said |= {"muted", "unmuted", "notice-resent"}
    kept = {"tags-vanished", "manifests-read", "message-poisoned", "retry-asked", "house-kept"}
    assert lines == kept | lists | ours | tasks | said
    files = ("act", "rule", "approve", "waive", "speak_of_waves")
    flows = "".join((ROOT / "shared" / "flows" / f"{name}.py").read_text() for name in files)
    acts, rules = (
        re.findall(r'_act\(\s*target, \(?"([a-z-]+)"', flows),
        re.findall(r'(?:True|False)\): "([a-z-]+)"', flows),
    )
    people = {*acts, *rules, *re.findall(r'(?:Answer|Override|Word)\.[A-Z]+: "([a-z-]+)"', flows)}
    assert len(people) == 17
    assert people | {Why.WITHDRAWN.value} <= named
    lines |= people | {Why.WITHDRAWN.value}
    reasons = {reason.value for reason in Reason}
    assert named - lines - reasons - {f"rebuild-{status.value}" for status in RebuildStatus} == set()
    assert lines <= named


def test_every_kind_of_trouble_has_its_part_of_the_runbook() -> None:
    section = text_of("docs/runbook.md").partition("\n## troubles\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (.+)$", section, re.MULTILINE) == [kind.value for kind in Kind]
    told = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    tasks = {RebuildStatus.FAILED.value, RebuildStatus.BY_NOBODY.value}
    assert {name for row in told for name in spans(row)} == {one.value for one in Hindrance} | tasks


def test_the_drawing_of_a_rebuilds_lifecycle_has_every_status_and_no_other() -> None:
    drawing = text_of("docs/architecture.md").partition("## A rebuild's lifecycle")[2].split("```")[1]
    ends = {end for arrow in re.findall(r"(\S+) --> ([^:\s]+)", drawing) for end in arrow} - {"[*]"}
    assert ends == {status.value.replace("-", "_") for status in RebuildStatus}


@pytest.mark.parametrize(
    ("value", "expected", "told", "page"),
    [
        (schedule.LEASE, timedelta(minutes=2), "two minutes later", "docs/architecture.md"),
        (schedule.OVERDUE_GRACE, timedelta(seconds=60), "more than 60 seconds ago", "docs/architecture.md"),
        (schedule.MOST_ATTEMPTS, 12, "after twelve in a row", "docs/architecture.md"),
        (schedule.FIRST_RETRY, timedelta(seconds=15), "after 15 seconds, doubling", "docs/architecture.md"),
        (round(hours_of_all_retries()), 4, "about four hours", "docs/architecture.md"),
        (schedule.MOST_RUNS, 3, "three runs at most", "docs/configuration.md"),
        (schedule.KEPT_CURRENT, timedelta(days=1), "ended less than a day ago", "docs/architecture.md"),
        (schedule.IMPORT_PATIENCE, timedelta(minutes=15), "for fifteen minutes", DECISIONS[2].relative_to(ROOT)),
        (schedule.LAG_PATIENCE, timedelta(minutes=5), "for five minutes", "docs/architecture.md"),
        (schedule.IMPORT_GIVEN_UP, timedelta(days=1), "has not ended in a day", "docs/architecture.md"),
        (schedule.FEW_ATTEMPTS, 4, "is tried four times", "docs/architecture.md"),
        (schedule.LONGEST_LOOK, timedelta(seconds=30), "every thirty seconds", DECISIONS[2].relative_to(ROOT)),
        (rebuilds.OWN_TRIGGER_GRACE, timedelta(minutes=10), "for ten minutes", DECISIONS[6].relative_to(ROOT)),
    ],
)
def test_times_and_counts_are_told_as_they_are(value: object, expected: object, told: str, page: str | Path) -> None:
    assert told in " ".join((ROOT / page).read_text().split())
    assert value == expected, f"{page} says {told!r}"
