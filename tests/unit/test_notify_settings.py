"""Destinations of notices are settings: each is told apart, what is wrong is said, and no address is told at all."""

from __future__ import annotations

import base64

import pytest

from infra.local.receivers.receivers import destination_settings
from infra.local.twin.ports import new_topology
from shared.config import load_settings
from shared.errors import ConfigurationError
from shared.mail_addresses import Mailbox
from shared.notify_settings import Destination, Service, destination_problems, destinations_of
from tests.unit.test_settings import COMPLETE, ROOT, load

pytestmark = pytest.mark.unit

SLACK = "slack:https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
TEAMS = (
    "teams:https://x.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/0123456789abcdef"
    "0123456789abcdef/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=c-3iiBjByin64"
)
KEY, NEWER = (f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2))
WEBHOOK = f"webhook:https://example.net/hooks {KEY}"
MAIL = "mail:smtps://tide:p%40ss%2Fword@mail.example.net?from=tide+gate@example.net&to=a@example.net,b@example.net"


def one(value: str, setting: str = "NOTIFY_OPS") -> Destination:
    """The destination of one setting."""
    (found,) = destinations_of({setting: value})
    return found


def problem(value: str, setting: str = "NOTIFY_OPS") -> str:
    """What is wrong with one setting."""
    return " ".join(destination_problems([one(value, setting)]))


def test_an_installation_without_destinations_has_none() -> None:
    assert load().destinations == ()
    assert load(NOTIFY_OPS="  ").destinations == ()


def test_each_setting_is_a_destination_by_its_own_name() -> None:
    found = load(NOTIFY_PLATFORM_TEAM=SLACK, NOTIFY_AUDIT=WEBHOOK).destinations
    assert [(each.name, each.service) for each in found] == [
        ("audit", Service.WEBHOOK),
        ("platform-team", Service.SLACK),
    ]


def test_what_a_service_manager_says_to_the_process_is_no_destination() -> None:
    assert destinations_of({"NOTIFY_SOCKET": "/run/systemd/notify"}) == ()


def test_an_address_stays_as_it_was_given() -> None:
    assert one(TEAMS).address == TEAMS.removeprefix("teams:")


def test_a_webhook_has_one_key_or_two_while_they_are_renewed() -> None:
    assert one(WEBHOOK).keys == (KEY,)
    assert one(f"webhook:https://example.net/hooks {NEWER} {KEY}").keys == (NEWER, KEY)


def test_mail_has_a_server_people_and_ports_of_its_own() -> None:
    found = one(MAIL).mailbox
    people = ("a@example.net", "b@example.net")
    assert found == Mailbox("mail.example.net", 465, True, "tide", "p@ss/word", "tide+gate@example.net", people)
    begins = one("mail:smtp://mail.example.net?from=a@example.net&to=b@example.net").mailbox
    assert (begins.port, begins.at_once, begins.user) == (587, False, "")


@pytest.mark.parametrize(
    "value", [SLACK, TEAMS, WEBHOOK, MAIL, "apprise:discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"]
)
def test_nothing_is_wrong_with_addresses_as_the_services_give_them(value: str) -> None:
    assert problem(value) == ""


def test_nothing_is_wrong_with_the_destinations_of_the_twin() -> None:
    found = destinations_of(destination_settings(new_topology(ROOT, 20_000)))
    assert len(found) == 5
    assert destination_problems(found) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("https://hooks.slack.com/services/a", "expected an address that begins with one of slack:"),
        ("pager:https://example.net", "is no destination"),
        ("slack:", "must lead to an address that begins with https://"),
        ("slack:http://hooks.slack.com/services/a", "must lead to an address that begins with https://"),
        ("slack:https://user@hooks.slack.com/a", "is no address"),
        ("slack:https:///services", "is no address"),
        ("teams:https://example.net:99999/", "is no address"),
        ("teams:https://example.net/a b", "is no address"),
        ("teams:https://exämple.net/", "is no address"),
        ("webhook:https://example.net/hooks", "needs one key after the address"),
        (f"webhook:https://example.net/hooks {KEY} {KEY} {KEY}", "needs one key after the address"),
        ("webhook:https://example.net/hooks whsec_short", "needs one key after the address"),
        *((f"webhook:https://example.net/hooks whsec_{'A' * n}", "needs one key after the address") for n in (33, 34)),
        ("mail:mail.example.net", "is no mail destination"),
        ("mail:smtp://mail.example.net?from=a@example.net", "is no mail destination"),
        ("mail:smtp://user@mail.example.net?from=a@example.net&to=b@example.net", "is no mail destination"),
        ("mail:smtp://mail.example.net:port?from=a@example.net&to=b@example.net", "is no mail destination"),
        ("mail:http://mail.example.net?from=a@example.net&to=b@example.net", "is no mail destination"),
        ("mail:smtp://mail.example.net?from=a@example.net&to=b%0d%0aBcc:c@example.net", "1 mail address(es)"),
        ("mail:smtp://mail.example.net?from=a&to=b@example.net,c", "2 mail address(es)"),
        ("mail:smtp://m.example.net?from=a@example.net&to=" + ",".join(["b@example.net"] * 51), "more than 50 people"),
        ("mail:smtp://ü:p@m.example.net?from=a@example.net&to=b@example.net", "expected ASCII"),
        ("apprise:discord", "one of that library's addresses"),
    ],
)
def test_what_is_no_destination_stops_the_start_by_the_settings_name_alone(value: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(NOTIFY_OPS=value)
    assert problem(value).startswith("NOTIFY_OPS ")
    assert problem(value) in str(refused.value)
    assert said in str(refused.value)
    assert "example.net/hooks" not in str(refused.value)


def test_a_name_that_no_route_could_write_is_refused() -> None:
    assert "names no destination" in problem(SLACK, "NOTIFY_")
    assert "names no destination" in problem(SLACK, "NOTIFY_ops")
    assert "names no destination" in problem(SLACK, f"NOTIFY_{'A' * 41}")


def test_a_reference_to_a_vault_that_was_not_followed_stops_no_start() -> None:
    """Digests are decided on without notices; the destination is told to be broken by the others."""
    found = load(NOTIFY_OPS="@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/notify-ops)").destinations
    assert [(each.name, each.service) for each in found] == [("ops", Service.UNKNOWN)]


def test_no_text_form_holds_an_address() -> None:
    settings = load_settings({**COMPLETE, "NOTIFY_A": SLACK, "NOTIFY_B": MAIL, "NOTIFY_C": WEBHOOK})
    shown = f"{settings!r} {settings.destinations!r} {settings.destinations[1].mailbox!r}"
    assert "services" not in shown
    assert "p@ss" not in shown
    assert "whsec" not in shown


def test_every_part_of_an_address_that_protects_it_is_a_secret() -> None:
    secrets = load_settings({**COMPLETE, "NOTIFY_A": SLACK, "NOTIFY_B": MAIL, "NOTIFY_C": WEBHOOK}).secrets
    path = SLACK.partition(".com/")[2]
    assert {"XXXXXXXXXXXXXXXXXXXXXXXX", path, "p@ss/word", KEY, KEY.removeprefix("whsec_")} <= set(secrets)
    assert "c-3iiBjByin64" not in one(SLACK).secrets
    assert {"hunter2", "t%n"} <= set(one("apprise:mailtos://ada:hunter2@example.net, jsons://u:t%25n@h/x").secrets)
    assert not [secret for secret in secrets if secret in {"services", "hooks", "example.net"}]
