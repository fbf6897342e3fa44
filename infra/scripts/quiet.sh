#!/usr/bin/env bash
# quiet.sh on|off [--what-if]
#
# A deployment makes many changes that the alert `responder-changed` would tell one by one. on: an alert processing rule
# keeps it quiet for an hour at most, in the installation's resource group and in those of watched subscriptions. off:
# takes the rule away. The alert `alerts-silenced-in-subscription` tells of it, and nothing keeps that one quiet.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"

wish=
for argument in "$@"; do
    case $argument in
        on | off) wish=$argument ;;
        --what-if) dry=yes ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done
[ -n "$wish" ] || misuse "on or off?"
needs_az
read_installation

# in_an_hour: a time as the rule takes it, in UTC and without a letter for that; date differs between systems.
in_an_hour() {
    python3 -c 'import datetime as d; print(f"{d.datetime.now(d.UTC) + d.timedelta(hours=1):%Y-%m-%dT%H:%M:%S}")'
}

changed=no
subscriptions=$(deployed_subscriptions)
for subscription in $subscriptions; do
    whose=$(whose "$subscription")
    [ "$whose" = ours ] || continue
    scope=/subscriptions/$subscription/resourceGroups/$group
    url="$scope/providers/Microsoft.AlertsManagement/actionRules/entra-responder-deployment?api-version=2021-08-08"
    if [ "$wish" = off ]; then
        rule=$(found rest --method get --url "$url" --query id --output tsv)
        [ -n "$rule" ] || continue
        write rest --method delete --url "$url" --output none
    else
        write rest --method put --url "$url" --headers Content-Type=application/json --output none --body "{
  \"location\": \"Global\", \"properties\": { \"enabled\": true, \"scopes\": [\"$scope\"],
    \"description\": \"A deployment of the responder is under way.\",
    \"conditions\": [{\"field\": \"AlertRuleName\", \"operator\": \"Equals\", \"values\": [\"responder-changed\"]}],
    \"schedule\": {\"effectiveUntil\": \"$(in_an_hour)\", \"timeZone\": \"UTC\"},
    \"actions\": [{\"actionType\": \"RemoveAllActionGroups\"}] }}"
    fi
    changed=yes
done
case $changed$wish in
    yeson) say "alerts: nothing is told of changes to the responder for an hour at most, until the deployment is done" ;;
    yesoff) say "alerts: changes to the responder are told again" ;;
esac
