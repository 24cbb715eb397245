"""Forms as a browser reads them off a page and sends them, by nothing but what the page says."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urlencode

import azure.functions as func

from tests.doubles.paged import Browser

FROM_OURS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Sec-Fetch-Site": "same-origin",
    "Origin": "https://tidegate.example",
}


class _Reader(HTMLParser):
    """Reads the forms that are sent by POST."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._inside = False
        self._typing = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See ``HTMLParser``."""
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = said.get("method") == "post"
            if self._inside:
                self.forms.append((said["action"], {}))
        elif tag == "input" and self._inside:
            self.forms[-1][1][said["name"]] = said.get("value", "")
        elif tag == "textarea" and self._inside:
            self._typing = said["name"]
            self.forms[-1][1][self._typing] = ""

    def handle_data(self, data: str) -> None:
        """Add to the text that stands in a form; its first line end is the markup's."""
        if self._typing:
            known = self.forms[-1][1][self._typing]
            self.forms[-1][1][self._typing] = known + (data if known else data.removeprefix("\n"))

    def handle_endtag(self, tag: str) -> None:
        """See ``HTMLParser``."""
        self._inside = self._inside and tag != "form"
        self._typing = "" if tag == "textarea" else self._typing


def forms_of(text: str) -> list[tuple[str, dict[str, str]]]:
    """Return the address and the fields of every form that a page sends by POST."""
    reader = _Reader()
    reader.feed(text)
    return reader.forms


def form_of(browser: Browser, target: str, act: str, digest: str = "") -> dict[str, str]:
    """Return the fields of one form on a tag's page, which there has to be."""
    found = [fields for _, fields in forms_of(browser.read(f"pages/targets/{target}")) if fields["act"] == act]
    return next(fields for fields in found if digest in {"", fields["digest"]})


def send(
    browser: Browser, target: str, fields: Mapping[str, str], headers: Mapping[str, str] = FROM_OURS
) -> func.HttpResponse:
    """Send a form as a browser does."""
    return browser.ask(f"pages/targets/{target}", "POST", headers, urlencode(fields).encode())
