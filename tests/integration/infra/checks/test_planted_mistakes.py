"""Mistakes planted in the Bicep itself: the compiler, its linter, its formatter, a snapshot or a rule catches each."""

import json
import tempfile
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Final

import pytest

from infra.checks.__main__ import problems_of
from infra.checks.building import (
    SETS,
    outdated_snapshot,
    outdated_template,
    snapshot_of,
    sorted_out,
    unformatted,
    unused,
)
from infra.checks.compiler import REPOSITORY, Compiler
from infra.checks.snapshots import MAIN, Problem, read
from tests.fakes.breaking import says
from tests.integration.infra.checks.conftest import copied_to

_MODULES: Final = "infra/modules"
_APP: Final = f"{_MODULES}/app.bicep"
_ALERTS: Final = f"{_MODULES}/alerts.bicep"
_ROLES: Final = f"{_MODULES}/roles.bicep"
_STORAGE: Final = f"{_MODULES}/storage.bicep"
_VAULT: Final = f"{_MODULES}/vault.bicep"
_TOPIC: Final = f"{_MODULES}/topic.bicep"
_EVENTS: Final = f"{_MODULES}/event-subscriptions.bicep"
_GIVEN: Final = "infra/main.bicepparam"
_LEASE: Final = "    LEASE_SECONDS: string(leaseSeconds)\n"
_HTTPS: Final = "    httpsOnly: true\n"
_READ: Final = "          'Microsoft.Authorization/roleAssignments/read'\n"

_PLANTED: Final = {
    # What the compiler and its linter say.
    "a value of the wrong type": (_APP, "reserved: true", "reserved: 'yes'", "build", "BCP036"),
    "a property that isn't one": (_APP, "httpsOnly:", "httpOnly:", "build", "BCP089"),
    "a value that isn't one": (MAIN, "    tier: tier\n", "    tier: 'acts'\n", "build", "BCP088"),
    "a name too long": (_STORAGE, "  name: name\n", "  name: 'more-than-24-characters-long'\n", "build", "BCP33"),
    "an API version that isn't one": (_TOPIC, "@2025-02-15'", "@2025-02-16'", "build", "BCP081"),
    "a module in the wrong scope": (MAIN, "scope: subscription(id)", "scope: group", "build", "BCP134"),
    "a literal where none may be": (
        _ROLES,
        "${join(keptIds, ', ')}",
        "${join([principalId], ', ')}",
        "build",
        "BCP087",
    ),
    "a name that isn't declared": (MAIN, "location: location\n  tags", "location: locaton\n  tags", "build", "BCP057"),
    "a function that isn't one": (MAIN, "uniqueString(sub", "uniqueStrings(sub", "build", "BCP082"),
    "a module without a parameter": (MAIN, "    planName: names.plan\n", "", "build", "BCP035"),
    "an output that isn't one": (
        MAIN,
        "storage.outputs.deploymentContainer",
        "storage.outputs.code",
        "build",
        "BCP053",
    ),
    "a file that isn't there": (_ALERTS, "queries/dead-letters.kql", "queries/dead.kql", "build", "dead.kql"),
    "a module that isn't there": (MAIN, "'modules/topic.bicep'", "'modules/topics.bicep'", "build", "topics.bicep"),
    "a secret in an output": (
        _VAULT,
        "= vault.properties.vaultUri\n",
        "= teamsWebhookUrl\n",
        "build",
        "secure value 'teamsWebhookUrl'",
    ),
    "a key in an output": (
        _STORAGE,
        "= deploymentContainer\n",
        "= account.listKeys().keys[0].value\n",
        "build",
        "function 'listKeys'",
    ),
    "a secret with a default": (
        MAIN,
        "teamsWebhookUrl string = ''",
        "teamsWebhookUrl string = 'x'",
        "build",
        "secure-par",
    ),
    "a secret handed on in the open": (
        _VAULT,
        "@secure()\nparam teams",
        "param teams",
        "default",
        "handed on as teamsWeb",
    ),
    "a parameter that isn't used": (
        MAIN,
        "param locks bool",
        "param spare bool = true\nparam locks bool",
        "build",
        'Parameter "spare"',
    ),
    "a variable that isn't used": (
        _TOPIC,
        "resource topic",
        "var spare = 1\n\nresource topic",
        "build",
        'Variable "spare"',
    ),
    "a region in the Bicep": (
        _STORAGE,
        "  location: location\n",
        "  location: 'westeurope'\n",
        "build",
        "no-hardcoded-loc",
    ),
    "an address of one cloud": (
        _APP,
        "environment().resourceManager",
        "'https://management.azure.com'",
        "build",
        "env-urls",
    ),
    "a name that what-if can't know": (
        _VAULT,
        "vault.id, identityId",
        "vault.id, principalId",
        "build",
        "short-circuiting",
    ),
    "a dependency that is known": (
        MAIN,
        "  dependsOn: [\n    evidence\n",
        "  dependsOn: [\n    vault\n",
        "build",
        "dependson",
    ),
    "a parameter of any shape": (
        _TOPIC,
        "param tags types.tags",
        "param tags object",
        "build",
        "use-user-defined",
    ),
    # What its formatter and its reading of parameters say.
    "a file that isn't formatted": (
        _TOPIC,
        "  name: name\n",
        "  name:   name\n",
        "format",
        "the formatter writes it otherwise",
    ),
    "a parameter that isn't one": (_GIVEN, "param tier =", "param teir =", "parameters", "BCP259"),
    "a parameter that is needed": (
        _GIVEN,
        "param operatorsClientId = readEn",
        "var other = readEn",
        "parameters",
        "BCP258",
    ),
    "a parameter of the wrong type": (_GIVEN, "= bool(readEn", "= string(readEn", "parameters", "BCP033"),
    "a prefix too short": (f"{SETS}/prefix-short.bicepparam", "'abc'", "'ab'", "prefix-short", "BCP333"),
    "a file that nothing uses": (
        f"{_MODULES}/left-over.bicep",
        "",
        "var a = 1\n",
        "unused",
        "left-over.bicep:1: no deployment uses this file",
    ),
    "a query that nothing uses": (
        f"{_MODULES}/queries/x.kql",
        "",
        "T\n",
        "unused",
        "x.kql:1: no deployment uses this file",
    ),
    "a snapshot of nothing": (
        f"{SETS}/old.snapshot.json",
        "",
        "{}",
        "unused",
        "there is no parameter set of this name",
    ),
    # What is committed.
    "a template that isn't current": (MAIN, "leaseSeconds int = 120", "leaseSeconds int = 121", "template", "--write"),
    "a snapshot that isn't current": (MAIN, "leaseSeconds int = 120", "leaseSeconds int = 121", "snapshot", "--write"),
    # What our rules say of what would be deployed.
    "a name too long with a long prefix": (
        MAIN,
        "vault: 'kv${p",
        "vault: 'kvault${p",
        "prefix-long",
        "(28 characters)",
    ),
    "a vault that begins with a digit": (
        MAIN,
        "vault: 'kv${prefix}",
        "vault: '${prefix}kv",
        "prefix-long",
        "is called 0b",
    ),
    "the own subscription twice": (
        MAIN,
        "id => id != toLower(ownSubscriptionId) && ",
        "id => ",
        "own-among-watched",
        "deployed 2",
    ),
    "a spelling for another id": (
        MAIN,
        "id => toLower(trim(id))",
        "id => id",
        "own-among-watched",
        "is deployed 2 times",
    ),
    "a property that Flex refuses": (
        _APP,
        _HTTPS,
        f"{_HTTPS}    vnetRouteAllEnabled: true\n",
        "default",
        "refuses properties.vnetRouteAllEnabled",
    ),
    "a siteConfig that Flex refuses": (
        _APP,
        "http20Enabled: true",
        "ftpsState: 'Disabled'",
        "default",
        "siteConfig.ftpsState",
    ),
    "a setting that Flex refuses": (
        _APP,
        _LEASE,
        f"{_LEASE}    WEBSITE_TIME_ZONE: 'x'\n",
        "default",
        "no place on Flex",
    ),
    "a setting that the code lacks": (_APP, _LEASE, f"{_LEASE}    LEASE: '1'\n", "default", "LEASE is read by nobody"),
    "a setting that the code has": (
        _APP,
        _LEASE,
        "    LEASE: string(leaseSeconds)\n",
        "default",
        "LEASE_SECONDS is missing",
    ),
    "a default that isn't the code's": (
        MAIN,
        "leaseSeconds int = 120",
        "leaseSeconds int = 240",
        "default",
        "has '120'",
    ),
    "a schedule that isn't the code's": (_APP, "'15 * * * * *'", "'15 */5 * * * *'", "default", "RESUME_SCHEDULE is"),
    "a right that nothing needs": (_ROLES, _READ, f"{_READ}          '*'\n", "default", "has the action *"),
    "a right that is missing": (
        _ROLES,
        _READ,
        "",
        "default",
        "lacks the action Microsoft.Authorization/roleAssignments/read",
    ),
    "the role to write by default": (_ROLES, "if (tier == 'act')", "if (tier != 'act')", "default", "given by default"),
    "an Owner made by the app": (
        _ROLES,
        "'8e3af657-a8ff-443c-a75c-2fe8c4bcb635'",
        "''",
        "act",
        "may give the role Owner",
    ),
    "an Owner of the vault": (
        _VAULT,
        "4633458b-17de-408a-b874-0445c86b69e6",
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "default",
        "is given; only",
    ),
    "no lock": (_VAULT, "if (locks)", "if (!locks)", "default", "can be deleted by a slip"),
    "a lock that keeps from working": (_VAULT, "'CanNotDelete'", "'ReadOnly'", "default", "should be CanNotDelete"),
    "keys that open the storage": (
        _STORAGE,
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "default",
        "it should be false",
    ),
    "a path without a token": (
        _APP,
        "        '/api/emergency/*'\n",
        "        '/api/emergency/*'\n        '/x'\n",
        "default",
        "the path /x answers",
    ),
    "more paths without a token": (
        _APP,
        "        '/api/emergency/*'\n",
        "        '/api/*'\n",
        "default",
        "the path /api/* answers",
    ),
    "a table that isn't made": (_STORAGE, "  'Outbox'\n", "", "default", "the table Outbox isn't made"),
    "an operation that isn't delivered": (
        MAIN,
        "    'Microsoft.Authorization/locks/delete'\n",
        "",
        "default",
        "locks/delete isn't del",
    ),
    "events for a queue that isn't made": (
        MAIN,
        "events: 'resource-events'",
        "events: 'events'",
        "default",
        "the queue events, which isn't made",
    ),
    "events that are dropped": (_EVENTS, "deadLetterWithResourceIdentity", "deadLetterDestination", "build", "BCP"),
    "a timer without an alert": (
        _ALERTS,
        "function: 'take_snapshots'",
        "function: 'take_snapshot'",
        "default",
        "nobody notices when",
    ),
    "an alert that is mute too long": (_ALERTS, "'PT10M'", "'PT30M'", "default", "is mute for 0:30:00"),
    "a heartbeat that is never off": (
        _ALERTS,
        "enabled: heartbeats",
        "enabled: true || heartbeats",
        "first",
        "is on by",
    ),
}

_ALONE: Final = frozenset(
    {
        "a lock that keeps from working",
        "a module without a parameter",
        "a setting that the code has",
        "a spelling for another id",
        "a value that isn't one",
        "a vault that begins with a digit",
        "events that are dropped",
        "the own subscription twice",
    }
)
"""Mistakes that another one would hide. All the others of a judge are planted in one copy, since each is compiled."""


class _Judges:
    """The real compiler in each of its parts, and our rules on what one parameter set would make."""

    def __init__(self, compiler: Compiler, for_parameters: Compiler) -> None:
        self._compiler = compiler
        self._for_parameters = for_parameters
        self._clean: dict[str, list[str]] = {}
        self._together: dict[str, list[str]] = {}

    def together(self, judge: str) -> list[str]:
        """What is told of the repository with all mistakes that this judge has to find, but those `_ALONE`."""
        if judge not in self._together:
            with tempfile.TemporaryDirectory() as folder:
                planted = [place[:3] for name, place in _PLANTED.items() if place[3] == judge and name not in _ALONE]
                self._together[judge] = self.problems_of(judge, copied_to(Path(folder), *planted))
        return self._together[judge]

    def clean(self, judge: str) -> list[str]:
        """What is told of the repository as it is."""
        if judge not in self._clean:
            self._clean[judge] = self.problems_of(judge, REPOSITORY)
        return self._clean[judge]

    def problems_of(self, judge: str, root: Path) -> list[str]:
        return list(
            map(str, getattr(self, f"_{judge}")(root) if hasattr(self, f"_{judge}") else self._rules(judge, root))
        )

    def _build(self, root: Path) -> Iterable[Problem]:
        return sorted_out(root, self._compiler.build(root / MAIN))[0]

    def _format(self, root: Path) -> Iterable[Problem]:
        return unformatted(root, self._compiler)

    def _unused(self, root: Path) -> Iterable[Problem]:
        return unused(root, self._compiler)

    def _parameters(self, root: Path) -> Iterable[Problem]:
        return sorted_out(root, self._for_parameters.build_parameters(root / _GIVEN))[0]

    def _template(self, root: Path) -> Iterable[Problem]:
        return outdated_template(root, self._compiler.build(root / MAIN).text)

    def _snapshot(self, root: Path) -> Iterable[Problem]:
        made = snapshot_of(root, self._compiler, root / SETS / "default.bicepparam")
        return outdated_snapshot(root, "default", made.content)

    def _rules(self, name: str, root: Path) -> Iterable[Problem]:
        made = snapshot_of(root, self._compiler, root / SETS / f"{name}.bicepparam")
        if not made.content:
            return made.problems
        return [*made.problems, *problems_of(read(root, made.template, {name: made.content}, says()))]


@pytest.fixture(scope="module")
def judges(compiler: Compiler, compiler_path: Path) -> Generator[_Judges]:
    environments = json.loads((REPOSITORY / SETS / "variables.json").read_bytes())
    with Compiler(compiler_path, environments["everything set"]) as for_parameters:
        yield _Judges(compiler, for_parameters)


@pytest.mark.parametrize("mistake", _PLANTED)
def test_a_planted_mistake_is_caught(mistake: str, copied: Callable[..., Path], judges: _Judges) -> None:
    file, old, new, judge, said = _PLANTED[mistake]
    alone = mistake in _ALONE
    found = judges.problems_of(judge, copied(file, old, new)) if alone else judges.together(judge)
    own = [one for one in found if said in one and (alone or not _others_are_said_in(one, mistake))]
    assert own, found
    assert not any(said in one for one in judges.clean(judge))


def _others_are_said_in(problem: str, mistake: str) -> bool:
    """Say whether a problem may be that of another mistake that is planted together with this one."""
    judge = _PLANTED[mistake][3]
    others = [place for name, place in _PLANTED.items() if name != mistake and name not in _ALONE]
    return any(said in problem for *_, by, said in others if by == judge)


def test_there_are_enough_of_them() -> None:
    assert len(_PLANTED) >= 24
    assert {judge for *_, judge, _ in _PLANTED.values()} >= {"build", "format", "parameters", "template", "snapshot"}
