"""A watch list that is made to do harm is refused in a few seconds, with few words, or read as what it says."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.errors import WatchListError
from shared.watch_list_yaml import parse_watch_list

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
# A list of a mebibyte takes a second or two on an idle machine; what grew with the square took minutes.
_LONGEST = 10.0
_MOST_TOLD = 150_000


def entries(count: int, tags: str, other: str = "", target: str = "base/node", source: str = "node") -> bytes:
    """Return a list whose entries have ``tags`` and ``other`` in turn; a # in a text is the entry's number."""
    entry = f"- {{name: a#, source: {source}, tags: [@], target: {target}}}\n"
    kinds = (entry.replace("@", tags), entry.replace("@", other or tags))
    return f"images:\n{''.join(kinds[number % 2].replace('#', str(number)) for number in range(count))}".encode()


def fields(count: int, between: str) -> bytes:
    """Return many fields."""
    return "".join(f"f{number}: 1{between}" for number in range(count)).encode()


def nested(levels: int, width: int) -> bytes:
    """Return aliases that stand for a document that no machine holds."""
    lines = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(["a0: &a0 [x]", *lines]).encode()


REFUSED = {
    "brackets": b"[" * 50_000,
    "braces": b"{" * 50_000,
    "brackets in lines": b"[\n" * 50_000,
    "dashes": b"- " * 50_000,
    "questions": b"? " * 50_000,
    "steps": b"\n".join(b" " * level + b"-" for level in range(700)),
    "colons": b"a:" * 300_000,
    "aliases of aliases": nested(12, 9),
    "an alias of what it is in": b"&a [*a]",
    "a long text, very often": b"[&a " + b"x" * 500_000 + b"," + b"*a," * 100_000 + b"]",
    "merges of much": b"x: &a {" + fields(300, ", ") + b"}\ny:\n" + b"- {<<: *a}\n" * 50_000,
    "merges very often": b"x: &a {}\ny: {" + fields(40_000, ", ") + b"<<: [" + b"*a," * 80_000 + b"]}",
    "directives": b"".join(b"%%TAG !a%d! b\n" % number for number in range(60_000)) + b"---\nimages: []",
    "unknown fields": fields(60_000, "\n"),
    "unknown fields of an entry": b"images:\n- name: a\n" + fields(60_000, "\n  ").replace(b"f0", b"  f0"),
    "one field very often": b"images:\n- name: a\n" + b"  name: a\n" * 60_000,
    "a list very often": b"images: []\n" * 60_000,
    "wrong texts": entries(5000, ",".join(["'a b'"] * 10), source="Q:1"),
    "one target of many repositories": entries(5000, "{glob: '*'}", source="n#"),
    "patterns against names": entries(5000, "{tag: x#, as: y#}", "{glob: '*v#*'}"),
    "one name": entries(5000, "'1'").replace(b"a1", b"a"),
    "a text of a mebibyte": b"images: [{name: a, target: a, tags: [1], source: " + b"X" * 900_000 + b"}]",
    "too long": b"#" * 1024 * 1024 + b"#",
    "no text": bytes(range(256)),
    "half a character": b'images: "\\uD800"',
    "a regular expression that hangs others": entries(1, "{regex: '(a+)+$', newest: x}"),
    "the host's own registry": entries(1, "'1'", target="base.azurecr.io/node"),
    "a way out": entries(1, "'1'", target="../../x"),
    "a line end in a name": b'images: [{name: "a\\n", source: a, tags: [1], target: a}]',
    "a line end in a gate": b'images: [{name: a, source: a, tags: [1], target: a, gate: "none\\n"}]',
    "a terminal's words as an owner": b'images: [{name: a, source: a, tags: [1], target: a, owner: "\\e[2J"}]',
    "a python object": b"!!python/object/apply:os.system ['true']",
}  # fmt: skip
READ = {
    "one target of many patterns": entries(5000, "{glob: 'v#-*'}"),
    "one target of many expressions": entries(5000, "{regex: 'v#-.*'}"),
    "long ranges": entries(4000, "{semver: '" + " || ".join(["^1"] * 28) + "'}", target="b/n#"),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_a_hostile_list_is_refused_soon_and_in_few_words(text: bytes) -> None:
    began = time.process_time()
    with pytest.raises(WatchListError) as refused:
        parse_watch_list(text)
    assert time.process_time() - began < _LONGEST
    assert len(refused.value.problems) <= 101
    assert len(str(refused.value)) < _MOST_TOLD
    assert str(refused.value).encode()


@pytest.mark.parametrize("text", READ.values(), ids=READ.keys())
def test_a_large_list_that_is_valid_is_read_soon(text: bytes) -> None:
    began = time.process_time()
    assert parse_watch_list(text).images
    assert time.process_time() - began < _LONGEST


def test_brackets_alone_do_not_end_the_process() -> None:
    program = (
        "from shared.watch_list_yaml import *\ntry: parse_watch_list(b'[' * 50000)\nexcept Exception as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "deep" in done.stdout
