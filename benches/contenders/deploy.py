"""Odoo 19 on a bare Debian 12, by the operations that pyinfra has for it."""

from pyinfra.operations.util import any_changed
from pyinfra.operations import apt, files, git, pip, postgres, server, systemd

REPOSITORY = "file:///run/bench/odoo.git"
BRANCH = "19.0"
USER = DATABASE = "odoo"
HOME = "/opt/odoo"
DATA = "/var/lib/odoo"
VALUES = {
    "home": HOME,
    "data": DATA,
    "account": USER,
    "database": DATABASE,
    "master_password": "change-me-in-a-vault",
}
# cbor2 and gevent need a setuptools that still has `pkg_resources`: cbor2 to build, gevent to run.
SETUPTOOLS = "setuptools>=80,<82"

apt.packages(
    name="Packages",
    packages=[
        "ca-certificates", "curl", "gcc", "git", "libc6-dev", "libldap-dev", "libpq-dev",
        "libsasl2-dev", "postgresql", "python3-dev", "python3-venv",
    ],
    no_recommends=True,
    update=True,
    cache_time=3600,
)
systemd.service(name="PostgreSQL runs", service="postgresql", running=True, enabled=True)
postgres.role(name="Role", role=USER, login=True, createdb=True, _su_user="postgres")
server.user(
    name="User", user=USER, system=True, home=HOME, shell="/usr/sbin/nologin", create_home=True
)
files.directory(name="Data", path=DATA, user=USER, group=USER, mode="750")

# The account has no login shell.
AS_USER = {"_su_user": USER, "_su_shell": "/bin/sh"}
source = git.repo(
    name="Source",
    src=REPOSITORY,
    dest=f"{HOME}/odoo",
    branch=BRANCH,
    depth=1,
    pull=False,
    **AS_USER,
)
pip.venv(name="Environment", path=f"{HOME}/venv", python="/usr/bin/python3", **AS_USER)
pip.packages(name="Setuptools", packages=["setuptools==80.9.0"], virtualenv=f"{HOME}/venv", **AS_USER)
files.line(name="Constraints", path="/etc/odoo-constraints.txt", line=SETUPTOOLS)
requirements = pip.packages(
    name="Requirements",
    requirements=f"{HOME}/odoo/requirements.txt",
    virtualenv=f"{HOME}/venv",
    _env={"PIP_CONSTRAINT": "/etc/odoo-constraints.txt"},
    **AS_USER,
)
conf = files.template(
    name="Configuration",
    src="odoo.conf.j2",
    dest="/etc/odoo.conf",
    user="root",
    group=USER,
    mode="640",
    **VALUES,
)
unit = files.template(
    name="Unit", src="odoo.service.j2", dest="/etc/systemd/system/odoo.service", **VALUES
)
created = postgres.database(
    name="Database",
    database=DATABASE,
    owner=USER,
    encoding="UTF8",
    lc_collate="C",
    template="template0",
    _su_user="postgres",
)
server.shell(
    name="Base",
    commands=[
        f"{HOME}/venv/bin/python {HOME}/odoo/odoo-bin --config /etc/odoo.conf"
        f" --database {DATABASE} --init base --stop-after-init --no-http"
    ],
    _if=created.did_change,
    **AS_USER,
)
systemd.daemon_reload(name="Units are read", _if=unit.did_change)
systemd.service(name="Odoo runs", service="odoo", running=True, enabled=True)
systemd.service(
    name="Odoo runs what lies on disk",
    service="odoo",
    restarted=True,
    _if=any_changed(source, conf, unit),
)
server.shell(
    name="Odoo answers",
    commands=[
        "curl --silent --fail --output /dev/null --retry 240 --retry-delay 1 --retry-all-errors"
        " 'http://127.0.0.1:8069/web/health?db_server_status=1'"
    ],
)
