"""Runs Microsoft's Bicep compiler, where it is: builds, lints, and works out what a deployment would make.

https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-cli
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra.bicep import INFRA, MAIN

WAYS = Path(__file__).parent / "ways"
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-tidegate-prod"
_ASSIGNED = re.compile(
    r"^(?:\[extensionResourceId\('([^']+)'|(.+)/providers/Microsoft\.Authorization/roleAssignments/)"
)


@cache
def compiler() -> str:
    """Return the compiler's path as ``infra/find-bicep.sh`` finds it; empty for none."""
    found = subprocess.run(["sh", str(INFRA / "find-bicep.sh")], capture_output=True, text=True, check=True)
    return found.stdout.strip()


needs_compiler = pytest.mark.skipif(
    not compiler(), reason="no Bicep compiler here: BICEP, PATH, ../shared/tools/bicep, az bicep install"
)


def bicep(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the compiler with some variables and none of ours."""
    command = [compiler(), *map(str, arguments)]
    return subprocess.run(
        command, env=_environment(variables), capture_output=True, text=True, check=False, timeout=300
    )


def _environment(variables: dict[str, str]) -> dict[str, str]:
    ours = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**ours, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", **variables}


@dataclass(frozen=True)
class Given:
    """One role given.

    Attributes:
        role: its definition's id, the last part of it.
        scope: the resource it is given on.
        principal: the expression of whom it is given to.
    """

    role: str
    scope: str
    principal: str


class Prediction:
    """What a deployment would make, each resource with every property; what only Azure knows is an expression."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self.resources = resources

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Every resource of a type, such as ``Microsoft.Web/sites``."""
        return [found for found in self.resources if found["type"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        """The only resource of a type."""
        (found,) = self.of(kind)
        return found

    def names(self, kind: str) -> set[str]:
        """The last parts of the names of every resource of a type."""
        return {found["name"].rpartition("/")[2] for found in self.of(kind)}

    def registry(self, role: str) -> dict[str, Any]:
        """The registry made here for ``staging`` or ``base``."""
        (found,) = [found for found in self.of(f"{ACR}/registries") if role in found["name"]]
        return found

    def settings(self) -> dict[str, str]:
        """The app's settings."""
        (found,) = [one for one in self.of("Microsoft.Web/sites/config") if one["name"].endswith("/appsettings")]
        return {**found["properties"]}

    def given(self) -> list[Given]:
        """Every role that is given."""
        return [_given(found) for found in self.of("Microsoft.Authorization/roleAssignments")]

    def actions(self, role: str) -> set[str]:
        """What a role that is defined here permits."""
        (defined,) = [found for found in self.of("Microsoft.Authorization/roleDefinitions") if found["name"] == role]
        return {action for part in defined["properties"]["permissions"] for action in part["actions"]}

    def data_actions(self, role: str) -> set[str]:
        """What a role that is defined here permits of data; nothing for a role that is not."""
        found = [one for one in self.of("Microsoft.Authorization/roleDefinitions") if one["name"] == role]
        parts = (part for one in found for part in one["properties"]["permissions"])
        return {action for part in parts for action in part.get("dataActions", [])}


ACR = "Microsoft.ContainerRegistry"


def _given(resource: dict[str, Any]) -> Given:
    scope = _ASSIGNED.match(resource["id"])
    assert scope, resource["id"]
    properties = resource["properties"]
    role = properties["roleDefinitionId"].rpartition("/")[2]
    return Given(role, scope[1] or scope[2], properties["principalId"])


class Session:
    """One process of the compiler that is asked by JSON-RPC: it reads its types once for all questions.

    https://github.com/Azure/bicep/blob/main/src/Bicep.Cli/Rpc/ICliJsonRpcProtocol.cs
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [compiler(), "jsonrpc", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment({})
        )

    def predicted(self, parameters: Path) -> Prediction:
        """What a file of parameters would make.

        Raises:
            Refused: the templates do not take them.
        """
        place = {"subscriptionId": SUBSCRIPTION}
        answer = self._ask("bicep/getSnapshot", {"path": str(parameters), "metadata": place})
        if "error" in answer:
            raise Refused(answer["error"]["data"]["message"])
        made = json.loads(answer["result"]["snapshot"])
        assert made["diagnostics"] == []
        return Prediction(made["predictedResources"])

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(timeout=30)

    def _ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(asked), asked))
        stdin.flush()
        length = 0
        while header := stdout.readline().strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        answer: dict[str, Any] = json.loads(stdout.read(length))
        return answer


class Refused(Exception):
    """The templates say that these parameters cannot work."""


def parameters_in(folder: Path, text: str) -> Path:
    """Write parameters of the templates somewhere else."""
    file = folder / "given.bicepparam"
    main = os.path.relpath(MAIN, folder)
    file.write_text(re.sub(r"^using '.*'$", f"using '{main}'", text, flags=re.MULTILINE))
    return file
