"""What can go wrong, by whose doing: the user's (`BadInput`), the build's, the emulator's."""


class TrapscopeError(Exception):
    """Base of every error that Trapscope raises on purpose."""


class BadInput(TrapscopeError, ValueError):
    """The user asked for something that does not exist or does not parse.

    The message is one line that names what came and what would have been right; it is shown as it is.
    """


class ImageError(TrapscopeError):
    """The guest's ELF lacks something the host relies on: a symbol, a struct member, a line table."""


class EmulatorUnfit(TrapscopeError):
    """The installed Unicorn fails one of the behaviours that the machine relies on (machine/selftest.py)."""


class BadSchedule(BadInput):
    """A schedule does not parse, or names what this run does not have.

    `token` is the offending token as typed, `position` its 0-based offset in the schedule.
    """

    def __init__(self, why: str, token: str, position: int) -> None:
        super().__init__(f"schedule: “{token}” at position {position}: {why}")
        self.token = token
        self.position = position
