//! A stateful stand-in of the API on loopback: for the demo, for rehearsals, and for tests.
//!
//! It shares no type with the client on purpose: a wrong reading of the API's description would otherwise be shared,
//! and no test would see it.
//!
//! ```text
//! server ─▶ rate, fault ─▶ operations ─▶ reads, writes ─▶ world, usage        (all right of `server` is pure)
//! ```

mod call;
mod clock;
mod fault;
mod names;
mod operations;
mod problem;
mod rate;
mod reads;
mod server;
#[cfg(test)]
mod tests;
mod usage;
mod world;
mod writes;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use self::clock::Clock;
pub(crate) use self::fault::Fault;
pub(crate) use self::server::SharedState;
#[cfg(test)]
pub(crate) use self::world::AccountGroup;
pub(crate) use self::world::World;

/// How long a stop waits for requests in flight.
const GRACE: Duration = Duration::from_secs(1);

/// What to simulate.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    /// Where to listen, on loopback only; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// How many organizations the token may edit
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub organizations: u16,
    /// How many account groups each organization has
    #[arg(long, value_name = "M", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub account_groups: u16,
    /// The same seed makes the same names, quotas and usage
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Requests that the organization may make in a minute
    #[arg(long, value_name = "N", default_value_t = 240)]
    pub rate_limit: u32,
    /// Make something go wrong, such as 429:every=10 or drop-after:count=1; --help lists all
    #[arg(long = "fault", value_name = "SPEC", long_help = fault::HELP)]
    pub faults: Vec<Fault>,
}

impl Default for SimulateArgs {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            organizations: 3,
            account_groups: 20,
            seed: 1,
            rate_limit: 240,
            faults: Vec::new(),
        }
    }
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Simulator {
    address: SocketAddr,
    state: SharedState,
    cancel: DropGuard,
    server: JoinHandle<io::Result<()>>,
}

impl Simulator {
    /// Makes the world and begins to serve it. Anything but loopback is refused: the token is no secret.
    pub(crate) async fn start(args: SimulateArgs, clock: Clock) -> io::Result<Self> {
        if !args.listen.ip().is_loopback() {
            let problem = format!(
                "the simulator listens on loopback only, such as 127.0.0.1:0, not on {}",
                args.listen
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let listener = TcpListener::bind(args.listen).await.map_err(|error| {
            io::Error::new(error.kind(), format!(
                    "the simulator cannot listen on {}: {error}. Name another port with --listen, or port 0 for any that is free",
                    args.listen
                ))
        })?;
        let address = listener.local_addr()?;
        let world = World::new(args.seed, args.organizations.into(), args.account_groups.into());
        let token = format!("simulated-{:016x}", usage::mix(args.seed, 0x70_6b_65_6e));
        let state = SharedState::new(token, clock, world, args.rate_limit);
        for fault in args.faults {
            state.add_fault(fault);
        }
        let cancel = CancellationToken::new();
        let router = Router::new().fallback(server::handle).with_state(state.clone());
        let serve = axum::serve(listener, router).with_graceful_shutdown(cancel.clone().cancelled_owned());
        let server = tokio::spawn(async move { serve.await });
        Ok(Self { address, state, cancel: cancel.drop_guard(), server })
    }

    /// `http://127.0.0.1:PORT`, without `/v7`: what goes into `TE_BASE_URL`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bearer token that it accepts.
    pub(crate) fn token(&self) -> &str {
        self.state.token()
    }

    /// To look into the world and to change it while it is served.
    pub(crate) fn state(&self) -> &SharedState {
        &self.state
    }

    /// Stops listening, and lets the requests in flight end if they do soon.
    pub(crate) async fn stop(self) {
        drop(self.cancel);
        let _ = tokio::time::timeout(GRACE, self.server).await;
    }
}

/// `quotakeeper simulate`: says where it is in two lines that a shell can `eval`, then serves until a signal stops it.
pub(crate) async fn run(args: SimulateArgs) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let simulator = Simulator::start(args, Clock::system()).await?;
    let mut out = io::stdout().lock();
    writeln!(out, "TE_BASE_URL={}\nTE_TOKEN={}", simulator.base_url(), simulator.token())?;
    out.flush()?;
    drop(out);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    simulator.stop().await;
    Ok(())
}
