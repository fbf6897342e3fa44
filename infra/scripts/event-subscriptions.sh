#!/usr/bin/env bash
# event-subscriptions.sh [--what-if]
#
# Has Event Grid send changes of Azure roles to the app, from every watched subscription (infra/modules/events.bicep).
# Comes after the code: Event Grid asks whether the function is there. It fetches the function's key itself.
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

values=$(needed resourceGroupName functionAppName functionAppId topicName deadLetterAccountId subscriptionIds)
{ read -r group; read -r app; read -r app_id; read -r topic; read -r dead_letters; read -r subscriptions; } <<<"$values"

# A function shows some time after its code was deployed.
looks=0
while :; do
    shown=$(found functionapp function show --resource-group "$group" --name "$app" \
        --function-name subscription_events --query id --output tsv)
    [ -z "$shown" ] || break
    [ "$dry" = no ] || { say "events: would follow the code, which isn't deployed yet"; exit; }
    looks=$((looks + 1))
    [ "$looks" -lt 40 ] || stop "the app has no function subscription_events: deploy the code (deploy-code.sh);" \
        "an app that doesn't start says in its log which setting is wrong"
    sleep "$pause"
done

deploy events --name "$deployment-events" --location "$location" \
    --template-file "$repository/infra/modules/events.bicep" --parameters \
    "subscriptionIds=[\"$(printf '%s' "$subscriptions" | sed 's/,/","/g')\"]" "groupName=$group" "topicName=$topic" \
    "functionAppId=$app_id" "deadLetterAccountId=$dead_letters"
