"""What tests may change about the services while the twin runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from infra.local.emulator.assignments import read
from infra.local.emulator.limit_settings import ARM_KINDS, REGISTRY_KINDS, check_numbers, check_pair, check_pairs
from infra.local.emulator.role_definitions import with_own
from infra.local.emulator.setting_choices import FOLLOWED, IGNORED, NO_API, REQUIRED, UNTYPED, check_choice
from infra.local.topology import APPLICATIONS, BASE, STAGING

REGISTRIES = (STAGING, BASE, APPLICATIONS)
_SECRETS = {"hub_token", "other_password", "vaults"}


@dataclass(frozen=True)
class Values:
    """The settings and what they are unless changed.

    Attributes:
        hub_user: the one Docker Hub account; empty for none.
        hub_token: that account's access token.
        anonymous_pull_limit: manifest GETs an anonymous address may make per window; ``None`` for no limit.
        account_pull_limit: the same for the account.
        pull_window_seconds: length of the window, six hours as on Docker Hub.
        other_auth: what the other registry asks for: ``bearer``, ``basic``, or nothing if empty.
        other_user: its one account, which it serves alone; empty for anybody.
        other_password: that account's password.
        other_token_seconds: how long its tokens are good for.
        other_redirects: whether it sends those who ask for manifests and tags to another host, as registry.k8s.io does.
        other_page: tags it lists a page at most.
        hub_api_limit: requests per minute that Docker Hub's API serves to one caller.
        import_queue_seconds: how long an accepted import waits before anything of it is begun.
        import_seconds: how much longer than its copying an import takes, in the median.
        import_spread: standard deviation of the logarithms of these times; 0 for the same time each.
        imports_at_once: how many are made side by side; the others wait in the order they came.
        imports_played: whether imports are played: their time passes, and the tag moves without skopeo
            (``played_copies.py``).
        run_seconds: how much longer than its steps a run takes, in the median.
        run_spread: as for imports.
        agents: how many runs are executed side by side; the others wait in the order they came.
        runs_played: whether runs are played instead of executed: only their time passes (``runner/played.py``).
        played_runs_push: whether those push all the same, each time another small image that nobody can run, so that
            what is built on it is built anew.
        agent_wait_seconds: how long a run is queued before it can have an agent at all.
        times_seed: what these times are drawn with.
        arm_buckets: ARM's token buckets of each caller, ``[tokens, tokens a second]`` by ``reads``, ``writes`` and
            ``deletes``; no limit for those that are not named.
        provider_limits: requests that the registries' provider takes of all callers, ``[requests, seconds]`` by kind
            as counted, such as ``importImage``.
        registry_limits: requests a minute that each of our registries takes: ``reads``, ``writes``, ``deletes`` and
            ``referrers`` of all callers, ``identity_reads``, ... of each, ``oauth`` for tokens, of all.
        mcr_burst: ``[requests, seconds]`` that MCR takes of one address; empty for no limit.
        short_retry_after: seconds of every ``Retry-After`` of ARM, for whoever has no time for Azure's own, 10 of an
            import and 30 of a task run; ``None`` for those.
        assignments: who has which role where (``assignments.py``), as JSON objects.
        roles: more roles for these, by name, ``{"actions": [...], "dataActions": [...]}`` each.
        abac_registries: names of the registries that give rights by repository; the others give them as a whole.
        identities: client id of each user-assigned identity, by its resource id.
        vaults: key vaults by their address, ``{"readers": [client ids], "secrets": {name: value}}`` each.
        uploads_in_task_runs: whether a task run may name an uploaded context, which is not known of Azure.
        vault_limits: requests that the key vault takes of all callers, ``[requests, seconds]`` by kind as counted, such
            as ``sign``.
        signatures_with_leading_zero: whether half of each signature begins with a zero byte.
        tasks_page: how many tasks a list has at most, with a link to the next page; 0 for all in one.
        tasks_without_bases: whether lists of tasks leave the base images out, which each task by itself has.
        customer_key_registries: names of the registries that a customer's keys encrypt, and what becomes of the API for
            referrers there, which is not known for certain: ``no-api`` or ``untyped``.
        retention_days: days of each registry's policy for untagged manifests, by its name; those not named have none.
        referrers_page: how many referrers a page has at most.
        import_subjects: what an import does of which the subject is not in the target: it is ``ignored``, it is
            ``required`` and the import fails, or it is ``followed`` and copied too, without a tag.
        imports_heed_repository_locks: whether an import fails into a repository that may not be written.
        untagged_pushes_told: whether webhooks and Event Grid tell of a push, or an import, without a tag.
        manifest_locks_stop_referrers: whether nothing can refer to a manifest that may not be written.
        read_locks_cover_children: whether an index that may not be pulled keeps what it lists from being pulled.
        base_trigger_seconds: how long after a base image moved its tasks are started.
    """

    hub_user: str = ""
    hub_token: str = ""
    anonymous_pull_limit: int | None = 100
    account_pull_limit: int | None = 200
    pull_window_seconds: int = 21600
    other_auth: str = "bearer"
    other_user: str = ""
    other_password: str = ""
    other_token_seconds: int = 300
    other_redirects: bool = False
    other_page: int = 1000
    hub_api_limit: int = 180
    import_queue_seconds: float = 0.0
    import_seconds: float = 0.0
    import_spread: float = 0.0
    imports_at_once: int = 4
    imports_played: bool = False
    run_seconds: float = 0.0
    run_spread: float = 0.0
    agents: int = 2
    runs_played: bool = False
    played_runs_push: bool = False
    agent_wait_seconds: float = 0.0
    times_seed: int = 0
    arm_buckets: Mapping[str, Sequence[float]] = field(default_factory=dict)
    provider_limits: Mapping[str, Sequence[float]] = field(default_factory=dict)
    registry_limits: Mapping[str, float] = field(default_factory=dict)
    mcr_burst: Sequence[float] = ()
    short_retry_after: int | None = None
    uploads_in_task_runs: bool = True
    assignments: Sequence[Mapping[str, str]] = ()
    roles: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    abac_registries: Sequence[str] = ()
    identities: Mapping[str, str] = field(default_factory=dict)
    vaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    vault_limits: Mapping[str, Sequence[float]] = field(default_factory=dict)
    signatures_with_leading_zero: bool = False
    tasks_page: int = 0
    tasks_without_bases: bool = False
    customer_key_registries: Mapping[str, str] = field(default_factory=dict)
    retention_days: Mapping[str, int] = field(default_factory=dict)
    referrers_page: int = 100
    import_subjects: str = IGNORED
    imports_heed_repository_locks: bool = False
    untagged_pushes_told: bool = False
    manifest_locks_stop_referrers: bool = False
    read_locks_cover_children: bool = False
    base_trigger_seconds: float = 0.0

    def __post_init__(self) -> None:
        read(self.assignments, with_own(self.roles))
        check_pairs("vault_limits", self.vault_limits)
        check_pairs("arm_buckets", self.arm_buckets, ARM_KINDS)
        check_pairs("provider_limits", self.provider_limits)
        check_numbers("registry_limits", self.registry_limits, REGISTRY_KINDS)
        for name, what in self.customer_key_registries.items():
            check_choice(f"customer_key_registries: {name}", what, (NO_API, UNTYPED))
        check_choice("import_subjects", self.import_subjects, (IGNORED, REQUIRED, FOLLOWED))
        check_numbers("retention_days", self.retention_days, REGISTRIES)
        check_pair("mcr_burst", self.mcr_burst or (0, 1))


class Settings:
    """The current values, replaced as a whole so that a reader never sees half a change."""

    def __init__(self, values: Values | None = None) -> None:
        self._lock = threading.Lock()
        self._values = values or Values()
        self._began = time.time()
        self._changed: dict[str, float] = {}

    @property
    def now(self) -> Values:
        """The values in force."""
        return self._values

    def change(self, record: dict[str, Any]) -> None:
        """Change the named values; ``ValueError`` names those that do not exist, or says what is wrong with one."""
        unknown = sorted(set(record) - {field.name for field in fields(Values)})
        if unknown:
            raise ValueError(f"no such settings: {', '.join(unknown)}")
        with self._lock:
            before, self._values = self._values, replace(self._values, **record)
            changed = [name for name in record if getattr(before, name) != getattr(self._values, name)]
            self._changed.update(dict.fromkeys(changed, time.time()))

    def changed(self, name: str) -> float:
        """Return since when a value is what it is, in epoch seconds."""
        return self._changed.get(name, self._began)

    def snapshot(self) -> dict[str, Any]:
        """Return the values in force; secrets are left out."""
        return {name: value for name, value in asdict(self._values).items() if name not in _SECRETS}
