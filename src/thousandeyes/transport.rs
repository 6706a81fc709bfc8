//! Sends one request until it is done, refused or given up: token, pacing, retry, the cap on an answer's size.
//!
//! This only does. What follows from what is decided in `retry`, `rate_budget`, `attempt` and `body`, which are pure.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use reqwest::{Method, Response, Url, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::attempt::Outcome;
use super::body::{Body, Bounds, NextStep};
use super::error::{Call, Error, clean};
use super::http;
use super::limits::{self, Limits};
use super::proxy::ConfiguredProxy;
use super::rate_budget::{Allowance, Budget, RateBudget};
use super::recent_failures::RecentFailures;
use super::request_counts::RequestCounts;
use super::retry::{self, Event, Verdict};
use super::settings::Settings;
use crate::config::Secret;

/// Ours goes out with each request; the answer may have one of its own.
const REQUEST_ID: &str = "x-request-id";

/// How a server says that the rate limit is used up.
const TOO_MANY: u16 = 429;

pub(super) struct Transport {
    http: reqwest::Client,
    proxy: Option<ConfiguredProxy>,
    settings: Settings,
    started: Instant,
    rate_budget: Mutex<RateBudget>,
    request_counts: Mutex<RequestCounts>,
    recent_failures: Mutex<RecentFailures>,
    /// When the last dated answer came, and its date in seconds since the epoch.
    dated: Mutex<Option<(Instant, u64)>>,
    /// Held by the one that waits for the budget; the others queue behind it in the order they came.
    turn: tokio::sync::Mutex<()>,
    /// The next write. There is one at a time.
    write: tokio::sync::Mutex<Turn>,
    /// Of answers that are large one is in memory at a time.
    large: Arc<Semaphore>,
}

/// What is sent, the same at each try.
struct Request {
    /// Sent along and logged, so that the lines of one request are found together, here and at the other side.
    id: String,
    call: Call,
    url: Url,
    /// None for a read.
    body: Option<Vec<u8>>,
}

/// What a request has gone through so far.
#[derive(Default)]
struct Turn {
    /// Whether the budget counts the next try already.
    is_taken: bool,
    /// When it is given up: its time begins when it is first in the queue, so that a long queue is no failure.
    deadline: Option<Instant>,
    /// How often it was refused for the rate, and how the last time.
    refusals: u32,
    refused_with: Option<u16>,
    /// How often it failed otherwise and may be tried again.
    failures: usize,
    token_was_renewed: bool,
}

impl Turn {
    fn was_tried(&self) -> bool {
        self.refusals > 0 || self.failures > 0 || self.token_was_renewed
    }
}

impl Transport {
    pub(super) fn new(settings: Settings) -> Result<Self, Error> {
        let (http, proxy) = http::client(&settings)?;
        Ok(Self {
            http,
            proxy,
            recent_failures: Mutex::default(),
            rate_budget: Mutex::new(RateBudget::new(settings.requests_per_minute, settings.reserve_percent)),
            request_counts: Mutex::default(),
            settings,
            dated: Mutex::new(None),
            started: Instant::now(),
            turn: tokio::sync::Mutex::new(()),
            write: tokio::sync::Mutex::default(),
            large: Arc::new(Semaphore::new(1)),
        })
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn budget(&self) -> Budget {
        self.rate_budget().budget()
    }

    /// How many requests were sent, by operation and status.
    pub(super) fn request_counts(&self) -> RequestCounts {
        self.request_counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long ago the last dated answer came, and its date in seconds since the epoch.
    pub(super) fn last_answer(&self) -> Option<(Duration, u64)> {
        let dated = *self.dated.lock().unwrap_or_else(PoisonError::into_inner);
        dated.map(|(at, date)| (at.elapsed(), date))
    }

    pub(super) fn allowance(&self) -> Allowance {
        self.rate_budget().allowance(self.now())
    }

    pub(super) fn forget_failures(&self) {
        self.recent_failures().clear();
    }

    /// The body of a good answer, which begins like JSON but was not parsed yet.
    pub(super) async fn get(&self, url: Url) -> Result<Body, Error> {
        let address = url.to_string();
        if let Some(error) = self.recent_failures().failure(&address, self.now()) {
            return Err(error);
        }
        let request = Request { id: request_id(), call: self.call("GET", &url), url, body: None };
        let mut turn = Turn::default();
        let result = loop {
            if let Err(error) = self.wait_for_turn(&request.call, &mut turn).await {
                break Err(error);
            }
            if let Some(result) = self.send(&request, &mut turn).await {
                break result;
            }
        };
        self.recent_failures().note_result(&address, self.now(), &result);
        result
    }

    /// Waits until a write may be sent, and counts it: what is read after this is still so when it goes out.
    pub(super) async fn turn_to_write(&self, call: &Call) -> Result<(), Error> {
        let mut turn = self.write.lock().await;
        if !turn.was_tried() || turn.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            // What an earlier one went through is not this one's, but a place that it left unused is.
            let deadline = Some(Instant::now() + self.settings.max_total);
            *turn = Turn { is_taken: turn.is_taken, deadline, ..Turn::default() };
        }
        self.wait_for_turn(call, &mut turn).await
    }

    /// Any 2xx is success, whatever JSON comes with it: two descriptions of the API differ in that. Sent once and at once, if it has
    /// its turn: where waiting would help, it is [`Error::NotYet`], because what the caller knows may not be so afterwards.
    pub(super) async fn post(&self, url: Url, body: Vec<u8>) -> Result<(), Error> {
        let request = Request { id: request_id(), call: self.call("POST", &url), url, body: Some(body) };
        let mut turn = self.write.lock().await;
        self.wait_for_turn(&request.call, &mut turn).await?;
        let Some(result) = self.send(&request, &mut turn).await else {
            return Err(Error::NotYet { call: request.call });
        };
        *turn = Turn::default();
        result.map(drop)
    }

    /// How errors and logs name a request: by its path below the base URL, without the query.
    pub(super) fn call(&self, method: &'static str, url: &Url) -> Call {
        let below = url.path().strip_prefix(self.settings.base_url.path()).unwrap_or(url.path());
        Call { method, path: clean(&format!("/{}", below.trim_start_matches('/'))) }
    }

    /// Tries a request whose turn it is. None where it should be tried again: what there was to wait for is over, or the budget
    /// knows of it.
    async fn send(&self, request: &Request, turn: &mut Turn) -> Option<Result<Body, Error>> {
        let (Call { method, path }, id) = (&request.call, &request.id);
        let is_read = request.body.is_none();
        turn.is_taken = false;
        let deadline = turn.deadline.unwrap_or_else(Instant::now);
        let token = match self.token(&request.call) {
            Ok(token) => token,
            Err(error) => return Some(Err(error)),
        };
        // A write has its time however long its caller read before.
        let until = if is_read { deadline } else { Instant::now() + self.settings.timeout };
        let outcome = self.attempt(request, &token, until).await;
        let outcome = if is_read { outcome.noticing_a_cut_object() } else { outcome };
        match retry::judge(is_read, outcome.event) {
            Verdict::Final => {
                let unauthorized = outcome.event == Event::Status(401);
                if unauthorized && !turn.token_was_renewed && self.token_differs_from(&token) {
                    turn.token_was_renewed = true;
                    return None;
                }
            }
            Verdict::WaitForReset => {
                let wait = retry::wait_for_reset(&outcome.limits, turn.refusals, fastrand::f64());
                let (status, wait_s) = (outcome.event.status(), wait.as_secs_f32());
                turn.refusals += 1;
                turn.refused_with = status;
                self.rate_budget().on_refused(self.now(), wait);
                let (refusals, limit) = (turn.refusals, "the rate limit is used up: all requests wait");
                warn!(method, path, request = id, status, wait_s, refusals, "{limit}");
                let is_over = Instant::now() + wait > deadline;
                return is_over.then(|| Err(self.rate_limited(&request.call, turn)));
            }
            Verdict::TryAgain => {
                let delay = retry::delays().nth(turn.failures);
                turn.failures += 1;
                let wait = retry::wait_to_try_again(delay, &outcome.limits, fastrand::f64());
                if let Some(wait) = wait.filter(|wait| Instant::now() + *wait < deadline) {
                    let wait_s = wait.as_secs_f32();
                    let reason = Some(outcome.reason.as_str()).filter(|reason| !reason.is_empty());
                    let status = outcome.event.status();
                    warn!(method, path, request = id, status, reason, wait_s, "trying again");
                    sleep(wait).await;
                    return None;
                }
            }
        }
        if let Some(status @ 400..) = outcome.event.status() {
            info!(method, path, request = id, answer = outcome.answer_id, status, "refused");
        }
        let from = self.settings.token.origin("TE_TOKEN");
        Some(outcome.conclude(request.call.clone(), is_read, &from))
    }

    /// Waits until the budget has room, and counts the request, unless that was done.
    async fn wait_for_turn(&self, call: &Call, turn: &mut Turn) -> Result<(), Error> {
        if turn.is_taken {
            return Ok(());
        }
        let _first = self.turn.lock().await;
        let deadline = *turn.deadline.get_or_insert_with(|| Instant::now() + self.settings.max_total);
        loop {
            let wait = self.rate_budget().take_or_wait(self.now());
            if wait.is_zero() {
                turn.is_taken = true;
                return Ok(());
            }
            if Instant::now() + wait > deadline {
                let error = self.rate_limited(call, turn);
                *turn = Turn::default();
                return Err(error);
            }
            debug!(wait_s = wait.as_secs_f32(), "slowing down for the rate limit");
            sleep(wait).await;
        }
    }

    fn rate_limited(&self, call: &Call, turn: &Turn) -> Error {
        let status = turn.refused_with.unwrap_or(TOO_MANY);
        Error::RateLimited { call: call.clone(), status, within: self.settings.max_total }
    }

    async fn attempt(&self, request: &Request, token: &SecretString, deadline: Instant) -> Outcome {
        let begun = Instant::now();
        let timeout = self.settings.timeout.min(deadline.saturating_duration_since(begun));
        let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())) else {
            let reason = "the token contains invalid characters: check its source for stray ones";
            return Outcome::without_answer(Event::Unsendable, reason.to_owned());
        };
        bearer.set_sensitive(true);
        let method = if request.body.is_some() { Method::POST } else { Method::GET };
        let mut builder = self.http.request(method, request.url.clone());
        builder = builder.header(AUTHORIZATION, bearer).header(REQUEST_ID, &request.id).timeout(timeout);
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let outcome = match builder.send().await {
            Ok(response) => self.receive(response, timeout, self.bounds(&request.call)).await,
            Err(error) => {
                let (event, reason) = http::explain(&error, timeout, self.proxy.as_ref());
                Outcome::without_answer(event, reason)
            }
        };
        self.request_counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .count(&request.call, outcome.event);
        debug!(
            method = request.call.method,
            path = request.call.path,
            request = request.id,
            answer = outcome.answer_id,
            status = outcome.event.status(),
            ms = begun.elapsed().as_secs_f32() * 1000.0,
            remaining = outcome.limits.remaining,
            "request"
        );
        outcome
    }

    /// Reads an answer to its end, or to the size that is allowed, counting what gzip unpacks to.
    async fn receive(&self, mut response: Response, timeout: Duration, bounds: Bounds) -> Outcome {
        let status = response.status();
        let limits = Limits::read(response.headers());
        if let Some(date) = limits::server_date(response.headers()) {
            *self.dated.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), date));
        }
        let event = Event::answer(status.as_u16(), &limits);
        if !matches!(event, Event::Throttled(_)) {
            self.rate_budget().observe(self.now(), &limits);
        }
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_html = content_type.is_some_and(|text| text.to_ascii_lowercase().contains("html"));
        let answer_id = response.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let answer_id = answer_id.map(|id| clean(id).chars().take(80).collect());
        let is_undelimited = response.version() <= Version::HTTP_11
            && response.content_length().is_none()
            && !response.headers().contains_key(TRANSFER_ENCODING);
        let answer = Outcome::answer(status.as_u16());
        let mut outcome = Outcome { event, limits, is_html, answer_id, is_undelimited, ..answer };
        let bounds = if status.is_success() { bounds } else { Bounds::OF_ERROR };
        let length = response.content_length();
        if let Some(why) = length.and_then(|length| bounds.too_large(length)).filter(|_| status.is_success())
        {
            outcome.reason = why;
            return outcome; // the connection is closed with the rest of it unread
        }
        loop {
            let next = match response.chunk().await {
                Ok(Some(chunk)) => outcome.body.add(&chunk, length, bounds),
                Err(error) if status.is_success() => {
                    let (_, reason) = http::explain(&error, timeout, self.proxy.as_ref());
                    return Outcome { limits, ..Outcome::without_answer(Event::NoAnswer, reason) };
                }
                // The status of a failure is its outcome, also without the words that belong to it.
                Ok(None) | Err(_) => NextStep::Enough,
            };
            match next {
                NextStep::Read => {}
                NextStep::Enough => break outcome,
                NextStep::Refuse(why) => break Outcome { reason: why, ..outcome },
            }
            if outcome.body.is_large() && outcome.body.alone.is_none() {
                outcome.body.alone = Arc::clone(&self.large).acquire_owned().await.ok();
            }
        }
    }

    /// How much of a good answer is read.
    fn bounds(&self, call: &Call) -> Bounds {
        Bounds::of_answer(&call.path, self.settings.max_answer_bytes)
    }

    fn token(&self, call: &Call) -> Result<SecretString, Error> {
        let token = &self.settings.token;
        token.read_token().map_err(|error| Error::NotSent {
            call: call.clone(),
            reason: format!("{} cannot be read: {error}", token.with_key("the token", "api.token_file")),
        })
    }

    /// Whether a vault put a new token into the file since.
    fn token_differs_from(&self, used: &SecretString) -> bool {
        matches!(self.settings.token, Secret::File(_))
            && self.settings.token.read_token().is_ok_and(|now| now.expose_secret() != used.expose_secret())
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn recent_failures(&self) -> MutexGuard<'_, RecentFailures> {
        self.recent_failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rate_budget(&self) -> MutexGuard<'_, RateBudget> {
        self.rate_budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn request_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}
