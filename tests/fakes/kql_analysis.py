"""What Microsoft's own language service says of queries in Kusto."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import pytest

from tests.fakes.kql_rows import TABLES

_NOT_INSTALLED: Final = 3


class Analyser:
    """The language service, as one process that is asked again and again: to load it takes a second and more.

    What was said of a query over some tables is remembered: most are the same for every profile.
    """

    def __init__(self) -> None:
        script = Path(__file__).with_name("analyse_kql.cjs")
        command = [shutil.which("node") or "node", str(script)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._said: dict[tuple[str, str], list[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def analysed(self, *queries: str, tables: Mapping[str, Mapping[str, str]] = TABLES) -> list[list[str]]:
        """Give what it says of each query over these tables' columns; nothing at all is the best."""
        over = json.dumps(tables)
        missing = [query for query in dict.fromkeys(queries) if (over, query) not in self._said]
        for query, said in zip(missing, self._asked(missing, tables), strict=True):
            self._said[over, query] = said
        return [self._said[over, query] for query in queries]

    def _asked(self, queries: Sequence[str], tables: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
        to, answers = self._process.stdin, self._process.stdout
        assert to is not None
        assert answers is not None
        try:
            to.write(json.dumps({"tables": tables, "queries": queries}) + "\n")
            to.flush()
            answer = answers.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            _, problem = self._process.communicate()
            if self._process.returncode == _NOT_INSTALLED and not os.environ.get("CI"):
                pytest.skip("@kusto/language-service-next isn't installed: `make setup` installs it")
            raise AssertionError(problem[-2000:])
        return json.loads(answer)
