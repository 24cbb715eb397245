"""The storage account, and in it what people say, are told and are known by; each adapter made once."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shared.adapters.listening import listen
from shared.adapters.redaction import hide
from shared.config import Settings
from shared.telemetry.calls import called

if TYPE_CHECKING:
    from shared.access_ports import ApiKeys, FormKeys
    from shared.adapters.azure.identity import Identity
    from shared.adapters.storage.account import StorageAccount
    from shared.answer_ports import KeptAnswers
    from shared.decision_ports import Keepings, Vault
    from shared.exception_ports import ExceptionFiles
    from shared.notice_ports import Deliveries, Destinations
    from shared.sender_ports import Senders
    from shared.storage_settings import Storage
    from shared.target_ports import Rulings

DEPLOYED = Path(__file__).resolve().parent.parent


def utc_now() -> datetime:
    """Return now, UTC."""
    return datetime.now(UTC)


class OutsideForPeople:
    """What people are served from.

    Adapters are imported where they are made, so that starting costs nothing that the first message does not need.

    Args:
        settings: the app's settings.
        deployed: folder with ``gates/``.
    """

    def __init__(self, settings: Settings, deployed: Path = DEPLOYED) -> None:
        self.settings = settings
        hide(settings.secrets)
        listen(called)
        self.clock = utc_now
        self._deployed = deployed

    @cached_property
    def _identity(self) -> Identity:
        from shared.adapters.azure.identity import Identity  # noqa: PLC0415

        return Identity(self.settings.azure_client_id)

    @cached_property
    def _account(self) -> StorageAccount:
        from shared.adapters.storage.account import StorageAccount  # noqa: PLC0415

        return StorageAccount(self.settings.storage, self._identity.credential)

    @cached_property
    def rulings(self) -> Rulings:
        """What people said of digests and entries."""
        from shared.adapters.storage.rulings_table import RulingsTable  # noqa: PLC0415

        return RulingsTable(self._account)

    @cached_property
    def keepings(self) -> Keepings:
        """What is known here of decisions that are kept elsewhere."""
        from shared.adapters.storage.keepings_table import KeepingsTable  # noqa: PLC0415

        return KeepingsTable(self._account)

    def vault(self, storage: Storage) -> Vault:
        """Return the account where decisions are kept elsewhere."""
        from shared.adapters.storage.account import StorageAccount  # noqa: PLC0415
        from shared.adapters.storage.decisions_vault import READ_SECONDS, RETRIES, DecisionsVault  # noqa: PLC0415

        limits = {"read_seconds": READ_SECONDS, "retries": RETRIES}
        return DecisionsVault(StorageAccount(storage, self._identity.credential, **limits))

    @cached_property
    def api_keys(self) -> ApiKeys:
        """The API keys, hashed."""
        from shared.adapters.storage.api_keys_table import ApiKeysTable  # noqa: PLC0415

        return ApiKeysTable(self._account)

    @cached_property
    def form_keys(self) -> FormKeys:
        """What the tokens of forms are made with."""
        from shared.adapters.storage.form_keys_table import FormKeysTable  # noqa: PLC0415

        return FormKeysTable(self._account)

    @cached_property
    def answers(self) -> KeptAnswers:
        """Answers to requests that named themselves by a key."""
        from shared.adapters.storage.answers_table import AnswersTable  # noqa: PLC0415

        return AnswersTable(self._account)

    @cached_property
    def deliveries(self) -> Deliveries:
        """What is to be told to destinations of notices, and was."""
        from shared.adapters.storage.notices_tables import DeliveriesTable  # noqa: PLC0415

        return DeliveriesTable(self._account)

    @cached_property
    def destinations(self) -> Destinations:
        """What is known of destinations of notices."""
        from shared.adapters.storage.notices_tables import DestinationsTable  # noqa: PLC0415

        return DestinationsTable(self._account)

    @cached_property
    def notify_files(self) -> ExceptionFiles:
        """The file that says who is told of what."""
        from shared.adapters.storage.exception_blobs import notify_blobs  # noqa: PLC0415

        return notify_blobs(self._account)

    @cached_property
    def senders(self) -> Senders:
        """Who sends to the destinations of notices."""
        from shared.adapters.notify.senders import DestinationSenders  # noqa: PLC0415

        return DestinationSenders(self.settings.destinations, self.clock)
