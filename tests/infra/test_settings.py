"""The app's settings in the template are those that the product and its host read."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from docs.triggers import functions
from shared.config import load_settings, setting_fields
from shared.domain.events.event_grid import DELETED, PUSHED
from shared.domain.events.messages import IMPORTS, MESSAGE_QUEUES
from tests.infra.bicep import INFRA, MAIN, body, of_type, properties, read, strings, text
from tests.infra.sdk_calls import ADAPTERS

ROOT = INFRA.parent
APP = read(INFRA / "modules" / "function-app.bicep")
STORAGE = read(INFRA / "modules" / "storage.bicep")
EXAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
PRODUCT = {name for name, _, _ in setting_fields()}

LEFT_TO_DEFAULT = {
    "WEBSITE_AUTH_ENABLED": "said by App Service itself",
    "DOCKER_HUB_REGISTRY_URL": "Docker Hub itself; a proxy is a further setting",
    "DOCKER_HUB_AUTH_URL": "Docker Hub itself; a proxy is a further setting",
    "DOCKER_HUB_API_URL": "Docker Hub itself; a proxy is a further setting",
    "MCR_URL": "MCR itself; a proxy is a further setting",
    "BASE_LISTINGS_APART_SECONDS": "minutes, which fit any registry; a further setting where replicas lag longer",
    "SHORTEST_SCHEDULE": "a minute, below which a schedule is a mistake; a further setting for who knows better",
    "REBUILDS_AT_ONCE": "fits the shared agents of ACR Tasks; more is a further setting with a pool of one's own",
    "IMPORTS_AT_ONCE": "keeps ARM's writes busy; another number is for who knows what their registry does at once",
    "GATES_AT_ONCE": "fits the shared agents of ACR Tasks; more is a further setting with a pool of one's own",
    "UNIQUE_TAGS_KEPT": "ten; a further setting for who goes back further by their names",
    "EVIDENCE_DAYS": "a quarter of a year; a further setting for who has to keep evidence longer",
    "RECORD_VERIFIER": "the base registry's address, which whoever pulls knows; a further setting for another name",
    "GATE_CONTEXT": "begins with an upload, and goes on otherwise by itself",
    "GATE_IDENTITIES": "gates are written after the deployment; a further setting where one reads secrets",
    "GATE_CLIENT_IMAGE": "unproven, so a further setting once the live check has seen that it works",
}
# What the product takes from the environment beside its own settings, and what only the host and the worker read.
HOST = {
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY",
    "OTEL_TRACES_SAMPLER",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
    "OTEL_METRICS_EXPORTER",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
    "PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME",
    "PYTHON_THREADPOOL_THREAD_COUNT",
    "AzureWebJobs.acr_webhook.Disabled",
}
ONLY_LOCAL = {
    "FUNCTIONS_WORKER_RUNTIME": "on Flex Consumption a property of the app, and refused as a setting",
    "AzureWebJobsStorage": "a connection string; in Azure there are no keys",
}
EVENT_GRID = read(INFRA / "modules" / "event-grid.bicep")
UNDELIVERED = "undelivered"
REGISTRY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/tidegate"


def declared() -> dict[str, str]:
    """Every setting of the template with its expression."""
    objects = (
        found
        for name in ("settings", "dockerHubSettings", "registrySettings", "eventSettings")
        for found in of_type(APP.variables[name], "object")
    )
    return {name: text(value) for found in map(properties, objects) for name, value in found.items()}


def names_in(variable: str) -> set[str]:
    return set(strings(STORAGE.variables[variable]))


def named_by_adapters(kind: str) -> set[str]:
    """The second argument of every ``Table(account, "name")`` or ``Container(account, "name")``."""
    calls = (node for file in ADAPTERS.rglob("*.py") for node in ast.walk(ast.parse(Path(file).read_text())))
    made = (node for node in calls if isinstance(node, ast.Call) and getattr(node.func, "id", "") == kind)
    return {node.args[1].value for node in made if isinstance(node.args[1], ast.Constant)}


def test_every_setting_of_the_product_is_set_or_left_to_its_default_on_purpose() -> None:
    assert {name for name in declared() if name in PRODUCT} | set(LEFT_TO_DEFAULT) == PRODUCT


def test_what_is_left_to_its_default_has_one() -> None:
    optional = {name for name, field, _ in setting_fields() if not field.required}
    assert set(LEFT_TO_DEFAULT) <= optional


def test_nothing_is_set_that_neither_the_product_nor_its_host_reads() -> None:
    assert set(declared()) - PRODUCT == HOST


def test_the_example_of_local_settings_and_the_template_differ_only_on_purpose() -> None:
    assert set(EXAMPLE) - set(declared()) == set(LEFT_TO_DEFAULT) | set(ONLY_LOCAL)


def test_a_value_that_both_state_is_the_same() -> None:
    main = read(MAIN)
    schedules = {
        "CHECK_DOCKER_HUB_SCHEDULE": "checkDockerHubSchedule",
        "CHECK_MCR_SCHEDULE": "checkMcrSchedule",
        "CHECK_OTHER_REGISTRIES_SCHEDULE": "checkOtherRegistriesSchedule",
        "LOOK_AT_BASE_SCHEDULE": "lookAtBaseSchedule",
        "SWEEP_SCHEDULE": "sweepSchedule",
    }
    for setting, parameter in schedules.items():
        assert strings(main.params[parameter])[-1] == EXAMPLE[setting]
    threads = "PYTHON_THREADPOOL_THREAD_COUNT"
    assert declared()[threads].strip("'") == EXAMPLE[threads]


def test_every_setting_that_the_documents_name_for_telemetry_has_the_value_they_name() -> None:
    section = (ROOT / "docs" / "configuration.md").read_text().partition("\n## Telemetry\n")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`(.+?)`)? ?\|", section, re.MULTILINE))
    assert told
    assert {name: value for name, value in told.items() if declared().get(name, "").strip("'") != value and value} == {}
    assert set(told) <= set(declared())


def test_the_product_starts_with_the_settings_of_the_template() -> None:
    environment = {name: f"https://{name.lower()}.example" for name in declared()}
    environment |= {f"{kind}_REGISTRY_ID": f"{REGISTRY}{kind}" for kind in ("STAGING", "BASE")}
    environment["APPLICATION_REGISTRY_IDS"] = REGISTRY
    environment["APPLICATION_LOGIN_SERVERS"] = "tidegate-hnfvdka7.azurecr.io"
    environment |= {f"{kind}_LOGIN_SERVER": f"{kind.lower()}.azurecr.io" for kind in ("STAGING", "BASE")}
    environment |= {"HOUSEKEEPING": "staging", "STAGING_RETENTION_DAYS": "30"}
    environment |= {"LIST_REMOVAL_PERCENT": "20", "NEW_TAGS_A_CHECK": "20", "SECOND_LOOK_MINUTES": "3"}
    environment |= {name: "0 */15 * * * *" for name in environment if name.endswith("_SCHEDULE")}
    environment |= {"SIGN_IN_ENABLED": "true", "INSTALLATION": "prod-weu", "PUBLIC_URL": "https://tidegate.example"}
    environment["RECORD_KEY"] = "https://kv-tg.vault.azure.net/keys/records"
    environment |= {"RECORD_FORMS": "att,sig", "RECORD_OVERRIDES": "failed"}
    environment["REGISTRY_CREDENTIALS"] = '{"ghcr.io": {"username": "u", "password": "p"}}'
    settings = load_settings(environment)
    assert settings.storage.connection_string == ""
    assert settings.storage.queue_uri == environment["AzureWebJobsStorage__queueServiceUri"]


def test_one_parameter_switches_sign_in_on_for_the_platform_and_for_the_app() -> None:
    assert declared()["SIGN_IN_ENABLED"] == "empty(signInClientId) ? 'false' : 'true'"
    template = (ROOT / "infra" / "modules" / "function-app.bicep").read_text()
    assert "platform: { enabled: !empty(signInClientId) }" in template
    assert text(read(MAIN).params["signInClientId"]).endswith("string = ''")
    assert EXAMPLE["SIGN_IN_ENABLED"] == "false"


def test_secrets_are_references_to_the_vault() -> None:
    secret = {name for name, _, meta in setting_fields() if (meta.extra or {})["secret"]}
    referring = {name for name, value in declared().items() if value.startswith("'@Microsoft.KeyVault(SecretUri=")}
    assert referring == secret


def test_the_queues_of_the_template_are_those_of_the_product() -> None:
    assert names_in("queues") == {name for queue in MESSAGE_QUEUES for name in (queue, f"{queue}-poison")}


def test_the_tables_of_the_template_are_those_of_the_product() -> None:
    assert names_in("tables") == named_by_adapters("Table")


def test_the_containers_of_the_template_are_those_of_the_product_and_the_package() -> None:
    beside = {"deployment": "the package", UNDELIVERED: "what Event Grid could not deliver"}
    # What people decided lies in another account, whose module makes its container.
    assert names_in("containers") == (named_by_adapters("Container") - {"decisions"}) | set(beside)
    package = text(STORAGE.outputs["deploymentContainerUri"])
    assert package.endswith("deployment'")


def test_what_is_switched_off_is_the_way_of_events_that_was_not_chosen() -> None:
    event_grid, webhooks = map(properties, of_type(APP.variables["eventSettings"], "object"))
    off = [{name.split(".")[1] for name in found} for found in (event_grid, webhooks)]
    by_name = {function.name: function for function in functions(ROOT / "function_app.py")}
    assert {by_name[name].source for name in off[0]} == {"POST /api/webhooks/acr"}
    assert off[1] == set()
    assert {text(value) for value in (*event_grid.values(), *webhooks.values())} == {"'true'"}


def test_event_grid_delivers_what_the_product_reads_to_where_it_reads_it() -> None:
    (queue,), (container,) = (strings(EVENT_GRID.variables[name]) for name in ("queueName", "containerName"))
    assert (queue, container) == (IMPORTS, UNDELIVERED)
    subscription = properties(properties(body(EVENT_GRID.resources["pushes"]))["properties"])
    assert strings(subscription["filter"]) == [PUSHED, DELETED]
    assert strings(subscription["eventDeliverySchema"]) == ["CloudEventSchemaV1_0"]


def test_nothing_is_made_of_the_way_of_events_that_was_not_chosen() -> None:
    conditions = {module: text(read(MAIN).modules[module]).partition("{")[0] for module in ("webhooks", "eventGrid")}
    assert conditions["webhooks"].endswith("= if (connectWebhook && registryEvents == 'webhooks') ")
    assert conditions["eventGrid"].endswith("= if (registryEvents == 'event-grid') ")
    assert strings(read(MAIN).params["registryEvents"])[-1] == "webhooks"
