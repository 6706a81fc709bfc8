//! The section of the closing report about one organization: the cycle that ended, and the cycles of its year.

use serde::Serialize;

use super::cycle_usage::CycleUsage;
use crate::domain::quota::Units;

/// One cycle of the year.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct YearRow {
    #[serde(flatten)]
    pub spent: CycleUsage,
    /// `5 Nov to 5 Dec`.
    pub cycle: String,
    pub plan: Option<Units>,
    /// Nothing was seen of it.
    pub missing: bool,
    /// The day after which nothing was seen of it, where that is long before its end: `20 Oct`.
    pub until: String,
}

/// An organization whose cycle closed, or those account groups of it that the report is about.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Section {
    #[serde(flatten)]
    pub spent: CycleUsage,
    pub org_name: String,
    /// The organization of an account group that the section is about; empty where the name says it.
    pub of: String,
    /// `5 Nov to 5 Dec 2026`.
    pub cycle: String,
    pub plan: Option<Units>,
    pub over_plan: Option<Units>,
    /// How it compares, a sentence each.
    pub sentences: Vec<String>,
    /// What a person must know to read these figures rightly.
    pub notes: Vec<String>,
    /// The account groups that ran out, those with most units over first.
    pub ran_out: Vec<CycleUsage>,
    pub more_ran_out: usize,
    /// The other account groups, fullest first; empty in a mail.
    pub groups: Vec<CycleUsage>,
    /// How many of those are not listed; in a mail all of them.
    pub more_groups: usize,
    /// `2026 so far`.
    pub year_title: String,
    /// Oldest first, the cycle that closed last. Empty where nothing is known of any.
    pub year: Vec<YearRow>,
    pub year_total: String,
    /// The month of the cycle: `Nov`.
    #[serde(skip)]
    pub month: String,
    /// Whether it is about some account groups alone, and about several.
    #[serde(skip)]
    pub partial: bool,
    #[serde(skip)]
    pub several: bool,
    #[serde(skip)]
    pub groups_out: usize,
}
