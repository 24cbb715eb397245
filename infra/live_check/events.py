"""Probes about webhooks: what they are told of, with which headers, and from which replica."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from infra.live_check.arm import REGISTRIES
from infra.live_check.ground import Ground, OutOfTimeError
from infra.live_check.importing import public, run
from infra.live_check.probe import Probe, Seen, found, undecided
from shared.domain.events.registry_event import Push
from shared.domain.events.webhook import SECRET_HEADER, receive

# Reserved for examples: whatever is sent there, what was sent is asked of the registry and not of the receiver.
_ADDRESS = "https://example.com/tidegate-live-check"
_EVENT_SECONDS = 90
_KEY_HEADER = "x-functions-key"


def the_event_of_an_import(ground: Ground) -> Seen:
    """Make a webhook for pushes, import, and ask which events were sent."""
    repository = ground.repository("event")
    secret = secrets.token_hex(16)
    hook = _webhook(ground, "event", f"{repository}:*", {SECRET_HEADER: secret})
    done = run(ground, public(ground), f"{repository}:one")
    if not done.done:
        return undecided(f"the import was not done: {done.last.told()}")
    try:
        events = ground.wait("an event of the import", lambda: _events(ground, hook, "push") or None, _EVENT_SECONDS)
    except OutOfTimeError as error:
        return found(False, f"the import raised no push: {error}", events=0)
    understood = receive({SECRET_HEADER: secret}, json.dumps(_content(events[0])).encode(), secret)
    text = f"the import raised {len(events)} push event(s); the product reads the first as {type(understood).__name__}"
    return found(isinstance(understood, Push), text, events=len(events), target=_content(events[0]).get("target"))


def a_function_key_in_a_header(ground: Ground) -> Seen:
    """Make a webhook with the header that Functions takes a key from, ping it, and ask what was sent."""
    value = secrets.token_hex(16)
    hook = _webhook(ground, "header", "", {_KEY_HEADER: value})
    ground.arm.must("ping webhook", "POST", f"{hook}/ping", version=REGISTRIES)
    events = ground.wait("the ping", lambda: _events(ground, hook, "ping") or None, _EVENT_SECONDS)
    headers = {name.lower(): text for name, text in events[0]["eventRequestMessage"]["headers"].items()}
    sent = headers.get(_KEY_HEADER)
    how = "was sent as it was given" if sent == value else "was not sent" if sent is None else "was sent, but changed"
    return found(sent == value, f"the header {_KEY_HEADER} {how}", headers=sorted(headers))


def the_hosts_of_replicas(ground: Ground) -> Seen:
    """Make a webhook in each region, import, and compare the hosts that events name."""
    answer = ground.arm.ask("list replications", "GET", f"{ground.registry_id}/replications", version=REGISTRIES)
    regions = [str(each["location"]) for each in (answer.body or {}).get("value", [])] if answer.ok else []
    if len(regions) < 2:
        return undecided("the registry has no replica", regions=regions)
    repository = ground.repository("replicas")
    hooks = {region: _webhook(ground, region, f"{repository}:*", {}, region) for region in regions}
    done = run(ground, public(ground), f"{repository}:one")
    try:
        ground.wait("an event of each replica", lambda: _all_told(ground, hooks), _EVENT_SECONDS * 3)
    except OutOfTimeError as error:
        late = str(error)
    else:
        late = ""
    hosts = {region: [_host(event) for event in _events(ground, hook, "push")] for region, hook in hooks.items()}
    named = {host for each in hosts.values() for host in each}
    text = f"events name {', '.join(sorted(named)) or 'no host'}; the registry is {ground.login_server}. {late}".strip()
    return found(named == {ground.login_server}, text, hosts=hosts, last=done.last.told())


def _webhook(ground: Ground, what: str, scope: str, headers: Mapping[str, str], region: str = "") -> str:
    """Make a webhook that tells of pushes, and return its path."""
    name = f"tidegatelive{ground.stamp}{what}".replace(" ", "")[:50]
    path = f"{ground.registry_id}/webhooks/{name}"
    ground.delete(f"webhook {name}", path, REGISTRIES)
    properties = {
        "serviceUri": _ADDRESS,
        "customHeaders": dict(headers),
        "actions": ["push"],
        "scope": scope,
        "status": "enabled",
    }
    body = {"location": region or ground.registry["location"], "properties": properties}
    ground.arm.must("put webhook", "PUT", path, body, version=REGISTRIES)
    ground.wait(f"the webhook {name}", lambda: _ready(ground, path), _EVENT_SECONDS)
    return path


def _ready(ground: Ground, path: str) -> bool | None:
    body = ground.arm.must("get webhook", "GET", path, version=REGISTRIES).body
    return body["properties"].get("provisioningState") == "Succeeded" or None


def _events(ground: Ground, hook: str, action: str) -> list[dict[str, Any]]:
    body = ground.arm.must("list events", "POST", f"{hook}/listEvents", version=REGISTRIES).body
    return [event for event in body.get("value", []) if _content(event).get("action") == action]


def _content(event: Mapping[str, Any]) -> dict[str, Any]:
    """The payload is an object, or its text."""
    content = event["eventRequestMessage"]["content"]
    return dict(json.loads(content)) if isinstance(content, str) else dict(content)


def _host(event: Mapping[str, Any]) -> str:
    return str((_content(event).get("request") or {}).get("host", ""))


def _all_told(ground: Ground, hooks: Mapping[str, str]) -> bool | None:
    return all(_events(ground, hook, "push") for hook in hooks.values()) or None


PROBES = (
    Probe(
        4,
        "Does an import raise a push event?",
        "makes a webhook for one repository, imports into it, lists the events that were sent",
        "a webhook to example.com, a repository",
        "shared/flows/promote.py and shared/flows/signal.py: two signals of one rebuild",
        4,
        the_event_of_an_import,
    ),
    Probe(
        5,
        "Is x-functions-key sent as one of a webhook's own headers?",
        "makes a webhook with that header and a made-up value, pings it, lists the events that were sent",
        "a webhook to example.com",
        "infra/modules/webhooks.bicep",
        3,
        a_function_key_in_a_header,
    ),
    Probe(
        6,
        "By which host do a registry's replicas name themselves in events?",
        "makes a webhook in each region, imports, lists the events that were sent",
        "a webhook to example.com for each region, a repository",
        "shared/flows/signal.py: events under another host are ignored",
        7,
        the_hosts_of_replicas,
    ),
)
