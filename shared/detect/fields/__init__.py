"""The fields that a condition may read, by log: each is one declaration, which whatever uses fields reads.

A new field is a line in the class of its concept (`audit/grants.py`, say), with what it needs beside it. Its reader
(Python) and its Kusto equivalent stand together, and are tested to give the same.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from shared.detect.fields.audit import Audit
from shared.detect.fields.resource import Resource
from shared.detect.fields.sign_in import SignIn
from shared.model.conditions import Text
from shared.model.events import Log

__all__ = ["FIELDS", "Audit", "Resource", "SignIn"]


def _declared_in(fields: type) -> Mapping[str, Text[Any]]:
    every = [cast("object", value) for each in reversed(fields.__mro__) for value in vars(each).values()]
    declared = [cast("Text[Any]", value) for value in every if isinstance(value, Text)]
    return {field.name: field for field in declared}


FIELDS: Final[Mapping[Log, Mapping[str, Text[Any]]]] = {
    Log.AUDIT: _declared_in(Audit),
    Log.SIGN_IN: _declared_in(SignIn),
    Log.RESOURCE: _declared_in(Resource),
}
"""Every field, by log and name."""
