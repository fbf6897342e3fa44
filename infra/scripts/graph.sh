# Microsoft Graph by az. Sourced by bash after azure.sh, not run.
# shellcheck shell=bash disable=SC2154 # set in azure.sh

graph=${GRAPH_URL:-https://graph.microsoft.com}/v1.0

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

# patch PATH JSON: changes something in Graph.
patch() {
    write rest --method patch --url "$graph/$1" --headers Content-Type=application/json --body "$2" --output none
}

# until_there PLACEHOLDER COLLECTION FILTER QUERY: looks until Graph shows what was just made.
until_there() {
    local placeholder=$1 value looks=0
    shift
    while :; do
        value=$(by_filter "$@") || return
        if [ -z "$value" ] && [ "$dry" = yes ]; then value=$placeholder; fi
        [ -z "$value" ] || break
        looks=$((looks + 1))
        [ "$looks" -lt 20 ] || stop "Graph doesn't show what was just made ($1, $2): run this again"
        sleep "$pause"
    done
    printf '%s\n' "$value"
}
