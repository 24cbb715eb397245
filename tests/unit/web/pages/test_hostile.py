"""Names, findings, logs, reasons and labels come from strangers: on every page they are text, and can be seen."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.exposure import Exposure, Found, Standing, Watch
from shared.domain.promotion.rebuilds import EndKind
from shared.domain.promotion.said import Said
from shared.domain.references import Tag
from shared.domain.scan.findings import Finding
from shared.domain.waves.reasons import Reason
from shared.domain.waves.results import Ended, Result
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Member, Outside, Spoken, Wave, Word
from shared.ports import Event
from shared.web.pages.environment import HEADERS
from shared.web.pages.shown import LONGEST, lines_of, outside, visible
from tests.doubles.paged import Browser
from tests.doubles.world import BASE, ONE, World
from tests.unit.web.pages.markup import Read

pytestmark = pytest.mark.unit

PAGES_FOLDER = Path(__file__).resolve().parents[4] / "shared" / "web" / "pages"
ID = f"{BASE}~base~node~22-alpine"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</textarea></title><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "a\u202eb\u200bc\x00d\x1b[31m",
    "&lt;b&gt;",
)
TEXT = "".join(HOSTILE)


def hostile_world() -> World:
    """A world in which everything that strangers and people write is hostile."""
    world = World()
    world.says(Policy("scanned", scan=ScanCheck(), approval=ApprovalCheck()))
    world.push(ONE)
    world.check()
    world.settle()
    bad = Finding(TEXT, TEXT, installed=TEXT, fixed=TEXT, severity=Severity.LOW)
    world.scan_ends(ONE, bad)
    world.run_for(timedelta(minutes=30))
    caller = Caller(Kind.PERSON, TEXT, TEXT, frozenset({Role.APPROVER}), world.clock())
    world.actor.pin(ID, ONE, None, Said(caller.said, TEXT, world.clock()))
    world.pass_time(timedelta(minutes=1))
    world.waiver.ask(ID, ONE, TEXT[:200], TEXT[:200], "2099-12-31", caller, TEXT, world.clock())
    world.activity.append(Event(f"target:{ID}", TEXT, world.clock(), TEXT))
    found = Found(TEXT, TEXT, TEXT, TEXT, TEXT)
    exposure = Exposure(
        target=ID,
        image="node",
        digest=ONE,
        standing=Standing.EXPOSED,
        since=world.clock(),
        detail=TEXT,
        findings=(found,),
        count=1,
        exploited=(found,),
    )
    world.waves.insert(hostile_wave())
    world.watches.put(world.watches.get(), Watch(exposures=(exposure,)))
    return world


def hostile_wave() -> Wave:
    """A wave on hold, of which strangers wrote every text."""
    ended = Ended(attempt=1, passed=False, kind=EndKind.BUILD, run=TEXT, moved_too=(TEXT,), log="rebuild-1.log")
    result = Result(target=TEXT, number=2, ended=ended)
    told = Member(
        target=TEXT, owner=TEXT, canary=True, after=(TEXT,), baseline_run=TEXT, results=(result,), detail=TEXT
    )
    return Wave(
        registry=BASE,
        repository="base/node",
        tag=Tag("22-alpine"),
        number=2,
        digest=ONE,
        planned_at=World().clock(),
        members=(told,),
        outside=(Outside(TEXT, TEXT),),
        state=WaveState.HELD,
        reason=Reason.CANARY_FAILED,
        detail=TEXT,
        spoken=Spoken(Word.CONTINUE, Said(TEXT, TEXT, World().clock())),
        image=TEXT,
    )


@pytest.fixture(scope="module")
def browser() -> Browser:
    """Somebody with a hostile name before a hostile world."""
    reader = Caller(Kind.PERSON, TEXT, TEXT, frozenset({Role.APPROVER}))
    return Browser(hostile_world(), reader)


def paths(browser: Browser) -> list[str]:
    """Every page there is of that world."""
    found = next(one.record.id for one in browser.parts.candidates.current())
    return [
        "pages",
        "pages/images",
        f"pages/images?text={'%3Cscript%3Ealert(1)%3C/script%3E'}",
        "pages/images/node",
        f"pages/candidates/{found}",
        f"pages/targets/{ID}",
        "pages/approvals",
        "pages/dependants",
        "pages/exposure",
        "pages/activity",
        f"pages/activity?subject=target:{ID}",
        "pages/system",
        "pages/nothing",
        "pages/images/node/impact",
        "pages/waves",
        f"pages/waves/{ID}~2",
    ]


@pytest.mark.parametrize("number", range(16))
def test_what_strangers_write_is_text_on_every_page(browser: Browser, number: int) -> None:
    browser.pages.boards.forget()
    path = paths(browser)[number]
    answer = browser.ask(path)
    assert answer.status_code == (404 if path == "pages/nothing" else 200)
    read = Read(answer.get_body().decode())
    assert all(one.startswith("/api/pages/script.js?v=") for one in read.scripts)
    assert len(read.scripts) == 1
    assert "img" not in read.elements
    assert read.forbidden == []
    assert read.foreign == []
    assert read.unbalanced == []
    assert read.open == []
    assert "{{ 7 * 7 }}{% raw %}" in read.words
    assert "<script>alert(1)</script>" in read.words  # the reader's own name, at the least
    assert not set(read.words) & {"\u202e", "\u200b", "\x00", "\x1b"}


def test_hostile_texts_are_really_on_the_pages_they_are_meant_for(browser: Browser) -> None:
    for number in (4, 5, 6, 8, 9, 10, 14, 15):
        words = Read(browser.ask(paths(browser)[number]).get_body().decode()).words
        assert words.count("onerror=alert(1)") > 1, paths(browser)[number]


def test_names_are_cut_and_say_so_and_nothing_is_invisible() -> None:
    assert outside("x" * 400) == "x" * LONGEST + "… (100 characters more)"
    assert visible("a\u202eb\x00c\u00a0d") == "a⟨U+202E⟩b⟨U+0000⟩c⟨U+00A0⟩d"
    assert lines_of("one\ntwo\tthree\r") == "one\ntwo\tthree⟨U+000D⟩"
    assert visible("café 日本語 ✓") == "café 日本語 ✓"


@given(st.text(max_size=500))
def test_every_character_of_any_text_can_be_seen(text: str) -> None:
    assert outside(text).isprintable()


def test_no_template_says_that_a_text_is_safe_and_none_holds_style_or_script() -> None:
    odd = re.compile(r"\|\s*safe|autoescape|Markup|\sstyle=|\son[a-z]+=|<script>|javascript:|https?:")
    templates = sorted((PAGES_FOLDER / "templates").glob("*.html"))
    assert len(templates) > 8
    for path in templates:
        assert not odd.search(path.read_text()), path


def test_no_module_makes_markup_of_a_text() -> None:
    for path in PAGES_FOLDER.rglob("*.py"):
        assert "Markup(" not in path.read_text(), path


def test_what_a_page_loads_is_small_and_of_its_own() -> None:
    assert (PAGES_FOLDER / "assets" / "script.js").stat().st_size <= 3 * 1024
    assert "http" not in (PAGES_FOLDER / "assets" / "style.css").read_text()
    assert "innerHTML" not in (PAGES_FOLDER / "assets" / "script.js").read_text()
    assert HEADERS["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; frame-ancestors 'none'; "
        "form-action 'self'; base-uri 'none'"
    )


@pytest.mark.parametrize("begin", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1"])
def test_nothing_in_a_saved_table_is_a_formula(begin: str) -> None:
    world = World()
    world.activity.append(Event("watch-list", "told", world.clock(), begin))
    answer = Browser(world).ask("pages/activity.csv")
    assert f"'{begin}" in answer.get_body().decode()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="activity.csv"'
