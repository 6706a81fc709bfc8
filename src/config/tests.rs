//! What the configuration accepts, and what it says of what it does not.

use super::*;
use crate::domain::quota::Target;
use crate::testing::fuzz::fuzzed;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(text: &str, pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quotakeeper.toml");
    fs_err::write(&path, text).unwrap();
    load(Some(&path), &environment(pairs)).map_err(|error| {
        let place = format!("{}/", folder.path().display());
        error.problems.iter().map(|problem| problem.replace(&place, "")).collect()
    })
}

#[test]
fn the_defaults_are_valid_and_need_no_file() {
    let config = load(None, &Environment::new()).unwrap();
    assert_eq!(config.api.base_url.as_str(), "https://api.thousandeyes.com/v7/");
    assert!(config.api.token.is_none());
    assert_eq!(config.inbox_dir(), PathBuf::from("quotakeeper-data/inbox"));
}

#[test]
fn the_reference_is_valid_and_says_the_defaults() {
    let reference = include_str!("../../config/quotakeeper.toml");
    let config = read(reference, &[]).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    // And with every commented key set to what its comment says.
    let uncommented: String =
        reference.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
    read(&uncommented, &[("QUOTAKEEPER__SMTP__PASSWORD", "x")]).unwrap();
}

#[test]
fn the_reference_has_every_key() {
    let reference = shape::reference();
    let in_order = |mut keys: Vec<&str>| {
        keys.sort_unstable();
        keys.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let sections: Vec<&str> = reference.keys().map(String::as_str).collect();
    assert_eq!(in_order(sections.clone()), in_order(source::keys(None).to_vec()));
    for section in sections {
        let written = reference[section].as_table().unwrap().keys().map(String::as_str).collect();
        assert_eq!(in_order(written), in_order(source::keys(Some(section)).to_vec()), "[{section}]");
    }
}

#[test]
fn the_minimal_configuration_is_valid_and_ten_lines_long() {
    let minimal = include_str!("../../config/minimal.toml");
    assert!(minimal.lines().count() <= 10);
    read(minimal, &[]).unwrap();
}

#[test]
fn what_is_dropped_what_is_answered_and_what_is_kept_lie_apart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs_err::create_dir_all(data.join("inbox")).unwrap();
    std::os::unix::fs::symlink(data.join("inbox"), folder.path().join("link")).unwrap();
    let at = |path: &str| folder.path().join(path).display().to_string();
    for (inbox, answers, wrong) in [
        ("data/inbox", "data/inbox/answers", &[][..]),
        ("drop", "answers", &[]),
        ("data/drop", "data/answers", &[]),
        ("drop", "drop", &["inbox.answers_dir"]),
        ("link", "data/inbox", &["inbox.answers_dir"]),
        ("out/x.csv", "out", &["inbox.answers_dir"]),
        ("out/deeper/x.csv", "out", &["inbox.answers_dir"]),
        ("outer", "out", &[]),
        ("data", "answers", &["inbox.dir"]),
        ("data/runs", "data/outbox/new", &["inbox.dir", "inbox.answers_dir"]),
        ("drop", "data/history", &["inbox.answers_dir"]),
    ] {
        let (data, inbox, answers) = (at("data"), at(inbox), at(answers));
        let text = format!("[data]\ndir = {data:?}\n[inbox]\ndir = {inbox:?}\nanswers_dir = {answers:?}\n");
        let found = read(&text, &[]).err().unwrap_or_default();
        assert_eq!(found.len(), wrong.len(), "{text}{found:?}");
        assert!(found.iter().zip(wrong).all(|(found, key)| found.contains(key)), "{text}{found:?}");
    }
}

#[test]
fn a_folder_whose_files_would_have_too_long_names_is_refused_once() {
    let path = |bytes: usize| format!("/{}", "d/".repeat(bytes / 2)).chars().take(bytes).collect::<String>();
    for (key, bytes, wrong) in
        [("data", 3500, false), ("data", 3501, true), ("inbox", 3500, false), ("inbox", 4090, true)]
    {
        let found = read(&format!("[{key}]\ndir = {:?}\n", path(bytes)), &[]).err().unwrap_or_default();
        assert_eq!(found.len(), usize::from(wrong), "{key} {bytes} {found:?}");
        assert!(
            found.iter().all(|found| found.contains("leave room for the names of the files")),
            "{found:?}"
        );
    }
}

#[test]
fn every_problem_is_reported_at_once_with_file_line_and_key() {
    let problems = read(
        "[api]\nbase_ulr = \"x\"\ntimeout = \"soon\"\n\n[guard]\nheadroom_percent = \"ten\"\nunassign = \"maybe\"\n\n[schedule]\nsnapshot = \"0 25 * * *\"\ntimezone = \"Mars/Base\"\n[usage]\ncounts = []\n[inboxes]\n",
        &[("QUOTAKEEPER__MAIL__TRANSPORT", "pigeon")],
    )
    .unwrap_err();
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn a_key_outside_its_section_is_reported_with_the_section_it_belongs_to() {
    let problems = read(
        "data_dir = \"x\"\nbase_url = \"y\"\nsmtp-host = \"z\"\napi.timezone = \"UTC\"\napi.apply = true\n[data]\nkeep.interval = 1\n",
        &[("QUOTAKEEPER__DATA_DIR", "x")],
    )
    .unwrap_err();
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn a_file_that_is_not_toml_is_reported_with_its_line() {
    let problems = read("[api]\ntimeout = \n", &[]).unwrap_err();
    assert!(problems[0].starts_with("quotakeeper.toml:2: "), "{problems:?}");
}

#[test]
fn the_environment_wins_and_takes_toml_values_or_plain_text() {
    let config = read(
        "[api]\nrequests_per_minute = 10\n",
        &[
            ("QUOTAKEEPER__API__REQUESTS_PER_MINUTE", "20"),
            ("QUOTAKEEPER__API__AID", "1234"),
            ("QUOTAKEEPER__INBOX__MODE", "file"),
            ("QUOTAKEEPER__INBOX__APPLY", "false"),
            ("QUOTAKEEPER__DATA__KEEP__HOURLY", "5"),
            ("QUOTAKEEPER__MAIL__TO__USAGE", "[\"a@example.com\"]"),
            ("TE_BASE_URL", "http://127.0.0.1:9/v7"),
        ],
    )
    .unwrap();
    assert_eq!(config.api.requests_per_minute, 20);
    assert_eq!(config.api.aid, Some("1234".into()));
    assert_eq!(config.inbox.mode, Mode::File);
    assert!(!config.inbox.apply);
    assert_eq!(config.data.keep, Keep { hourly: 5, ..Keep::default() });
    assert_eq!(config.mail.to.usage, ["a@example.com"]);
    assert_eq!(config.api.base_url.as_str(), "http://127.0.0.1:9/v7/");
}

#[test]
fn a_base_url_is_taken_with_and_without_its_version() {
    for text in ["https://x.example", "https://x.example/", "https://x.example/v7", "https://x.example/v7/"] {
        let config = load(None, &environment(&[("TE_BASE_URL", text)])).unwrap();
        assert_eq!(config.api.base_url.as_str(), "https://x.example/v7/");
    }
}

#[test]
fn plain_http_is_for_loopback_only() {
    for (text, fine) in [
        ("http://127.0.0.1:1", true),
        ("http://[::1]:1", true),
        ("http://localhost", true),
        ("http://example.com", false),
    ] {
        assert_eq!(load(None, &environment(&[("TE_BASE_URL", text)])).is_ok(), fine, "{text}");
    }
}

#[test]
fn a_secret_shows_in_no_debug_text() {
    let config = load(None, &environment(&[("TE_TOKEN", "s3cr3t-token")])).unwrap();
    assert!(config.api.token.is_some());
    assert!(!format!("{config:?}").contains("s3cr3t-token"));
}

#[test]
fn a_token_comes_from_the_environment_then_the_file_then_systemd() {
    use secrecy::ExposeSecret as _;
    let folder = tempfile::tempdir().unwrap();
    let (file, credential) = (folder.path().join("token"), folder.path().join("te_token"));
    fs_err::write(&file, "from-file\n").unwrap();
    fs_err::write(&credential, "from-systemd").unwrap();
    let systemd = ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap());
    let named = ("QUOTAKEEPER__API__TOKEN_FILE", file.to_str().unwrap());
    let token = |pairs: &[(&str, &str)]| {
        let config = load(None, &environment(pairs)).unwrap();
        config.api.token.unwrap().read().unwrap().expose_secret().to_owned()
    };
    assert_eq!(token(&[systemd]), "from-systemd");
    assert_eq!(token(&[systemd, named]), "from-file");
    assert_eq!(token(&[systemd, named, ("TE_TOKEN", "from-environment")]), "from-environment");

    // Else what systemd would load it from: the file beside the configuration.
    let beside = tempfile::tempdir().unwrap();
    let path = beside.path().join("quotakeeper.toml");
    fs_err::write(&path, "").unwrap();
    fs_err::write(beside.path().join("te_token"), "from-beside\n").unwrap();
    fs_err::write(beside.path().join("smtp_password"), "hidden\n").unwrap();
    let read = |pairs: &[(&str, &str)]| load(Some(&path), &environment(pairs)).unwrap();
    let token = |config: Config| config.api.token.unwrap().read().unwrap().expose_secret().to_owned();
    for nothing in ["", "/nowhere"] {
        assert_eq!(token(read(&[("CREDENTIALS_DIRECTORY", nothing)])), "from-beside");
    }
    assert_eq!(token(read(&[systemd])), "from-systemd");
    assert_eq!(read(&[]).smtp.password.unwrap().read().unwrap().expose_secret(), "hidden");
}

#[test]
fn limits_of_guards_that_make_no_sense_are_refused_with_their_line() {
    let problems = read(
        "[guard]\nexpire = \"0s\"\nheadroom_percent = -1\nmax_lowered_percent = 101\nmax_raise_factor = 0.5\nfloor_rows = 1.5\n\
         [[guard.overrides]]\nmax_raise_factor = 9.0\n\
         [[guard.overrides]]\norg_id = \"1\"\nmax_lowered_percent = 500\nmax_raise_factor = nan\n\
         [[guard.overrides]]\norg_id = \"Acme\"\naid = \"\"\nunassign = \"allow\"\n\
         [[guard.overrides]]\norg_id = \"1\"\naid = \"5\"\n\
         [[guard.overrides]]\norg_id = \"1\"\nexpire = \"1d\"\nmax_sum_change_percent = -5\n\
         [[guard.overrides]]\norg_id = 10452\nover_allocation = \"never\"\n",
        &[],
    )
    .unwrap_err();
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn the_same_target_may_stand_in_several_overrides_and_the_last_one_wins_key_by_key() {
    let config = read(
        "[guard]\noverrides = [{ org_id = \"1\", aid = \"5\", max_raise_factor = 9.0, floor_rows = 3 },\n\
         { org_id = \"1\", max_raise_factor = 7.0 }]\n",
        &[],
    )
    .unwrap();
    let group = config.guard.for_target(&Target::account_group("1", "5"));
    assert_eq!((group.max_raise_factor, group.floor_rows), (7.0, 3));
}

#[test]
fn an_override_is_for_its_target_alone_and_the_last_one_wins() {
    let config = read(
        "[[guard.overrides]]\norg_id = \"1\"\nmax_raise_factor = 9.0\n[[guard.overrides]]\norg_id = \"1\"\naid = \"5\"\nunassign = \"allow\"\n",
        &[],
    )
    .unwrap();
    let group = config.guard.for_target(&Target::account_group("1", "5"));
    assert_eq!((group.max_raise_factor, group.unassign), (9.0, Level::Allow));
    let other = config.guard.for_target(&Target::account_group("2", "5"));
    assert_eq!((other.max_raise_factor, other.unassign), (5.0, Level::Hold));
    assert_eq!(config.guard.for_target(&Target::organization("1")).unassign, Level::Hold);
}

#[test]
fn limits_and_mutes_of_alerts_that_make_no_sense_are_refused_with_their_line() {
    let problems = read(
        "[alerts]\nwarn_projected_percent = 0\ncritical_used_percent = 101\n\
         [[alerts.overrides]]\norg_id = \"1\"\ncritical_within = \"soon\"\ncritical_used_percent = 0\n\
         [[alerts.overrides]]\naid = \"5\"\n\
         [[alerts.overrides]]\norg_id = \"Acme\"\nwarn_projected_percent = 90\n\
         [[alerts.mutes]]\nreason = \"moving\"\nuntil = \"2026-12-31\"\n\
         [[alerts.mutes]]\nname = \"Lab *\"\n\
         [[alerts.mutes]]\naid = \" \"\nreason = \" \"\nuntil = \"31.12.2026\"\n\
         [[alerts.mutes]]\nnames = \"Lab *\"\nreason = \"moving\"\nuntil = 2026-12-31\n",
        &[],
    )
    .unwrap_err();
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn a_mute_that_has_ended_is_mentioned_and_is_no_problem() {
    let config = read(
        "[[alerts.mutes]]\nname = \"*\"\nreason = \"moving\"\nuntil = 2026-11-21\n\
         [[alerts.mutes]]\nname = \"*\"\nreason = \"trial\"\nuntil = 2026-11-22\n",
        &[],
    )
    .unwrap();
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    assert_eq!(
        config.alerts.ended_mutes(now, Tz::UTC),
        ["alerts.mutes[0] (moving) has ended and mutes nothing: remove it, or change its `until`"]
    );
}

#[test]
fn an_invalid_address_number_or_quote_is_explained_in_words() {
    for (text, says) in [
        ("[mail]\nto = 5\n", "mail.to is 5, but must be an address, a list of addresses, or {"),
        (
            "[mail]\nto = { usage = { a = 1 } }\n",
            "is a table of keys, but must be an address or a list of addresses",
        ),
        ("[inbox]\nmax_rows = 1_000_000_000_000_000_000_000\n", ":2: the number is too large"),
        ("[inbox]\nmax_rows = 0\n", ":2: inbox.max_rows must be at least 1"),
        ("[api]\nbase_url = “https://api.example”\n", "It has typographic quotes"),
        (
            "[mail]\ntransport = \"smtp\"\nfrom = \"a@x.example\"\nto = \"\"\n[smtp]\nhost = \"x\"\n",
            "mail.to names nobody",
        ),
    ] {
        let problems = read(text, &[]).unwrap_err().join("\n");
        assert!(problems.contains(says), "{text}: {problems}");
    }
}

#[test]
fn a_section_that_the_environment_alone_names_wrongly_is_reported_with_its_variable() {
    let problems = read("", &[("QUOTAKEEPER__INBX__MODE", "file")]).unwrap_err();
    assert_eq!(problems, ["QUOTAKEEPER__INBX__MODE: inbx is not a known key: did you mean `inbox`?"]);
}

#[test]
fn a_non_ascii_address_and_a_send_without_time_are_reported() {
    let error = load(
        None,
        &environment(&[
            ("QUOTAKEEPER__MAIL__TRANSPORT", "smtp"),
            ("QUOTAKEEPER__MAIL__FROM", "Jörg <quotas@example.com>"),
            (
                "QUOTAKEEPER__MAIL__TO__USAGE",
                "[\"Jörg <joerg@bücher.example>\", \"x@xn--bcher-kva.example\"]",
            ),
            ("QUOTAKEEPER__SMTP__HOST", "localhost"),
            ("QUOTAKEEPER__SMTP__TIMEOUT", "0s"),
        ]),
    )
    .unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn nobody_waits_longer_than_a_day_for_an_answer_or_a_file() {
    let longest = "18446744073709551615s";
    let text = |wait: &str| {
        format!("[api]\ntimeout = \"{wait}\"\n[smtp]\ntimeout = \"{wait}\"\n[inbox]\nsettle = \"{wait}\"\n")
    };
    let problems = read(&text(longest), &[]).unwrap_err().join("\n");
    for key in ["api.timeout", "smtp.timeout", "inbox.settle"] {
        assert!(problems.contains(&format!("{key} must be at most 1d")), "{problems}");
    }
    read(&text("1d"), &[]).unwrap();
}

#[test]
fn settings_of_outgoing_reports_are_checked_and_their_secrets_stay_hidden() {
    let config = read(
        "[server]\nlisten = \"[::1]:9464\"\npublic_url = \"https://quotas.example\"\n[metrics]\ntextfile = \"a/quotakeeper.prom\"\n\
         push_url = \"http://me:hidden@gw.example:9091/metrics/job/quotakeeper\"\n\
         [heartbeat]\nurl = \"https://hc.example/hidden-uuid\"\n",
        &[],
    );
    let shown = format!("{:?}", config.unwrap());
    assert!(shown.contains("hc.example") && !shown.contains("hidden"), "{shown}");

    let problems = read(
        "[server]\nlisten = \"9464\"\npublic_url = \"https://me:hidden@quotas.example\"\n[metrics]\ntextfile = \"quotakeeper.txt\"\npush_url = \"http://gw.example:9091\"\n\
         [heartbeat]\nurl = \"hidden-uuid\"\n",
        &[],
    )
    .unwrap_err();
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn a_login_by_token_takes_the_place_of_a_password_and_says_what_it_lacks() {
    let smtp = |rest: &str| {
        format!(
            "[mail]\ntransport = \"smtp\"\nfrom = \"q@x.example\"\nto = \"a@x.example\"\n[smtp]\nhost = \"mail.x.example\"\n{rest}"
        )
    };
    let secret = ("QUOTAKEEPER__SMTP__OAUTH2__CLIENT_SECRET", "hidden-secret");
    let good = smtp(
        "username = \"q@x.example\"\noauth2 = { token_url = \"https://login.x.example/t\", client_id = \"id\", scope = \"all\" }\n",
    );
    let config = read(&good, &[secret]).unwrap();
    let oauth2 = config.smtp.oauth2.as_ref().unwrap();
    assert_eq!(oauth2.client_secret, Some(Secret::Value("hidden-secret".into())));
    assert!(!format!("{config:?}").contains("hidden-secret"));

    let from_environment = [
        secret,
        ("QUOTAKEEPER__SMTP__USERNAME", "q@x.example"),
        ("QUOTAKEEPER__SMTP__OAUTH2__TOKEN_URL", "http://[::1]:8080/t"),
        ("QUOTAKEEPER__SMTP__OAUTH2__CLIENT_ID", "1234"),
    ];
    let oauth2 = read(&smtp(""), &from_environment).unwrap().smtp.oauth2.unwrap();
    assert_eq!((oauth2.client_id.as_deref(), oauth2.scope), (Some("1234"), None));

    let problems = [
        (smtp("oauth2 = {}\n"), vec![]),
        (good.replace("[smtp]", "[smtp]\ntls = \"off\"\npassword_file = \"/x/y\""), vec![secret]),
        (good.clone(), vec![secret, ("QUOTAKEEPER__SMTP__PASSWORD", "hidden-password")]),
        (good.replace("https:", "http:").replace("scope = \"all\"", "scope = \" \""), vec![secret]),
        (good.replace("https://", "https://me:hidden-userinfo@"), vec![secret]),
        (good.replace("scope", "client_secret"), vec![]),
        (smtp("oauth2 = \"hidden-secret\"\n"), vec![]),
    ]
    .map(|(text, pairs)| read(&text, &pairs).unwrap_err().join("\n"));
    let message = problems.join("\n\n");
    assert!(!message.contains("hidden"), "{message}");
    insta::assert_snapshot!(message);
}

#[test]
fn a_client_secret_comes_from_where_a_password_does_and_a_password_that_only_lies_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs_err::write(folder.path().join(name), text).unwrap();
    put("smtp_client_secret", "from-systemd\n");
    put("smtp_password", "\n");
    let systemd = ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap());
    let id = ("QUOTAKEEPER__SMTP__OAUTH2__CLIENT_ID", "id");
    let smtp = |pairs: &[(&str, &str)]| load(None, &environment(&[&[systemd], pairs].concat())).unwrap().smtp;
    let systemds = |name: &str| Some(Secret::File(folder.path().join(name)));
    assert_eq!(smtp(&[]).password, systemds("smtp_password"));
    let by_token = smtp(&[id]);
    assert_eq!(
        (by_token.oauth2.unwrap().client_secret, by_token.password),
        (systemds("smtp_client_secret"), None)
    );
    let file = smtp(&[id, ("QUOTAKEEPER__SMTP__OAUTH2__CLIENT_SECRET_FILE", "/a/file")]).oauth2.unwrap();
    assert_eq!(file.client_secret, Some(Secret::File("/a/file".into())));
}

#[test]
fn the_configuration_for_microsoft_365_in_the_documentation_is_valid() {
    let page = include_str!("../../docs/operations.md");
    let section = page.split("## Microsoft 365 and Google").nth(1).unwrap();
    let toml = section.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let smtp = read(toml, &[]).unwrap().smtp;
    assert_eq!((smtp.tls, smtp.port()), (Tls::Starttls, 587));
    let secret = Secret::File("/etc/quotakeeper/smtp_client_secret".into());
    assert_eq!(smtp.oauth2.unwrap().client_secret, Some(secret));
}

#[test]
fn fuzzed_configurations_are_taken_or_refused_with_a_reason() {
    let reference: Vec<&str> = include_str!("../../config/quotakeeper.toml")
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    let reference = reference.join("\n");
    let minimal = include_bytes!("../../config/minimal.toml");
    fuzzed("configurations", &[reference.as_bytes(), minimal], |text| {
        if let Err(problems) = read(&String::from_utf8_lossy(text), &[]) {
            assert!(!problems.is_empty() && problems.iter().all(|problem| !problem.trim().is_empty()));
        }
    });
}
