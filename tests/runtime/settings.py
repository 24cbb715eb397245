"""The app settings of this level, and the secrets among them."""

from __future__ import annotations

from tests.contract.azurite import KEY

WEBHOOK_SECRET = "the-webhooks-own-secret"
DOCKER_HUB_TOKEN = "the-access-token-of-docker-hub"
API_KEY = f"tidegate_{'1' * 12}_{'2' * 64}"
SECRETS = (WEBHOOK_SECRET, API_KEY, DOCKER_HUB_TOKEN, KEY)
# Nobody listens there, so what is asked of an upstream or of Azure is refused at once.
CLOSED = "https://127.0.0.1:1"
_REGISTRIES = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries"
# What the app does not start without, but for the storage account.
REQUIRED = {
    "STAGING_REGISTRY_ID": f"{_REGISTRIES}/tidegatestaging",
    "BASE_REGISTRY_ID": f"{_REGISTRIES}/tidegatebase",
    "WEBHOOK_SECRET": WEBHOOK_SECRET,
    "CHECK_DOCKER_HUB_SCHEDULE": "0 */15 * * * *",
    "CHECK_MCR_SCHEDULE": "0 */20 * * * *",
    "CHECK_OTHER_REGISTRIES_SCHEDULE": "0 */25 * * * *",
    "LOOK_AT_BASE_SCHEDULE": "0 */30 * * * *",
    "SWEEP_SCHEDULE": "30 * * * * *",
}
STORAGE = "AzureWebJobsStorage"


def app_settings(connection_string: str) -> dict[str, str]:
    """Return complete settings with this storage account, and with upstreams and Azure out of reach."""
    return {
        **REQUIRED,
        STORAGE: connection_string,
        "DOCKER_HUB_USERNAME": "tidegate",
        "DOCKER_HUB_TOKEN": DOCKER_HUB_TOKEN,
        "DOCKER_HUB_REGISTRY_URL": CLOSED,
        "DOCKER_HUB_AUTH_URL": CLOSED,
        "DOCKER_HUB_API_URL": CLOSED,
        "MCR_URL": CLOSED,
        "ARM_ENDPOINT": CLOSED,
    }
