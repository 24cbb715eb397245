"""The pages over everything in memory, asked as the Functions host asks: who reads them is whoever the test says."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

from shared import serving
from shared.admitting import checked_file
from shared.domain.access.callers import Caller, Kind, Role
from shared.flows.compare_file import FileComparer
from shared.flows.exposure import ExposureTeller
from shared.flows.impact import ImpactTeller
from shared.flows.overview import Overview
from shared.flows.write_file import FileWriter
from shared.page_serving import Pages
from shared.rules.impacts import Impacts
from shared.watch_list_yaml import parse_watch_list
from shared.web.pages.front import PageFront
from tests.doubles.configuration_files import InMemoryFiles
from tests.doubles.form_keys import InMemoryFormKeys
from tests.doubles.world import BASE, BASE_SERVER, World

READER = Caller(Kind.PERSON, "11-22@33-44", "Ada", frozenset({Role.READER}))
APPROVER = Caller(Kind.PERSON, "55-66@33-44", "Bob", frozenset({Role.APPROVER}))


def parts_of(world: World, *, sign_in: bool = True, installation: str = "") -> Any:
    """Return the parts of the app that pages are made of, as they are in memory."""
    overview = Overview(world.observations, world.targets, world.candidates, world.troubles, BASE, world.tools)
    exposure = ExposureTeller(world.watches, world.targets, world.candidates, world.scan_book, world.clock)
    impacts = (world.kept_listings, world.rebuilds, world.targets, world.watch_lists.in_force, BASE, BASE_SERVER)
    impact = ImpactTeller(Impacts(*impacts, lambda registry: f"{registry}.azurecr.io"))
    settings = SimpleNamespace(sign_in=sign_in, installation=installation, base_server=BASE_SERVER, public_url="")
    settings.most_rebuilds = 4
    files = (InMemoryFiles({"images.yaml": world.configuration.text or b""}), world.configuration)
    writing = {
        "writer": FileWriter(*files, world.activity, parse_watch_list, checked_file),
        "comparer": FileComparer(*files, parse_watch_list, checked_file, world.watch_lists.in_force, 20),
    }
    agreeing = {"approver": world.approver, "waiver": world.waiver, "admissions": world.admissions}
    return SimpleNamespace(
        settings=settings,
        clock=world.clock,
        watch_lists=world.watch_lists,
        observations=world.observations,
        targets=world.targets,
        candidates=world.candidates,
        rebuilds=world.rebuilds,
        troubles=world.troubles,
        tools=world.tools,
        watches=world.watches,
        budgets=world.budgets,
        kept_listings=world.kept_listings,
        dependants=SimpleNamespace(impact=impact),
        rolling=world.rolling,
        target_book=world.book,
        activity=world.activity,
        evidence=world.evidence,
        sources=world.sources,
        rulings=world.rulings,
        overview=overview,
        dead_letters=world.dead_letters,
        api_keys=SimpleNamespace(every=lambda: ()),
        form_keys=InMemoryFormKeys(),
        actor=world.actor,
        ruler=world.ruler,
        retrier=world.retrier,
        notifying=world.notifying,
        # No page exports, imports, lists keys or keeps house.
        travelling=world.travelling,
        deciding=SimpleNamespace(export=None, bring_back=None),
        housekeeping=SimpleNamespace(listing=None, ask=None),
        records=SimpleNamespace(listed=None),
        admitting=SimpleNamespace(
            exposure_teller=exposure,
            exceptions=world.exceptions,
            **agreeing,
            **writing,
            answerability=world.answerability,
        ),
    )


class Browser:
    """Asks for pages.

    Args:
        world: everything in memory.
        caller: who asks.
        sign_in: whether people sign in.
        installation: name of the installation.
    """

    def __init__(self, world: World, caller: Caller = READER, *, sign_in: bool = True, installation: str = "") -> None:
        self.caller = caller
        self.parts = parts_of(world, sign_in=sign_in, installation=installation)
        self.pages = Pages(self.parts, lambda _: self.caller, serving._acting(self.parts))
        self.front: PageFront = self.pages.front

    def ask(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> func.HttpResponse:
        """Ask for a page below ``/api/``, as the Functions host does."""
        return self.front.serve(request_for(path, method, headers or {}, body))

    def read(self, path: str = "pages") -> str:
        """Return a page's text, which there has to be."""
        self.pages.boards.forget()
        answer = self.ask(path)
        assert answer.status_code == 200, answer.get_body().decode()
        return answer.get_body().decode()


def request_for(
    path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> func.HttpRequest:
    """Return a request for a path below ``/api/``."""
    url = urlsplit(f"https://tidegate.example/api/{path}")
    route = {"path": path.partition("?")[0]}
    return func.HttpRequest(
        method,
        url.geturl(),
        headers=dict(headers or {}),
        params=dict(parse_qsl(url.query)),
        route_params=route,
        body=body,
    )
