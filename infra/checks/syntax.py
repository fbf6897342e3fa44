"""A Bicep file as data: declarations and expressions, with the line that each begins on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string. `parts` are literal texts and, between them, interpolated expressions."""

    parts: "tuple[str | Expression, ...]"
    line: int

    @property
    def literal(self) -> str | None:
        """The text, when nothing is interpolated."""
        return "".join(map(str, self.parts)) if all(isinstance(part, str) for part in self.parts) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A number, true, false or null."""

    value: int | bool | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A reference to a parameter, variable, resource, module or loop variable."""

    name: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """`of.name`."""

    of: "Expression"
    name: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """`of[index]`."""

    of: "Expression"
    index: "Expression"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`name(arguments)`, or `of.name(arguments)` when `of` is given."""

    name: str
    arguments: "tuple[Expression, ...]"
    line: int
    of: "Expression | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """`[items]`."""

    items: "tuple[Expression, ...]"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """`name: value` of an object. `key` is an interpolated name, which then has no literal one."""

    name: str
    value: "Expression"
    line: int
    key: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """`{properties}`."""

    properties: tuple[Property, ...]
    line: int

    def get(self, name: str) -> "Expression | None":
        """Give a property's value; None when it isn't there."""
        return next((found.value for found in self.properties if found.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`condition ? then : otherwise`."""

    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operator with one operand or two."""

    operator: str
    operands: "tuple[Expression, ...]"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """`[for variable in over: body]`, with `index` where both are named."""

    variable: str
    index: str
    over: "Expression"
    body: "Expression"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """`if (condition) body`, as resources and modules have it."""

    condition: "Expression"
    body: "Expression"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lambda:
    """`parameters => body`."""

    parameters: tuple[str, ...]
    body: "Expression"
    line: int


type Expression = (
    Text | Constant | Name | Member | Index | Call | Array | Object | Choice | Operation | Loop | When | Lambda
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """`param name type = default`, with its decorators' arguments by name. `type` is as it is written."""

    name: str
    type: str
    default: Expression | None
    decorators: Mapping[str, tuple[Expression, ...]]
    line: int

    @property
    def secure(self) -> bool:
        """Whether its value is kept out of logs."""
        return "secure" in self.decorators

    def number(self, decorator: str) -> int | None:
        """Give the number of minLength, maxLength, minValue or maxValue; None when it isn't there."""
        arguments = self.decorators.get(decorator, ())
        value = arguments[0].value if arguments and isinstance(arguments[0], Constant) else None
        return value if isinstance(value, int) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`var name = value`."""

    name: str
    value: Expression
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """`resource name 'type@version' = body`; `body` may be a Loop or a When around the object."""

    name: str
    type: str
    version: str
    existing: bool
    body: Expression
    line: int

    @property
    def object(self) -> Object:
        """The body itself."""
        return inner_object(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """`module name 'path' = body`; `path` is as it is written, relative to the file."""

    name: str
    path: str
    body: Expression
    line: int

    @property
    def object(self) -> Object:
        """The body itself."""
        return inner_object(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """`output name type = value`."""

    name: str
    type: str
    value: Expression
    line: int


type Declaration = Parameter | Variable | Resource | Module | Output


@dataclass(frozen=True, kw_only=True)
class Template:
    """One file. `path` is relative to `infra/`; `scope` is resourceGroup unless the file says otherwise."""

    path: str
    scope: str
    using: str
    declarations: tuple[Declaration, ...]

    @cached_property
    def all_expressions(self) -> tuple[Expression, ...]:
        """Every expression of the file, those inside others included."""
        return tuple(inner for one in self.declarations for outer in expressions(one) for inner in walk(outer))

    def _all[D: (Parameter, Variable, Resource, Module, Output)](self, kind: type[D]) -> dict[str, D]:
        return {one.name: one for one in self.declarations if isinstance(one, kind)}

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Its parameters by name."""
        return self._all(Parameter)

    @cached_property
    def variables(self) -> dict[str, Variable]:
        """Its variables by name."""
        return self._all(Variable)

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """Its resources by symbol."""
        return self._all(Resource)

    @cached_property
    def modules(self) -> dict[str, Module]:
        """Its modules by symbol."""
        return self._all(Module)

    @cached_property
    def outputs(self) -> dict[str, Output]:
        """Its outputs by name."""
        return self._all(Output)


def inner_object(body: Expression) -> Object:
    """Unwrap a resource's or module's object from its loop and condition."""
    while isinstance(body, Loop | When):
        body = body.body
    return body if isinstance(body, Object) else Object(properties=(), line=body.line)


def children(expression: Expression) -> tuple[Expression, ...]:  # noqa: C901, PLR0911 - a case for each kind
    """Give the expressions that stand directly in one."""
    match expression:
        case Text(parts=parts):
            return tuple(part for part in parts if not isinstance(part, str))
        case Constant() | Name():
            return ()
        case Member(of=of):
            return (of,)
        case Index(of=of, index=index):
            return (of, index)
        case Call(of=of, arguments=arguments):
            return arguments if of is None else (of, *arguments)
        case Array(items=items):
            return items
        case Object(properties=properties):
            keys = tuple(one.key for one in properties if one.key)
            return (*keys, *(one.value for one in properties))
        case Choice(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Operation(operands=operands):
            return operands
        case Loop(over=over, body=body):
            return (over, body)
        case When(condition=condition, body=body):
            return (condition, body)
        case Lambda(body=body):
            return (body,)


def walk(expression: Expression) -> Iterator[Expression]:
    """Give an expression and all that stand in it, outermost first."""
    yield expression
    for child in children(expression):
        yield from walk(child)


def expressions(declaration: Declaration) -> tuple[Expression, ...]:
    """Give the expressions that a declaration holds."""
    match declaration:
        case Parameter(default=default, decorators=decorators):
            own = () if default is None else (default,)
            return (*own, *(argument for arguments in decorators.values() for argument in arguments))
        case Variable(value=value) | Output(value=value):
            return (value,)
        case Resource(body=body) | Module(body=body):
            return (body,)
