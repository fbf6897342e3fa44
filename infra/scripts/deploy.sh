#!/usr/bin/env bash
# deploy.sh [--tier watch|act] [--prune] [--what-if]
#
# Everything in order: checks what it needs, then infrastructure, permissions, code, event subscriptions, and the doctor.
# Each step makes only what is missing or different: run it again after a failure, or after any change, to go on. What is
# deployed is read from the environment, as infra/main.bicepparam says. --what-if changes nothing and prints what would
# be changed. --prune takes away Graph permissions beyond the tier.
#
# Permissions come before the code: an identity's token is kept for up to 24 hours, so one that the app gets before it
# has its permissions is without them for as long.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=b2c.sh
. "$(dirname "$0")/b2c.sh"

export RESPONDER_TIER=${RESPONDER_TIER:-watch}
options=()
prune=()
while [ $# -gt 0 ]; do
    case $1 in
        --tier)
            [ $# -gt 1 ] || misuse "--tier needs a value"
            RESPONDER_TIER=$2
            shift
            ;;
        --prune) prune=(--prune) ;;
        --what-if) dry=yes options=(--what-if) ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $1" ;;
    esac
    shift
done
case $RESPONDER_TIER in watch | act) ;; *) misuse "the tier is $RESPONDER_TIER: it should be watch or act" ;; esac

responder() { (cd "$repository" && ${RESPONDER:-.venv/bin/python -m responders} "$@"); }

preflight() {
    local name subscription signed_in
    for name in az git python3; do
        command -v "$name" >/dev/null || stop "$name was not found: install it, then run this again"
    done
    responder permissions --plain >"$scratch/declared" 2>&1 || stop "the responder's command line isn't set up. Either" \
        "make setup, or: python3.13 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.txt"
    cmp -s "$scratch/declared" "$scripts/permissions.txt" || stop "infra/scripts/permissions.txt isn't what the" \
        "declarations need: responder permissions --plain writes it anew"
    for name in OPERATORS_CLIENT_ID EMERGENCY_ACCOUNT_IDS ALERT_EMAIL; do
        [ -n "${!name:-}" ] || stop "$name is not set: infra/main.bicepparam reads it, and the README says what it is"
    done
    signed_in=$(az account show --query "[id, name, user.name]" --output tsv 2>/dev/null | tr '\t\n' '  ') ||
        stop "not logged in: az login, then az account set --subscription ID"
    subscription=${signed_in%% *}
    [ "${AZURE_SUBSCRIPTION_ID:-$subscription}" = "$subscription" ] || stop "az is set to the subscription $subscription and" \
        "AZURE_SUBSCRIPTION_ID is $AZURE_SUBSCRIPTION_ID: az account set --subscription $AZURE_SUBSCRIPTION_ID"
    say "deploying $deployment, tier $RESPONDER_TIER, to $location in $signed_in"
    providers "$subscription" Microsoft.EventGrid Microsoft.Insights Microsoft.KeyVault \
        Microsoft.ManagedIdentity Microsoft.OperationalInsights Microsoft.Storage Microsoft.Web
    for name in $(printf '%s' "${WATCHED_SUBSCRIPTION_IDS:-}" | tr ',' ' '); do
        providers "$name" Microsoft.EventGrid Microsoft.Insights
    done
}

# providers SUBSCRIPTION NAMESPACE…: registers what isn't registered yet.
providers() {
    local subscription=$1 namespace
    shift
    az provider list --subscription "$subscription" --query "[?registrationState=='Registered'].namespace" \
        --output tsv >"$scratch/registered"
    for namespace in "$@"; do
        ! grep -qix "$namespace" "$scratch/registered" || continue
        write provider register --namespace "$namespace" --subscription "$subscription" --wait
        say "+ resource provider $namespace in $subscription"
    done
}

infrastructure() {
    deploy infrastructure --name "$deployment" --location "$location" --parameters "$repository/infra/main.bicepparam"
}

# The settings need the ids of the responder in the B2C tenant, and its certificate needs the vault.
find_b2c() {
    local vault
    [ -n "${B2C_TENANT_ID:-}" ] || return 0
    if ! is_in_b2c; then
        if [ -z "${B2C_CLIENT_ID:-}" ] || [ -z "${B2C_RESPONDER_ID:-}" ]; then
            stop "not logged in to the B2C tenant $B2C_TENANT_ID. $(how_to_log_in)"
        fi
        say "B2C: not logged in there, its registration is left as it is"
        return
    fi
    read_b2c_ids
    vault=$(outputs vaultName)
    if [ -z "$vault" ]; then
        B2C_TENANT_ID='' infrastructure
        [ "$dry" = no ] || { say "B2C: would follow the infrastructure"; return; }
    fi
    "$scripts/grant.sh" --b2c ${prune[@]+"${prune[@]}"} ${options[@]+"${options[@]}"}
    read_b2c_ids
}

read_b2c_ids() {
    local ids
    ids=$(b2c_ids)
    if [ -n "$ids" ]; then export B2C_CLIENT_ID=${ids% *} B2C_RESPONDER_ID=${ids#* }; fi
}

# The doctor looks from within the app, whose timers have to have run once: it is asked again for a while.
doctor() {
    local values group app host looks=0
    values=$(needed resourceGroupName functionAppName functionAppHost)
    { read -r group; read -r app; read -r host; } <<<"$values"
    RESPONDER_KEY=$(az functionapp keys list --resource-group "$group" --name "$app" --query functionKeys.default --output tsv)
    RESPONDER_TOKEN=$(az account get-access-token --resource "api://$OPERATORS_CLIENT_ID" --query accessToken --output tsv) ||
        stop "no token for the operators' registration $OPERATORS_CLIENT_ID: infra/scripts/operators.sh makes one that the" \
            "Azure CLI may ask for; all else is deployed"
    export RESPONDER_KEY RESPONDER_TOKEN
    until responder doctor --app "https://$host" >"$scratch/report" 2>&1; do
        looks=$((looks + 1))
        if [ "$looks" -ge 15 ]; then
            cat "$scratch/report"
            stop "deployed, and the doctor isn't content: see its lines that aren't ok"
        fi
        say "doctor: not yet: $(tail -n 1 "$scratch/report")"
        sleep $((pause * 4))
    done
    cat "$scratch/report"
}

preflight
find_b2c
infrastructure
principal=$(outputs identityPrincipalId)
if [ "$dry" = yes ] && [ -z "$principal" ]; then
    say "then: permissions (see infra/scripts/permissions.txt), code, event subscriptions"
    exit
fi
say "permissions of the identity:"
"$scripts/grant.sh" ${prune[@]+"${prune[@]}"} ${options[@]+"${options[@]}"}
"$scripts/deploy-code.sh" ${options[@]+"${options[@]}"}
"$scripts/event-subscriptions.sh" ${options[@]+"${options[@]}"}
[ "$dry" = yes ] || doctor
