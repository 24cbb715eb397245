"""What each way of deploying would make, worked out by Microsoft's compiler without Azure."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from docs.triggers import functions
from shared.config import setting_fields
from tests.infra.bicep import INFRA
from tests.infra.compiler import ACR, GROUP, WAYS, Given, Prediction, needs_compiler
from tests.infra.roles import BUILT_IN, FURTHER_NEEDS, RUNS, TASKS
from tests.infra.test_roles import needed
from tests.infra.test_settings import HOST, LEFT_TO_DEFAULT, PRODUCT

pytestmark = needs_compiler

Ways = Callable[[str], Prediction]
EVERY_WAY = sorted(way.stem for way in WAYS.glob("*.bicepparam"))
each_way = pytest.mark.parametrize("way", EVERY_WAY)

IMPORTER = BUILT_IN["Container Registry Data Importer and Data Reader"][0]
READER = BUILT_IN["Container Registry Repository Reader"][0]
SCHEDULE = f"{ACR}/registries/scheduleRun/action"
CANCEL = f"{ACR}/registries/runs/cancel/action"
_REGISTRIES = "/providers/Microsoft.ContainerRegistry/registries/"
QUARANTINE = f"/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-quarantine{_REGISTRIES}quarantine"
PLATFORM = f"/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/rg-platform{_REGISTRIES}platformbase"
APPS = f"/subscriptions/44444444-4444-4444-4444-444444444444/resourceGroups/rg-apps{_REGISTRIES}apps"
HUB = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups"
# What takes no tags: parts of something else, roles and settings.
UNTAGGED = re.compile(
    r"Authorization|/(?:blobServices|queueServices|tableServices|managementPolicies|secrets|config|privateDnsZoneGroups"
    r"|basicPublishingCredentialsPolicies|eventSubscriptions)|diagnosticSettings"
)


def roles_on(scope: str, made: Prediction) -> set[str]:
    return {given.role for given in made.given() if given.scope == scope}


def own_roles(made: Prediction, actions: set[str]) -> set[str]:
    """Scopes on which a role of our own with just these actions is given."""
    defined = made.names("Microsoft.Authorization/roleDefinitions")
    return {given.scope for given in made.given() if given.role in defined and made.actions(given.role) == actions}


def runs_actions() -> set[str]:
    return needed(RUNS) - {SCHEDULE}


def changing_tasks(made: Prediction) -> list[Given]:
    """Every role with which a task can be written."""
    defined = made.names("Microsoft.Authorization/roleDefinitions")
    own = [given for given in made.given() if given.role in defined]
    return [given for given in own if any("/tasks/write" in action for action in made.actions(given.role))]


@each_way
def test_every_queue_that_a_function_listens_to_is_made(way: str, ways: Ways) -> None:
    made = ways(way).names("Microsoft.Storage/storageAccounts/queueServices/queues")
    listened = {function.source for function in functions(INFRA.parent / "function_app.py") if function.source in made}
    named = {function.source for function in functions(INFRA.parent / "function_app.py")}
    assert {source for source in named if re.fullmatch(r"[a-z-]+", source)} == listened
    assert {f"{queue}-poison" for queue in listened if not queue.endswith("-poison")} <= made


@each_way
def test_the_apps_settings_are_those_that_it_reads(way: str, ways: Ways) -> None:
    settings = ways(way).settings()
    assert {name for name in settings if name not in HOST} <= PRODUCT
    required = {name for name, field, _ in setting_fields() if field.required}
    assert required <= set(settings)
    always = PRODUCT - set(LEFT_TO_DEFAULT) - {"DOCKER_HUB_USERNAME", "DOCKER_HUB_TOKEN", "REGISTRY_CREDENTIALS"}
    assert always <= set(settings)


@each_way
def test_everything_that_takes_tags_has_them(way: str, ways: Ways) -> None:
    made = [found for found in ways(way).resources if not UNTAGGED.search(found["type"])]
    without = [found["id"] for found in made if found.get("tags", {}).get("azd-env-name") != "prod"]
    assert without in ([], [found["id"] for found in ways(way).of("Microsoft.Network/virtualNetworks/subnets")])
    assert len(made) > 10


def test_own_tags_are_on_everything_too(ways: Ways) -> None:
    made = [found for found in ways("closed").resources if not UNTAGGED.search(found["type"])]
    assert {(found["tags"]["owner"], found["tags"]["costCenter"]) for found in made} == {("platform", "4711")}


@each_way
def test_nobody_but_the_named_tasks_can_be_rewritten(way: str, ways: Ways) -> None:
    made = ways(way)
    scopes = {given.scope for given in changing_tasks(made)}
    assert own_roles(made, FURTHER_NEEDS[TASKS]) == scopes
    expected: dict[str, set[str]] = {
        "existing-registries": {f"{PLATFORM}/tasks/portal", f"{APPS}/tasks/shop", f"{APPS}/tasks/stock"},
        "registry-wide": {APPS},
    }
    assert scopes == expected.get(way, set())


def test_the_app_may_import_read_and_run_where_it_needs_to_and_nowhere_else(ways: Ways) -> None:
    made = ways("existing-registries")
    assert {given.scope for given in made.given() if given.role == IMPORTER} == {QUARANTINE, PLATFORM}
    assert {given.scope for given in made.given() if given.role == READER} == {QUARANTINE}
    assert own_roles(made, runs_actions()) == {QUARANTINE}, "runs are ended in staging alone"
    assert own_roles(made, runs_actions() - {CANCEL}) == {PLATFORM, APPS}
    assert own_roles(made, {SCHEDULE}) == set()


def test_every_role_is_given_on_a_resource_and_on_no_group(ways: Ways) -> None:
    for way in EVERY_WAY:
        scopes = {given.scope for given in ways(way).given()}
        assert scopes
        assert {scope for scope in scopes if scope.count("/") < 8} == set(), way


def test_runs_without_a_name_may_be_scheduled_in_staging_alone_and_only_where_it_is_asked(ways: Ways) -> None:
    staging = ways("abac").registry("staging")["id"]
    assert own_roles(ways("abac"), {SCHEDULE}) == {staging}
    assert all(own_roles(ways(way), {SCHEDULE}) == set() for way in EVERY_WAY if way != "abac")


def permitted(made: Prediction, role: str) -> set[str]:
    """What a role of our own permits, of the registry and of its data."""
    return made.actions(role) | made.data_actions(role)


def test_locks_may_be_changed_in_base_alone_and_only_where_it_is_asked(ways: Ways) -> None:
    for way in EVERY_WAY:
        changing = {
            given.scope
            for given in ways(way).given()
            if given.role in ways(way).names("Microsoft.Authorization/roleDefinitions")
            and any(action.endswith("/metadata/write") for action in permitted(ways(way), given.role))
        }
        expected = {ways(way).registry("base")["id"]} if way in {"abac", "registry-wide"} else set()
        assert changing == expected, way


def test_rights_by_repository_are_what_staging_has_unless_it_is_said_otherwise(ways: Ways) -> None:
    modes = {
        way: [
            ways(way).registry(role)["properties"]["roleAssignmentMode"].removesuffix("Permissions")
            for role in ("staging", "base")
        ]
        for way in ("defaults", "abac", "registry-wide")
    }
    assert modes == {
        "defaults": ["AbacRepository", "LegacyRegistry"],
        "abac": ["AbacRepository", "AbacRepository"],
        "registry-wide": ["LegacyRegistry", "LegacyRegistry"],
    }


@pytest.mark.parametrize("way", ["defaults", "abac", "registry-wide"])
def test_who_may_read_repositories_is_said_where_rights_go_by_them(way: str, ways: Ways) -> None:
    made = ways(way)
    for role in ("staging", "base"):
        registry = made.registry(role)
        by_repository = registry["properties"]["roleAssignmentMode"] == "AbacRepositoryPermissions"
        readers = [given for given in made.given() if (given.scope, given.role) == (registry["id"], READER)]
        assert [("identity" in given.principal) for given in readers] == [True] * by_repository


def deletes_in(made: Prediction, *, abac: bool) -> set[str]:
    """Scopes on which a role that may only delete is given."""
    names = ("content", "metadata")
    by_repository = {f"{ACR}/registries/repositories/{name}/delete" for name in names}
    actions = set() if abac else {f"{ACR}/registries/artifacts/delete"}
    given = own_roles(made, actions)
    data = {one.scope for one in made.given() if made.data_actions(one.role) == (by_repository if abac else set())}
    return given & data


def may_delete(made: Prediction) -> set[str]:
    """Scopes on which anything at all may be deleted of what a registry holds, by whichever role."""
    built_in = dict(BUILT_IN.values())
    ours = made.names("Microsoft.Authorization/roleDefinitions")
    of = lambda role: made.actions(role) | made.data_actions(role) if role in ours else built_in[role]  # noqa: E731
    deleting = re.compile(r".*/registries/(artifacts/delete|repositories/(content|metadata)/delete|\*)")
    return {one.scope for one in made.given() if any(deleting.fullmatch(action) for action in of(one.role))}


def test_the_app_may_delete_in_staging_alone_unless_it_is_said_otherwise(ways: Ways) -> None:
    said: dict[str, set[str]] = {"webhooks": set(), "abac": {"staging", "base"}, "registry-wide": {"staging", "base"}}
    for way in EVERY_WAY:
        made = ways(way)
        assert may_delete(made) == {_id_of(made, way, role) for role in said.get(way, {"staging"})}, way


def _id_of(made: Prediction, way: str, role: str) -> str:
    existing = {"staging": QUARANTINE, "base": PLATFORM}
    return existing[role] if way == "existing-registries" else str(made.registry(role)["id"])


def test_who_deletes_may_do_nothing_else_by_that(ways: Ways) -> None:
    staging = ways("defaults").registry("staging")["id"]
    assert deletes_in(ways("defaults"), abac=True) == {staging}
    both = {ways("abac").registry(role)["id"] for role in ("staging", "base")}
    assert deletes_in(ways("abac"), abac=True) == both
    wide = ways("registry-wide")
    assert deletes_in(wide, abac=False) == {wide.registry(role)["id"] for role in ("staging", "base")}


def test_nothing_purges_by_tags_any_more_and_no_registry_by_itself(ways: Ways) -> None:
    for way in EVERY_WAY:
        assert ways(way).of(f"{ACR}/registries/tasks") == []
        policies = [one["properties"].get("policies", {}) for one in ways(way).of(f"{ACR}/registries")]
        assert {one["retentionPolicy"]["status"] for one in policies if one} <= {"disabled"}


def test_nothing_is_public_where_all_is_closed(ways: Ways) -> None:
    access = {
        found["name"]: found["properties"]["publicNetworkAccess"]
        for found in ways("closed").resources
        if "publicNetworkAccess" in found.get("properties", {}) and "insights" not in found["type"].lower()
    }
    assert len(access) == 5
    assert set(access.values()) == {"Disabled"}
    reached = ways("closed").of("Microsoft.Network/privateEndpoints")
    services = [found["properties"]["privateLinkServiceConnections"][0]["name"] for found in reached]
    assert sorted(services) == ["blob", "queue", "registry", "registry", "sites", "table", "vault"]


def test_no_registry_lets_in_runs_by_a_bypass_that_is_of_no_use_to_them(ways: Ways) -> None:
    for way in EVERY_WAY:
        for found in ways(way).of(f"{ACR}/registries"):
            assert found["properties"]["networkRuleBypassAllowedForTasks"] is False


def test_gates_run_in_the_pool_of_agents_within_the_network(ways: Ways) -> None:
    made = ways("closed")
    pool = made.one(f"{ACR}/registries/agentPools")
    assert pool["name"].endswith("/gates")
    assert pool["properties"]["virtualNetworkSubnetResourceId"].endswith("/subnets/agents")
    network = made.one("Microsoft.Network/virtualNetworks")
    assert {subnet["name"] for subnet in network["properties"]["subnets"]} == {"app", "endpoints", "agents"}
    assert made.settings()["GATE_AGENT_POOL"] == "gates"
    assert made.registry("staging")["sku"]["name"] == "Premium"


def test_staging_stays_open_where_no_agents_could_reach_it(ways: Ways) -> None:
    made = ways("existing-network")
    access = {role: made.registry(role)["properties"]["publicNetworkAccess"] for role in ("staging", "base")}
    assert access == {"staging": "Enabled", "base": "Disabled"}
    assert made.of(f"{ACR}/registries/agentPools") == []


def test_a_network_and_zones_that_are_there_are_used_and_not_made(ways: Ways) -> None:
    made = ways("existing-network")
    assert [
        found["type"] for found in made.resources if re.search("virtualNetworks|natGateways|Zones$", found["type"])
    ] == []
    app = made.one("Microsoft.Web/sites")
    assert app["properties"]["virtualNetworkSubnetId"].endswith("/virtualNetworks/spoke/subnets/functions")
    for endpoint in made.of("Microsoft.Network/privateEndpoints"):
        assert endpoint["properties"]["subnet"]["id"].endswith("/virtualNetworks/spoke/subnets/endpoints")
    for records in made.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups"):
        (zone,) = records["properties"]["privateDnsZoneConfigs"]
        assert f"{HUB}/rg-dns/providers/Microsoft.Network/privateDnsZones" in zone["properties"]["privateDnsZoneId"]


def test_webhooks_bear_the_deployments_name_and_no_key_in_their_address(ways: Ways) -> None:
    made = ways("webhooks").of(f"{ACR}/registries/webhooks")
    token = ways("webhooks").registry("base")["name"].removeprefix("tidegatebase")
    names = {found["name"].partition("/")[2] for found in made}
    assert names == {f"tidegate{token}", f"tidegate{token}northeurope"}
    assert all(re.fullmatch(r"[A-Za-z0-9]{5,50}", name) for name in names)
    for found in made:
        assert found["properties"]["actions"] == ["push", "delete"]
        assert set(found["properties"]["customHeaders"]) == {"x-functions-key", "x-tidegate-secret"}
        assert "listKeys" in found["properties"]["customHeaders"]["x-functions-key"]
        assert "listKeys" not in found["properties"]["serviceUri"]
        assert "code=" not in found["properties"]["serviceUri"]


@pytest.mark.parametrize("way", ["existing-registries", "webhooks", "event-grid"])
def test_two_deployments_make_nothing_of_the_same_name_on_shared_registries(way: str, ways: Ways, again: Ways) -> None:
    shared = (f"{ACR}/registries/webhooks", "Microsoft.Authorization/roleDefinitions", "eventSubscriptions")
    kinds = [found for found in ways(way).resources if found["type"].endswith(shared)]
    ids = {found["id"] for found in kinds}
    others = {found["id"] for found in again(way).resources if found["type"].endswith(shared)}
    assert ids
    assert ids & others == set()
    titles = [
        found["properties"]["roleName"]
        for made in (ways(way), again(way))
        for found in made.of("Microsoft.Authorization/roleDefinitions")
    ]
    assert len(titles) == len(set(titles))


def test_event_grid_fills_the_queue_and_nothing_calls_the_app(ways: Ways) -> None:
    for way in ("event-grid", "closed"):
        made = ways(way)
        subscription = made.one("Microsoft.EventGrid/systemTopics/eventSubscriptions")
        to = subscription["properties"]["deliveryWithResourceIdentity"]["destination"]["properties"]
        assert (to["queueName"], to["resourceId"].startswith(GROUP)) == ("imports", True)
        assert made.of(f"{ACR}/registries/webhooks") == []
        assert made.settings()["AzureWebJobs.acr_webhook.Disabled"] == "true"
    assert ways("event-grid").of("Microsoft.EventGrid/systemTopics") == []
    assert len(ways("closed").of("Microsoft.EventGrid/systemTopics")) == 1


def test_the_app_is_called_from_where_it_is_said_and_from_everywhere_else_unless_it_is(ways: Ways) -> None:
    few, all_ = (ways(way).one("Microsoft.Web/sites")["properties"]["siteConfig"] for way in ("event-grid", "defaults"))
    assert [rule["ipAddress"] for rule in few["ipSecurityRestrictions"]] == [
        "203.0.113.0/24",
        "198.51.100.7/32",
        "2001:db8::1/128",
    ]
    assert {rule["action"] for rule in few["ipSecurityRestrictions"]} == {"Allow"}
    assert len({(rule["name"], rule["priority"]) for rule in few["ipSecurityRestrictions"]}) == 3
    assert (few["ipSecurityRestrictionsDefaultAction"], few["scmIpSecurityRestrictionsDefaultAction"]) == (
        "Deny",
        "Allow",
    )
    assert (all_["ipSecurityRestrictions"], all_["ipSecurityRestrictionsDefaultAction"]) == ([], "Allow")


def test_a_setting_of_which_no_parameter_speaks_is_set_beside_the_others(ways: Ways) -> None:
    given, plain = (ways(way).settings() for way in ("event-grid", "defaults"))
    assert given["REBUILDS_AT_ONCE"] == "20"
    assert "REBUILDS_AT_ONCE" not in plain
    assert given["SWEEP_SCHEDULE"] == plain["SWEEP_SCHEDULE"]


def test_logs_go_to_the_workspace_where_it_is_asked(ways: Ways) -> None:
    logs = ways("existing-registries").of("Microsoft.Insights/diagnosticSettings")
    places = {found["name"].partition("/")[0] for found in logs}
    assert len(logs) == len({found["id"] for found in logs}) == 7
    assert any("Microsoft.KeyVault/vaults/" in found["id"] for found in logs), places
    assert {found["properties"]["workspaceId"].rpartition("/")[0] for found in logs} == {
        f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces"
    }
    assert ways("defaults").of("Microsoft.Insights/diagnosticSettings") == []


def test_an_overwritten_watch_list_can_be_had_back_for_a_year(ways: Ways) -> None:
    made = ways("defaults")
    assert made.one("Microsoft.Storage/storageAccounts/blobServices")["properties"]["isVersioningEnabled"] is True
    policy = made.one("Microsoft.Storage/storageAccounts/managementPolicies")["properties"]["policy"]
    kept = {
        prefix: rule["definition"]["actions"]["version"]["delete"]["daysAfterCreationGreaterThan"]
        for rule in policy["rules"]
        for prefix in rule["definition"]["filters"]["prefixMatch"]
    }
    assert kept["config/"] == 365
    containers = made.names("Microsoft.Storage/storageAccounts/blobServices/containers")
    assert {f"{name}/" for name in containers} <= set(kept)


SUBNET = f"{HUB}/g/providers/Microsoft.Network/virtualNetworks/n/subnets/a"
IN_ANOTHER_CASE = PLATFORM.replace("platformbase", "PlatformBase")
REFUSED = {
    "the same registry": f"param stagingRegistryId = '{PLATFORM}'\nparam baseRegistryId = '{IN_ANOTHER_CASE}'",
    'baseRegistryId is "basereg"': "param baseRegistryId = 'basereg'",
    "stagingRegistryId is": f"param stagingRegistryId = '{PLATFORM}/tasks/x'",
    'applicationRegistryIds is "apps"': "param applicationRegistryIds = ['apps']",
    "names the staging registry": f"param stagingRegistryId = '{APPS}'\nparam applicationRegistryIds = ['{APPS}']",
    'applicationTaskIds is "portal"': "param applicationTaskIds = ['portal']",
    "not among applicationRegistryIds": f"param applicationTaskIds = ['{APPS}/tasks/shop']",
    "every task of the base registry": "param allApplicationTasks = true",
    "a space may not be": "param environmentName = 'my prod'",
    "needs privateNetworking": "param closeFunctionApp = true\nparam registryEvents = 'event-grid'",
    "needs registryEvents event-grid": "param closeFunctionApp = true\nparam privateNetworking = true",
    "are given together": f"param privateNetworking = true\nparam appSubnetId = '{SUBNET}'",
    'endpointSubnetId is "b"': (
        f"param privateNetworking = true\nparam appSubnetId = '{SUBNET}'\nparam endpointSubnetId = 'b'"
    ),
    "allowedAddresses needs registryEvents": "param allowedAddresses = ['203.0.113.1']",
    "means nothing with closeFunctionApp": (
        "param closeFunctionApp = true\nparam privateNetworking = true\nparam registryEvents = 'event-grid'\n"
        "param allowedAddresses = ['203.0.113.1']"
    ),
    "furtherSettings names sweep_schedule": "param furtherSettings = { sweep_schedule: '0 0 0 * * *' }",
    "mean nothing without privateNetworking": f"param appSubnetId = '{SUBNET}'",
    "agentSubnetId is missing": (
        f"param privateNetworking = true\nparam appSubnetId = '{SUBNET}'\nparam endpointSubnetId = '{SUBNET}'\n"
        "param agentPoolName = 'gates'"
    ),
}


@pytest.mark.parametrize(("said", "parameters"), REFUSED.items(), ids=list(REFUSED))
def test_what_cannot_work_is_refused_with_a_sentence(said: str, parameters: str, refused: Callable[[str], str]) -> None:
    assert said in refused(parameters)
