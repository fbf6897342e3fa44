"""Names: everything that is named is declared, everything declared is named, and modules get what they ask for."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from infra.checks.deployments import ROOTS, Infrastructure, relative
from infra.checks.kinds import KINDS, kind_of, kind_of_type
from infra.checks.problems import Problem
from infra.checks.syntax import (
    Call,
    Expression,
    Index,
    Lambda,
    Loop,
    Member,
    Module,
    Name,
    Object,
    Output,
    Parameter,
    Property,
    Template,
    Text,
    Variable,
    children,
    expressions,
)

_FUNCTION_NAMES: Final = """
any array base64 base64ToJson base64ToString bool cidrHost cidrSubnet coalesce concat contains dateTimeAdd
dateTimeFromEpoch dateTimeToEpoch deployer deployment empty endsWith environment extensionResourceId filter first
flatten format getSecret groupBy guid indexOf int intersection items join json last lastIndexOf length loadFileAsBase64
loadJsonContent loadTextContent loadYamlContent managementGroup managementGroupResourceId map mapValues max min newGuid
objectKeys padLeft pickZones range readEnvironmentVariable reduce reference replace resourceGroup resourceId
shallowMerge skip sort split startsWith string subscription subscriptionResourceId substring take tenant
tenantResourceId toLogicalZone toLower toObject toPhysicalZone toUpper trim union uniqueString uri uriComponent
uriComponentToString utcNow
"""
FUNCTIONS: Final = frozenset(_FUNCTION_NAMES.split())
"""Bicep's functions; those that give secrets are refused elsewhere."""

_SECRET_FUNCTIONS: Final = ("list",)


def check_names(infrastructure: Infrastructure) -> Iterator[Problem]:
    """Check the names in every file, and every module against its file."""
    for template in infrastructure.templates.values():
        yield from _Names(template).check()
        for module in template.modules.values():
            yield from _Use(infrastructure, template, module).check()
        yield from _check_outputs(infrastructure, template)
        yield from _check_loaded(infrastructure, template)
        if template.using:
            yield from _check_values(infrastructure, template)
    yield from _check_unused_files(infrastructure)


class _Names:
    """The names of one file."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._declared = {one.name for one in template.declarations if not isinstance(one, Output)}
        self._used: set[str] = set()

    def _problem(self, line: int, wrong: str, right: str) -> Problem:
        return Problem(file=self._template.path, line=line, wrong=wrong, right=right)

    def check(self) -> Iterator[Problem]:
        for declaration in self._template.declarations:
            if declaration.name in FUNCTIONS and not isinstance(declaration, Output):
                yield self._problem(
                    declaration.line, f"{declaration.name} is also a function", "call it something else"
                )
            if isinstance(declaration, Parameter) and not _is_described(declaration):
                wrong = f"nobody is told what {declaration.name} is"
                yield self._problem(declaration.line, wrong, "put a @description() before it")
            for expression in expressions(declaration):
                yield from self._check(expression, frozenset(), loop_allowed=True)
        if not self._template.using:
            yield from self._check_unused()

    def _check_unused(self) -> Iterator[Problem]:
        for declaration in self._template.declarations:
            if isinstance(declaration, Parameter | Variable) and declaration.name not in self._used:
                yield self._problem(declaration.line, f"{declaration.name} is used nowhere", "use it or leave it out")

    def _check(self, expression: Expression, local: frozenset[str], *, loop_allowed: bool) -> Iterator[Problem]:
        match expression:
            case Name(name=name, line=line):
                self._used.add(name)
                if name not in self._declared | local:
                    close = get_close_matches(name, self._declared | local, n=1)
                    right = f"did you mean {close[0]}?" if close else "declare it"
                    yield self._problem(line, f"{name} isn't declared", right)
            case Call(name=name, of=None, line=line) if not name.startswith(_SECRET_FUNCTIONS):
                if name not in FUNCTIONS:
                    yield self._problem(
                        line, f"there is no function {name}", "see the functions of the Bicep reference"
                    )
            case Loop(variable=variable, index=index, line=line):
                local |= {variable, index}
                if not loop_allowed:
                    right = "make it a variable and name that here"
                    yield self._problem(line, "Bicep takes no loop here", right)
            case Lambda(parameters=parameters):
                local |= set(parameters)
            case _:
                pass
        allowed = isinstance(expression, Object)
        for child in children(expression):
            yield from self._check(child, local, loop_allowed=allowed)


def _is_described(parameter: Parameter) -> bool:
    described = parameter.decorators.get("description", ())
    return bool(described and isinstance(described[0], Text) and described[0].literal)


class _Use:
    """One use of a module."""

    def __init__(self, infrastructure: Infrastructure, template: Template, module: Module) -> None:
        self._infrastructure = infrastructure
        self._template = template
        self._module = module
        self._target = infrastructure.templates.get(relative(template.path, module.path))

    def _problem(self, line: int, wrong: str, right: str) -> Problem:
        return Problem(file=self._template.path, line=line, wrong=wrong, right=right)

    def check(self) -> Iterator[Problem]:
        if self._target is None:
            wrong = f"module {self._module.name} names {self._module.path}"
            yield self._problem(self._module.line, wrong, "there is no such file")
            return
        yield from self._check_scope(self._target)
        given = self._module.object.get("params")
        properties = given.properties if isinstance(given, Object) else ()
        for one in properties:
            yield from self._check_argument(one, self._target)
        names = {one.name for one in properties}
        for parameter in self._target.parameters.values():
            if parameter.default is None and parameter.name not in names:
                wrong = f"module {self._module.name} doesn't get {parameter.name}"
                yield self._problem(self._module.line, wrong, f"{self._target.path} asks for it")

    def _check_scope(self, target: Template) -> Iterator[Problem]:
        scope = self._module.object.get("scope")
        named = scope.name if isinstance(scope, Call) else ""
        if scope is None:
            fits = target.scope == self._template.scope
        elif target.scope == "subscription":
            fits = named == "subscription"
        else:
            fits = named == "resourceGroup" or isinstance(scope, Name)
        if not fits:
            wrong = f"module {self._module.name} is deployed to another scope than {target.path} is made for"
            yield self._problem(self._module.line, wrong, f"its scope should be a {target.scope}")

    def _check_argument(self, one: Property, target: Template) -> Iterator[Problem]:
        parameter = target.parameters.get(one.name)
        if parameter is None:
            close = get_close_matches(one.name, target.parameters, n=1)
            right = f"did you mean {close[0]}?" if close else f"there is {', '.join(target.parameters)}"
            yield self._problem(one.line, f"{target.path} has no parameter {one.name}", right)
            return
        kind, wanted = self._kind(one.value), kind_of_type(parameter.type)
        if kind and kind != wanted:
            wrong = f"{one.name} of {target.path} gets {KINDS[kind]}"
            yield self._problem(one.line, wrong, f"it takes {KINDS[wanted]}")

    def _kind(self, value: Expression) -> str:
        if isinstance(value, Member) and (output := _output_of(self._infrastructure, self._template, value)):
            return kind_of_type(output.type)
        return kind_of(self._template, value)


def _output_of(infrastructure: Infrastructure, template: Template, member: Member) -> Output | None:
    module = _module_read(template, member)
    target = infrastructure.templates.get(relative(template.path, module.path)) if module else None
    return target.outputs.get(member.name) if target else None


def _module_read(template: Template, member: Member) -> Module | None:
    """Give the module of `module.outputs.x` or `modules[i].outputs.x`."""
    if not isinstance(member.of, Member) or member.of.name != "outputs":
        return None
    root = member.of.of.of if isinstance(member.of.of, Index) else member.of.of
    return template.modules.get(root.name) if isinstance(root, Name) else None


def _check_outputs(infrastructure: Infrastructure, template: Template) -> Iterator[Problem]:
    for one in template.all_expressions:
        if not isinstance(one, Member):
            continue
        module = _module_read(template, one)
        target = infrastructure.templates.get(relative(template.path, module.path)) if module else None
        if target and one.name not in target.outputs:
            right = f"there is {', '.join(target.outputs) or 'none'}"
            yield Problem(
                file=template.path, line=one.line, wrong=f"{target.path} has no output {one.name}", right=right
            )


def _check_loaded(infrastructure: Infrastructure, template: Template) -> Iterator[Problem]:
    for one in template.all_expressions:
        if isinstance(one, Call) and one.name == "loadTextContent":
            named = one.arguments[0]
            path = named.literal if isinstance(named, Text) else None
            if path is None or relative(template.path, path) not in infrastructure.files:
                wrong = f"loadTextContent names {path or 'what only a deployment knows'}"
                yield Problem(file=template.path, line=one.line, wrong=wrong, right="there is no such file")


def _check_values(infrastructure: Infrastructure, values: Template) -> Iterator[Problem]:
    """Check a parameters file against the template that it is for."""
    target = infrastructure.templates.get(relative(values.path, values.using))
    if target is None:
        yield Problem(file=values.path, line=1, wrong=f"it is for {values.using}", right="there is no such file")
        return
    for one in values.variables.values():
        parameter = target.parameters.get(one.name)
        if parameter is None:
            close = get_close_matches(one.name, target.parameters, n=1)
            right = f"did you mean {close[0]}?" if close else "leave it out"
            yield Problem(file=values.path, line=one.line, wrong=f"{target.path} has no {one.name}", right=right)
        elif (kind := kind_of(values, one.value)) and kind != kind_of_type(parameter.type):
            right = f"it takes {KINDS[kind_of_type(parameter.type)]}"
            yield Problem(file=values.path, line=one.line, wrong=f"{one.name} gets {KINDS[kind]}", right=right)
    for parameter in target.parameters.values():
        if parameter.default is None and parameter.name not in values.variables:
            wrong = f"it gives no {parameter.name}"
            yield Problem(file=values.path, line=1, wrong=wrong, right=f"{target.path} asks for it")


def _check_unused_files(infrastructure: Infrastructure) -> Iterator[Problem]:
    used = {one.template.path for one in infrastructure.deployments}
    for template in infrastructure.templates.values():
        for one in template.all_expressions:
            if isinstance(one, Call) and one.name == "loadTextContent" and isinstance(one.arguments[0], Text):
                used.add(relative(template.path, one.arguments[0].literal or ""))
    for path in infrastructure.files:
        if path not in used and not path.endswith(".bicepparam"):
            wrong = "no deployment uses this file"
            yield Problem(file=path, line=1, wrong=wrong, right=f"use it from {' or '.join(ROOTS)}, or delete it")
