"""The product's settings for the laptop twin: ordinary values of ordinary settings, as an operator would set them."""

from __future__ import annotations

from infra.local.topology import APPLICATIONS, BASE, STAGING, Topology

# Azurite's account is the same on every machine and published in its documentation; it protects nothing.
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

EVERY_SECOND, EVERY_TEN_SECONDS = "*/1 * * * * *", "*/10 * * * * *"


def storage_connection_string(topology: Topology) -> str:
    """Return the connection string of the twin's Azurite, for blobs, queues and tables."""
    endpoints = ";".join(
        f"{service.capitalize()}Endpoint={topology.http(f'azurite_{service}')}/{AZURITE_ACCOUNT}"
        for service in ("blob", "queue", "table")
    )
    return f"DefaultEndpointsProtocol=http;AccountName={AZURITE_ACCOUNT};AccountKey={AZURITE_KEY};{endpoints};"


def product_settings(topology: Topology, overrides: dict[str, str] | None = None) -> dict[str, str]:
    """Return every setting the product reads on the twin.

    Arguments:
        topology: where the twin listens.
        overrides: settings that replace or join the twin's, such as a slower schedule.

    Returns:
        Environment variable names and values. ``REQUESTS_CA_BUNDLE`` names a file the emulator writes when it starts.
    """
    return {
        "AzureWebJobsStorage": storage_connection_string(topology),
        **_registries(topology),
        **_schedules(),
        **_upstreams(topology),
        **_azure(topology),
        **_switched_off(topology),
        "WEBHOOK_SECRET": topology.webhook_secret,
        "REQUESTS_CA_BUNDLE": str(topology.ca_bundle),
        **(overrides or {}),
    }


def _registries(topology: Topology) -> dict[str, str]:
    return {
        "STAGING_REGISTRY_ID": topology.registry_id(STAGING),
        "BASE_REGISTRY_ID": topology.registry_id(BASE),
        "APPLICATION_REGISTRY_IDS": topology.registry_id(APPLICATIONS),
        "STAGING_LOGIN_SERVER": topology.address("staging"),
        "BASE_LOGIN_SERVER": topology.address("base"),
        "APPLICATION_LOGIN_SERVERS": topology.address("applications"),
    }


def _schedules() -> dict[str, str]:
    timers = ("CHECK_DOCKER_HUB", "CHECK_MCR", "CHECK_OTHER_REGISTRIES", "SWEEP")
    schedules = {f"{timer}_SCHEDULE": EVERY_SECOND for timer in timers}
    return {**schedules, "LOOK_AT_BASE_SCHEDULE": EVERY_TEN_SECONDS, "SHORTEST_SCHEDULE": "1"}


def _upstreams(topology: Topology) -> dict[str, str]:
    return {
        "DOCKER_HUB_REGISTRY_URL": topology.https("docker_hub_registry"),
        "DOCKER_HUB_AUTH_URL": topology.https("docker_hub_auth"),
        "DOCKER_HUB_API_URL": topology.https("docker_hub_api"),
        "MCR_URL": topology.https("mcr"),
    }


def _azure(topology: Topology) -> dict[str, str]:
    return {
        "ARM_ENDPOINT": topology.https("arm"),
        "ARM_AUDIENCE": "https://management.azure.com",
        "ACR_AUDIENCE": "https://containerregistry.azure.net",
        "IDENTITY_ENDPOINT": f"{topology.http('identity')}/msi/token",
        "IDENTITY_HEADER": topology.identity_header,
    }


def _switched_off(topology: Topology) -> dict[str, str]:
    """As in a deployment, nothing can be called where Event Grid tells of pushes."""
    return {"AzureWebJobs.acr_webhook.Disabled": "true"} if topology.event_grid else {}
