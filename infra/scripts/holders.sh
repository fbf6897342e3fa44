# Who holds the installation's role assignments. Sourced by bash after azure.sh and installation.sh, not run.
# shellcheck shell=bash disable=SC2154 # set in azure.sh and installation.sh

# read_holders SUBSCRIPTION…: notes the object ids of the installation's identity and of the topics' identities there.
read_holders() {
    local each
    found identity list --resource-group "$group" --query "[].principalId" --output tsv >"$scratch/identities" || return
    sed 's/$/\tidentity/' "$scratch/identities" >"$scratch/holders"
    for each in "$@"; do
        topics "$each" >"$scratch/topics" || return
        cut -f 2 "$scratch/topics" | sed 's/$/\ttopic/' >>"$scratch/holders"
    done
}

# kind_of_holder OBJECT-ID: identity or topic; nothing for one that wasn't noted.
kind_of_holder() { awk -F '\t' -v id="$(lower "$1")" 'tolower($1) == id { print $2; exit }' "$scratch/holders"; }

# holder_is OBJECT-ID: ours, gone, or theirs: a principal that the directory knows and that is none of those noted. Fails where
# the directory can't be asked.
holder_is() {
    local status=0
    if [ -n "$(kind_of_holder "$1")" ]; then
        printf ours
        return
    fi
    az ad sp show --id "$1" --output none 2>"$scratch/said" || status=$?
    case $status in
        0) printf theirs ;;
        3) printf gone ;;
        *)
            cat "$scratch/said" >&2
            printf '%s: could not find out whether the principal %s still exists\n' "$(basename "$0")" "$1" >&2
            return 1
            ;;
    esac
}
