"""Records with something wrong in them, quickly made and always the same for a seed: by bytes, and by structure."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final

import msgspec

from tests.fakes.record_strategies import UNUSUAL, Json, nested_string, places, written

_AT_ONCE: Final = (1, 1, 1, 1, 1, 2, 2, 3)
_MOST_REPEATED: Final = 4
_LONGEST_CUT: Final = 40
_SPECIAL: Final = (
    b'"',
    b"\\",
    b"\\u",
    b"\\ud800",
    b"\\u0000",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"null",
    b"1e999",
    b"-0",
    b"\n",
)
"""What a reader of JSON trips over."""

_ABSURD_TEXTS: Final = (
    *(value for value in UNUSUAL if isinstance(value, str)),
    *map(nested_string, (1, 2, 3, 8, 50)),
    *("[" * depth for depth in (10, 1_000)),
    "x" * 5_000,
    "\u0000" * 50,
    "\ud800" * 50,
    "e\u0323\u0301" * 50,
    "2026-03-17T09:24:51Z" * 2,
)
_ABSURD: Final[tuple[Any, ...]] = (
    *UNUSUAL,
    10**400,
    -(10**19),
    1e308,
    [None] * 50,
    {"value": {"value": {"value": {"value": []}}}},
)


class Mutations:
    """Makes mutants of `samples`, with the randomness of `seed`."""

    def __init__(self, samples: Sequence[Json], seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - chooses mutations, keeps no secret
        self._samples = [(sample, written(sample), list(places(sample))) for sample in samples]
        self._by_bytes: tuple[Callable[[bytearray], None], ...] = (
            self._change_byte,
            self._insert,
            self._delete,
            self._repeat,
            self._splice,
            self._change_case,
        )

    def records(self, count: int) -> Iterator[bytes]:
        """Give so many, those by bytes and those by structure in turns."""
        for number in range(count):
            yield self._mutant_of_structure() if number % 2 else self._mutant_of_bytes()

    def _mutant_of_bytes(self) -> bytes:
        _, raw, _ = self._random.choice(self._samples)
        mutant = bytearray(raw)
        for _ in range(self._random.choice(_AT_ONCE)):
            self._random.choice(self._by_bytes)(mutant)
        return bytes(mutant)

    def _place(self, mutant: bytearray) -> int:
        return self._random.randrange(len(mutant) + 1)

    def _cut(self, text: bytes | bytearray) -> slice:
        start = self._random.randrange(len(text) + 1)
        return slice(start, start + self._random.randint(1, _LONGEST_CUT))

    def _change_byte(self, mutant: bytearray) -> None:
        place = self._place(mutant)
        mutant[place : place + 1] = self._random.randbytes(1)

    def _insert(self, mutant: bytearray) -> None:
        place = self._place(mutant)
        mutant[place:place] = self._random.choice(_SPECIAL)

    def _delete(self, mutant: bytearray) -> None:
        del mutant[self._cut(mutant)]

    def _repeat(self, mutant: bytearray) -> None:
        place = self._place(mutant)
        mutant[place:place] = mutant[self._cut(mutant)] * self._random.randint(1, _MOST_REPEATED)

    def _splice(self, mutant: bytearray) -> None:
        _, other, _ = self._random.choice(self._samples)
        mutant[self._cut(mutant)] = other[self._cut(other)]

    def _change_case(self, mutant: bytearray) -> None:
        cut = self._cut(mutant)
        mutant[cut] = mutant[cut].swapcase()

    def _mutant_of_structure(self) -> bytes:
        _, raw, paths = self._random.choice(self._samples)
        mutant: Json = msgspec.json.decode(raw)
        for path in self._random.choices(paths, k=self._random.choice(_AT_ONCE)):
            self._change(mutant, path)
        return written(mutant)

    def _change(self, mutant: Json, path: tuple[str | int, ...]) -> None:
        """Replace what is at `path`, wrap it, or leave it out; do nothing where an earlier change has taken it away."""
        *above, name = path
        parent: Any = mutant
        try:
            for step in above:
                parent = parent[step]
            value = parent[name]
        except (KeyError, IndexError, TypeError):
            return
        if isinstance(parent, str):
            return
        match self._random.randrange(10):
            case 0:
                del parent[name]
            case 1:
                parent[name] = json.dumps(value)
            case 2:
                parent[name] = [value]
            case 3:
                parent[name] = {"value": value}
            case 4:
                parent[name] = copy.deepcopy(self._random.choice(_ABSURD))
            case 5 | 6 | 7 if isinstance(value, str):
                parent[name] = self._random.choice(_ABSURD_TEXTS)
            case _:
                self._take_from_another(parent, path)

    def _take_from_another(self, parent: Any, path: tuple[str | int, ...]) -> None:  # noqa: ANN401 - a list or an object
        """Put what another record has in the same place there, where it has anything."""
        other, _, _ = self._random.choice(self._samples)
        found: Any = other
        try:
            for step in path:
                found = found[step]
        except (KeyError, IndexError, TypeError):
            return
        parent[path[-1]] = copy.deepcopy(found)
