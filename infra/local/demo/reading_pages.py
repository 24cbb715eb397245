"""What a person does with a browser and a chat: read a form off a page, fill it in, and read a card with its button."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

from infra.local.demo.watching import SceneFailed, Watcher, expect
from infra.local.topology import Topology

# What a browser says of a form that it sends from the page it is on: https://www.w3.org/TR/fetch-metadata/
_FROM_THE_PAGE = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Form:
    """A form that a page sends by POST.

    Attributes:
        action: where to.
        fields: its fields and what they hold.
    """

    action: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Card:
    """A card as it is posted to the channel.

    Attributes:
        title: its first line.
        text: all of its lines.
        link: what its button opens; empty if it has none.
    """

    title: str
    text: str
    link: str


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._is_inside = False
        self._typed = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form" and said.get("method") == "post":
            self._is_inside = True
            self.found.append(Form(said["action"], {}))
        elif tag == "input" and self._is_inside:
            self.found[-1].fields[said["name"]] = said.get("value", "")
        elif tag == "textarea" and self._is_inside:
            self._typed = said["name"]
            self.found[-1].fields[self._typed] = ""

    def handle_data(self, data: str) -> None:
        """Of a text that is typed the first end of a line is the markup's."""
        if self._typed:
            known = self.found[-1].fields[self._typed]
            self.found[-1].fields[self._typed] = known + (data if known else data.removeprefix("\n"))

    def handle_endtag(self, tag: str) -> None:
        self._is_inside = self._is_inside and tag != "form"
        self._typed = "" if tag == "textarea" else self._typed


def forms_of(page: str) -> list[Form]:
    """Return the forms that a page sends by POST."""
    reader = _Forms()
    reader.feed(page)
    return reader.found


def cards(topology: Topology) -> list[Card]:
    """Return what people see in the channel that the stand-in for Teams posts to."""
    address = f"{topology.http('control')}/received"
    answer = requests.get(address, params={"front": "teams"}, timeout=20)
    return [_card(json.loads(one["body"])) for one in answer.json() if one["shown"]]


def _card(payload: dict[str, Any]) -> Card:
    card = payload["attachments"][0]["content"]
    lines = ["".join(run["text"] for run in block["inlines"]) for block in card["body"]]
    link = next((action["url"] for action in card.get("actions", [])), "")
    return Card(lines[0], "\n".join(lines), link)


class Browser:
    """A browser in which somebody has signed in.

    Args:
        topology: of the running twin.
        watcher: asks the product.
        session: whose; see ``infra.local.host.sign_in``.
    """

    def __init__(self, topology: Topology, watcher: Watcher, session: str) -> None:
        self._base = f"{topology.http('host')}/api/"
        self._watcher = watcher
        self._session = session

    def open(self, link: str) -> str:
        """Return the page of a link.

        Raises:
            SceneFailed: it leads elsewhere, or does not open.
        """
        answer = self._ask("GET", link)
        expect(answer.status_code == 200, f"{link} opens, and does not answer {answer.status_code}: {answer.text}")
        return answer.text

    def send(self, form: Form, **filled: str) -> str:
        """Send a form with the fields that were filled in, and return the page to which its answer leads.

        Raises:
            SceneFailed: it is not taken, or leads to no page.
        """
        fields = {**form.fields, **filled}
        answer = self._ask("POST", form.action, data=fields, headers=_FROM_THE_PAGE, allow_redirects=False)
        expect(answer.status_code == 303, f"the form is taken, not answered {answer.status_code}: {answer.text}")
        return self.open(answer.headers["Location"])

    def _ask(self, method: str, link: str, **request: Any) -> requests.Response:
        whole = urljoin(self._base, link)
        if not whole.startswith(self._base):
            raise SceneFailed(f"{link} leads away from {self._base}")
        return self._watcher.person(self._session, method, whole.removeprefix(self._base), **request)
