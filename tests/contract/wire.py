"""Counts requests as they leave ``requests``, which every Azure SDK sends them with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import requests


class Wire(list[tuple[str, str]]):
    """The requests, each as its method and path; ``answers`` has their status too."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[str, str, int]] = []


@contextmanager
def counted() -> Iterator[Wire]:
    """Yield the requests made from now on."""
    sent = Wire()
    send = requests.Session.send

    def record(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        sent.append((str(request.method), request.path_url))
        response = send(session, request, **options)
        sent.answers.append((*sent[-1], response.status_code))
        return response

    with mock.patch.object(requests.Session, "send", record):
        yield sent
