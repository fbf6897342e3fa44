#!/usr/bin/env bash
# after-code.sh
#
# What follows the code when Azure Developer CLI deploys: the same as deploy.sh does then, up to the doctor.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=installation.sh
. "$scripts/installation.sh"
# shellcheck source-path=SCRIPTDIR source=code.sh
. "$scripts/code.sh"
# shellcheck source-path=SCRIPTDIR source=passes.sh
. "$scripts/passes.sh"

for argument in "$@"; do
    case $argument in
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done
needs_az
trap '"$scripts/quiet.sh" off; rm -rf "$scratch"' EXIT

"$scripts/stale-events.sh"
export RESPONDER_HEARTBEATS=${RESPONDER_HEARTBEATS:-true} EVIDENCE_LOCK=${EVIDENCE_LOCK:-Unlocked}
asked_heartbeats=${ASKED_HEARTBEATS:-$RESPONDER_HEARTBEATS}
asked_evidence_lock=${ASKED_EVIDENCE_LOCK:-$EVIDENCE_LOCK}
second_pass
# azd deploys with what was asked for from now on.
azd env set RESPONDER_HEARTBEATS "$asked_heartbeats"
azd env set EVIDENCE_LOCK "$asked_evidence_lock"
azd env set ASKED_HEARTBEATS ""
azd env set ASKED_EVIDENCE_LOCK ""
"$scripts/canary.sh"
"$scripts/receivers.sh" --once
"$scripts/doctor.sh" || say "Not everything is as it should be. The timers have to have run once: run infra/scripts/doctor.sh in some minutes."
