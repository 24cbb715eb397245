"""What is run for a candidate: its gate as it is stored now, and what the run is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.configuration_ports import Configuration
from shared.domain.gate.contract import TASK_FILE, Contract
from shared.domain.gate.given import Given
from shared.domain.gate.identity import GateIdentity
from shared.domain.promotion.candidate import Candidate, Place, run_words
from shared.domain.promotion.identity import group_of
from shared.domain.promotion.target import target_id
from shared.domain.references import parse_digest, parse_path, parse_tag
from shared.errors import NotFound
from shared.run_ports import GateRun
from shared.target_ports import Targets

Reader = Callable[[str, Mapping[str, bytes], Mapping[str, GateIdentity]], Contract]


class GateRuns:
    """Prepares runs of gates.

    Args:
        configuration: holds the gates.
        targets: say what the tags of the base registry bear.
        registry: the base registry's name.
        server: its login server.
        read: reads a gate's files, or refuses them.
        identities: those that read gates' secrets, by the gates' names.
    """

    def __init__(
        self,
        configuration: Configuration,
        targets: Targets,
        registry: str,
        server: str,
        read: Reader,
        identities: Mapping[str, GateIdentity],
    ) -> None:
        self._configuration = configuration
        self._targets = targets
        self._registry = registry
        self._server = server
        self._read = read
        self._identities = identities

    def trusts(self, gate: str | None) -> bool:
        """Whether a gate has steps of its own, so that it trusts what it tests; one that is not there does not.

        Raises:
            ServiceError: the gate could not be read.
        """
        return gate is not None and TASK_FILE in self._configuration.gate(gate)

    def of(self, candidate: Candidate) -> GateRun:
        """Return the run of a candidate's gate.

        What goes into the run's steps is looked at once more: the task engine hands them to a shell.

        Raises:
            NotFound: there is no such gate.
            UnfitGate: the gate can decide nothing, or must not be run; with file and line.
            InvalidReference: the record names what is no reference.
            ServiceError: the gate or the target could not be read.
        """
        name = candidate.gate or ""
        files = self._configuration.gate(name)
        try:
            found = self._read(name, files, self._identities)
        except NotFound as error:
            raise NotFound(
                f"{candidate.image}: {error}, so {candidate.home} cannot be tested and is not promoted; add the gate "
                "and check the image again"
            ) from error
        image, digest = parse_path(candidate.home.repository), parse_digest(candidate.digest)
        return GateRun(
            image,
            digest,
            run_words(candidate),
            files,
            found.command,
            repeated=candidate.runs > 1,
            given=self._given(candidate),
            task=found.task,
            identity=self._identities.get(name) if found.task and found.task.properties.get("secrets") else None,
        )

    def _given(self, candidate: Candidate) -> Given:
        """What is told stands in steps that a shell and a YAML reader take: nothing of it is for those."""
        group_of(candidate.id)
        home = Place(parse_path(candidate.home.repository), parse_tag(candidate.home.tag))
        return Given(self._base(home), f"{self._server}/{home}", candidate.id)

    def _base(self, home: Place) -> str:
        found = self._targets.get(target_id(self._registry, home.repository, home.tag))
        seen = found.record.seen if found else ""
        return f"{self._server}/{home.repository}@{parse_digest(seen)}" if seen else ""
