"""The container and its compose file, as far as they can be held without an engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging import dockerfile
from tests.packaging.dockerfile import Stage
from tests.packaging.tree import ROOT
from trapscope.settings import Settings


@pytest.fixture
def service() -> dict[str, Any]:
    """The compose file's only service."""
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    (service,) = document["services"].values()
    assert isinstance(service, dict)
    return service


def test_the_compose_file_follows_the_compose_specification() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stdout


def test_every_variable_that_compose_sets_is_a_setting_with_a_value_it_takes(
    service: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = Settings.model_config["env_prefix"]
    names = {f"{prefix}{name}".upper() for name in Settings.model_fields}

    assert set(service["environment"]) <= names
    for name, value in service["environment"].items():
        monkeypatch.setenv(name, value)
    assert Settings().workers == int(service["environment"]["TRAPSCOPE_WORKERS"])


def test_compose_takes_every_privilege_away_and_publishes_on_the_loopback(service: dict[str, Any]) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["user"].split(":")[0] not in ("0", "root")
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_compose_builds_this_dockerfile_and_runs_its_command(service: dict[str, Any], stages: dict[str, Stage]) -> None:
    server = stages["server"]

    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert dockerfile.command_of(server) == ["trapscope", *service["command"]]
    assert server.one("EXPOSE") == service["ports"][0].rsplit(":", 1)[1]
    assert server.one("USER") == service["user"]


def test_every_command_of_the_dockerfile_is_one_that_the_makefile_runs(stages: dict[str, Stage]) -> None:
    makefile = (ROOT / "Makefile").read_text().replace("$(BIN)/", "").replace("$(NPM)", "npm --prefix frontend")

    commands = [command.replace(" --omit=dev", "") for stage in stages.values() for command in stage.commands()]

    assert len(commands) == 3
    assert [command for command in commands if command not in makefile] == []
    assert "trapscope serve --host" in makefile


def test_the_last_stage_holds_neither_node_nor_a_compiler(stages: dict[str, Stage]) -> None:
    server = stages["server"]

    assert server.base == "python:3.11-slim"
    assert not any("build.txt" in line or "ziglang" in line for line in server.all("RUN"))
    assert server.all("COPY") == ["requirements/run.txt /tmp/", "--from=wheel /src/dist/*.whl /tmp/"]


def test_the_builds_context_holds_what_is_copied_and_nothing_built() -> None:
    context = dockerfile.context()

    assert Path("frontend/package-lock.json") in context
    assert Path("backend/guest/build.py") in context
    assert not any(path.parts[0] in ("tests", "docs", ".git") or "node_modules" in path.parts for path in context)
