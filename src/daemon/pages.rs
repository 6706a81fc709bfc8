//! The pages that the daemon serves beside health and metrics, for people: how all is now, and what led to it.
//!
//! They are made of the files as they are, when somebody asks, one page at a time and on a thread where that keeps no job waiting.
//! Nothing on them changes anything. `address` says what is asked for; each view makes plain values of what is known; `page` has the
//! templates.

pub(in crate::daemon) mod address;
mod cycles;
mod health;
mod history;
mod message;
mod overview;
pub(in crate::daemon) mod preview;
mod runs;
mod turn;

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use fs_err::File;
use tracing::warn;

use self::address::{Address, INPUT, View};
use self::message::{Link, Message};
use self::preview::PickedFile;
use self::turn::{NotDone, Turn};
use crate::clock::Clock;
use crate::daemon::health::probes::Probes;
use crate::domain::quota::{Snapshot, Target};
use crate::jobs::App;
use crate::jobs::records::alerts;
use crate::jobs::report_inputs::{ReportInputs, Scope};
use crate::mail::routes::Routes;
use crate::page::{self, PageFrame};
use crate::report::Extent;

/// Ages are said in words: a page is another one after so long, whatever happened.
const STALE: Duration = Duration::minutes(5);

/// What is answered.
pub(in crate::daemon) enum Answer {
    /// A page, and its stamp.
    Page(String, String),
    /// What the browser has is as new.
    Unchanged,
    /// A table of ours to download, for a person to open.
    Table(File),
    /// A change file to download, byte by byte as it was dropped.
    AsDropped(File),
    /// Nothing has this address, as a page; and why.
    Missing(String),
    /// It could not be made, as a page.
    Failed(String),
    /// It takes longer than whoever asks waits.
    TooLate,
}

/// What makes them.
pub(in crate::daemon) struct Pages {
    probes: Arc<Probes>,
    turn: Turn,
}

const FIRST_PAGE: Link = Link { href: "/", label: "Back to the first page" };

impl Pages {
    pub(in crate::daemon) fn new(probes: Arc<Probes>) -> Self {
        Self { probes, turn: Turn::new() }
    }

    /// Whether there are pages at all, as the configuration is now.
    pub(in crate::daemon) fn are_served(&self) -> bool {
        self.probes.app().config.server.page
    }

    /// What there is at an address. `known` is the stamp of what the browser has.
    pub(in crate::daemon) async fn answer(&self, address: Option<Address>, known: Option<&str>) -> Answer {
        let now = Clock::read().now();
        let app = self.probes.app();
        let stamp = Self::stamp(&app, now);
        if known == Some(stamp.as_str()) && address.as_ref().is_some_and(Address::is_page) {
            return Answer::Unchanged;
        }
        let held = self.probes.held_runs();
        self.make(move || {
            let live = live_frame(&app, stamp, address.as_ref().map(Address::view), held, now);
            answer(&app, address, &live, now)
        })
        .await
    }

    /// What a change file would do.
    pub(in crate::daemon) async fn preview(&self, picked: PickedFile) -> Answer {
        let now = Clock::read().now();
        let (app, held) = (self.probes.app(), self.probes.held_runs());
        let stamp = Self::stamp(&app, now);
        self.make(move || {
            let live = live_frame(&app, stamp, Some(View::Changes), held, now);
            let page = preview::preview(&app, &picked, now)
                .and_then(|view| page::plain_page("changes.html", &view, Some(&live)));
            page.map_or_else(
                |error| failed(&app, &error, &live, now),
                |page| Answer::Page(page, live.stamp.clone()),
            )
        })
        .await
    }

    async fn make(&self, page: impl FnOnce() -> Answer + Send + 'static) -> Answer {
        match self.turn.work(page).await {
            Ok(answer) => answer,
            Err(NotDone::TooLate) => Answer::TooLate,
            Err(NotDone::Panicked(error)) => {
                warn!(error = %error, "a page cannot be made");
                Answer::Failed("The page cannot be made: the log says why.\n".to_owned())
            }
        }
    }

    /// Another one whenever a job ended, or a snapshot came.
    fn stamp(app: &App, now: DateTime<Utc>) -> String {
        let newest = app.history.until(now).ok().and_then(|all| all.last().copied());
        let newest = newest.map_or(0, |newest| newest.timestamp());
        let (ended, process) = (app.activity.work().jobs_ended(), std::process::id());
        format!("{process}-{newest}-{ended}-{}", now.timestamp() / STALE.num_seconds())
    }
}

/// What stands around each page: the views, and how much there waits for somebody.
fn live_frame(app: &App, stamp: String, here: Option<View>, held: usize, now: DateTime<Utc>) -> PageFrame {
    let count = |view| match view {
        View::Changes => held,
        View::Health => health::count_problems(&app.report_inputs(), &app.mailer, now),
        View::Now | View::Groups | View::History | View::Cycles => 0,
    };
    let line = |view: View| page::View {
        label: view.as_str(),
        href: view.href(),
        count: count(view),
        is_here: here == Some(view),
    };
    PageFrame { stamp, views: View::ALL.iter().copied().map(line).collect() }
}

/// Makes it. Whatever fails is a page that says so.
fn answer(app: &App, address: Option<Address>, live: &PageFrame, now: DateTime<Utc>) -> Answer {
    let inputs = app.report_inputs();
    let missing = |text: &str| {
        let (headline, text) = ("There is no such page", text.to_owned());
        let imprint = (&inputs.context(now)).into();
        Answer::Missing(message_page(Message { headline, text, link: FIRST_PAGE, imprint }, live))
    };
    let Some(address) = address else {
        return missing("Its address may be mistyped, or what it showed is gone.");
    };
    let made = match address {
        Address::Snapshot(stem) => history::file(&inputs, &stem).map(|file| file.map(Answer::Table)),
        Address::RunFile(run, file) => {
            let answer = if file == INPUT { Answer::AsDropped } else { Answer::Table };
            runs::file(&inputs, &run, file).map(|file| file.map(answer))
        }
        page => view(app, &inputs, page, live, now)
            .map(|page| page.map(|page| Answer::Page(page, live.stamp.clone()))),
    };
    match made {
        Ok(Some(answer)) => answer,
        Ok(None) => missing("What it showed may have been removed by retention, or is no longer visible."),
        Err(error) => failed(app, &error, live, now),
    }
}

fn failed(app: &App, error: &anyhow::Error, live: &PageFrame, now: DateTime<Utc>) -> Answer {
    warn!(error = format!("{error:#}"), "a page cannot be made");
    let link = Link { href: "/health", label: "What else is wrong" };
    let imprint = (&app.report_inputs().context(now)).into();
    let (headline, text) = ("This page cannot be made", format!("{error:#}."));
    Answer::Failed(message_page(Message { headline, text, link, imprint }, live))
}

fn message_page(message: Message, live: &PageFrame) -> String {
    page::plain_page("message.html", &message, Some(live)).unwrap_or(message.text)
}

/// None where nothing has this address.
fn view(
    app: &App,
    inputs: &ReportInputs<'_>,
    address: Address,
    live: &PageFrame,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<String>> {
    // On the first day there is no snapshot yet, and what fails is what one wants to know.
    if address.needs_a_snapshot() && app.history.until(now)?.is_empty() {
        return Ok(Some(health::page(inputs, &app.mailer, live, now)?));
    }
    let latest = || inputs.latest(now);
    Ok(Some(match address {
        Address::Now => {
            let status = overview::CurrentState::new(inputs, &app.mailer, now);
            inputs.with_overview(latest()?, now, |page| page::overview_page(page, &status, live))?
        }
        Address::Groups => groups(app, (&latest()?, Scope::default()), live, now)?,
        Address::Organization(org_id) => {
            let latest = inputs.latest_of(&org_id, now)?;
            let scope = Scope { organizations: Some([org_id].into()), ..Scope::default() };
            if latest.organizations().is_empty() {
                return Ok(None);
            }
            groups(app, (&latest, scope), live, now)?
        }
        Address::Target(target) => {
            let latest = inputs.latest_of(&target.org_id, now)?;
            let record = alerts::read(&app.config.data.dir);
            let Some(mut page) = inputs.target_page(&target, &latest, record.as_ref(), now)? else {
                return Ok(None);
            };
            page.owners = routes(app).owners(&target);
            page::plain_page("group.html", &page, Some(live))?
        }
        Address::Runs { all } => page::plain_page("runs.html", &runs::runs(inputs, all, now)?, Some(live))?,
        Address::Run(id) => match runs::run_page(inputs, &id, now)? {
            Some(run) => page::plain_page("changes.html", &run, Some(live))?,
            None => return Ok(None),
        },
        Address::History { from, to } => {
            let history = history::history(inputs, from.as_deref(), to.as_deref(), now)?;
            page::plain_page("history.html", &history, Some(live))?
        }
        Address::Cycles => cycles::page(inputs, &latest()?, live, now)?,
        Address::Health => health::page(inputs, &app.mailer, live, now)?,
        Address::Snapshot(_) | Address::RunFile(..) => return Ok(None),
    }))
}

fn groups(
    app: &App,
    (latest, scope): (&Snapshot, Scope),
    live: &PageFrame,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    let routes = routes(app);
    let scope = Scope { extent: Extent::Whole, ..scope };
    let (inputs, owners) = (app.report_inputs(), |target: &Target| routes.owners(target));
    inputs.with_usage_page((latest, &scope), &owners, now, |page| page::usage(page, Some(live)))
}

/// Who owns what; nobody where the file of the owners cannot be read, which `status` says.
fn routes(app: &App) -> Routes {
    app.mailer.routes().map(|(routes, _)| routes).unwrap_or_default()
}
