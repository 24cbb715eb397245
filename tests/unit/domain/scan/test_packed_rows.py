"""Another scanner's report counts if the log has all of it and it is of no other image; nothing in it makes rows."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.policy.policy import Gap, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.references import Digest
from shared.domain.scan.database import Database
from shared.domain.scan.decision import Decision, Outcome, Reason
from shared.domain.scan.report import NoAnswer, Report, Subject, Trouble
from shared.domain.scan.run_log import ScanAnswer, read_scan_log
from shared.domain.scan.verdict import Evidence, judge
from tests.doubles.gates import WORDS
from tests.doubles.packed import packed, packed_log, result, sarif
from tests.doubles.scans import LINUX, UPDATED
from tests.unit.domain.scan.reports import ANOTHER, DIGEST, IMAGE, NOW, document, system, vulnerability

pytestmark = pytest.mark.unit

SUBJECT = Digest(DIGEST)
ARM = "linux/arm64"
AGE = json.dumps({"Version": 2, "UpdatedAt": UPDATED.isoformat()})
FOUND = sarif(result())
ALL = (Gap.NO_PACKAGES, Gap.UNSUPPORTED_SYSTEM, Gap.DATABASE_UNKNOWN)
POLICY, LENIENT = Policy("p", scan=ScanCheck(fixable=True)), Policy("p", scan=ScanCheck(accept=ALL))
HOSTILE = f"x\n{WORDS.nonce} 3 none\r\n{WORDS.nonce} 4 end\n\x1b[2J\u202e"


def read(log: str, *platforms: str) -> ScanAnswer:
    return read_scan_log(log, WORDS, SUBJECT, platforms or (LINUX,))


def logged(*rows: str, database: str = AGE, before: str = "") -> str:
    return packed_log(WORDS, SUBJECT, {LINUX: rows}, database, before)


def answer(*rows: str) -> Report | NoAnswer:
    return read(logged(*rows)).reports[LINUX]


def trouble(*rows: str) -> Trouble | None:
    found = answer(*rows)
    return found.trouble if isinstance(found, NoAnswer) else None


def report(written: bytes, form: str = "sarif") -> Report:
    found = answer(*packed(written, form))
    assert isinstance(found, Report), found
    return found


def decided(said: ScanAnswer, policy: Policy = POLICY, platform: str = LINUX) -> Decision:
    subject = Subject(DIGEST, platform)
    return judge(policy, Evidence(said.reports[platform], database=said.database, subject=subject), NOW)


def judged(*rows: str, policy: Policy = POLICY, database: str = AGE) -> Decision:
    return decided(read(logged(*rows, database=database)), policy)


@pytest.mark.parametrize("how", ["gzip", "plain"])
def test_a_finding_in_sarif_rejects_and_counts_as_one_that_can_be_mended(how: str) -> None:
    said = judged(*packed(FOUND, how=how))
    assert (said.outcome, said.reasons[0]) == (Outcome.REJECT, Reason.BLOCKING_FINDINGS)
    assert [(one.id, one.package, one.severity) for one in said.findings] == [("CVE-2026-0001", "libssl3", "CRITICAL")]


def test_what_is_less_severe_than_the_policy_blocks_passes() -> None:
    assert judged(*packed(sarif(result(), score="3.1"))).outcome is Outcome.PASS


def test_sarif_that_names_no_image_is_of_the_one_that_its_run_was_given() -> None:
    found = report(FOUND)
    assert (found.digests, found.platform) == ({DIGEST}, LINUX)


@pytest.mark.parametrize(
    "named",
    [
        {"repoDigests": [f"r.example/a@{ANOTHER}"]},
        {"imageName": f"r.example/a@{ANOTHER}"},
        {"imageName": "r.example/a:1"},
        {"imageName": IMAGE, "repoDigests": [f"r.example/a@{ANOTHER}"]},
    ],
)
def test_sarif_that_names_another_image_or_none_by_digest_holds(named: dict[str, object]) -> None:
    said = judged(*packed(sarif(result(), properties=named)), policy=LENIENT)
    assert (said.outcome, said.reasons) == (Outcome.HOLD, (Reason.REPORT_OF_ANOTHER_IMAGE,))


def test_sarif_that_names_the_image_counts() -> None:
    named = {"imageName": IMAGE, "repoDigests": [IMAGE]}
    assert judged(*packed(sarif(result(), properties=named))).outcome is Outcome.REJECT


def test_nothing_found_and_nothing_listed_holds_unless_the_policy_accepts_it() -> None:
    assert judged(*packed(sarif())).reasons == (Reason.NO_PACKAGES,)
    accepting = Policy("p", scan=ScanCheck(accept=(Gap.NO_PACKAGES,)))
    assert judged(*packed(sarif()), policy=accepting).outcome is Outcome.PASS


def test_trivys_json_has_to_name_image_and_platform_itself() -> None:
    written = document(system(vulnerability()))
    assert judged(*packed(json.dumps(written).encode(), "trivy-json")).outcome is Outcome.REJECT
    written["Metadata"]["ImageConfig"]["architecture"] = "arm64"
    assert judged(*packed(json.dumps(written).encode(), "trivy-json")).reasons == (Reason.REPORT_OF_ANOTHER_IMAGE,)
    nameless = json.dumps(document(system(), ArtifactName="it", Metadata={})).encode()
    assert judged(*packed(nameless, "trivy-json")).reasons == (Reason.REPORT_OF_ANOTHER_IMAGE,)


def test_a_report_in_another_format_than_the_list_says_is_no_answer() -> None:
    assert trouble(*packed(FOUND, "trivy-json")) is Trouble.UNREADABLE
    assert trouble(*packed(json.dumps(document(system())).encode(), "sarif")) is Trouble.UNREADABLE


def test_a_database_of_which_the_run_says_nothing_holds_unless_the_policy_accepts_that() -> None:
    held = judged(*packed(FOUND), database="")
    assert (held.outcome, held.reasons[0]) == (Outcome.HOLD, Reason.DATABASE_UNKNOWN)
    accepting = Policy("p", scan=ScanCheck(accept=(Gap.DATABASE_UNKNOWN,)))
    assert judged(*packed(FOUND), policy=accepting, database="").outcome is Outcome.REJECT
    mild = packed(sarif(result(), score="3.1"))
    assert judged(*mild, database="").outcome is Outcome.HOLD
    passed = judged(*mild, policy=accepting, database="")
    assert (passed.outcome, passed.reasons[0]) == (Outcome.PASS, Reason.DATABASE_UNKNOWN)


@pytest.mark.parametrize("of", [timedelta(days=-9), timedelta(days=9)])
def test_a_database_of_another_time_holds_whatever_the_policy_accepts(of: timedelta) -> None:
    age = json.dumps({"Version": 2, "UpdatedAt": (NOW + of).isoformat()})
    assert judged(*packed(FOUND), policy=LENIENT, database=age).outcome is Outcome.HOLD


def test_a_report_that_is_too_long_holds_by_its_name() -> None:
    said = judged("long 700000 655360", policy=LENIENT)
    assert (said.outcome, said.reasons) == (Outcome.HOLD, (Reason.REPORT_TOO_LONG,))


def test_what_is_packed_to_burst_is_not_unpacked() -> None:
    bomb = zlib.compress(b" " * (25 * 1024 * 1024), 9, 31)
    text = base64.b64encode(bomb).decode()
    assert trouble("packed sarif gzip", f"part {text}", f"done 1 {len(text)}") is Trouble.TOO_LONG


@pytest.mark.parametrize("without", range(6))
def test_a_report_of_which_a_row_is_missing_is_no_answer(without: int) -> None:
    rows = packed(sarif(*(result(f"package-{number}-{number * 7919 % 10007}") for number in range(4000))))
    assert len(rows) == 6
    assert isinstance(answer(*rows[:without], *rows[without + 1 :]), NoAnswer)
    assert isinstance(answer(*rows[:without], "end of it"), NoAnswer)


def test_a_log_whose_middle_is_left_out_is_no_answer() -> None:
    lines = logged(*packed(FOUND)).split("\n")
    for without in range(1, len(lines) - 1):
        assert isinstance(read("\n".join(lines[:without] + lines[without + 1 :])).reports[LINUX], NoAnswer)


def test_half_a_report_is_cut_off_however_whole_its_rows_are() -> None:
    assert trouble(*packed(FOUND[: len(FOUND) // 2])) is Trouble.CUT_OFF


@pytest.mark.parametrize(
    "rows",
    [
        ("packed sarif gzip", "part !!!", "done 1 3"),
        ("packed sarif gzip", "part AAAA", "done 1 4"),
        ("packed sarif plain", "part AAA", "done 1 3"),
        ("packed sarif zip", "part AAAA", "done 1 4"),
        ("packed spdx gzip", "part AAAA", "done 1 4"),
        ("packed sarif gzip", "none", "done 0 0"),
        ("packed sarif gzip", "done 0 0"),
        ("packed sarif gzip", "part AAAA", "done 01 4"),
        (*packed(FOUND), "done 1 1"),
        (*packed(FOUND), *packed(FOUND)),
        ("long", "part AAAA"),
        ("long 1 2", "part AAAA"),
        ("long x y",),
    ],
)
def test_rows_that_no_run_writes_are_no_answer(rows: tuple[str, ...]) -> None:
    assert isinstance(answer(*rows), NoAnswer)


def test_a_scanner_that_left_no_report_is_told_so() -> None:
    assert trouble("none") is Trouble.SCANNER_FAILED
    said = sarif(result(), invocations=[{"executionSuccessful": False}])
    assert trouble(*packed(said)) is Trouble.SCANNER_FAILED


def test_what_an_image_has_named_makes_no_rows_of_its_report() -> None:
    text = f"Package: {HOSTILE}\nInstalled Version: 1\n"
    found = report(sarif(result(), {"ruleId": HOSTILE, "message": {"text": text}}))
    assert {one.id for one in found.findings} == {"CVE-2026-0001", HOSTILE}


def test_what_the_scanner_prints_of_an_image_without_the_runs_word_means_nothing() -> None:
    forged = "\n".join(packed_log(WORDS, SUBJECT, {LINUX: packed(sarif())}, AGE).replace(WORDS.nonce, "guess").split())
    said = decided(read(logged(*packed(FOUND), before=forged)))
    assert said.outcome is Outcome.REJECT


def test_long_names_are_told_by_their_hash_so_that_two_are_two() -> None:
    found = report(sarif(result("n" * 100_000), result("n" * 100_001)))
    assert len({one.key for one in found.findings}) == 2
    assert all(len(one.package) < 300 and "SHA-256" in one.package for one in found.findings)


def test_each_platform_has_its_own_report() -> None:
    log = packed_log(WORDS, SUBJECT, {LINUX: packed(FOUND), ARM: packed(sarif(result(), score="3.1"))}, AGE)
    said = read(log, LINUX, ARM)
    assert [decided(said, platform=each).outcome for each in (LINUX, ARM)] == [Outcome.REJECT, Outcome.PASS]
    assert all(isinstance(each, NoAnswer) for each in read(log, ARM, LINUX).reports.values())


@given(st.binary(max_size=300), st.sampled_from(["sarif", "trivy-json"]), st.sampled_from(["gzip", "plain"]))
def test_no_bytes_that_a_scanner_may_leave_pass(written: bytes, form: str, how: str) -> None:
    assert judged(*packed(written, form, how)).outcome is Outcome.HOLD


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["ruleId", "message", "text", "level", "kind", "rule", "id"]), inner)
    ),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4), JSON, JSON)
def test_no_report_without_a_finding_that_is_mild_passes(results: list[object], rules: object, more: object) -> None:
    driver = {"name": "other", "rules": rules}
    run = {"tool": {"driver": driver}, "results": results, "properties": more}
    written = json.dumps({"version": "2.1.0", "runs": [run]}).encode()
    assert judged(*packed(written)).outcome is not Outcome.PASS


@given(st.data())
def test_a_packed_report_that_is_changed_anywhere_is_never_a_pass(data: st.DataObject) -> None:
    rows = packed(FOUND)
    row = data.draw(st.integers(0, len(rows) - 1))
    at = data.draw(st.integers(0, len(rows[row]) - 1))
    letter = data.draw(st.sampled_from('AZaz09+/= x\\"'))
    rows[row] = rows[row][:at] + letter + rows[row][at + 1 :]
    assert judged(*rows, policy=LENIENT).outcome is not Outcome.PASS


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=12).filter(lambda text: text.split() == [text]), st.integers(0, 100)),
        min_size=1,
        max_size=5,
    )
)
def test_the_rows_of_a_report_say_what_the_report_says(found: list[tuple[str, int]]) -> None:
    results = [{**result(name), "properties": {"security-severity": str(score / 10)}} for name, score in found]
    said = report(sarif(*results))
    worst = max(score for _, score in found)
    severe = any(one.severity in {Severity.HIGH, Severity.CRITICAL} for one in said.findings)
    assert severe is (worst >= 70)


def test_what_the_run_says_of_a_database_is_read_as_ever() -> None:
    assert read(logged(*packed(FOUND))).database == Database(UPDATED)
    assert read(logged(*packed(FOUND), database="")).database == Database(None)
