"""How long a name can get, and which characters are written in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.checks.functions import UNKNOWN_PLACE
from infra.checks.syntax import Array, Call, Choice, Constant, Expression, Member, Name, Object, Parameter, Text
from infra.checks.values import Evaluator

UNIQUE_STRING: Final = 13
GUID: Final = 36
_SAME: Final = frozenset({"toLower", "toUpper", "string"})
_FIXED: Final[Mapping[str, int]] = {"uniqueString": UNIQUE_STRING, "guid": GUID}


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """The bounds of a text's length, and the characters that are written in it. `longest` None means without bound."""

    shortest: int
    longest: int | None
    written: str = ""

    def then(self, other: "Length") -> "Length":
        """The length of this text and another after it."""
        both = None if self.longest is None or other.longest is None else self.longest + other.longest
        return Length(shortest=self.shortest + other.shortest, longest=both, written=self.written + other.written)

    def either(self, other: "Length") -> "Length":
        """The length of this text or another."""
        more = None if self.longest is None or other.longest is None else max(self.longest, other.longest)
        return Length(shortest=min(self.shortest, other.shortest), longest=more, written=self.written + other.written)


ANY: Final = Length(shortest=0, longest=None)
_OF_PLACE: Final = Length(shortest=1, longest=3)


def length_of(evaluator: Evaluator, expression: Expression) -> Length:  # noqa: PLR0911 - one line for each kind
    """Bound the length of a text. `evaluator` should be one without defaults: a parameter may have any value."""
    known = evaluator.value(expression)
    if isinstance(known, str):
        return _exactly(known)
    match expression:
        case Text(parts=parts):
            found = _exactly("")
            for part in parts:
                found = found.then(_exactly(part) if isinstance(part, str) else length_of(evaluator, part))
            return found
        case Constant(value=value):
            return _exactly(str(value))
        case Choice(then=then, otherwise=otherwise):
            return length_of(evaluator, then).either(length_of(evaluator, otherwise))
        case Call():
            return _of_call(evaluator, expression)
        case Name(name=name):
            return _of_name(evaluator, name)
        case Member(of=of, name=name):
            return _of_member(evaluator, of, name)
        case _:
            return ANY


def _exactly(text: str) -> Length:
    return Length(shortest=len(text), longest=len(text), written=text)


def _of_call(evaluator: Evaluator, call: Call) -> Length:
    if call.name in _FIXED:
        return Length(shortest=_FIXED[call.name], longest=_FIXED[call.name])
    if call.name in _SAME:
        return length_of(evaluator, call.arguments[0])
    if call.name == "take":
        text, most = length_of(evaluator, call.arguments[0]), evaluator.value(call.arguments[1])
        longest = most if text.longest is None else min(text.longest, most)
        return Length(shortest=min(text.shortest, most), longest=longest, written=text.written)
    return ANY


def _of_name(evaluator: Evaluator, name: str) -> Length:
    deployment = evaluator.deployment
    if name in evaluator.names:
        return _OF_PLACE if evaluator.names[name] is UNKNOWN_PLACE else ANY
    if variable := deployment.template.variables.get(name):
        return length_of(evaluator.outermost(), variable.value)
    parameter = deployment.template.parameters.get(name)
    if parameter and deployment.parent and name in deployment.arguments:
        return length_of(evaluator.parent(), deployment.arguments[name])
    return _of_parameter(parameter) if parameter else ANY


def _of_parameter(parameter: Parameter) -> Length:
    allowed = parameter.decorators.get("allowed", ())
    if allowed and isinstance(allowed[0], Array):
        texts = [one.literal or "" for one in allowed[0].items if isinstance(one, Text)]
        return Length(shortest=min(map(len, texts)), longest=max(map(len, texts)), written="".join(texts))
    return Length(shortest=parameter.number("minLength") or 0, longest=parameter.number("maxLength"))


def _of_member(evaluator: Evaluator, of: Expression, name: str) -> Length:
    """Follow `names.storage` of an object in a variable, `x.name` of a resource, and a module's outputs."""
    template = evaluator.deployment.template
    if isinstance(of, Name) and (variable := template.variables.get(of.name)) and isinstance(variable.value, Object):
        found = variable.value.get(name)
        return length_of(evaluator.outermost(), found) if found else ANY
    if isinstance(of, Name) and name == "name" and (resource := template.resources.get(of.name)):
        found = resource.object.get("name")
        return length_of(evaluator, found) if found else ANY
    if isinstance(of, Member) and of.name == "outputs" and isinstance(of.of, Name):
        child = evaluator.deployment.children.get(of.of.name)
        output = child.template.outputs.get(name) if child else None
        if child and output:
            inside = Evaluator(infrastructure=evaluator.infrastructure, deployment=child, defaults=evaluator.defaults)
            return length_of(inside, output.value)
    return ANY
