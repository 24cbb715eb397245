"""Which notices go to which destinations, and when: what ``config/notify.yaml`` says, and what holds without it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shared.domain.notices.kinds import KINDS, Severity, Usually
from shared.domain.notices.notice import Notice
from shared.domain.notices.when import DAILY, NOW, When, parse_when
from shared.errors import MalformedInput

# Stands for all kinds of troubles.
TROUBLES = "trouble"
# Later reminders are part of the day's message.
REMINDED_AT_ONCE = 3
_FIELDS = frozenset({"to", "kinds", "severity", "owners", "images", "when"})
_MOST_ROUTES = 200
Problem = tuple[tuple[str | int, ...], str]


class Route(msgspec.Struct, frozen=True, omit_defaults=True):
    """Notices of some kinds go to some destinations.

    Attributes:
        to: names of destinations.
        kinds: names of kinds; none: all.
        severity: the least that is told; ``None`` for all.
        owners: whose entries of the watch list it is about; none: everybody's.
        images: names of entries that it is about; none: all.
        when: when it is sent; ``None``: as each kind usually is.
    """

    to: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    severity: Severity | None = None
    owners: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    when: When | None = None

    def names(self, notice: Notice) -> bool:
        """Whether a notice's kind is named."""
        kind = notice.closes or notice.kind
        return kind in self.kinds or (TROUBLES in self.kinds and notice.known.is_trouble)

    def takes(self, notice: Notice, owners: Collection[str] | None) -> bool:
        """Whether a notice goes this way.

        Args:
            notice: what is told.
            owners: whose entries it is about; ``None`` if nobody knows: then it is everybody's.
        """
        if self.kinds and not self.names(notice):
            return False
        if self.severity is not None and notice.known.severity.rank < self.severity.rank:
            return False
        # What concerns everybody concerns each.
        if self.images and notice.images and not set(self.images) & set(notice.images):
            return False
        if not self.owners or not notice.images or owners is None:
            return True
        return not set(self.owners).isdisjoint(owners)


def ways(
    notice: Notice, owners: Collection[str] | None, routes: Sequence[Route], destinations: Collection[str]
) -> Mapping[str, When]:
    """Return to which destinations a notice goes, and when; of several routes to one the first that takes it counts.

    Args:
        notice: what is told.
        owners: whose entries it is about; ``None`` if nobody knows.
        routes: the routes in force.
        destinations: those that the settings name.
    """
    found: dict[str, When] = {}
    for route in routes:
        when = _when(route, notice)
        if when is None or not route.takes(notice, owners):
            continue
        for name in route.to:
            if name in destinations and name != notice.not_to:
                found.setdefault(name, when)
    return found


def _when(route: Route, notice: Notice) -> When | None:
    """What is usually not told is told where a route names its kind."""
    usually = notice.known.usually
    if usually is Usually.OFF and not route.names(notice):
        return None
    late = usually is Usually.DAILY or notice.stage > REMINDED_AT_ONCE
    return route.when or (DAILY if late else NOW)


def usual_routes(destinations: Collection[str]) -> tuple[Route, ...]:
    """Return what holds where no file says otherwise: everything goes everywhere, when it usually does."""
    return (Route(tuple(sorted(destinations))),)


def read_routes(document: object) -> tuple[tuple[Route, ...], tuple[Problem, ...]]:
    """Read what a file says.

    Args:
        document: the file as plain objects.

    Returns:
        The routes, and every problem with the path where it is.
    """
    routes = document.get("routes") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(routes, list):
        return (), (((), "expected a mapping with `routes`, a list"),)
    if len(routes) > _MOST_ROUTES:
        return (), ((("routes",), f"{len(routes)} routes are more than {_MOST_ROUTES}"),)
    problems: list[Problem] = [((name,), "is not known; only `routes` is") for name in document if name != "routes"]
    read = [_route(one, ("routes", number), problems) for number, one in enumerate(routes)]
    return tuple(one for one in read if one is not None), tuple(problems)


def unknown(routes: object, field: str, known: Collection[str], what: str) -> Iterator[Problem]:
    """Iterate over the names in a field of routes that nobody knows.

    Args:
        routes: as they stand in the document.
        field: such as ``to``.
        known: the names that there are.
        what: what they name, for people.
    """
    there = ", ".join(sorted(known)[:20]) or "none"
    for number, route in enumerate(routes if isinstance(routes, list) else ()):
        names = route.get(field) if isinstance(route, dict) else None
        for place, name in enumerate(_listed(names)):
            if name not in known:
                path = _at(("routes", number, field), names, place)
                yield path, f"there is no {what} called {name[:100]!r}; there are: {there}"


def _route(said: Any, path: tuple[str | int, ...], problems: list[Problem]) -> Route | None:
    if not isinstance(said, dict):
        problems.append((path, "expected a mapping with `to`"))
        return None
    before = len(problems)
    problems += [((*path, name), f"is not known; a route has {_told()}") for name in said if name not in _FIELDS]
    texts = {name: _texts(said, name, path, problems) for name in ("to", "kinds", "owners", "images")}
    if not texts["to"] and len(problems) == before:
        problems.append((path, "`to` names no destination"))
    problems += _unknown_kinds(said, path)
    severity, when = _severity(said, path, problems), _said_when(said, path, problems)
    return None if len(problems) > before else Route(**texts, severity=severity, when=when)


def _told() -> str:
    return ", ".join(sorted(_FIELDS))


def _unknown_kinds(said: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[Problem]:
    kinds = said.get("kinds")
    for place, name in enumerate(_listed(kinds)):
        if name not in KINDS and name != TROUBLES:
            told = (
                f"there is no kind of notice called {name[:100]!r}; there are: {TROUBLES}, {', '.join(sorted(KINDS))}"
            )
            yield (*path, "kinds", *([place] if isinstance(kinds, list) else [])), told


def _at(path: tuple[str | int, ...], said: object, place: int) -> tuple[str | int, ...]:
    return (*path, place) if isinstance(said, list) else path


def _texts(said: Mapping[str, Any], name: str, path: tuple[str | int, ...], problems: list[Problem]) -> tuple[str, ...]:
    value = said.get(name, ())
    texts = _listed(value)
    if name in said and not texts:
        problems.append(((*path, name), "expected a name, or a list of names"))
    return texts


def _listed(value: object) -> tuple[str, ...]:
    """One name may stand for a list of one."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    return ()


def _severity(said: Mapping[str, Any], path: tuple[str | int, ...], problems: list[Problem]) -> Severity | None:
    if "severity" not in said:
        return None
    try:
        return Severity(said["severity"])
    except ValueError:
        named = ", ".join(one.value for one in Severity)
        problems.append(((*path, "severity"), f"is none of {named}"))
        return None


def _said_when(said: Mapping[str, Any], path: tuple[str | int, ...], problems: list[Problem]) -> When | None:
    if "when" not in said:
        return None
    try:
        return parse_when(str(said["when"]))
    except MalformedInput as error:
        problems.append(((*path, "when"), str(error)))
        return None
