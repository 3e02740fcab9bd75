"""What can be wrong with a request, as data: the server answers by it, the client reads it, documents are made of it.

An answer of this kind is ``application/problem+json``, by RFC 9457.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TypeAlias

import msgspec

from ctportd.errors import (
    CallRefused,
    ConfigError,
    ControlError,
    CtportdError,
    InvalidArgument,
    LinkError,
    MailError,
    NotFound,
    NotSupported,
    PluginError,
    PortBusy,
    PromptNotFound,
    RequestTimedOut,
    StorageError,
    StoreError,
    TooManyStreamsError,
)

CONTENT_TYPE = "application/problem+json"

_URN = "urn:ctportd:problem:"


class ProblemDetails(msgspec.Struct, frozen=True):
    """What was wrong with a request.

    Attributes:
        type: Which kind of problem, for programs: it stays the same whatever the words are.
        title: The kind in few words.
        status: As in the answer's first line.
        detail: What happened, to what, and what to do.
        instance: The path that was asked.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""


class WrongBodyError(Exception):
    """The body of a request is not what its route takes."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of problem.

    Attributes:
        name: What its ``type`` ends with.
        status: Of the answer.
        title: In few words.
        meaning: When it comes, for who reads the documents.
        errors: The errors that are answered so.
        raised: What the client raises; its only argument is the sentence.
    """

    name: str
    status: int
    title: str
    meaning: str
    errors: tuple[type[Exception], ...] = ()
    raised: type[CtportdError] = ControlError

    @property
    def uri(self) -> str:
        """As the answer has it, under ``type``."""
        return f"{_URN}{self.name}"


Kinds: TypeAlias = tuple[Kind, ...]

KINDS: Kinds = (
    Kind(
        "bad-body", 400, "Bad request body", "The body is no JSON, or not what the path takes.", (WrongBodyError,)
    ),
    Kind(
        "bad-argument",
        400,
        "Bad argument",
        "A parameter, or something in the body, is unknown, missing, or makes no sense.",
        (InvalidArgument, PromptNotFound),
    ),
    Kind(
        "not-found",
        404,
        "Not there",
        "The call, the message or the like that was named is not there.",
        (NotFound,),
        NotFound,
    ),
    Kind("no-such-path", 404, "No such path", "Nothing is served under this path."),
    Kind("wrong-method", 405, "Wrong method", "The path is there, and not for this method: see `Allow`."),
    Kind("too-long", 413, "Too long", "The body is longer than 64 KiB."),
    Kind(
        "wrong-range",
        416,
        "No such range",
        "The recording is shorter than the `Range` that was asked for: see `Content-Range`.",
    ),
    Kind("bad-request", 400, "Bad request", "What came is no HTTP that makes sense."),
    Kind(
        "configuration",
        409,
        "Mistake in the configuration",
        "The configuration has a mistake: nothing has changed.",
        (ConfigError,),
        ConfigError,
    ),
    Kind("port-busy", 409, "Port busy", "The port waits for something else; nothing was sent.", (PortBusy,)),
    Kind(
        "no-call",
        409,
        "Not on this port now",
        "No call can be made on the port now, or there is none to end.",
        (CallRefused,),
        CallRefused,
    ),
    Kind("plugin", 409, "Plugin", "A plugin cannot be loaded, or be used for this now.", (PluginError,)),
    Kind(
        "too-many-streams",
        503,
        "Too many streams",
        "As many follow events or the log already as may.",
        (TooManyStreamsError,),
    ),
    Kind("refused", 409, "Refused", "It cannot be done as things are; nothing has changed.", (ControlError,)),
    Kind(
        "not-supported",
        501,
        "Not in this dialect",
        "The dialect of this ctserver has no way to do it.",
        (NotSupported,),
    ),
    Kind("ctserver-silent", 504, "No reply", "ctserver has not replied in time.", (RequestTimedOut,)),
    Kind("ctserver", 502, "ctserver", "ctserver refused, or cannot be reached.", (LinkError,)),
    Kind("mail", 502, "Mail", "No mail server is set, it cannot be used, or it refuses.", (MailError,), MailError),
    Kind(
        "database",
        503,
        "Database",
        "The database cannot be used now; calls are answered all the same.",
        (StoreError,),
        StoreError,
    ),
    Kind("disk", 507, "Disk", "The disk has no room, or refuses.", (StorageError,), StorageError),
    Kind("failed", 500, "ctportd", "It failed for another reason, which `detail` tells.", (CtportdError,)),
    Kind("bug", 500, "Bug in ctportd", "Nobody expected this: the log has more of it.", (Exception,)),
)
"""Every kind; of those that fit an error the first one counts."""

_BY_TYPE = {kind.uri: kind for kind in KINDS}
_BY_NAME = {kind.name: kind for kind in KINDS}
_OF_STATUS = {404: "no-such-path", 405: "wrong-method", 413: "too-long", 416: "wrong-range"}


def kind_of(error: type[Exception] | Exception) -> Kind:
    """How an error is answered."""
    given = error if isinstance(error, type) else type(error)
    return next(kind for kind in KINDS if issubclass(given, kind.errors))


def kind_named(name: str) -> Kind:
    """One kind by its name."""
    return _BY_NAME[name]


def kind_of_status(status: int) -> Kind | None:
    """What a refusal of HTTP's own is; None where the server itself is at fault."""
    return kind_named(_OF_STATUS.get(status, "bad-request")) if status < HTTPStatus.INTERNAL_SERVER_ERROR else None


def problem_of(kind: Kind, detail: str, instance: str = "") -> ProblemDetails:
    """A problem of this kind."""
    return ProblemDetails(kind.uri, kind.title, kind.status, detail, instance)


def error_of(answer: bytes) -> CtportdError | None:
    """What the client raises for an answer; None where it is no problem of ours."""
    try:
        problem = msgspec.json.decode(answer, type=ProblemDetails)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    kind = _BY_TYPE.get(problem.type)
    return (ControlError if kind is None else kind.raised)(problem.detail)
