"""What the security scanner objects to is known, and each objection has its answer."""

from __future__ import annotations

from tests.infra.conftest import SCANNED, Scan

_OPEN = "open by default, closed by the parameter privateNetworking, whose value the scanner does not follow"
_NOT_FLEX = "a setting of other plans; Flex Consumption has none"
_NOT_SITE = "read into the app's settings, which are a resource of the same type family and know no such thing"
_SITE, _SETTINGS = "Microsoft.Web/sites.app", "Microsoft.Web/sites/config.appSettings"
_SIGN_IN = "Microsoft.Web/sites/config.signIn"
_REGISTRY = "Microsoft.ContainerRegistry/registries.made"
_KEY = "Microsoft.KeyVault/vaults/keys.key"
_VAULT, _STORAGE = "Microsoft.KeyVault/vaults.vault", "Microsoft.Storage/storageAccounts.account"

SKIPPED = {
    ("CKV_AZURE_139", _REGISTRY): _OPEN,
    ("CKV_AZURE_163", _REGISTRY): "Microsoft Defender is switched on for a subscription, not for a registry",
    ("CKV_AZURE_166", _REGISTRY): "the staging registry is the quarantine; ACR's would hold up every push",
    ("CKV_AZURE_109", _VAULT): _OPEN,
    ("CKV_AZURE_189", _VAULT): _OPEN,
    ("CKV_AZURE_35", _STORAGE): _OPEN,
    ("CKV_AZURE_206", _STORAGE): "zone-redundant unless the parameter storageSku says otherwise",
    ("CKV_AZURE_41", "Microsoft.KeyVault/vaults/secrets.webhook"): "renewed by every deployment; an end would stop it",
    ("CKV_AZURE_41", "Microsoft.KeyVault/vaults/secrets.dockerHub"): "Docker Hub's token has an end of its own",
    ("CKV_AZURE_41", "Microsoft.KeyVault/vaults/secrets.registries"): "other registries' tokens have ends of their own",
    (
        "CKV_AZURE_114",
        "Microsoft.KeyVault/vaults/secrets.dockerHub",
    ): "it has one, which the scanner misses under a condition",
    (
        "CKV_AZURE_114",
        "Microsoft.KeyVault/vaults/secrets.registries",
    ): "it has one, which the scanner misses under a condition",
    ("CKV_AZURE_40", _KEY): "an end would stop every tag that waits for a record; its versions are rotated by people",
    (
        "CKV_AZURE_112",
        _KEY,
    ): "a key in an HSM needs a Premium vault; this one does not leave the vault either",
    ("CKV_AZURE_17", _SITE): "registries' webhooks bring no client certificate",
    ("CKV_AZURE_212", _SITE): _NOT_FLEX,
    ("CKV_AZURE_213", _SITE): _NOT_FLEX,
    ("CKV_AZURE_222", _SITE): "webhooks come from the registry's service, from no address of ours",
    (
        "CKV_AZURE_225",
        "Microsoft.Web/serverfarms.plan",
    ): "one zone is enough for what only has to catch up",
    ("CKV_AZURE_13", _SETTINGS): _NOT_SITE,
    ("CKV_AZURE_63", _SETTINGS): _NOT_SITE,
    ("CKV_AZURE_65", _SETTINGS): _NOT_SITE,
    ("CKV_AZURE_66", _SETTINGS): _NOT_SITE,
    ("CKV_AZURE_80", _SETTINGS): _NOT_SITE,
    ("CKV_AZURE_88", _SETTINGS): _NOT_SITE,
    ("CKV_AZURE_222", _SETTINGS): _NOT_SITE,
    **{(f"CKV_AZURE_{number}", _SIGN_IN): _NOT_SITE for number in (13, 63, 65, 66, 80, 88, 222)},
}


def test_the_scanner_read_every_module(scan: Scan) -> None:
    # What it cannot parse it leaves out, and then finds nothing wrong with it.
    assert scan.summary["parsing_errors"] == 0
    assert scan.summary["resource_count"] > len(SCANNED)


def test_the_scanner_objects_to_nothing_that_has_no_answer(scan: Scan) -> None:
    assert scan.failed - set(SKIPPED) == set()


def test_no_answer_has_outlived_its_objection(scan: Scan) -> None:
    assert set(SKIPPED) - scan.failed == set()


def test_no_check_of_the_scanner_failed_itself(scan: Scan) -> None:
    assert scan.broken == set()
