"""What the log of a scan's run is read as: an answer, if it is whole and this run's own, and none otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gate.run_log import LEFT_OUT
from shared.domain.gate.words import words_of
from shared.domain.policy.policy import Mode, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.references import Digest
from shared.domain.scan.database import Database
from shared.domain.scan.decision import Decision, Outcome, Reason
from shared.domain.scan.reading import read_report
from shared.domain.scan.report import LeftOut, NoAnswer, Report, Subject, Trouble
from shared.domain.scan.run_log import ScanAnswer, read_scan_log, scan_step
from shared.domain.scan.run_rows import UnknownRow, words_of_row
from shared.domain.scan.verdict import Evidence, judge
from tests.doubles.gates import WORDS
from tests.doubles.scans import CRITICAL, LINUX, UPDATED, scan_log
from tests.unit.domain.scan.reports import DIGEST, NOW, SAMPLES

pytestmark = pytest.mark.unit

IMAGE = Digest(DIGEST)
ARM = "linux/arm64"
POLICY = Policy("standard", scan=ScanCheck())
CLEAN = scan_log(WORDS, IMAGE)
FOUND = scan_log(WORDS, IMAGE, {LINUX: [CRITICAL], ARM: ()})
LOGS = st.sampled_from([CLEAN, FOUND])


def read(log: str, *platforms: str) -> ScanAnswer:
    return read_scan_log(log, WORDS, IMAGE, platforms or (LINUX,))


def only(log: str) -> Report | NoAnswer:
    return read(log).reports[LINUX]


def trouble(log: str) -> Trouble | None:
    found = only(log)
    return found.trouble if isinstance(found, NoAnswer) else None


def decided(answer: ScanAnswer, policy: Policy = POLICY, platform: str = LINUX) -> Decision:
    subject = Subject(IMAGE, platform)
    return judge(policy, Evidence(answer.reports[platform], database=answer.database, subject=subject), NOW)


def outcomes(log: str) -> set[Outcome]:
    """Return what is decided of each platform that the log was to be about."""
    platforms = (LINUX, ARM) if ARM in log else (LINUX,)
    answer = read(log, *platforms)
    return {decided(answer, platform=each).outcome for each in platforms}


def test_a_clean_scan_passes() -> None:
    answer = read(CLEAN)
    assert answer.database == Database(UPDATED)
    assert decided(answer).outcome is Outcome.PASS


def test_a_scan_with_a_finding_is_told_with_all_that_decides_about_it() -> None:
    answer = read(FOUND, LINUX, ARM)
    report = answer.reports[LINUX]
    assert isinstance(report, Report)
    finding = report.findings[0]
    assert msgspec.structs.asdict(finding) == {
        "id": "CVE-2026-0001",
        "package": "libssl3",
        "installed": "3.0.11-1",
        "fixed": "3.0.15-1",
        "severity": Severity.CRITICAL,
        "fixable": True,
        "purl": "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12.7",
        "place": "",
        "suppressed": "",
    }
    assert decided(answer).outcome is Outcome.REJECT
    assert decided(answer, platform=ARM).outcome is Outcome.PASS


def test_lines_may_end_as_on_windows() -> None:
    assert read(FOUND.replace("\n", "\r\n"), LINUX, ARM) == read(FOUND, LINUX, ARM)


def test_a_log_of_another_image_or_of_other_platforms_is_no_answer() -> None:
    other = read_scan_log(CLEAN, WORDS, Digest("sha256:" + "0f" * 32), (LINUX,))
    assert isinstance(other.reports[LINUX], NoAnswer)
    assert all(isinstance(each, NoAnswer) for each in read(CLEAN, LINUX, ARM).reports.values())
    assert all(isinstance(each, NoAnswer) for each in read(FOUND, ARM, LINUX).reports.values())


def test_a_log_of_another_run_is_no_answer() -> None:
    assert trouble(scan_log(words_of("another secret", 1, 1), IMAGE)) is Trouble.SCANNER_FAILED


def test_a_database_of_which_nothing_is_said_holds() -> None:
    for said in ("database {}", "database [", 'database {"Version": 2}', 'database {"UpdatedAt": "soon"}'):
        log = CLEAN.replace(
            next(line for line in CLEAN.splitlines() if " database " in line), f"{WORDS.nonce} 2 {said}"
        )
        answer = read(log)
        assert answer.database == Database(None)
        assert decided(answer).reasons == (Reason.DATABASE_UNKNOWN,)


def test_a_platform_without_a_report_is_told_with_what_the_scanner_said_of_it() -> None:
    fatal = "2026-11-25T23:44:46Z\tFATAL\tFatal error\t1 error occurred:\n\t* remote error: no child with platform\n"
    answer = read(scan_log(WORDS, IMAGE, {LINUX: fatal, ARM: ()}), LINUX, ARM)
    none = answer.reports[LINUX]
    assert isinstance(none, NoAnswer)
    assert none.trouble is Trouble.SCANNER_FAILED
    assert none.detail.endswith("remote error: no child with platform")
    assert isinstance(answer.reports[ARM], Report)


def test_a_scanner_that_panics_is_told_so() -> None:
    assert trouble(scan_log(WORDS, IMAGE, {LINUX: "panic: runtime error\n\ngoroutine 1 [running]:"})) is (
        Trouble.SCANNER_PANICKED
    )


def test_a_run_that_could_not_begin_is_told_with_the_engines_words() -> None:
    log = f"failed to run step ID: {WORDS.begin_step}: exit status 125\n"
    none = only(log)
    assert isinstance(none, NoAnswer)
    assert none.trouble is Trouble.SCANNER_FAILED
    assert "exit status 125" in none.detail


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="Trivy's samples are not on this machine")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("errors/*.txt")), ids=lambda path: path.name)
def test_whatever_a_scanner_says_that_fails_is_the_same_trouble_as_where_its_report_should_be(path: Path) -> None:
    text = path.read_text()
    there = read_report(text.encode())
    assert isinstance(there, NoAnswer)
    assert trouble(scan_log(WORDS, IMAGE, {LINUX: text})) is there.trouble


@given(st.text())
def test_no_text_is_an_answer_but_one_with_the_words(text: str) -> None:
    assert isinstance(only(text), NoAnswer)


@given(st.lists(st.text(), min_size=1), LOGS)
def test_no_rows_of_any_text_make_it_fail_or_pass(rows: list[str], log: str) -> None:
    answer = read("\n".join(f"{WORDS.nonce} {number} {row}" for number, row in enumerate([*rows, "end"], 1)))
    assert isinstance(answer.reports[LINUX], NoAnswer)
    odd = [f"{WORDS.nonce} {number} {row}" for number, row in enumerate([*rows_of(log)[:-2], *rows, "end"], 1)]
    assert Outcome.PASS not in outcomes("\n".join(odd))


def rows_of(log: str) -> list[str]:
    """Return the rows of a log, without word and number."""
    return [line.split(" ", 2)[2] for line in log.splitlines() if line.startswith(WORDS.nonce)]


@given(LOGS, st.data())
def test_a_log_that_ends_anywhere_is_no_answer_until_it_says_its_last_word(log: str, data: st.DataObject) -> None:
    whole = log.index(" end\n") + len(" end")
    end = data.draw(st.integers(0, whole - 1))
    assert Outcome.PASS not in outcomes(log[:end])
    assert all(isinstance(each, NoAnswer) for each in read(log[:end]).reports.values())


@given(LOGS, st.data())
def test_a_log_of_which_a_row_is_missing_doubled_or_in_another_place_is_no_answer(
    log: str, data: st.DataObject
) -> None:
    lines = log.splitlines()
    places = [number for number, line in enumerate(lines) if line.startswith(WORDS.nonce)]
    one, other = data.draw(st.sampled_from(places)), data.draw(st.sampled_from(places))
    missing = [*lines[:one], *lines[one + 1 :]]
    doubled = [*lines[:other], lines[one], *lines[other:]]
    swapped = [*lines]
    swapped[one], swapped[other] = lines[other], lines[one]
    for damaged in (missing, doubled, *([swapped] if one != other else [])):
        assert all(isinstance(each, NoAnswer) for each in read("\n".join(damaged), LINUX, ARM).reports.values())
        assert Outcome.PASS not in outcomes("\n".join(damaged))


@given(LOGS, st.data())
def test_a_log_of_which_the_middle_is_left_out_is_cut_off(log: str, data: st.DataObject) -> None:
    lines = log.splitlines()
    places = [number for number, line in enumerate(lines) if line.startswith(WORDS.nonce)]
    begin = data.draw(st.integers(places[0] + 1, places[-1] - 1))
    end = data.draw(st.integers(begin + 1, places[-1]))
    shortened = "\n".join([*lines[:begin], f"{LEFT_OUT}: the middle of 9999999 bytes", *lines[end:]])
    assert trouble(shortened) is Trouble.CUT_OFF


@given(LOGS, st.lists(st.tuples(st.integers(0, 40), st.text())), st.from_regex(r"\A[0-9a-f]{32}\Z"))
def test_rows_without_the_word_or_with_another_change_nothing(
    log: str, forged: list[tuple[int, str]], word: str
) -> None:
    lines = log.splitlines()
    for at, text in forged:
        lines.insert(at % len(lines), f"{text} {word} 3 end".replace("\n", " "))
        lines.insert(at % len(lines), f"{word} 1 begin 1 {IMAGE}")
        lines.insert(at % len(lines), f" {WORDS.nonce} 1 end")
    assert read("\n".join(lines), LINUX, ARM) == read(log, LINUX, ARM)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("done 1 0", "done 2 0"),
        ("done 1 0", "done 0 0"),
        ("done 1 0", "done 1 1"),
        ("count os-pkgs 1 3 1", "count os-pkgs 1 3 2"),
        ("count os-pkgs 1 3 1", "count os-pkgs 1 3"),
        ("count others 0 0 0", "count lang-pkgs 0 0 0"),
        ("count others 0 0 0", "count others 0 0 -1"),
        ("f C fixed", "f X fixed"),
        ("f C fixed", "f C"),
        ("f C fixed", "g C fixed"),
        ('p "libssl3"', "p libssl3"),
        ('"CVE-2026-0001"', '"CVE-2026-0001'),
        ('"CVE-2026-0001"', '"CVE-\\q"'),
        ("about SchemaVersion 2", "about SchemaVersion 3"),
        ("about SchemaVersion 2", "odd SchemaVersion"),
        ("about os.Name", "about os.Family"),
    ],
)
def test_a_row_that_no_run_writes_is_no_answer(was: str, becomes: str) -> None:
    log = scan_log(WORDS, IMAGE, {LINUX: [CRITICAL]})
    assert was in log
    assert isinstance(only(log.replace(was, becomes)), NoAnswer)


NAMES = st.text(st.characters(codec="utf-8"))


@given(NAMES)
def test_every_name_is_read_as_it_was_quoted(name: str) -> None:
    assert words_of_row(f"{quoted(name)} x") == [(name, True), ("x", False)]


def quoted(text: str) -> str:
    """Quote a text as Go does by ``%+q``, with its escapes for what is beyond the first plane, and for bytes."""
    plain = json.dumps(text)[1:-1] if all(ord(each) < 0x10000 for each in text) else ""
    made = plain or "".join(f"\\U{ord(each):08x}" for each in text)
    return f'"{made}"'.replace("\\u007f", "\\x7f").replace("\x7f", "\\x7f")


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\U00110000"'])
def test_what_is_no_character_is_read_as_the_one_that_says_so(text: str) -> None:
    assert words_of_row(text) == [("\ufffd", True)]


@given(st.text())
def test_any_row_is_words_or_none(row: str) -> None:
    try:
        assert all(word is not None for word, _ in words_of_row(row))
    except UnknownRow as error:
        assert str(error)


def left_out(severity: str, count: int = 3) -> str:
    rows = [CRITICAL.replace(" f C ", " f L "), f"left {severity} {count}"]
    log = scan_log(WORDS, IMAGE, {LINUX: rows})
    return log.replace("count os-pkgs 1 3 2", f"count os-pkgs 1 3 {count + 1}").replace("done 2 0", f"done 1 {count}")


def test_what_is_left_out_is_counted_by_severity_and_by_whether_it_can_be_mended() -> None:
    report = only(left_out("H-"))
    assert isinstance(report, Report)
    assert report.left_out == (LeftOut(Severity.HIGH, fixable=False, count=3),)
    assert report.coverage.findings == 4


BY = {
    "high": ScanCheck(),
    "fixable": ScanCheck(fixable=True),
    "critical": ScanCheck(block=Severity.CRITICAL),
    "exploited": ScanCheck(block=Severity.CRITICAL, known_exploited=Mode.ENFORCE),
    "delta": ScanCheck(delta=True),
}


@pytest.mark.parametrize(
    ("by", "severity", "outcome"),
    [
        ("high", "H+", Outcome.HOLD),
        ("high", "C-", Outcome.HOLD),
        ("high", "-+", Outcome.HOLD),
        ("high", "M+", Outcome.PASS),
        ("fixable", "H+", Outcome.HOLD),
        ("fixable", "H-", Outcome.PASS),
        ("critical", "H+", Outcome.PASS),
        ("exploited", "L-", Outcome.HOLD),
        ("delta", "H+", Outcome.HOLD),
    ],
)
def test_what_is_left_out_holds_if_it_could_block_and_is_told_if_not(by: str, severity: str, outcome: Outcome) -> None:
    decision = decided(read(left_out(severity)), Policy("it", scan=BY[by]))
    assert decision.outcome is outcome
    assert Reason.FINDINGS_LEFT_OUT in decision.reasons


def test_what_blocks_rejects_whatever_else_is_left_out() -> None:
    log = left_out("H+").replace(" f L ", " f C ")
    assert decided(read(log)).outcome is Outcome.REJECT


def test_what_a_base_leaves_out_may_be_what_rejects() -> None:
    base, image = only(left_out("H+")), only(scan_log(WORDS, IMAGE, {LINUX: [CRITICAL]}))
    evidence = Evidence(image, base=base, database=Database(UPDATED))
    decision = judge(Policy("it", scan=ScanCheck(delta=True)), evidence, NOW)
    assert (decision.outcome, Reason.BASE_REPORT_UNUSABLE in decision.reasons) == (Outcome.HOLD, True)


def test_what_is_left_out_is_not_told_as_mended() -> None:
    base, image = only(scan_log(WORDS, IMAGE, {LINUX: [CRITICAL]})), only(left_out("L+").replace("0001", "0002"))
    decision = judge(POLICY, Evidence(image, base=base, database=Database(UPDATED)), NOW)
    assert {each.id for each in decision.findings} == {"CVE-2026-0002"}


def test_each_platforms_steps_have_ids_of_their_own() -> None:
    assert scan_step(WORDS, 1) != scan_step(WORDS, 2)
