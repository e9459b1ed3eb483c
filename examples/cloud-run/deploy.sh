#!/usr/bin/env bash
# Makes the job of job.yaml, or brings it up to date, by flags:
#
#   ./deploy.sh REGION IMAGE
#
# CONNECTOR=name sends its private traffic through a Serverless VPC Access connector, in place of Direct VPC egress.
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: ${0##*/} REGION IMAGE" >&2; exit 64; }
region=$1 image=$2
project=$(gcloud config get project)
: "${project:?set one: gcloud config set project PROJECT}"
account=list-migs@$project.iam.gserviceaccount.com

# Only private addresses go into the VPC, Squid and the internal hosts; the metadata server's is none of them (inferred, not
# measured on Cloud Run). With all-traffic, public addresses need Cloud NAT, too.
egress=(--vpc-egress=private-ranges-only)
if [ -n "${CONNECTOR-}" ]; then
    egress+=("--vpc-connector=$CONNECTOR")
else
    egress+=(--network=corp --subnet=jobs --network-tags=jobs)
fi

# No NO_PROXY: runup puts the metadata server and RUNUP_DIRECT there, in the way that every client understands. A proxy
# that wants a password has it in its URL: then HTTPS_PROXY and HTTP_PROXY belong to --set-secrets.
environment=(
    HTTP_PROXY=http://proxy.corp.example:3128
    HTTPS_PROXY=http://proxy.corp.example:3128
    RUNUP_DIRECT=.corp.example
    "RUNUP_REQUIRE=https://github.corp.example/status tcp://nexus.corp.example:8081"
    "RUNUP_SERVICE_ACCOUNT=$account"
    RUNUP_REQUIRE_VARIABLE=NEXUS_PASSWORD
)
# ^|^ separates by |, as a URL may hold commas.
variables=$(IFS='|'; echo "${environment[*]}")

# --command is the wrapper form: leave it out where runup is the image's ENTRYPOINT. The script's own options follow it in
# --args: runup reads none behind its command.
gcloud run jobs deploy list-migs \
    --region="$region" \
    --image="$image" \
    --command=runup \
    --args=./list-migs.sh,-e,env,-c,component \
    --service-account="$account" \
    "${egress[@]}" \
    --set-env-vars="^|^$variables" \
    --set-secrets=NEXUS_PASSWORD=nexus-password:latest \
    --tasks=1 \
    --parallelism=1 \
    --max-retries=3 \
    --task-timeout=30m \
    --cpu=1 \
    --memory=512Mi

echo "run it: gcloud run jobs execute list-migs --region=$region --wait"
