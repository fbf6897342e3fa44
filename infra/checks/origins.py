"""Where a value comes from: the resource behind a parameter, an output or a property."""

from infra.checks.deployments import Deployment
from infra.checks.syntax import Expression, Index, Member, Name, Resource

type Made = tuple[Deployment, Resource]
"""A resource, with the deployment that makes it."""


def origin_of(deployment: Deployment, expression: Expression) -> Made | None:
    """Give the resource that an expression reads; None when it isn't a resource of these files."""
    match expression:
        case Member(of=Member(of=of, name="outputs"), name=name):
            return _of_output(deployment, of, name)
        case Member(of=of) | Index(of=of):
            return origin_of(deployment, of)
        case Name(name=name):
            return _of_name(deployment, name)
        case _:
            return None


def _of_output(deployment: Deployment, of: Expression, name: str) -> Made | None:
    root = of.of if isinstance(of, Index) else of
    child = deployment.children.get(root.name) if isinstance(root, Name) else None
    output = child.template.outputs.get(name) if child else None
    return origin_of(child, output.value) if child and output else None


def _of_name(deployment: Deployment, name: str) -> Made | None:
    template = deployment.template
    if resource := template.resources.get(name):
        if not resource.existing:
            return deployment, resource
        return _of_reference(deployment, resource)
    if variable := template.variables.get(name):
        return origin_of(deployment, variable.value)
    if name in template.parameters and deployment.parent and name in deployment.arguments:
        return origin_of(deployment.parent, deployment.arguments[name])
    return None


def _of_reference(deployment: Deployment, resource: Resource) -> Made | None:
    """Give the resource that an `existing` one is: by who gives its name, else the one that holds it."""
    for name in ("name", "parent"):
        given = resource.object.get(name)
        if given and (found := origin_of(deployment, given)):
            return found
    return None
