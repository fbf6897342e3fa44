"""A rule that is loaded and can match no record is said to, with what may be meant; one that can match never is."""

from pathlib import Path
from typing import Final

import pytest

from responders.catalogue import CATALOGUE
from responders.sigma_rules import activities_of, rules_in
from shared.detect.sigma.doubts import doubts_of
from shared.detect.sigma.load import load
from tests.fakes.sigma_rules import loaded, rule, selection

_NEVER: Final = {
    "a name that no service writes": (
        "properties.message: Add member from group",
        "no activity that Microsoft lists is called 'add member from group'; is 'add member to group' meant?",
    ),
    "a name with another dash": (
        "operationName: Update application-Certificates and secrets management",
        "; is 'update application - certificates and secrets management' meant?",
    ),
    "several": ("operationName: [Foo happened, Bar happened]", "is called 'bar happened' or 'foo happened'"),
    "a part of no name": ("operationName|contains: 'Property Name AppAddress'", "is called 'property name appaddress'"),
    "two names at once": (
        "operationName|contains|all:\n    - Add user\n    - Add member to role",
        "is called 'add member to role' or 'add user'",
    ),
    "a word for names": ("operationName: Add user\ninitiatedBy|contains: UPN", "put the names there that are meant"),
    "a word for names in a list": ("targetResources|contains: UserPrincipalName", "put the names there"),
}


@pytest.mark.parametrize(("members", "because"), _NEVER.values(), ids=_NEVER)
def test_a_rule_that_never_matches_is_said_to(tmp_path: Path, members: str, because: str) -> None:
    read = loaded(tmp_path, selection(members))
    assert (len(read.detections), read.problems) == (1, ())
    (doubt,) = read.never_matching
    assert because in doubt.because
    assert (doubt.file, doubt.title) == ("rule.yml", "Something happened")


@pytest.mark.parametrize("service", ["auditlogs", "signinlogs"])
def test_two_values_of_one_field_at_once_are_none(tmp_path: Path, service: str) -> None:
    field, values = ("result", ("success", "failure")) if service == "auditlogs" else ("ResultType", ("50126", "50053"))
    text = rule(f"a:\n    {field}: {values[0]}\nb:\n    {field}: {values[1]}\ncondition: a and b", service=service)
    (doubt,) = loaded(tmp_path, text).never_matching
    assert "that no record has at once" in doubt.because


_MAY: Final = {
    "a name": "operationName: Add user",
    "a name in any case": "operationName: Add Owner To Application",
    "a name with its dash": "operationName: Update Application \u2013 Certificates and secrets management",
    "one known among others": "operationName: [Add user, Made up]",
    "a part of several": "operationName|contains: password reset",
    "no name": "category: UserManagement",
    "only not a name": "operationName|neq: Made up",
    "a name or something else": "result: success\ninitiatedBy|contains: upn-service@contoso.com",
}


@pytest.mark.parametrize("members", _MAY.values(), ids=_MAY)
def test_a_rule_that_may_match_is_left_alone(tmp_path: Path, members: str) -> None:
    read = loaded(tmp_path, selection(members))
    assert (len(read.detections), read.never_matching) == (1, ())


def test_nothing_is_said_of_rules_about_other_logs(tmp_path: Path) -> None:
    assert loaded(tmp_path, selection("ResultType: 50126", service="signinlogs")).never_matching == ()
    text = selection("operationName: Microsoft.Foo/bars/write", service="activitylogs")
    assert loaded(tmp_path, text).never_matching == ()


def test_no_detection_of_the_catalogue_is_doubted_and_its_names_are_known_to_rules(tmp_path: Path) -> None:
    known = activities_of(CATALOGUE)
    assert {each.id: doubts for each in CATALOGUE if (doubts := doubts_of(each, also_known=known))} == {}
    (tmp_path / "rule.yml").write_text(selection("operationName: Restore named location"))
    assert len(load(tmp_path).never_matching) == 1
    assert rules_in(str(tmp_path)).never_matching == ()
