//! The entry point: parses the arguments and returns the exit code.

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
    // odoo-deploy sets every mode itself; files that child programs create must be readable by the service
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::from(1);
    };
    let code = runtime.block_on(command::run(cli));
    // do not wait for a thread that still reads an answer from the terminal
    runtime.shutdown_background();
    ExitCode::from(code)
}
