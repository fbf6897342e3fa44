#!/usr/bin/env bash
# receivers.sh [--test] [--once]
#
# Lists who hears of trouble with the responder itself and of changes to it, in each watched subscription, and whether Azure
# delivers to them: an e-mail address has to be confirmed first, by the code in a mail that Azure sends it. --test sends each
# of them a test notification and prints what Azure says became of it. --once asks for that, if somebody is at the terminal,
# and no more once all of it was delivered in this installation.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=record.sh
. "$scripts/record.sh"

test=no once=no
for argument in "$@"; do
    case $argument in
        --test) test=yes ;;
        --once) once=yes ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done
needs_az
values=$(needed resourceGroupName actionGroupId subscriptionIds)
{ read -r group; read -r main; read -r subscriptions; } <<<"$values"
record=entra-responder-notified

# find_action_groups: the installation's action groups, a line each with the subscription, the one that hears of trouble first.
find_action_groups() {
    local subscription whose name
    printf '%s\t%s\n' "$(part "$main" 2)" "${main##*/}"
    for subscription in $(lines "$subscriptions" | once); do
        whose=$(whose "$subscription") || return
        [ "$whose" = ours ] || continue
        found monitor action-group list --resource-group "$group" --subscription "$subscription" --output tsv \
            --query "[?tags.\"entra-responder-home\"].name" >"$scratch/names" || return
        while read -r name; do
            [ "$(lower "$name")" = "$(lower "${main##*/}")" ] || printf '%s\t%s\n' "$subscription" "$name"
        done <"$scratch/names"
    done
}

# read_receivers SUBSCRIPTION NAME: a line each: how, who, and what az needs to reach them, with - for what isn't there.
read_receivers() {
    az monitor action-group show --resource-group "$group" --subscription "$1" --name "$2" --output tsv --query \
        "[emailReceivers[].['email', name, emailAddress, status], armRoleReceivers[].['armrole', name, roleId, '-'],
          smsReceivers[].['sms', name, countryCode, phoneNumber, status],
          voiceReceivers[].['voice', name, countryCode, phoneNumber]][]" | sed '/^None$/d' >"$scratch/receivers"
}

# tell_receivers ABOUT: says who hears of that.
tell_receivers() {
    local how who to rest status
    while IFS=$'\t' read -r how who to rest status; do
        case $how:$rest in
            email:Enabled) say "$1 go to $to" ;;
            email:*) say "! $1 go to $to once that is confirmed ($rest): Azure sent a mail with a code, good for 30" \
                "minutes; saving the action group in the portal sends another" ;;
            armrole:*) say "$1 go by e-mail to the $who" ;;
            sms:*) say "$1 go as text messages to +$to $rest ($status)" ;;
            voice:*) say "$1 go as calls to +$to $rest" ;;
        esac
    done <"$scratch/receivers"
}

# about SUBSCRIPTION NAME: what an action group hears of.
about() { if [ "$2" = "${main##*/}" ]; then printf alerts; else printf 'alerts on changes in %s' "$1"; fi; }

# is_one_address: whether one e-mail address alone hears.
is_one_address() {
    local how another=''
    { read -r how _; read -r another || :; } <"$scratch/receivers"
    [ "$how" = email ] && [ -z "$another" ]
}

# notify SUBSCRIPTION NAME: sends each receiver of an action group a test notification. Fails where not all of it was delivered.
notify() {
    local how who to rest status detail kind=activitylog well=yes actions=()
    while IFS=$'\t' read -r how who to rest status; do
        case $how in
            email | armrole) actions+=(--add-action "$how" "$who" "$to" usecommonalertschema) ;;
            *) actions+=(--add-action "$how" "$who" "$to" "$rest") ;;
        esac
    done <"$scratch/receivers"
    [ "$2" != "${main##*/}" ] || kind=logalertv2
    az monitor action-group test-notifications create --resource-group "$group" --subscription "$1" --action-group "$2" \
        --alert-type "$kind" "${actions[@]}" --output tsv --query \
        "actionDetails[].[MechanismType || mechanismType, Name || name, Status || status, Detail || detail]" >"$scratch/delivered"
    [ -s "$scratch/delivered" ] || { say "! $2: Azure doesn't say what became of the test notifications"; return 1; }
    while IFS=$'\t' read -r how who status detail; do
        if [ "$status" = Succeeded ]; then
            say "test notification ($how) to $who: $status"
        else
            say "! test notification ($how) to $who: $status, $detail"
            well=no
        fi
    done <"$scratch/delivered"
    [ "$well" = yes ]
}

find_action_groups >"$scratch/groups"
while read -r subscription name; do
    read_receivers "$subscription" "$name"
    tell_receivers "$(about "$subscription" "$name")"
    [ -s "$scratch/receivers" ] || stop "nobody hears of $(about "$subscription" "$name"): the action group $name has no receiver"
    if [ "$name" = "${main##*/}" ] && is_one_address; then
        say "! one e-mail address alone hears of trouble with the responder, and a mail may get lost: add another person or a" \
            "telephone number (alertEmails, alertPhones, alertCalls) or the owners (alertOwners) in infra/main.bicepparam"
    fi
done <"$scratch/groups"

if [ "$once" = yes ] && [ "$test" = no ]; then
    sent=$(recorded "$record")
    [ -z "$sent" ] || exit 0
    if [ -t 0 ]; then
        # Whoever went for a coffee keeps nothing waiting.
        read -r -t "${RESPONDER_ANSWER_SECONDS:-120}" -p "Send them a test notification now? [Y/n] " answer || answer=no
        case $answer in '' | [yY]*) test=yes ;; esac
    fi
    [ "$test" = yes ] || say "! no test notification was sent yet: infra/scripts/receivers.sh --test"
fi
[ "$test" = yes ] || exit 0

delivered=yes
while read -r subscription name; do
    [ "$name" = "${main##*/}" ] || sleep $((pause * 2)) # Azure sends an address two of these a minute
    read_receivers "$subscription" "$name"
    notify "$subscription" "$name" || delivered=no
done <"$scratch/groups"
if [ "$delivered" = no ]; then
    say "! not every test notification was delivered: mend that, then infra/scripts/receivers.sh --test"
    [ "$once" = yes ] || exit 1
    exit 0
fi
record "$record" "$(cut -f 2 "$scratch/groups" | sort -u | paste -s -d , -)"
say "each of them was sent a test notification: ask whether it came"
