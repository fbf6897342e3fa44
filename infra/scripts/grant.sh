#!/usr/bin/env bash
# grant.sh [--tier watch|act] [--prune] [--what-if]      the app's identity in the Entra tenant
# grant.sh --b2c [--tier watch|act] [--prune] [--renew] [--what-if]      the responder in the Azure AD B2C tenant
# grant.sh [--b2c] --revoke [--what-if]
#
# Gives the identity exactly the Graph permissions of a tier, from infra/scripts/permissions.txt (which follows from the
# declarations: `responder permissions`). Tier watch reads only; act also writes. The default is $RESPONDER_TIER, or
# watch. What is held beyond the tier is told, and taken away with --prune; --revoke takes everything away. Both take the
# identity's roles in Azure away as well, since a deployment gives them and never takes one.
#
# --b2c first registers the application in the B2C tenant ($B2C_TENANT_ID), with a certificate that Key Vault makes, and
# prints the ids that the app's settings need. --renew makes a new certificate, before the old one runs out.
#
# Granting needs Privileged Role Administrator or Global Administrator. --what-if writes nothing and prints each command.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=b2c.sh
. "$(dirname "$0")/b2c.sh"

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
while read -r name; do
    role=$(awk -v name="$name" '$1 == name { print $2 }' "$scratch/roles")
    [ -n "$role" ] || stop "Graph has no application permission $name in this tenant"
    if awk '{ print $2 }' "$scratch/held" | grep -qx "$role"; then
        say "  $name"
        continue
    fi
    post "servicePrincipals/$resource/appRoleAssignedTo" \
        "{\"principalId\": \"$principal\", \"resourceId\": \"$resource\", \"appRoleId\": \"$role\"}" ||
        stop "Graph refused the grant: it needs Privileged Role Administrator or Global Administrator"
    say "+ $name"
done <"$scratch/wanted"

while read -r assignment role; do
    name=$(awk -v role="$role" '$2 == role { print $1 }' "$scratch/roles")
    ! grep -qx "${name:-$role}" "$scratch/wanted" || continue
    if [ "$prune" = yes ]; then
        write rest --method delete --url "$graph/servicePrincipals/$principal/appRoleAssignments/$assignment" --output none
        say "- ${name:-$role}"
    else
        say "! ${name:-$role} is held and not of tier $tier: --prune takes it away"
    fi
done <"$scratch/held"

# take_roles NAME: takes the identity's Azure roles whose names begin so away, in every watched subscription.
take_roles() {
    local subscriptions subscription assignment
    subscriptions=$(outputs subscriptionIds)
    for subscription in ${subscriptions//,/ }; do
        found role assignment list --assignee-object-id "$principal" --subscription "$subscription" \
            --scope "/subscriptions/$subscription" --output tsv \
            --query "[?starts_with(roleDefinitionName, '$1')].id" >"$scratch/roles-in-azure"
        while read -r assignment; do
            write role assignment delete --ids "$assignment" --subscription "$subscription" --output none
            say "- $1… in subscription $subscription"
        done <"$scratch/roles-in-azure"
    done
}
if [ "$kind" = workforce ] && [ "$prune" = yes ]; then
    if [ "$revoke" = yes ]; then take_roles 'Entra Responder'; fi
    if [ "$tier" = watch ]; then take_roles 'Entra Responder act'; fi
fi

if [ "$kind" = b2c ] && [ "$revoke" = no ]; then
    say "B2C: the app's settings need these:"
    say "  export B2C_TENANT_ID=$B2C_TENANT_ID B2C_CLIENT_ID=$client B2C_RESPONDER_ID=$principal"
fi
