//! The command-line program.

use boardsync::{cli, commands};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(unparsed) => return commands::unparsed(unparsed).into(),
    };
    // One thread beside this one is enough: the work is waiting for two services, one cycle at a time. It is needed where this
    // one waits for a person's answer, and each further one would keep memory of its own.
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(_) => return cli::ExitCode::Unexpected.into(),
    };
    let code = runtime.block_on(commands::run(cli));
    // What is still running has nothing left to do; one that waits for something must not hold the process.
    runtime.shutdown_background();
    code.into()
}
