"""Dockerfiles are read as BuildKit reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gate.dockerfile import read_instructions, stages_of, words_in
from shared.errors import UnfitGate

pytestmark = pytest.mark.unit


def read(text: str) -> list[tuple[str, str, int]]:
    """Return keyword, text and line of each instruction."""
    return [(each.keyword, each.text, each.line) for each in read_instructions(text)]


def test_keywords_are_read_in_any_case_and_white_space_before_them_is_passed_over() -> None:
    assert read("  from\ta \n\tRun  b") == [("FROM", "a", 1), ("RUN", "b", 2)]


def test_comments_and_blank_lines_do_not_end_an_instruction_that_goes_on() -> None:
    assert read("RUN a && \\\n# no\n\n  # nor this\n  b \\  \n && c\nUSER d") == [
        ("RUN", "a &&   b  && c", 1),
        ("USER", "d", 7),
    ]


def test_a_comment_does_not_go_on() -> None:
    assert read("# FROM a \\\nFROM b") == [("FROM", "b", 2)]


def test_two_escapes_do_not_go_on() -> None:
    assert read("RUN a \\\\\nUSER b") == [("RUN", "a \\\\", 1), ("USER", "b", 2)]


def test_the_escape_directive_changes_what_goes_on_and_counts_only_at_the_top() -> None:
    assert read("# syntax=x\n# escape=`\nRUN a `\nb\nRUN c:\\\nUSER d") == [
        ("RUN", "a b", 3),
        ("RUN", "c:\\", 5),
        ("USER", "d", 6),
    ]
    assert read("# hello\n# escape=`\nRUN a \\\nb") == [("RUN", "a b", 3)]


def test_an_instruction_that_goes_on_beyond_the_end_ends_there() -> None:
    assert read("RUN a \\\n# b") == [("RUN", "a", 1)]


@pytest.mark.parametrize(
    "opening",
    ["RUN <<EOF", "RUN <<-EOF", "RUN cat <<'EOF' >/x", 'COPY <<"EOF" /x', "ADD 3<<EOF /x", "ONBUILD RUN <<EOF"],
)
def test_what_stands_in_a_here_document_is_no_instruction(opening: str) -> None:
    end = "\tEOF" if "<<-" in opening else "EOF"
    assert [each[0] for each in read(f"{opening}\nFROM a\n EOF\n# no\n{end}\nUSER b")][-1] == "USER"
    assert len(read(f"{opening}\nFROM a\n{end}\nUSER b")) == 2


def test_two_here_documents_follow_each_other() -> None:
    assert [each[0] for each in read("COPY <<A <<B /x/\nFROM a\nA\nFROM b\nB\nUSER c")] == ["COPY", "USER"]


@pytest.mark.parametrize(
    "line", ["RUN echo '<<EOF'", 'RUN echo "a <<EOF"', "RUN echo $((1<<2))", 'RUN ["a", "<<EOF"]', "ENV A <<EOF"]
)
def test_what_only_looks_like_a_here_document_opens_none(line: str) -> None:
    assert len(read(f"{line}\nUSER b")) == 2


def test_a_here_document_without_an_end_is_refused_at_its_line() -> None:
    with pytest.raises(UnfitGate, match="line 2: the here-document EOF"):
        read("FROM a\nRUN <<EOF\nUSER b")


def test_stages_are_cut_at_from_and_named_in_small_letters() -> None:
    first, second = stages_of(read_instructions("ARG X\nFROM --platform=p a AS One\nUSER u\nFROM b\nCMD c"))
    assert (first.base, first.name, first.line, [each.keyword for each in first.instructions]) == (
        "a",
        "one",
        2,
        ["USER"],
    )
    assert (second.base, second.name, second.line) == ("b", "", 4)


@given(st.text(alphabet="FROM a\\\n\r\t#`<\"'[]EOF$", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        instructions = read_instructions(text)
    except UnfitGate as error:
        assert str(error).startswith("line ")
    else:
        assert all(1 <= each.line <= each.last_line <= text.count("\n") + 1 for each in instructions)


@given(st.text(alphabet="a \"'\\", max_size=30))
def test_words_hold_all_that_is_no_white_space(text: str) -> None:
    assert set("".join(words_in(text))) >= set(text) - {" "}
