"""Every declared field, by log and name; apart from the classes, since the app starts without it."""

from collections.abc import Mapping
from typing import Any, Final, cast

from shared.detect.fields import Audit, Resource, SignIn
from shared.model.conditions import Text
from shared.model.events import Log


def _declared_in(fields: type) -> Mapping[str, Text[Any]]:
    every = [cast("object", value) for each in reversed(fields.__mro__) for value in vars(each).values()]
    declared = [cast("Text[Any]", value) for value in every if isinstance(value, Text)]
    return {field.name: field for field in declared}


FIELDS: Final[Mapping[Log, Mapping[str, Text[Any]]]] = {
    Log.AUDIT: _declared_in(Audit),
    Log.SIGN_IN: _declared_in(SignIn),
    Log.RESOURCE: _declared_in(Resource),
}
