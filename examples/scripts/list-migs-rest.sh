#!/usr/bin/env bash
# The same as list-migs.sh, for an image without gcloud: it needs runup, curl and awk.
#
#   runup ./list-migs-rest.sh -e env -c component
#
# It needs compute.instanceGroupManagers.list (roles/compute.viewer).
set -euo pipefail

usage() {
    echo "usage: ${0##*/} -e ENVIRONMENT -c COMPONENT" >&2
    exit 64
}

environment='' component=''
while getopts e:c: option; do
    case $option in
    e) environment=$OPTARG ;;
    c) component=$OPTARG ;;
    *) usage ;;
    esac
done
if [ -z "$environment" ] || [ -z "$component" ]; then usage; fi
# runup knows it from the metadata server.
project=${GOOGLE_CLOUD_PROJECT:?start this under runup}

url=https://compute.googleapis.com/compute/v1/projects/$project/aggregated/instanceGroupManagers
# Of each group no more than what is printed: flat objects, in which no value holds a brace or a comma.
fields='items/*/instanceGroupManagers(name,zone,region,targetSize),nextPageToken'
token=$(runup token)

# A page of the answer. The token goes in by a pipe: the arguments of a process can be read by its neighbours.
get() {
    local page=()
    [ -z "$1" ] || page=(--data-urlencode "pageToken=$1")
    printf 'header = "Authorization: Bearer %s"\n' "$token" |
        curl --config - --silent --show-error --fail-with-body --retry 3 --max-time 60 --get "$url" \
            --data-urlencode "filter=name eq $component-$environment-.*" \
            --data-urlencode "fields=$fields" "${page[@]}"
}

# JSON as lines: a brace alone, or a key and its value.
lines() {
    printf '%s' "$1" | tr -d '\n' | awk '{ gsub(/[{}]/, "\n&\n"); gsub(/,/, "\n"); print }'
}

list() {
    local page next=''
    while :; do
        page=$(get "$next") || { echo "$page" >&2; return 69; }
        lines "$page" | awk -F '"' '
            $2 == "name" { name = $4 }
            $2 == "zone" || $2 == "region" { place = $4; sub(".*/", "", place) }
            $2 == "targetSize" { size = $3; gsub(/[^0-9]/, "", size) }
            $1 ~ /}/ && name != "" { print name "\t" place "\t" size; name = "" }'
        next=$(lines "$page" | awk -F '"' '$2 == "nextPageToken" { print $4 }')
        [ -n "$next" ] || break
    done
}

groups=$(list)
[ -z "$groups" ] || LC_ALL=C sort <<<"$groups"
