"""Writes docs/openapi.json: the app's HTTP API as an OpenAPI 3.1 document, of what is registered and declared."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, Never

import msgspec
from azure.functions import AuthLevel
from azure.functions.decorators.http import HttpTrigger

from infra.checks.compiler import REPOSITORY
from infra.checks.declared import blueprints, triggers_of
from responders.http_api import OPERATIONS, PATH_PARAMETERS, Caller, Operation, Parameter
from responders.triggers.emergency import emergency_blueprint
from responders.triggers.requests import Problem
from shared.emergency.signed_requests import KEY
from shared.notify.pagerduty_webhook import SIGNATURE

PAGE: Final = REPOSITORY / "docs" / "openapi.json"
_ANY_REST: Final = "{*rest}"
_IN_PATH: Final = re.compile(r"\{(\w+)\}")
_SCHEMAS: Final = "#/components/schemas/"
_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"
_HTML: Final = "text/html"

_WHY: Final[Mapping[int, str]] = {
    302: "Sign in first.",
    303: "See there.",
    400: "The request isn't as it should be; the detail says what would be.",
    401: "It isn't known who calls.",
    403: "Who calls may not do this.",
    404: "There is no such thing.",
    405: "The method isn't one of these.",
    409: "It isn't as it was shown any more, or the state doesn't allow it. Nothing was done.",
    413: "The body is too large.",
    429: "There were too many proofs that weren't right. Wait.",
    431: "A header is too large.",
    503: "What the app needs for this doesn't answer, or not all is seen.",
}

_SECURITY: Final[Mapping[Caller, Mapping[str, str]]] = {
    Caller.FUNCTION_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "x-functions-key",
        "description": "A function key of the app. It only lets in; who decides something has to be known besides.",
    },
    Caller.SIGN_IN: {
        "type": "apiKey",
        "in": "cookie",
        "name": "AppServiceAuthSession",
        "description": "App Service authentication, in a browser; a program sends an access token of the operators'"
        " registration as bearer instead.",
    },
    Caller.EMERGENCY: {
        "type": "apiKey",
        "in": "header",
        "name": KEY,
        "description": "The emergency key with an operator's signature, passkey or one-time code (docs/emergency.md).",
    },
    Caller.PAGERDUTY: {
        "type": "apiKey",
        "in": "header",
        "name": SIGNATURE,
        "description": "PagerDuty's signature of the body.",
    },
}


def page() -> str:
    """Write the document."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def document() -> dict[str, Any]:
    """Give the document."""
    paths: dict[str, dict[str, Any]] = {}
    for name, route, operation in declared_operations():
        paths.setdefault(f"/{route}", {})[operation.method.lower()] = _operation(name, route, operation)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Entra Responder",
            "version": project["version"],
            "summary": "Cases, acts, modes, emergencies, and what is seen.",
            "description": "Nothing acts on GET. Who did something is who calls, never what a body says. An act is"
            " shown first, and done by the digest of what was shown.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "https://{host}/api", "variables": {"host": {"default": "APP.azurewebsites.net"}}}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {caller.value: dict(scheme) for caller, scheme in _SECURITY.items()},
        },
    }


def declared_operations() -> Iterator[tuple[str, str, Operation]]:
    """Give the name of each function that is called over HTTP, with the path and the operation of each method.

    Raises:
        KeyError: a function isn't declared.
        ValueError: what is declared isn't what is registered.
    """
    for name, trigger in triggers_of(*blueprints(), emergency_blueprint(_no_engine, _nobody)).items():
        if not isinstance(trigger, HttpTrigger):
            continue
        route, declared = str(trigger.route), OPERATIONS[name]
        methods = {str(method) for method in trigger.methods or ()}
        if {one.method for one in declared} != methods:
            raise ValueError(f"{name} is registered for {sorted(methods)}, and declared for others")
        has_key = Caller.FUNCTION_KEY in declared[0].callers
        if (trigger.auth_level is AuthLevel.ANONYMOUS) is has_key:
            raise ValueError(f"{name} is declared with the key of a function, or without, and registered otherwise")
        for operation in declared:
            if operation.path and not _is_below(operation.path, route):
                raise ValueError(f"{name} is registered for {route}, not for {operation.path}")
            yield name, operation.path or route, operation


def _no_engine() -> Never:
    raise NotImplementedError("nothing is asked of what is only registered")


def _nobody(_request: object, _first: bytes) -> Never:
    raise NotImplementedError("nothing is asked of what is only registered")


def _is_below(path: str, route: str) -> bool:
    return path == route or (route.endswith(_ANY_REST) and path.startswith(route.removesuffix(_ANY_REST)))


def _operation(name: str, route: str, operation: Operation) -> dict[str, Any]:
    last = re.sub(r"\W+", "_", route).strip("_")
    made: dict[str, Any] = {
        "operationId": f"{operation.method.lower()}_{last}",
        "summary": operation.says,
        "tags": [route.partition("/")[0]],
        "parameters": [
            *(_parameter(PATH_PARAMETERS[one], place="path") for one in _IN_PATH.findall(route)),
            *(_parameter(one, place="query") for one in operation.query),
        ],
        "responses": {str(status): answer for status, answer in sorted(_answers(operation).items())},
        "security": [{} if one is Caller.ANYBODY else {one.value: []} for one in operation.callers],
        "x-function": name,
    }
    if operation.takes is not None:
        content = {_JSON: {"schema": _schema(operation.takes)}}
        made["requestBody"] = {"required": not operation.may_be_empty, "content": content}
    return made


def _parameter(one: Parameter, *, place: str) -> dict[str, Any]:
    return {
        "name": one.name,
        "in": place,
        "required": place == "path",
        "description": one.says,
        "schema": dict(one.schema),
    }


def _answers(operation: Operation) -> dict[int, dict[str, Any]]:
    """Give the answer of each status."""
    is_page = operation.gives is None
    pages = {_HTML: {"schema": {"type": "string"}}} if is_page or operation.also_page else {}
    own = pages if is_page else {_JSON: {"schema": _schema(operation.gives)}, **pages}
    refused = {_PROBLEM: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}, **(pages if is_page else {})}
    answers: dict[int, dict[str, Any]] = {}
    if not (is_page and operation.callers == (Caller.ANYBODY,)):
        answers[200] = {"description": "What was asked for.", "content": own}
    for status in operation.goes:
        answers[status] = {"description": _WHY[status], "headers": {"Location": {"schema": {"type": "string"}}}}
    for status in operation.refuses:
        answers[status] = {"description": _WHY[status], "content": refused}
    for status in operation.as_well:
        answers[status] = {"description": _WHY[status], "content": own}
    return answers


def _types() -> tuple[Any, ...]:
    found = (one for operations in OPERATIONS.values() for each in operations for one in (each.gives, each.takes))
    return (Problem, *dict.fromkeys(one for one in found if one is not None))


def _schema(type_: Any) -> dict[str, Any]:  # noqa: ANN401 - any type that msgspec writes
    (schema,), _ = msgspec.json.schema_components((type_,), ref_template=_SCHEMAS + "{name}")
    return schema


def _schemas() -> dict[str, Any]:
    """Give the schemas by name, as JSON has them: msgspec gives tuples as defaults."""
    _, components = msgspec.json.schema_components(_types(), ref_template=_SCHEMAS + "{name}")
    return msgspec.json.decode(msgspec.json.encode(dict(sorted(components.items()))))
