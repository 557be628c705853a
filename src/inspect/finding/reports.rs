//! The address from which reports load their style. wkhtmltopdf requests it as a visitor would.

use super::modules::database;
use super::{Finding, Surveyed};
use crate::host::Result;

/// One call: psql itself decides which query to run, depending on the existing tables.
const SQL: &str = "select to_regclass('public.ir_config_parameter') is not null as parameters \\gset\n\
    \\if :parameters\nselect 'there';\n\
    select value from public.ir_config_parameter where key = 'report.url';\n\\endif\n";

/// Where the user finds this setting in Odoo.
const WHERE: &str = "in Odoo, Settings, Technical, System Parameters";

/// Reports that do not use nginx although the site has it, or use nginx although the site does not have it.
pub(super) async fn findings(surveyed: Surveyed<'_>) -> Result<Vec<Finding>> {
    let Some(database) = database(surveyed.plan) else {
        return Ok(Vec::new());
    };
    let ours = format!("http://{}", surveyed.site.printer());
    let rows = database.ask(surveyed.host, SQL).await?.concat();
    // the plan reports a database that does not exist or is not Odoo's
    let [_, rows @ ..] = &rows[..] else {
        return Ok(Vec::new());
    };
    let said = rows.first().map(|url| url.trim_end_matches('/'));
    Ok(match (said, &surveyed.site.proxy) {
        (None, Some(_)) => vec![Finding::soon(
            format!(
                "reports of `{}` load their style by the name of the site",
                database.name
            ),
            format!(
                "they come without it where that name does not lead back to this server: set `report.url` to `{ours}`, \
                 where nginx serves them ({WHERE})"
            ),
        )],
        (Some(said), None) if said == ours => vec![Finding::of_host(
            format!(
                "reports of `{}` load their style from `{ours}`, where nothing serves it",
                database.name
            ),
            format!("take `report.url` away ({WHERE})"),
        )],
        _ => Vec::new(),
    })
}
