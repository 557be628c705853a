# Read by Odoo's shell on a database in which nothing but `base` is installed.
main = env.ref("base.main_company")
if language:
    found = env["res.lang"].with_context(active_test=False).search([("code", "=", language)])
    if not found:
        raise SystemExit(f"this Odoo has no language {language}")
    env["base.language.install"].create({"lang_ids": [(6, 0, found.ids)]}).lang_install()
    env["ir.default"].set("res.partner", "lang", language)
    (main.partner_id | env.ref("base.user_admin").partner_id).write({"lang": language})
if country:
    found = env["res.country"].search([("code", "=", country)])
    if not found:
        raise SystemExit(f"this Odoo has no country {country}")
    main.write({"country_id": found.id, "currency_id": found.currency_id.id or main.currency_id.id})
if company:
    main.write({"name": company})
env.cr.commit()
