//! Stories: the real binary against a stand-in of the API that was written from the vendor's description alone.

#[path = "../standin/mod.rs"]
#[expect(dead_code, reason = "the chaos has more faults, and looks closer at the log")]
mod standin;

mod alerts;
mod approvals;
mod changes;
mod checking;
mod closings;
mod crashes;
mod damage;
mod diagnosis;
mod dropping;
mod edges;
mod faults;
mod formats;
mod guards;
mod handover;
mod instances;
mod libreoffice;
mod logs;
mod mails;
mod mounts;
mod names;
mod odd_answers;
mod outcomes;
mod owners;
mod passes;
mod plans;
mod proposals;

mod rates;
mod reloads;
mod restoring;
mod schedules;
mod snapshots;
mod spreadsheets;
mod stopping;
mod surroundings;
mod terminal;
mod testbed;
mod young_cycles;
