#!/usr/bin/env bash
# receivers.sh [--test] [--once]
#
# Tells who hears of trouble with the responder itself, and whether Azure delivers to them: an e-mail address has to be
# confirmed first, by the code in a mail that Azure sends it. --test sends each of them a test notification. --once asks
# for that, if somebody is at the terminal, and no more once it was sent in this installation.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
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
values=$(needed resourceGroupName actionGroupId)
{ read -r group; read -r action_group; } <<<"$values"
name=${action_group##*/}
record=entra-responder-notified

# receivers KIND QUERY: those of one kind.
receivers() {
    az monitor action-group show --resource-group "$group" --name "$name" --query "${1}Receivers[].[$2]" --output tsv
}
receivers email "name, emailAddress, status" >"$scratch/mails"
receivers armRole "name, roleId" >"$scratch/roles"
receivers sms "name, countryCode, phoneNumber, status" >"$scratch/texts"
receivers voice "name, countryCode, phoneNumber" >"$scratch/calls"

# Each receiver once for people and once as az takes it.
actions=()
while IFS=$'\t' read -r who address status; do
    case $status in
        Enabled) say "alerts go to $address" ;;
        *) say "! alerts go to $address once that is confirmed ($status): Azure sent a mail with a code, good for 30 minutes;" \
            "saving the action group in the portal sends another" ;;
    esac
    actions+=(--add-action email "$who" "$address" usecommonalertschema)
done <"$scratch/mails"
while IFS=$'\t' read -r who role; do
    say "alerts go by e-mail to the $who"
    actions+=(--add-action armrole "$who" "$role" usecommonalertschema)
done <"$scratch/roles"
while IFS=$'\t' read -r who country number status; do
    say "alerts go as text messages to +$country $number ($status)"
    actions+=(--add-action sms "$who" "$country" "$number")
done <"$scratch/texts"
while IFS=$'\t' read -r who country number; do
    say "alerts go as calls to +$country $number"
    actions+=(--add-action voice "$who" "$country" "$number")
done <"$scratch/calls"
[ "${#actions[@]}" -gt 0 ] || stop "nobody hears of trouble with the responder: the action group $name has no receiver"

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
az monitor action-group test-notifications create --resource-group "$group" --action-group "$name" \
    --alert-type logalertv2 "${actions[@]}" --output none
record "$record" "$name"
say "a test notification is on its way to each of them: ask whether it came"
