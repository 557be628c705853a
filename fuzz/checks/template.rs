//! Templates are rendered, with the same result every time, or refused with a place for every mistake.

use odoo_deploy::text::template::{Context, render};
use serde_json::json;

/// Checks one text.
pub(super) fn check(text: &str) {
    let context = Context::from(json!({
        "site": { "name": "odoo", "domain": null, "port": 8069, "off": false, "modules": ["a", "<b>"] },
        "addons": [{ "name": "web", "path": "/opt/odoo/addons/web" }],
        "workers": 2,
    }));
    let rendered = render("odoo.conf", text, &context);
    match &rendered {
        Ok(_) => assert_eq!(rendered, render("odoo.conf", text, &context)),
        Err(errors) => {
            assert!(!errors.items().is_empty());
            assert!(!errors.render(80, false).is_empty());
            assert!(errors.to_string().starts_with("odoo.conf:"));
        }
    }
}
