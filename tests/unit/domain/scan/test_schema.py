"""What a decision looks like on paper is what is printed."""

from __future__ import annotations

import json

import msgspec
import pytest

from docs.generate import pages
from tests.unit.domain.scan.reports import STANDARD, decided, report, system, vulnerability

pytestmark = pytest.mark.unit


HIGH = report(system(vulnerability()))
BASE = report(system(vulnerability(PkgName="a")))


def test_a_decision_keeps_the_schema_that_is_in_the_documents() -> None:
    schema = json.loads(pages()["docs/verdict.schema.json"])
    written = json.loads(msgspec.json.encode(decided(STANDARD, HIGH, BASE)))
    definitions = schema["$defs"]
    decision = definitions["Decision"]
    assert set(written) == set(decision["properties"]) == set(decision["required"])
    for finding in written["findings"]:
        assert set(finding) == set(definitions["Judged"]["properties"])
        assert finding["change"] in definitions["Change"]["enum"]
        assert finding["decided"] in definitions["Decided"]["enum"]
    assert set(written["reasons"]) <= set(definitions["Reason"]["enum"])
    assert written["outcome"] in definitions["Outcome"]["enum"]
