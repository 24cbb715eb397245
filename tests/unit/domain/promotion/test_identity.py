"""A candidate's id names a digest of an upstream repository under a gate, and nothing else has the same one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotion.identity import candidate_id, earlier_id, group_of, group_of_repository, group_of_source
from shared.domain.references import Digest, Repository, Tag, parse_repository
from shared.errors import InvalidReference
from tests.doubles.registries import digest_of
from tests.unit.examples import NODE
from tests.unit.strategies import digests, hosts, paths, tags

pytestmark = pytest.mark.unit

sources = st.builds(Repository, hosts, paths)
gates = st.one_of(
    st.none(), st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True).filter(lambda it: it != "none")
)
ONE = digest_of("one")
LONG = "/".join(["component"] * 25)


def test_an_id_names_the_source_the_gate_and_the_digest() -> None:
    assert candidate_id(NODE, ONE, "node") == f"docker.io~library~node~~node~{ONE[7:39]}"
    assert candidate_id(NODE, ONE, None) == f"docker.io~library~node~~none~{ONE[7:39]}"
    assert candidate_id(parse_repository("[::1]:5000/a"), ONE, None) == f"-__1-_5000~a~~none~{ONE[7:39]}"


@given(sources, digests, gates)
def test_an_id_fits_into_urls_table_keys_and_blob_names(source: Repository, digest: Digest, gate: str | None) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._~-]{1,450}", candidate_id(source, digest, gate))


@given(sources, digests, gates, sources, digests, gates)
def test_two_candidates_share_an_id_only_if_they_are_the_same(
    source: Repository,
    digest: Digest,
    gate: str | None,
    other_source: Repository,
    other_digest: Digest,
    other_gate: str | None,
) -> None:
    for one, two in [(source, other_source), (source, source)]:
        for first, second in [(gate, other_gate), (gate, gate)]:
            same_id = candidate_id(one, digest, first) == candidate_id(two, other_digest, second)
            assert same_id == ((one, first, digest[7:39]) == (two, second, other_digest[7:39]))


def test_sources_too_long_for_a_key_are_cut_and_still_told_apart() -> None:
    host = ".".join(["registry"] * 20)
    first, second = Repository(host, f"{LONG}/a"), Repository(host, f"{LONG}/b")
    ids = {candidate_id(one, ONE, "g" * 63): one for one in (first, second)}
    assert len(ids) == 2
    for one, source in ids.items():
        assert len(one) <= 450
        assert group_of(one) == group_of_source(source)


@given(sources, digests, gates)
def test_an_id_tells_what_its_archive_is_filed_under(source: Repository, digest: Digest, gate: str | None) -> None:
    assert group_of(candidate_id(source, digest, gate)) == group_of_source(source)


@given(paths, tags, digests)
def test_an_id_of_the_earlier_form_is_still_an_id_and_none_of_the_present_form(
    path: str, tag: Tag, digest: Digest
) -> None:
    earlier = earlier_id(path, tag, digest)
    assert group_of(earlier) == group_of_repository(path)
    assert "~~" not in earlier
    assert re.fullmatch(r"[A-Za-z0-9._~-]{1,512}", earlier)


@given(st.one_of(st.text(), st.text("ab~:/.0", max_size=80)))
def test_what_is_no_id_is_refused(text: str) -> None:
    try:
        group = group_of(text)
    except InvalidReference:
        return
    assert text.startswith(group)


@pytest.mark.parametrize("digits", ["", "0" * 31, "0" * 33, "0" * 64, "G" * 32])
@pytest.mark.parametrize("rest", ["base~node~22-alpine~", "docker.io~library~node~~node~"])
def test_an_id_ends_with_32_hexadecimal_digits(rest: str, digits: str) -> None:
    with pytest.raises(InvalidReference, match="32 hexadecimal digits"):
        group_of(f"{rest}{digits}")
