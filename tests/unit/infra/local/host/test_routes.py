import pytest

from infra.local.host.routes import route_from

ID = "1d2c3b4a-0000-4444-8888-abcdefabcdef"


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("api/cases", "/api/cases", {}),
        ("api/cases", "/API/Cases/", {}),
        ("api/cases", "/api/cases/1", None),
        ("api/cases/{id}", "/api/cases", None),
        ("api/cases/{id}", "/api/cases/a%2Fb%20c", {"id": "a/b c"}),
        ("api/cases/{id?}", "/api/cases", {}),
        ("api/cases/{id?}", "/api/cases/7", {"id": "7"}),
        ("api/cases/{id:int}", "/api/cases/7", {"id": "7"}),
        ("api/cases/{id:int}", "/api/cases/seven", None),
        ("api/cases/{id:guid}", f"/api/cases/{ID}", {"id": ID}),
        ("api/cases/{id:guid}", "/api/cases/7", None),
        ("{word:alpha:length(2,3)}", "/abc", {"word": "abc"}),
        ("{word:alpha:length(2,3)}", "/abcd", None),
        ("{word:minlength(2)}", "/a", None),
        ("{n:range(1,5)?}", "/6", None),
        ("{n:range(1,5)?}", "/", {}),
        ("{n:min(3)}", "/2", None),
        ("files/{*path}", "/files/a/b%20c/d", {"path": "a/b c/d"}),
        ("files/{*path}", "/files", {"path": ""}),
        ("files/{name}.{kind}", "/files/report.json", {"name": "report", "kind": "json"}),
        ("on/{flag:bool}", "/on/True", {"flag": "True"}),
    ],
)
def test_reads_the_parameters_of_a_path(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert route_from(template).read(path) == expected


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("a/{b?}/c", "must stand last"),
        ("{*rest}/c", "must stand last"),
        ("a/{b", "isn't a part of a route"),
        ("a/{b:regex(^x$)}", "regex"),
        ("a/{b:int(3)}", "constraint int"),
        ("a/{b:min(x)}", "constraint min"),
        ("a/x{b?}", "must be a whole part"),
    ],
)
def test_refuses_a_template_it_cannot_play(template: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        route_from(template)


def test_the_most_particular_route_comes_first() -> None:
    templates = ["{*rest}", "cases/{id}", "cases/{id:int}", "cases/open"]
    assert sorted(templates, key=lambda template: route_from(template).rank) == templates[::-1]
