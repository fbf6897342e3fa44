"""The app's functions as the host sees them: a trigger, other inputs, outputs, read from the worker's metadata."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from infra.local.host.errors import AppError
from infra.local.host.messages import RpcFunctionMetadata, RpcRetryOptions

RETURN = "$return"
_SETTING = re.compile(r"%([^%\s]+)%")

type Resolve = Callable[[str], str | None]
"""The value of an app setting, None when there is none of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One binding; `settings` hold what its decorator was given, `%NAMES%` already resolved."""

    function: str
    name: str
    type: str
    is_output: bool
    settings: Mapping[str, object]

    def text(self, key: str) -> str:
        """Give a setting the binding can't do without."""
        value = self.settings.get(key)
        if not isinstance(value, str) or not value:
            raise AppError(f"Function {self.function}: the {self.type} binding {self.name} needs {key}.")
        return value

    def flag(self, key: str, *, otherwise: bool) -> bool:
        """Give a yes-or-no setting."""
        value = self.settings.get(key)
        return otherwise if value is None else bool(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of the app."""

    name: str
    trigger: Binding
    inputs: tuple[Binding, ...]
    outputs: tuple[Binding, ...]
    retry: RpcRetryOptions | None

    def output(self, name: str) -> Binding | None:
        """Find an output by its parameter's name; `$return` is what the function returns."""
        return next((binding for binding in self.outputs if binding.name == name), None)


def function_from(metadata: RpcFunctionMetadata, resolve: Resolve) -> Function:
    """Read one function.

    Raises:
        AppError: it has no trigger or several, or a `%NAME%` in a binding is no app setting.
    """
    bindings = [_binding_from(metadata.name, raw, resolve) for raw in metadata.raw_bindings]
    triggers = [binding for binding in bindings if binding.type.lower().endswith("trigger")]
    if len(triggers) != 1:
        raise AppError(f"Function {metadata.name} has {len(triggers)} triggers; a function has exactly one.")
    others = [binding for binding in bindings if binding is not triggers[0]]
    return Function(
        name=metadata.name,
        trigger=triggers[0],
        inputs=tuple(binding for binding in others if not binding.is_output),
        outputs=tuple(binding for binding in others if binding.is_output),
        retry=metadata.retry_options,
    )


def _binding_from(function: str, raw: str, resolve: Resolve) -> Binding:
    given = cast("dict[str, object]", json.loads(raw))
    settings = {key: _resolved(function, value, resolve) for key, value in given.items()}
    return Binding(
        function=function,
        name=str(settings.pop("name")),
        type=str(settings.pop("type")),
        is_output=str(settings.pop("direction", "IN")).upper() == "OUT",
        settings=settings,
    )


def _resolved(function: str, value: object, resolve: Resolve) -> object:
    if isinstance(value, list):
        return [_resolved(function, item, resolve) for item in cast("Sequence[object]", value)]
    if not isinstance(value, str):
        return value

    def setting(found: re.Match[str]) -> str:
        resolved = resolve(found[1])
        if resolved is None:
            raise AppError(f"Function {function}: {found[0]} is no app setting; add {found[1]} to the settings file.")
        return resolved

    return _SETTING.sub(setting, value)
