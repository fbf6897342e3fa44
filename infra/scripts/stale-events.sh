#!/usr/bin/env bash
# stale-events.sh [--what-if]
#
# Takes away event subscriptions of this installation that it no longer has: with fewer operations to look for there are
# fewer of them, and a deployment never takes one away.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=locks.sh
. "$scripts/locks.sh"

only_what_if "$@"
needs_az
values=$(needed eventSubscriptionPrefix eventSubscriptionNames topicIds)
{ read -r prefix; read -r names; read -r topics; } <<<"$values"
lines "$names" >"$scratch/names"

for topic in $(lines "$topics"); do
    event_subscriptions "$topic" "$prefix" >"$scratch/there"
    while read -r event_subscription; do
        ! grep -qx "$event_subscription" "$scratch/names" || continue
        unlocked "$topic" take_event_subscription "$topic" "$event_subscription"
    done <"$scratch/there"
done
