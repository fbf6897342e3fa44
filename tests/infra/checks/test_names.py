"""Names that could get too long or hold what Azure doesn't take, and how lengths are worked out."""

import pytest

from infra.checks.deployments import Infrastructure
from infra.checks.lengths import Length, length_of
from infra.checks.syntax import Output
from infra.checks.values import UNKNOWN, Evaluator
from tests.infra.checks.breaking import broken

_DECLARED = """
@minLength(3)
@maxLength(9)
param prefix string
@allowed(['a', 'bcd'])
param choice string
param free string = 'x'
var names = { store: '${prefix}st${uniqueString(free)}' }
"""


def _evaluator(expression: str, *, defaults: bool = False) -> tuple[Evaluator, Output]:
    infrastructure = Infrastructure(files={"main.bicep": f"{_DECLARED}output x string = {expression}\n"})
    evaluator = Evaluator(infrastructure=infrastructure, deployment=infrastructure.roots[0], defaults=defaults)
    return evaluator, infrastructure.templates["main.bicep"].outputs["x"]


@pytest.mark.parametrize(
    ("expression", "shortest", "longest"),
    [
        ("'abc'", 3, 3),
        ("prefix", 3, 9),
        ("choice", 1, 3),
        ("free", 0, None),
        ("names.store", 18, 24),
        ("take(names.store, 20)", 18, 20),
        ("toLower('${prefix}-${choice}')", 5, 13),
        ("guid(free)", 36, 36),
        ("empty(free) ? 'ab' : prefix", 2, 9),
        ("trim(free)", 0, None),
    ],
)
def test_lengths_are_bounded(expression: str, shortest: int, longest: int | None) -> None:
    evaluator, output = _evaluator(expression)
    found = length_of(evaluator, output.value)
    assert (found.shortest, found.longest) == (shortest, longest)


def test_the_written_characters_are_known() -> None:
    evaluator, output = _evaluator("'st-${prefix}_'")
    assert length_of(evaluator, output.value) == Length(shortest=7, longest=13, written="st-_")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("union(['a'], ['b', 'a'])", ["a", "b"]),
        ("union({ a: 1 }, { b: 2 })", {"a": 1, "b": 2}),
        ("join(['a', 'b'], ',')", "a,b"),
        ("join([prefix], ',')", UNKNOWN),
        ("empty(free) ? 1 : 2", 2),
        ("concat('a', 'b')", "ab"),
        ("replace('abc', 'b', free)", "axc"),
        ("[for (x, i) in ['a', 'b']: '${x}${i}']", ["a0", "b1"]),
        ("[for x in items({ k: 'v' }): x.value]", ["v"]),
        ("[for x in prefix: x]", UNKNOWN),
        ("environment().authentication.loginEndpoint", "https://login.microsoftonline.com/"),
        ("!(1 == 2) && true", True),
        ("string(100 + 2)", "102"),
        ("['a'][1]", UNKNOWN),
        ("subscription().id", UNKNOWN),
    ],
)
def test_values_are_worked_out_as_far_as_they_can_be(expression: str, value: object) -> None:
    evaluator, output = _evaluator(expression, defaults=True)
    assert evaluator.value(output.value) == value


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("main.bicep", "@maxLength(9)", "@maxLength(10)", "can have 25 characters; Azure takes 24"),
        ("main.bicep", "@maxLength(9)\n", "", "can be of any length"),
        ("main.bicep", "'${prefix}st${suffix}'", "'${prefix}-st${suffix}'", "has '-' in it; Azure takes [a-z0-9]"),
        ("main.bicep", "'${prefix}st${suffix}'", "'${prefix}ST${suffix}'", "has 'S' 'T' in it"),
        ("main.bicep", "app: '${prefix}-${suffix}'", "app: 'func-${prefix}-app-${suffix}'", "can have 32 characters"),
        ("main.bicep", "vault: '${prefix}kv${suffix}'", "vault: 'kv-${prefix}-${suffix}'", "can have 26 characters"),
        (
            "main.bicep",
            "'watch-${uniqueString(id, suffix)}'",
            "'watch-${id}'",
            "the name of watched can be of any length",
        ),
        ("modules/storage.bicep", "  name: 'cases'\n", "  name: 'Cases'\n", "has 'C' in it"),
    ],
)
def test_a_name_that_azure_would_refuse_is_found(file: str, old: str, new: str, said: str) -> None:
    found = broken(file, (old, new))
    if "32 characters" in said:
        assert found == []
        found = broken(file, (old, new.replace("func-", "func--")))
        said = "can have 33 characters; Azure takes 32"
    assert any(said in one for one in found), found


def test_a_type_without_known_limits_is_told() -> None:
    file = "modules/identity.bicep"
    extra = (
        "resource key 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = {\n"
        "  parent: identity\n  name: 'a'\n}\n\noutput id"
    )
    found = broken(file, ("output id", extra))
    assert any("how long a name of" in one and "LIMITS" in one for one in found), found


def test_a_length_without_bound_stays_so() -> None:
    some, endless = Length(shortest=1, longest=2), Length(shortest=0, longest=None)
    assert some.then(endless).longest is None
    assert some.either(endless) == Length(shortest=0, longest=None)


def test_the_same_name_is_judged_wherever_it_is_used() -> None:
    found = broken("main.bicep", ("@maxLength(40)\n", "@maxLength(80)\n"))
    assert [one.partition(" ")[0].rpartition(":")[0].partition(":")[0] for one in found] == [
        "infra/main.bicep",
        "infra/modules/watch.bicep",
    ]
    assert all("the name of group can have 93 characters; Azure takes 90" in one for one in found)
