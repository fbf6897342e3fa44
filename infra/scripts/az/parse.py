"""Asks the Azure CLI's own parser whether it takes a command line. Runs under `.venv-az`, without network or login.

Reads one JSON list of strings a line, what stands behind `az`, and answers each with one JSON object:
`{"status": 0, "command": "group show", "options": {"--resource-group": ["x"]}}`, or what az would exit with and say:
`{"status": 2, "error": "unrecognized arguments: --everything"}`. Standard error is az's own talk.
"""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (az's own code is in another environment than the one that is checked)

import contextlib
import io
import json
import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from itertools import takewhile

from azure.cli.core import get_default_cli
from azure.cli.core.commands.events import EVENT_INVOKER_POST_LOAD_ARGUMENTS, EVENT_INVOKER_PRE_LOAD_ARGUMENTS
from knack.events import EVENT_INVOKER_POST_CMD_TBL_CREATE, EVENT_INVOKER_POST_PARSE_ARGS
from knack.util import CLIError

_SETTINGS = {
    "AZURE_CORE_COLLECT_TELEMETRY": "no",
    "AZURE_CORE_ERROR_RECOMMENDATION": "off",
    "AZURE_CORE_NO_COLOR": "yes",
    "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
}
"""What az would otherwise ask the network for, or print besides."""


class Parser:
    """The parsers of the commands that come with the Azure CLI, each made when it is first asked for."""

    def __init__(self) -> None:
        self._cli = get_default_cli()
        self._invoker = self._cli.invocation_cls(
            cli_ctx=self._cli,
            parser_cls=self._cli.parser_cls,
            commands_loader_cls=self._cli.commands_loader_cls,
            help_cls=self._cli.help_cls,
        )
        self._cli.invocation = self._invoker
        self._loader = self._invoker.commands_loader
        self._loaded: dict[str, tuple[dict[str, object], dict[str, object]]] = {}
        self._made: dict[str, ArgumentParser] = {}

    def answer(self, argv: list[str]) -> dict[str, object]:
        """Give az's exit status for the command line, with the options that it reads or the words of its refusal."""
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                parsed = self._parser_for(argv).parse_args(list(argv))  # which puts files in place of @FILE
                # Here az looks whether there is either --ids or what it stands for.
                self._cli.raise_event(EVENT_INVOKER_POST_PARSE_ARGS, command=parsed.command, args=parsed)
        except SystemExit as end:
            return {"status": end.code or 0, "error": said.getvalue().strip()}
        except CLIError as error:
            return {"status": 1, "error": str(error)}
        return {"status": 0, "command": parsed.command, "options": _options(argv, parsed)}

    def _parser_for(self, argv: list[str]) -> ArgumentParser:
        table = self._load(argv)
        self._loader.command_table = table  # in which the command is looked for
        command = self._invoker._rudimentary_get_command(argv)  # noqa: SLF001 - as its own execute() does
        if command not in self._made:
            self._made[command] = self._make(command, table)
        return self._made[command]

    def _load(self, argv: list[str]) -> dict[str, object]:
        """Load what az loads for a command line, which goes by its first words: all commands take ten seconds."""
        words = " ".join(takewhile(lambda word: not word.startswith("-"), argv))
        if words not in self._loaded:
            self._loader.command_table, self._loader.cmd_to_loader_map = {}, {}  # it empties what it has
            self._loader.load_command_table(list(argv))
            self._loaded[words] = self._loader.command_table, self._loader.cmd_to_loader_map
        table, self._loader.cmd_to_loader_map = self._loaded[words]
        return table

    def _make(self, command: str, table: dict[str, object]) -> ArgumentParser:
        """Make a parser of one command, since one of them all takes seconds; of all, where there is no such command."""
        self._loader.command_table = {command: table[command]} if command in table else dict(table)
        self._invoker.data["command_string"] = self._cli.data["command"] = command
        if command in table:
            self._raise(EVENT_INVOKER_PRE_LOAD_ARGUMENTS)
            self._loader.load_arguments(command)
            self._raise(EVENT_INVOKER_POST_LOAD_ARGUMENTS)
            self._raise(EVENT_INVOKER_POST_CMD_TBL_CREATE)
        general = self._invoker._global_parser  # noqa: SLF001 - as its own execute() does
        parser = self._cli.parser_cls(cli_ctx=self._cli, prog=self._cli.name, parents=[general])
        parser.load_command_table(self._loader)
        return parser

    def _raise(self, event: str) -> None:
        """Let az add what commands have in common, like --subscription and --ids."""
        self._cli.raise_event(event, commands_loader=self._loader)


def _options(argv: list[str], parsed: Namespace) -> dict[str, list[str]]:
    """Give what was written behind each option, under the option's longest name, whichever was used."""
    known = parsed._parser._option_string_actions  # noqa: SLF001 - argparse shows it nowhere else
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for word in argv[len(parsed.command.split()) :]:
        name, _, value = word.partition("=") if word.startswith("--") else (word, "", "")
        matches = (
            [name] if name in known else [each for each in known if name.startswith("--") and each.startswith(name)]
        )
        if word.startswith("-") and matches:
            values = found.setdefault(max(known[matches[0]].option_strings, key=len), [])
            values.extend([value] if value else [])
        else:
            values.append(word)
    return found


def main() -> None:
    """Answer line after line until there is no further one."""
    answers, sys.stdout = sys.stdout, sys.stderr
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(_SETTINGS, AZURE_CONFIG_DIR=folder, AZURE_EXTENSION_DIR=f"{folder}/extensions")
        parser = Parser()
        for line in sys.stdin:
            answers.write(json.dumps(parser.answer(json.loads(line))) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
