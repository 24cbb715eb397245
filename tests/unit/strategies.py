"""References to test with, made from the words of the grammar and not from the product's own expressions.

Grammar: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
"""

from __future__ import annotations

from hypothesis import strategies as st

from shared.domain.references import Digest, Tag

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_ALPHANUMERIC = _LOWER + "0123456789"
_WORD = _ALPHANUMERIC + _LOWER.upper() + "_"


@st.composite
def _components(draw: st.DrawFn) -> str:
    words = draw(st.lists(st.text(_ALPHANUMERIC, min_size=1, max_size=8), min_size=1, max_size=3))
    separator = draw(st.sampled_from([".", "_", "__", "-", "---"]))
    return separator.join(words)


def _hexadecimal(digits: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=digits, max_size=digits)


paths = st.lists(_components(), min_size=1, max_size=4).map("/".join)
tags = st.builds(
    lambda first, rest: Tag(first + rest), st.sampled_from(_WORD), st.text(_WORD + ".-", max_size=127)
)  # up to the longest there may be
digests = st.one_of(
    _hexadecimal(64).map(lambda text: Digest(f"sha256:{text}")),
    _hexadecimal(128).map(lambda text: Digest(f"sha512:{text}")),
)
hosts = st.builds(
    lambda name, port: f"{name}{port}",
    st.one_of(
        st.lists(st.text(_ALPHANUMERIC, min_size=1, max_size=8), min_size=2, max_size=4).map(".".join),
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map(lambda address: f"[{address.exploded}]"),
        st.just("localhost"),
    ),
    st.one_of(st.just(""), st.integers(1, 65535).map(lambda port: f":{port}")),
)
