#!/usr/bin/env bash
# operators.sh [--what-if]
#
# Registers the application that operators sign in to when they call the app over HTTP (App Service authentication), and
# prints its id for infra/main.bicepparam. Only who is assigned to it gets in: you, to begin with. The Azure CLI may ask
# for its tokens, which is how `responder doctor --app` and deploy.sh call the app.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"

for argument in "$@"; do
    case $argument in
        --what-if) dry=yes ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done

name=${OPERATORS_APPLICATION_NAME:-Entra Responder operators}
azure_cli=04b07795-8ddb-461a-bbee-02f9e1bf7b46
scope=5a6c1f0e-3b7d-4e92-8c41-d0e9b2a7f638 # of this registration's own; any id would do, as long as it stays
scope_json="{\"id\": \"$scope\", \"value\": \"user_impersonation\", \"type\": \"User\", \"isEnabled\": true,
  \"adminConsentDisplayName\": \"Call Entra Responder\", \"adminConsentDescription\": \"Call Entra Responder as you\",
  \"userConsentDisplayName\": \"Call Entra Responder\", \"userConsentDescription\": \"Call Entra Responder as you\"}"

# patch PATH JSON
patch() {
    write rest --method patch --url "$graph/$1" --headers Content-Type=application/json --body "$2" --output none
}

named() { by_filter applications "displayName eq '$name'" "$1"; }

client=$(named 'value[].appId')
[ "$(printf '%s' "$client" | grep -c .)" -le 1 ] || stop "several registrations are called $name: give yours another" \
    "name by OPERATORS_APPLICATION_NAME, or delete the others"
if [ -z "$client" ]; then
    post applications "{\"displayName\": \"$name\", \"signInAudience\": \"AzureADMyOrg\",
  \"api\": {\"requestedAccessTokenVersion\": 2, \"oauth2PermissionScopes\": [$scope_json]}}"
    say "+ registration $name"
    client=$(until_there CLIENT applications "displayName eq '$name'" 'value[0].appId')
fi
object=$(until_there OBJECT applications "displayName eq '$name'" 'value[0].id')
address=$(named "value[0].identifierUris[?@=='api://$client'] | [0]")
if [ -z "$address" ]; then
    patch "applications/$object" "{\"identifierUris\": [\"api://$client\"]}"
    say "+ address api://$client"
fi
allowed=$(named "value[0].api.preAuthorizedApplications[?appId=='$azure_cli'].appId | [0]")
if [ -z "$allowed" ]; then
    patch "applications/$object" "{\"api\": {\"preAuthorizedApplications\":
  [{\"appId\": \"$azure_cli\", \"delegatedPermissionIds\": [\"$scope\"]}]}}"
    say "+ the Azure CLI may ask for tokens"
fi
principal=$(by_filter servicePrincipals "appId eq '$client'" 'value[0].id')
if [ -z "$principal" ]; then
    post servicePrincipals "{\"appId\": \"$client\", \"appRoleAssignmentRequired\": true}"
    say "+ service principal, for assigned people only"
    principal=$(until_there PRINCIPAL servicePrincipals "appId eq '$client'" 'value[0].id')
fi
me=$(found rest --method get --url "$graph/me" --url-parameters "\$select=id" --query id --output tsv)
assigned=
[ "$principal" = PRINCIPAL ] || assigned=$(found rest --method get --url "$graph/servicePrincipals/$principal/appRoleAssignedTo" \
    --url-parameters "\$top=999" --query "value[?principalId=='$me'].id | [0]" --output tsv)
if [ -z "$assigned" ]; then
    post "servicePrincipals/$principal/appRoleAssignedTo" "{\"principalId\": \"$me\", \"resourceId\": \"$principal\",
  \"appRoleId\": \"00000000-0000-0000-0000-000000000000\"}"
    say "+ you may sign in"
fi
say "export OPERATORS_CLIENT_ID=$client"
