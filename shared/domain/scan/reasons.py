"""What a scan's report, its age and its gaps say for or against an image, each as a reason with a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.policy.policy import Gap, Mode, ScanCheck
from shared.domain.scan.database import Database
from shared.domain.scan.decision import Change, Decided, Effect, Judged, Reason, Said
from shared.domain.scan.findings import key_of
from shared.domain.scan.report import LeftOut, NoAnswer, Report
from shared.domain.scan.weighing import Scales

DECISIVE = frozenset({Effect.REJECTS, Effect.HOLDS})
_NAMED = 5
# Also whoever decides for a day means the whole of it, and the database may be of its evening.
_CLOCKS_DIFFER = timedelta(days=1)
_SEVERE = "as severe as the policy blocks, or worse"
_AGAINST = ((Decided.SEVERITY, Reason.BLOCKING_FINDINGS), (Decided.KNOWN_EXPLOITED, Reason.KNOWN_EXPLOITED))


def told(reason: Reason, text: str) -> Said:
    """Return a reason that does nothing to the outcome."""
    return Said(reason, Effect.TOLD, text)


def holds(reason: Reason, text: str) -> Said:
    """Return a reason for which there is no answer."""
    return Said(reason, Effect.HOLDS, text)


def observed(said: Said) -> Said:
    """Return a reason that the policy only wants to be told."""
    return msgspec.structs.replace(said, effect=Effect.OBSERVED) if said.effect in DECISIVE else said


def of_database(check: ScanCheck, database: Database | None, at: datetime) -> Iterator[Said]:
    """Yield what the age of the scanner's database says."""
    if database is None:
        yield told(Reason.DATABASE_AGE_NOT_JUDGED, "nobody said how old the scanner's database is")
    elif database.updated_at is None:
        text = "the scanner does not say of when its database is; let it fetch one, and have the image scanned again; "
        yield _gap(check, Gap.DATABASE_UNKNOWN, f"{text}of one that never says it the policy may accept that")
    elif (age := at - database.updated_at) < -_CLOCKS_DIFFER:
        text = (
            f"the scanner's database is of {database.updated_at:%Y-%m-%d %H:%M}, which is yet to come, so that nobody "
        )
        yield holds(Reason.DATABASE_UNKNOWN, f"{text}knows how old it is: look whose clock is wrong")
    elif age > check.oldest_database:
        text = (
            f"the scanner's database is of {database.updated_at:%Y-%m-%d %H:%M}, {_long(age)} old; the policy allows "
        )
        text += f"{check.max_db_age}: let the scanner have a newer one, and have the image scanned again"
        yield holds(Reason.DATABASE_TOO_OLD, text)


def _long(age: timedelta) -> str:
    hours = age // timedelta(hours=1)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"


def of_findings(findings: Iterable[Judged]) -> Iterator[Said]:
    """Yield what the findings say that speak against the image; they come in their order, as below."""
    against = [each for each in findings if each.blocks]
    for decided, reason in _AGAINST:
        if found := [each for each in against if each.decided is decided]:
            what = _SEVERE if decided is Decided.SEVERITY else "known to be exploited"
            yield Said(reason, Effect.REJECTS, f"{len(found)} {what}: {_named(found)}")
    if found := [each for each in against if each.decided is Decided.SEVERITY_NOT_SAID]:
        text = f"the report does not say how severe {len(found)} are: {_named(found)}; use a scanner that says it"
        yield holds(Reason.SEVERITY_NOT_SAID, text)


def _named(findings: Sequence[Judged]) -> str:
    names = list(dict.fromkeys(f"{each.id} in {each.package}" for each in findings))
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def of_age(check: ScanCheck, report: Report, base: Report | None) -> Iterator[Said]:
    """Yield what it says that a distribution is at its end."""
    if not report.end_of_life or check.end_of_life is Mode.OFF:
        return
    text = f"{report.system} gets no security updates any more"
    if check.delta and base is not None and base.end_of_life:
        yield told(Reason.END_OF_LIFE, f"{text}; nor does the base in use")
        return
    text += ", so that little is found in it; take a newer release, or let the policy observe end_of_life"
    said = Said(Reason.END_OF_LIFE, Effect.REJECTS, text)
    yield said if check.end_of_life is Mode.ENFORCE else observed(said)


def of_left_out(check: ScanCheck, report: Report) -> Iterator[Said]:
    """Yield what it says that more was found than is told: nobody knows what, so it may be anything of its severity."""
    if not report.left_out:
        return
    count = sum(each.count for each in report.left_out)
    text = f"{count} more findings are not told one by one, for the run's log would be too long"
    if check.known_exploited is Mode.ENFORCE or any(_may_block(check, each) for each in report.left_out):
        yield holds(Reason.FINDINGS_LEFT_OUT, f"{text}, and they may block; have it scanned by hand, or block less")
    else:
        yield told(Reason.FINDINGS_LEFT_OUT, f"{text}; none of them blocks")


def _may_block(check: ScanCheck, left_out: LeftOut) -> bool:
    severe = left_out.severity is None or left_out.severity.rank >= check.block.rank
    return severe and (left_out.fixable or not check.fixable)


def of_exploited(check: ScanCheck, scales: Scales, findings: Iterable[Judged], at: datetime) -> Iterator[Said]:
    """Yield what there is to tell of the list of what is known to be exploited."""
    if check.known_exploited is Mode.OFF:
        return
    if scales.exploited is None:
        yield told(Reason.KNOWN_EXPLOITED_NOT_JUDGED, "there is no list of what is known to be exploited")
    elif scales.exploited.is_old(at):
        text = f"the list of what is known to be exploited is of {scales.exploited.released:%Y-%m-%d}: renew it"
        yield told(Reason.KNOWN_EXPLOITED_OLD, text)
    there = [each for each in findings if each.change is not Change.FIXED]
    if check.known_exploited is Mode.OBSERVE and (found := [*filter(scales.is_exploited, there)]):
        yield Said(Reason.KNOWN_EXPLOITED, Effect.OBSERVED, f"{len(found)} known to be exploited: {_named(found)}")


def of_base(check: ScanCheck, base: Report | NoAnswer | None, said: Iterable[Said]) -> Iterator[Said]:
    """Yield what it means that the report of the base is no answer: then nothing counts as unchanged."""
    if not isinstance(base, NoAnswer):
        return
    text = f"the report of the base in use is no answer, so that everything counts as new: {base.detail}"
    if check.delta and any(each.effect is Effect.REJECTS for each in said):
        yield holds(Reason.BASE_REPORT_UNUSABLE, f"{text}; what rejects may be there already: have the base scanned")
    else:
        yield told(Reason.BASE_REPORT_UNUSABLE, text)


def of_gaps(check: ScanCheck, report: Report) -> Iterator[Said]:
    """Yield what was not looked at: this tells a clean image from one where nothing was."""
    covered = report.coverage
    if covered.knows_systems and not covered.system:
        yield _gap(check, Gap.UNSUPPORTED_SYSTEM, _of_system(report.system))
    if not covered.packages and not covered.findings:
        text = (
            "nothing is found, and no package is listed: nobody knows whether any was looked at; have the scanner list "
        )
        yield _gap(check, Gap.NO_PACKAGES, f"{text}all packages")
    elif covered.system and not covered.system_seen:
        text = (
            f"no package of {report.system or 'the distribution'} is listed, and nothing is found in any: its own list "
        )
        text += "was deleted from the image or cannot be read, or the scanner was not told to list all packages"
        yield _gap(check, Gap.NO_PACKAGES, text)
    elif not covered.packages:
        text = "no package is listed, so that only what is found shows that something was looked at"
        yield told(Reason.PACKAGES_NOT_LISTED, text)


def _of_system(system: str) -> str:
    if system:
        return f"the packages of {system} were not looked at: the scanner cannot read them, or was told to leave them"
    text = "no distribution is recognised, so that no packages of one were looked at; if the image has none, let the "
    return f"{text}policy accept {Gap.UNSUPPORTED_SYSTEM.value}"


def _gap(check: ScanCheck, gap: Gap, text: str) -> Said:
    reason = Reason(gap.value)
    return told(reason, f"accepted by the policy: {text}") if gap in check.accept else holds(reason, text)


def of_exceptions(scales: Scales, report: Report, findings: Iterable[Judged]) -> Iterator[Said]:
    """Yield which waivers and statements do nothing, and may be meant to."""
    against = [each for each in findings if each.blocks]
    whole = not report.left_out  # else what is not there may only not be told
    if ended := [each for each in against if scales.waivers.ended(key_of(each.id, each.package))]:
        yield told(Reason.WAIVER_ENDED, f"waivers ended that covered what blocks now: {_named(ended)}")
    waivers = scales.waivers.about_none_of(finding.key for finding in report.findings) if whole else ()
    texts = [
        f"the report has no {each.id} in {each.package}, which {each.by} waived until {each.until}" for each in waivers
    ]
    yield from _few(Reason.WAIVER_UNUSED, texts)
    statements = scales.vex.about_none_of(report.findings)
    end = "is in none of its products, as the report has them"
    yield from _few(Reason.VEX_UNUSED, [f"{each.told}; but {each.vulnerability} {end}" for each in statements])


def _few(reason: Reason, texts: Sequence[str]) -> Iterator[Said]:
    """Yield some of very many: documents that are shared by all images are mostly about others."""
    yield from (told(reason, text) for text in texts[:_NAMED])
    if len(texts) > _NAMED:
        yield told(reason, f"and {len(texts) - _NAMED} more")
