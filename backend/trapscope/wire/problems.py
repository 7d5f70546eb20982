"""What can go wrong on the wire, by name: the same codes in socket errors and in problem documents (RFC 9457).

Someone who reads only `code` knows what to do next; `detail` is one line for people, shown as it is.
"""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypeAliasType

from trapscope.wire.values import Count, Frozen

ProblemCode = TypeAliasType(
    "ProblemCode",
    Literal[
        "bad-json",  # the text frame is not JSON
        "bad-message",  # JSON, but no message of this protocol
        "binary-refused",  # clients send no binary frames
        "too-many-messages",  # more messages a second than one client may send
        "bad-schedule",  # the schedule does not parse, or names what is not there
        "bad-input",  # a request's body or parameter is wrong
        "over-limit",  # more than this server gives: `asked` and `limit` say how much
        "queue-full",  # more schedules wait than a session may hold
        "session-ended",  # the run has its verdict; a new session is the way on
        "session-failed",  # the machine's process died again and again on this input
        "unknown-session",  # never existed, deleted, or expired
        "server-full",  # as many sessions as this server holds
        "address-full",  # as many sessions as one address may have
        "room-full",  # as many clients as one session may have
        "foreign-origin",  # a page of another site asks
        "foreign-host",  # the Host header names a host that is not this server
        "not-found",
        "method-refused",
        "body-too-big",
        "not-ready",  # no worker answers yet
        "internal",  # our fault; the server's log has the incident
    ],
)


class Refusal(Frozen):
    """Why a message was refused. `position` counts characters in the schedule; `token` is the text found there."""

    code: ProblemCode
    detail: str
    token: str | None
    position: Count | None
    asked: Count | None
    limit: Count | None


class Problem(Frozen):
    """A problem document, `application/problem+json` (RFC 9457), with our code."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: ProblemCode
    token: str | None
    position: Count | None
    asked: Count | None
    limit: Count | None
