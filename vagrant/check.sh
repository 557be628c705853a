#!/bin/bash
# check.sh VERSION - installs Odoo VERSION on this machine, audits it and rolls it back, as root. Stops at the first command
# with a wrong exit code.
set -euo pipefail
version=$1
install -m 0755 /tmp/odoo-deploy /usr/local/bin/odoo-deploy
mkdir -p /etc/odoo-deploy
printf '[odoo]\nversion = "%s"\n' "$version" > /etc/odoo-deploy/site.toml
cd /etc/odoo-deploy

expect() { # expect CODE COMMAND...
  local wanted=$1 code=0; shift
  "$@" || code=$?
  [ "$code" = "$wanted" ] || { echo "\`$*\` ended with $code, not $wanted" >&2; exit 1; }
}

expect 2 odoo-deploy install --dry-run --exit-code
expect 0 odoo-deploy install --yes
pid=$(systemctl show --property=MainPID --value odoo.service)
expect 0 odoo-deploy install --yes
[ "$pid" = "$(systemctl show --property=MainPID --value odoo.service)" ] || { echo "the second run restarted the service" >&2; exit 1; }
expect 0 odoo-deploy audit
systemctl stop odoo.service
expect 2 odoo-deploy audit
expect 0 odoo-deploy install --yes
expect 0 odoo-deploy rollback --yes
echo "Odoo $version on $(. /etc/os-release; echo "$PRETTY_NAME"): all 7 commands had the expected exit code"
