"""A simulated `az` that keeps state: what scripts do with it can be looked at, and any call can be made to fail.

Command lines are read by az's own parser, templates by Microsoft's compiler.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.integration.infra.scripts import az_app, az_deployments, az_management, az_rest
from tests.integration.infra.scripts.az_command import (
    B2C,
    SUBSCRIPTION,
    TENANT,
    Asked,
    AzError,
    Caller,
    asked_from,
    printed,
)
from tests.integration.infra.scripts.az_directory import Directory
from tests.integration.infra.scripts.az_parser import AzParser
from tests.integration.infra.scripts.azure_resources import Json, Resources, scope_of
from tests.integration.infra.scripts.templates import Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that was made."""

    argv: tuple[str, ...]
    writes: bool
    in_b2c: bool


@dataclass(slots=True, kw_only=True)
class Delays:
    """How often something isn't ready yet when it is asked for."""

    keys: int = 1
    """The host's keys, after the code was deployed."""

    principals: int = 1
    """An identity that was just made, in Graph."""


@dataclass(slots=True, kw_only=True)
class SimulatedAz:
    """Azure and both directories. `fails` says whether a call fails "before" or "after" its effect, or "" for not.

    One that names several ids may fail "halfway": it has its effect on the first of them alone.
    """

    folder: Path
    parser: AzParser
    templates: Templates | None
    clock: str = "2031-01-31T12:00:00.123456+00:00"
    """Azure's clock, which needn't be the one of whoever deploys."""

    logged_in: bool = True
    in_b2c: bool = False
    cloud: str = "AzureCloud"
    subscription: str = SUBSCRIPTION
    """Which one az is set to."""

    fails: Callable[[Call], str] = lambda _call: ""
    delays: Delays = field(default_factory=Delays)
    runtimes: tuple[str, ...] = ("3.11", "3.12", "3.13")
    what_if_sees_modules: bool = False
    unresolved: dict[str, str] = field(default_factory=dict[str, str])
    """Settings whose reference to the vault doesn't resolve, with Azure's word for why."""

    confirmed: set[str] = field(default_factory=set[str])
    """E-mail addresses whose owners entered the code that Azure sent them."""

    undelivered: dict[str, str] = field(default_factory=dict[str, str])
    """Receivers whom a notification doesn't reach, with Azure's words for why."""

    notified: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    providers: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    deployments_of: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])
    """Those of each subscription, by name."""

    regions: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Where each deployment of a name was made first, by subscription and name: for ever."""

    records: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    codes: dict[str, bytes] = field(default_factory=dict[str, bytes])
    certificates: list[str] = field(default_factory=list[str])
    contacts: list[str] = field(default_factory=list[str])
    broken: list[str] = field(default_factory=list[str])
    """What the simulation itself couldn't do: a test with any has failed."""

    calls: list[Call] = field(default_factory=list[Call])
    entra: Directory = field(default_factory=lambda: Directory(TENANT, late=1))
    b2c: Directory = field(default_factory=lambda: Directory(B2C, may_list_keys=False))
    azure: Resources = field(init=False)

    def __post_init__(self) -> None:
        self.azure = Resources(appeared=self._appeared, vanished=self.entra.remove)

    def _appeared(self, principal: str) -> None:
        self.entra.add_identity(principal, shown_after=self.delays.principals)

    # -- what tests ask of it --

    @property
    def deployments(self) -> dict[str, Json]:
        """Deployments to the subscription that az is set to, by name."""
        return self.deployments_of.setdefault(self.subscription, {})

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.writes]

    @property
    def principal(self) -> str:
        """Object id of the app's identity."""
        (identity,) = self.azure.of_type("Microsoft.ManagedIdentity/userAssignedIdentities")
        return identity["properties"]["principalId"]

    @property
    def code(self) -> bytes:
        """The code of the app that was deployed to last."""
        return next(reversed(self.codes.values()), b"")

    def put_code(self, code: bytes) -> None:
        """Put code into every app, in another way than by az."""
        self.codes = {each["id"].lower(): code for each in self.azure.of_type("Microsoft.Web/sites")}

    def assignments(self, principal: str = "") -> list[Json]:
        """Give the role assignments, of one holder or of all, as `az role assignment list` shows them."""
        found = self.azure.of_type("Microsoft.Authorization/roleAssignments")
        shown = [self._assignment(each) for each in found]
        return [each for each in shown if not principal or each["principalId"] == principal]

    def app_settings(self, app: str = "") -> Mapping[str, str]:
        """Give the settings that an app has, or the only one."""
        settings = self.azure.of_type("Microsoft.Web/sites/config", app)
        (found,) = [each for each in settings if each["name"].endswith("/appsettings")]
        return found["properties"]

    def _assignment(self, resource: Json) -> Json:
        role = resource["properties"]["roleDefinitionId"].rpartition("/")[2]
        names = {
            each["id"].rpartition("/")[2]: each["properties"]["roleName"]
            for each in self.azure.of_type("Microsoft.Authorization/roleDefinitions")
        }
        scope = resource["id"][: len(scope_of(resource["id"]))]
        about = {"id": resource["id"], "scope": scope, "roleDefinitionName": names.get(role, f"role {role}")}
        return resource["properties"] | about

    # -- being called --

    def run(self, argv: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Carry a command out; gives the exit status and what goes to stdout and stderr."""
        try:
            asked = asked_from(argv, self.parser, self.subscription)
            in_b2c = environment.get("AZURE_CONFIG_DIR", "").endswith("b2c")
            call = Call(argv=tuple(argv), writes=asked.writes, in_b2c=in_b2c)
            self.calls.append(call)
            self.codes = {app: code for app, code in self.codes.items() if app in self.azure.there}
            answer = self._or_fail(call, asked, Caller(folder, environment, in_b2c))
            return 0, printed(answer, asked), ""
        except AzError as error:
            return error.status, "", f"ERROR: {error}\n"
        except Exception:  # noqa: BLE001 - told by the test, which this thread can't fail
            self.broken.append(traceback.format_exc())
            return 70, "", "the simulated az doesn't play this: the test says what\n"

    def _or_fail(self, call: Call, asked: Asked, caller: Caller) -> Any:  # noqa: ANN401 - any JSON
        how = self.fails(call)
        if how == "before":
            raise AzError("(InternalServerError) the test let this call fail before it was carried out")
        if how == "halfway":
            asked = replace(asked, options={**asked.options, "--ids": asked.options["--ids"][:1]})
        answer = self._answer(asked, caller)
        if how:
            raise AzError(f"(InternalServerError) the test let this call fail {how} it was carried out")
        return answer

    def _answer(self, asked: Asked, caller: Caller) -> Any:  # noqa: ANN401 - any JSON
        if asked.command[0] != "bicep" and (not self.logged_in or (caller.in_b2c and not self.in_b2c)):
            raise AzError("Please run 'az login' to setup account.")
        groups: dict[str, Callable[[SimulatedAz, Asked, Caller], object]] = {
            "account": az_management.account,
            "ad": az_app.directory,
            "bicep": az_deployments.bicep,
            "deployment": az_deployments.deployment,
            "eventgrid": az_management.event_grid,
            "functionapp": az_app.function_app,
            "group": az_management.group,
            "identity": az_management.identity,
            "keyvault": az_app.vault,
            "lock": az_management.lock,
            "monitor": az_app.monitor,
            "provider": az_management.provider,
            "resource": az_management.resource,
            "rest": az_rest.rest,
            "role": az_management.role,
            "storage": az_management.storage,
        }
        return groups[asked.command[0]](self, asked, caller)

    def delete_group(self, group_id: str) -> None:
        """Delete a group with its history."""
        self.azure.delete_group(group_id)
        self.records = {where: what for where, what in self.records.items() if where[0] != group_id.lower()}
