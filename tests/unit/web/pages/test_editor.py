"""Operators read, compare and write files of the configuration on a page; what is refused loses nobody's typing."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import azure.functions as func
import pytest

from shared.configuration_ports import StoredFile
from shared.domain.access.callers import Caller, Kind, Role
from shared.web.pages.editor import LARGEST
from tests.doubles.filled_forms import FROM_OURS, forms_of
from tests.doubles.paged import APPROVER, READER, Browser
from tests.doubles.world import World

pytestmark = pytest.mark.unit

OPERATOR = Caller(Kind.PERSON, "77-88@33-44", "Cleo", frozenset({Role.OPERATOR}))
PAGE = "pages/config/images.yaml"
SECOND = "\n  - {name: python, source: python, tags: ['3.13'], target: base/python}\n"


@pytest.fixture
def browser() -> Browser:
    """An operator's browser over a world with one entry."""
    return Browser(World(), OPERATOR)


def stored(browser: Browser) -> Any:
    """The files."""
    return browser.parts.admitting.writer.files


def form(browser: Browser, page: str = PAGE) -> dict[str, str]:
    """The fields of the page's form, as the page fills them in."""
    [(address, fields)] = forms_of(browser.read(page))
    assert address == f"/api/{page}"
    return fields


def send(browser: Browser, fields: dict[str, str], do: str, page: str = PAGE) -> func.HttpResponse:
    """Send the form as a browser does, which ends every line by CR LF."""
    ended = {**fields, "text": fields["text"].replace("\n", "\r\n"), "do": do}
    return browser.ask(page, "POST", FROM_OURS, urlencode(ended).encode())


def test_an_operator_writes_the_list_and_is_told_so(browser: Browser) -> None:
    fields = form(browser)
    fields |= {"text": fields["text"].rstrip() + SECOND, "why": "python, too"}
    answer = send(browser, fields, "write")
    assert answer.status_code == 303
    assert stored(browser).read("images.yaml").content == fields["text"].encode()
    page = browser.read(answer.headers["Location"].removeprefix("/api/").partition("#")[0])
    assert "images.yaml</bdi>: You wrote it" in page
    [line] = browser.parts.activity.of("file:config/images.yaml", 5)
    assert line.detail.endswith("says Cleo (person 77-88@33-44): python, too")


def test_a_file_that_is_written_as_it_was_shown_is_the_same_to_the_byte(browser: Browser) -> None:
    text = "\n\n# <b>&amp;</b>  \n" + browser.parts.admitting.writer.files.read("images.yaml").content.decode() + "\n\n"
    for content in (text.encode(), text.replace("\n", "\r\n").encode()):
        stored(browser).kept["images.yaml"] = StoredFile(content, "7")
        assert send(browser, form(browser), "write").status_code == 303
        assert stored(browser).read("images.yaml") == StoredFile(content, "7")


def test_what_a_text_would_change_is_shown_and_nothing_is_written(browser: Browser) -> None:
    before, fields = stored(browser).read("images.yaml"), form(browser)
    fields["text"] = fields["text"].rstrip() + SECOND
    page = send(browser, fields, "compare")
    text = page.get_body().decode()
    assert (page.status_code, stored(browser).read("images.yaml")) == (200, before)
    assert "Entries added</dt><dd><bdi>python</bdi>" in text
    [(_, again)] = forms_of(text)
    assert again["text"] == fields["text"]
    assert send(browser, again, "write").status_code == 303


def test_what_is_not_valid_is_named_by_its_line_and_stays_on_the_page(browser: Browser) -> None:
    fields = form(browser)
    fields["text"] = fields["text"].rstrip() + "\n  - {name: python, sauce: python}\n"
    for do, status in (("compare", 200), ("write", 422)):
        answer = send(browser, fields, do)
        text = answer.get_body().decode()
        assert answer.status_code == status
        assert "sauce" in text
        assert "line" in text
        assert forms_of(text)[0][1]["text"] == fields["text"]


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten_and_no_typing_is_lost(browser: Browser) -> None:
    fields = form(browser)
    fields["text"] += "# mine\n"
    others = StoredFile(stored(browser).read("images.yaml").content + b"# theirs\n", "2")
    stored(browser).kept["images.yaml"] = others
    answer = send(browser, fields, "write")
    assert answer.status_code == 412
    assert "has changed since it was read" in answer.get_body().decode()
    assert forms_of(answer.get_body().decode())[0][1]["text"] == fields["text"]
    assert stored(browser).read("images.yaml") == others


def test_a_file_that_is_not_there_yet_is_made_once(browser: Browser) -> None:
    page, text = "pages/config/waivers.yaml", "[]\n"
    fields = form(browser, page) | {"text": text}
    assert send(browser, fields, "write", page).status_code == 303
    assert stored(browser).read("waivers.yaml").content == text.encode()
    assert send(browser, fields | {"text": "[ ]\n"}, "write", page).status_code == 412


def test_who_is_no_operator_reads_it_and_is_shown_no_form(browser: Browser) -> None:
    fields = form(browser)
    for caller in (READER, APPROVER):
        other = Browser(World(), caller)
        page = other.read(PAGE)
        assert '<pre class="file"' in page
        assert forms_of(page) == []
        assert send(other, fields, "write").status_code == 403


def test_a_form_of_another_file_or_an_older_one_is_refused(browser: Browser) -> None:
    fields = form(browser)
    assert send(browser, fields, "write", "pages/config/notify.yaml").status_code == 403
    assert send(browser, fields | {"etag": "2"}, "write").status_code == 403
    assert send(browser, fields, "delete").status_code == 400


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"a: \xe2\x80\xae\n", b"a: 1\r\nb: 2\n", b"#" * (LARGEST + 1), b"\x00"]
)
def test_what_would_not_come_back_as_it_was_is_not_offered(browser: Browser, content: bytes) -> None:
    stored(browser).kept["images.yaml"] = StoredFile(content, "7")
    page = browser.read(PAGE)
    assert forms_of(page) == []
    assert "by the API" in page


def test_a_file_of_that_name_cannot_be(browser: Browser) -> None:
    assert browser.ask("pages/config/..~..~secrets").status_code == 400


def test_as_much_is_taken_as_is_shown(browser: Browser) -> None:
    fields = form(browser)
    room = LARGEST - len(fields["text"].encode()) - 2
    fields["text"] += "#" + "ä" * (room // 2)
    assert send(browser, fields, "write").status_code == 303
    assert form(browser)["text"] == fields["text"]
