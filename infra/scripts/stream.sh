#!/usr/bin/env bash
# stream.sh [--b2c GROUP_ID] [--off] [--what-if]
#
# Has a tenant send its logs to the audit stream, once that is deployed (AUDIT_STREAM=true): makes the tenant's diagnostic
# setting, which takes the role Security Administrator there. The app reads the stream beside its polls, and takes in once
# what comes both ways. $STREAM_ALSO names further categories, such as MicrosoftGraphActivityLogs: that one alone may be
# more than all others together.
#
# --b2c does it for the B2C tenant ($B2C_TENANT_ID), whose logs have no way out of their own. By Azure Lighthouse a group of
# the B2C tenant, named by its object id, is first let manage the resource group of the stream, in which nothing else is;
# then a member of it can name the hub in a diagnostic setting there. That role is Contributor, since Lighthouse knows none
# that is narrower: members could read the whole stream, so let nobody be in the group but who makes the setting.
#
# --off takes the setting away, and with --b2c the delegation. --what-if prints each command and changes nothing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=graph.sh
. "$scripts/graph.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=b2c.sh
. "$scripts/b2c.sh"

members='' off=no wants_group=no
for argument in "$@"; do
    case $argument in
        --b2c) wants_group=yes ;;
        --off) off=yes ;;
        --what-if) dry=yes ;;
        -h | --help) usage; exit ;;
        -*) misuse "unknown argument $argument" ;;
        *)
            [ "$wants_group" = yes ] && [ -z "$members" ] || misuse "unknown argument $argument"
            members=$(lower "$argument")
            ;;
    esac
done
if [ "$wants_group" = yes ]; then
    printf '%s' "$members" | grep -Eqx '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' || misuse "--b2c needs the object id of a group"
    [ -n "${B2C_TENANT_ID:-}" ] || stop "export B2C_TENANT_ID: which B2C tenant is it?"
fi
needs_az
read_installation
values=$(outputs auditStreamRuleId auditStreamHub)
{ read -r rule || :; read -r hub || :; } <<<"$values"
[ -n "${rule:-}" ] || stop "no audit stream is deployed: set AUDIT_STREAM=true, then deploy the infrastructure (deploy.sh)"
stream_group=${rule%%/providers/*}
setting="/providers/microsoft.aadiam/diagnosticSettings/entra-responder-$installation?api-version=2017-04-01"

# Audit, sign-ins of each kind, and what Identity Protection says.
categories="AuditLogs SignInLogs NonInteractiveUserSignInLogs ServicePrincipalSignInLogs ManagedIdentitySignInLogs ADFSSignInLogs"
categories="$categories RiskyUsers UserRiskEvents RiskyServicePrincipals ServicePrincipalRiskEvents"
b2c_categories="AuditLogs SignInLogs" # it writes no others

# send_logs TENANT CATEGORY…: makes the diagnostic setting of the tenant that az is logged in to, or puts it right.
send_logs() {
    local of=$1 logs='' category there wanted
    shift
    for category in "$@"; do logs="$logs${logs:+, }{\"category\": \"$category\", \"enabled\": true}"; done
    wanted=$(printf '%s\n' "$@" | LC_ALL=C sort | paste -sd , -)
    there=$(found rest --method get --url "$setting" --output tsv --query \
        "[properties.eventHubAuthorizationRuleId, properties.eventHubName, join(',', sort(properties.logs[?enabled].category))]" |
        paste -sd ' ' -) || stop "the diagnostic settings of $of can't be read: it takes the role Security Administrator there"
    if [ "$(lower "$there")" = "$(lower "$rule $hub $wanted")" ]; then
        say "$of: sends ${wanted//,/, }"
        return
    fi
    write rest --method put --url "$setting" --headers Content-Type=application/json --output none --body \
        "{\"properties\": {\"eventHubAuthorizationRuleId\": \"$rule\", \"eventHubName\": \"$hub\", \"logs\": [$logs]}}" ||
        stop "the diagnostic setting of $of can't be made: it takes the role Security Administrator, and the right to list the keys of the stream (Contributor of its resource group)"
    say "$of: + sends ${wanted//,/, }"
}

# stop_logs TENANT
stop_logs() {
    local there
    there=$(found rest --method get --url "$setting" --query name --output tsv)
    [ -n "$there" ] || { say "$1: sends nothing"; return; }
    write rest --method delete --url "$setting" --output none
    say "$1: - diagnostic setting"
}

# The same name each time for the same tenant and group, so that running again changes nothing.
delegation_name() {
    python3 -c 'import sys, uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, sys.argv[1]))' \
        "$(lower "$stream_group") $(lower "$B2C_TENANT_ID") $members"
}
contributor=b24988ac-6180-42a0-ab88-20f7382dd24c
lighthouse="providers/Microsoft.ManagedServices"

# Lets the group of the B2C tenant manage the stream's resource group. It takes the role Owner there.
delegate() {
    local name definition there
    name=$(delegation_name)
    definition=/subscriptions/$(part "$rule" 2)/$lighthouse/registrationDefinitions/$name
    there=$(found rest --method get --url "$stream_group/$lighthouse/registrationAssignments/$name?api-version=2022-10-01" \
        --query name --output tsv)
    [ -z "$there" ] || { say "B2C: $members may manage ${stream_group##*/}"; return; }
    write provider register --namespace Microsoft.ManagedServices --subscription "$(part "$rule" 2)" --wait
    write rest --method put --url "$definition?api-version=2022-10-01" --headers Content-Type=application/json --output none --body \
        "{\"properties\": {\"registrationDefinitionName\": \"Entra Responder $installation: audit stream\",
  \"description\": \"The B2C tenant sends its logs to the audit stream.\", \"managedByTenantId\": \"$B2C_TENANT_ID\",
  \"authorizations\": [{\"principalId\": \"$members\", \"principalIdDisplayName\": \"who makes the diagnostic setting\",
  \"roleDefinitionId\": \"$contributor\"}]}}"
    write rest --method put --url "$stream_group/$lighthouse/registrationAssignments/$name?api-version=2022-10-01" \
        --headers Content-Type=application/json --output none --body "{\"properties\": {\"registrationDefinitionId\": \"$definition\"}}"
    say "B2C: + $members may manage ${stream_group##*/}; it shows there after some minutes and a new login"
}

take_delegation() {
    local name place
    name=$(delegation_name)
    for place in "$stream_group/$lighthouse/registrationAssignments" "/subscriptions/$(part "$rule" 2)/$lighthouse/registrationDefinitions"; do
        [ -n "$(found rest --method get --url "$place/$name?api-version=2022-10-01" --query name --output tsv)" ] || continue
        write rest --method delete --url "$place/$name?api-version=2022-10-01" --output none
        say "B2C: - ${place##*/}"
    done
}

how_to_log_in_as_member() {
    cat <<TEXT
Log in to the B2C tenant as a member of that group who is Security Administrator there, then run this again:
  AZURE_CONFIG_DIR=$b2c_login az login --tenant $B2C_TENANT_ID
TEXT
}

if [ "$wants_group" = no ]; then
    if [ "$off" = yes ]; then
        stop_logs "Entra ID"
    else
        # shellcheck disable=SC2086 # lists
        send_logs "Entra ID" $categories ${STREAM_ALSO:-}
    fi
    exit
fi
[ "$off" = yes ] || delegate
is_in_b2c || stop "not logged in to the B2C tenant $B2C_TENANT_ID. $(how_to_log_in_as_member)"
# shellcheck disable=SC2034 # az, in azure.sh, goes by it
login=$b2c_login
if [ "$off" = yes ]; then stop_logs B2C; else
    # shellcheck disable=SC2086
    send_logs B2C $b2c_categories
fi
login=
[ "$off" = no ] || take_delegation
