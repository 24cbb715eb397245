"""Run variables, values and aliases: everything replaced in a task before it is read as YAML.

Follows https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml (run variables,
aliases) in the order of ACR's own builder: aliases first, templates second.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime

from infra.local.runner.errors import TaskRefused
from infra.local.runner.model import RunRequest

# Images that can be named by one word at the start of ``cmd``, at the versions ACR's builder pins.
IMAGE_ALIASES = {
    "acr": "mcr.microsoft.com/acr/acr-cli:0.19",
    "az": "mcr.microsoft.com/acr/azure-cli:2ff604c",
    "bash": "mcr.microsoft.com/acr/bash:2ff604c",
    "curl": "mcr.microsoft.com/acr/curl:2ff604c",
    "cssc": "mcr.microsoft.com/acr/cssc:2ff604c",
}

_ALIAS = re.compile(r"\$(\$|[A-Za-z0-9]+)")
_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FIELD = re.compile(r"\s*\.(Run|Values|Secrets)\.(\w+)\s*(?:\|\s*(b64enc)\s*)?")


def run_variables(request: RunRequest, now: datetime, shared_volume: str) -> dict[str, str]:
    """Return the names allowed after ``.Run.`` and their values; what a run without Git lacks is empty, as in ACR."""
    return {
        "ID": request.run_id,
        "SharedVolume": shared_volume,
        "Registry": request.login_server,
        "RegistryName": request.registry_name,
        "Date": f"{now:%Y%m%d-%H%M%S}z",
        "OS": "linux",
        "OSVersion": "",
        "Architecture": "amd64",
        "Commit": "",
        "Branch": "",
        "Repository": "",
        "GitTag": "",
        "TriggeredBy": "",
        "TaskName": request.task_name or "",
    }


def expand_aliases(text: str, run: Mapping[str, str]) -> str:
    """Replace ``$Registry`` and its like, leave unknown names alone, and turn ``$$`` into ``$``."""
    aliases = {**IMAGE_ALIASES, **run}

    def value(match: re.Match[str]) -> str:
        return "$" if match[1] == "$" else aliases.get(match[1], match[0])

    return _ALIAS.sub(value, text)


def render(text: str, run: Mapping[str, str], values: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    """Replace ``{{.Run.X}}``, ``{{.Values.x}}`` and ``{{.Secrets.x}}``; what was not given becomes empty.

    With ``| b64enc`` they are put in base64, as volumes want them.

    Raises:
        TaskRefused: the template asks for an unknown run variable or for more than replacement.
    """
    sources = {"Run": run, "Values": values, "Secrets": secrets}

    def value(match: re.Match[str]) -> str:
        field = _FIELD.fullmatch(match[1])
        if field is None:
            known = "{{.Run.X}}, {{.Values.x}} and {{.Secrets.x}}"
            raise TaskRefused(f"this twin replaces {known}, not {match[0]}")
        if field[1] == "Run" and field[2] not in run:
            raise TaskRefused(f"{match[0]} is not a run variable; there are {', '.join(sorted(run))}")
        found = sources[field[1]].get(field[2], "")
        return base64.b64encode(found.encode()).decode() if field[3] else found

    return _TEMPLATE.sub(value, text)
