"""Each rule is broken once by each row: the compiler's output is changed, and the rule has to say so."""

from collections.abc import Callable
from copy import replace
from typing import Final

import pytest

from infra.checks.__main__ import RULES, problems_of
from infra.checks.rules.events import MOST_VALUES, SUBSCRIPTION, check_events
from infra.checks.rules.exposure import SAFE, STATED, Safe, check_exposure
from infra.checks.rules.keeping import LOCK, LOCKED, LOGGED, check_keeping
from infra.checks.rules.names import check_names
from infra.checks.rules.roles import ACT, ASSIGNMENT, BUILT_IN, NEVER_GRANTED, check_roles
from infra.checks.rules.secrets import check_secrets
from infra.checks.rules.settings import REFUSED_PROPERTIES, REFUSED_SETTINGS, check_settings
from infra.checks.rules.stores import CONTAINER, QUEUE, TABLE, check_stores
from infra.checks.rules.streams import GROUP, RECEIVER, check_streams
from infra.checks.rules.watching import ALERTED, ALERTS, CHANGES, check_watching
from infra.checks.rules.watching import RULES as ALERT
from infra.checks.snapshots import LOGS, SITE, Infrastructure
from tests.fakes.breaking import Change, by, changed, found_by, intact, put, says, swap, texts, twice, without

_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_VAULT: Final = "Microsoft.KeyVault/vaults"
_CONFIG: Final = f"{SITE}/config"
_COMPONENT: Final = "Microsoft.Insights/components"
_GROUP: Final = "Microsoft.Insights/actionGroups"
_TOPIC: Final = "Microsoft.EventGrid/systemTopics"
_SETTINGS: Final = "appsettings"
_AUTHENTICATION: Final = "authsettingsV2"
_TO: Final = "properties.deliveryWithResourceIdentity.destination"
_BLOBS: Final = f"{CONTAINER}/blobs"
_WRITE: Final = "Microsoft.Authorization/roleAssignments/write"
_READ: Final = "Microsoft.Authorization/roleAssignments/read"
_CONDITION: Final = "roleAssignments:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals"
_OWNER: Final = next(iter(NEVER_GRANTED))
_FIRST: Final = "default"
_OWN_GROUP: Final = "/subscriptions/bbbbbbbb-0000-4000-8000-000000000001/resourceGroups/rg-responder-prod"


def _one(change: Change, *, of: str = _FIRST) -> Infrastructure:
    return changed(change, of=of)


def test_nothing_is_wrong_with_what_is_committed() -> None:
    assert problems_of(intact()) == []


@pytest.mark.parametrize(
    ("change", "of", "said"),
    [
        (swap(f'"{_READ}"', '"x/read"'), _FIRST, f"lacks the action {_READ}; a declaration needs it"),
        (swap(f'"{_READ}"', f'"{_READ}", "*"'), _FIRST, "has the action *; no declaration needs it"),
        (swap(f'"{_BLOBS}/write"', f'"{_BLOBS}/delete"'), _FIRST, f"keeper' has the action {_BLOBS}/delete"),
        (swap(f'"{_BLOBS}/write"', f'"{_BLOBS}/delete"'), _FIRST, f"keeper' lacks the action {_BLOBS}/write"),
        (
            swap("Entra Responder act (", "Entra Responder fix ("),
            _FIRST,
            "nothing declares the role 'Entra Responder fix'",
        ),
        (swap("4633458b-17de-408a-b874-0445c86b69e6", _OWNER), _FIRST, "; only Storage Blob Data Owner,"),
        (
            swap("/blobServices/default/containers/dead-letters/providers/M", "/providers/M"),
            "act",
            "Contributor is given on M",
        ),
        (swap("userAssignedIdentities/id-", "x/id-"), _FIRST, "is given to Microsoft.ManagedIdentity/x; only"),
        (put(ASSIGNMENT, "properties.condition", ""), "act", "the identity may write or delete its own roles"),
        (
            swap("roleAssignments:PrincipalId] ForAnyOf", "roleAssignments:PrincipalType] ForAnyOf"),
            "act",
            "its own roles",
        ),
        (swap(f"{_OWNER}, ", ""), "act", "the identity may give the role Owner; exclude it"),
        (swap(_CONDITION, "x"), "act", "the identity may give the role User Access Administrator; exclude it"),
        (swap("'cccccccc-0000-4000-8000-000000000003'", "''"), "act", "roles of break-glass accounts"),
    ],
)
def test_roles(change: Change, of: str, said: str) -> None:
    assert any(said in one for one in found_by(check_roles, _one(change, of=of))), found_by(
        check_roles, _one(change, of=of)
    )


def test_a_role_on_the_wrong_resource_is_refused() -> None:
    change = put(ASSIGNMENT, "id", "/subscriptions/x/providers/Microsoft.Authorization/roleAssignments/y")
    said = found_by(check_roles, _one(change))
    assert any("Key Vault Secrets User is given on a subscription; it may be given on" in one for one in said), said


def test_the_role_to_write_by_default_is_refused() -> None:
    made = replace(intact(), snapshots={"default": replace(intact().snapshots["act"], name="default")})
    assert any("the role to write is given by default" in one for one in found_by(check_roles, made))


def test_a_role_that_nobody_has_is_missed() -> None:
    made = _one(without(ASSIGNMENT))
    assert sum("is given to nobody" in one for one in found_by(check_roles, made)) == 4


def test_a_declaration_that_comes_asks_for_its_actions_and_one_that_goes_takes_them_along() -> None:
    more = by(act_actions=says().act_actions | {"Microsoft.Authorization/locks/delete"})
    assert [one.partition(": ")[2] for one in found_by(check_roles, more)] == [
        f"{ACT!r} lacks the action Microsoft.Authorization/locks/delete; a declaration needs it"
    ]
    fewer = found_by(check_roles, by(act_actions=frozenset[str]()))
    assert fewer
    assert all(f"{ACT!r} has the action" in one for one in fewer)


@pytest.mark.parametrize(
    ("change", "of", "said"),
    [
        (
            swap('"LEASE_SECONDS"', '"LEASE_SECOND"'),
            _FIRST,
            "app setting LEASE_SECONDS is missing; shared/model/app_settings.py has",
        ),
        (swap('"LEASE_SECONDS"', '"LEASE_SECOND"'), _FIRST, "app setting LEASE_SECOND is read by nobody"),
        (
            swap('"EvidenceStorage__clientId"', '"Evidence"'),
            _FIRST,
            "EvidenceStorage__clientId is missing; the platform",
        ),
        (
            put(_CONFIG, "properties.LEASE_SECONDS", "240", _SETTINGS),
            _FIRST,
            "LEASE_SECONDS is '240' by default",
        ),
        (put(_CONFIG, "properties.RESUME_SCHEDULE", "0 * * * * *", _SETTINGS), _FIRST, "has '15 * * * * *'"),
        (
            put(_CONFIG, "properties.TEAMS_WEBHOOK_URL", "https://x", _SETTINGS),
            _FIRST,
            "TEAMS_WEBHOOK_URL is a secret;",
        ),
        (
            swap("}pagerduty-routing-key)", "}pagerduty-key)"),
            "act",
            "PAGERDUTY_ROUTING_KEY refers to a secret that isn't",
        ),
        (put(SITE, "properties.keyVaultReferenceIdentity", None), _FIRST, "; set keyVaultReferenceIdentity"),
        (without(_CONFIG, _SETTINGS), _FIRST, "no app settings are made"),
        *(
            (put(_CONFIG, "properties.CASE_LINK", link, _SETTINGS), _FIRST, "so cards lead elsewhere")
            for link in (
                "",
                "https://elsewhere.example/api/console/i/{case}",
                "[format('https://{0}/api/open/{{case}}', x)]",
                "[format('https://{0}/api/console/i/{{case}}?code={1}', x, listKeys(y).default)]",
                "[format('http://{0}/api/console/i/{{case}}', x)]",
            )
        ),
        *(
            (put(_CONFIG, f"properties.{name}", "1", _SETTINGS), _FIRST, f"app setting {name} has no place on Flex")
            for name in sorted(REFUSED_SETTINGS)
        ),
        *(
            (
                put(SITE, f"properties.siteConfig.{name}", "x"),
                _FIRST,
                f"Flex Consumption refuses properties.siteConfig.{name}",
            )
            for name in sorted(REFUSED_PROPERTIES)
        ),
        (
            put(SITE, "properties.vnetRouteAllEnabled", value=True),
            _FIRST,
            "Flex Consumption refuses properties.vnetRoute",
        ),
    ],
)
def test_settings(change: Change, of: str, said: str) -> None:
    found = found_by(check_settings, _one(change, of=of))
    assert any(said in one for one in found), found


def test_a_new_setting_in_the_code_is_asked_for_in_azure_and_in_the_sample() -> None:
    found = found_by(check_settings, by(settings=says().settings | {"NEW_ONE"}))
    assert len(found) == 2
    assert any(one.endswith("app setting NEW_ONE is missing; shared/model/app_settings.py has it") for one in found)
    assert "local.settings.sample.json:1: NEW_ONE is missing; shared/model/app_settings.py has it" in found
    extra = found_by(check_settings, by(sample=says().sample | {"OLD_ONE"}))
    assert extra == ["local.settings.sample.json:1: OLD_ONE is read by nobody; leave it out"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without(TABLE, "Outbox"), "the table Outbox isn't made; shared/clients/storage_names.py has it"),
        (swap("tables/Outbox", "tables/Inbox"), "nothing"),
        (put(TABLE, "name", "x/default/Inbox", "Outbox"), "the table Inbox is used by nobody"),
        (without(CONTAINER, "quarantine"), "the container quarantine isn't made"),
        (put(CONTAINER, "name", "x/default/proof", "evidence"), "the container proof is used by nobody"),
        (without(QUEUE, "cases-poison"), "the queue cases-poison isn't made"),
        (without(QUEUE, "resource-events"), "the queue resource-events isn't made"),
    ],
)
def test_stores(change: Change, said: str) -> None:
    found = found_by(check_stores, _one(change))
    assert any(said in one for one in found) or (said == "nothing" and not found), found


@pytest.mark.parametrize(
    ("change", "of", "said"),
    [
        (without(GROUP, "responder"), "stream", "the hub has no consumer group responder"),
        (swap(RECEIVER, _OWNER), "stream", "the identity may not receive from the hub"),
        (
            swap('"AUDIT_STREAM__fullyQualifiedNamespace": "evhns', '"X": "evhns'),
            "stream",
            "the app doesn't know where the hub is",
        ),
        (swap('"AUDIT_STREAM_HUB": "directory-logs"', '"AUDIT_STREAM_HUB": ""'), "stream", "nobody reads the hub"),
        (swap('"AUDIT_STREAM_HUB": ""', '"AUDIT_STREAM_HUB": "logs"'), _FIRST, "the hub logs, and none of that name"),
    ],
)
def test_streams(change: Change, of: str, said: str) -> None:
    found = found_by(check_streams, _one(change, of=of))
    assert any(said in one for one in found), found


def _more_values(count: int) -> Change:
    values = [f"Microsoft.X/y{number}/delete" for number in range(count)]
    return put(SUBSCRIPTION, "properties.filter.advancedFilters", _filters(values))


def _filters(values: list[str], operator: str = "StringIn") -> list[dict[str, object]]:
    return [{"operatorType": operator, "key": "data.operationName", "values": values}]


_FILTERS: Final = "properties.filter.advancedFilters"
_EXPORT: Final = "Microsoft.Insights/diagnosticSettings"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            swap(f'"{_WRITE}", "Microsoft.Authorization/roleAssignmentS', '"Microsoft.Authorization/roleAssignmentS'),
            "/write isn't delivered;",
        ),
        (
            swap('"Microsoft.Web/sites/write"]', '"Microsoft.Compute/disks/delete"]'),
            "disks/delete is delivered; no detection",
        ),
        (swap('"Microsoft.Web/sites/write"]', '"microsoft.web/sites/STOP/action"]'), "stop/action is delivered twice"),
        (_more_values(MOST_VALUES + 1), "a filter has too many values; Event Grid takes 25"),
        (swap("data.operationName", "data.operation"), "the events aren't filtered by data.operationName"),
        (put(SUBSCRIPTION, _FILTERS, _filters([_WRITE], "StringContains")), "the events aren't filtered by"),
        (put(SUBSCRIPTION, f"{_TO}.endpointType", "AzureFunction"), "events aren't put into a queue with the topic's"),
        (put(SUBSCRIPTION, f"{_TO}.properties.queueName", "event"), "events go to the queue event, which isn't made"),
        (
            swap('"blobContainerName": "dead-letters"', '"blobContainerName": "dead"'),
            "dead letters go to dead, which isn't",
        ),
        (
            put(SUBSCRIPTION, "properties.deadLetterWithResourceIdentity", None),
            "events that can't be delivered are dropped",
        ),
        (put(SUBSCRIPTION, "properties.retryPolicy", None), "retryPolicy isn't set"),
        (swap("c6a89b2d-59bc-44d0-9896-0f6e12d7b80a", "x"), "a topic isn't given Storage Queue Data Message Sender"),
        (swap("ba92f5b4-2d11-453d-a403-e96b0029c9fe", "x"), "a topic isn't given Storage Blob Data Contributor"),
        (without(SUBSCRIPTION), "a watched subscription doesn't get an event subscription"),
        (without(ASSIGNMENT), "a watched subscription doesn't get the role 'Entra Responder watch'"),
        (without(_EXPORT), "a watched subscription doesn't get its log exported"),
        (
            put(_CONFIG, "properties.SUBSCRIPTION_IDS", "x", _SETTINGS),
            "a subscription that isn't watched gets an event sub",
        ),
        (put(_CONFIG, "properties.OWN_RESOURCE_GROUPS", "", _SETTINGS), "OWN_RESOURCE_GROUPS names no group of"),
        (
            put(_CONFIG, "properties.OWN_RESOURCE_GROUPS", f"{_OWN_GROUP}2", _SETTINGS),
            "resourcegroups/rg-responder-prod2 aren't delivered; responder-changed looks at each",
        ),
        (
            put(_CONFIG, "properties.LOGGED_RESOURCES", f"{_OWN_GROUP}/providers/x/y/z", _SETTINGS),
            "LOGGED_RESOURCES doesn't name /subscriptions/bbbbbbbb-0000-4000-8000-000000000001/resourcegroups/rg-",
        ),
        (
            put(_CONFIG, "properties.LOGGED_RESOURCES", f"{_OWN_GROUP}/providers/x/y/z", _SETTINGS),
            "rg-responder-prod/providers/x/y/z, of which no log or event is sent; take it out",
        ),
        (
            put(SUBSCRIPTION, "properties.filter.subjectBeginsWith", "/subscriptions/x"),
            "changes below /subscriptions/x are delivered; OWN_RESOURCE_GROUPS doesn't name it",
        ),
        (
            put(SUBSCRIPTION, _FILTERS, _filters([_WRITE])),
            "not every change in the app's own group is delivered; take the filter out",
        ),
    ],
)
def test_events(change: Change, said: str) -> None:
    found = found_by(check_events, _one(change))
    assert any(said in one for one in found), found


def test_a_new_detection_asks_for_its_operation_and_has_to_name_one() -> None:
    (found,) = found_by(check_events, by(operations=says().operations | {"microsoft.compute/disks/delete"}))
    assert "microsoft.compute/disks/delete isn't delivered; a detection looks for it" in found
    (found,) = found_by(check_events, by(unbounded=("too-wide",)))
    assert "the detection too-wide names no operation" in found


_CASES: Final = "infra/modules/queries/cases.kql"
_SOURCES: Final = "infra/modules/queries/sources.kql"


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        (_CASES, "startswith 'case '", "startswith 'Case '", "no log line of the app has 'Case '"),
        (_CASES, "' closed: ' Decision", "' finished: ' Decision", "no log line of the app has"),
        (_SOURCES, "'resume_cases'", "'resume_case'", "no function is called resume_case; there is"),
    ],
)
def test_queries(path: str, old: str, new: str, said: str) -> None:
    found = found_by(check_watching, texts(intact(), path, old, new))
    assert any(one.startswith(f"{path}:") and said in one for one in found), found


_SILENT: Final = "silence-resume_cases"
_LETTERS: Final = "dead-letters"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without(ALERT, _SILENT), "nobody notices when the timer resume_cases stops; add it"),
        *((without(ALERT, name), f"there is no alert {name}") for name in sorted(ALERTS)),
        (
            put(ALERT, "properties.enabled", value=False, name=_LETTERS),
            "dead-letters is off by the set default",
        ),
        (put(ALERT, "properties.actions.actionGroups", [], _LETTERS), "dead-letters tells nobody"),
        (
            put(ALERT, "properties.muteActionsDuration", "PT30M", _LETTERS),
            "dead-letters is mute for 0:30:00 and looks back",
        ),
        (put(ALERT, "properties.evaluationFrequency", "PT1H", _LETTERS), "what falls between is never seen"),
        (
            put(ALERT, "properties.windowSize", "PT10M", _SILENT),
            "looks back 0:10:00, and a run may have begun earlier",
        ),
        (swap("ago(30h)", "ago(23h)"), "allows 23:00:00 between runs that are 1 day, 0:00:00 apart"),
        (swap("ago(30h)", "ago({silence})"), "{silence} isn't filled in in the query of silence-keep_lists"),
        *(
            (swap(f'"{operation}"', '"x"'), f"no alert is raised on {operation}; name it in a {CHANGES}")
            for operation in ALERTED.split()
        ),
        (put(_GROUP, "properties.emailReceivers", []), "the action group reaches nobody by e-mail"),
    ],
)
def test_alerts(change: Change, said: str) -> None:
    found = found_by(check_watching, _one(change))
    assert any(said in one for one in found), found


def test_heartbeats_are_off_before_the_code_is_there() -> None:
    found = found_by(check_watching, _one(put(ALERT, "properties.enabled", value=True, name=_SILENT), of="first"))
    assert any("silence-resume_cases is on by the set first" in one for one in found), found


def test_a_new_timer_and_a_slower_one_ask_for_an_alert_that_fits() -> None:
    more = found_by(check_watching, by(timers={**says().timers, "read_posture": "30 */10 * * * *"}))
    assert [one.partition(": ")[2] for one in more] == [
        "nobody notices when the timer read_posture stops; add it to the heartbeats"
    ]
    slower = found_by(check_watching, by(timers={**says().timers, "resume_cases": "0 0 * * * *"}))
    assert any("silence-resume_cases allows 0:20:00 between runs that are 1:00:00 apart" in one for one in slower), (
        slower
    )


def test_a_log_line_that_changes_in_the_code_is_noticed() -> None:
    lines = tuple(text.replace(" closed: ", " ended: ") for text in says().log_texts)
    assert {one.partition(":")[0] for one in found_by(check_watching, by(log_texts=lines))} == {
        _CASES,
        "infra/modules/queries/time-to-put-back.kql",
    }


_POLICIES: Final = f"{SITE}/basicPublishingCredentialsPolicies"
_GLOBAL: Final = "properties.globalValidation"
_IMMUTABLE: Final = "properties.immutableStorageWithVersioning"
_EVIDENCE: Final = "responderevpbolakbmxcsyy"
_UNSAFE: Final[dict[object, object]] = {True: False, False: True}


@pytest.mark.parametrize("safe", SAFE, ids=lambda safe: f"{safe.type}-{safe.property}-{safe.named}")
def test_what_is_opened_or_left_out_is_found(safe: Safe) -> None:
    of = "stream" if "EventHub" in safe.type else _FIRST
    for value, state in ((_UNSAFE.get(safe.values[0], "x"), "is"), (None, "isn't set")):
        change = put(safe.type, f"properties.{safe.property}", value, safe.named)
        found = found_by(check_exposure, _one(change, of=of))
        assert any(f"{safe.property} of {safe.type} {state}" in one for one in found), found


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind, paths in STATED.items() for path in paths])
def test_it_is_said_what_is_open(kind: str, path: str) -> None:
    of = "stream" if "EventHub" in kind else _FIRST
    found = found_by(check_exposure, _one(put(kind, f"properties.{path}", None), of=of))
    assert any(f"{path} of {kind} isn't set, so it is public" in one for one in found), found


@pytest.mark.parametrize(
    ("change", "of", "said"),
    [
        (
            without(_CONFIG, _AUTHENTICATION),
            _FIRST,
            "the app isn't closed: there is no Microsoft.Web/sites/config named",
        ),
        (without(_POLICIES, "ftp"), _FIRST, f"there is no {_POLICIES} named ftp; add it"),
        (without(_POLICIES, "scm"), _FIRST, f"there is no {_POLICIES} named scm; add it"),
        (
            put(_CONFIG, f"{_GLOBAL}.excludedPaths", ["/api/emergency/pagerduty", "/api/modes"], _AUTHENTICATION),
            _FIRST,
            "the path /api/modes answers",
        ),
        (
            put(SITE, "properties.siteConfig.ipSecurityRestrictionsDefaultAction", "Allow"),
            "act",
            "other addresses than",
        ),
    ],
)
def test_what_closes_the_app_is_there(change: Change, of: str, said: str) -> None:
    found = found_by(check_exposure, _one(change, of=of))
    assert any(said in one for one in found), found


def test_every_expectation_is_about_a_resource_that_there_is() -> None:
    there = {one.type for snapshot in intact().snapshots.values() for one in snapshot.resources}
    assert {safe.type for safe in SAFE} | set(STATED) | set(LOCKED.split()) | LOGGED <= there
    assert {role.on for role in BUILT_IN.values()} <= there | {"Microsoft.OperationalInsights/workspaces"}


@pytest.mark.parametrize("kind", LOCKED.split())
def test_what_matters_is_locked(kind: str) -> None:
    of = "stream" if "EventHub" in kind else _FIRST
    found = found_by(
        check_keeping, _one(swap(f"/providers/{LOCK}/", "/providers/Microsoft.Authorization/keys/"), of=of)
    )
    assert any(f"a resource {kind} can be deleted by a slip" in one for one in found), found


@pytest.mark.parametrize(
    ("change", "of", "said"),
    [
        (put(LOCK, "properties.level", "ReadOnly"), _FIRST, "its level should be CanNotDelete"),
        *((without(LOGS), _FIRST, f"nobody sees who touched a resource {kind}") for kind in sorted(LOGGED)),
        (put(_COMPONENT, "properties.SamplingPercentage", 50), _FIRST, "SamplingPercentage should be 100"),
        (
            put(_STORAGE, "properties.immutableStorageWithVersioning", None, _EVIDENCE),
            _FIRST,
            "evidence can be changed",
        ),
        (
            put(_STORAGE, "properties.immutableStorageWithVersioning.enabled", value=False, name=_EVIDENCE),
            _FIRST,
            "changed",
        ),
    ],
)
def test_what_is_to_be_kept_is_kept(change: Change, of: str, said: str) -> None:
    found = found_by(check_keeping, _one(change, of=of))
    assert any(said in one for one in found), found


def test_without_locks_there_are_none() -> None:
    made = replace(intact(), snapshots={"no-locks": replace(intact().snapshots[_FIRST], name="no-locks")})
    assert any("the lock is made though there should be none" in one for one in found_by(check_keeping, made))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (_STORAGE, "responderstpbolakbmxcsyy1"),
        (_STORAGE, "Responder"),
        (_VAULT, "0kvresponder"),
        (_VAULT, "kv-responder-pbolakbmxcsyy"),
        (SITE, "a-responder-with-a-name-that-is-cut"),
        (_TOPIC, "evgt_responder"),
        (QUEUE, "x/default/cases_poison"),
        (TABLE, "x/default/1Cases"),
        (CONTAINER, "x/default/dead--letters"),
        (SUBSCRIPTION, "x/entra-responder-" + "x" * 50),
        ("Microsoft.EventHub/namespaces", "responder-"),
    ],
)
def test_names(kind: str, name: str) -> None:
    of = "stream" if "EventHub" in kind else _FIRST
    found = found_by(check_names, _one(put(kind, "name", name), of=of))
    last = name.rpartition("/")[2]
    assert any(f"{kind} is called {last} ({len(last)} characters); Azure takes" in one for one in found), found


@pytest.mark.parametrize("spelled", [str, str.upper, str.lower])
def test_nothing_is_deployed_twice_however_it_is_spelled(spelled: Callable[[str], str]) -> None:
    (found,) = found_by(check_names, _one(twice(_TOPIC, spelled)))
    assert f"{_TOPIC} is deployed 2 times by the set default; make it once" in found


_MAIN: Final = "infra/main.bicep"
_KEY: Final = "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZmdoaWprbA=="
_OLD: Final = "param sigmaRules string = ''"


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        (_MAIN, _OLD, f"param sigmaRules string = '{_KEY}'", "Zm9vYm… looks like a secret"),
        (_MAIN, _OLD, "param sigmaRules string = 'https://x/?code=ab'", "?code=… looks like a secret"),
        (_MAIN, _OLD, "param sigmaRules string = '0123456789abcdef0123456789abcdef'", "012345… looks like a secret"),
        ("infra/modules/app.bicep", ": 'managedidentity'", ": 'AccountKey=abc'", "keep it in the vault"),
        ("infra/scripts/azure.sh", "\n", "\n-----BEGIN RSA PRIVATE KEY\n", "looks like a secret"),
        (_MAIN, "@secure()\nparam teamsWebhookUrl", "param teamsWebhookUrl", "put @secure() before it"),
        (_MAIN, _OLD, f"param apiToken string = ''\n{_OLD}", "put @secure() before it"),
    ],
)
def test_secrets(path: str, old: str, new: str, said: str) -> None:
    found = found_by(check_secrets, texts(intact(), path, old, new))
    assert any(one.startswith(f"{path}:") and said in one for one in found), found


def test_what_the_rules_say_names_the_place_in_the_bicep() -> None:
    for rule in RULES:
        assert rule.__doc__
    (found,) = found_by(check_exposure, _one(put(SITE, "properties.httpsOnly", value=False)))
    path, line, _ = found.split(":", 2)
    declared = intact().texts[path].splitlines()[int(line) - 1]
    assert declared.startswith("resource app 'Microsoft.Web/sites@")
    change = put(_STORAGE, f"{_IMMUTABLE}.enabled", value=False, name=_EVIDENCE)
    assert all(one.startswith("infra/modules/evidence.bicep:") for one in found_by(check_keeping, _one(change)))
