"""What is refused, as an exception: raised anywhere, told as a problem document or as a socket message."""

from __future__ import annotations

from typing import Final

from trapscope.wire.problems import Problem, ProblemCode, Refusal

#: HTTP status and title of each code. The titles never change with the occasion (RFC 9457, 3.1.3).
PROBLEMS: Final[dict[ProblemCode, tuple[int, str]]] = {
    "bad-json": (400, "Not JSON"),
    "bad-message": (400, "Not a message of this protocol"),
    "binary-refused": (400, "Clients send no binary frames"),
    "too-many-messages": (429, "Too many messages"),
    "bad-schedule": (422, "Not a schedule"),
    "bad-input": (422, "Not a possible choice"),
    "over-limit": (422, "More than this server gives"),
    "queue-full": (409, "Too much is queued"),
    "session-ended": (409, "The run has ended"),
    "session-failed": (500, "The session cannot go on"),
    "unknown-session": (404, "No such session"),
    "server-full": (503, "The server is full"),
    "address-full": (429, "Too many sessions from this address"),
    "room-full": (503, "The session is full"),
    "foreign-origin": (403, "Asked by a page of another site"),
    "foreign-host": (421, "Not a host of this server"),
    "not-found": (404, "Not found"),
    "method-refused": (405, "Method not allowed"),
    "body-too-big": (413, "The body is too big"),
    "not-ready": (503, "Not ready"),
    "internal": (500, "Our fault"),
}


class Refused(Exception):
    """Something was not done, and why, in a line for people. `retry_after` in seconds where waiting helps."""

    def __init__(
        self,
        code: ProblemCode,
        detail: str,
        *,
        token: str | None = None,
        position: int | None = None,
        retry_after: int | None = None,
        asked: int | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.token = token
        self.position = position
        self.retry_after = retry_after
        self.asked = asked
        self.limit = limit

    @property
    def status(self) -> int:
        return PROBLEMS[self.code][0]

    def told(self) -> Refusal:
        """As the socket tells it."""
        return Refusal(
            code=self.code,
            detail=self.detail,
            token=self.token,
            position=self.position,
            asked=self.asked,
            limit=self.limit,
        )

    def problem(self, instance: str) -> Problem:
        """As HTTP tells it, about a request of the path `instance`."""
        status, title = PROBLEMS[self.code]
        return Problem(
            type=f"urn:trapscope:problem:{self.code}",
            title=title,
            status=status,
            detail=self.detail,
            instance=instance,
            code=self.code,
            token=self.token,
            position=self.position,
            asked=self.asked,
            limit=self.limit,
        )


def internal() -> Refused:
    """For what should not happen; whoever raises it has logged what did."""
    return Refused("internal", "something went wrong that should not; the server's log has it")
