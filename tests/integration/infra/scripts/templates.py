"""What Microsoft's compiler makes of the templates that az is handed, with the environment that it is handed."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from infra.checks.compiler import Compiler, CompilerError
from tests.integration.infra.scripts.az_command import AzError

_READ: Final = re.compile(r"readEnvironmentVariable\('(\w+)'(?:,\s*'([^']*)')?\)")
_SOURCE: Final = "main.bicep"
_COMPILED: Final = "main.json"
_USES: Final = f"using './{_SOURCE}'"

type Json = dict[str, Any]


class Templates:
    """What the compiler makes of the infrastructure, with which each environment's values are then evaluated.

    The compiler is one process whose environment can't change, so each `readEnvironmentVariable` is replaced by what
    it would give; everything else is the compiler's. It compiles the Bicep once: values are for what came of that,
    which takes a fifth of the time that the sources take.
    """

    def __init__(self, compiler: Compiler, sources: Path, folder: Path) -> None:
        self._compiler = compiler
        self._folder = folder
        (folder / _COMPILED).write_text(compiler.build(sources / _SOURCE).text, encoding="utf-8")
        self._built = cache(self._build)
        self._shown = cache(self._snapshot)

    def built(self, file: Path, environment: Mapping[str, str]) -> Json:
        """Give what `bicep build-params --stdout` prints.

        Raises:
            AzError: the compiler refuses the values or the template.
        """
        return self._built(self._with_values(file, environment))

    def snapshot(
        self, file: Path, environment: Mapping[str, str], subscription: str, tenant: str, location: str
    ) -> Json:
        """Give what a deployment would make.

        Raises:
            AzError: the compiler or its deployment engine refuses it.
        """
        text = self._with_values(file, environment)
        self._built(text)
        return self._shown(text, subscription, tenant, location)

    @staticmethod
    def _with_values(file: Path, environment: Mapping[str, str]) -> str:
        def value(found: re.Match[str]) -> str:
            name: str = found[1]
            default: str | None = found[2]
            given = environment.get(name, default)
            if given is None:
                raise AzError(
                    f'{file} : Error BCP427: Environment variable "{name}" does not exist and there is no default.'
                )
            escaped = given.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${").replace("\n", "\\n")
            return f"'{escaped}'"

        text = file.read_text(encoding="utf-8")
        assert _USES in text, f"{file} is for another template"
        return _READ.sub(value, text.replace(_USES, f"using './{_COMPILED}'"))

    def _file(self, text: str) -> Path:
        file = self._folder / f"{hash(text):x}.bicepparam"
        file.write_text(text, encoding="utf-8")
        return file

    def _build(self, text: str) -> Json:
        built = self._compiler.build_parameters(self._file(text))
        if errors := [f"{each.code}: {each.message}" for each in built.diagnostics if each.level == "error"]:
            raise AzError("\n".join(errors))
        return {"parametersJson": built.text, "templateJson": built.template, "templateSpecId": None}

    def _snapshot(self, text: str, subscription: str, tenant: str, location: str) -> Json:
        place = {"tenantId": tenant, "subscriptionId": subscription, "location": location}
        try:
            return json.loads(self._compiler.snapshot(self._file(text), place))
        except CompilerError as refused:
            raise AzError(f"InvalidTemplate - {refused}") from refused
