# What the deployment scripts share: az, and how its answers are read. Sourced by bash, not run.
#
# `set -e` doesn't reach into $(…) nor into what stands left of || and &&: functions that are used there say themselves
# what a failure means.
# shellcheck shell=bash disable=SC2034 # what is set here is used there

repository=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
scripts=$repository/infra/scripts
dry=no
pause=${RESPONDER_PAUSE:-15} # seconds between two looks at something that takes its time

environment=${AZURE_ENV_NAME:-prod}
location=${AZURE_LOCATION:-westeurope}
deployment=entra-responder-$environment
kept_outputs=$deployment.outputs # with a dot, which no environment's name has

# A folder for files that az reads; removed at the end, whatever the end is.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { printf '%s\n' "$*"; }
stop() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
misuse() { printf '%s: %s; --help says more\n' "$(basename "$0")" "$*" >&2; exit 2; }

# Prints the comment at the head of the script.
usage() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

# The program az, and not the function of that name below, which would hide that there is none.
has_az() { type -P az >/dev/null; }
needs_az() { has_az || stop "az was not found: install the Azure CLI, then run this again"; }

# only_what_if ARGUMENTS…: reads the arguments of a script that takes --what-if and no other.
only_what_if() {
    local argument
    for argument in "$@"; do
        case $argument in
            --what-if) dry=yes ;;
            -h | --help) usage; exit ;;
            *) misuse "unknown argument $argument" ;;
        esac
    done
}

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

# found AZ-ARGUMENTS…: prints what az says, and nothing where the thing isn't there: az exits with 3 then, and az rest
# with 1 and these words. In a list, az says None for what is null; here that is an empty line.
found() {
    local said status=0
    az "$@" >"$scratch/found" 2>"$scratch/said" || status=$?
    if [ "$status" = 3 ] || { [ "$status" = 1 ] && [ "$1" = rest ] && grep -q '^ERROR: Not Found(' "$scratch/said"; }; then
        return 0
    fi
    [ "$status" = 0 ] || { cat "$scratch/said" >&2; return "$status"; }
    IFS= read -r -d '' said <"$scratch/found" || : # there is no NUL at its end
    while [ "$said" != "${said%$'\n'}" ]; do said=${said%$'\n'}; done
    [ -z "$said" ] || without_none "$said"
}

# without_none TEXT: prints its lines, an empty one for each None.
without_none() {
    local line
    while IFS= read -r line; do
        if [ "$line" = None ]; then line=; fi
        printf '%s\n' "$line"
    done <<<"$1"
}

# again COMMAND AZ-ARGUMENTS…: runs az, write or found, and for a while once more where Azure isn't ready yet: what was
# just deployed isn't everywhere at once.
again() {
    local tries=0
    until "$@" 2>"$scratch/not-ready"; do
        tries=$((tries + 1))
        if [ "$tries" -ge 20 ] || ! grep -Eiq "$not_ready" "$scratch/not-ready"; then
            cat "$scratch/not-ready" >&2
            return 1
        fi
        sleep "$pause"
    done
}
not_ready='ServiceUnavailable|Service Unavailable|host runtime|Bad ?Gateway|Gateway ?Time-?out|TooManyRequests|PrincipalNotFound'
not_ready="$not_ready|AnotherOperationInProgress|RoleDefinitionDoesNotExist"

# outputs NAME…: outputs of infra/main.bicep, one a line, an empty line for one that isn't there; lists with commas. Azure
# Developer CLI gives them as variables of these names; else they are read from the deployment that deploy.sh made. One that
# failed or is still running has none: those of the last that succeeded hold then.
outputs() {
    local name said missing=no of_a_list='[][" ]'
    for name in "$@"; do
        [ -n "${!name:-}" ] || missing=yes
    done
    if [ "$missing" = no ]; then
        for name in "$@"; do
            said=${!name}
            printf '%s\n' "${said//$of_a_list/}"
        done
        return
    fi
    said=$(outputs_in "$deployment" properties.outputs "$@") || return
    [ -n "$said" ] || said=$(outputs_in "$kept_outputs" properties.outputs.all.value "$@") || return
    [ -z "$said" ] || printf '%s\n' "$said"
}

# outputs_in DEPLOYMENT PATH NAME…: the same, from one deployment, in which they are at this path.
outputs_in() {
    local from=$1 path=$2 name query=''
    shift 2
    # Lists come as one text; what isn't there as the word None.
    for name in "$@"; do query="$query${query:+, }$path.$name.value | (type(@) == 'array' && join(',', @)) || @"; done
    found deployment sub show --name "$from" --query "[$query]" --output tsv
}

# keep_outputs: after a deployment that succeeded, as a deployment of its own that makes nothing.
keep_outputs() {
    local given
    given=$(again az deployment sub show --name "$deployment" --query properties.outputs --output json) || return
    again az deployment sub create --name "$kept_outputs" --location "$location" --output none \
        --template-file "$scripts/outputs.json" --parameters "outputs=$given"
}

# hand_on_outputs: has the scripts that are called from now on find the outputs as variables, so that none looks them up.
hand_on_outputs() {
    local names=(resourceGroupName functionAppName functionAppHost functionAppId identityPrincipalId actionGroupId topicIds
        subscriptionIds eventSubscriptionPrefix eventSubscriptionNames) name value
    outputs "${names[@]}" >"$scratch/outputs" || return
    for name in "${names[@]}"; do
        IFS= read -r value || value=
        export "$name=$value"
    done <"$scratch/outputs"
}

# needed NAME…: the same as outputs, and stops where one is missing.
needed() {
    local values value there=0
    values=$(outputs "$@") || exit
    while IFS= read -r value; do [ -z "$value" ] || there=$((there + 1)); done <<<"$values"
    [ "$there" -eq $# ] ||
        stop "outputs are missing ($*): deploy the infrastructure first (infra/scripts/deploy.sh or azd provision)"
    printf '%s\n' "$values"
}

# lines LIST: what stands between commas, a line each.
lines() {
    local parts part
    IFS=$',\n' read -r -d '' -a parts <<<"$1" || : # there is no NUL at its end
    for part in ${parts[@]+"${parts[@]}"}; do [ -z "$part" ] || printf '%s\n' "$part"; done
}

# lower TEXT: Azure's ids mean the same in either case.
lower() {
    if [ "${BASH_VERSINFO[0]}" -ge 4 ]; then
        printf '%s' "${1,,}"
    else # macOS has an older one
        printf '%s' "$1" | tr '[:upper:]' '[:lower:]'
    fi
}

# Runs the responder's command line.
responder() { (cd "$repository" && ${RESPONDER:-.venv/bin/python -m responders} "$@"); }
