"""The types of problems that the API answers with (RFC 9457), each with what it means and what to do about it.

A type's name is part of its address, ``/api/problems/<name>``, by which clients tell problems apart; it never changes.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from shared.domain.links import path_of


class Explained(msgspec.Struct, frozen=True):
    """What people are told of a type of problem.

    Attributes:
        status: the HTTP status that it comes with.
        title: a few words, the same for every problem of the type.
        means: what it means.
        todo: what to do about it.
    """

    status: int
    title: str
    means: str
    todo: str


class Problem(Enum):
    """The types of problems, by the names in their addresses."""

    MALFORMED = "malformed-request"  # the request cannot be read
    NO_IDENTITY = "no-identity"  # nobody who is known asks
    NO_ROLE = "missing-role"  # the caller has not the role that the address wants
    OTHER_SITE = "sent-by-another-site"  # a page of another site sent a browser here
    NOT_ALLOWED = "not-allowed"  # the caller has the role, and may not do this now
    NO_ADDRESS = "no-such-address"  # no route has this path
    NOT_FOUND = "not-found"  # what is named is not there
    WRONG_METHOD = "wrong-method"  # the path has no such method
    DECLINED = "declined"  # the state of what is acted on forbids it, or has moved on
    LIST_NOT_VALID = "watch-list-not-valid"  # the list in force cannot be used
    STILL_RUNNING = "still-running"  # the first request with this idempotency key has not ended
    CHANGED = "changed-meanwhile"  # a file is not any more what was read
    TOO_LARGE = "too-large"  # more bytes than are read
    WRONG_MEDIA = "unsupported-media-type"  # the body is sent as something else
    NOT_VALID = "not-valid"  # understood, and wrong
    KEY_REUSED = "idempotency-key-reused"  # the key came with another request before
    NO_CONDITION = "condition-required"  # it must be said what is replaced
    TOO_MANY = "too-many-requests"  # come back later
    DEFECT = "internal-error"  # a defect of ours, or a setting
    REFUSED = "refused-elsewhere"  # another system will not do what is needed
    NOT_NOW = "not-available-now"  # something that is needed does not answer

    @property
    def path(self) -> str:
        """The path of its page."""
        return path_of("/api/problems", self.value)

    @property
    def explained(self) -> Explained:
        """What people are told of it."""
        return _EXPLAINED[self]


_EXPLAINED = {
    Problem.MALFORMED: Explained(
        400,
        "The request cannot be read",
        "A parameter, a header or the body is not of the form that the address takes; the detail names which.",
        "Correct it by the API's document, GET /api/openapi.json. Repeating the request as it is changes nothing.",
    ),
    Problem.NO_IDENTITY: Explained(
        401,
        "Nobody who is known asks",
        "The request has neither an API key that is in force nor a sign-in that is believed.",
        "Send an API key in the header x-api-key, or sign in. Whether sign-in is on, the settings SIGN_IN_ENABLED and "
        "the platform's WEBSITE_AUTH_ENABLED say.",
    ),
    Problem.NO_ROLE: Explained(
        403,
        "The caller has not the role that is needed",
        "The caller is known, and has none of the roles that open this address; the detail names them.",
        "Ask who runs the installation for the role, or use a key that has it. Roles do not contain each other.",
    ),
    Problem.OTHER_SITE: Explained(
        403,
        "A page of another site sent this request",
        "A browser with somebody's session was sent here by a page of another site. Nothing was done.",
        "Act from Tidegate's own pages, by an API key, or from the terminal.",
    ),
    Problem.NOT_ALLOWED: Explained(
        403,
        "The caller may not do this now",
        "The caller has the role, and still may not: who asked cannot grant, a sign-in is too old, or a machine is not "
        "named by the policy. The detail says which.",
        "Sign in anew, or let another approver do it.",
    ),
    Problem.NO_ADDRESS: Explained(
        404,
        "There is no such address",
        "No route of the API has this path.",
        "Compare the path with the API's document, GET /api/openapi.json.",
    ),
    Problem.NOT_FOUND: Explained(
        404,
        "What is named is not there",
        "The address is right, and what it names does not exist, or is not kept any more.",
        "List what there is, and compare the names.",
    ),
    Problem.WRONG_METHOD: Explained(
        405,
        "The address takes another method",
        "The path exists, and not with this method; the header Allow names those that it takes.",
        "Use one of them.",
    ),
    Problem.DECLINED: Explained(
        409,
        "The present state forbids it",
        "What was asked does not fit what is so now: it was decided meanwhile, a newer digest came, or something else "
        "is in the way. The member reason names why, and the present state comes along.",
        "Look at the present state, decide again, and ask with the digest and the number that are in force.",
    ),
    Problem.LIST_NOT_VALID: Explained(
        409,
        "The watch list is not valid",
        "What was asked needs the watch list, and the stored one cannot be used.",
        "Correct the list: the detail names each problem with its line.",
    ),
    Problem.STILL_RUNNING: Explained(
        409,
        "The first request with this key is still running",
        "Another request with the same Idempotency-Key has begun and not ended.",
        "Ask again after the seconds that Retry-After names; its answer is then given again.",
    ),
    Problem.CHANGED: Explained(
        412,
        "The file has changed meanwhile",
        "The ETag in If-Match is not that of the file which is there now. Nothing was written.",
        "Read the file again, bring your change into it, and write with its new ETag.",
    ),
    Problem.TOO_LARGE: Explained(
        413,
        "The request is too large",
        "The body, or the file in it, has more bytes than are read; the detail names how many are.",
        "Send less, or in parts; the bound stands in the detail.",
    ),
    Problem.WRONG_MEDIA: Explained(
        415,
        "The body is sent as something else",
        "The header Content-Type names another type than the address takes; nothing was done.",
        "Send what the detail names.",
    ),
    Problem.NOT_VALID: Explained(
        422,
        "What was sent is wrong",
        "The request was understood, and what it says is not valid; the member problems names each problem with "
        "its line.",
        "Correct it. Nothing was written.",
    ),
    Problem.KEY_REUSED: Explained(
        422,
        "The key came with another request before",
        "An Idempotency-Key stands for one request; this caller used it for another one within the last day.",
        "Make a new key for every new request, such as a UUID.",
    ),
    Problem.NO_CONDITION: Explained(
        428,
        "It must be said what is replaced",
        "A file is written only in place of what was read.",
        'Send If-Match with the ETag that GET answered, or "If-None-Match: *" for a file that is not there yet.',
    ),
    Problem.TOO_MANY: Explained(
        429,
        "Ask again later",
        "Too many requests came, or one that takes much is being served.",
        "Wait for the seconds that Retry-After names.",
    ),
    Problem.DEFECT: Explained(
        500,
        "Tidegate could not serve the request",
        "A defect of Tidegate, or a setting that is wrong. What was asked may be done in part; it can be asked again.",
        "Look into the app's log for the request's id, which the answer names as request_id, and report it.",
    ),
    Problem.REFUSED: Explained(
        502,
        "Another system will not do what is needed",
        "A registry, storage or another system refused what the request needs; the detail has its words.",
        "Mend what it names, such as a role or an account, and ask again.",
    ),
    Problem.NOT_NOW: Explained(
        503,
        "Something that is needed does not answer",
        "Storage, a registry or another system gave no answer, or asks to wait. What was asked may be done; asking "
        "again does not do it twice.",
        "Ask again after the seconds that Retry-After names.",
    ),
}
# Where a status has several types, this one is meant unless another is said.
_USUAL = {400: Problem.MALFORMED, 401: Problem.NO_IDENTITY, 403: Problem.NOT_ALLOWED, 404: Problem.NOT_FOUND}
_USUAL |= {409: Problem.DECLINED, 422: Problem.NOT_VALID}


def usual_of(status: int) -> Problem:
    """Return the type that a status means unless another one is said.

    Raises:
        KeyError: no type has the status.
    """
    if status in _USUAL:
        return _USUAL[status]
    return {kind.explained.status: kind for kind in Problem}[status]
