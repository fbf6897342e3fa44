"""The commands that there are, as the parser itself has them."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any, cast


def actions_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Give the options and words that a parser takes; argparse has no public way to them."""
    return parser._actions  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def leaves(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Give each command that leads to no further ones, by its words, with its parser."""
    choices: list[Any] = [each.choices for each in actions_of(parser)]
    below = [cast("Mapping[str, argparse.ArgumentParser]", each) for each in choices if isinstance(each, dict)]
    if not below:
        yield " ".join(path), parser
    for each in below:
        for name, command in each.items():
            yield from leaves(command, (*path, name))


def formats_of(parser: argparse.ArgumentParser) -> frozenset[str]:
    """Give what may follow a command's -o; none where it has no such option."""
    output = next((each for each in actions_of(parser) if "-o" in each.option_strings), None)
    return frozenset(map(str, output.choices or ())) if output else frozenset()
