# Who holds the installation's role assignments. Sourced by bash after azure.sh and installation.sh, not run.
# shellcheck shell=bash disable=SC2154 # set in azure.sh and installation.sh

# read_holders SUBSCRIPTION…: notes the object ids of the installation's identity and of the topics' identities there.
read_holders() {
    local each
    found identity list --resource-group "$group" --query "[].principalId" --output tsv >"$scratch/identities" || return
    awk '{ print $1 "\tidentity" }' "$scratch/identities" >"$scratch/holders"
    for each in "$@"; do
        topics "$each" >"$scratch/topics" || return
        awk -F '\t' '{ print $2 "\ttopic" }' "$scratch/topics" >>"$scratch/holders"
    done
}

# with_kinds: lines of standard input, whose second field is an object id, each with what that is in front: identity or topic,
# or the word none for one that wasn't noted.
with_kinds() {
    awk -F '\t' -v OFS='\t' -v holders="$scratch/holders" '
        BEGIN { while ((getline < holders) > 0) kinds[tolower($1)] = $2 }
        { id = tolower($2); print (id in kinds ? kinds[id] : "none"), $0 }'
}

# stranger OBJECT-ID: of one that wasn't noted, gone, or theirs: a principal that the directory knows. Fails where the directory
# can't be asked.
stranger() {
    local status=0
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
