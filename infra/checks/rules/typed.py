"""Resource types, versions, property names and literal values, as Microsoft's type data has them."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from infra.checks.deployments import Infrastructure
from infra.checks.kinds import KINDS, kind_of
from infra.checks.problems import Problem
from infra.checks.shapes import SCOPES, Field, ResourceType, Shape
from infra.checks.syntax import (
    Array,
    Choice,
    Constant,
    Expression,
    Index,
    Loop,
    Member,
    Name,
    Object,
    Property,
    Resource,
    Template,
    Text,
    expressions,
    walk,
)

_OF_BICEP: Final = frozenset({"parent", "scope", "dependsOn"})
"""Properties of a resource's body that aren't the resource's."""

_OTHER_RESOURCE: Final = 16


def check_types(infrastructure: Infrastructure, types: Mapping[str, ResourceType]) -> Iterator[Problem]:
    """Check every resource, and every property that is read from one."""
    for template in infrastructure.templates.values():
        known = _Known(template, types)
        for resource in template.resources.values():
            yield from known.check(resource)
        for declaration in template.declarations:
            for expression in expressions(declaration):
                yield from known.check_reading(expression)


class _Known:
    """One file, and the types that it may use."""

    def __init__(self, template: Template, types: Mapping[str, ResourceType]) -> None:
        self._template = template
        self._types = types

    def _problem(self, line: int, wrong: str, right: str) -> Problem:
        return Problem(file=self._template.path, line=line, wrong=wrong, right=right)

    def check(self, resource: Resource) -> Iterator[Problem]:
        """Check a resource's type, scope and body."""
        found = self._types.get(f"{resource.type}@{resource.version}")
        if found is None:
            yield self._unknown_type(resource)
            return
        body = resource.object
        if body.get("parent") is None:
            on_another = body.get("scope") is not None
            if not found.scopes & (_OTHER_RESOURCE if on_another else SCOPES[self._template.scope]):
                place = "on another resource" if on_another else f"in a {self._template.scope}"
                wrong = f"{resource.type} can't be deployed {place}"
                yield self._problem(resource.line, wrong, "move it to a module with the targetScope that it takes")
        if resource.existing:
            yield from self._check_reference(resource)
            return
        own = Object(properties=tuple(one for one in body.properties if one.name not in _OF_BICEP), line=body.line)
        yield from self._object(own, found.body, resource.type)

    def _check_reference(self, resource: Resource) -> Iterator[Problem]:
        for one in resource.object.properties:
            if one.name not in _OF_BICEP | {"name"}:
                wrong = f"{one.name} is set on {resource.name}, which is only referred to"
                yield self._problem(one.line, wrong, "leave it out, or drop `existing`")

    def _unknown_type(self, resource: Resource) -> Problem:
        versions = sorted(name.partition("@")[2] for name in self._types if name.partition("@")[0] == resource.type)
        if versions:
            wrong = f"{resource.type} has no version {resource.version} in the type data"
            return self._problem(resource.line, wrong, f"there is {', '.join(versions)}")
        names = {name.partition("@")[0] for name in self._types}
        close = get_close_matches(resource.type, names, n=1)
        right = f"there is {close[0]}" if close else "if it is new here, run `python -m infra.checks.extract`"
        return self._problem(resource.line, f"{resource.type} is in no type data", right)

    def _value(self, value: Expression, shape: Shape, where: str) -> Iterator[Problem]:  # noqa: C901 - a case each
        match value:
            case Choice(then=then, otherwise=otherwise):
                yield from self._value(then, shape, where)
                yield from self._value(otherwise, shape, where)
            case Name(name=name) if variable := self._template.variables.get(name):
                yield from self._value(variable.value, shape, where)
            case Constant(value=None):
                return
            case _ if shape.kind == "any":
                return
            case Object() if shape.kind == "object":
                yield from self._object(value, shape, where)
            case Array(items=items) if shape.kind == "array" and shape.item:
                for item in items:
                    yield from self._value(item, shape.item, where)
            case Loop(body=body) if shape.kind == "array" and shape.item:
                yield from self._value(body, shape.item, where)
            case Text() if shape.kind == "text":
                yield from self._text(value, shape, where)
            case _ if (kind := kind_of(self._template, value)) and kind != shape.kind:
                yield self._problem(value.line, f"{where} is {KINDS[kind]}", f"it should be {KINDS[shape.kind]}")
            case _:
                return

    def _text(self, value: Text, shape: Shape, where: str) -> Iterator[Problem]:
        literal = value.literal
        if literal is None:
            return
        if shape.one_of and literal not in shape.one_of:
            close = get_close_matches(literal, shape.one_of, n=3, cutoff=0) or shape.one_of[:3]
            yield self._problem(
                value.line, f"{where} is {literal!r}, which the type data doesn't know", f"it knows {', '.join(close)}"
            )
        if shape.pattern and re.search(shape.pattern, literal) is None:
            yield self._problem(value.line, f"{where} is {literal!r}", f"it should match {shape.pattern}")
        if shape.longest and len(literal) > shape.longest:
            yield self._problem(
                value.line, f"{where} has {len(literal)} characters", f"at most {shape.longest} are taken"
            )

    def _object(self, found: Object, shape: Shape, where: str) -> Iterator[Problem]:
        fields = dict(shape.fields)
        if shape.by:
            named = found.get(shape.by)
            variant = shape.variants.get(named.literal or "") if isinstance(named, Text) else None
            if variant is None:
                right = f"it should be one of {', '.join(shape.variants)}"
                yield self._problem(found.line, f"{where} has no {shape.by} that the type data knows", right)
                return
            fields |= variant.fields
        for one in found.properties:
            yield from self._property(one, fields, shape.rest, where)
        given = {one.name for one in found.properties}
        for name, field in fields.items():
            if field.required and not field.read_only and name not in given:
                yield self._problem(found.line, f"{where} has no {name}", "the type data asks for it")

    def _property(
        self, one: Property, fields: Mapping[str, Field], rest: Shape | None, where: str
    ) -> Iterator[Problem]:
        field = fields.get(one.name) if not one.key else None
        path = f"{where}.{one.name}"
        if field and field.read_only:
            yield self._problem(one.line, f"{path} is set, but Azure alone sets it", "leave it out")
        elif field:
            yield from self._value(one.value, field.is_a, path)
        elif rest:
            yield from self._value(one.value, rest, path)
        elif fields or not one.key:
            close = get_close_matches(one.name, fields, n=1, cutoff=0.5)
            right = f"did you mean {close[0]}?" if close else f"there is {', '.join(sorted(fields)[:8]) or 'none'}"
            yield self._problem(one.line, f"{where} has no property {one.name}", right)

    def check_reading(self, expression: Expression) -> Iterator[Problem]:
        """Check the properties that are read from resources, `identity.properties.principalId` say."""
        inner: set[int] = set()
        for one in walk(expression):
            if not isinstance(one, Member) or id(one) in inner:
                continue
            names, root = _chain(one, inner)
            resource = self._template.resources.get(root)
            found = self._types.get(f"{resource.type}@{resource.version}") if resource else None
            if found and (unknown := _unknown_name(found.body, names)):
                wrong = f"{root}.{'.'.join(names)} reads {unknown}, which the type data doesn't have"
                yield self._problem(one.line, wrong, "read one that it has")


def _chain(member: Member, inner: set[int]) -> tuple[list[str], str]:
    """Give the names of `root.a.b` and its root; members inside it go to `inner`, so that they aren't read again."""
    names = [member.name]
    of: Expression = member.of
    while isinstance(of, Member | Index):
        if isinstance(of, Member):
            inner.add(id(of))
            names.insert(0, of.name)
        of = of.of
    return names, of.name if isinstance(of, Name) else ""


def _unknown_name(shape: Shape, names: list[str]) -> str:
    """Give the first of a chain of names that the shape doesn't have; "" when it has all, or can't tell."""
    for name in names:
        if shape.kind != "object" or shape.by or (shape.rest and name not in shape.fields):
            return ""
        if name not in shape.fields:
            return name
        shape = shape.fields[name].is_a
    return ""
