#!/usr/bin/env bash
# quiet.sh on|off [--what-if]
#
# A deployment makes many changes that the alert `responder-changed` would raise one by one. on: an alert processing rule
# keeps it quiet for an hour at most, in the installation's resource group and in those of watched subscriptions. off:
# takes the rule away. Where $RESPONDER_RUN names a deployment, the rule of another one stays as it is. The alert `alerts-silenced-in-subscription` tells of it, and nothing keeps that one quiet.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=locks.sh
. "$scripts/locks.sh"

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

# in_an_hour: a time as the rule takes it, in UTC and without a letter for that, by GNU's date or by that of macOS.
in_an_hour() {
    date -u -d '1 hour' +%Y-%m-%dT%H:%M:%S 2>/dev/null || date -u -v +1H +%Y-%m-%dT%H:%M:%S
}

# rule true|false UNTIL: the rule as Azure takes it.
rule() {
    cat <<TEXT
{ "location": "Global", "properties": { "enabled": $1, "scopes": ["$scope"],
    "description": "A deployment of the responder is under way${RESPONDER_RUN:+ ($RESPONDER_RUN)}.",
    "conditions": [{"field": "AlertRuleName", "operator": "Equals", "values": ["responder-changed"]}],
    "schedule": {"effectiveUntil": "$2", "timeZone": "UTC"},
    "actions": [{"actionType": "RemoveAllActionGroups"}] }}
TEXT
}
put_rule() {
    local until
    until=$(in_an_hour) || stop "the time in an hour can't be found out, and a rule without an end would keep quiet for ever"
    write rest --method put --url "$url" --headers Content-Type=application/json --output none --body "$(rule "$1" "$until")"
}

# Under somebody's lock Azure deletes nothing: the rule is switched off then, which comes to the same.
take_rule() {
    if write rest --method delete --url "$url" --output none 2>"$scratch/refused"; then return; fi
    grep -q ScopeLocked "$scratch/refused" || { cat "$scratch/refused" >&2; return 1; }
    put_rule false
    say "! alerts: the rule that kept changes in $subscription quiet is switched off and stays there: Azure deletes nothing" \
        "under the lock $(locks_above "$scope" | in_a_row)"
}

# Whether another deployment keeps alerts quiet at the moment, which then stays as it is.
is_anothers() {
    [ -n "${RESPONDER_RUN:-}" ] && [ "$is_on" = true ] && [[ $made_by != *"($RESPONDER_RUN)"* && $ends > $now ]]
}

now=$(date -u +%Y-%m-%dT%H:%M:%S)
changed=no
subscriptions=$(deployed_subscriptions)
for subscription in $subscriptions; do
    whose=$(whose "$subscription")
    [ "$whose" = ours ] || continue
    scope=/subscriptions/$subscription/resourceGroups/$group
    url="$scope/providers/Microsoft.AlertsManagement/actionRules/entra-responder-deployment?api-version=2021-08-08"
    found rest --method get --url "$url" --output tsv \
        --query "properties.[to_string(enabled), schedule.effectiveUntil, description]" >"$scratch/rule"
    { read -r is_on; read -r ends; read -r made_by; } < <(cat "$scratch/rule"; echo; echo; echo)
    if is_anothers; then
        say "! alerts: another deployment keeps changes in $subscription quiet until $ends UTC (or one that was killed); quiet.sh" \
            "off ends that"
        continue
    fi
    if [ "$wish" = on ]; then
        put_rule true
    elif [ -z "$is_on" ]; then
        continue
    else
        take_rule || exit
    fi
    changed=yes
done
case $changed$wish in
    yeson) say "alerts: changes to the responder raise none until the deployment is done, for an hour at most" ;;
    yesoff) say "alerts: changes to the responder raise them again" ;;
esac
