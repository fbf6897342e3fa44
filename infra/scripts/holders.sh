# Who holds the installation's role assignments. Sourced by bash after azure.sh and installation.sh, not run.
# shellcheck shell=bash disable=SC2154 # set in azure.sh and installation.sh

# read_holders SUBSCRIPTION…: notes the object ids of the installation's identity and of the topics' identities there.
read_holders() {
    local each
    found identity list --resource-group "$group" --query "[].principalId" --output tsv >"$scratch/holders" || return
    for each in "$@"; do
        topics "$each" >"$scratch/topics" || return
        cut -f 2 "$scratch/topics" >>"$scratch/holders"
    done
}

# holder_is OBJECT-ID: ours, gone, or theirs: a principal that the directory knows and that is none of those noted. Fails where
# the directory can't be asked.
holder_is() {
    local status=0
    if grep -qix "$1" "$scratch/holders"; then
        printf ours
        return
    fi
    az ad sp show --id "$1" --output none 2>"$scratch/said" || status=$?
    case $status in
        0) printf theirs ;;
        3) printf gone ;;
        *)
            cat "$scratch/said" >&2
            printf '%s: whether the principal %s still exists could not be told\n' "$(basename "$0")" "$1" >&2
            return 1
            ;;
    esac
}
