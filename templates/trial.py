# odoo-deploy: read by Odoo's shell. The connection is read only, and nothing is committed.
import json

have, tables = set(), set()
env.cr.execute(
    "select c.relname, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid"
    " where c.relnamespace = current_schema()::regnamespace and a.attnum > 0 and not a.attisdropped"
)
for table, column in env.cr.fetchall():
    tables.add(table)
    have.add((table, column))

missing = []
for name, model in sorted(env.registry.items()):
    if model._abstract or not model._auto:
        continue
    for field in model._fields.values():
        if not field.store or field.inherited:
            continue
        if field.type == "many2many":
            if field.relation and field.relation not in tables:
                missing.append(f"{name}.{field.name}")
        elif field.column_type and (model._table, field.name) not in have:
            missing.append(f"{name}.{field.name}")

env.cr.execute("select name from ir_module_module where state = 'installed'")
installed = {name for name, in env.cr.fetchall()}
left_out = sorted(installed - set(env.registry._init_modules))
if not missing:
    # what a sign-in begins with
    env["res.users"].context_get()
    env["res.partner"].search([], limit=1).mapped("display_name")
print("\nodoo-deploy: " + json.dumps({"missing": missing, "installed": sorted(installed), "left_out": left_out}))
