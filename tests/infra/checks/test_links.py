"""Names, modules and files that don't fit together."""

import pytest

from tests.infra.checks.breaking import broken, intact, only, problems_in


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "main.bicep",
            "location: location\n  tags",
            "location: locaton\n  tags",
            "locaton isn't declared; did you mean",
        ),
        ("main.bicep", "uniqueString(sub", "uniqueStrings(sub", "there is no function uniqueStrings"),
        (
            "main.bicep",
            "    planName: names.plan\n",
            "    plannName: names.plan\n",
            "has no parameter plannName; did you",
        ),
        (
            "main.bicep",
            "'modules/topic.bicep'",
            "'modules/topics.bicep'",
            "names modules/topics.bicep; there is no such",
        ),
        ("main.bicep", "evidence.outputs.name", "evidence.outputs.nam", "has no output nam; there is name"),
        ("main.bicep", "watched[i].outputs.topicPrincipalId", "watched[i].outputs.topicId", "has no output topicId"),
        ("main.bicep", "    locks: locks\n", "    locks: 'yes'\n", "gets a string; it takes true or false"),
        ("main.bicep", "scope: subscription(id)", "scope: group", "its scope should be a subscription"),
        ("modules/alerts.bicep", "queries/dead-letters.kql", "queries/dead-leters.kql", "there is no such file"),
        ("main.bicepparam", "param tier =", "param teir =", "main.bicep has no teir; did you mean tier?"),
        ("main.bicepparam", "param pageByTeams = bool(", "param pageByTeams = string(", "gets a string; it takes true"),
        ("main.bicepparam", "./main.bicep", "./man.bicep", "it is for ./man.bicep; there is no such file"),
    ],
)
def test_a_wrong_name_is_found(file: str, old: str, new: str, said: str) -> None:
    found = broken(file, (old, new))
    assert any(one.startswith(f"infra/{file}:") and said in one for one in found), found


def test_a_missing_argument_is_found() -> None:
    found = broken("main.bicep", ("    caseLink: caseLink\n", ""))
    assert any("module app doesn't get caseLink; modules/app.bicep asks for it" in one for one in found), found


def test_a_value_that_the_parameters_file_lacks_is_found() -> None:
    line = "param operatorsClientId = readEnvironmentVariable('OPERATORS_CLIENT_ID')\n"
    only(broken("main.bicepparam", (line, "")), "main.bicepparam", "it gives no operatorsClientId")


def test_what_is_used_nowhere_is_found() -> None:
    found = broken("modules/identity.bicep", ("resource identity", "var spare = 1\n\nresource identity"))
    only(found, "modules/identity.bicep", "spare is used nowhere; use it or leave it out")


def test_a_parameter_without_a_description_is_found() -> None:
    found = broken("modules/identity.bicep", ("@description('Region.')\n", ""))
    only(found, "modules/identity.bicep", "nobody is told what location is; put a @description() before it")


def test_a_name_of_a_function_is_refused() -> None:
    file = "modules/identity.bicep"
    found = broken(
        file, ("  name: name\n", "  name: items\n"), ("resource identity", "var items = name\n\nresource identity")
    )
    only(found, file, "items is also a function")


def test_a_loop_is_only_taken_where_bicep_takes_one() -> None:
    file = "modules/app.bicep"
    found = broken(
        file, ("concat(eventGridRules, operatorRules)", "concat(eventGridRules, [for r in operatorRules: r])")
    )
    only(found, file, "Bicep takes no loop here; make it a variable")


def test_a_file_that_nothing_uses_is_found() -> None:
    files = {
        **intact().files,
        "modules/left-over.bicep": "var a = 1\noutput b int = a\n",
        "modules/queries/x.kql": "T\n",
    }
    right = "use it from main.bicep or modules/events.bicep, or delete it"
    assert problems_in(files) == [
        f"infra/modules/left-over.bicep:1: no deployment uses this file; {right}",
        f"infra/modules/queries/x.kql:1: no deployment uses this file; {right}",
    ]


def test_a_file_that_cannot_be_read_is_the_only_thing_told() -> None:
    found = broken("modules/topic.bicep", ("location: 'global'", "location: 'global"))
    assert found
    assert all(one.startswith("infra/modules/topic.bicep:") for one in found)
