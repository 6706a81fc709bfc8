//! The README and the pages of docs/ are true: what they link to is there, what they say to type is understood, and the demo does what
//! it promises.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const README: &str = include_str!("../README.md");
const COMMANDS: &str = include_str!("../docs/commands.md");

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

/// Every page that people read, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [root.to_owned(), root.join("docs"), root.join("templates")];
    let files =
        folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "md"))
        .map(|file| (file.clone(), fs::read_to_string(file).unwrap()))
        .collect();
    pages.sort();
    assert!(pages.len() >= 12, "{pages:?}");
    pages
}

/// The anchors of a page, as GitHub makes them from its headings.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings
        .map(|line| {
            line.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>()
        })
        .map(|heading| heading.replace(' ', "-"))
        .collect()
}

#[test]
fn every_direct_dependency_has_its_reason() {
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
    let page = include_str!("../docs/dependencies.md");
    for table in ["dependencies", "dev-dependencies"] {
        for name in manifest[table].as_table().unwrap().keys() {
            assert!(
                page.contains(&format!("`{name}`")),
                "docs/dependencies.md does not say why there is {name}"
            );
        }
    }
}

#[test]
fn everything_that_a_page_links_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (page, text) in pages() {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("https://")) {
            let (file, anchor) =
                link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            let linked = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(linked.exists(), "{link} in {}", page.display());
            if let Some(anchor) = anchor {
                let there = anchors(&fs::read_to_string(&linked).unwrap());
                assert!(there.iter().any(|known| known == anchor), "{link} in {}: {there:?}", page.display());
            }
        }
        let named = text.split('`').filter(|quoted| {
            ["src/", "templates/", "tests/", "config/", "docs/", ".ci/"]
                .iter()
                .any(|room| quoted.starts_with(room))
        });
        // Of a command the program.
        for file in named.filter_map(|quoted| quoted.split(' ').next()) {
            assert!(root.join(file).exists(), "{file} in {}", page.display());
        }
    }
}

#[test]
fn every_command_that_a_page_names_is_understood() {
    let pages = pages();
    let blocks = pages
        .iter()
        .flat_map(|(_, text)| text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()));
    let typed =
        blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("quotakeeper ")).map(|rest| {
            rest.split_whitespace().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())).collect()
        });
    let commands: Vec<Vec<&str>> = typed.collect();
    assert!(commands.len() >= 14, "{commands:?}");
    for mut words in commands {
        words.push("--help");
        let output = quotakeeper(&words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
    }
    let help = text(&quotakeeper(&["--help"]));
    for row in COMMANDS.lines().take_while(|line| !line.starts_with("## ")) {
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
fn the_documented_exit_codes_are_those_of_the_help() {
    let help = text(&quotakeeper(&["--help"]));
    let rows =
        COMMANDS.lines().skip_while(|line| *line != "## Exit codes").filter(|line| line.starts_with("| "));
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

/// The block of commands that has this one.
fn block_with(command: &str) -> &'static str {
    let mut blocks = README.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.find(|block| block.contains(command)).unwrap_or_else(|| panic!("no block has {command}"))
}

#[test]
fn the_first_steps_work_as_they_are_typed_with_the_simulator_for_an_account() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("config")).unwrap();
    let minimal = include_str!("../config/minimal.toml").replace("/var/lib/quotakeeper", "data");
    fs::write(folder.path().join("config/minimal.toml"), minimal).unwrap();

    // A busy machine may need longer than the second that people wait.
    let simulator = block_with("quotakeeper simulate")
        .replace("sleep 1 ", "until [ $(wc -l <simulator.env) = 2 ]; do kill -0 $!; sleep 0.1; done ");
    let look_around = block_with("quotakeeper check --online").replace("export TE_TOKEN=…\n", "");
    let configure =
        block_with("cp config/minimal.toml").lines().filter(|line| !line.contains("quotakeeper run"));
    let configure = configure.collect::<Vec<_>>().join("\n");
    let script = format!("set -eu\n{simulator}\ntrap 'kill $!' EXIT\n{look_around}\n{configure}");

    let programs = Path::new(env!("CARGO_BIN_EXE_quotakeeper")).parent().unwrap().display();
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()))
        .env_remove("TE_TOKEN")
        .env_remove("TE_BASE_URL")
        .output()
        .expect("a shell runs");
    assert!(output.status.success(), "{script}\n{}", text(&output));
    let exported = fs::read_to_string(folder.path().join("quotas.csv")).unwrap();
    assert_eq!(exported.lines().count(), 1 + 3 * 21, "a header, 3 organizations, 20 account groups of each");
    assert!(fs::read_to_string(folder.path().join("usage.html")).unwrap().contains("<table"));
}

#[test]
fn the_demo_makes_what_it_promises_and_cleans_up() {
    let folder = tempfile::tempdir().unwrap();
    let story = folder.path().join("story");
    let output = quotakeeper(&["demo", "--dir", story.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output));
    let printed = String::from_utf8(output.stdout).unwrap();
    for state in ["done     4 applied", "done     1 applied, 2 refused", "held"] {
        assert!(printed.contains(state), "{state}: {printed}");
    }
    for promised in ["history/_SIMULATED.txt", "reports/usage.html", "inbox/answers/raise-q4.csv/undo.csv"] {
        assert!(story.join(promised).exists(), "{promised}");
    }
    let mails = std::fs::read_dir(story.join("outbox/sent")).unwrap().count();
    assert!(mails >= 10, "five mails and more, each with its record: {mails}");

    let (_, commands) = printed.split_once("export QUOTAKEEPER__DATA__DIR=").expect("how to look around");
    for command in commands.lines().skip(1).filter(|line| !line.is_empty()) {
        let ran = Command::new("sh")
            .args(["-ec", command])
            .env("QUOTAKEEPER__DATA__DIR", &story)
            .current_dir(folder.path())
            .output()
            .expect("a shell runs");
        assert!(ran.status.success(), "{command}: {}", text(&ran));
    }
    assert!(commands.lines().count() > 4, "{commands}");

    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_quotakeeper"))
        .arg("demo")
        .env("TMPDIR", temporary.path())
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "nothing stays without --dir");
}
