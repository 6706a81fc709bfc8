//! A stand-in of the quota API for tests, written from the vendor's description alone and sharing no code with
//! `quotakeeper simulate`: what one of them got wrong, the other need not.
//!
//! Its state is a [`World`] that a test builds, changes and compares with; [`Fault`]s come at chosen requests; every
//! request is logged with its moment and its answer.

mod http;
mod operations;
mod world;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use self::http::{Reply, Request};
use self::world::Done;
pub use self::world::{Group, Key, Organization, Shape, World, key};

/// The only token that it takes.
pub const TOKEN: &str = "stand-in-token-7f3a";

/// What a test may wait for the other side to do before it gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// What happens to one request instead of, or around, what it asks for.
pub enum Fault {
    /// This status, and nothing is done.
    Fail(u16),
    /// It is done, and then this status.
    ActThenFail(u16),
    /// It is done, and then what stands before the API says this status with a page of its own.
    ActThenPage(u16),
    /// The connection ends, and nothing is done.
    Drop,
    /// It is done, and the connection ends without an answer.
    ActThenDrop,
    /// Nothing is done and no answer comes, for as long as the other side waits.
    Stall,
    /// It is done, and no answer comes, for as long as the other side waits.
    ActThenStall,
    /// It is answered as if it was done, and nothing is.
    Ignore,
    /// The first half of its rows is done, and then this status.
    HalfThenFail(u16),
    /// The first half of its rows is done, and the connection ends without an answer.
    HalfThenDrop,
    /// 429, with a window that ends so many seconds after the answer's own date.
    RateLimit { reset_in: i64 },
    /// Somebody else changes the world just before the request is looked at.
    Edit(Box<dyn FnOnce(&mut World) + Send>),
}

/// A fault that waits for its request.
struct Rule {
    call: &'static str,
    skip: usize,
    fault: Fault,
}

/// One request that came.
#[derive(Clone, Debug)]
pub struct Logged {
    pub at: Instant,
    /// `POST /quotas/assign`.
    pub call: String,
    /// None where no answer was sent.
    pub status: Option<u16>,
    /// The quotas that the answer showed, if it was sent.
    pub shown: Option<BTreeMap<Key, i64>>,
    /// The rows of a write that was looked at, whether it was taken or not.
    pub rows: Vec<(Key, Option<i64>)>,
    /// What somebody else changed just before.
    pub edits: Vec<(Key, Option<i64>)>,
}

/// Everything behind the lock.
struct State {
    world: World,
    rules: Vec<Rule>,
    log: Vec<Logged>,
    stalled: usize,
}

struct Shared {
    state: Mutex<State>,
    logged: Condvar,
}

/// A server on loopback; it ends with the test's process.
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl StandIn {
    pub fn start(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Mutex::new(State { world, rules: Vec::new(), log: Vec::new(), stalled: 0 });
        let shared = Arc::new(Shared { state, logged: Condvar::new() });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || connection.map(|connection| serve(connection, &shared)));
            }
        });
        Self { address, shared }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Looks at the world, or changes it as somebody else would.
    pub fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.state().world)
    }

    /// Lets a fault come at a request of this kind (`""` is any), after `skip` others of the kind.
    pub fn at(&self, call: &'static str, skip: usize, fault: Fault) {
        self.state().rules.push(Rule { call, skip, fault });
    }

    pub fn log(&self) -> Vec<Logged> {
        self.state().log.clone()
    }

    /// How many requests were left without an answer for as long as the other side waits.
    pub fn stalled(&self) -> usize {
        self.state().stalled
    }

    pub fn forget_faults(&self) {
        self.state().rules.clear();
    }

    pub fn forget_log(&self) {
        self.state().log.clear();
    }

    /// How many requests came whose call begins with this.
    pub fn count(&self, call: &str) -> usize {
        self.state().log.iter().filter(|logged| logged.call.starts_with(call)).count()
    }

    /// Waits until the log shows it.
    pub fn wait_until(&self, what: &str, mut seen: impl FnMut(&[Logged]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        while !seen(&state.log) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never came: {what}; {:#?}", state.log);
            state = self.shared.logged.wait_timeout(state, left).unwrap().0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}

/// One connection, one request. What goes wrong with the connection is the other side's doing, and no concern here.
fn serve(mut connection: TcpStream, shared: &Shared) {
    let Ok(request) = Request::read(&mut connection) else { return };
    let (reply, stalls) = answer(&request, shared);
    match reply {
        Some(reply) => drop(reply.write(&mut connection)),
        None if stalls => http::wait_for_the_end(&mut connection),
        None => {}
    }
}

fn answer(request: &Request, shared: &Shared) -> (Option<Reply>, bool) {
    let mut guard = shared.state.lock().unwrap();
    let state = &mut *guard;
    let mut fault = fault(&mut state.rules, &request.call);
    let mut edits = Vec::new();
    if let Some(Fault::Edit(edit)) = fault {
        let before = state.world.quotas();
        edit(&mut state.world);
        let after = state.world.quotas();
        let targets = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
        let edited = targets.filter(|key| before.get(*key) != after.get(*key));
        edits = edited.map(|key| (key.clone(), after.get(key).copied())).collect();
        fault = None;
    }
    let world = &mut state.world;
    let problem = |status| operations::problem(status, "This fault was asked for.", &[]);
    let act = |world: &mut World| operations::operate(world, request);
    let part = |world: &mut World, done| {
        world.next_write = done;
        let reply = act(world);
        world.next_write = Done::All; // it may have been refused
        reply
    };
    let (reply, stalls) = match fault {
        None | Some(Fault::Edit(_)) => (Some(act(world)), false),
        Some(Fault::Fail(status)) => (Some(problem(status)), false),
        Some(Fault::ActThenFail(status)) => {
            act(world);
            (Some(problem(status)), false)
        }
        Some(Fault::ActThenPage(status)) => {
            act(world);
            (Some(Reply::page(status)), false)
        }
        Some(Fault::Drop) => (None, false),
        Some(Fault::ActThenDrop) => {
            act(world);
            (None, false)
        }
        Some(Fault::Ignore) => (Some(part(world, Done::Nothing)), false),
        Some(Fault::HalfThenFail(status)) => {
            part(world, Done::Half);
            (Some(problem(status)), false)
        }
        Some(Fault::HalfThenDrop) => {
            part(world, Done::Half);
            (None, false)
        }
        Some(Fault::Stall) => (None, true),
        Some(Fault::ActThenStall) => {
            act(world);
            (None, true)
        }
        Some(Fault::RateLimit { reset_in }) => (Some(problem(429).with_reset(reset_in)), false),
    };
    let reply = reply.map(|reply| world.headers(reply));
    state.stalled += usize::from(stalls);
    state.log.push(Logged {
        at: Instant::now(),
        call: request.call.clone(),
        status: reply.as_ref().map(|reply| reply.status),
        shown: world.seen.take().filter(|_| reply.as_ref().is_some_and(|reply| reply.status == 200)),
        rows: std::mem::take(&mut world.asked),
        edits,
    });
    shared.logged.notify_all();
    (reply, stalls)
}

/// The first fault whose request this is; those after it count it as one to skip.
fn fault(rules: &mut Vec<Rule>, call: &str) -> Option<Fault> {
    let mut due = None;
    for (index, rule) in rules.iter_mut().enumerate().filter(|(_, rule)| call.starts_with(rule.call)) {
        if rule.skip > 0 {
            rule.skip -= 1;
        } else if due.is_none() {
            due = Some(index);
        }
    }
    due.map(|index| rules.remove(index).fault)
}
