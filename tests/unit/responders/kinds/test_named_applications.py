"""A name says who an application is only where the tenant's own directory and log leave no doubt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import B2C_TENANT
from responders.detections.directory_samples import change, target
from responders.detections.samples import audit_record
from responders.kinds.named_applications import find_application
from responders.kinds.principals import LIST_SERVICE_PRINCIPALS
from responders.sources import DIRECTORY_AUDITS
from shared.model.calls import Call
from shared.model.errors import Refused, Unreachable
from shared.model.kinds import Image, TenantKind
from shared.model.settings import Tenant
from tests.fakes.clock import NOW
from tests.fakes.scripted_api import ScriptedApi

NAME: Final = "Bob's release pipeline"
OWN: Final = "3f6a0c82-7d15-4be9-a240-c1d8e57b9f63"
_OTHER: Final = "8c15e7a4-2b90-4d3f-96e8-05a7c4f1d2b9"


@dataclass(slots=True)
class Directory(ScriptedApi):
    """The directory and the log of a B2C tenant. `asked` has each filter."""

    kind: TenantKind = TenantKind.B2C
    asked: list[str] = field(default_factory=list[str])

    @property
    def tenant(self) -> Tenant:
        return Tenant(kind=self.kind, id=B2C_TENANT, responder_id="", client_id="")

    def list(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> "list[Image]":
        del ids
        asked = (query or {}).get("$filter", "")
        self.asked.append(asked)
        found = self._answer(call)
        return [one for one in found if "activityDisplayName" not in one or one["activityDisplayName"] in asked]


def application(identity: str = OWN, name: str = NAME, owner: str | None = B2C_TENANT) -> Image:
    return {"id": identity.upper(), "displayName": name, "appOwnerOrganizationId": owner}


def renamed(activity: str, old: str, new: str) -> Image:
    moved = change("DisplayName", f'["{old}"]', f'["{new}"]')
    return audit_record(activity, targetResources=[target(_OTHER, "ServicePrincipal", moved)])


def made(activity: str, name: str = NAME) -> Image:
    return audit_record(activity, targetResources=[target(_OTHER, "ServicePrincipal") | {"displayName": name}])


def _directory(*applications: Image, log: tuple[Image, ...] = ()) -> Directory:
    return Directory({LIST_SERVICE_PRINCIPALS: [*applications], DIRECTORY_AUDITS: [*log]})


def test_the_only_one_of_the_tenants_own_that_has_the_name_is_it() -> None:
    directory = _directory(application(), log=(renamed("Update application", "Shop", "Shop 2"), made("Add user")))
    found = find_application(directory, NAME, NOW)
    assert (found.id, found.because) == (OWN, "")
    assert directory.asked[0] == "startswith(displayName,'Bob''s release pipeline')"
    since = NOW - timedelta(minutes=5)
    assert all(each.startswith(f"activityDateTime ge {since:%Y-%m-%dT%H:%M:%SZ} and") for each in directory.asked[1:])


@pytest.mark.parametrize(
    ("directory", "because"),
    [
        (_directory(), "no applications of the tenant are called"),
        (_directory(application(name="Another name")), "no applications of the tenant are called"),
        (_directory(application(), application(_OTHER, NAME.lower())), "2 applications of the tenant are called"),
        (_directory(application(), application(_OTHER, f"{NAME} ")), "2 applications of the tenant are called"),
        (_directory(application(name=NAME.upper())), "to the letter"),
        (_directory(application(name=f"{NAME} ")), "to the letter"),
        (_directory(application(owner=_OTHER)), "is not registered in the tenant itself"),
        (_directory(application(owner=None)), "is not registered in the tenant itself"),
        (
            _directory(application(), log=(made("Add service principal"),)),
            "taken away (Add service principal)",
        ),
        (_directory(application(), log=(made("Remove service principal"),)), "(Remove service principal)"),
        (
            _directory(application(), log=(renamed("Update service principal", NAME, "Shop"),)),
            "(Update service principal)",
        ),
        (_directory(application(), log=(renamed("Update application", "Shop", NAME.upper()),)), "(Update application)"),
    ],
    ids=[
        "nobody",
        "nobody but another name",
        "two",
        "two but for a blank",
        "other letters",
        "a blank more",
        "registered elsewhere",
        "registered nobody knows where",
        "made since",
        "deleted since",
        "had the name",
        "got the name",
    ],
)
def test_any_doubt_leaves_it_unknown_with_the_reason(directory: Directory, because: str) -> None:
    found = find_application(directory, NAME, NOW)
    assert (found.id, found.is_read) == ("", True)
    assert because in found.because


@pytest.mark.parametrize("call", [LIST_SERVICE_PRINCIPALS, DIRECTORY_AUDITS], ids=["directory", "log"])
@pytest.mark.parametrize("error", [Refused("403"), Unreachable("503")], ids=["refused", "away"])
def test_what_cannot_be_read_is_unknown_and_asked_again(call: Call, error: Exception) -> None:
    directory = Directory({LIST_SERVICE_PRINCIPALS: [application()], DIRECTORY_AUDITS: []} | {call: error})
    found = find_application(directory, NAME, NOW)
    assert (found.id, found.is_read) == ("", False)
    assert "could not be read" in found.because


def test_in_a_workforce_tenant_records_have_ids_and_a_name_says_nothing() -> None:
    directory = _directory(application())
    directory.kind = TenantKind.WORKFORCE
    assert find_application(directory, NAME, NOW).id == ""
    assert directory.asked == []
