#!/usr/bin/env bash
# Lists the managed instance groups of a component in an environment, those named COMPONENT-ENVIRONMENT-…:
#
#   runup ./list-migs.sh -e env -c component
#
# There is nothing in it of accounts, keys and proxies: under runup, gcloud finds all of that by itself.
# Besides the groups gcloud asks for their instance groups and autoscalers: roles/compute.viewer has all three permissions.
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

gcloud compute instance-groups managed list \
    --filter="name ~ '^$component-$environment-'" \
    --format="value(name, location(), targetSize)" \
    --sort-by=name
