//! The shell of the simulator: sockets, the bearer token, the rate limit, the faults and the headers of every answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Query, Request, State};
use axum::http::header::{AUTHORIZATION, DATE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use tokio::time::Instant;

use super::call::{Call, WriteFaults};
use super::clock::Clock;
use super::fault::{ArmedFault, Fault, Kind};
use super::operations;
use super::problem::{Answer, Problem};
use super::rate::{Budget, RateLimit};
use super::world::World;

/// Larger bodies are answered with 413.
const BODY_LIMIT: usize = 4 << 20;
/// Even larger ones are not read to their end.
const READ_LIMIT: usize = 64 << 20;

/// What the requests act on: a handle on the running simulator for tests and the demo. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct SharedState(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    token: String,
    clock: Clock,
    started: Instant,
    changing: Mutex<MutableState>,
}

#[derive(Debug)]
struct MutableState {
    world: World,
    limit: RateLimit,
    faults: Vec<ArmedFault>,
    /// How often each `METHOD /path` was asked for with the right token.
    calls: BTreeMap<String, u64>,
}

impl SharedState {
    pub(super) fn new(token: String, clock: Clock, world: World, rate_limit: u32) -> Self {
        let limit = RateLimit::new(rate_limit, clock.now());
        let changing = MutableState { world, limit, faults: Vec::new(), calls: BTreeMap::new() };
        Self(Arc::new(Inner { token, clock, started: Instant::now(), changing: Mutex::new(changing) }))
    }

    /// The world as it is now.
    #[cfg(test)]
    pub(crate) fn world(&self) -> World {
        self.changing().world.clone()
    }

    /// Sets or removes a quota behind the API's back, as another administrator would.
    pub(crate) fn set_quota(&self, org_id: &str, aid: Option<&str>, quota: Option<i64>) {
        self.changing().world.set_quota(org_id, aid, quota);
    }

    /// From now on this goes wrong too.
    pub(crate) fn add_fault(&self, fault: Fault) {
        self.changing().faults.push(ArmedFault::new(fault));
    }

    /// From now on nothing goes wrong.
    #[cfg(test)]
    pub(crate) fn clear_faults(&self) {
        self.changing().faults.clear();
    }

    /// How many requests came whose `METHOD /path` starts like this: `POST`, `GET /v7/usage`.
    #[cfg(test)]
    pub(crate) fn calls(&self, start: &str) -> u64 {
        self.changing().calls.iter().filter(|(line, _)| line.starts_with(start)).map(|(_, count)| count).sum()
    }

    pub(super) fn token(&self) -> &str {
        &self.0.token
    }

    fn changing(&self) -> MutexGuard<'_, MutableState> {
        self.0.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request that carries the token is counted against the limit; any other costs nothing.
    fn admit(&self, call: &Call, headers: &HeaderMap) -> Result<Budget, (Problem, Budget)> {
        let (now, elapsed) = (self.0.clock.now(), self.0.started.elapsed());
        let mut changing = self.changing();
        let bearer =
            headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        if bearer != Some(self.token()) {
            return Err((Problem::Unauthorized, changing.limit.budget(now, elapsed)));
        }
        *changing.calls.entry(format!("{} {}", call.method, call.path)).or_default() += 1;
        changing.limit.take(now, elapsed).map_err(|budget| (Problem::Other(429), budget))
    }

    /// What goes wrong with this request.
    fn take_if_due(&self, call: &Call) -> Vec<Kind> {
        let line = format!("{} {}", call.method, call.path);
        self.changing().faults.iter_mut().filter_map(|fault| fault.take_if_due(&line, &call.body)).collect()
    }
}

/// Answers every request of a connection.
pub(super) async fn handle(State(state): State<SharedState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut call = call(&parts);
    let body = axum::body::to_bytes(body, READ_LIMIT).await.ok().filter(|body| body.len() <= BODY_LIMIT);
    let fits = body.is_some();
    call.body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    let (answer, budget) = match state.admit(&call, &parts.headers) {
        Err((problem, budget)) => (Err(problem), budget),
        Ok(budget) if !fits => (Err(Problem::Other(413)), budget),
        Ok(budget) => act(&state, &call, budget).await,
    };
    let response = match answer {
        Ok(answer) => answer.into_response(),
        Err(problem) => problem.into_response(&call.path),
    };
    tracing::debug!(method = call.method, path = call.path, status = response.status().as_u16(), "answered");
    with_headers(response, &state.0.clock, budget)
}

/// Lets the faults have their way, and carries out the operation unless they prevent it.
async fn act(state: &SharedState, call: &Call, mut budget: Budget) -> (Result<Answer, Problem>, Budget) {
    let mut write_faults = WriteFaults::default();
    let (mut refusal, mut acts_all_the_same) = (None, false);
    let mut drops_after = false;
    for kind in state.take_if_due(call) {
        match kind {
            Kind::Slow(delay) => tokio::time::sleep(delay).await,
            Kind::DropBefore => drop_connection(),
            Kind::DropAfter => drops_after = true,
            Kind::Status { status, done } => {
                refusal = Some(Problem::asked_for(status, &call.path));
                acts_all_the_same |= done;
            }
            Kind::TooMany { reset, done } => {
                budget.remaining = 0;
                budget.reset = state.0.clock.now().timestamp() + reset;
                refusal = Some(Problem::Other(429));
                acts_all_the_same |= done;
            }
            Kind::BadRow(row) => write_faults.bad_rows.push(row),
            Kind::IgnoreWrite => write_faults.ignore_write = true,
        }
    }
    let now = state.0.clock.now();
    let carry_out = || operations::answer(&mut state.changing().world, now, call, &write_faults);
    let answer = match refusal {
        None => carry_out(),
        Some(problem) => {
            if acts_all_the_same {
                drop(carry_out());
            }
            Err(problem)
        }
    };
    if drops_after {
        drop_connection();
    }
    (answer, budget)
}

/// Ends the connection's task, and with it the socket, before a byte was answered. Unwinding without the panic hook is
/// the one way to do so from within a handler; tokio keeps it inside the task.
fn drop_connection() -> ! {
    std::panic::resume_unwind(Box::new("a fault dropped the connection"))
}

/// The request as plain data, still without its body.
fn call(parts: &Parts) -> Call {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let query: Vec<(String, String)> =
        Query::try_from_uri(&parts.uri).map(|Query(pairs)| pairs).unwrap_or_default();
    Call {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        raw_query: parts.uri.query().unwrap_or_default().to_owned(),
        query,
        host: host.to_owned(),
        body: String::new(),
    }
}

fn with_headers(mut response: Response, clock: &Clock, budget: Budget) -> Response {
    let headers = response.headers_mut();
    let date = clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    headers.insert(DATE, HeaderValue::from_str(&date).expect("a date is plain text"));
    headers.insert("x-organization-rate-limit-limit", budget.limit.into());
    headers.insert("x-organization-rate-limit-remaining", budget.remaining.into());
    headers.insert("x-organization-rate-limit-reset", budget.reset.into());
    response
}
