"""Secrets: none in the files, none taken from resources, none handed on where it would be logged."""

import re
from collections.abc import Iterator
from typing import Final

from infra.checks.deployments import Infrastructure, relative
from infra.checks.problems import Problem
from infra.checks.syntax import Call, Expression, Module, Name, Object, Template, Text, walk

_LOOKS_SECRET: Final = re.compile(
    r"(?i)accountkey=|sharedaccesskey|[?&]sig=|[?&]code=|password=|-----begin|instrumentationkey="
    r"|\b(?=[A-Za-z0-9+/]*[0-9])(?=[A-Za-z0-9+/]*[A-Za-z])[A-Za-z0-9+/]{32,}={0,2}"
)
_NAMED_SECRET: Final = re.compile(r"(?i)(secret|password|webhookurl|routingkey|certificate|accesskey|apikey|token)$")
_TAKES: Final = re.compile(r"list\w*|getSecret|reference")


def check_secrets(infrastructure: Infrastructure) -> Iterator[Problem]:
    """Check every file."""
    for template in infrastructure.templates.values():
        for one in template.all_expressions:
            yield from _check_expression(template, one)
        if not template.using:
            yield from _check_parameters(template)
        for module in template.modules.values():
            yield from _check_arguments(infrastructure, template, module)
        yield from _check_outputs(template)


def _check_expression(template: Template, one: Expression) -> Iterator[Problem]:
    if isinstance(one, Call) and _TAKES.fullmatch(one.name):
        wrong = f"{one.name} takes a key or a secret into the deployment"
        yield Problem(file=template.path, line=one.line, wrong=wrong, right="use the managed identity instead")
    if isinstance(one, Text):
        for part in one.parts:
            if isinstance(part, str) and (found := _LOOKS_SECRET.search(part)):
                wrong = f"{found[0][:6]}… looks like a secret"
                right = "keep it in the vault, or pass it by a @secure() parameter"
                yield Problem(file=template.path, line=one.line, wrong=wrong, right=right)


def _check_parameters(template: Template) -> Iterator[Problem]:
    for parameter in template.parameters.values():
        if _NAMED_SECRET.search(parameter.name) and not parameter.secure:
            wrong = f"{parameter.name} is shown in the deployment's record"
            yield Problem(file=template.path, line=parameter.line, wrong=wrong, right="put @secure() before it")
        default = parameter.default
        if parameter.secure and default and not (isinstance(default, Text) and default.literal == ""):
            wrong = f"{parameter.name} is secret and has a default"
            yield Problem(file=template.path, line=parameter.line, wrong=wrong, right="its default may only be ''")


def _secure_names(template: Template, expression: Expression) -> set[str]:
    named = {one.name for one in walk(expression) if isinstance(one, Name)}
    return {name for name in named if name in template.parameters and template.parameters[name].secure}


def _check_arguments(infrastructure: Infrastructure, template: Template, module: Module) -> Iterator[Problem]:
    target = infrastructure.templates.get(relative(template.path, module.path))
    given = module.object.get("params")
    for one in given.properties if target and isinstance(given, Object) else ():
        parameter = target.parameters.get(one.name) if target else None
        names = _secure_names(template, one.value)
        if names and parameter and not parameter.secure:
            wrong = f"{', '.join(sorted(names))} is handed on as {one.name}, which isn't secret"
            yield Problem(file=template.path, line=one.line, wrong=wrong, right="put @secure() before that parameter")


def _check_outputs(template: Template) -> Iterator[Problem]:
    for output in template.outputs.values():
        if names := _secure_names(template, output.value):
            wrong = f"the output {output.name} shows {', '.join(sorted(names))}"
            yield Problem(file=template.path, line=output.line, wrong=wrong, right="leave it out")
