#!/usr/bin/env bash
# operators.sh [--assign OBJECT_ID…] [--what-if]
# operators.sh --address [--what-if]      enters the app's address and does nothing else
#
# Registers the application that operators sign in to when they call the app over HTTP (App Service authentication), and
# prints its id for infra/main.bicepparam. Only who is assigned to it gets in: you, and each user or group that --assign
# names by its object id (groups of groups don't count, and groups need Entra ID P1). The Azure CLI may ask for its tokens,
# which is how `responder doctor --app` and deploy.sh call the app. Once the app is deployed, its address is entered as the
# place where the browser returns to after signing in.
#
# $OPERATORS_CLIENT_ID, where it is set, says which registration; else it is found by its name. What else a registration has
# stays: addresses, permissions and who may ask for them are added to.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=graph.sh
. "$scripts/graph.sh"

operators=() assigning=no address_only=no
for argument in "$@"; do
    case $argument in
        --assign) assigning=yes ;;
        --address) address_only=yes ;;
        --what-if) dry=yes ;;
        -h | --help) usage; exit ;;
        -*) misuse "unknown argument $argument" ;;
        *)
            [ "$assigning" = yes ] || misuse "unknown argument $argument"
            operators+=("$argument")
            ;;
    esac
done
[ "$assigning" = no ] || [ "${#operators[@]}" -gt 0 ] || misuse "--assign needs an object id"
needs_az

name=${OPERATORS_APPLICATION_NAME:-Entra Responder operators}
azure_cli=04b07795-8ddb-461a-bbee-02f9e1bf7b46
scope=5a6c1f0e-3b7d-4e92-8c41-d0e9b2a7f638 # of this registration's own; any id would do, as long as it stays
scope_json="{\"id\": \"$scope\", \"value\": \"user_impersonation\", \"type\": \"User\", \"isEnabled\": true,
  \"adminConsentDisplayName\": \"Call Entra Responder\", \"adminConsentDescription\": \"Call Entra Responder as you\",
  \"userConsentDisplayName\": \"Call Entra Responder\", \"userConsentDescription\": \"Call Entra Responder as you\"}"

which="displayName eq '$name'"
[ -z "${OPERATORS_CLIENT_ID:-}" ] || which="appId eq '$OPERATORS_CLIENT_ID'"
named() { by_filter applications "$which" "$1"; }

# with_added PATH JSON: the list at a path of the registration, with one more, as JSON: Graph takes lists as a whole.
with_added() {
    found rest --method get --url "$graph/applications" --url-parameters "\$filter=$which" --output json \
        --query "[value[0].$1 || \`[]\`, [\`$2\`]] | []"
}

client=$(named 'value[].appId')
[ "$(printf '%s' "$client" | grep -c .)" -le 1 ] || stop "several registrations are called $name: give yours another" \
    "name by OPERATORS_APPLICATION_NAME, or delete the others"
if [ -z "$client" ]; then
    [ -z "${OPERATORS_CLIENT_ID:-}" ] || stop "there is no registration $OPERATORS_CLIENT_ID (OPERATORS_CLIENT_ID) in this tenant"
    post applications "{\"displayName\": \"$name\", \"signInAudience\": \"AzureADMyOrg\",
  \"api\": {\"requestedAccessTokenVersion\": 2, \"oauth2PermissionScopes\": [$scope_json]}}"
    say "+ registration $name"
    client=$(until_there CLIENT applications "displayName eq '$name'" 'value[0].appId')
fi
object=$(until_there OBJECT applications "$which" 'value[0].id')
# Where the browser goes after signing in, once there is an app; what others entered stays.
host=$(outputs functionAppHost)
if [ -n "$host" ] && [ "$client" != CLIENT ]; then
    redirect=https://$host/.auth/login/aad/callback
    found rest --method get --url "$graph/applications/$object" --url-parameters "\$select=web" --output tsv \
        --query "web.redirectUris[]" >"$scratch/redirects"
    tokens=$(found rest --method get --url "$graph/applications/$object" --url-parameters "\$select=web" --output tsv \
        --query "web.implicitGrantSettings.enableIdTokenIssuance")
    if ! grep -qx "$redirect" "$scratch/redirects" || [ "$(lower "$tokens")" != true ]; then
        echo "$redirect" >>"$scratch/redirects"
        addresses=$(sort -u "$scratch/redirects" | sed 's/.*/"&"/' | paste -sd , -)
        patch "applications/$object" "{\"web\": {\"redirectUris\": [$addresses],
  \"implicitGrantSettings\": {\"enableIdTokenIssuance\": true}}}"
        say "+ the browser returns to $redirect"
    fi
fi
[ "$address_only" = no ] || exit 0

address=$(named "value[0].identifierUris[?@=='api://$client'] | [0]")
if [ -z "$address" ]; then
    addresses=$(with_added identifierUris "\"api://$client\"")
    patch "applications/$object" "{\"identifierUris\": $addresses}"
    say "+ address api://$client"
fi
# A permission of that name may be there already, under an id of its own.
own_scope=$(named "value[0].api.oauth2PermissionScopes[?value=='user_impersonation'].id | [0]")
if [ -n "$own_scope" ]; then
    scope=$own_scope
elif [ "$client" != CLIENT ]; then
    scopes=$(with_added api.oauth2PermissionScopes "$scope_json")
    patch "applications/$object" "{\"api\": {\"oauth2PermissionScopes\": $scopes}}" # first, since what isn't there can't be allowed
    say "+ permission user_impersonation"
fi
allowed=$(named "value[0].api.preAuthorizedApplications[?appId=='$azure_cli'].appId | [0]")
if [ -z "$allowed" ]; then
    clients=$(with_added api.preAuthorizedApplications \
        "{\"appId\": \"$azure_cli\", \"delegatedPermissionIds\": [\"$scope\"]}")
    patch "applications/$object" "{\"api\": {\"preAuthorizedApplications\": $clients}}"
    say "+ the Azure CLI may ask for tokens"
fi
principal=$(by_filter servicePrincipals "appId eq '$client'" 'value[0].id')
if [ -z "$principal" ]; then
    post servicePrincipals "{\"appId\": \"$client\", \"appRoleAssignmentRequired\": true}"
    say "+ service principal, for assigned people only"
    principal=$(until_there PRINCIPAL servicePrincipals "appId eq '$client'" 'value[0].id')
fi

# assign OBJECT_ID WORDS: lets a user or a group sign in.
assign() {
    local assigned=''
    [ "$principal" = PRINCIPAL ] || assigned=$(found rest --method get --url "$graph/servicePrincipals/$principal/appRoleAssignedTo" \
        --url-parameters "\$top=999" --query "value[?principalId=='$1'].id | [0]" --output tsv) || exit
    [ -z "$assigned" ] || return 0
    post "servicePrincipals/$principal/appRoleAssignedTo" "{\"principalId\": \"$1\", \"resourceId\": \"$principal\",
  \"appRoleId\": \"00000000-0000-0000-0000-000000000000\"}" || exit
    say "+ $2 may sign in"
}
me=$(found rest --method get --url "$graph/me" --url-parameters "\$select=id" --query id --output tsv)
assign "$me" you
for operator in ${operators[@]+"${operators[@]}"}; do assign "$operator" "$operator"; done
say "export OPERATORS_CLIENT_ID=$client"
