#!/usr/bin/env bash
# deploy-code.sh [--what-if] [--force]
#
# Packs the code (the tracked files that .funcignore leaves) and deploys it to the function app, where Azure installs
# requirements.txt. Nothing is done when the app has this very code, going by the deployment `entra-responder-code` of its
# resource group, which this script leaves behind, and by whether it has any function: an app that was made anew has none.
# --force deploys all the same: use it after code went there in another way.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=azure.sh
. "$(dirname "$0")/azure.sh"
# shellcheck source-path=SCRIPTDIR source=record.sh
. "$scripts/record.sh"
# shellcheck source-path=SCRIPTDIR source=code.sh
. "$scripts/code.sh"

force=no
for argument in "$@"; do
    case $argument in
        --what-if) dry=yes ;;
        --force) force=yes ;;
        -h | --help) usage; exit ;;
        *) misuse "unknown argument $argument" ;;
    esac
done
needs_az

values=$(needed resourceGroupName functionAppName)
{ read -r group; read -r app; } <<<"$values"
package=$(python3 "$scripts/package.py" "$scratch/package.zip")
there=$(recorded entra-responder-code)

if [ "$there" = "$package" ] && [ "$force" = no ] && has_functions "$group" "$app"; then
    say "code: as it should be"
    exit
fi
if [ "$dry" = yes ]; then
    say "code: would be deployed to $app (it has ${there:-none}, this is $package)"
    exit
fi
say "code: deploying to $app; this takes some minutes"
again az functionapp deployment source config-zip --resource-group "$group" --name "$app" --src "$scratch/package.zip" \
    --build-remote true --output none
record entra-responder-code "$package"
say "code: done"
