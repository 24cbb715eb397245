"""The app's settings: what the environment says of the app.

App settings: https://learn.microsoft.com/azure/azure-functions/functions-app-settings
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.decision_settings import decision_problems
from shared.dispatch_settings import DispatcherSetting, dispatcher_problems, dispatcher_secrets, dispatchers_of
from shared.errors import ConfigurationError
from shared.gate_context import GateContext as GateContext  # noqa: PLC0414  adapters take it from here
from shared.gate_identities import identity_problems
from shared.housekeeping_settings import housekeeping_problems
from shared.notify_settings import Destination, destination_problems, destination_secrets, destinations_of
from shared.people_settings import NOBODY_SIGNS_IN, people_problems
from shared.rebuild_settings import RebuildSettings
from shared.record_settings import record_problems
from shared.registry_accounts import Account, parse_accounts
from shared.registry_ids import RegistryId as RegistryId  # noqa: PLC0414  adapters take it from here
from shared.registry_ids import parse_registry_id
from shared.registry_settings import registry_problems
from shared.schedules import SHORTEST_SCHEDULE, schedule_problems
from shared.setting_texts import text_problems
from shared.storage_settings import Storage, storage_of, storage_problems
from shared.whole_numbers import number_problems


def _setting(description: str, *, secret: bool = False) -> Meta:
    return Meta(description=description, extra={"secret": secret})


# What is read of several settings: the storage account's, and those that begin with a prefix.
_MANY = frozenset({"storage", "destinations", "builders"})


class Settings(RebuildSettings, frozen=True, kw_only=True):
    """Everything that can be set. A field's app setting has the field's name in capitals."""

    staging_registry_id: Annotated[str, _setting("Resource id of the staging registry.")]
    base_registry_id: Annotated[str, _setting("Resource id of the base registry, another than the staging registry.")]
    webhook_secret: Annotated[
        str,
        _setting("What the base registry's webhook sends in `x-tidegate-secret`; 16 characters or more.", secret=True),
    ]
    check_docker_hub_schedule: Annotated[str, _setting("When Docker Hub is checked: NCRONTAB of six fields.")]
    check_mcr_schedule: Annotated[str, _setting("When MCR is checked: NCRONTAB of six fields.")]
    check_other_registries_schedule: Annotated[
        str, _setting("When every other registry is checked: NCRONTAB of six fields.")
    ]
    look_at_base_schedule: Annotated[
        str, _setting("When the base registry is compared with what is wanted: NCRONTAB of six fields.")
    ]
    sweep_schedule: Annotated[str, _setting("When to wake for what was left behind: NCRONTAB of six fields.")]
    shortest_schedule: Annotated[
        str, _setting("Seconds that must lie between any two runs of one of these schedules: 1 to 3600.")
    ] = str(SHORTEST_SCHEDULE)
    application_registry_ids: Annotated[
        str,
        _setting(
            "Resource ids, separated by commas, of the registries whose tasks build application images, and not the "
            "staging registry. Default: the base registry."
        ),
    ] = ""
    base_listings_apart_seconds: Annotated[
        str,
        _setting(
            "How long after one listing of the base registry another must begin, so that both together are believed "
            "about a tag that is missing: 1 to 3600. As long as its replicas may lag behind."
        ),
    ] = "300"
    gates_at_once: Annotated[
        str,
        _setting(
            "How many runs of gates and scans are under way at once in the staging registry; the others wait in turn."
        ),
    ] = "25"
    imports_at_once: Annotated[
        str, _setting("How many imports into the staging registry are under way at once; the others wait in turn.")
    ] = "50"
    staging_login_server: Annotated[
        str, _setting("Login server of the staging registry. Default: its name and `.azurecr.io`.")
    ] = ""
    base_login_server: Annotated[
        str, _setting("Login server of the base registry. Default: its name and `.azurecr.io`.")
    ] = ""
    gate_agent_pool: Annotated[
        str | None,
        _setting("Pool of agents of the staging registry that gates run in. Default: the shared ones of ACR Tasks."),
    ] = None
    gate_context: Annotated[
        str,
        _setting(
            "How a gate's files reach its run: `upload`, `inline` (within the run's steps, up to some 48 KiB) or "
            "`schedule-run`. Where uploads are refused, `inline` is gone on with."
        ),
    ] = "upload"
    gate_client_image: Annotated[
        str,
        _setting(
            "Unproven: image with the Docker client in the staging registry, as `repository@sha256:…`. With it the "
            "test image runs as a container of its own, without the run's socket, home and network. Default: off."
        ),
    ] = ""
    gate_identities: Annotated[
        str,
        _setting("Identities by which gates read their `secrets`, by the gates' names, as JSON. Default: none."),
    ] = ""
    list_removal_percent: Annotated[
        str,
        _setting(
            "A watch list that lacks more than five entries of the one in force, and more than this share of them, is "
            "held until it says `removes:`. 1 to 100."
        ),
    ] = "20"
    new_tags_a_check: Annotated[
        str, _setting("How many tags one check of up to twenty repositories begins for the first time; 1 to 10000.")
    ] = "20"
    second_look_minutes: Annotated[
        str, _setting("After how long a tag that bears again what it bore within a day is believed; 0 to 60.")
    ] = "3"
    evidence_days: Annotated[str, _setting("Days that evidence stays which nothing names any more, 1 to 3650.")] = "90"
    sign_in_enabled: Annotated[
        str,
        _setting("Whether people and managed identities sign in by App Service authentication: `true` or `false`."),
    ] = "false"
    website_auth_enabled: Annotated[
        str,
        _setting("Said by App Service itself where its authentication is on; without it no sign-in is believed."),
    ] = ""
    docker_hub_username: Annotated[
        str, _setting("Docker Hub account to check and import with; anonymous callers share a small limit.")
    ] = ""
    docker_hub_token: Annotated[
        str, _setting("Personal access token of that account, with read permission.", secret=True)
    ] = ""
    registry_credentials: Annotated[
        str,
        _setting(
            "Accounts to check and import with at other registries, as JSON: "
            '`{"ghcr.io": {"username": "…", "password": "…"}}`. A third member, `token_host`, names a token service '
            "that is neither the registry's own nor above or below it.",
            secret=True,
        ),
    ] = ""
    docker_hub_registry_url: Annotated[str, _setting("Docker Hub's registry, or a proxy of it.")] = (
        "https://registry-1.docker.io"
    )
    docker_hub_auth_url: Annotated[str, _setting("Docker Hub's token service, or a proxy of it.")] = (
        "https://auth.docker.io"
    )
    docker_hub_api_url: Annotated[str, _setting("Docker Hub's API, or a proxy of it.")] = "https://hub.docker.com"
    mcr_url: Annotated[str, _setting("Microsoft's registry, or a proxy of it.")] = "https://mcr.microsoft.com"
    arm_endpoint: Annotated[str, _setting("Azure Resource Manager; another one in sovereign clouds.")] = (
        "https://management.azure.com"
    )
    arm_audience: Annotated[str, _setting("Audience of tokens for Azure Resource Manager.")] = (
        "https://management.azure.com"
    )
    acr_audience: Annotated[str, _setting("Audience of tokens for the registries' data plane.")] = (
        "https://containerregistry.azure.net"
    )
    azure_client_id: Annotated[
        str, _setting("Client id of the app's user-assigned identity. Default: the system-assigned one.")
    ] = ""
    storage: Storage
    destinations: tuple[Destination, ...] = ()
    builders: tuple[DispatcherSetting, ...] = ()

    def __repr__(self) -> str:
        """Whoever logs the settings must not log their secrets."""
        return f"Settings(base_registry_id={self.base_registry_id!r}, …)"

    @property
    def staging(self) -> RegistryId:
        """The staging registry."""
        return parse_registry_id(self.staging_registry_id)

    @property
    def base(self) -> RegistryId:
        """The base registry."""
        return parse_registry_id(self.base_registry_id)

    @property
    def staging_server(self) -> str:
        """Login server of the staging registry."""
        return self.staging_login_server or f"{self.staging.name.lower()}.azurecr.io"

    @property
    def base_server(self) -> str:
        """Login server of the base registry."""
        return self.base_login_server or f"{self.base.name.lower()}.azurecr.io"

    @property
    def verifier(self) -> str:
        """Who records say verified an image."""
        return self.record_verifier or f"https://{self.base_server}"

    @property
    def base_listings_apart(self) -> timedelta:
        """How long after one listing of the base registry another must begin."""
        return timedelta(seconds=int(self.base_listings_apart_seconds))

    @property
    def context(self) -> GateContext:
        """How a gate's files reach its run."""
        return GateContext(self.gate_context)

    @property
    def sign_in(self) -> bool:
        """Whether it is believed who signed in: our setting and the platform must both say that sign-in is on."""
        return self.sign_in_enabled == "true" and self.website_auth_enabled.lower() == "true"

    @property
    def accounts(self) -> dict[str, Account]:
        """The accounts at upstreams, by registry."""
        hub = Account(self.docker_hub_username, self.docker_hub_token)
        return {**parse_accounts(self.registry_credentials), **({"docker.io": hub} if hub.password else {})}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text among the settings that nobody may be shown."""
        passwords = (account.password for account in self.accounts.values())
        told = (*destination_secrets(self.destinations), *dispatcher_secrets(self.builders))
        return (self.webhook_secret, self.docker_hub_token, *passwords, *self.storage.keys, *told)

    @property
    def applications(self) -> tuple[RegistryId, ...]:
        """The registries whose tasks build application images."""
        ids = [part.strip() for part in self.application_registry_ids.split(",") if part.strip()]
        return tuple(parse_registry_id(text) for text in ids or [self.base_registry_id])

    def application_server(self, registry: str) -> str:
        """Return the login server of an application registry, which may be the base registry."""
        if registry.lower() == self.base.name.lower():
            return self.base_server
        given = (part.strip() for part in self.application_login_servers.split(",") if part.strip())
        servers = zip((one.name.lower() for one in self.applications), given, strict=False)
        return dict(servers).get(registry.lower()) or f"{registry.lower()}.azurecr.io"


def setting_fields() -> tuple[tuple[str, msgspec.structs.FieldInfo, Meta], ...]:
    """Return (app setting, field, description) of every setting but those of which there may be many, in order."""
    fields = [field for field in msgspec.structs.fields(Settings) if field.name not in _MANY]
    fields.sort(key=lambda field: field.name in RebuildSettings.__struct_fields__)
    return tuple((field.name.upper(), field, field.type.__metadata__[0]) for field in fields)


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Args:
        environment: the process's environment, where the Functions host puts app settings.

    Returns:
        The settings.

    Raises:
        ConfigurationError: says everything that is missing or wrong, in one message and without any value of a secret.
    """
    values = {field.name: environment.get(name, "").strip() for name, field, _ in setting_fields()}
    storage = storage_of(environment)
    destinations, builders = destinations_of(environment), dispatchers_of(environment)
    problems = [*_missing(values), *_wrong(values), *storage_problems(storage), *decision_problems(values, environment)]
    problems += record_problems(values, environment)
    problems += [*destination_problems(destinations), *dispatcher_problems(builders)]
    if problems or storage is None:
        raise ConfigurationError("the app's settings are incomplete:\n" + "\n".join(f"  - {p}" for p in problems))
    given = {name: value for name, value in values.items() if value}
    return Settings(**given, storage=storage, destinations=destinations, builders=builders)


def addresses(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return where upstreams are and what the base registry is called, by field, for commands that need no app.

    Args:
        environment: the process's environment.
    """
    names = ("docker_hub_registry_url", "docker_hub_auth_url", "docker_hub_api_url", "mcr_url", "base_login_server")
    return {
        field.name: environment.get(name, "").strip() or str(field.default)
        for name, field, _ in setting_fields()
        if field.name in names
    }


def starting_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of an app that starts, and write what is wrong with them to standard error.

    The Functions host does not tell why it could not load an app: it finds no function and calls itself running. What
    the app itself writes while it is loaded stands in the host's log.

    Args:
        environment: as in ``load_settings``.

    Returns:
        The settings.

    Raises:
        ConfigurationError: as ``load_settings`` does.
    """
    try:
        settings = load_settings(environment)
    except ConfigurationError as error:
        print(f"Tidegate does not start: {error}", file=sys.stderr, flush=True)
        raise
    if settings.sign_in_enabled == "true" and not settings.sign_in:
        print(NOBODY_SIGNS_IN, file=sys.stderr, flush=True)
    return settings


def _missing(values: Mapping[str, str]) -> list[str]:
    return [
        f"{name} is missing: {meta.description}"
        for name, field, meta in setting_fields()
        if field.required and not values[field.name]
    ]


def _wrong(values: Mapping[str, str]) -> list[str]:
    problems = []
    ids = [values["staging_registry_id"], values["base_registry_id"], *values["application_registry_ids"].split(",")]
    for text in filter(None, (part.strip() for part in ids)):
        try:
            parse_registry_id(text)
        except ConfigurationError as error:
            problems.append(str(error))
    if values["gate_context"] not in {"", *(context.value for context in GateContext)}:
        problems.append("GATE_CONTEXT must be upload, inline or schedule-run")
    if values["sign_in_enabled"] not in {"", "true", "false"}:
        problems.append("SIGN_IN_ENABLED must be true or false")
    if values["docker_hub_token"] and not values["docker_hub_username"]:
        problems.append("DOCKER_HUB_USERNAME is missing: DOCKER_HUB_TOKEN is of no use without it")
    try:
        parse_accounts(values["registry_credentials"])
    except ConfigurationError as error:
        problems.append(str(error))
    secrets = [field.name for _, field, meta in setting_fields() if (meta.extra or {}).get("secret")]
    problems += [*number_problems(values), *registry_problems(values), *schedule_problems(values)]
    problems += [*housekeeping_problems(values), *identity_problems(values), *people_problems(values)]
    return [*problems, *text_problems(values, secrets)]
