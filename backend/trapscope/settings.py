"""Everything that can be set, each by a variable TRAPSCOPE_<NAME>; command-line options win over them.

The limits are there because the demo is anonymous: a run is bounded in instructions, not in seconds.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Positive = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """Frozen; wrong values are refused when the server starts, by name."""

    model_config = SettingsConfigDict(env_prefix="TRAPSCOPE_", frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=256, description="engine processes")] = 2
    log_level: Literal["debug", "info", "warning", "error"] = "warning"

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Names, comma-separated, that the Host header may have besides the loopback's and the address listened on."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses, comma-separated, whose X-Forwarded-For and X-Forwarded-Proto are believed."""

    max_sessions: Positive = 200
    max_sessions_per_address: Positive = 20
    max_creations_per_minute: Positive = 60
    """Per address."""
    max_clients_per_session: Positive = 200
    max_steps: Positive = 200_000
    """Per session; a request may ask for less."""
    max_inputs_per_session: Positive = 10_000
    max_queued_inputs: Positive = 64
    max_log_bytes: Positive = 512 << 20
    """Of all sessions' step logs together."""
    max_message_bytes: Positive = 128 << 10
    max_messages_per_second: Positive = 60
    """Per client; twice as many in a burst."""
    idle_expiry_seconds: Positive = 1800
    """A session that nobody is connected to ends after this."""
    max_age_seconds: Positive = 24 * 3600
    """A session in which nothing was asked ends after this, even if somebody is connected."""

    chunk_steps: Positive = 1024
    """Steps a worker makes for one session before it looks at the next."""
    request_timeout_seconds: Positive = 60
    """A worker that does not answer within this is killed."""
    worker_memory_mib: Annotated[int, Field(ge=512)] = 4096
    """Address space of one engine process."""
    worker_sessions: Positive = 100
    """An engine process is replaced after this many sessions, because freed emulators leave memory behind."""

    @field_validator("allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
