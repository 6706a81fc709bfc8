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
use super::body::{Body, Bounds, Next};
use super::error::{Call, Error, clean};
use super::http;
use super::limits::{self, Limits};
use super::proxy::Through;
use super::rate_budget::{Budget, Pace, Room};
use super::recent::Recent;
use super::request_counts::Tally;
use super::retry::{self, Event, Verdict};
use super::settings::Settings;
use crate::config::Secret;

/// Ours goes out with each request; the answer may have one of its own.
const REQUEST_ID: &str = "x-request-id";

/// How a server says that the rate limit is used up.
const TOO_MANY: u16 = 429;

pub(super) struct Transport {
    http: reqwest::Client,
    through: Option<Through>,
    settings: Settings,
    started: Instant,
    pace: Mutex<Pace>,
    tally: Mutex<Tally>,
    recent: Mutex<Recent>,
    /// When the last dated answer came, and its date in seconds since the epoch.
    dated: Mutex<Option<(Instant, u64)>>,
    /// Held by the one that waits for the budget; the others queue behind it in the order they came.
    turn: tokio::sync::Mutex<()>,
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

impl Transport {
    pub(super) fn new(settings: Settings) -> Result<Self, Error> {
        let (http, through) = http::client(&settings)?;
        Ok(Self {
            http,
            through,
            recent: Mutex::default(),
            pace: Mutex::new(Pace::new(settings.requests_per_minute, settings.reserve_percent)),
            tally: Mutex::default(),
            settings,
            dated: Mutex::new(None),
            started: Instant::now(),
            turn: tokio::sync::Mutex::new(()),
            large: Arc::new(Semaphore::new(1)),
        })
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn budget(&self) -> Budget {
        self.pace().budget()
    }

    /// How many requests were sent, by operation and status.
    pub(super) fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long ago the last dated answer came, and its date in seconds since the epoch.
    pub(super) fn last_answer(&self) -> Option<(Duration, u64)> {
        let dated = *self.dated.lock().unwrap_or_else(PoisonError::into_inner);
        dated.map(|(at, date)| (at.elapsed(), date))
    }

    pub(super) fn room(&self) -> Room {
        self.pace().room(self.now())
    }

    pub(super) fn forget_failures(&self) {
        self.recent().clear();
    }

    /// The body of a good answer, which begins like JSON but was not parsed yet.
    pub(super) async fn get(&self, url: Url) -> Result<Body, Error> {
        let address = url.to_string();
        if let Some(error) = self.recent().failure(&address, self.now()) {
            return Err(error);
        }
        let result =
            self.send(Request { id: request_id(), call: self.call("GET", &url), url, body: None }).await;
        self.recent().ended(&address, self.now(), &result);
        result
    }

    /// Any 2xx is success, whatever its body says: two descriptions of the API differ in that.
    pub(super) async fn post(&self, url: Url, body: Vec<u8>) -> Result<(), Error> {
        let request = Request { id: request_id(), call: self.call("POST", &url), url, body: Some(body) };
        self.send(request).await.map(drop)
    }

    /// How errors and logs name a request: by its path below the base URL, without the query.
    pub(super) fn call(&self, method: &'static str, url: &Url) -> Call {
        let below = url.path().strip_prefix(self.settings.base_url.path()).unwrap_or(url.path());
        Call { method, path: clean(&format!("/{}", below.trim_start_matches('/'))) }
    }

    async fn send(&self, request: Request) -> Result<Body, Error> {
        let (Call { method, path }, id) = (&request.call, &request.id);
        let mut delays = retry::delays();
        let mut refusals = 0;
        let mut refused_with = TOO_MANY;
        let mut token_was_renewed = false;
        let mut deadline = None;
        loop {
            let deadline = self.wait_for_turn(&request.call, &mut deadline, refused_with).await?;
            let token = self.token(&request.call)?;
            let outcome = self.attempt(&request, &token, deadline).await;
            let outcome = if request.body.is_none() { outcome.noticing_a_cut_object() } else { outcome };
            match retry::judge(request.body.is_none(), outcome.event) {
                Verdict::Final => {
                    let unauthorized = outcome.event == Event::Status(401);
                    if unauthorized && !token_was_renewed && self.token_differs_from(&token) {
                        token_was_renewed = true;
                        continue;
                    }
                }
                Verdict::WaitForReset => {
                    let wait = retry::wait_for_reset(&outcome.limits, refusals, fastrand::f64());
                    let wait_s = wait.as_secs_f32();
                    refusals += 1;
                    refused_with = outcome.event.status().unwrap_or(TOO_MANY);
                    self.pace().refused(self.now(), wait);
                    let limit = "the rate limit is used up: all requests wait";
                    warn!(method, path, request = id, status = refused_with, wait_s, refusals, "{limit}");
                    continue;
                }
                Verdict::TryAgain => {
                    let wait = retry::wait_to_try_again(delays.next(), &outcome.limits, fastrand::f64());
                    if let Some(wait) = wait.filter(|wait| Instant::now() + *wait < deadline) {
                        let wait_s = wait.as_secs_f32();
                        let reason = Some(outcome.reason.as_str()).filter(|reason| !reason.is_empty());
                        let status = outcome.event.status();
                        warn!(method, path, request = id, status, reason, wait_s, "trying again");
                        sleep(wait).await;
                        continue;
                    }
                }
            }
            if let Some(status @ 400..) = outcome.event.status() {
                info!(method, path, request = id, answer = outcome.answer_id, status, "refused");
            }
            let from = self.settings.token.origin("TE_TOKEN");
            return outcome.conclude(request.call, request.body.is_none(), &from);
        }
    }

    /// Waits until the budget has room, and counts the request. The time that one request may take in all begins
    /// when it is first in the queue, so that a long queue is no failure.
    async fn wait_for_turn(
        &self,
        call: &Call,
        deadline: &mut Option<Instant>,
        refused_with: u16,
    ) -> Result<Instant, Error> {
        let _turn = self.turn.lock().await;
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.settings.max_total);
        loop {
            let wait = self.pace().take(self.now());
            if wait.is_zero() {
                return Ok(deadline);
            }
            if Instant::now() + wait > deadline {
                let within = self.settings.max_total;
                return Err(Error::RateLimited { call: call.clone(), status: refused_with, within });
            }
            debug!(wait_s = wait.as_secs_f32(), "slowing down for the rate limit");
            sleep(wait).await;
        }
    }

    async fn attempt(&self, request: &Request, token: &SecretString, deadline: Instant) -> Outcome {
        let begun = Instant::now();
        let timeout = self.settings.timeout.min(deadline.saturating_duration_since(begun));
        let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())) else {
            let reason =
                "the token holds characters that no token has: look for stray ones where it comes from";
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
                let (event, reason) = http::explain(&error, timeout, self.through.as_ref());
                Outcome::without_answer(event, reason)
            }
        };
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).count(&request.call, outcome.event);
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
            self.pace().observe(self.now(), &limits);
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
                    let (_, reason) = http::explain(&error, timeout, self.through.as_ref());
                    return Outcome { limits, ..Outcome::without_answer(Event::NoAnswer, reason) };
                }
                // The status of a failure is its outcome, also without the words that belong to it.
                Ok(None) | Err(_) => Next::Enough,
            };
            match next {
                Next::Read => {}
                Next::Enough => break outcome,
                Next::Refuse(why) => break Outcome { reason: why, ..outcome },
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
            reason: format!("{} cannot be read: {error}", token.called("the token", "api.token_file")),
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

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn request_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}
