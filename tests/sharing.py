"""A pytest plugin by which several processes share the tests: each takes the next place that none has taken.

A place is what stays in one process: a folder whose tests share running programs, or else a file. A process collects a
place's tests as it takes it, so none collects what another runs. What `--dist loadscope` of pytest-xdist does with the
same places takes a millisecond a test, and each of its processes collects all of them.
"""

import gc
import os
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
import pytest
from msgspec import Struct

OUTCOMES: Final = ("failed", "error", "passed", "skipped", "xfailed")
"""How a test can end, as pytest names it."""

_TESTS: Final = Path(__file__).parent

_FIRST: Final = ("stack", "integration", "laws", "unit")
APART: Final = frozenset(
    {
        "integration/infra/scripts/test_lifecycle.py",
        "stack/faults/test_deployed.py",
        "stack/faults/test_killed.py",
    }
)
"""Files that run beside their folder all the same, with a compiler or a stack of their own.

A stack waits most of the time. The scripts take so long, one after another, that all else would be done before them.
"""

TOGETHER: Final = frozenset({"integration/infra/checks", "integration/infra/scripts"})
"""Folders that stay in one process though they are no packages: Bicep's compiler and az take seconds to start."""

LONGEST: Final = frozenset(
    {
        "laws/test_polls.py",
        "unit/responders/test_answering.py",
        "unit/responders/test_declared_acts.py",
        "unit/responders/test_declared_kinds.py",
        "unit/responders/test_unrecorded.py",
        "integration/responders/runbooks/test_killed.py",
        "integration/shared/detect/kusto/test_analyser.py",
        "integration/shared/detect/kusto/test_counted_answers.py",
        "integration/shared/detect/kusto/test_answers.py",
        "integration/shared/detect/kusto/test_fields.py",
        "integration/shared/detect/sigma/test_fields.py",
        "unit/shared/emergency/test_killed.py",
        "unit/shared/objects/test_object_store.py",
        "unit/shared/respond/test_reconcile_faults.py",
        "unit/test_words.py",
    }
)
"""Files begun before the others of their kind: a long one that begins last leaves the other processes idle."""


class Ended(Struct, frozen=True, kw_only=True):
    """How many tests ended how, and how many seconds each place took."""

    counts: dict[str, int]
    seconds: dict[str, float]


def files_in(places: Iterable[str]) -> list[Path]:
    """Give the files with tests that are named, or are in folders that are."""
    found = [[*sorted(path.rglob("test_*.py"))] if path.is_dir() else [path] for path in map(Path, places)]
    return [file.resolve() for files in found for file in files]


def places_in(files: Iterable[Path]) -> dict[str, list[Path]]:
    """Give the files of tests by their place; what takes longest first."""
    found: dict[str, list[Path]] = {}
    for file in files:
        found.setdefault(_place(file.relative_to(_TESTS)), []).append(file)
    return dict(sorted(found.items(), key=lambda one: _rank(one[0])))


def _place(file: Path) -> str:
    place, folder = file.as_posix(), file.parent.as_posix()
    is_shared = (_TESTS / folder / "__init__.py").exists() or folder in TOGETHER
    return folder if is_shared and place not in APART else place


def _rank(place: str) -> tuple[int, bool]:
    return _FIRST.index(place.partition("/")[0]), place.endswith(".py") and place not in APART | LONGEST


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option by which `tests.run` starts the processes that share."""
    parser.addoption("--share", metavar="FOLDER", help="where the processes note what each took, and how it ended")


def pytest_configure(config: pytest.Config) -> None:
    """Share the tests where that is asked for."""
    folder: str | None = config.getoption("--share")
    if folder is not None:
        config.pluginmanager.register(_Sharing(config, Path(folder)))


class _Sharing:
    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._modules: Mapping[Path, pytest.Module] = {}
        self._seconds = defaultdict[str, float](float)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """Find the modules, without loading them."""
        found = session.perform_collect([*map(str, files_in(self._config.args))], genitems=False)
        self._modules = {node.path: node for node in found if isinstance(node, pytest.Module)}
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item | pytest.Module]) -> Generator[None]:
        """Show tests alone to whoever orders them: what asks a module for something has it loaded."""
        modules = [node for node in items if isinstance(node, pytest.Module)]
        if modules:
            items.clear()
        yield
        items += modules

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests of one place after another, as pytest's own loop does."""
        found = self._items(session)
        one = next(found, None)
        while one is not None:
            after = next(found, None)
            place, item = one
            began = time.monotonic()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after and after[1])
            self._seconds[place] += time.monotonic() - began
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
            one = after
        return True

    def _items(self, session: pytest.Session) -> Iterator[tuple[str, pytest.Item]]:
        for place, files in places_in(self._modules).items():
            if not self._takes(place):
                continue
            items = [item for file in files for item in session.genitems(self._modules[file])]
            self._config.hook.pytest_collection_modifyitems(session=session, config=self._config, items=items)
            session.testscollected += len(items)
            gc.freeze()  # else the garbage collector goes through thousands of tests again and again
            yield from ((place, item) for item in items)

    def _takes(self, place: str) -> bool:
        try:
            (self._folder / place.replace("/", " ")).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def pytest_unconfigure(self) -> None:
        """Note how many tests ended how, and let what was frozen be cleared away."""
        gc.unfreeze()
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        ended = Ended(
            counts={how: len(reporter.stats.get(how, ())) for how in OUTCOMES} if reporter else {},
            seconds=self._seconds,
        )
        (self._folder / f"{os.getpid()}.json").write_bytes(msgspec.json.encode(ended))


def ended_in(folder: Path) -> Ended:
    """Add up how the tests of all processes ended that have."""
    counts, seconds = Counter[str](), dict[str, float]()
    for file in folder.glob("*.json"):
        one = msgspec.json.decode(file.read_bytes(), type=Ended)
        counts.update(one.counts)
        seconds |= one.seconds
    return Ended(counts=counts, seconds=seconds)
