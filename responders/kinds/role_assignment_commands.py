"""Commands with which a person does by hand what the responder mustn't or can't do to role assignments."""

import shlex
from collections.abc import Mapping
from typing import Final

from shared.model.kinds import Json
from shared.model.objects import Leaves

_OPTIONS: Final[Mapping[str, str]] = {
    "--role": "roleDefinitionId",
    "--assignee-object-id": "principalId",
    "--scope": "scope",
    "--condition": "condition",
    "--condition-version": "conditionVersion",
    "--description": "description",
}


def giving(assignment_id: str, leaves: Leaves, *, principal_type: Json = None) -> str:
    """Give the command that makes a role assignment with these leaves; `az` writes over one that has this name."""
    values = {
        "--name": assignment_id.rpartition("/")[2],
        **{option: leaves.get(leaf) for option, leaf in _OPTIONS.items()},
        "--assignee-principal-type": principal_type,
    }
    return (
        f"az role assignment create {' '.join(f'{name} {_quoted(value)}' for name, value in values.items() if value)}"
    )


def taking(assignment_id: str) -> str:
    """Give the command that takes a role assignment away."""
    return f"az role assignment delete --ids {_quoted(assignment_id)}"


def _quoted(value: Json) -> str:
    return shlex.quote(str(value))
