"""What tests of commands about guarded objects share."""

from collections.abc import Callable

import pytest

from responders.commands import stored_objects
from shared.respond.components import Runtime
from tests.fakes.runtime import SETTINGS, Bench


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Bench], Bench]:
    """Put a bench in the place of the runtime that the command would build."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)

    def put(made: Bench) -> Bench:
        def build(*_args: object, **_options: object) -> Runtime:
            return made.runtime

        monkeypatch.setattr(stored_objects, "build_runtime", build)
        return made

    return put
