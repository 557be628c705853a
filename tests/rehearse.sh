#!/bin/bash
# Rehearses an install of Odoo 19 with the binary $1; writes the site to the folder $2.
#
# If GitHub does not answer within five seconds, Odoo is taken from Debian's archive and put into a local repository
# with the same layout. LITE=1 takes only what a new database needs.
set -euo pipefail

readonly binary=$1 folder=$2
mkdir -p "$folder"
site=$folder/site.toml
printf '[odoo]\nversion = "19.0"\n' > "$site"

if GIT_TERMINAL_PROMPT=0 timeout 5 git ls-remote --quiet --exit-code \
  https://github.com/odoo/odoo.git refs/heads/19.0 >/dev/null 2>&1; then
  echo "Odoo 19 from GitHub" >&2
else
  variant=full name=odoo
  if [ -n "${LITE:-}" ]; then variant=lite name=odoo-lite; fi
  echo "GitHub does not answer: Odoo 19 ($variant) from Debian's archive" >&2
  "$(dirname "$0")/machine/make-odoo-repository.sh" "$variant" "$REPOSITORIES"
  printf 'repository = "file://%s/%s.git"\n' "$(realpath "$REPOSITORIES")" "$name" >> "$site"
fi
echo "site: $site" >&2
exec "$binary" rehearse --config "$site" --bed "$BED" ${KEEP:+--keep}
