#!/usr/bin/env bash
# grant.sh [--tier watch|act] [--prune] [--what-if]      the app's identity in the Entra tenant
# grant.sh --b2c [--tier watch|act] [--prune] [--renew] [--what-if]      the responder in the Azure AD B2C tenant
# grant.sh [--b2c] --revoke [--what-if]
#
# Gives the identity exactly the Graph permissions of a tier, from infra/scripts/permissions.txt (which follows from the
# declarations: `responder permissions`). Tier watch reads only; act also writes. The default is $RESPONDER_TIER, or
# watch. What is held beyond the tier is listed, and taken away with --prune; --revoke takes away whatever reaches beyond
# the app's own resources. Both cover roles in Azure too, since a deployment gives them and never takes one; --prune also
# takes away what a subscription keeps that is no longer watched: roles, event topic, export of its activity log.
#
# --b2c first registers the application in the B2C tenant ($B2C_TENANT_ID), with a certificate that Key Vault makes, and
# prints the ids that the app's settings need. --renew makes a new certificate, before the old one runs out.
#
# Granting needs Privileged Role Administrator or Global Administrator. --what-if writes nothing and prints each command.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=graph.sh
. "$scripts/graph.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=locks.sh
. "$scripts/locks.sh"
# shellcheck source-path=SCRIPTDIR source=holders.sh
. "$scripts/holders.sh"
# shellcheck source-path=SCRIPTDIR source=unwatch.sh
. "$scripts/unwatch.sh"
# shellcheck source-path=SCRIPTDIR source=b2c.sh
. "$scripts/b2c.sh"

tier=${RESPONDER_TIER:-watch} kind=workforce prune=no revoke=no renew=no principal=
while [ $# -gt 0 ]; do
    case $1 in
        --tier | --principal-id)
            [ $# -gt 1 ] || misuse "$1 needs a value"
            if [ "$1" = --tier ]; then tier=$2; else principal=$2; fi
            shift
            ;;
        --prune) prune=yes ;;
        --revoke) revoke=yes prune=yes ;;
        --b2c) kind=b2c ;;
        --renew) renew=yes ;;
        --what-if) dry=yes ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $1" ;;
    esac
    shift
done
case $tier in watch | act) ;; *) misuse "the tier is $tier: it should be watch or act" ;; esac
[ "$renew" = no ] || [ "$kind" = b2c ] || misuse "--renew goes with --b2c: the Entra tenant's identity has no certificate"

needs_az

# The permissions that should be held, one a line.
wanted() {
    [ "$revoke" = no ] || return 0
    awk -v kind="$kind" -v tier="$tier" '$1 == kind && ($2 == "watch" || tier == "act") { print $3 }' \
        "$scripts/permissions.txt"
}

if [ "$kind" = b2c ]; then
    [ -n "${B2C_TENANT_ID:-}" ] || stop "B2C_TENANT_ID is not set: it is the id of the Azure AD B2C tenant"
    is_in_b2c || stop "not logged in to the B2C tenant $B2C_TENANT_ID. $(how_to_log_in)"
    if [ "$revoke" = yes ]; then
        principal=$(b2c_ids)
        principal=${principal#* }
        [ -n "$principal" ] || { say "B2C: nothing is registered"; exit; }
    else
        vault=$(needed vaultName)
        b2c_register "$vault" "$renew"
    fi
    login=$b2c_login
elif [ -z "$principal" ]; then
    principal=$(needed identityPrincipalId)
fi

# Graph's own service principal in this tenant, and its application permissions: name and id.
graph_itself="servicePrincipals(appId='00000003-0000-0000-c000-000000000000')"
resource=$(found rest --method get --url "$graph/$graph_itself" --url-parameters "\$select=id" --query id --output tsv)
found rest --method get --url "$graph/$graph_itself" --url-parameters "\$select=appRoles" --output tsv \
    --query "appRoles[?contains(allowedMemberTypes, 'Application')].[value, id]" >"$scratch/roles"
if [ "$principal" = PRINCIPAL ]; then
    : >"$scratch/held"
else
    found rest --method get --url "$graph/servicePrincipals/$principal/appRoleAssignments" --url-parameters "\$top=999" \
        --query "value[?resourceId=='$resource'].[id, appRoleId]" --output tsv >"$scratch/held"
fi

wanted >"$scratch/wanted"

# Each permission that is wanted: its name, its id in Graph or the word none, and whether it is held. And each that is held
# beyond these: the id of its assignment, and its name, or its id where it has none here.
with_roles() { awk -v roles="$scratch/roles" -v held="$scratch/held" -v wanted="$scratch/wanted" "$1"; }
# shellcheck disable=SC2016 # awk's own variables
with_roles 'BEGIN {
    while ((getline < roles) > 0) id[$1] = $2
    while ((getline < held) > 0) is_held[$2]
    while ((getline < wanted) > 0) print $1, ($1 in id ? id[$1] : "none"), (($1 in id) && (id[$1] in is_held) ? "held" : "missing")
}' >"$scratch/tier"
# shellcheck disable=SC2016
with_roles 'BEGIN {
    while ((getline < roles) > 0) name[$2] = $1
    while ((getline < wanted) > 0) is_wanted[$1]
    while ((getline < held) > 0) if (!($2 in name) || !(name[$2] in is_wanted)) print $1, ($2 in name ? name[$2] : $2)
}' >"$scratch/beyond"

while read -r name role is; do
    [ "$role" != none ] || stop "Graph has no application permission $name in this tenant"
    if [ "$is" = held ]; then
        say "  $name"
        continue
    fi
    post "servicePrincipals/$resource/appRoleAssignedTo" \
        "{\"principalId\": \"$principal\", \"resourceId\": \"$resource\", \"appRoleId\": \"$role\"}" ||
        stop "Graph refused the grant: it needs Privileged Role Administrator or Global Administrator"
    say "+ $name"
done <"$scratch/tier"

while read -r assignment name; do
    if [ "$prune" = yes ]; then
        write rest --method delete --url "$graph/servicePrincipals/$principal/appRoleAssignments/$assignment" --output none
        say "- $name"
    else
        say "! $name is held and not of tier $tier: --prune takes it away"
    fi
done <"$scratch/beyond"

# What the identity holds in Azure. A deployment gives roles and never takes one, so the tier before, and subscriptions that
# were watched before, are looked for by what it holds and not by what was deployed last.
azure_roles() {
    local subscriptions subscription known
    read_installation
    subscriptions=$(deployed_subscriptions)
    known=$(known_subscriptions "$principal") ||
        say "! could not find out whether it holds roles in subscriptions that aren't watched: see the line above"
    for subscription in $subscriptions; do azure_roles_in "$subscription"; done
    for subscription in $known; do
        ! printf '%s\n' "$subscriptions" | grep -qx "$subscription" || continue
        no_longer_watched "$subscription"
    done
}

# holds SUBSCRIPTION: what it holds there: id, role, scope.
holds() {
    assignments "$1" "[?principalId == '$principal'].[id, roleDefinitionName, scope]"
}

azure_roles_in() {
    local id role scope
    holds "$1" >"$scratch/azure"
    while IFS=$'\t' read -r id role scope; do
        if [ "$revoke" = yes ] && [ "$(lower "$scope")" = "/subscriptions/$1" ]; then
            take_azure_role "$1" "$id" "$role on $scope"
        elif [ "$revoke" = yes ]; then
            continue # what it has on the app's own storage lies under locks: remove.sh takes both
        elif [[ $tier == watch && $role == "Entra Responder act"* ]]; then
            if [ "$prune" = yes ]; then
                take_azure_role "$1" "$id" "$role on $scope"
            else
                say "! $role on $scope is held and not of tier $tier: --prune takes it away"
            fi
        else
            say "  $role on $scope"
        fi
    done <"$scratch/azure"
}

take_azure_role() {
    write role assignment delete --ids "$2" --subscription "$1" --output none
    say "- $3"
}

# A subscription that was taken off the list, or one whose traces are left.
no_longer_watched() {
    if [ "$revoke" = yes ]; then
        azure_roles_in "$1"
    elif [ "$prune" = yes ]; then
        others_depend "$1"
        read_holders "$1"
        unwatch "$1"
    else
        holds "$1" | awk -F '\t' '{ print "! " $2 " on " $3 " is held, and that subscription is no longer watched" }'
        say "! the subscription $1 is no longer watched and still has what belongs to that: grant.sh --prune takes it away"
    fi
}

[ "$kind" = b2c ] || azure_roles

if [ "$kind" = b2c ] && [ "$revoke" = no ]; then
    say "B2C: the app's settings need these:"
    say "  export B2C_TENANT_ID=$B2C_TENANT_ID B2C_CLIENT_ID=$client B2C_RESPONDER_ID=$principal"
fi
