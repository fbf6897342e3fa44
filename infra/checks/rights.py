"""Who may do what, as the role assignments say."""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.checks.deployments import Deployment, Infrastructure
from infra.checks.origins import Made, origin_of
from infra.checks.rules.roles import ASSIGNMENT, BUILT_IN, custom_role, listed_actions, role_name
from infra.checks.syntax import Call, Expression, Name, Operation, Resource, When
from infra.checks.values import Evaluator, property_at, rounds_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One role that a principal has on something.

    `on` is None for a whole subscription, and where it is on what these files don't make: `elsewhere` is then its
    type; `container` is the one of the storage account `on` that it is confined to;
    `actions` are a custom role's. `deployment` is the one that gives it.
    """

    deployment: Deployment
    principal: Made | None
    role: str
    actions: tuple[str, ...]
    on: Made | None
    elsewhere: str
    container: str
    when: str


def rights(infrastructure: Infrastructure) -> Iterator[Right]:
    """Give every right that a deployment may give."""
    for deployment, resource in infrastructure.resources(ASSIGNMENT):
        evaluator = Evaluator(infrastructure=infrastructure, deployment=deployment)
        holder = property_at(resource.object, "properties.principalId")
        scope = resource.object.get("scope")
        for role, actions in _roles(evaluator, resource):
            yield Right(
                deployment=deployment,
                principal=origin_of(deployment, holder) if holder else None,
                role=role,
                actions=actions,
                on=(on := origin_of(deployment, scope) if scope else None),
                elsewhere="" if on else _type_of(deployment, scope),
                container=_container(evaluator, scope.name) if isinstance(scope, Name) else "",
                when=_when(deployment, resource),
            )


def _type_of(deployment: Deployment, scope: Expression | None) -> str:
    """Give the type of a resource that a deployment finds and doesn't make, "" for a subscription."""
    resource = deployment.template.resources.get(scope.name) if isinstance(scope, Name) else None
    return resource.type if resource else ""


def _when(deployment: Deployment, resource: Resource) -> str:
    """Say on what it depends whether the right is given: the tier, or a parameter that turns its module on."""
    if isinstance(resource.body, When):
        return "in the tier act"
    body = deployment.module.body if deployment.module else None
    if not isinstance(body, When):
        return ""
    match body.condition:
        case Name(name=name) | Operation(operator="!", operands=(Call(name="empty", arguments=(Name(name=name),)),)):
            return f"with `{name}`"
        case _:
            return ""


def _roles(evaluator: Evaluator, resource: Resource) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give the name of each role that an assignment gives, and a custom role's actions."""
    if custom := custom_role(evaluator.deployment, resource):
        yield role_name(custom), listed_actions(custom)
        return
    asked = property_at(resource.object, "properties.roleDefinitionId")
    for one in rounds_of(evaluator, resource):
        role = str(one.value(asked) if asked else "").rpartition("/")[2]
        yield BUILT_IN.get(role, (role, ""))[0], ()


def _container(evaluator: Evaluator, symbol: str) -> str:
    found = evaluator.deployment.template.resources[symbol]
    named = found.object.get("name")
    if not found.type.endswith("/containers") or named is None:
        return ""
    return str(evaluator.value(named))
