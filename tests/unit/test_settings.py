"""The settings are read once, all problems are told at once, and no secret is told at all."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from shared.config import (
    GateContext,
    Settings,
    load_settings,
    parse_registry_id,
    setting_fields,
    starting_settings,
)
from shared.errors import ConfigurationError
from shared.registry_accounts import Account
from shared.storage_settings import STORAGE, Storage

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
GROUP = "/subscriptions/0000-1111/resourceGroups/images/providers/Microsoft.ContainerRegistry/registries"
REQUIRED = {
    "STAGING_REGISTRY_ID": f"{GROUP}/TidegateStaging",
    "BASE_REGISTRY_ID": f"{GROUP}/tidegatebase",
    "WEBHOOK_SECRET": "sixteen letters!",
    "CHECK_DOCKER_HUB_SCHEDULE": "0 */15 * * * *",
    "CHECK_MCR_SCHEDULE": "0 */15 * * * *",
    "CHECK_OTHER_REGISTRIES_SCHEDULE": "0 */15 * * * *",
    "LOOK_AT_BASE_SCHEDULE": "0 */30 * * * *",
    "SWEEP_SCHEDULE": "30 * * * * *",
}
COMPLETE = {**REQUIRED, STORAGE: "UseDevelopmentStorage=true"}


def load(**changes: str) -> Settings:
    """Load settings that are complete but for some changes."""
    return load_settings({**COMPLETE, **changes})


def refusal(environment: dict[str, str]) -> str:
    """Return what an environment is refused with."""
    with pytest.raises(ConfigurationError) as refused:
        load_settings(environment)
    return str(refused.value)


# Defaults.


def test_the_cap_of_rebuilds_is_a_number_and_nothing_else() -> None:
    assert (load().most_rebuilds, load(REBUILDS_AT_ONCE="25").most_rebuilds) == (8, 25)
    for wrong in ("0", "-1", "many", "1.5"):
        with pytest.raises(ConfigurationError, match="REBUILDS_AT_ONCE must be a whole number"):
            load(REBUILDS_AT_ONCE=wrong)


def test_the_cap_of_gates_is_a_number_and_nothing_else() -> None:
    assert (load().gates_at_once, load(GATES_AT_ONCE="100").gates_at_once) == ("25", "100")
    for wrong in ("0", "many"):
        with pytest.raises(ConfigurationError, match="GATES_AT_ONCE must be a whole number"):
            load(GATES_AT_ONCE=wrong)


def test_what_is_not_set_has_its_default() -> None:
    settings = load()
    assert settings.docker_hub_registry_url == "https://registry-1.docker.io"
    assert settings.docker_hub_auth_url == "https://auth.docker.io"
    assert settings.docker_hub_api_url == "https://hub.docker.com"
    assert settings.mcr_url == "https://mcr.microsoft.com"
    assert settings.arm_endpoint == settings.arm_audience == "https://management.azure.com"
    assert settings.acr_audience == "https://containerregistry.azure.net"
    assert (settings.docker_hub_username, settings.docker_hub_token) == ("", "")


def test_a_setting_that_is_empty_or_blank_has_its_default() -> None:
    assert load(MCR_URL="", ARM_ENDPOINT="  ") == load()


def test_what_is_set_counts_and_blanks_around_it_do_not() -> None:
    assert load(MCR_URL=" https://proxy.example/mcr\n").mcr_url == "https://proxy.example/mcr"


def test_login_servers_follow_from_the_registries_unless_they_are_set() -> None:
    settings = load()
    assert (settings.staging_server, settings.base_server) == ("tidegatestaging.azurecr.io", "tidegatebase.azurecr.io")
    settings = load(STAGING_LOGIN_SERVER="staging.example", BASE_LOGIN_SERVER="base.example")
    assert (settings.staging_server, settings.base_server) == ("staging.example", "base.example")


def test_login_servers_of_applications_follow_from_their_registries_unless_they_are_set() -> None:
    ids = {"APPLICATION_REGISTRY_IDS": f"{GROUP}/Apps01, {BASE}, {GROUP}/apps02"}
    assert load(**ids).application_server("Apps01") == "apps01.azurecr.io"
    servers = {"APPLICATION_LOGIN_SERVERS": "apps01-hnfvdka7.azurecr.io, base.example, apps02.example"}
    settings = load(**ids, **servers, BASE_LOGIN_SERVER="base.example")
    given = [settings.application_server(name) for name in ("apps01", "APPS02", "tidegatebase", "gone")]
    assert given == ["apps01-hnfvdka7.azurecr.io", "apps02.example", "base.example", "gone.azurecr.io"]


def test_login_servers_of_applications_are_hosts_one_for_each_registry() -> None:
    ids = {"APPLICATION_REGISTRY_IDS": f"{GROUP}/apps01,{GROUP}/apps02"}
    told = refusal({**COMPLETE, **ids, "APPLICATION_LOGIN_SERVERS": "apps01.example"})
    assert "APPLICATION_LOGIN_SERVERS names 1 and APPLICATION_REGISTRY_IDS 2" in told
    told = refusal({**COMPLETE, **ids, "APPLICATION_LOGIN_SERVERS": "apps01.example,https://secret@evil"})
    assert "APPLICATION_LOGIN_SERVERS is not a list of registries' hosts" in told
    assert "secret" not in told


def test_applications_are_built_in_the_base_registry_unless_it_is_said_where() -> None:
    assert load().applications == (load().base,)
    ids = f"{GROUP}/apps01, {GROUP}/apps02,"
    assert [registry.name for registry in load(APPLICATION_REGISTRY_IDS=ids).applications] == ["apps01", "apps02"]


def test_how_a_gates_files_reach_its_run_is_one_of_three_ways() -> None:
    assert load().context is GateContext.UPLOAD
    assert load(GATE_CONTEXT="schedule-run").context is GateContext.SCHEDULE_RUN
    with pytest.raises(ConfigurationError, match="GATE_CONTEXT must be upload, inline or schedule-run"):
        load(GATE_CONTEXT="smuggle")


def test_two_listings_of_the_base_registry_are_some_minutes_apart_unless_it_is_said() -> None:
    assert load().base_listings_apart == timedelta(minutes=5)
    assert load(BASE_LISTINGS_APART_SECONDS="20").base_listings_apart == timedelta(seconds=20)


@pytest.mark.parametrize("seconds", ["0", "3601", "-5", "1.5", "PT5M"])
def test_a_pause_between_listings_that_is_none_is_refused(seconds: str) -> None:
    with pytest.raises(ConfigurationError, match="BASE_LISTINGS_APART_SECONDS must be a whole number from 1 to 3600"):
        load(BASE_LISTINGS_APART_SECONDS=seconds)


def test_where_people_reach_the_app_is_an_address_and_its_name_is_short() -> None:
    settings = load(PUBLIC_URL="https://tidegate.example.net", INSTALLATION="prod-weu")
    assert (settings.public_url, settings.installation) == ("https://tidegate.example.net", "prod-weu")
    assert (load().public_url, load().installation) == ("", "")
    assert load(PUBLIC_URL="https://tidegate.example.net:8443/").public_url == "https://tidegate.example.net:8443/"
    beside = ("/gate", "/api", "//", "/?page=1", ":0", ":99999", '/"', "<b>", "|x")
    wrong = (
        "http://tidegate.example.net",
        "tidegate.example.net",
        "https://",
        "https://[::1",
        "https://u@tide.example",
    )
    for address in (*wrong, *(f"https://tidegate.example.net{one}" for one in beside)):
        with pytest.raises(ConfigurationError, match="PUBLIC_URL"):
            load(PUBLIC_URL=address)
    for name in ("prod weu", "-prod", "prod\nweu", "p" * 41):
        with pytest.raises(ConfigurationError, match="INSTALLATION must be a short name"):
            load(INSTALLATION=name)


def test_another_account_keeps_what_people_decided_and_never_the_own_one() -> None:
    named = load(DECISIONS_ACCOUNT="decisionsofweu").decisions_storage
    assert named is not None
    assert named.blob_uri == "https://decisionsofweu.blob.core.windows.net"
    addressed = load(DECISIONS_ACCOUNT="https://decisionsofweu.blob.core.chinacloudapi.cn/").decisions_storage
    assert addressed is not None
    assert addressed.blob_uri == "https://decisionsofweu.blob.core.chinacloudapi.cn/"
    assert load().decisions_storage is None
    secret = "https://decisions.blob.core.windows.net/?sv=1&sig=abcdef"
    no_address = (
        "https://[::1",
        "https://decisions.example/decisions",
        "https://decisions:99999",
        "https://u:p@decisions.example",
        secret,
        "https://",
    )
    for name in ("Decisions", "http://decisions.blob.core.windows.net", "de", *no_address):
        with pytest.raises(ConfigurationError, match="DECISIONS_ACCOUNT must be"):
            load(DECISIONS_ACCOUNT=name)
    own = {"AzureWebJobsStorage": "", "AzureWebJobsStorage__accountName": "tidegatestate"}
    for name in ("tidegatestate", "https://tidegatestate.blob.core.windows.net"):
        with pytest.raises(ConfigurationError, match="is the app's own storage account"):
            load(DECISIONS_ACCOUNT=name, **own)
    for connection in (
        "DefaultEndpointsProtocol=https;AccountName=TidegateState;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net",
        "BlobEndpoint=https://tidegatestate.blob.core.windows.net/;SharedAccessSignature=sv=1",
    ):
        with pytest.raises(ConfigurationError, match="is the app's own storage account") as refused:
            load(DECISIONS_ACCOUNT="https://tidegatestate.blob.core.windows.net.", AzureWebJobsStorage=connection)
        assert "secret" not in str(refused.value)


def test_a_sign_in_is_believed_only_where_the_setting_and_the_platform_both_say_that_it_is_on() -> None:
    said = [(ours, platform) for ours in ("", "false", "true") for platform in ("", "false", "1", "True", "true")]
    given = [load(SIGN_IN_ENABLED=ours, WEBSITE_AUTH_ENABLED=platform).sign_in for ours, platform in said]
    assert [pair for pair, believed in zip(said, given, strict=True) if believed] == [
        ("true", "True"),
        ("true", "true"),
    ]
    with pytest.raises(ConfigurationError, match="SIGN_IN_ENABLED must be true or false"):
        load(SIGN_IN_ENABLED="yes")


def test_an_app_that_believes_nobody_who_signs_in_says_so_when_it_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert not starting_settings(COMPLETE | {"SIGN_IN_ENABLED": "true"}).sign_in
    assert "believes nobody who signs in" in capsys.readouterr().err
    for quiet in ({}, {"SIGN_IN_ENABLED": "true", "WEBSITE_AUTH_ENABLED": "True"}):
        starting_settings(COMPLETE | quiet)
    assert capsys.readouterr().err == ""


def test_the_image_with_the_docker_client_is_off_unless_it_is_named_by_digest() -> None:
    assert load().gate_client_image == ""
    client = f"tools/docker.cli@sha256:{'a' * 64}"
    assert load(GATE_CLIENT_IMAGE=client).gate_client_image == client


@pytest.mark.parametrize(
    "client",
    [
        "tools/docker",
        "tools/docker:27",
        f"tools/docker:27@sha256:{'a' * 64}",
        f"tools/docker@sha256:{'a' * 63}",
        f"tools/docker@sha256:{'A' * 64}",
        f"staging.azurecr.io/tools/docker@sha256:{'a' * 64}",
        f"localhost:5000/docker@sha256:{'a' * 64}",
        f"--privileged tools/docker@sha256:{'a' * 64}",
        f"$ID@sha256:{'a' * 64}",
    ],
)
def test_an_image_with_the_docker_client_that_could_be_another_tomorrow_or_elsewhere_is_refused(client: str) -> None:
    told = refusal({**COMPLETE, "GATE_CLIENT_IMAGE": client})
    assert f"GATE_CLIENT_IMAGE is {client!r}, which is not repository@sha256:" in told


def test_every_setting_is_described() -> None:
    assert {name for name, _, _ in setting_fields()} >= set(REQUIRED)
    assert all(meta.description for _, _, meta in setting_fields())


# Registries.


def test_a_registry_is_taken_apart() -> None:
    registry = parse_registry_id(REQUIRED["STAGING_REGISTRY_ID"])
    assert (registry.subscription, registry.group, registry.name) == ("0000-1111", "images", "TidegateStaging")
    assert registry.resource_id == REQUIRED["STAGING_REGISTRY_ID"]


def test_a_resource_id_may_be_written_in_any_case_as_azure_does() -> None:
    text = REQUIRED["BASE_REGISTRY_ID"].replace("resourceGroups", "resourcegroups").replace("Microsoft", "microsoft")
    assert parse_registry_id(text).name == "tidegatebase"


@pytest.mark.parametrize(
    "text",
    [
        "tidegatebase",
        "tidegatebase.azurecr.io",
        f"{GROUP}/tb",
        f"{GROUP}/tide-gate",
        f"{GROUP}/tidegate/tasks/a",
        GROUP,
    ],
)
def test_what_is_no_resource_id_is_told_with_what_was_expected(text: str) -> None:
    told = refusal({**COMPLETE, "BASE_REGISTRY_ID": text})
    assert f"'{text}' is not a registry's resource id: expected /subscriptions/" in told


def test_a_wrong_application_registry_is_told() -> None:
    assert "'apps02' is not a registry's" in refusal({**COMPLETE, "APPLICATION_REGISTRY_IDS": f"{GROUP}/apps01,apps02"})


STAGED, BASE = REQUIRED["STAGING_REGISTRY_ID"], REQUIRED["BASE_REGISTRY_ID"]


@pytest.mark.parametrize(
    "base",
    [STAGED, STAGED.upper(), STAGED.replace("images", "elsewhere")],
    ids=["the same", "in another case", "in another group, which cannot be"],
)
def test_one_registry_for_staging_and_base_is_refused(base: str) -> None:
    told = refusal({**COMPLETE, "BASE_REGISTRY_ID": base})
    assert "STAGING_REGISTRY_ID and BASE_REGISTRY_ID name the same registry, tidegatestaging" in told
    assert "LOGIN_SERVER" not in told, "one fault is told once"


@pytest.mark.parametrize(
    "servers",
    [
        {"STAGING_LOGIN_SERVER": "tidegatebase.azurecr.io"},
        {"BASE_LOGIN_SERVER": "TidegateStaging.azurecr.io"},
        {"BASE_LOGIN_SERVER": "tidegatestaging.azurecr.io:443"},
        {"STAGING_LOGIN_SERVER": "one.example", "BASE_LOGIN_SERVER": "One.Example"},
    ],
    ids=str,
)
def test_one_host_for_staging_and_base_is_refused(servers: dict[str, str]) -> None:
    assert "STAGING_LOGIN_SERVER and BASE_LOGIN_SERVER lead to one host" in refusal({**COMPLETE, **servers})


@pytest.mark.parametrize("ids", [STAGED, f"{GROUP}/apps01, {STAGED.lower()}"])
def test_the_staging_registry_is_no_application_registry(ids: str) -> None:
    told = refusal({**COMPLETE, "APPLICATION_REGISTRY_IDS": ids})
    assert "APPLICATION_REGISTRY_IDS names the staging registry, tidegatestaging" in told


def test_the_base_registry_may_be_an_application_registry() -> None:
    assert load(APPLICATION_REGISTRY_IDS=f"{GROUP}/apps01,{BASE}").applications[1].name == "tidegatebase"


@pytest.mark.parametrize("setting", ["STAGING_LOGIN_SERVER", "BASE_LOGIN_SERVER"])
@pytest.mark.parametrize(
    "server",
    [
        "a@evil.example",
        "evil.example/x",
        "https://evil.example",
        "evil.example?",
        "evil example",
        "evil.example:",
        "-a",
    ],
)
def test_a_login_server_is_a_host_and_nothing_else(setting: str, server: str) -> None:
    told = refusal({**COMPLETE, setting: server})
    assert f"{setting} is not a registry's host" in told
    assert "evil" not in told, "what stands before an @ may be a password"


@pytest.mark.parametrize("server", ["localhost:21025", "Tide-Gate.azurecr.cn", "[::1]:5000"])
def test_a_login_server_may_have_a_port(server: str) -> None:
    assert load(STAGING_LOGIN_SERVER=server).staging_server == server


# Accounts at upstreams.


def test_each_registry_has_its_own_account() -> None:
    credentials = (
        '{"ghcr.io": {"username": "robot", "password": "pat"}, "[::1]:5000": {"username": "u", "password": "p"},'
        ' "Registry.Example:5050": {"username": "u", "password": "p", "token_host": "GitLab.example"}}'
    )
    settings = load(REGISTRY_CREDENTIALS=credentials, DOCKER_HUB_USERNAME="someone", DOCKER_HUB_TOKEN="the-pat")
    assert settings.accounts == {
        "docker.io": Account("someone", "the-pat"),
        "ghcr.io": Account("robot", "pat"),
        "[::1]:5000": Account("u", "p"),
        "registry.example:5050": Account("u", "p", "gitlab.example"),
    }


def test_without_credentials_there_are_no_accounts() -> None:
    assert load().accounts == {}


def test_an_account_does_not_show_its_password() -> None:
    assert "hush" not in f"{Account('someone', 'hush')!r} {Account('someone', 'hush')}"


@pytest.mark.parametrize(
    "credentials",
    [
        "hush",
        '["hush"]',
        '{"ghcr.io": "hush"}',
        '{"ghcr.io": {"username": "u"}}',
        '{"ghcr.io": {"username": "u", "password": ""}}',
        '{"ghcr.io": {"username": "u", "password": 7}}',
        '{"ghcr.io": {"username": "u", "password": "hush", "hush": "x"}}',
        '{"u:hush@ghcr.io": {"username": "u", "password": "hush"}}',
        '{"https://ghcr.io": {"username": "u", "password": "hush"}}',
        '{"ghcr.io": {"username": "u", "password": "hush", "token_host": "https://hush.example"}}',
        '{"ghcr.io": {"username": "u", "password": "hush", "token_host": "hush@evil.example"}}',
        '{"docker.io": {"username": "u", "password": "hush"}}',
        '{"registry-1.docker.io": {"username": "u", "password": "hush"}}',
        '{"mcr.microsoft.com": {"username": "u", "password": "hush"}}',
        '{"ghcr.io": {"username": "u", "password": "hush"}',
    ],
)
def test_credentials_that_are_wrong_are_told_without_any_of_them(credentials: str) -> None:
    told = refusal({**COMPLETE, "REGISTRY_CREDENTIALS": credentials})
    assert "- REGISTRY_CREDENTIALS" in told
    assert "hush" not in told


# Storage.


def test_storage_is_reached_by_a_connection_string() -> None:
    assert load().storage == Storage(connection_string="UseDevelopmentStorage=true")


def test_storage_is_reached_by_its_addresses() -> None:
    uris = {kind: f"https://tidegate.{kind}.core.example" for kind in ("blob", "queue", "table")}
    environment = {**REQUIRED, **{f"{STORAGE}__{kind}ServiceUri": uri for kind, uri in uris.items()}}
    assert load_settings(environment).storage == Storage("", uris["blob"], uris["queue"], uris["table"])


def test_storage_is_reached_by_the_accounts_name() -> None:
    storage = load_settings({**REQUIRED, f"{STORAGE}__accountName": "tidegate"}).storage
    assert storage.blob_uri == "https://tidegate.blob.core.windows.net"
    assert storage.queue_uri == "https://tidegate.queue.core.windows.net"
    assert storage.table_uri == "https://tidegate.table.core.windows.net"


def test_an_address_goes_before_the_accounts_name() -> None:
    environment = {
        **REQUIRED,
        f"{STORAGE}__accountName": "tidegate",
        f"{STORAGE}__tableServiceUri": "https://cosmos.example",
    }
    assert load_settings(environment).storage.table_uri == "https://cosmos.example"


@pytest.mark.parametrize("missing", ["blob", "queue", "table"])
def test_storage_needs_all_three_addresses(missing: str) -> None:
    uris = {f"{STORAGE}__{kind}ServiceUri": "https://x" for kind in ("blob", "queue", "table") if kind != missing}
    assert f"{STORAGE} is missing" in refusal({**REQUIRED, **uris})


# Refusals.


def test_everything_that_is_missing_is_told_in_one_message() -> None:
    told = refusal({})
    for name in [*REQUIRED, STORAGE]:
        assert told.count(f"- {name} is missing: ") == 1
    assert len(told.splitlines()) == 1 + len(REQUIRED) + 1


def test_what_is_missing_and_what_is_wrong_are_told_together() -> None:
    told = refusal({"BASE_REGISTRY_ID": "base", "MCR_URL": "http://mcr.example", "WEBHOOK_SECRET": "short"})
    for problem in ("STAGING_REGISTRY_ID is missing", "'base' is not a registry's", "MCR_URL must begin with https://"):
        assert problem in told
    assert "WEBHOOK_SECRET is too short" in told


@pytest.mark.parametrize(
    "name", ["DOCKER_HUB_REGISTRY_URL", "DOCKER_HUB_AUTH_URL", "DOCKER_HUB_API_URL", "MCR_URL", "ARM_ENDPOINT"]
)
@pytest.mark.parametrize("address", ["http://proxy.example", "proxy.example", "ftp://proxy.example"])
def test_credentials_are_sent_over_tls_only(name: str, address: str) -> None:
    assert f"{name} must begin with https://" in refusal({**COMPLETE, name: address})


@pytest.mark.parametrize("address", ["http://127.0.0.1:10030", "http://localhost:10030", "http://[::1]:10030"])
def test_links_alone_may_lead_to_this_machine_without_tls(address: str) -> None:
    assert load(PUBLIC_URL=address).public_url == address
    assert "MCR_URL must begin with https://" in refusal({**COMPLETE, "MCR_URL": address})


@pytest.mark.parametrize(
    "address",
    ["http://tidegate.example", "http://localhost.example", "http://127.0.0.1@x.example", "http://[::1", "localhost"],
)
def test_links_lead_nowhere_else_without_tls(address: str) -> None:
    assert "PUBLIC_URL must begin with https://" in refusal({**COMPLETE, "PUBLIC_URL": address})


def test_a_webhook_secret_has_16_characters_or_more() -> None:
    assert "WEBHOOK_SECRET is too short" in refusal({**COMPLETE, "WEBHOOK_SECRET": "fifteen letters"})
    assert load(WEBHOOK_SECRET="sixteen letters!").webhook_secret == "sixteen letters!"


def test_a_docker_hub_token_is_of_no_use_without_its_account() -> None:
    assert "DOCKER_HUB_USERNAME is missing" in refusal({**COMPLETE, "DOCKER_HUB_TOKEN": "dckr_pat_0123456789"})


def test_no_secret_is_ever_part_of_a_message() -> None:
    secrets = {
        "WEBHOOK_SECRET": "hush",
        "DOCKER_HUB_TOKEN": "dckr_pat_hush",
        "REGISTRY_CREDENTIALS": '{"ghcr.io": {"password": "hush"}}',
        STORAGE: "AccountKey=hush==",
    }
    told = refusal({**REQUIRED, **secrets, "BASE_REGISTRY_ID": "wrong"})
    assert "hush" not in told
    assert {name for name, _, meta in setting_fields() if meta.extra and meta.extra["secret"]} == set(secrets) - {
        STORAGE
    }


def test_an_app_without_its_settings_does_not_start_and_says_all_that_it_needs() -> None:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    start = subprocess.run(
        [sys.executable, "-c", "import function_app"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert start.returncode != 0
    assert all(f"{name} is missing" in start.stderr for name in [*REQUIRED, STORAGE])


def test_what_keeps_the_app_from_starting_is_written_where_the_host_lets_it_be_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ConfigurationError):
        starting_settings({**COMPLETE, "WEBHOOK_SECRET": "abc123"})
    said = capsys.readouterr()
    assert said.err.startswith("Tidegate does not start: the app's settings are incomplete:\n  - WEBHOOK_SECRET is too")
    assert "abc123" not in said.err
    assert said.out == ""


def test_settings_that_somebody_logs_tell_no_secret() -> None:
    shown = repr(load(WEBHOOK_SECRET="a secret of the webhook", DOCKER_HUB_USERNAME="u", DOCKER_HUB_TOKEN="a token"))
    assert "secret of" not in shown
    assert "a token" not in shown


def test_a_vault_reference_that_was_not_resolved_is_not_taken_for_the_secret() -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/webhook-secret)"
    assert "WEBHOOK_SECRET is a reference to a key vault" in refusal({**COMPLETE, "WEBHOOK_SECRET": reference})


@pytest.mark.parametrize("text", ["0", "-1", "101", "20.5", "20 %", "²", "9" * 5000])
def test_a_share_that_is_no_whole_number_of_percent_is_refused(text: str) -> None:
    assert load(LIST_REMOVAL_PERCENT="100", NEW_TAGS_A_CHECK="10000").list_removal_percent == "100"
    assert "LIST_REMOVAL_PERCENT must be a whole number from 1 to 100" in refusal(
        {**COMPLETE, "LIST_REMOVAL_PERCENT": text}
    )


# Grammar.


@pytest.mark.parametrize(
    "schedule",
    [
        "*/15 * * * *",
        "0 */15 * * * * *",
        "00:15:00",
        "60 * * * * *",
        "0 0 24 * * *",
        "0 */0 * * * *",
        "0 0 0 0 1 *",
        "0 0 0 30 2 *",
        "0 0 0 * * 7",
        "0 0 0 * nope *",
        "0 1,, * * * *",
        "@hourly",
        "every quarter of an hour",
        "0 ² * * * *",
    ],
)
def test_a_schedule_that_the_host_cannot_read_stops_the_start_and_names_the_setting(schedule: str) -> None:
    told = refusal({**COMPLETE, "CHECK_MCR_SCHEDULE": schedule})
    assert "CHECK_MCR_SCHEDULE is not NCRONTAB of six fields such as 0 */15 * * * *" in told


@pytest.mark.parametrize(
    "schedule",
    [
        "0 5/20 8-17 * * Mon-Fri",
        "0 0 9 29 Feb *",
        "0 0 0 1,15 jan,JUL *",
        "59 59 23 31 12 6",
        "0 0 5-1 * * *",
    ],
)
def test_a_schedule_that_the_host_reads_is_taken(schedule: str) -> None:
    assert load(SWEEP_SCHEDULE=schedule).sweep_schedule == schedule


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ("* */15 * * * *", 1),
        ("*/5 * * * * *", 5),
        ("0,30 * * * * *", 30),
        ("0,59 0 0 1 1 *", 59),
        ("1,59 * * * * *", 2),
    ],
)
def test_a_schedule_that_comes_more_often_than_once_a_minute_stops_the_start_and_says_how_often(
    schedule: str, gap: int
) -> None:
    told = refusal({**COMPLETE, "CHECK_MCR_SCHEDULE": schedule})
    assert f"CHECK_MCR_SCHEDULE comes too often: with {schedule} two runs are {gap} s apart" in told
    assert "SHORTEST_SCHEDULE wants 60 s" in told


def test_who_says_so_may_have_schedules_of_a_second_or_none_below_an_hour() -> None:
    assert load(SHORTEST_SCHEDULE="1", SWEEP_SCHEDULE="* * * * * *").sweep_schedule == "* * * * * *"
    told = refusal({**COMPLETE, "SHORTEST_SCHEDULE": "3600", "SWEEP_SCHEDULE": "0 0 * * * *"})
    assert "CHECK_MCR_SCHEDULE comes too often" in told
    assert "SWEEP_SCHEDULE comes too often" not in told
    assert "SHORTEST_SCHEDULE comes too often" not in told


@pytest.mark.parametrize("seconds", ["0", "3601", "1.5", "a minute"])
def test_a_shortest_schedule_that_is_none_is_refused(seconds: str) -> None:
    with pytest.raises(ConfigurationError, match="SHORTEST_SCHEDULE must be a whole number from 1 to 3600"):
        load(SHORTEST_SCHEDULE=seconds)


@pytest.mark.parametrize("secret", ["a" * 16, "abab" * 10])
def test_a_webhook_secret_that_can_be_guessed_is_refused(secret: str) -> None:
    assert "WEBHOOK_SECRET can be guessed" in refusal({**COMPLETE, "WEBHOOK_SECRET": secret})


def test_a_secret_that_no_header_holds_is_refused_and_not_told() -> None:
    told = refusal({**COMPLETE, "WEBHOOK_SECRET": "hush hush, größer\n!"})
    assert "WEBHOOK_SECRET has characters that no header holds" in told
    assert "hush" not in told


@pytest.mark.parametrize(
    "address", ["https://", "https://u:p@x", "https://x?y", "https://x#y", "https://x y", "https://x:y"]
)
def test_an_address_is_a_host_and_a_path_at_most(address: str) -> None:
    assert "MCR_URL is no address" in refusal({**COMPLETE, "MCR_URL": address})


def test_decisions_are_recorded_by_a_key_where_one_is_named() -> None:
    assert (load().record_key, load().forms, load().says_failed) == ("", frozenset(), False)
    key = "https://kv.vault.azure.net/keys/records"
    given = load(RECORD_KEY=key, RECORD_FORMS="att, sig", RECORD_OVERRIDES="failed")
    assert (given.record_key, given.forms, given.says_failed) == (key, {"att", "sig"}, True)
    assert given.verifier == f"https://{given.base_server}"
    assert load(RECORD_VERIFIER="https://gate.example").verifier == "https://gate.example"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECORD_KEY", "https://kv.vault.azure.net/keys/records/0123456789abcdef"),
        ("RECORD_KEY", "https://kv.vault.azure.net/secrets/records"),
        ("RECORD_KEY", "http://kv.vault.azure.net/keys/records"),
        ("RECORD_KEY", "https://someone@kv.vault.azure.net/keys/records"),
        ("RECORD_KEY", "file:key.pem"),
        ("RECORD_FORMS", "att,jws"),
        ("RECORD_OVERRIDES", "passed"),
        ("RECORD_VERIFIER", "the gate"),
        ("VAULT_AUDIENCE", "vault.azure.net"),
    ],
)
def test_what_cannot_record_decisions_is_refused_at_the_start(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        load(**{name: value})


def test_a_key_in_a_file_is_for_a_laptop_alone() -> None:
    assert load(RECORD_KEY="file:///tmp/key.pem").record_key == "file:///tmp/key.pem"
    with pytest.raises(ConfigurationError, match="in Azure it must be a key of Key Vault"):
        load(RECORD_KEY="file:///tmp/key.pem", WEBSITE_INSTANCE_ID="0a1b")


# Housekeeping.


@pytest.mark.parametrize(
    ("said", "cleared"),
    [
        ("", {"staging"}),
        ("staging", {"staging"}),
        ("base", {"base"}),
        ("staging, base", {"staging", "base"}),
        ("off", set()),
    ],
)
def test_what_is_cleared_is_staging_unless_it_is_said(said: str, cleared: set[str]) -> None:
    assert load(HOUSEKEEPING=said).cleared == cleared


@pytest.mark.parametrize("wrong", ["on", "stagin", "staging;base", "staging,", "off,base", "base,base", "STAGING"])
def test_whoever_misspells_what_is_cleared_is_told(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="HOUSEKEEPING must be staging, base"):
        load(HOUSEKEEPING=wrong)


def test_how_long_what_is_staged_stays_is_a_number_of_days() -> None:
    assert (load().staging_stays, load(STAGING_RETENTION_DAYS="7").staging_stays) == (
        timedelta(days=30),
        timedelta(days=7),
    )
    for wrong in ("0", "4000", "a month"):
        with pytest.raises(ConfigurationError, match="STAGING_RETENTION_DAYS must be a whole number"):
            load(STAGING_RETENTION_DAYS=wrong)
