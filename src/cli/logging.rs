//! Logs go to standard error: text on a terminal, one JSON object a line elsewhere.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::progress::Log;
use super::{Global, LogFormat};

pub(super) fn start(global: &Global, quiet: bool) {
    let level = match (global.quiet || quiet && global.verbose == 0, global.verbose) {
        (true, _) => "warn",
        (false, 0) => "warn,quotakeeper=info",
        (false, 1) => "quotakeeper=debug,info",
        // Not everybody's: the HTML libraries log whole mails at debug, with the addresses in them.
        (false, _) => "quotakeeper=trace,reqwest=debug,hyper_util=debug,rustls=debug,info",
    };
    Log::with_info(level != "warn");
    // A certificate that is no good is told where it is handled, with the mend.
    let filter = EnvFilter::new(format!("{level},rustls_platform_verifier=off"));
    let terminal = std::io::stderr().is_terminal();
    let colors = super::table::colors(global.color, terminal);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Log);
    match global.log_format {
        Some(LogFormat::Json) => subscriber.json().flatten_event(true).with_current_span(false).init(),
        None if !terminal => subscriber.json().flatten_event(true).with_current_span(false).init(),
        Some(LogFormat::Text) | None => subscriber.with_ansi(colors).with_target(false).init(),
    }
}
