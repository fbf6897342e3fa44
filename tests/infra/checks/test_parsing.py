import pytest

from infra.checks.parsing import parse
from infra.checks.problems import UnparsedError
from infra.checks.syntax import (
    Array,
    Call,
    Choice,
    Constant,
    Index,
    Lambda,
    Loop,
    Member,
    Name,
    Object,
    Operation,
    Text,
    When,
    walk,
)


def _value(source: str) -> object:
    return parse("x.bicep", f"var x = {source}").variables["x"].value


def test_a_text_keeps_what_is_interpolated_apart() -> None:
    found = _value("'a-${b}-it\\'s \\${c}'")
    assert isinstance(found, Text)
    assert found.parts == ("a-", Name(name="b", line=1), "-it's ${c}")
    assert found.literal is None


def test_a_text_without_interpolation_is_literal() -> None:
    found = _value("'''\nselect 'x'\n'''")
    assert isinstance(found, Text)
    assert (found.literal or "").strip() == "select 'x'"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("null", Constant),
        ("true", Constant),
        ("42", Constant),
        ("a ? b : c", Choice),
        ("!a", Operation),
        ("a == 'x' && b", Operation),
        ("(a)", Name),
        ("a.b", Member),
        ("a[0]", Index),
        ("a.b(c)", Call),
        ("[a, b]", Array),
        ("{ a: b }", Object),
        ("[for x in y: x]", Loop),
    ],
)
def test_each_kind_of_expression_is_read(source: str, kind: type) -> None:
    assert isinstance(_value(source), kind)


def test_a_lambda_has_its_parameters() -> None:
    found = _value("filter(a, one => !empty(one))")
    assert isinstance(found, Call)
    assert isinstance(found.arguments[1], Lambda)
    assert found.arguments[1].parameters == ("one",)


def test_walking_gives_every_name_once_for_each_use() -> None:
    template = parse("x.bicep", "var x = { a: [for (b, i) in c: '${d}${i}'], e: f ? g.h : j[k] }")
    names = [one.name for one in walk(template.variables["x"].value) if isinstance(one, Name)]
    assert names == ["c", "d", "i", "f", "g", "j", "k"]


def test_a_parameter_has_its_decorators_and_type() -> None:
    template = parse("x.bicep", "@description('d')\n@maxLength(9)\n@secure()\nparam p string = 'v'\nparam q int[]")
    found = template.parameters["p"]
    assert (found.type, found.number("maxLength"), found.number("minLength"), found.secure) == ("string", 9, None, True)
    assert template.parameters["q"].default is None
    assert template.parameters["q"].decorators == {}


def test_a_resource_is_found_behind_its_loop_and_condition() -> None:
    template = parse("x.bicep", "resource r 'A.B/c@1' = [for x in y: if (z) {\n  name: x\n}]\n")
    resource = template.resources["r"]
    assert isinstance(resource.body, Loop)
    assert isinstance(resource.body.body, When)
    assert (resource.type, resource.version, resource.existing) == ("A.B/c", "1", False)
    assert resource.object.get("name") == Name(name="x", line=2)


def test_scope_and_existing_are_read() -> None:
    source = "targetScope = 'subscription'\nresource r 'A.B/c@1' existing = {\n  name: 'n'\n}\n"
    template = parse("x.bicep", source)
    assert template.scope == "subscription"
    assert template.resources["r"].existing
    assert parse("y.bicep", "var x = 1").scope == "resourceGroup"


def test_a_parameters_file_gives_values() -> None:
    template = parse("x.bicepparam", "// why\nusing './main.bicep'\n\nparam a = 'b'\nparam list = [\n  1\n]\n")
    assert template.using == "./main.bicep"
    assert list(template.variables) == ["a", "list"]
    assert template.variables["list"].line == 5


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("var x = {\n  a: 1\n", 1, "can't be read"),
        ("var = 1", 1, "can't be read: 'var = 1'"),
        ("var a = 1\nvar a = 2", 2, "a is declared twice"),
        ("var a = [\n  guid('x')\n  b\n]", 2, "takes guid('x') for two items"),
        ("import { a } from 'b.bicep'", 1, "isn't read by these checks"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(source: str, line: int, said: str) -> None:
    with pytest.raises(UnparsedError) as raised:
        parse("x.bicep", source)
    problem = raised.value.problems[0]
    assert (problem.file, problem.line) == ("x.bicep", line)
    assert said in problem.wrong


def test_an_output_may_be_called_like_a_resource() -> None:
    template = parse("x.bicep", "param id string\noutput id string = id\n")
    assert (list(template.parameters), list(template.outputs)) == (["id"], ["id"])
