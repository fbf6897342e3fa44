"""What an expression would give, as far as that can be told without Azure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from infra.checks.deployments import Deployment, Infrastructure, relative
from infra.checks.functions import FUNCTIONS, OPERATORS, UNKNOWN, UNKNOWN_PLACE, Unknown, Value
from infra.checks.syntax import (
    Array,
    Call,
    Choice,
    Constant,
    Expression,
    Index,
    Lambda,
    Loop,
    Member,
    Module,
    Name,
    Object,
    Operation,
    Resource,
    Template,
    Text,
    Variable,
    When,
    walk,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluator:
    """Evaluates expressions of one deployment.

    With `defaults` a parameter that nobody passes has its default, which is what a deployment with as few parameters as
    possible gives; without, it is unknown. `names` are the values of loop variables.
    """

    infrastructure: Infrastructure
    deployment: Deployment
    defaults: bool = True
    names: Mapping[str, Value] = field(default_factory=dict[str, Value])

    def within(self, names: Mapping[str, Value]) -> "Evaluator":
        """Give one that knows loop variables as well."""
        return Evaluator(
            infrastructure=self.infrastructure,
            deployment=self.deployment,
            defaults=self.defaults,
            names={**self.names, **names},
        )

    def value(self, expression: Expression) -> Value:  # noqa: C901, PLR0911, PLR0912 - a case for each kind
        """Evaluate; UNKNOWN where it can't be told."""
        match expression:
            case Text(parts=parts):
                return self._text(parts)
            case Constant(value=value):
                return value
            case Name(name=name):
                return self._name(name)
            case Member(of=of, name=name):
                return self._member(of, name)
            case Index(of=of, index=index):
                return _at(self.value(of), self.value(index))
            case Call():
                return self._call(expression)
            case Array(items=items):
                return [self.value(item) for item in items]
            case Object():
                return self._object(expression)
            case Choice(condition=condition, then=then, otherwise=otherwise):
                chosen = self.value(condition)
                return UNKNOWN if isinstance(chosen, Unknown) else self.value(then if chosen else otherwise)
            case Operation(operator=operator, operands=operands):
                return _operation(operator, [self.value(operand) for operand in operands])
            case Loop(body=body):
                rounds = self.rounds(expression)
                return UNKNOWN if rounds is None else [one.value(body) for one in rounds]
            case When(body=body):
                return self.value(body)
            case Lambda():
                return UNKNOWN

    def rounds(self, loop: Loop) -> "list[Evaluator] | None":
        """Give an evaluator for each round of a loop; None when it can't be told what it goes over."""
        over = self.value(loop.over)
        if not isinstance(over, list):
            return None
        items = cast("list[Value]", over)
        return [self.within({loop.variable: item, loop.index: place}) for place, item in enumerate(items)]

    def _text(self, parts: Sequence[str | Expression]) -> Value:
        values = [part if isinstance(part, str) else self.value(part) for part in parts]
        return UNKNOWN if any(isinstance(one, Unknown) for one in values) else "".join(map(str, values))

    def _object(self, found: Object) -> Value:
        made: dict[str, Value] = {}
        for one in found.properties:
            name = self.value(one.key) if one.key else one.name
            if isinstance(name, str):
                made[name] = self.value(one.value)
        return made

    def _name(self, name: str) -> Value:
        if name in self.names:
            return self.names[name]
        template = self.deployment.template
        if variable := template.variables.get(name):
            return self.outermost().value(variable.value)
        parameter = template.parameters.get(name)
        if parameter is None:
            return UNKNOWN
        if self.deployment.parent and name in self.deployment.arguments:
            return self.parent().value(self.deployment.arguments[name])
        return self.value(parameter.default) if parameter.default and self.defaults else UNKNOWN

    def outermost(self) -> "Evaluator":
        """Give one for the same deployment outside every loop."""
        return Evaluator(infrastructure=self.infrastructure, deployment=self.deployment, defaults=self.defaults)

    def parent(self) -> "Evaluator":
        """Give one for the arguments of this deployment's module."""
        parent = self.deployment.parent or self.deployment
        loop = self.deployment.loop
        names = {loop.variable: UNKNOWN, loop.index: UNKNOWN_PLACE} if loop else dict[str, Value]()
        return Evaluator(infrastructure=self.infrastructure, deployment=parent, defaults=self.defaults, names=names)

    def _member(self, of: Expression, name: str) -> Value:
        """Follow `.name` of an object, of a resource and of a module's outputs."""
        template = self.deployment.template
        if isinstance(of, Name) and (held := _property_of(template, of.name, name)):
            return self.outermost().value(held)
        if isinstance(of, Name) and name == "name" and (resource := template.resources.get(of.name)):
            named = resource.object.get("name")
            return UNKNOWN if named is None or isinstance(resource.body, Loop) else self.value(named)
        if isinstance(of, Member) and of.name == "outputs" and isinstance(of.of, Name):
            child = self.deployment.children.get(of.of.name)
            output = child.template.outputs.get(name) if child else None
            if child and output:
                inside = Evaluator(infrastructure=self.infrastructure, deployment=child, defaults=self.defaults)
                return inside.value(output.value)
        return _at(self.value(of), name)

    def _call(self, call: Call) -> Value:
        arguments = [self.value(argument) for argument in call.arguments]
        if call.name == "loadTextContent" and isinstance(arguments[0], str):
            path = relative(self.deployment.template.path, arguments[0])
            return self.infrastructure.files.get(path, UNKNOWN)
        function = FUNCTIONS.get(call.name)
        if function is None or any(isinstance(argument, Unknown) for argument in arguments):
            return UNKNOWN
        return function(*arguments)


def _property_of(template: Template, variable: str, name: str) -> Expression | None:
    """Give a property of an object that a variable holds, so that the rest of it needn't be evaluated."""
    found = template.variables.get(variable)
    return found.value.get(name) if found and isinstance(found.value, Object) else None


def _at(holder: Value, key: Value) -> Value:
    if isinstance(holder, dict) and isinstance(key, str):
        return cast("dict[str, Value]", holder).get(key, UNKNOWN)
    if isinstance(holder, list) and isinstance(key, int):
        items = cast("list[Value]", holder)
        return items[key] if key < len(items) else UNKNOWN
    return UNKNOWN


def _operation(operator: str, operands: list[Value]) -> Value:
    function = OPERATORS.get(operator)
    if function is None or any(isinstance(operand, Unknown) for operand in operands):
        return UNKNOWN
    return function(*operands)


def mentions_parameter(evaluator: Evaluator, expression: Expression) -> bool:
    """Whether a parameter of any file decides on the value, followed through variables."""
    template = evaluator.deployment.template
    for one in _names(expression):
        if one in template.parameters:
            return True
        variable = template.variables.get(one)
        if isinstance(variable, Variable) and mentions_parameter(evaluator, variable.value):
            return True
    return False


def _names(expression: Expression) -> set[str]:
    return {one.name for one in walk(expression) if isinstance(one, Name)}


def property_at(body: Object, path: str) -> Expression | None:
    """Give the value at a path of property names separated by dots; None when it isn't there."""
    found: Expression | None = body
    for name in path.split("."):
        if not isinstance(found, Object):
            return None
        found = found.get(name)
    return found


def rounds_of(evaluator: Evaluator, declaration: Resource | Module) -> list[Evaluator]:
    """Give an evaluator for each resource that a declaration makes; just one if it can't be told which."""
    if not isinstance(declaration.body, Loop):
        return [evaluator]
    loop = declaration.body
    return evaluator.rounds(loop) or [evaluator.within({loop.variable: UNKNOWN, loop.index: UNKNOWN_PLACE})]
