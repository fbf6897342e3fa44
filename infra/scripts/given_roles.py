"""Prints which roles a deployment gives on what, from infra/compiled/main.json on standard input.

One a line: the role's id (`custom` for one that the deployment makes), the type of what it is given on in lower case
(`subscription` for a subscription), and to whom: `identity` or `topic`. Needs nothing but Python.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

_VARIABLE = re.compile(r"variables\('(\w+)'\)")
_TYPE = re.compile(r"^\[resourceId\('([^']+)'")


def given_in(template: dict[str, Any]) -> Iterator[str]:
    """Give them of a compiled template and of the modules in it."""
    resources: dict[str, dict[str, Any]] | list[dict[str, Any]] = template["resources"]
    for each in resources.values() if isinstance(resources, dict) else resources:
        if each["type"] == "Microsoft.Resources/deployments":
            yield from given_in(each["properties"]["template"])
        elif each["type"] == "Microsoft.Authorization/roleAssignments":
            for role in _roles(each["properties"]["roleDefinitionId"], template.get("variables", {})):
                yield f"{role} {_place(each.get('scope', ''))} {_holder(each['properties']['principalId'])}"


def _roles(expression: str, variables: dict[str, Any]) -> list[str]:
    """A role is a variable, one of the values of a variable, or one whose id follows from a name."""
    if not (found := _VARIABLE.search(expression)):
        return ["custom"]
    value: dict[str, str] | str = variables[found[1]]
    return [value] if isinstance(value, str) else list(value.values())


def _place(scope: str) -> str:
    found = _TYPE.match(scope)
    return found[1].lower() if found else "subscription"


def _holder(principal: str) -> str:
    """The identity's object id is handed to each module; that of a topic is looked up."""
    return "identity" if principal == "[parameters('principalId')]" else "topic"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in sorted(set(given_in(json.load(sys.stdin)))))
