"""The extract of Microsoft's type data, against the full data where a copy is at hand, and against the Bicep."""

from pathlib import Path

import pytest

from infra.checks.extract import SOURCE, extracts, main, used_types, written
from infra.checks.shapes import FOLDER, resource_types

_FULL = Path(__file__).resolve().parents[4] / "shared" / "bicep-types"
_needs_full = pytest.mark.skipif(
    not _FULL.is_dir(), reason="there is no copy of the full type data beside the repository"
)


@_needs_full
def test_the_extract_is_what_the_full_data_gives() -> None:
    made = {f"{name}.json": written(extract) for name, extract in extracts(_FULL, used_types()).items()}
    assert made == {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}


def test_the_extract_has_the_types_that_are_used_and_no_others() -> None:
    assert set(resource_types()) == used_types()


def test_the_licence_and_the_source_stand_beside_the_data() -> None:
    assert "MIT License" in FOLDER.joinpath("LICENSE").read_text("utf-8")
    assert "Azure/bicep-types-az" in SOURCE
    assert all(SOURCE in path.read_text("utf-8") for path in FOLDER.glob("*.json"))


def test_shapes_follow_references_options_and_variants(tmp_path: Path) -> None:
    tmp_path.joinpath("x.types.json").write_text(_SMALL, "utf-8")
    extract = extracts(tmp_path, ["A.B/c@1"])["a.b"]
    body = extract.types["A.B/c@1"].body
    assert body.fields["name"].required
    assert body.fields["state"].read_only
    assert (body.fields["mode"].is_a.one_of, body.fields["mode"].is_a.open) == (("on", "off"), True)
    assert body.fields["self"].is_a.kind == "any"
    assert extract.types["A.B/c@1"].scopes == 8


_SMALL = """[
  {"$type": "StringType", "maxLength": 5},
  {"$type": "StringLiteralType", "value": "on"},
  {"$type": "StringLiteralType", "value": "off"},
  {"$type": "UnionType", "elements": [{"$ref": "#/1"}, {"$ref": "#/2"}, {"$ref": "#/0"}]},
  {"$type": "ObjectType", "name": "c", "properties": {
    "name": {"type": {"$ref": "#/0"}, "flags": 9},
    "state": {"type": {"$ref": "#/0"}, "flags": 2},
    "mode": {"type": {"$ref": "#/3"}, "flags": 0},
    "self": {"type": {"$ref": "#/4"}, "flags": 0}}},
  {"$type": "ResourceType", "name": "A.B/c@1", "body": {"$ref": "#/4"}, "readableScopes": 8, "writableScopes": 8}
]"""


def test_a_type_that_the_data_lacks_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert main([str(tmp_path)]) == 1
    assert "the full data has no" in capsys.readouterr().err
    assert main([]) == 2
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == before
