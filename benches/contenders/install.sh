#!/bin/bash
# Odoo 19 on Debian 12, as typical scripts install it: one command after the other, as root, for one server.
# PACKAGES=minimal installs only what Odoo needs, instead of the usual long list.
set -e

OE_USER=odoo
OE_HOME=/opt/odoo
OE_DATA=/var/lib/odoo
OE_DB=odoo
OE_REPOSITORY=file:///run/bench/odoo.git
OE_VERSION=19.0
OE_CONFIG=/etc/odoo.conf
OE_SUPERADMIN=change-me

export DEBIAN_FRONTEND=noninteractive

echo "---- Update server ----"
apt-get update

echo "---- Install packages ----"
if [ "$PACKAGES" = minimal ]; then
  apt-get install -y --no-install-recommends ca-certificates curl gcc git libc6-dev libldap-dev \
    libpq-dev libsasl2-dev postgresql python3-dev python3-venv
else
  apt-get install -y postgresql postgresql-server-dev-all
  apt-get install -y git curl wget build-essential python3 python3-pip python3-dev python3-venv \
    python3-wheel python3-setuptools libxslt-dev libzip-dev libldap2-dev libsasl2-dev libpq-dev \
    libpng-dev libjpeg-dev zlib1g-dev libxml2-dev libxslt1-dev libffi-dev libssl-dev gdebi-core \
    node-less npm wkhtmltopdf fontconfig xfonts-base xfonts-75dpi
fi

echo "---- Create the PostgreSQL user ----"
su - postgres -c "createuser -d $OE_USER" 2>/dev/null || true

echo "---- Create the system user ----"
id $OE_USER >/dev/null 2>&1 || adduser --system --quiet --shell=/bin/bash --home=$OE_HOME --group $OE_USER
mkdir -p $OE_DATA
chown $OE_USER:$OE_USER $OE_DATA

echo "---- Download Odoo ----"
if [ ! -d $OE_HOME/odoo ]; then
  su $OE_USER -c "git clone --depth 1 --branch $OE_VERSION $OE_REPOSITORY $OE_HOME/odoo"
fi

echo "---- Install Python packages ----"
echo "setuptools>=80,<82" > /etc/odoo-constraints.txt
export PIP_CONSTRAINT=/etc/odoo-constraints.txt
if [ ! -d $OE_HOME/venv ]; then
  su $OE_USER -c "python3 -m venv $OE_HOME/venv"
fi
su $OE_USER -c "$OE_HOME/venv/bin/pip install 'setuptools>=80,<82' wheel"
su $OE_USER -c "$OE_HOME/venv/bin/pip install -r $OE_HOME/odoo/requirements.txt"

echo "---- Create the configuration ----"
cat > $OE_CONFIG <<CONF
[options]
addons_path = $OE_HOME/odoo/addons
admin_passwd = $OE_SUPERADMIN
data_dir = $OE_DATA
db_name = $OE_DB
db_user = $OE_USER
http_interface = 127.0.0.1
http_port = 8069
gevent_port = 8072
list_db = False
max_cron_threads = 1
workers = 2
CONF
chown root:$OE_USER $OE_CONFIG
chmod 640 $OE_CONFIG

echo "---- Create the database ----"
if ! su postgres -c "psql -lqt" | cut -d '|' -f 1 | grep -qw $OE_DB; then
  su $OE_USER -c "$OE_HOME/venv/bin/python $OE_HOME/odoo/odoo-bin -c $OE_CONFIG -d $OE_DB -i base --stop-after-init --no-http"
fi

echo "---- Create the service ----"
cat > /etc/systemd/system/odoo.service <<UNIT
[Unit]
Description=Odoo
After=network-online.target postgresql.service
Wants=network-online.target

[Service]
User=$OE_USER
Group=$OE_USER
Environment=LANG=C.UTF-8
ExecStart=$OE_HOME/venv/bin/python $OE_HOME/odoo/odoo-bin --config $OE_CONFIG
KillMode=mixed
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable odoo
systemctl restart odoo

echo "---- Wait for Odoo ----"
HEALTH="http://127.0.0.1:8069/web/health?db_server_status=1"
for _ in $(seq 240); do
  curl -sf -o /dev/null "$HEALTH" && break
  sleep 0.5
done
curl -sf -o /dev/null "$HEALTH"
echo "Done"
