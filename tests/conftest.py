"""What holds for every test."""

import gc
import logging
import os
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Final, override

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.fakes.matchers import matchers_made_once
from tests.fakes.memory_storage import MemoryStorage


def pytest_configure(config: pytest.Config) -> None:
    """Leave out a warning about the SDK's own code, at each 409 of a table."""
    config.addinivalue_line(
        "filterwarnings", "ignore:Testing an element's truth value:DeprecationWarning:azure.data.tables"
    )


_FIRST: Final = ("stack", "integration", "laws", "unit")
_APART: Final = frozenset(
    {
        "integration/infra/scripts/test_lifecycle.py",
        "stack/faults/test_deployed.py",
        "stack/faults/test_killed.py",
    }
)
"""Files that run beside their folder all the same, with a compiler or a stack of their own.

A stack waits most of the time. The scripts take so long, one after another, that all else would be done before them.
"""

_TOGETHER: Final = frozenset({"integration/infra/checks", "integration/infra/scripts"})
"""Folders that stay in one process though they are no packages: Bicep's compiler and az take seconds to start."""

_LONGEST: Final = frozenset(
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

_TESTS: Final = Path(__file__).parent


class _ByPlace(LoadScopeScheduling):
    """Gives each process whole places. xdist's own grouping by marks does nothing under pytest 9.2, without a word."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        return _place(_file(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Say which tests stay together where several processes share the work.

    Those of a folder that is a package share its running programs, but for `_APART`, and so do those of `_TOGETHER`;
    those of any other file share its fixtures.
    """
    return _ByPlace(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first."""
    places = {file: _place(file) for file in dict.fromkeys(_file(item.nodeid) for item in items)}
    order = {place: number for number, place in enumerate(dict.fromkeys(places.values()))}
    items.sort(key=lambda item: (*_rank(place := places[_file(item.nodeid)]), order[place]))


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through thousands of collected tests again and again."""
    gc.collect()
    gc.freeze()


def _rank(place: str) -> tuple[int, bool]:
    return _FIRST.index(place.partition("/")[0]), place.endswith(".py") and place not in _APART | _LONGEST


def _file(node_id: str) -> str:
    return node_id.partition("::")[0]


@cache
def _place(file: str) -> str:
    """Give the place of a file's tests; there are dozens of tests in a file, and each is asked about twice."""
    path = (_TESTS.parent / file).relative_to(_TESTS)
    place, folder = path.as_posix(), path.parent.as_posix()
    is_shared = (_TESTS / folder / "__init__.py").exists() or folder in _TOGETHER
    return folder if is_shared and place not in _APART else place


settings.register_profile(
    "here",
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("here")


@pytest.fixture(autouse=True, scope="session")
def same_matchers() -> Generator[None]:
    """Make the matcher of the same detections and profile once a process."""
    with matchers_made_once():
        yield


@pytest.fixture(autouse=True)
def levels_of_libraries() -> Generator[None]:
    """Undo what loading the app does to the loggers of libraries, which belong to the whole process."""
    loggers = [logging.getLogger(name) for name in ("azure", "httpx", "httpcore", "msal")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def memory() -> MemoryStorage:
    """Give an account in memory."""
    made = MemoryStorage()
    made.create_all()
    return made
