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

group=$(needed resourceGroupName)
app=$(needed functionAppName)
app_id=$(needed functionAppId)
topic=$(needed topicName)
dead_letters=$(needed deadLetterAccountId)
subscriptions=$(needed subscriptionIds | sed 's/.*/"&"/' | paste -sd, -)

# A function shows some time after its code was deployed.
looks=0
until [ -n "$(found functionapp function show --resource-group "$group" --name "$app" \
    --function-name subscription_events --query id --output tsv)" ]; do
    [ "$dry" = no ] || { say "events: would follow the code, which isn't deployed yet"; exit; }
    looks=$((looks + 1))
    [ "$looks" -lt 40 ] || stop "the app has no function subscription_events: deploy the code (deploy-code.sh);" \
        "an app that doesn't start says in its log which setting is wrong"
    sleep "$pause"
done

deploy events --name "$deployment-events" --location "$location" \
    --template-file "$repository/infra/modules/events.bicep" --parameters \
    "subscriptionIds=[$subscriptions]" "groupName=$group" "topicName=$topic" \
    "functionAppId=$app_id" "deadLetterAccountId=$dead_letters"
