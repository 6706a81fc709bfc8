//! The README is true: what it links to is there, what it says to type is understood, and the demo does what it promises.

use std::path::Path;
use std::process::{Command, Output};

const README: &str = include_str!("../README.md");

fn quotakeeper(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quotakeeper"));
    command
        .args(arguments)
        .env_remove("TE_TOKEN")
        .env_remove("TE_BASE_URL")
        .output()
        .expect("the binary runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn everything_that_it_links_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let targets = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files: Vec<&str> = targets.filter(|target| !target.starts_with('#')).collect();
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        assert!(root.join(file).exists(), "{file}");
    }
    let named =
        README.split('`').filter(|quoted| quoted.starts_with("src/") || quoted.starts_with("templates/"));
    for file in named {
        assert!(root.join(file).exists(), "{file}");
    }
}

#[test]
fn every_command_that_it_names_is_understood() {
    let blocks = README.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let typed =
        blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("quotakeeper ")).map(|rest| {
            rest.split_whitespace().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())).collect()
        });
    let commands: Vec<Vec<&str>> = typed.collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for mut words in commands {
        words.push("--help");
        let output = quotakeeper(&words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
    }
    let help = text(&quotakeeper(&["--help"]));
    for row in README
        .lines()
        .skip_while(|line| !line.starts_with("## Commands"))
        .take_while(|line| *line != "## Exit codes")
    {
        let Some(cell) = row.strip_prefix("| `").and_then(|row| row.split(" | ").next()) else { continue };
        for command in
            cell.split('`').filter(|part| part.chars().next().is_some_and(|c| c.is_ascii_lowercase()))
        {
            let word = command.split_whitespace().next().unwrap_or_default();
            assert!(help.contains(&format!("\n  {word} ")), "{word} is not in --help");
        }
    }
}

#[test]
fn its_exit_codes_are_those_of_the_help() {
    let help = text(&quotakeeper(&["--help"]));
    let rows =
        README.lines().skip_while(|line| *line != "## Exit codes").filter(|line| line.starts_with("| "));
    let codes: Vec<&str> = rows
        .filter_map(|row| row.split('|').nth(1))
        .map(str::trim)
        .filter(|code| code.parse::<u8>().is_ok())
        .collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "75"]);
    for code in codes {
        assert!(help.contains(&format!("{code} ")), "{code}");
    }
}

#[test]
fn the_first_screen_has_the_two_commands_and_a_picture() {
    let screen: Vec<&str> = README.lines().take(30).collect();
    for line in ["cargo run --release -- demo", "cargo test --locked"] {
        assert!(screen.contains(&line), "{line}");
    }
    assert!(screen.iter().any(|line| line.starts_with("![")));
}

#[test]
fn the_demo_makes_what_it_promises_and_cleans_up() {
    let folder = tempfile::tempdir().unwrap();
    let story = folder.path().join("story");
    let output = quotakeeper(&["demo", "--dir", story.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    for state in ["done     4 applied", "done     1 applied, 2 bad_row", "held"] {
        assert!(told.contains(state), "{state}: {told}");
    }
    for promised in ["history/_SIMULATED.txt", "reports/usage.html", "inbox/answers/raise-q4.csv/undo.csv"] {
        assert!(story.join(promised).exists(), "{promised}");
    }
    let mails = std::fs::read_dir(story.join("outbox/sent")).unwrap().count();
    assert!(mails >= 10, "five mails and more, each with its record: {mails}");

    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_quotakeeper"))
        .arg("demo")
        .env("TMPDIR", temporary.path())
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "nothing stays without --dir");
}
