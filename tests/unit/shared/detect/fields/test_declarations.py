"""What holds for the declaration of every field."""

import re
from typing import Any, Final

import pytest

from shared.detect.fields import Audit, Resource, SignIn
from shared.detect.fields.by_log import FIELDS
from shared.model.conditions import Text
from shared.model.events import Log
from shared.model.profile import TenantProfile

_CLASSES: Final[dict[Log, type]] = {Log.AUDIT: Audit, Log.SIGN_IN: SignIn, Log.RESOURCE: Resource}
_EVERY: Final = [(log, field) for log in Log for field in FIELDS[log].values()]
_each = pytest.mark.parametrize(("log", "field"), _EVERY, ids=[f"{log}-{field.name}" for log, field in _EVERY])


@_each
def test_its_name_is_that_of_its_attribute(log: Log, field: Text[Any]) -> None:
    assert getattr(_CLASSES[log], field.name) is field


@_each
def test_its_kusto_equivalent_is_declared(log: Log, field: Text[Any]) -> None:
    is_streamed_alone = (log, field.name) in {(Log.AUDIT, "risk_level"), (Log.AUDIT, "risk_state")}
    assert bool(field.kusto) is not is_streamed_alone, f"{field.name} of the {log} log can't be asked in Kusto"


@_each
def test_it_names_the_keys_of_the_profile_that_it_needs(log: Log, field: Text[Any]) -> None:
    assert (field.read_with is None) is (field.required_keys == ()), log
    assert set(field.required_keys) <= set(TenantProfile.__struct_fields__)


@_each
def test_what_people_call_it_is_one_and_several(log: Log, field: Text[Any]) -> None:
    assert re.fullmatch(r"[A-Za-z][A-Za-z ]+", field.called.one), log
    assert field.called.one != field.called.many


@pytest.mark.parametrize("log", Log)
def test_no_field_is_declared_twice(log: Log) -> None:
    declared = [name for each in _CLASSES[log].__mro__ for name, value in vars(each).items() if isinstance(value, Text)]
    assert sorted(declared) == sorted(FIELDS[log])
