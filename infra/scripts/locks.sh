# The locks named "keep", which keep anybody from deleting what matters by one click, and also what hangs on it: Azure
# refuses to take away a role assignment or an event subscription under one. Sourced by bash after azure.sh and
# installation.sh, not run.
# shellcheck shell=bash disable=SC2154 # set in azure.sh and installation.sh

# locked SUBSCRIPTION GROUP: ids of what is locked in a resource group.
locked() {
    found lock list --resource-group "$2" --subscription "$1" --query "[?name == 'keep'].id" --output tsv >"$scratch/locks" || return
    sed 's|/providers/Microsoft.Authorization/locks/keep$||' "$scratch/locks"
}

# locked_over SCOPE: what is locked of that which a scope is or lies in.
locked_over() {
    local each scope
    scope=$(lower "$1/")
    locked "$(part "$1" 2)" "$(part "$1" 4)" >"$scratch/locked" || return
    while read -r each; do
        case $scope in "$(lower "$each")/"*) printf '%s\n' "$each" ;; esac
    done <"$scratch/locked"
}

# unlock ID… All of one subscription, which is said, since az goes by all of a lock's id but that.
unlock() {
    local each locks=()
    [ $# -gt 0 ] || return 0
    for each in "$@"; do locks+=("$each/providers/Microsoft.Authorization/locks/keep"); done
    write lock delete --ids "${locks[@]}" --subscription "$(part "$1" 2)" --output none || return
    for each in "$@"; do say "- lock on ${each##*/}"; done
}

# lock_again ID…: as infra/main.bicep has it, which a later deployment puts right in all else.
lock_again() {
    local each
    for each in "$@"; do
        write lock create --name keep --lock-type CanNotDelete --resource "$each" --subscription "$(part "$each" 2)" --output none || return
        say "+ lock on ${each##*/}"
    done
}

# unlocked SCOPE COMMAND…: runs the command with the locks over a scope lifted, and locks again whatever the end is.
unlocked() {
    local over status=0
    over=$(locked_over "$1") || return
    shift
    # shellcheck disable=SC2086 # a list; ids have no blanks
    unlock $over || return
    "$@" || status=$?
    # shellcheck disable=SC2086
    lock_again $over || {
        say "! not locked again: $over. Deploy again."
        return 1
    }
    return "$status"
}

# unlock_group SUBSCRIPTION: everything in the installation's resource group there.
unlock_group() {
    local each
    each=$(locked "$1" "$group") || return
    # shellcheck disable=SC2086 # a list; ids have no blanks
    unlock $each
}

# locks_above SCOPE: ids of the locks on a resource group or above it, one a line. None of them is ours, and under one Azure
# deletes nothing.
locks_above() {
    found rest --method get --url "$1/providers/Microsoft.Authorization/locks?api-version=2020-05-01&\$filter=atScope()" \
        --query "value[].id" --output tsv
}

# in_a_row: lines of standard input with commas between.
in_a_row() { paste -sd , - | sed 's/,/, /g'; }
