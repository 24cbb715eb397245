"""Puts together what decides whether a digest is let through, beside its test; see ``shared.bootstrap``."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from shared.domain.configuration_names import EXPLOITED, NOTIFY, TRUST, VEX, WAIVERS, kind_of
from shared.flows.approve import Approver
from shared.flows.compare_file import FileComparer
from shared.flows.decide_again import SecondJudge
from shared.flows.exposure import ExposureTeller
from shared.flows.preview import Previewer
from shared.flows.standing_watch import StandingWatch
from shared.flows.waive import WaiverTaker
from shared.flows.write_file import FileWriter
from shared.late_reading import parse_watch_list
from shared.rules.admissions import Admissions
from shared.rules.all_checks import all_checks
from shared.rules.answerability import Answerability
from shared.rules.approvals import is_agreed_to
from shared.rules.bars import Bars
from shared.rules.exceptions import KnownExceptions
from shared.rules.policies import Policies
from shared.rules.proposals import Proposer
from shared.signing import Signing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.bootstrap import Parts
    from shared.domain.policy.policy import Policy
    from shared.domain.policy.reading import OnePolicy
    from shared.domain.promotion.candidate import Candidate
    from shared.domain.scan.waivers import Waiver
    from shared.domain.watching.troubles import Trouble
    from shared.domain.watching.watch_list import ListFile, WatchList
    from shared.rules.admission_checks import AdmissionCheck
    from shared.rules.exposures import Exposures
    from shared.rules.scan_book import ScanBook


def read_waivers(text: bytes) -> tuple[Waiver, ...]:
    """Read a file of waivers; the YAML reader is loaded when the first one is read."""
    from shared.policy_yaml import read_waiver_file  # noqa: PLC0415

    return read_waiver_file(text)


def checked_file(name: str, content: bytes) -> object:
    """Read a file of the configuration that is none of the list's; raises ``MalformedInput``."""
    from shared.domain.scan.exploited import read_exploited  # noqa: PLC0415
    from shared.domain.scan.vex import read_vex  # noqa: PLC0415
    from shared.trust_reading import checked_trust  # noqa: PLC0415

    kind = kind_of(name)
    if kind is TRUST:
        return checked_trust(name, content)
    readers = {WAIVERS: read_waivers, VEX: read_vex, EXPLOITED: read_exploited}
    return readers[kind](content) if kind in readers else content


class Admitting:
    """What decides on scans, each once and when first needed.

    Args:
        parts: the other parts of the app.
        scans: the scans of digests.
    """

    def __init__(self, parts: Parts, scans: ScanBook) -> None:
        self._parts = parts
        self._scans = scans

    @cached_property
    def policies(self) -> Policies:
        """The policies in force."""
        return Policies(self._list_in_force, self._parts.clock)

    @cached_property
    def exceptions(self) -> KnownExceptions:
        """What people know and scanners do not."""
        return KnownExceptions(self._parts.exception_files, self._parts.clock, read_waivers)

    @cached_property
    def admissions(self) -> Admissions:
        """Judges digests for targets."""
        parts = self._parts
        by = (self.policies, self.exceptions, self._scans, parts.evidence, parts.target_book, parts.clock)
        return Admissions(*by, checks=self.checks)

    @cached_property
    def checks(self) -> tuple[AdmissionCheck, ...]:
        """What is asked beside test and scan, in the order in which it is told."""
        parts = self._parts
        packages = parts.scan_documents.urls
        return all_checks(parts.clock, self._scans, self.exceptions, self.signing.check, packages, is_agreed_to)

    @cached_property
    def signing(self) -> Signing:
        """Reads signatures and judges them."""
        return Signing(self._parts, lambda: self.policies)

    def ask(self, candidate: Candidate) -> None:
        """Ask for what a staged candidate will be judged by, side by side with its test; it never raises."""
        self.admissions.ask(candidate)
        self.signing.check.ask(candidate)

    @cached_property
    def proposer(self) -> Proposer:
        """Tells targets what has passed."""
        return Proposer(self._parts.target_book, self.admissions, self._parts.activity)

    @cached_property
    def bars(self) -> Bars:
        """Says what may not be written into the base registry now."""
        parts = self._parts
        return Bars(self.policies, parts.target_book, parts.deciding.remembers, lambda: parts.travelling.bar)

    @cached_property
    def judge(self) -> SecondJudge:
        """Decides again."""
        parts = self._parts
        by = (parts.candidate_progress, parts.target_book, self.admissions, self.proposer, parts.promoter.promote)
        return SecondJudge(*by, files=self.signing.check.files)

    @cached_property
    def previewer(self) -> Previewer:
        """Tells what other policies would decide otherwise."""
        parts = self._parts
        return Previewer(self.admissions, parts.targets, parts.candidates, parts.target_book.registry, parts.clock)

    @cached_property
    def standing(self) -> StandingWatch:
        """Looks again at what is in use."""
        parts, base = self._parts, self._parts.target_book.registry
        return StandingWatch(
            parts.watches,
            self.policies,
            self.exceptions,
            lambda: (stored.record for stored in parts.targets.every(base)),
            parts.scans,
            self._scans,
            parts.scan_documents,
            self._exposures,
            parts.tooling.scanners.newest_database,
            parts.clock,
        )

    @cached_property
    def exposure_teller(self) -> ExposureTeller:
        """Tells how what is in use stands."""
        parts = self._parts
        return ExposureTeller(parts.watches, parts.targets, parts.candidates, self._scans, parts.clock)

    def _exposures(self) -> Exposures:
        from shared.rules.exposures import Exposures  # noqa: PLC0415

        return Exposures(self._scans, self._parts.scan_documents, self._parts.evidence)

    @cached_property
    def answerability(self) -> Answerability:
        """Knows the policies whose approval nobody could give."""
        parts = self._parts
        return Answerability(self.policies.watch_list, lambda: parts.api_keys, sign_in=parts.settings.sign_in)

    @cached_property
    def approver(self) -> Approver:
        """Takes what people say of digests that wait for them."""
        return Approver(self._parts.target_book, self.admissions.asked, self._parts.activity, self.judge.again)

    def read_list(self, files: Sequence[ListFile]) -> WatchList:
        """Read the files of a watch list that is not in force; the YAML reader is loaded when the first one is read."""
        from shared.watch_list_yaml import parse_files  # noqa: PLC0415

        return parse_files(files, self._parts.settings.base_server)

    @staticmethod
    def read_policy(text: bytes, named: Mapping[str, Policy]) -> OnePolicy:
        """Read one policy that is not in force; the YAML reader is loaded when the first one is read."""
        from shared.policy_yaml import read_one_policy  # noqa: PLC0415

        return read_one_policy(text, named)

    @cached_property
    def waiver(self) -> WaiverTaker:
        """Takes what people ask to waive of one tag's digests, and grant."""
        return WaiverTaker(self._parts.target_book, self.admissions.asked, self._parts.activity, self.judge.again)

    @cached_property
    def writer(self) -> FileWriter:
        """Writes files of the configuration."""
        parts = self._parts
        parse = partial(parse_watch_list, base=parts.settings.base_server)
        checks = self._checked
        return FileWriter(parts.configuration_files, parts.configuration, parts.activity, parse, checks)

    def _checked(self, name: str, content: bytes) -> object:
        """Who is told of what is checked by who knows the destinations."""
        if kind_of(name) is NOTIFY:
            self._parts.notifying.routes.check(content)
            return content
        return checked_file(name, content)

    @cached_property
    def comparer(self) -> FileComparer:
        """Tells what files of the configuration would change."""
        parts, percent = self._parts, int(self._parts.settings.list_removal_percent)
        parse = partial(parse_watch_list, base=parts.settings.base_server)
        in_force = self._list_in_force
        return FileComparer(parts.configuration_files, parts.configuration, parse, self._checked, in_force, percent)

    def _list_in_force(self) -> WatchList:
        """The list tells policies of itself, so neither can be had before the other is asked for."""
        return self._parts.watch_lists.in_force()

    def troubles(self) -> Iterable[Trouble]:
        """Return what is wrong with all that is set up, and with what is in use; what nobody needs is not read."""
        told = self._parts.notifying.troubles()
        scanned = (*self.exceptions.now().troubles, *self.standing.troubles()) if self.policies.may_scan else ()
        signed, approved = self.signing.troubles(), self.answerability.logged()
        built = self._parts.rolling.troubles()
        kept = (*self._parts.deciding.troubles(), *self._parts.housekeeping.troubles())
        return (*scanned, *signed, *approved, *told, *built, *kept)
