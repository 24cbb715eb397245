"""Documents that are merged say of each image what its own would say, and no package is looked at twice."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from shared.domain.scan.merged import MOST_DOCUMENTS, Bundle, found_in, merged, read_bundle, report_on
from shared.domain.scan.packages import Package, Packages, version_of
from shared.domain.scan.report import Coverage, LeftOut, NoAnswer, Report, Trouble

pytestmark = pytest.mark.unit

IMAGE, LINUX = Digest("sha256:" + 64 * "1"), "linux/amd64"
SYSTEMS = (("debian", "12.7"), ("debian", "12.8"), ("alpine", "3.22.1"), ("", ""))


def package(name: str, version: str = "1", source: str = "", more: str = "arch=amd64") -> Package:
    return Package(f"pkg:deb/debian/{name}@{version}?{more}", source or name, version)


def reported(listed: Packages, **changes: object) -> Report:
    """Return a report in which each package has a finding of its own."""
    findings = tuple(Finding(f"CVE-{one.purl}-{one.source}", one.purl, purl=one.purl) for one in listed.packages)
    system = ":".join(listed.system)
    coverage = Coverage(len(listed.packages), len(findings), True, True, True)
    report = Report("it", "document", False, frozenset(), frozenset(), "", system, False, coverage, findings)
    return msgspec.structs.replace(report, **changes)


def looked_at(bundles: tuple[Bundle, ...]) -> dict[tuple[str, str], dict[Package, Report]]:
    found: dict[tuple[str, str], dict[Package, Report]] = {}
    for bundle in bundles:
        reports: dict[str, Report | NoAnswer] = {name: reported(one) for name, one in bundle.documents.items()}
        for system, packages in found_in(bundle, reports).items():
            found.setdefault(system, {}).update(packages)
    return found


PACKAGES = st.builds(
    package,
    st.sampled_from("abcdef"),
    st.sampled_from(["1", "2"]),
    st.sampled_from(["", "s"]),
    st.sampled_from(["arch=amd64", "arch=arm64"]),
)
IMAGES = st.lists(
    st.builds(
        Packages,
        st.sampled_from(SYSTEMS),
        st.lists(PACKAGES, max_size=8, unique_by=lambda one: one.purl).map(tuple),
    ),
    max_size=8,
)


@given(IMAGES, st.integers(1, 12))
@settings(max_examples=200)
def test_each_image_has_the_findings_of_its_own_packages(images: list[Packages], most: int) -> None:
    found = looked_at(merged(images, most))
    for image in images:
        report = report_on(IMAGE, LINUX, image, found)
        if not image.packages:
            assert isinstance(report, NoAnswer)
            continue
        assert isinstance(report, Report)
        assert {one.purl for one in report.findings} == {one.purl for one in image.packages}
        assert (report.digests, report.platform, report.is_image) == (frozenset({IMAGE}), LINUX, True)


@given(IMAGES, st.integers(1, 12))
def test_no_package_is_looked_at_twice_and_no_document_tells_one_finding_of_two(
    images: list[Packages], most: int
) -> None:
    bundles = merged(images, most)
    inside = [(one.system, each) for bundle in bundles for one in bundle.documents.values() for each in one.packages]
    assert sorted(map(str, inside)) == sorted({str((image.system, one)) for image in images for one in image.packages})
    for bundle in bundles:
        assert len(bundle.documents) <= MOST_DOCUMENTS
        assert sum(len(one.packages) for one in bundle.documents.values()) <= most
        for one in bundle.documents.values():
            assert len({(each.purl.partition("?")[0], version_of(each.purl)) for each in one.packages}) == len(
                one.packages
            )


@given(IMAGES, st.randoms(use_true_random=False))
def test_the_order_of_images_changes_nothing(images: list[Packages], random: object) -> None:
    before = [bundle.digest for bundle in merged(images, 5)]
    random.shuffle(images)  # type: ignore[attr-defined]
    assert [bundle.digest for bundle in merged([*images, *images], 5)] == before


def test_a_package_that_was_not_looked_at_is_no_answer() -> None:
    image = Packages(SYSTEMS[0], (package("a"), package("b")))
    (bundle,) = merged([image], 9)
    silent: dict[str, Report | NoAnswer] = dict.fromkeys(bundle.documents, NoAnswer(Trouble.CUT_OFF, "it"))
    assert isinstance(report_on(IMAGE, LINUX, image, found_in(bundle, silent)), NoAnswer)
    of_another = Packages(SYSTEMS[1], image.packages)
    assert isinstance(report_on(IMAGE, LINUX, of_another, looked_at((bundle,))), NoAnswer)
    wider = Packages(SYSTEMS[0], (*image.packages, package("c")))
    assert isinstance(report_on(IMAGE, LINUX, wider, looked_at((bundle,))), NoAnswer)


def test_what_a_documents_log_had_no_room_for_is_left_out_of_each_image_in_it() -> None:
    image = Packages(SYSTEMS[0], (package("a"),))
    (bundle,) = merged([image], 9)
    left = (LeftOut(None, True, 3),)
    reports: dict[str, Report | NoAnswer] = {
        name: reported(one, left_out=left, end_of_life=True) for name, one in bundle.documents.items()
    }
    found = report_on(IMAGE, LINUX, image, found_in(bundle, reports))
    assert isinstance(found, Report)
    assert (found.left_out, found.end_of_life) == (left, True)


def test_a_bundle_is_read_as_it_was_kept() -> None:
    (bundle,) = merged([Packages(SYSTEMS[0], (package("a"),))], 9)
    again = read_bundle(msgspec.json.encode(bundle))
    assert (again, again.digest) == (bundle, bundle.digest)
    assert set(bundle.texts()) == {"document-1"}
