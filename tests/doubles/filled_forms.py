"""Forms as a browser reads them off a page and sends them, by nothing but what the page says."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import azure.functions as func

from infra.local.demo import reading_pages
from tests.doubles.paged import Browser

FROM_OURS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Sec-Fetch-Site": "same-origin",
    "Origin": "https://tidegate.example",
}


def forms_of(text: str) -> list[tuple[str, dict[str, str]]]:
    """Return the address and the fields of every form that a page sends by POST."""
    return [(form.action, form.fields) for form in reading_pages.forms_of(text)]


def form_of(browser: Browser, target: str, act: str, digest: str = "") -> dict[str, str]:
    """Return the fields of one form on a tag's page, which there has to be."""
    found = [fields for _, fields in forms_of(browser.read(f"pages/targets/{target}")) if fields["act"] == act]
    return next(fields for fields in found if digest in {"", fields["digest"]})


def send(
    browser: Browser, target: str, fields: Mapping[str, str], headers: Mapping[str, str] = FROM_OURS
) -> func.HttpResponse:
    """Send a form as a browser does."""
    return browser.ask(f"pages/targets/{target}", "POST", headers, urlencode(fields).encode())
