"""A Dockerfile is read as BuildKit reads it: which images it names, and nothing of it is fetched."""

from __future__ import annotations

import time
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.waves.dockerfile import MOST_IMAGES, Named, NamedBy, images_of
from shared.domain.waves.dockerfile_lines import LARGEST_FILE
from shared.errors import MalformedInput

pytestmark = pytest.mark.unit

DIGEST = f"sha256:{'a' * 64}"


def read(text: str, **arguments: str) -> tuple[Named, ...]:
    """Read a Dockerfile that stands indented in a test."""
    return images_of(dedent(text).lstrip("\n").encode(), arguments)


def images(text: str, **arguments: str) -> list[str]:
    """Return the images that a Dockerfile names, or why one cannot be told."""
    return [one.image or f"? {one.unclear}" for one in read(text, **arguments)]


def test_a_from_line_names_its_image_as_it_is_written() -> None:
    (one,) = read("FROM node:22-alpine\n")
    assert one == Named(1, NamedBy.FROM, "node:22-alpine", "node:22-alpine")


@pytest.mark.parametrize(
    "image",
    [
        "node",
        "docker.io/library/node:22",
        "mcr.microsoft.com/dotnet/runtime:8.0-alpine",
        "localhost:5000/team/app:1.2",
        "[::1]:5000/app",
        f"ghcr.io/owner/app@{DIGEST}",
        f"registry.example.com:8443/a/b/c:1@{DIGEST}",
    ],
)
def test_ports_tags_and_digests_stay_as_they_are(image: str) -> None:
    assert images(f"from {image} as build\n") == [image]


def test_an_argument_before_the_first_from_is_put_in_its_place_and_named() -> None:
    (one,) = read("""
        ARG VERSION=22
        FROM node:${VERSION}-alpine
        """)
    assert (one.image, one.arguments) == ("node:22-alpine", ("VERSION",))


def test_an_argument_inside_a_stage_is_nothing_to_a_later_from() -> None:
    assert images("""
        ARG VERSION=22
        FROM node:$VERSION
        ARG VERSION=18
        FROM node:$VERSION-slim
        """) == ["node:22", "node:22-slim"]


def test_an_argument_may_be_made_of_those_before_it_and_several_stand_in_a_line() -> None:
    assert images("""
        ARG REGISTRY=docker.io VERSION=22.11.0
        ARG MAJOR=${VERSION%%.*} NAME="library/node"
        FROM $REGISTRY/$NAME:$MAJOR
        """) == ["docker.io/library/node:22"]


def test_a_build_argument_that_is_given_replaces_the_default() -> None:
    text = "ARG VERSION=22\nFROM node:$VERSION\n"
    assert images(text, VERSION="24") == ["node:24"]
    assert images("ARG VERSION\nFROM node:$VERSION\n", VERSION="24") == ["node:24"]
    assert images("FROM node:$VERSION\n", VERSION="24")[0].startswith("? it depends on VERSION")


def test_an_image_that_depends_on_an_argument_without_a_value_is_unclear_and_says_on_which() -> None:
    (one,) = read("ARG VERSION\nFROM node:${VERSION}\n")
    assert one.image == ""
    assert one.unclear == "it depends on VERSION, which no ARG before the first FROM gives a value"


@pytest.mark.parametrize(
    ("word", "image"),
    [
        ("${NONE:-22}", "22"),
        ("${NONE-22}", "22"),
        ("${EMPTY:-22}", "22"),
        ("a${EMPTY-22}", "a"),
        ("${V:+set}", "set"),
        ("a${NONE:+set}", "a"),
        ("a${EMPTY:+set}", "a"),
        ("${EMPTY+set}", "set"),
        ("${V:?needed}", "22.11.0-alpine3.20"),
        ("${V?needed}", "22.11.0-alpine3.20"),
        ("${V#*.}", "11.0-alpine3.20"),
        ("${V##*.}", "20"),
        ("${V%.*}", "22.11.0-alpine3"),
        ("${V%%.*}", "22"),
        ("${V%%-*}", "22.11.0"),
        ("${V#2?.}", "11.0-alpine3.20"),
        ("${V#nothing}", "22.11.0-alpine3.20"),
        ("${V%nothing}", "22.11.0-alpine3.20"),
        ("${V/alpine*/slim}", "22.11.0-slim"),
        ("${V//./-}", "22-11-0-alpine3-20"),
        ("${V/./-}", "22-11.0-alpine3.20"),
        ("${NONE:-${V%%.*}}", "22"),
        ("${NONE:-${EMPTY:-x}}-y", "x-y"),
        ("'$V'", "$V"),
        ('"$V"-x', "22.11.0-alpine3.20-x"),
        (r"\$V", "$V"),
    ],
)
def test_every_operator_of_variables_does_what_buildkit_does(word: str, image: str) -> None:
    assert images(f'ARG V=22.11.0-alpine3.20\nARG EMPTY=""\nFROM {word}\n') == [image]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("${NONE:?say which}", "the build ends unless it is told NONE: say which"),
        ("${EMPTY:?say which}", "the build ends unless it is told EMPTY: say which"),
        ("${V", "is no variable"),
        ("${}", "is no variable"),
        ("${V!x}", "is no operator"),
        ("${V:x}", "is no operator"),
        ("${V:-x", "} is missing"),
        ("${V/x}", "/ is missing"),
        ("'x", "' is missing"),
        ('"x', '" is missing'),
        ("${EMPTY}", "nothing is left of it"),
        (r"${V#\a}", "nothing that a pattern can say"),
    ],
)
def test_what_cannot_be_put_in_its_place_is_unclear_and_says_why(word: str, told: str) -> None:
    word = word.replace(" ", "_")
    (one,) = read(f'ARG V=1\nARG EMPTY=""\nFROM {word}\n')
    assert one.image == ""
    assert told.replace("say which", "say_which") in one.unclear


def test_a_stage_of_the_same_file_is_no_image() -> None:
    assert images("""
        FROM golang:1.23 AS Build
        RUN go build
        FROM build AS test
        FROM scratch
        COPY --from=build /app /app
        COPY --from=0 /licences /licences
        """) == ["golang:1.23"]


def test_a_stage_is_an_image_until_it_is_made() -> None:
    assert images("FROM later\nFROM node AS later\nFROM later\n") == ["later", "node"]


def test_an_image_that_files_are_copied_out_of_or_that_is_mounted_is_named_too() -> None:
    found = read("""
        FROM alpine
        COPY --chown=1:1 --from=nginx:1.27 /etc/nginx /etc/nginx
        RUN --mount=type=bind,source=/go,from=golang:1.23,target=/go --network=none \\
            --mount=type=cache,target=/root/.cache make
        """)
    assert [(one.line, one.by, one.image) for one in found] == [
        (1, NamedBy.FROM, "alpine"),
        (2, NamedBy.COPY, "nginx:1.27"),
        (3, NamedBy.MOUNT, "golang:1.23"),
    ]


def test_a_variable_is_not_put_in_its_place_where_buildkit_does_not() -> None:
    (_, one) = read("ARG TOOLS=nginx\nFROM alpine\nCOPY --from=$TOOLS /a /a\n")
    assert one.unclear.startswith("variables are not put in their places there")


def test_a_platform_is_told_and_those_that_buildkit_gives_are_known() -> None:
    found = read("""
        FROM --platform=$BUILDPLATFORM golang:1.23 AS build
        FROM --platform=linux/arm64 alpine:3.20-$TARGETARCH
        """)
    assert [(one.image, one.platform, one.arguments) for one in found] == [
        ("golang:1.23", "linux/amd64", ()),
        ("alpine:3.20-amd64", "linux/arm64", ()),
    ]


def test_lines_go_on_after_the_escape_with_comments_and_empty_lines_in_between() -> None:
    assert images("""
        # FROM comment
        FROM \\
            # comment: FROM other

            node:22 \\
            AS build
          # FROM indented
        RUN echo \\
            FROM inside
        FROM alpine
        """) == ["node:22", "alpine"]


def test_another_escape_leaves_backslashes_alone() -> None:
    assert images("""
        # escape=`
        ARG V=1
        FROM mcr.microsoft.com/windows/nanoserver:`
        ltsc2022
        COPY a C:\\
        FROM servercore:$V
        """) == ["mcr.microsoft.com/windows/nanoserver:ltsc2022", "servercore:1"]


def test_an_escape_that_is_escaped_goes_on_with_nothing() -> None:
    assert images("FROM node\nRUN echo \\\\\nFROM alpine\n") == ["node", "alpine"]


def test_a_directive_counts_only_before_all_else() -> None:
    assert images("# a comment\n# escape=`\nFROM node:\\\n22\n") == ["node:22"]
    assert images("# unknown=1\n# escape=`\nFROM node:\\\n22\n") == ["node:22"]


def test_the_frontend_that_is_asked_for_is_an_image_that_buildkit_fetches() -> None:
    found = read("#syntax = docker/dockerfile:1.7-labs\nFROM alpine\n")
    assert [(one.line, one.by, one.image) for one in found] == [
        (1, NamedBy.SYNTAX, "docker/dockerfile:1.7-labs"),
        (2, NamedBy.FROM, "alpine"),
    ]


@pytest.mark.parametrize("head", ["<<EOF", "<<'EOF'", '<<"EOF"', "3<<EOF", "<<EOF cat", "<<EOF > file"])
def test_what_stands_in_a_here_document_is_no_instruction(head: str) -> None:
    assert images(f"FROM alpine\nRUN {head}\nFROM inside\n# EOF\n EOF\nEOF\nFROM node\n") == ["alpine", "node"]


def test_here_documents_of_one_line_follow_each_other_and_may_be_indented_by_tabs() -> None:
    assert images("FROM alpine\nCOPY <<-A <<B /x/\n\tFROM a\n\tA\nFROM b\nB\nFROM node\n") == ["alpine", "node"]


@pytest.mark.parametrize("run", ["echo '<<EOF'", "echo a<<b", "cat <<< text", 'echo "a <<EOF b"', "x << y"])
def test_what_only_looks_like_a_here_document_begins_none(run: str) -> None:
    assert images(f"FROM alpine\nRUN {run}\nFROM node\n") == ["alpine", "node"]


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    assert [one.image for one in images_of(b"\xef\xbb\xbfFROM node:22\r\nRUN a \\\r\n b\r\nFROM alpine\r\n")] == [
        "node:22",
        "alpine",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no FROM stands in it"),
        ("RUN make\n", "no FROM stands in it"),
        ("FROM\n", "line 1: FROM takes an image"),
        ("FROM node build\n", "line 1: FROM takes an image"),
        ("FROM node AS\n", "line 1: FROM takes an image"),
        ("FROM node AS 1st\n", "line 1: '1st' is no name of a stage"),
        ("ARG\nFROM a\n", "line 1: ARG"),
        ("ARG 1=2\nFROM a\n", "line 1: ARG 1=2 declares no argument"),
        ("ARG A=${\nFROM a\n", "line 1: '${'"),
        ("# escape=/\nFROM a\n", "line 1: the escape character is"),
        ("# escape=`\n# escape=`\nFROM a\n", "line 2: the directive escape stands there a second time"),
        ("FROM a\nRUN <<EOF\nFROM b\n", "line 2: the here-document 'EOF' does not end"),
        ("FROM a\0\n", "a zero byte"),
        ("FROM a\n" * (MOST_IMAGES + 1), f"more than {MOST_IMAGES} images"),
        ("\n" * 10_001, "10002 lines"),
        ("#" * (LARGEST_FILE + 1), f"the most is {LARGEST_FILE}"),
    ],
)
def test_what_no_builder_could_read_is_refused_with_the_place(text: str, told: str) -> None:
    with pytest.raises(MalformedInput) as raised:
        images_of(text.encode())
    assert told in str(raised.value)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(MalformedInput, match="byte 5 is no UTF-8"):
        images_of(b"FROM \xff\n")


def test_arguments_that_double_each_other_end_soon() -> None:
    text = "ARG A0=xxxxxxxx\n" + "".join(f"ARG A{n}=$A{n - 1}$A{n - 1}\n" for n in range(1, 60)) + "FROM $A59\n"
    with pytest.raises(MalformedInput, match="longer than any reference"):
        images_of(text.encode())


def test_variables_in_variables_end_soon() -> None:
    (one,) = images_of(f"FROM {'${A:-' * 60}x{'}' * 60}\n".encode())
    assert "too deep" in one.unclear


def test_patterns_that_would_take_long_are_left_after_the_first() -> None:
    word = f"${{V//{'*?' * 40}b/y}}"
    found = images_of((f"ARG V={'a' * 400}\n" + f"FROM x{word}\n" * 20).encode())
    assert [bool(one.unclear) for one in found] == [False] * 9 + [True] * 11
    assert "take too long" in found[-1].unclear


@given(st.binary(max_size=300) | st.text(alphabet="FROM ARGCOPY=${}:-#%/*\\'\"`\n<@as01", max_size=300).map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for head in (b"", b"ARG A=1.2\nFROM a AS s\n", b"# escape=`\nFROM a\n"):
        try:
            found = images_of(head + content)
        except MalformedInput:
            continue
        assert all(bool(one.image) != bool(one.unclear) for one in found)


@pytest.mark.parametrize(
    "content",
    [
        b"FROM a\nRUN " + b"a " * 60_000,
        b"".join(b"FROM scratch as s%d\n" % number for number in range(9000)),
        b"".join(b"ARG A%d=%s\n" % (number, b"x" * 480) for number in range(500)) + b"FROM a\n",
    ],
    ids=["many words", "many stages", "long arguments"],
)
def test_as_much_as_is_read_takes_little_of_the_processor(content: bytes) -> None:
    assert len(content) <= LARGEST_FILE
    began = time.process_time()
    images_of(content)
    assert time.process_time() - began < 3
