//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::error::ErrorKind;
use odoo_deploy::command::{self, args};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = match args::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            let _ = error.print();
            return ExitCode::from(if asked { 0 } else { 64 });
        }
    };
    let filter =
        EnvFilter::try_from_env("ODOO_DEPLOY_LOG").unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    // modes are set where things are made; what children make is to be readable by the service
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::from(1);
    };
    let code = runtime.block_on(command::run(cli));
    // a thread that still waits for an answer is not waited for
    runtime.shutdown_background();
    ExitCode::from(code)
}
