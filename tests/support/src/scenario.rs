//! What happens in a seed, drawn before it begins: the world, the file, the faults, the people, the kills.

use crate::standin::{Fault, Key, Shape, World};

/// Each row's value is at most this; what somebody else sets is more, but where it is just what the file wants.
const MOST: i64 = 3_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Wait,
    Approve,
    Reject,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub key: Key,
    /// None is an unassign.
    pub value: Option<i64>,
    pub expected: Option<i64>,
}

/// A fault as data: the stand-in's own can be neither shown nor made twice.
#[derive(Clone, Debug)]
pub enum Mishap {
    Fail(u16),
    ActThenFail(u16),
    Drop,
    ActThenDrop,
    Ignore,
    HalfThenFail(u16),
    HalfThenDrop,
    RateLimit,
    Edit(Key, Option<i64>),
}

#[derive(Debug)]
pub struct Scenario {
    organizations: usize,
    groups: usize,
    without_quota: Vec<Key>,
    pub shape: Shape,
    pub bad: Vec<Key>,
    pub shy: Vec<Key>,
    pub ignored: Vec<Key>,
    names_fields: bool,
    partial: bool,
    most_rows: usize,
    too_many: u16,
    pub late_reads: u32,
    clock_off: i64,
    pub mode: &'static str,
    pub choice: Choice,
    pub rows: Vec<Row>,
    pub mishaps: Vec<(&'static str, usize, Mishap)>,
    /// At which request of each attempt it is killed, and whether the server acts on that request.
    pub kills: Vec<(usize, bool)>,
    pub tears: bool,
}

impl Scenario {
    pub fn from_seed(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let (organizations, groups) = (dice.usize(1..=3), dice.usize(3..=8));
        let targets: Vec<Key> = World::wide(organizations, groups).quotas().into_keys().collect();
        let of_groups: Vec<Key> = targets.iter().filter(|key| key.1.is_some()).cloned().collect();
        let some = |dice: &mut fastrand::Rng, most: usize| {
            let count = dice.usize(0..=most);
            dice.choose_multiple(of_groups.iter(), count).into_iter().cloned().collect::<Vec<_>>()
        };
        let without_quota = some(&mut dice, 2);
        let mut rows = Vec::new();
        let held = dice.u8(0..4) == 0;
        for key in &targets {
            if dice.u8(0..5) == 0 {
                continue;
            }
            let now = (!without_quota.contains(key)).then_some(1_000);
            let value = match dice.u8(0..12) {
                _ if key.1.is_none() => Some(if dice.bool() { 1_900_000 } else { 2_000_000 }),
                0 => now,
                1 => None,
                2 if held => Some(100), // below what is used: a guard holds it
                3..=6 => Some(dice.i64(600..1_000)),
                _ => Some(dice.i64(1_001..=MOST)),
            };
            if value.is_none() && now.is_none() {
                continue;
            }
            let expected = match dice.u8(0..20) {
                0 => Some(1_234), // stale
                1..=6 => now.filter(|_| key.1.is_some()),
                _ => None,
            };
            rows.push(Row { key: key.clone(), value, expected });
        }
        if rows.is_empty() {
            rows.push(Row { key: of_groups[0].clone(), value: Some(1_500), expected: None });
        }
        dice.shuffle(&mut rows);
        let late_reads = if dice.u8(0..4) == 0 { dice.u32(1..=3) } else { 0 };
        let shapes = [
            Shape::AsDescribed,
            Shape::AsDescribed,
            Shape::GroupsWithoutOrganization,
            Shape::QuotasWithoutOrganization,
            Shape::WithUnknownFields,
            Shape::InTwoEntries,
            Shape::Twice,
        ];
        let often = |dice: &mut fastrand::Rng, of: u8| dice.u8(0..of) == 0;
        let most_rows = if often(&mut dice, 5) { dice.usize(1..=6) } else { 0 };
        let kills = (0..dice.usize(0..=4)).map(|_| (dice.usize(0..14), dice.bool())).collect();
        Self {
            organizations,
            groups,
            without_quota,
            shape: shapes[dice.usize(..shapes.len())],
            bad: if often(&mut dice, 3) { some(&mut dice, 2) } else { Vec::new() },
            shy: if often(&mut dice, 6) { some(&mut dice, 2) } else { Vec::new() },
            ignored: if often(&mut dice, 6) { some(&mut dice, 1) } else { Vec::new() },
            names_fields: dice.bool(),
            partial: dice.bool(),
            most_rows,
            too_many: [0, 400, 422][dice.usize(..3)],
            late_reads,
            clock_off: [0, 0, -600, 600][dice.usize(..4)],
            mode: ["row", "row", "organization", "file"][dice.usize(..4)],
            choice: [Choice::Wait, Choice::Approve, Choice::Reject][dice.usize(..3)],
            mishaps: alike(mishaps(&mut dice, &of_groups, late_reads), &rows, seed),
            rows,
            kills: if often(&mut dice, 2) { kills } else { Vec::new() },
            tears: dice.bool(),
        }
    }

    pub fn world(&self) -> World {
        let mut world = World::wide(self.organizations, self.groups);
        for key in &self.without_quota {
            world.set(key, None);
        }
        for own in world.organizations.values_mut() {
            own.cloud = (900, Some(2_700));
        }
        World {
            shape: self.shape,
            bad: self.bad.iter().cloned().collect(),
            shy: self.shy.iter().cloned().collect(),
            ignored: self.ignored.iter().cloned().collect(),
            names_fields: self.names_fields,
            partial: self.partial,
            most_rows: self.most_rows,
            too_many: self.too_many,
            late_reads: self.late_reads,
            clock_off: self.clock_off,
            limit: 1_000_000,
            ..world
        }
    }

    pub fn faults(&self) -> impl Iterator<Item = (&'static str, usize, Fault)> {
        self.mishaps.iter().map(|(call, skip, mishap)| {
            let fault = match mishap.clone() {
                Mishap::Fail(status) => Fault::Fail(status),
                Mishap::ActThenFail(status) => Fault::ActThenFail(status),
                Mishap::Drop => Fault::Drop,
                Mishap::ActThenDrop => Fault::ActThenDrop,
                Mishap::Ignore => Fault::Ignore,
                Mishap::HalfThenFail(status) => Fault::HalfThenFail(status),
                Mishap::HalfThenDrop => Fault::HalfThenDrop,
                Mishap::RateLimit => Fault::RateLimit { reset_in: 2 },
                Mishap::Edit(key, value) => {
                    Fault::Edit(Box::new(move |world: &mut World| world.set(&key, value)))
                }
            };
            (*call, *skip, fault)
        })
    }

    pub fn file(&self) -> String {
        let mut text = "action,org_id,aid,value,expected_value,comment\n".to_owned();
        for row in &self.rows {
            let plain = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
            let action = if row.value.is_some() { "assign" } else { "unassign" };
            let (value, expected) = (plain(row.value), plain(row.expected));
            let aid = row.key.1.as_deref().unwrap_or_default();
            text += &format!("{action},{},{aid},{value},{expected},chaos\n", row.key.0);
        }
        text
    }
}

/// In one seed of four, what somebody else sets is just what the file wants.
fn alike(
    mut mishaps: Vec<(&'static str, usize, Mishap)>,
    rows: &[Row],
    seed: u64,
) -> Vec<(&'static str, usize, Mishap)> {
    for (_, _, mishap) in mishaps.iter_mut().filter(|_| seed.is_multiple_of(4)) {
        if let Mishap::Edit(key, value) = mishap
            && let Some(row) = rows.iter().find(|row| row.key == *key)
        {
            *value = row.value;
        }
    }
    mishaps
}

fn mishaps(dice: &mut fastrand::Rng, groups: &[Key], late_reads: u32) -> Vec<(&'static str, usize, Mishap)> {
    let mut mishaps = Vec::new();
    for number in 0..dice.i64(0..=6) {
        let edit = |dice: &mut fastrand::Rng| {
            let key = groups[dice.usize(..groups.len())].clone();
            Mishap::Edit(key, (dice.u8(0..6) > 0).then_some(MOST + 1 + number))
        };
        let server = [500, 502, 503][dice.usize(..3)];
        let refusal = [400, 403, 404, 422][dice.usize(..4)];
        let (call, mishap) = match dice.u8(0..18) {
            16 => ("POST", Mishap::Fail(401)),
            17 => {
                // As long as reads are tried.
                let skip = dice.usize(..10);
                mishaps.extend((0..2).map(|_| ("GET", skip, Mishap::Fail(server))));
                ("GET", Mishap::Fail(server))
            }
            0..=2 => ("", edit(dice)),
            3 => ("GET /quotas", edit(dice)),
            4 => ("POST", edit(dice)),
            5 => ("GET", [Mishap::Fail(server), Mishap::Drop][dice.usize(..2)].clone()),
            6 => ("", Mishap::RateLimit),
            7 => ("POST", Mishap::Fail(server)),
            8 => ("POST", Mishap::ActThenFail(server)),
            9 => ("POST", Mishap::Drop),
            10 => ("POST", Mishap::ActThenDrop),
            11 => ("POST", Mishap::Ignore),
            12 => ("POST", Mishap::HalfThenFail(server)),
            13 => ("POST", Mishap::HalfThenDrop),
            14 => ("POST", Mishap::Fail(refusal)),
            // What was refused, and done, and cannot be seen yet, is what nobody could report correctly.
            _ if late_reads == 0 => (
                "POST",
                [Mishap::ActThenFail(refusal), Mishap::HalfThenFail(refusal)][dice.usize(..2)].clone(),
            ),
            _ => ("POST", Mishap::ActThenFail(408)),
        };
        let most = if call == "POST" { 4 } else { 10 };
        mishaps.push((call, dice.usize(..most), mishap));
    }
    mishaps
}
