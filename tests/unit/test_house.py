"""The rules of the house that no linter knows: what may import what, who reads the environment, how long a file is."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from tests.unit.test_settings import COMPLETE

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = [ROOT / "function_app.py", *sorted((ROOT / "shared").rglob("*.py"))]
SHARED = PRODUCT[1:]

_PURE = {"domain", "errors", "msgspec"}
_DOMAIN = {
    "domain",
    "domain/watching",
    "domain/gate",
    "domain/promotion",
    "domain/events",
    "domain/access",
    "domain/pacing",
    "domain/policy",
    "domain/scan",
    "domain/signatures",
    "domain/notices",
    "domain/decisions",
    "domain/travel",
    "domain/record",
    "domain/housekeeping",
    "domain/waves",
    "domain/dispatch",
}
_CORE = {
    *_DOMAIN,
    "ports",
    "budget_ports",
    "run_ports",
    "target_ports",
    "tool_ports",
    "digest_ports",
    "trouble_ports",
    "access_ports",
    "answer_ports",
    "dead_letter_ports",
    "usual_times_ports",
    "call_ports",
    "configuration_ports",
    "exception_ports",
    "signature_ports",
    "evidence_ports",
    "watch_ports",
    "sender_ports",
    "notice_ports",
    "decision_ports",
    "travel_ports",
    "record_ports",
    "housekeeping_ports",
    "dispatch_ports",
    "wave_ports",
    "errors",
}
# What each part may import: parts of the product, which point inward, and packages.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "domain": {"errors", "msgspec"},
    # Of the subjects, each knows only those above it: what a look means for a candidate belongs to promotion.
    "domain/watching": {"domain/watching", "domain/policy", *_PURE},
    "domain/gate": {"domain/gate", *_PURE},
    "domain/promotion": {
        "domain/promotion",
        "domain/notices",
        "domain/access",
        "domain/scan",
        "domain/signatures",
        "domain/policy",
        "domain/watching",
        "domain/gate",
        *_PURE,
    },
    "domain/events": {"domain/events", "domain/promotion", *_PURE},
    "domain/access": {"domain/access", *_PURE},
    "domain/notices": {"domain/notices", "domain/watching", *_PURE},
    "domain/pacing": {"domain/pacing", *_PURE},
    # When a freeze begins, a reader of cron's own says; it asks nobody anything.
    "domain/policy": {"domain/policy", "cronsim", *_PURE},
    "domain/scan": {"domain/scan", "domain/policy", "domain/gate", *_PURE},
    "domain/signatures": {"domain/signatures", "domain/policy", "cryptography", *_PURE},
    "domain/decisions": {"domain/decisions", "domain/promotion", "domain/access", *_PURE},
    "domain/travel": {"domain/travel", "domain/promotion", "domain/watching", "domain/record", *_PURE},
    # It says what was decided, and is read by whom signatures are read by.
    "domain/record": {"domain/record", "domain/promotion", "domain/policy", "domain/scan", "domain/signatures", *_PURE},
    "domain/housekeeping": {"domain/housekeeping", "domain/promotion", "domain/scan", "domain/travel", *_PURE},
    "domain/waves": {
        "domain/waves",
        "domain/promotion",
        "domain/policy",
        "domain/watching",
        "domain/gate",
        "domain/notices",
        *_PURE,
    },
    "domain/dispatch": {"domain/dispatch", "domain/promotion", *_PURE},
    "registry_ids": {"errors", "msgspec"},
    "registry_settings": set(),
    "whole_numbers": set(),
    "schedule_gaps": set(),
    "schedules": {"schedule_gaps"},
    "setting_texts": set(),
    "registry_accounts": {"errors", "registry_settings", "msgspec"},
    "mail_addresses": {"msgspec"},
    "notify_settings": {"mail_addresses", "msgspec"},
    "dispatch_settings": {"msgspec"},
    "storage_settings": {"errors", "msgspec"},
    "gate_context": set(),
    "gate_identities": {"domain/gate", "errors", "msgspec"},
    "people_settings": {"msgspec"},
    "housekeeping_settings": {"people_settings", "msgspec"},
    "decision_settings": {"housekeeping_settings", "storage_settings", "msgspec"},
    "record_settings": {"decision_settings", "msgspec"},
    "rebuild_settings": {"record_settings", "msgspec"},
    "config": {
        "decision_settings",
        "rebuild_settings",
        "record_settings",
        "housekeeping_settings",
        "people_settings",
        "dispatch_settings",
        "gate_context",
        "gate_identities",
        "errors",
        "registry_ids",
        "registry_settings",
        "storage_settings",
        "whole_numbers",
        "schedules",
        "setting_texts",
        "registry_accounts",
        "notify_settings",
        "msgspec",
    },
    "version": set(),
    "cli_settings": set(),
    # Commands stand beside function_app: what they share with it is the code below both.
    "cli": {
        "cli",
        "cli_settings",
        "version",
        "config",
        "watch_list_yaml",
        "policy_yaml",
        "gate_reading",
        "registry_accounts",
        "adapters/upstream",
        *_DOMAIN,
        "errors",
        "msgspec",
    },
    "ports": {*_DOMAIN, "errors", "msgspec"},
    "yaml_nodes": {"errors", "msgspec", "yaml"},
    "policy_yaml": {*_DOMAIN, "errors", "msgspec", "yaml_nodes"},
    "watch_list_yaml": {*_DOMAIN, "errors", "msgspec", "yaml_nodes"},
    "task_templates": {"domain/gate"},
    "gate_reading": {"domain/gate", "errors", "msgspec", "yaml_nodes", "task_templates"},
    "telemetry": {"telemetry", *_CORE, "msgspec", "opentelemetry"},
    "budget_ports": {*_DOMAIN, "msgspec"},
    "run_ports": {*_DOMAIN, "msgspec"},
    "target_ports": {*_DOMAIN, "msgspec"},
    "tool_ports": {*_DOMAIN, "msgspec"},
    "trouble_ports": {*_DOMAIN, "msgspec"},
    "digest_ports": {*_DOMAIN},
    "access_ports": {*_DOMAIN, "msgspec"},
    "answer_ports": {*_DOMAIN, "msgspec"},
    "dead_letter_ports": {"msgspec"},
    "usual_times_ports": {*_DOMAIN, "msgspec"},
    "call_ports": set(),
    "configuration_ports": {*_DOMAIN, "msgspec"},
    "exception_ports": {"msgspec"},
    "signature_ports": {*_DOMAIN, "msgspec"},
    "evidence_ports": {"ports", "msgspec"},
    "watch_ports": {*_DOMAIN, "msgspec"},
    "sender_ports": {*_DOMAIN, "msgspec"},
    "notice_ports": {*_DOMAIN, "errors", "msgspec"},
    "notify_yaml": {*_DOMAIN, "errors", "yaml_nodes"},
    "notifying": {*_CORE, "bootstrap", "rolling", "due_kinds", "flows", "rules", "notify_yaml"},
    "decision_ports": {*_DOMAIN, "msgspec"},
    "travel_ports": {*_DOMAIN, "ports", "digest_ports", "signature_ports", "msgspec"},
    "record_ports": {*_DOMAIN, "msgspec"},
    "housekeeping_ports": {*_DOMAIN, "msgspec"},
    "dispatch_ports": {*_DOMAIN, "msgspec"},
    "wave_ports": {*_DOMAIN, "msgspec"},
    "rules": {"rules", *_CORE, "msgspec"},
    "flows": {"rules", *_CORE, "msgspec"},
    "web": {"web", "flows", "rules", "version", *_CORE, "msgspec", "azure.functions"},
    # Of the settings, adapters take single records as arguments: see the test about who loads them.
    # What two wings need stands above them and knows none of them.
    "adapters": {"adapters", "call_ports", "azure", "requests", "urllib3"},
    "adapters/azure": {"adapters/azure", "adapters", *_CORE, "config", "registry_accounts", "msgspec", "azure"},
    "adapters/storage": {"adapters/storage", "adapters", *_CORE, "storage_settings", "msgspec", "azure"},
    "adapters/upstream": {
        "adapters/upstream",
        "adapters",
        *_CORE,
        "config",
        "registry_accounts",
        "msgspec",
        "requests",
        "urllib3",
    },
    "adapters/notify": {
        "adapters/notify",
        "adapters",
        *_CORE,
        "notify_settings",
        "mail_addresses",
        "msgspec",
        "requests",
        "urllib3",
    },
    "adapters/dispatch": {
        "adapters/dispatch",
        "adapters",
        *_CORE,
        "dispatch_settings",
        "msgspec",
        "requests",
        "urllib3",
    },
    "outside_for_builders": {*_CORE, "outside_for_people", "adapters/azure", "adapters/storage", "adapters/dispatch"},
    "outside_for_people": {
        *_CORE,
        "adapters/notify",
        "adapters",
        "adapters/azure",
        "adapters/storage",
        "config",
        "storage_settings",
        "telemetry",
    },
    "outside": {
        *_CORE,
        "outside_for_builders",
        "adapters",
        "adapters/azure",
        "adapters/storage",
        "adapters/upstream",
        "rules",
        "config",
        "storage_settings",
        "telemetry",
    },
    "tooling": {*_CORE, "rules"},
    "travelling": {*_CORE, "flows", "rules", "due_kinds", "bootstrap", "telemetry"},
    "rolling": {*_CORE, "flows", "rules", "due_kinds", "bootstrap", "telemetry"},
    "due_kinds": {*_CORE, "flows", "rules", "telemetry", "msgspec"},
    "scanning": {"outside", *_CORE, "flows", "rules", "telemetry"},
    "rebuilding": {"scanning", "rolling", *_CORE, "flows", "rules", "telemetry"},
    "trust_reading": {"domain/policy", "domain/signatures", "errors"},
    "signing": {*_CORE, "rules", "telemetry", "outside", "trust_reading"},
    "admitting": {
        *_CORE,
        "flows",
        "rules",
        "bootstrap",
        "late_reading",
        "policy_yaml",
        "watch_list_yaml",
        "signing",
        "trust_reading",
    },
    "record_keeping": {*_CORE, "bootstrap", "flows", "rules", "version", "web", "azure.functions"},
    "housekeeping": {*_CORE, "flows", "rules", "telemetry", "bootstrap", "web", "azure.functions"},
    "deciding": {*_CORE, "flows", "rules", "bootstrap", "storage_settings", "web", "azure.functions"},
    "dependants": {*_CORE, "flows", "rules", "bootstrap"},
    "bootstrap": {
        "dependants",
        "record_keeping",
        "late_reading",
        "admitting",
        "notifying",
        "deciding",
        "housekeeping",
        "rebuilding",
        "due_kinds",
        "tooling",
        "travelling",
        "rolling",
        *_CORE,
        "flows",
        "rules",
        "telemetry",
        "watch_list_yaml",
        "gate_reading",
        "gate_identities",
    },
    "serving": {"bootstrap", "web", "rules", "telemetry", "domain", "page_serving"},
    "page_serving": {"bootstrap", "page_acting", "web", "flows", "rules", "telemetry", *_CORE, "azure.functions"},
    "page_acting": {"bootstrap", "web", "flows", "rules", *_CORE},
    "work": {"flows", "rules", "telemetry", *_DOMAIN},
    "late_reading": {"domain/gate", "domain/watching", "gate_identities", "gate_reading", "watch_list_yaml"},
    "keys": {"access_ports", "domain/access", "storage_settings", "errors", "adapters/storage", "msgspec", "azure"},
    "function_app": {
        "bootstrap",
        "serving",
        "work",
        "web",
        "flows",
        *_DOMAIN,
        "config",
        "storage_settings",
        "telemetry",
        "azure.functions",
    },
}
# What single files may import besides, and why.
MAY_IMPORT_TOO: dict[str, set[str]] = {
    # A hundred services that nobody writes a sender for; loaded by the first message to one of them.
    "shared/adapters/notify/apprise_sender.py": {"apprise"},
    # People write regular expressions into the watch list; the standard library's engine can be made to hang by them.
    "shared/domain/policy/signing.py": {"re2"},
    "shared/domain/watching/patterns.py": {"re2"},
    # Bundles by identities are judged by sigstore's own library, loaded when there is such a bundle.
    "shared/domain/signatures/keyless.py": {"sigstore", "sigstore_models"},
    # People at a terminal sign in by az, and by no token of ours.
    "shared/cli/sign_in.py": {"azure"},
    # A key in a file is read by the library that signs; the settings allow it on a laptop alone.
    "shared/adapters/key_file.py": {"cryptography", "errors", "record_ports"},
    # Key Vault gives a public key as two numbers.
    "shared/adapters/azure/key_vault.py": {"cryptography"},
    # What escapes every text of a page is the library that writes it.
    "shared/web/pages/environment.py": {"jinja2", "markupsafe"},
}
# Modules of the standard library that reach outside; the domain is pure.
OUTSIDE = {"asyncio", "http", "io", "logging", "os", "pathlib", "socket", "subprocess", "threading", "time", "urllib"}
# What costs most at a cold start, and is loaded where it is first used.
HEAVY = (
    "apprise",
    "azure.containerregistry",
    "azure.core",
    "azure.data",
    "azure.identity",
    "azure.mgmt",
    "azure.storage",
    "cryptography",
    "jinja2",
    "re2",
    "requests",
    "shared.domain.notices.composing",
    "shared.domain.notices.delivery",
    "shared.domain.notices.destination",
    "shared.domain.notices.routes",
    "shared.adapters.azure.contents",
    "shared.adapters.storage.companions_table",
    "shared.domain.travel",
    "shared.adapters.azure.locks",
    "shared.adapters.azure.repository_contents",
    "shared.adapters.azure.shelf",
    "shared.adapters.storage.house_blobs",
    "shared.adapters.storage.signing_keys_table",
    "shared.flows.keep_house",
    "shared.flows.list_house",
    "shared.housekeeping_ports",
    "shared.rules.beside_lists",
    "shared.rules.carrying",
    "shared.rules.companion_imports",
    "shared.rules.companions_compared",
    "shared.rules.companions_told",
    "shared.rules.follow_pace",
    "shared.rules.house_deleting",
    "shared.rules.house_looks",
    "shared.rules.house_needs",
    "shared.rules.house_purse",
    "shared.rules.house_reading",
    "shared.rules.house_site",
    "shared.rules.house_travelling",
    "shared.rules.lock_bar",
    "shared.rules.locking",
    "shared.rules.naming",
    "shared.rules.record_grounds",
    "shared.rules.record_pieces",
    "shared.rules.record_watch",
    "shared.web.housekeeping",
    "shared.domain.housekeeping.companions",
    "shared.domain.housekeeping.graph",
    "shared.domain.housekeeping.judging",
    "shared.domain.housekeeping.manifests",
    "shared.domain.housekeeping.task_runs",
    "shared.domain.housekeeping.uses",
    "shared.flows.accompany",
    "shared.rules.companion_bar",
    "shared.rules.companion_book",
    "shared.telemetry.companions",
    "shared.travel_ports",
    "shared.flows.act_on_notices",
    "shared.flows.list_notices",
    "shared.flows.send_notices",
    "shared.rules.notice_book",
    "shared.rules.trouble_notices",
    "shared.domain.decisions.checking",
    "shared.domain.decisions.restoring",
    "shared.domain.promotion.board",
    "shared.domain.record",
    "shared.adapters.azure.key_vault",
    "shared.adapters.dispatch",
    "shared.adapters.key_file",
    "shared.record_ports",
    "shared.rules.key_ring",
    "shared.rules.record_steps",
    "shared.rules.recording",
    "shared.web.signing_keys",
    "shared.domain.scan.reading",
    "shared.domain.scan.run_log",
    "shared.domain.scan.sarif",
    "shared.domain.scan.trivy",
    "shared.domain.scan.verdict",
    "shared.domain.scan.vex",
    "shared.domain.signatures.judging",
    "shared.adapters.notify.apprise_sender",
    "shared.adapters.notify.mail",
    "shared.adapters.notify.posting",
    "shared.adapters.notify.slack",
    "shared.adapters.notify.teams",
    "shared.adapters.notify.webhook",
    "shared.domain.notices.rendering",
    "shared.web.openapi",
    "shared.web.reference",
    "shared.web.schemas",
    "shared.flows.board",
    "shared.page_acting",
    "shared.page_serving",
    "shared.web.pages.environment",
    "sigstore",
    "smtplib",
)
LONGEST_FILE = 350
# Parts whose folders are parts too: a wing of adapters for each kind of outside system, a subject of the domain.
_PARTS_WITHIN = ("adapters", "domain")


def part_of(path: Path) -> str:
    """Return the part of the product that a file belongs to, such as ``flows``, ``errors`` or ``adapters/azure``."""
    names = path.relative_to(ROOT).with_suffix("").parts
    return part_named(names[1:]) if names[0] == "shared" else names[0]


def part_named(names: Sequence[str]) -> str:
    """Return the part that a path below ``shared`` belongs to, by its names: a wing, where there are wings."""
    within = names[0] in _PARTS_WITHIN and (ROOT.joinpath("shared", *names[:2])).is_dir()
    return "/".join(names[:2]) if within and names[1:] else names[0]


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Iterate over (module, name) of all that a file imports, wherever in it; the name is empty for a whole module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative path"
            yield from ((node.module or "", alias.name) for alias in node.names)


def import_name(module: str, name: str) -> str:
    """Return what an import reaches: a part of the product, ``azure.functions``, or a package."""
    whole = f"{module}.{name}".split(".")
    if whole[0] == "shared":
        return part_named(whole[1:])
    return "azure.functions" if whole[:2] == ["azure", "functions"] else whole[0]


def is_overload(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether a definition only tells the type checker of one more way to call the function that follows."""
    return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list)


def definitions(tree: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Iterate over the public functions, classes and methods with their names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not (node.name.startswith("_") or is_overload(node)):
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from definitions(node, f"{node.name}.")


def shown(path: Path) -> str:
    """Return a file's path as people write it."""
    return str(path.relative_to(ROOT))


def test_every_part_of_the_product_has_its_rule() -> None:
    assert {part_of(path) for path in PRODUCT if part_of(path) != "__init__"} == set(MAY_IMPORT)


def test_unit_tests_stand_in_the_folder_that_their_code_stands_in() -> None:
    unit = ROOT / "tests" / "unit"
    folders = {path.parent.relative_to(unit) for path in unit.rglob("test_*.py")}
    assert len(folders) > 10
    assert [folder for folder in folders if not (ROOT / "shared" / folder).is_dir()] == []


@pytest.mark.parametrize("path", [path for path in PRODUCT if path.name != "__init__.py"], ids=shown)
def test_imports_point_inward(path: Path) -> None:
    reached = {import_name(module, name) for module, name in imported(path)} - sys.stdlib_module_names
    assert reached <= MAY_IMPORT[part_of(path)] | MAY_IMPORT_TOO.get(shown(path), set())


@pytest.mark.parametrize("path", [path for path in SHARED if part_of(path).startswith("domain")], ids=shown)
def test_the_domain_reaches_nothing_outside(path: Path) -> None:
    assert not {module.partition(".")[0] for module, _ in imported(path)} & OUTSIDE


@pytest.mark.parametrize("path", [path for path in SHARED if part_of(path).startswith("adapters")], ids=shown)
def test_adapters_are_handed_single_records_of_the_settings(path: Path) -> None:
    assert {name for module, name in imported(path) if module == "shared.config"} <= {
        "GateContext",
        "RegistryId",
        "Storage",
        "STORAGE",
    }


def test_only_the_settings_read_the_environment() -> None:
    reading = {
        shown(path)
        for path in PRODUCT
        if any(name in path.read_text() for name in ("os.environ", "getenv", "from os import", "import os\n"))
    }
    assert reading == {"shared/cli_settings.py", "shared/config.py", "shared/storage_settings.py"}


def test_nothing_sleeps() -> None:
    assert not [shown(path) for path in PRODUCT if "sleep(" in path.read_text() or ("time", "sleep") in imported(path)]


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    lengths = {shown(path): len(path.read_text().splitlines()) for path in PRODUCT}
    assert not {path: length for path, length in lengths.items() if length > LONGEST_FILE}


def test_the_templates_make_every_table_that_the_app_reads() -> None:
    adapters = (ROOT / "shared/adapters/storage").glob("*.py")
    read = {name for path in adapters for name in re.findall(r'Table\([\w.]*account, "(\w+)"', path.read_text())}
    template = (ROOT / "infra/modules/storage.bicep").read_text()
    made = set(re.findall(r"'(\w+)'", template.partition("var tables")[2].partition("]")[0]))
    assert made == read


def test_everything_public_says_what_it_is_for() -> None:
    missing = []
    for path in PRODUCT:
        tree = ast.parse(path.read_text())
        named = [("the module", tree), *definitions(tree)] if tree.body else []
        missing += [f"{shown(path)}: {name}" for name, node in named if not ast.get_docstring(node)]  # type: ignore[arg-type]
    assert missing == []


def test_the_app_starts_without_loading_what_it_does_not_need_yet() -> None:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | COMPLETE
    program = "import function_app, json, sys; print(json.dumps(sorted(sys.modules)))"
    start = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert start.returncode == 0, start.stderr
    loaded = json.loads(start.stdout)
    assert "function_app" in loaded
    assert not [
        module for module in loaded if module in HEAVY or module.startswith(tuple(f"{name}." for name in HEAVY))
    ]


def test_no_file_is_bound_to_the_address_of_a_package_registry() -> None:
    """Packages come from wherever the machine's own clients are told to find them."""
    words = tuple(
        "".join(parts).encode() for parts in (("npm", "js."), ("yarn", "pkg."), ("py", "pi."), ("python", "hosted"))
    )
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    assert paths
    files = [path for path in paths if path.is_file()]
    assert not [shown(path) for path in files if any(word in path.read_bytes().lower() for word in words)]


@pytest.mark.parametrize("path", PRODUCT, ids=shown)
def test_records_are_decoded_by_decoders_that_their_modules_make(path: Path) -> None:
    """Two threads that decode a type for the first time at once crash msgspec 0.22.0: docs/decisions/0016."""
    assert "msgspec.json.decode(" not in path.read_text()
    assert re.search(r"^[ \t].*msgspec\.json\.Decoder\(", path.read_text(), re.MULTILINE) is None, "made in a function"


def test_no_two_modules_make_decoders_of_one_record_unless_its_own_has_made_one() -> None:
    """They may be imported by two threads side by side, and each would make the record known."""
    makers: dict[type[Any], set[str]] = {}
    for path in SHARED:
        if "msgspec.json.Decoder(" in path.read_text():
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            made = [each for each in vars(import_module(name)).values() if isinstance(each, msgspec.json.Decoder)]
            for record in (record for decoder in made for record in records_in(decoder.type)):
                makers.setdefault(record, set()).add(name)
    assert len(makers) > 10
    assert not {record for record, names in makers.items() if len(names) > 1 and record.__module__ not in names}


def test_whatever_documents_become_is_known_before_threads_read_them() -> None:
    """Several timers read the list in force at once, and the first of them would make its records known."""
    files = [path for path in SHARED if "cli" not in path.parts]
    texts = [path.read_text() for path in files]
    become = {name for text in texts for name in re.findall(r"msgspec\.convert\(.*?, (?:list\[)?([A-Z]\w+)\b", text)}
    made = [line for text in texts for line in re.findall(r"^msgspec\.json\.Decoder\((.*)\)$", text, re.MULTILINE)]
    known = {name for line in made for name in re.findall(r"\w+", line)} | {"Freeze"}  # a part of each policy
    assert {"Policy", "ListDocument", "Waiver"} <= become
    assert become <= known


def records_in(kind: Any) -> Iterator[type[Any]]:
    """Yield the records that a type is made of."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from records_in(field.type)
    for inner in get_args(kind):
        yield from records_in(inner)


def test_threads_that_wake_up_to_full_queues_decode_everything_at_once() -> None:
    """In a process of its own, whose types nobody has decoded yet; a crash of the process is the failure."""
    done = subprocess.run(
        [sys.executable, "-c", _WAKING], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "256"), done.stderr


_WAKING = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from shared.adapters.storage import activity_table, budgets_table, observations_table, records_table
from shared.domain.events import messages
from shared.domain.watching import reading
from shared.errors import MalformedMessage

sys.setswitchinterval(1e-6)
barrier = threading.Barrier(32)
TABLES = (activity_table._EVENTS, budgets_table._BUDGETS, observations_table._STATES, observations_table._OBSERVATIONS,
          records_table._CANDIDATES, records_table._REBUILDS, records_table._SCANS)

def wake(number):
    barrier.wait()
    messages.decode('{"kind": "check", "v": 1, "repositories": ["docker.io/a/b"]}', messages.CheckRepositories)
    reading.read({"images": [{"name": "a", "source": "a", "target": "a", "tags": [{"semver": "*", "newest": "1"}]}]})
    for decoder in TABLES:
        try:
            decoder.decode("{}")
        except ValueError:
            continue
    return 1

with ThreadPoolExecutor(32) as pool:
    print(sum(pool.map(wake, range(256))))
"""
