"""Each test breaks one property or type and reads what is said."""

import pytest

from tests.infra.checks.breaking import broken, only

_ACCOUNT = "'Microsoft.Storage/storageAccounts@2026-04-01' = {"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("modules/storage.bicep", "accessTier:", "acessTier:", "has no property acessTier; did you mean accessTier?"),
        ("modules/app.bicep", "maximumInstanceCount:", "maxInstances:", "has no property maxInstances"),
        ("modules/topic.bicep", "topicType:", "topictype:", "did you mean topicType?"),
        ("modules/event-subscription.bicep", "operatorType: 'StringIn'", "operatorType: 'StringsIn'", "operatorType"),
        ("modules/app.bicep", "version: '3.13'", "version: 3", "version is a number; it should be a string"),
        ("modules/app.bicep", "httpsOnly: true", "httpsOnly: 'yes'", "httpsOnly is a string; it should be true or"),
        ("modules/vault.bicep", "name: 'standard'", "name: 'basic'", "'basic', which the type data doesn't know"),
        ("modules/vault.bicep", "family: 'A'\n      ", "", "has no family; the type data asks for it"),
        ("modules/identity.bicep", "tags: tags\n}", "tags: tags\n  id: 'x'\n}", "Azure alone sets it"),
        ("modules/roles.bicep", "principalType: 'Serv", "principalKind: 'Serv", "has no property principalKind"),
        ("modules/alerts.bicep", "groupShortName: 'responder'", "groupShortName: 'the-responder'", "at most 12"),
        ("modules/alerts.bicep", "operator: 'LessThan'", "operator: 'Below'", "which the type data doesn't know"),
        ("modules/alerts.bicep", "    equals: operation\n", "    equal: operation\n", "did you mean equals?"),
    ],
)
def test_a_wrong_property_is_found(file: str, old: str, new: str, said: str) -> None:
    found = broken(file, (old, new))
    assert any(one.startswith(f"infra/{file}:") and said in one for one in found), found


def test_an_unknown_version_is_told_with_the_known_one() -> None:
    found = broken("modules/identity.bicep", ("@2024-11-30", "@2031-01-01"))
    only(found, "modules/identity.bicep", "has no version 2031-01-01 in the type data; there is 2024-11-30")


def test_an_unknown_type_is_told_with_the_nearest() -> None:
    found = broken("modules/topic.bicep", ("'Microsoft.EventGrid/systemTopics@", "'Microsoft.EventGrid/systemTopic@"))
    assert any("systemTopic is in no type data; there is Microsoft.EventGrid/systemTopics" in one for one in found)


def test_a_property_that_is_read_must_exist() -> None:
    found = broken("modules/identity.bicep", ("identity.properties.principalId", "identity.properties.principal"))
    only(found, "modules/identity.bicep", "reads principal, which the type data doesn't have")


def test_a_type_is_only_taken_where_it_can_be_deployed() -> None:
    file = "modules/activity-log.bicep"
    extra = "resource r 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {\n  name: 'a'\n  properties: {}\n}\n"
    found = broken(file, ("resource export", f"{extra}\nresource export"))
    only(found, file, "can't be deployed in a subscription; move it to a module with the targetScope that it takes")


def test_a_lock_can_be_put_on_a_resource_but_a_container_cannot() -> None:
    found = broken(
        "modules/dead-letters.bicep",
        (
            "resource access 'Microsoft.Authorization/roleAssignments@2022-04-01'",
            "resource access 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30'",
        ),
    )
    assert any("can't be deployed on another resource" in one for one in found), found


def test_what_is_only_referred_to_sets_nothing() -> None:
    file = "modules/dead-letters.bicep"
    found = broken(file, ("  name: accountName\n", "  name: accountName\n  kind: 'StorageV2'\n"))
    only(found, file, "kind is set on account, which is only referred to")


def test_both_sides_of_a_choice_are_checked() -> None:
    found = broken("modules/storage.bicep", ("? 'Allow' : 'Deny'", "? 'Allow' : 'Refuse'"))
    assert any("'Refuse', which the type data doesn't know" in one for one in found), found


def test_an_array_behind_a_variable_is_checked() -> None:
    found = broken("modules/workbook.bicep", ("    content: {", "    content: 1\n    other: {"))
    assert found == []  # a workbook's content is a text to Azure
