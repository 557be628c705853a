#!/bin/bash
# Removes the bed $1 and the repositories $2, unless a machine is running.
set -euo pipefail

readonly bed=$1 repositories=$2
if [ -d "$bed/run" ] && grep -q " $(realpath "$bed")/run/" /proc/mounts; then
  echo "machines are up in $bed: $(find "$bed/run" -mindepth 1 -maxdepth 1 -type d -printf '%f ')" >&2
  echo "stop them first (odoo-deploy rehearse --config FILE --stop)" >&2
  exit 1
fi
rm -rf --one-file-system -- "$bed" "$repositories"
