"""Microsoft's Bicep compiler, as one process of its JSON-RPC server.

Its answers are those of `bicep build`, `lint`, `format`, `build-params` and `snapshot`, each in a tenth of the time
that a process of its own takes. The server formats since 0.37.1.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, Self, cast

REPOSITORY: Final = Path(__file__).resolve().parents[2]
VARIABLE: Final = "BICEP"
PLACES: Final = (Path.home() / ".azure" / "bin" / "bicep", REPOSITORY.parent / "shared" / "tools" / "bicep")
_UNPACKED: Final = REPOSITORY / ".local" / "bicep"
_OLDEST: Final = (0, 37, 1)
_KEPT: Final = ("PATH", "HOME", "TMPDIR", "LANG")


class CompilerError(Exception):
    """The compiler isn't where it was said to be, is too old, stopped, or refused to answer."""


class Diagnostic(NamedTuple):
    """One finding of the compiler. `line` counts from 1; `level` is error, warning or info."""

    file: Path
    line: int
    level: str
    code: str
    message: str


class Answer(NamedTuple):
    """What the compiler made of a file: the JSON as text, "" when it made none, and its findings.

    Of a parameter file it also has the `template` that the parameters are for, as building that one gives it.
    """

    text: str
    diagnostics: tuple[Diagnostic, ...]
    template: str = ""


def locate(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Find the compiler: $BICEP, PATH, where `az bicep install` puts it, beside the repository. None: there is none.

    Raises:
        CompilerError: $BICEP names a file that isn't there.
    """
    if named := environment.get(VARIABLE):
        if not Path(named).is_file():
            raise CompilerError(f"${VARIABLE} is {named}, and there is no such file")
        return Path(named)
    if found := shutil.which("bicep", path=environment.get("PATH")):
        return Path(found)
    return next((place for place in PLACES if place.is_file()), None)


class Compiler:
    """A running compiler. Close it, or use it in a `with` statement.

    `variables` are all the environment variables that parameter files see: the caller's own stay out, so that the
    answers don't depend on who asks.

    Raises:
        CompilerError: it doesn't start, or is too old.
    """

    def __init__(self, path: Path, variables: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the compiler that locate() found
            [path, "jsonrpc", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **{name: os.environ[name] for name in _KEPT if name in os.environ},
                "DOTNET_BUNDLE_EXTRACT_BASE_DIR": os.environ.get("DOTNET_BUNDLE_EXTRACT_BASE_DIR", str(_UNPACKED)),
                "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
                # Otherwise the runtime compiles its code a second time once it has measured it. That pays in hours; the
                # dozens of answers that are asked for here take twice the processor's time with it.
                "DOTNET_TieredCompilation": "0",
                **(variables or {}),
            },
        )
        self._to, self._from = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        self._asked = 0
        try:
            self.version = self._checked_version()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the process."""
        self._process.kill()
        self._process.communicate()

    def _checked_version(self) -> str:
        version = str(self._ask("version")["version"])
        if tuple(int(part) for part in version.partition("-")[0].split(".")) < _OLDEST:
            raise CompilerError(f"Bicep {version} is too old for these checks: run `az bicep upgrade`")
        return version

    def build(self, file: Path) -> Answer:
        """Compile and lint a Bicep file and all that it uses. The text is the template."""
        return _answer(self._ask("compile", path=str(file)), "contents")

    def build_parameters(self, file: Path) -> Answer:
        """Compile and lint a parameter file and its template. The text is the parameters' JSON."""
        return _answer(self._ask("compileParams", path=str(file), parameterOverrides={}), "parameters")

    def snapshot(self, file: Path, place: Mapping[str, str]) -> str:
        """Evaluate a parameter file without diagnostics as a deployment at `place` would be: JSON.

        Raises:
            CompilerError: the deployment engine refuses it.
        """
        return str(self._ask("getSnapshot", path=str(file), metadata=place, externalInputs=[])["snapshot"])

    def formatted(self, file: Path) -> str:
        """Give the text of a file as the formatter writes it."""
        return str(self._ask("format", path=str(file))["contents"])

    def files_of(self, file: Path) -> frozenset[Path]:
        """Give every file that a Bicep file uses, itself and its configuration included."""
        return frozenset(map(Path, self._ask("getFileReferences", path=str(file))["filePaths"]))

    def _ask(self, what: str, **parameters: object) -> dict[str, Any]:
        self._asked += 1
        request = {"jsonrpc": "2.0", "id": self._asked, "method": f"bicep/{what}", "params": parameters}
        body = json.dumps(request).encode()
        try:
            self._to.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            self._to.flush()
            answer = self._read()
        except (BrokenPipeError, EOFError) as stopped:
            raise CompilerError(f"the compiler stopped while asked for {what}") from stopped
        if error := answer.get("error"):
            raise CompilerError(str(error["message"]))
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        length = 0
        while (line := self._from.readline()) != b"\r\n":
            if not line:
                raise EOFError
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(self._from.read(length))


def _answer(result: Mapping[str, Any], name: str) -> Answer:
    found = (
        Diagnostic(
            Path(one["source"]), one["range"]["start"]["line"] + 1, one["level"].lower(), one["code"], one["message"]
        )
        for one in result["diagnostics"]
    )
    return Answer(str(result.get(name) or ""), tuple(found), str(result.get("template") or ""))
