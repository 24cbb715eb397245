"""Events of a registry as Event Grid puts them into a storage queue.

Data: https://learn.microsoft.com/azure/event-grid/event-schema-container-registry
Delivery: https://learn.microsoft.com/azure/event-grid/handler-storage-queues
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from shared.domain.events.registry_event import Ignored, RegistryEvent, Told, understood
from shared.errors import InvalidReference, MalformedMessage

PUSHED = "Microsoft.ContainerRegistry.ImagePushed"
DELETED = "Microsoft.ContainerRegistry.ImageDeleted"
# A storage queue takes no more. https://learn.microsoft.com/rest/api/storageservices/put-message
LARGEST_BODY = 64 * 1024


class _Envelope(msgspec.Struct):
    """What kind of event it is: ``type`` in CloudEvents 1.0, ``eventType`` in Event Grid's own schema."""

    type: str = ""
    event_type: str = msgspec.field(name="eventType", default="")


class _Happened(msgspec.Struct):
    data: RegistryEvent


_ENVELOPE, _HAPPENED = msgspec.json.Decoder(_Envelope), msgspec.json.Decoder(_Happened)


def is_event(body: bytes) -> bool:
    """Tell an event from a message of ours, by its shape: it says its type where ours say their kind.

    Args:
        body: of the queue's message, plain or in base64.

    Returns:
        Whether it is to be read as an event, however badly that may go.
    """
    try:
        envelope = _ENVELOPE.decode(_plain(body))
    except (msgspec.DecodeError, UnicodeError, RecursionError, binascii.Error):
        return False
    return bool(envelope.type or envelope.event_type)


def read_event(body: bytes) -> Told:
    """Read one event, in CloudEvents 1.0 or in Event Grid's own schema.

    Args:
        body: of the queue's message, plain or in base64.

    Returns:
        A push of a tag, a deletion, or why the event asks for nothing.

    Raises:
        MalformedMessage: it is no event; says which field is wrong.
    """
    if len(body) > LARGEST_BODY:
        raise MalformedMessage(f"the message has {len(body)} bytes; a queue takes {LARGEST_BODY} at most")
    try:
        return _read(_plain(body))
    except (msgspec.DecodeError, UnicodeError, RecursionError, binascii.Error, InvalidReference) as error:
        raise MalformedMessage(f"message is not an event of a registry: {error}") from error


def _plain(body: bytes) -> bytes:
    """Event Grid delivers in base64, though its documentation spoke of plain text; an object's brace is no base64."""
    return body if body.lstrip().startswith(b"{") else base64.b64decode(body, validate=True)


def _read(text: bytes) -> Told:
    envelope = _ENVELOPE.decode(text)
    kind = envelope.type or envelope.event_type
    if not kind:
        raise MalformedMessage("message is not an event of a registry: it has neither $.type nor $.eventType")
    if kind not in {PUSHED, DELETED}:
        return Ignored(f"{kind[:60]} asks for no rebuild")
    return understood(_HAPPENED.decode(text).data)
