# How the app is asked over HTTP. Sourced by bash after azure.sh, not run.
# shellcheck shell=bash disable=SC2154 # set in azure.sh

# app_access GROUP APP: sets the function key and the token that `responder doctor --app` takes from the environment.
app_access() {
    RESPONDER_KEY=$(again az functionapp keys list --resource-group "$1" --name "$2" --query functionKeys.default --output tsv) ||
        stop "the app's function key can't be read: an app that doesn't start says in its log why, and one with" \
            "operatorAddressRanges may keep Azure itself out"
    RESPONDER_TOKEN=$(az account get-access-token --resource "api://$OPERATORS_CLIENT_ID" --query accessToken --output tsv) ||
        stop "no token for the operators' registration $OPERATORS_CLIENT_ID: infra/scripts/operators.sh makes one that the" \
            "Azure CLI may ask for; all else is deployed"
    export RESPONDER_KEY RESPONDER_TOKEN
}
