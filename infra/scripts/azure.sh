# What the deployment scripts share. Sourced by bash, not run.
#
# `set -e` doesn't reach into $(…) nor into what stands left of || and &&: functions that are used there say themselves
# what a failure means.
# shellcheck shell=bash disable=SC2034 # what is set here is used there

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scripts=$repository/infra/scripts
dry=no
pause=${RESPONDER_PAUSE:-15} # seconds between two looks at something that takes its time

environment=${AZURE_ENV_NAME:-prod}
location=${AZURE_LOCATION:-westeurope}
deployment=entra-responder-$environment
graph=${GRAPH_URL:-https://graph.microsoft.com}/v1.0

# A folder for files that az reads; removed at the end, whatever the end is.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { printf '%s\n' "$*"; }
stop() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
misuse() { printf '%s: %s; --help tells more\n' "$(basename "$0")" "$*" >&2; exit 2; }

# Prints the comment at the head of the script.
usage() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

# Another login than the usual one, where $login names its folder: the B2C tenant's.
login=
az() { if [ -n "$login" ]; then AZURE_CONFIG_DIR=$login command az "$@"; else command az "$@"; fi; }

# write AZ-ARGUMENTS…: runs az, or says what it would run.
write() {
    if [ "$dry" = no ]; then
        az "$@"
        return
    fi
    printf 'would run: %saz' "${login:+AZURE_CONFIG_DIR=$login }"
    printf ' %q' "$@"
    printf '\n'
}

# found AZ-ARGUMENTS…: prints what az says, and nothing where the thing isn't there (az exits with 3 then). In a list, az
# says None for what is null; here that is an empty line.
found() {
    local said status=0
    said=$(az "$@" 2>"$scratch/said") || status=$?
    case $status in
        0) [ -z "$said" ] || printf '%s\n' "$said" | sed 's/^None$//' ;;
        3) ;;
        *) cat "$scratch/said" >&2; return "$status" ;;
    esac
}

# outputs NAME…: outputs of infra/main.bicep, one a line, an empty line for one that isn't there; lists with commas. Azure
# Developer CLI gives them as variables of these names; else they are read from the deployment that deploy.sh made.
outputs() {
    local name query='' missing=no
    for name in "$@"; do
        [ -n "${!name:-}" ] || missing=yes
        # Lists come as one text; what isn't there as the word None.
        query="$query${query:+, }properties.outputs.$name.value | (type(@) == 'array' && join(',', @)) || @"
    done
    if [ "$missing" = no ]; then
        for name in "$@"; do printf '%s\n' "${!name}" | tr -d '[]" '; done
        return
    fi
    found deployment sub show --name "$deployment" --query "[$query]" --output tsv
}

# needed NAME…: the same, and stops where one is missing.
needed() {
    local values
    values=$(outputs "$@") || exit
    [ "$(printf '%s\n' "$values" | grep -c .)" -eq $# ] ||
        stop "outputs are missing ($*): deploy the infrastructure first (infra/scripts/deploy.sh or azd provision)"
    printf '%s\n' "$values"
}

# deploy WHAT AZ-ARGUMENTS…: a deployment in the subscription, made only where it would change something.
deploy() {
    local what=$1 changes
    shift
    if [ "$dry" = yes ]; then
        say "$what: what would change:"
        az deployment sub what-if "$@" --exclude-change-types NoChange Ignore
        return
    fi
    changes=$(az deployment sub what-if "$@" --no-pretty-print --output tsv \
        --query "length((changes || \`[]\`)[?changeType != 'NoChange' && changeType != 'Ignore'])")
    if [ "$changes" = 0 ]; then
        say "$what: as it should be"
        return
    fi
    say "$what: $changes resources to make or change; this takes some minutes"
    az deployment sub create "$@" --output none
    say "$what: done"
}

# by_filter COLLECTION FILTER QUERY: what a Graph collection has that meets a filter.
by_filter() {
    found rest --method get --url "$graph/$1" --url-parameters "\$filter=$2" --query "$3" --output tsv
}

# post PATH JSON: makes something in Graph. What was just made shows late, and a second try may find that the first took.
post() {
    local tries=0
    until write rest --method post --url "$graph/$1" --headers Content-Type=application/json --body "$2" --output none \
        2>"$scratch/refusal"; do
        ! grep -q 'already exists' "$scratch/refusal" || return 0
        tries=$((tries + 1))
        if [ "$tries" -ge 20 ] || ! grep -Eq "$not_yet" "$scratch/refusal"; then
            cat "$scratch/refusal" >&2
            return 1
        fi
        sleep "$pause"
    done
}
not_yet='Not a valid reference update|ResourceNotFound|does not exist|does not reference a valid application'

# until_there PLACEHOLDER COLLECTION FILTER QUERY: looks until Graph shows what was just made.
until_there() {
    local placeholder=$1 value looks=0
    shift
    if [ "$dry" = yes ]; then
        printf '%s\n' "$placeholder"
        return
    fi
    while :; do
        value=$(by_filter "$@") || return
        [ -z "$value" ] || break
        looks=$((looks + 1))
        [ "$looks" -lt 20 ] || stop "Graph doesn't show what was just made ($1, $2): run this again"
        sleep "$pause"
    done
    printf '%s\n' "$value"
}
