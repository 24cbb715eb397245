"""The whole HTTP API in memory: the real front, routes and flows over a world of doubles, and keys for each role."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import azure.functions as func

from shared.access_ports import StoredKey
from shared.admitting import checked_file
from shared.bootstrap import Parts
from shared.cli.exchange import Answer, Sent
from shared.dependants import Dependants
from shared.domain.access.api_keys import ApiKey, new_key
from shared.domain.access.callers import Role
from shared.domain.references import DOCKER_HUB, MCR
from shared.flows.compare_file import FileComparer
from shared.flows.exposure import ExposureTeller
from shared.flows.keep_house import HouseKeeper
from shared.flows.list_house import HouseLister
from shared.flows.overview import Overview
from shared.flows.preview import Previewer
from shared.flows.write_file import FileWriter
from shared.policy_yaml import read_one_policy
from shared.rules.answerability import Answerability
from shared.serving import front
from shared.watch_list_yaml import parse_files, parse_watch_list
from shared.web.decisions import DecisionPages
from shared.web.housekeeping import HousekeepingPages
from tests.doubles.answers import InMemoryAnswers
from tests.doubles.configuration_files import InMemoryFiles
from tests.doubles.house import Houses
from tests.doubles.world import BASE, BASE_SERVER, GHCR, World

ADDRESS = "https://tidegate.example"


class InMemoryKeys:
    """``ApiKeys`` in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, ApiKey] = {}

    def every(self) -> tuple[StoredKey, ...]:
        """See ``ApiKeys.every``."""
        return tuple(StoredKey(key, "") for key in self.kept.values())

    def add(self, key: ApiKey) -> None:
        """See ``ApiKeys.add``."""
        self.kept[key.id] = key

    def replace(self, stored: StoredKey, key: ApiKey) -> None:
        """See ``ApiKeys.replace``."""
        self.kept[stored.key.id] = key


class AppInMemory:
    """Answers requests as the app does.

    Args:
        world: what it works on.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.keys = InMemoryKeys()
        self.answers = InMemoryAnswers()
        self.house = Houses(world.clock)
        self.texts = {role: self._key(role.value, role) for role in Role}
        self.files = InMemoryFiles({"images.yaml": world.configuration.text or b""})
        self.asked: list[Sent] = []

    def send(self, sent: Sent) -> Answer:
        """See ``Send``: as the Functions host hands a request over, and back."""
        self.asked.append(sent)
        parts = urlsplit(sent.url)
        path = unquote(parts.path.removeprefix("/api/"))
        request = func.HttpRequest(
            sent.method,
            sent.url,
            headers=dict(sent.headers),
            params=dict(parse_qsl(parts.query)),
            route_params={"path": path},
            body=sent.body or b"",
        )
        answer = front(cast(Parts, self._parts())).serve(request)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, {"content-type": answer.mimetype or "", **headers}, answer.get_body())

    def id_of(self, role: Role) -> str:
        """The id of a role's key, by which a policy names a machine."""
        return next(key.id for key in self.keys.kept.values() if key.role is role)

    def _key(self, name: str, role: Role) -> str:
        key, text = new_key(name, role, self.world.clock(), self.keys.kept.values())
        self.keys.add(key)
        return text

    def _parts(self) -> Any:
        world = self.world
        return SimpleNamespace(
            **{name: value for name, value in vars(world).items() if not name.startswith("_") and name != "api_keys"},
            api_keys=self.keys,
            answers=self.answers,
            settings=SimpleNamespace(
                sign_in=False, installation="test-weu", public_url=ADDRESS, base=SimpleNamespace(name=BASE)
            ),
            overview=Overview(world.observations, world.targets, world.candidates, world.troubles, BASE, world.tools),
            upstream={DOCKER_HUB: world.hub, MCR: world.mcr, GHCR: world.ghcr}.__getitem__,
            gate_runs=SimpleNamespace(trusts=lambda _: False),
            target_book=world.book,
            admitting=self._admitting(),
            deciding=self._deciding(),
            housekeeping=self._housekeeping(),
            dependants=self._dependants(),
        )

    def _dependants(self) -> Dependants:
        world = self.world
        settings = SimpleNamespace(
            base=SimpleNamespace(name=BASE),
            base_server=BASE_SERVER,
            staging_server="tidegatestaging.azurecr.io",
            applications=[SimpleNamespace(name=name) for name in world.runs or ("tidegateapps",)],
            application_server=lambda name: BASE_SERVER if name == BASE else f"{name}.azurecr.io",
        )
        parts = ("watch_lists", "kept_listings", "rebuilds", "targets", "base", "dispatchers")
        return Dependants(
            cast(Parts, SimpleNamespace(settings=settings, **{name: getattr(world, name) for name in parts}))
        )

    def _deciding(self) -> Any:
        world = self.world
        pages = DecisionPages(lambda: world.exporter, lambda: world.importer, world.clock)
        return SimpleNamespace(export=pages.export, bring_back=pages.bring_back)

    def _housekeeping(self) -> Any:
        world, house = self.world, self.house
        keeper = HouseKeeper(house.looks(world), house.books, world.activity, lambda _: None)
        pages = HousekeepingPages(lambda: HouseLister(house.looks(world), house.books), lambda: keeper)
        return SimpleNamespace(listing=pages.listing, ask=pages.ask)

    def _admitting(self) -> Any:
        world = self.world
        teller = ExposureTeller(world.watches, world.targets, world.candidates, world.scan_book, world.clock)
        previewer = Previewer(world.admissions, world.targets, world.candidates, BASE, world.clock)
        files = (self.files, world.configuration)
        writer = FileWriter(*files, world.activity, parse_watch_list, checked_file)
        comparer = FileComparer(*files, parse_watch_list, checked_file, world.watch_lists.in_force, 20)
        return SimpleNamespace(
            exposure_teller=teller,
            previewer=previewer,
            writer=writer,
            comparer=comparer,
            approver=world.approver,
            waiver=world.waiver,
            answerability=Answerability(world.watch_lists.in_force, lambda: self.keys, sign_in=False),
            read_list=lambda files: parse_files(files, BASE_SERVER),
            read_policy=read_one_policy,
        )
