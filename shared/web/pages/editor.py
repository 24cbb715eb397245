"""The page of one file of the configuration: what it holds, what another text would change, and a form to write it.

It is written by the very handler of the API, in place of what was shown. Whatever is refused, the text that somebody
typed stands on the page that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import azure.functions as func
import msgspec

from shared.domain.access.callers import Caller
from shared.domain.configuration_names import file_named
from shared.domain.links import Links
from shared.errors import MalformedRequest
from shared.flows.compare_file import FileCompared, FileComparer
from shared.flows.write_file import FileWriter
from shared.rules.form_keys import FormTokens
from shared.web.asked import Asked, Handler
from shared.web.configuration import WHY_HEADER
from shared.web.pages.deeds import WROTE, Deed, Deeds
from shared.web.pages.environment import Writer
from shared.web.pages.sent import believe, by_a_person_on_our_page, sent_fields, token_for
from shared.web.pages.shown import lines_of
from shared.web.routes import WRITING

# A page is not made of more; such files come from programs, and go by the API.
LARGEST = 96 * 1024
# Each byte is three letters at most in a form, and there is more than the text in one.
_LARGEST_FORM = 3 * LARGEST + 8 * 1024
_FIELDS = {"text", "etag", "why", "token", "do"}
_COMPARE, _WRITE = "compare", "write"
_NOT_SHOWN = "It holds what a page cannot show as it is, or is longer than a page: read and write it by the API."


class EditorView(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows.

    Attributes:
        file: the file's name below ``config/``.
        text: what it holds, or what was typed.
        etag: of the stored file that is shown; empty for one that is not there yet.
        token: of the form; empty for who may not write.
        odd: why the text is not shown; empty if it is.
        compared: what the typed text would change; ``None`` before anybody asked.
        refused: why it was not written; empty if nobody tried.
        problems: everything that is wrong with it.
        why: the reason that was typed.
        done: what the reader has just done.
    """

    file: str
    text: str
    etag: str
    token: str
    odd: str = ""
    compared: FileCompared | None = None
    refused: str = ""
    problems: tuple[str, ...] = ()
    why: str = ""
    done: Deed | None = None


class Editor:
    """Shows files of the configuration, and takes the forms of their pages.

    Args:
        put: serves the address of the API that writes one.
        files: gives what writes them.
        comparer: gives what tells what a text would change.
        tokens: makes tokens of forms, and believes them.
        deeds: leads to the page that says what was done.
        writer: gives what writes pages.
    """

    def __init__(
        self,
        put: Handler,
        files: Callable[[], FileWriter],
        comparer: Callable[[], FileComparer],
        tokens: FormTokens,
        deeds: Deeds,
        writer: Callable[[], Writer],
    ) -> None:
        self._put = put
        self._files = files
        self._comparer = comparer
        self._tokens = tokens
        self._deeds = deeds
        self._writer = writer

    def show(self, asked: Asked) -> func.HttpResponse:
        """Show a file, or that there is none of the name yet."""
        file = file_named(asked.parameters["file"])
        stored = self._files().files.read(file)
        text = _text(stored.content) if stored is not None else ""
        etag, done = stored.etag if stored is not None else "", self._deeds.told(asked)
        if text is None:
            return self._page(asked.caller, EditorView(file=file, text="", etag=etag, token="", odd=_NOT_SHOWN))
        token = token_for(self._tokens, asked.caller, WRITING, _about(file, etag))
        told = done if done is not None and (done.did, done.about) == (WROTE, file) else None
        return self._page(asked.caller, EditorView(file=file, text=text, etag=etag, token=token, done=told))

    def take(self, asked: Asked) -> func.HttpResponse:
        """Tell what a typed text would change, or write it.

        Returns:
            303 to the page once it is written; else the page with the text as it was typed.

        Raises:
            MalformedRequest: it is no form of ours (400, 413, 415), or is refused (403).
        """
        by_a_person_on_our_page(asked)
        file = file_named(asked.parameters["file"])
        fields = sent_fields(asked.request, _FIELDS, _LARGEST_FORM)
        etag, do = fields.get("etag", ""), fields.get("do")
        believe(self._tokens, fields.get("token", ""), asked.caller, _about(file, etag))
        if do not in {_COMPARE, _WRITE}:
            raise MalformedRequest("do: nobody can do that")
        text = fields.get("text", "").replace("\r\n", "\n")
        view = EditorView(file=file, text=text, etag=etag, token=fields["token"], why=fields.get("why", ""))
        return self._compare(asked, view) if do == _COMPARE else self._write(asked, view)

    def _compare(self, asked: Asked, view: EditorView) -> func.HttpResponse:
        found = self._comparer().compare(view.file, self._content(view))
        shown = msgspec.structs.replace(view, compared=found, problems=found.problems)
        return self._page(asked.caller, shown)

    def _write(self, asked: Asked, view: EditorView) -> func.HttpResponse:
        answer = self._put(_as_asked(asked, view, self._content(view)))
        if answer.status_code < 300:
            return self._deeds.led_to(Links().file(view.file), asked.caller, Deed(WROTE, view.file))
        told = _PROBLEM.decode(answer.get_body())
        problems = tuple(str(one) for one in told.get("problems", ()))
        shown = msgspec.structs.replace(view, refused=str(told.get("detail", "")), problems=problems)
        return self._page(asked.caller, shown, answer.status_code)

    def _content(self, view: EditorView) -> bytes:
        """A browser ends every line in one way; a file whose lines end in the other keeps it."""
        stored = self._files().files.read(view.file)
        other = stored is not None and b"\r\n" in stored.content
        return (view.text.replace("\n", "\r\n") if other else view.text).encode()

    def _page(self, caller: Caller, view: EditorView, status: int = 200) -> func.HttpResponse:
        return self._writer().page("editor", view, caller, status=status)


_PROBLEM = msgspec.json.Decoder(dict[str, Any])


def _about(file: str, etag: str) -> tuple[str, ...]:
    return (WROTE, file, etag)


def _text(content: bytes) -> str | None:
    """Return what a page shows; ``None`` for what would not come back as it was."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    lines = text.replace("\r\n", "\n")
    is_one_way = "\r\n" not in text or text.count("\n") == text.count("\r\n")
    return lines if is_one_way and len(content) <= LARGEST and lines_of(lines, LARGEST) == lines else None


def _as_asked(asked: Asked, view: EditorView, content: bytes) -> Asked:
    """Return the request of the API that a form is."""
    condition: Mapping[str, str] = {"If-Match": f'"{view.etag}"'} if view.etag else {"If-None-Match": "*"}
    said = {WHY_HEADER: view.why} if view.why.strip() else {}
    request = func.HttpRequest("PUT", asked.request.url, headers={**condition, **said}, body=content)
    return Asked(request, {"file": view.file}, asked.caller)
