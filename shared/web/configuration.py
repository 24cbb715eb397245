"""GET and PUT /api/config/{file}: one file of the configuration, written only in place of what was read."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func
import msgspec

from shared.domain.configuration_names import file_named, kind_of
from shared.domain.promotion.said import Said
from shared.errors import Conflict, MalformedInput, MalformedRequest, WatchListError
from shared.flows.compare_file import FileComparer
from shared.flows.write_file import FileWriter
from shared.ports import Clock
from shared.web.answers import json_answer, problem
from shared.web.asked import Asked
from shared.web.bodies import one_line

WHY_HEADER = "x-why"


class FileWritten(msgspec.Struct, frozen=True):
    """A file as it is stored now; its ETag comes in the header."""

    file: str
    bytes: int


class ConfigurationPages:
    """Serves files of the configuration.

    Args:
        writer: writes them.
        comparer: tells whether they are valid, and what they would change.
        clock: tells the time.
    """

    def __init__(self, *, writer: Callable[[], FileWriter], comparer: Callable[[], FileComparer], clock: Clock) -> None:
        self._writer = writer
        self._comparer = comparer
        self._clock = clock

    def get(self, asked: Asked) -> func.HttpResponse:
        """Return 200 with the file and its ``ETag``, or 404."""
        name = file_named(asked.parameters["file"])
        stored = self._writer().files.read(name)
        if stored is None:
            raise MalformedRequest(f"there is no file config/{name}", status=404)
        headers = {"ETag": f'"{stored.etag}"', "X-Content-Type-Options": "nosniff"}
        return func.HttpResponse(stored.content, mimetype="application/octet-stream", headers=headers)

    def put(self, asked: Asked) -> func.HttpResponse:
        """Write the file: 428 without ``If-Match``, 412 if it has changed, 413, or 422 with what is wrong with it."""
        name, content = _sent(asked)
        headers = asked.request.headers
        etag = _etag(headers.get("if-match"), headers.get("if-none-match"))
        said = Said(
            asked.caller.said, one_line(headers.get(WHY_HEADER, "no reason given"), WHY_HEADER)[:500], self._clock()
        )
        try:
            written = self._writer().write(name, content, etag, said)
        except Conflict as error:
            return problem(str(error), 412)
        except WatchListError as error:
            return problem(str(error), 422, problems=list(error.problems))
        except MalformedInput as error:
            return problem(f"config/{name}: {error}", 422)
        answer = json_answer(FileWritten(name, len(written.content)))
        answer.headers["ETag"] = f'"{written.etag}"'
        return answer

    def validate(self, asked: Asked) -> func.HttpResponse:
        """Tell whether the file in the body could be written: always 200, with what is wrong with it."""
        return json_answer(self._comparer().check(*_sent(asked)))

    def diff(self, asked: Asked) -> func.HttpResponse:
        """Tell what the file in the body would change, read with the list's other files."""
        return json_answer(self._comparer().compare(*_sent(asked)))


def _sent(asked: Asked) -> tuple[str, bytes]:
    name, content = file_named(asked.parameters["file"]), asked.request.get_body()
    if len(content) > kind_of(name).most:
        raise MalformedRequest(f"config/{name} has at most {kind_of(name).most} bytes", status=413)
    return name, content


def _etag(match: str | None, none_match: str | None) -> str | None:
    """Whoever writes says what is replaced: the tag that was read, or that there is nothing yet."""
    if match is None and none_match == "*":
        return None
    if match is None:
        told = 'say what is replaced: If-Match with the ETag that GET answered, or "If-None-Match: *" for a new file'
        raise MalformedRequest(told, status=428)
    return match.strip().strip('"')
