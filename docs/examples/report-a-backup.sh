#!/usr/bin/env bash
# Reports a backup as a job of hod's, with a step for each part. `hod jobs` shows it beside
# Gluster's tasks, and who watches a volume sees that a backup reads it.
#
#   report-a-backup.sh POOL VOLUME COMMAND [ARGUMENT…]
#
# HOD_COORDINATOR says where the coordinator listens, as for every call of hod.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: $0 POOL VOLUME COMMAND [ARGUMENT…]" >&2; exit 2; }
pool=$1 volume=$2
shift 2

job=$(hod external add-job "Backup of $volume" --pool "$pool" --volume "$volume" --origin backup)
# However this script ends, the job does not stay open; its open steps end with it.
trap 'hod external end-job "$job" aborted >/dev/null' INT TERM
step=$(hod external add-step "$job" "Running $1")
if "$@"; then
    hod external end-step "$step" finished >/dev/null
    hod external end-job "$job" finished >/dev/null
else
    code=$?
    hod external end-job "$job" failed >/dev/null
    exit "$code"
fi
