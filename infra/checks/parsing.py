"""Reads Bicep with tree-sitter. Its grammar takes more than Bicep's compiler does; the other checks refuse the rest."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from infra.checks.problems import Problem, UnparsedError
from infra.checks.syntax import (
    Array,
    Call,
    Choice,
    Constant,
    Declaration,
    Expression,
    Index,
    Lambda,
    Loop,
    Member,
    Module,
    Name,
    Object,
    Operation,
    Output,
    Parameter,
    Property,
    Resource,
    Template,
    Text,
    Variable,
    When,
)

_ESCAPES: Final[Mapping[str, str]] = {"\\'": "'", "\\\\": "\\", "\\n": "\n", "\\r": "\r", "\\t": "\t"}
_UNTYPED: Final = re.compile(r"^param (?=\w+ *=)", re.MULTILINE)
_USING: Final = re.compile(r"^using '(?P<path>[^']*)'.*$", re.MULTILINE)


@lru_cache(maxsize=256)
def parse(path: str, source: str) -> Template:
    """Read one file. `path` is relative to `infra/`.

    A parameters file (.bicepparam) is read as one that declares variables: the grammar asks for a parameter's type.

    Raises:
        UnparsedError: a part of it isn't Bicep, or is Bicep that this parser reads wrongly.
    """
    using = _USING.search(source) if path.endswith(".bicepparam") else None
    if using:
        source = _UNTYPED.sub("var   ", _USING.sub("", source))
    tree = Parser(Language(tree_sitter_bicep.language())).parse(source.encode())
    problems = tuple(_mistakes(tree.root_node, path))
    if problems:
        raise UnparsedError(problems)
    return _Reader(path).template(tree.root_node, using=using["path"] if using else "")


def _mistakes(node: Node, path: str) -> Iterator[Problem]:
    if node.is_error or node.is_missing:
        shown = _text(node).strip().partition("\n")[0][:60]
        yield Problem(
            file=path,
            line=_line(node),
            wrong=f"this can't be read: {shown!r}" if shown else f"{node.type} is missing",
            right="write it as the Bicep reference has it",
        )
        return
    for child in node.children:
        yield from _mistakes(child, path)


def _line(node: Node) -> int:
    return node.start_point[0] + 1


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _named(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


class _Reader:
    """Turns the nodes of one file into declarations."""

    def __init__(self, path: str) -> None:
        self._path = path

    def template(self, root: Node, *, using: str) -> Template:
        scope = "resourceGroup"
        decorators: dict[str, tuple[Expression, ...]] = {}
        declarations: list[Declaration] = []
        for node in _named(root):
            if node.type == "decorators":
                decorators = self._decorators(node)
                continue
            if node.type == "target_scope_assignment":
                scope = str(self.string(_named(node)[0]).literal)
            else:
                declarations.append(self._declaration(node, decorators))
            decorators = {}
        self._refuse_twins(declarations)
        return Template(path=self._path, scope=scope, using=using, declarations=tuple(declarations))

    def _refuse_twins(self, declarations: list[Declaration]) -> None:
        """Outputs have names of their own; all others share one set."""
        seen: set[tuple[bool, str]] = set()
        for declaration in declarations:
            key = (isinstance(declaration, Output), declaration.name)
            if key in seen:
                raise self._fail(
                    declaration.line, f"{declaration.name} is declared twice", "give one of them another name"
                )
            seen.add(key)

    def _fail(self, line: int, wrong: str, right: str) -> UnparsedError:
        return UnparsedError((Problem(file=self._path, line=line, wrong=wrong, right=right),))

    def _decorators(self, node: Node) -> dict[str, tuple[Expression, ...]]:
        found: dict[str, tuple[Expression, ...]] = {}
        for decorator in _named(node):
            call = self.expression(_named(decorator)[0])
            if isinstance(call, Call):
                found[call.name] = call.arguments
        return found

    def _declaration(self, node: Node, decorators: Mapping[str, tuple[Expression, ...]]) -> Declaration:
        parts, line = _named(node), _line(node)
        name = _text(parts[0]) if parts else ""
        match node.type:
            case "parameter_declaration":
                default = self.expression(parts[2]) if len(parts) > 2 else None  # noqa: PLR2004 - name, type, default
                return Parameter(name=name, type=_text(parts[1]), default=default, decorators=decorators, line=line)
            case "variable_declaration":
                return Variable(name=name, value=self.expression(parts[1]), line=line)
            case "resource_declaration":
                return self._resource(node, name)
            case "module_declaration":
                path = str(self.string(parts[1]).literal)
                return Module(name=name, path=path, body=self.expression(parts[2]), line=line)
            case "output_declaration":
                return Output(name=name, type=_text(parts[1]), value=self.expression(parts[2]), line=line)
            case other:
                raise self._fail(line, f"{other} isn't read by these checks", "do without it")

    def _resource(self, node: Node, name: str) -> Resource:
        parts = _named(node)
        kind, _, version = str(self.string(parts[1]).literal).partition("@")
        existing = any(child.type == "existing" for child in node.children)
        body = self.expression(parts[2])
        return Resource(name=name, type=kind, version=version, existing=existing, body=body, line=_line(node))

    def expression(self, node: Node) -> Expression:
        reader = _READERS.get(node.type)
        if reader is None:
            raise self._fail(_line(node), f"{node.type} isn't read by these checks", "do without it")
        return reader(self, node)

    def string(self, node: Node) -> Text:
        parts: list[str | Expression] = []
        for child in node.named_children:
            if child.type == "interpolation":
                parts.append(self.expression(_named(child)[0]))
                continue
            text = _text(child)
            text = _ESCAPES.get(text, text) if child.type == "escape_sequence" else text
            # The grammar leaves out the escape of a dollar sign: "x \\${y}" is two contents with a gap between them.
            before = child.prev_sibling
            text = f"${text}" if before and before.end_byte + len("\\$") == child.start_byte else text
            if parts and isinstance(parts[-1], str):
                parts[-1] += text
            else:
                parts.append(text)
        return Text(parts=tuple(parts), line=_line(node))

    def constant(self, node: Node) -> Constant:
        word = _text(node)
        values: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}
        return Constant(value=values[word] if word in values else int(word), line=_line(node))

    def name(self, node: Node) -> Name:
        return Name(name=_text(node), line=_line(node))

    def member(self, node: Node) -> Member:
        of, name = _named(node)
        return Member(of=self.expression(of), name=_text(name), line=_line(node))

    def index(self, node: Node) -> Index:
        of, index = _named(node)
        return Index(of=self.expression(of), index=self.expression(index), line=_line(node))

    def call(self, node: Node) -> Call:
        called, arguments = _named(node)
        given = tuple(map(self.expression, _named(arguments)))
        if called.type == "member_expression":
            member = self.member(called)
            return Call(of=member.of, name=member.name, arguments=given, line=_line(node))
        return Call(name=_text(called), arguments=given, line=_line(node))

    def array(self, node: Node) -> Array:
        items = _named(node)
        for item, following in pairwise(items):
            if item.end_byte == following.start_byte:
                wrong = f"the parser of these checks takes {_text(item)}{_text(following)[:20]} for two items"
                raise self._fail(_line(item), wrong, "put it in a variable and name that in the array")
        return Array(items=tuple(map(self.expression, items)), line=_line(node))

    def object(self, node: Node) -> Object:
        return Object(properties=tuple(map(self._property, _named(node))), line=_line(node))

    def _property(self, node: Node) -> Property:
        name, value = _named(node)
        key = self.string(name) if name.type == "string" else None
        literal = key.literal if key else _text(name)
        return Property(
            name=literal or "",
            key=None if literal is not None else key,
            value=self.expression(value),
            line=_line(node),
        )

    def choice(self, node: Node) -> Choice:
        condition, then, otherwise = map(self.expression, _named(node))
        return Choice(condition=condition, then=then, otherwise=otherwise, line=_line(node))

    def operation(self, node: Node) -> Operation:
        operator = next(_text(child) for child in node.children if not child.is_named)
        return Operation(operator=operator, operands=tuple(map(self.expression, _named(node))), line=_line(node))

    def parenthesized(self, node: Node) -> Expression:
        return self.expression(_named(node)[0])

    def loop(self, node: Node) -> Loop:
        named, over, body = _named(node)
        names = [_text(one) for one in _named(named)] if named.type == "for_loop_parameters" else [_text(named)]
        return Loop(
            variable=names[0],
            index=names[1] if len(names) > 1 else "",
            over=self.expression(over),
            body=self.expression(body),
            line=_line(node),
        )

    def when(self, node: Node) -> When:
        condition, body = _named(node)
        return When(condition=self.expression(condition), body=self.expression(body), line=_line(node))

    def function(self, node: Node) -> Lambda:
        named, body = _named(node)
        parameters = _named(named) if named.type == "parenthesized_expression" else [named]
        return Lambda(parameters=tuple(map(_text, parameters)), body=self.expression(body), line=_line(node))


_READERS: Final[Mapping[str, Callable[[_Reader, Node], Expression]]] = {
    "string": _Reader.string,
    "number": _Reader.constant,
    "boolean": _Reader.constant,
    "null": _Reader.constant,
    "identifier": _Reader.name,
    "member_expression": _Reader.member,
    "subscript_expression": _Reader.index,
    "call_expression": _Reader.call,
    "array": _Reader.array,
    "object": _Reader.object,
    "ternary_expression": _Reader.choice,
    "binary_expression": _Reader.operation,
    "unary_expression": _Reader.operation,
    "parenthesized_expression": _Reader.parenthesized,
    "for_statement": _Reader.loop,
    "if_statement": _Reader.when,
    "lambda_expression": _Reader.function,
}
