//! Where reports load their style from: Odoo's own printer asks as a visitor would.

use super::modules::database;
use super::{Finding, Surveyed};
use crate::host::Result;

/// One call, as psql itself decides by the tables that are there which question it asks.
const SQL: &str = "select to_regclass('public.ir_config_parameter') is not null as parameters \\gset\n\
    \\if :parameters\nselect 'there';\n\
    select value from public.ir_config_parameter where key = 'report.url';\n\\endif\n";

/// Where Odoo's settings have it.
const WHERE: &str = "in Odoo, Settings, Technical, System Parameters";

/// That the site is behind nginx and its reports are not told so, or the other way round.
pub(super) async fn findings(surveyed: Surveyed<'_>) -> Result<Vec<Finding>> {
    let Some(database) = database(surveyed.plan) else {
        return Ok(Vec::new());
    };
    let ours = format!("http://{}", surveyed.site.printer());
    let rows = database.ask(surveyed.host, SQL).await?.concat();
    // not there, or not Odoo's: the plan says so
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
