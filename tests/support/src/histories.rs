//! Histories that no test wants to wait for: snapshot files as an earlier run would have left them.

use std::fmt::Write;
use std::path::Path;

use chrono::{DateTime, Duration, DurationRound, Utc};

/// So many snapshots, twelve hours apart, of so many account groups in up to 25 organizations: every seventh runs out, every
/// eleventh has no quota.
pub fn history(data: &Path, groups: usize, snapshots: i32, name: impl Fn(usize) -> String) {
    #[expect(clippy::disallowed_methods, reason = "the binary reads the same clock")]
    let now = Utc::now().duration_trunc(Duration::hours(1)).unwrap();
    let (start, end) = (now - Duration::days(10), now + Duration::days(20));
    let text = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    for back in (0..snapshots).rev() {
        let at = now - Duration::hours(12) * back;
        let mut csv = "taken_at,level,org_id,org_name,aid,account_group_name,quota,cloud_units_used,cloud_units_projected,\
                       enterprise_units_used,enterprise_units_projected,device_units_used,device_units_projected,period_start,\
                       period_end,plan_units,cloud_units_next_period,enterprise_units_next_period\n"
            .to_owned();
        let organizations = groups.div_ceil(400).max(1);
        for organization in 0..organizations {
            let org = format!("{},Organization {organization}", 100 + organization);
            let period = format!("{},{}", text(start), text(end));
            writeln!(csv, "{},organization,{org},,,9000000,400,1200,0,0,,,{period},,,", text(at)).unwrap();
            for group in (organization..groups).step_by(organizations) {
                let quota = if group % 11 == 10 { String::new() } else { (1000 + group).to_string() };
                let projected = if group % 7 == 0 { 2000 + group } else { 500 };
                let used = projected / 3 - usize::try_from(back).unwrap();
                let name = name(group).replace('"', "\"\"");
                let usage = format!("{quota},{used},{projected},0,0,,,{period}");
                writeln!(csv, "{},account_group,{org},{},\"{name}\",{usage},,,", text(at), 1_000_000 + group)
                    .unwrap();
            }
        }
        let folder = data.join(at.format("history/year=%Y/month=%m").to_string());
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::write(folder.join(at.format("%Y-%m-%dT%H-%M-%SZ.csv").to_string()), csv).unwrap();
    }
}
