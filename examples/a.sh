#!/bin/sh
# The smallest script that does what a job does: it reads its options, learns where it is, and works.
set -eu

environment=none component=none
while getopts e:c: option; do
    case $option in
    e) environment=$OPTARG ;;
    c) component=$OPTARG ;;
    *) exit 2 ;;
    esac
done

echo "hello from component $component in environment $environment"
echo "project ${GOOGLE_CLOUD_PROJECT:-unknown}, region ${GOOGLE_CLOUD_REGION:-unknown}"
