//! Gives a release its commit and the commit's date, for `--version`: of the repository that it is built in, or, where there is none
//! (an image), of the environment variable `QUOTAKEEPER_COMMIT`. Other builds have none, so that a commit rebuilds nothing. Where the
//! linker is lld, a release is also made small, and the functions that a daemon calls at its start are placed next to each other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Patterns for the functions that a daemon calls at its start, as `build/record-start.py` found them.
const START: &str = include_str!("build/start.txt");

/// Names a file for the linker's map, in a build for `build/record-start.py`: in that one each function keeps an address of its own.
const RECORD_START: &str = "QUOTAKEEPER_RECORD_START";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=QUOTAKEEPER_COMMIT");
    println!("cargo::rerun-if-env-changed={RECORD_START}");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = std::env::var("QUOTAKEEPER_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = commit.or_else(|| is_release.then(of_the_repository).flatten());
    let version = env!("CARGO_PKG_VERSION");
    let version = commit.map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"));
    println!("cargo::rustc-env=QUOTAKEEPER_VERSION={version}");
    if is_release && links_with_lld() {
        match std::env::var(RECORD_START) {
            Ok(link_map) => println!("cargo::rustc-link-arg-bins=-Wl,-Map={link_map}"),
            Err(_) => println!("cargo::rustc-link-arg-bins=-Wl,--icf=all"),
        }
        if loads_packed_relocations() {
            println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        }
        println!("cargo::rustc-link-arg-bins=-T{}", start_first().display());
    }
}

/// Since 1.90 rustc comes with this linker for x86-64, and uses it where no flags and no configuration say otherwise.
fn links_with_lld() -> bool {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let version = Command::new(variable("RUSTC")).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok());
    let minor = version.as_deref().and_then(|text| text.split('.').nth(1)?.parse::<u32>().ok());
    variable("TARGET") == "x86_64-unknown-linux-gnu"
        && variable("CARGO_ENCODED_RUSTFLAGS").is_empty()
        && variable("RUSTC_LINKER").is_empty()
        && minor.is_some_and(|minor| minor >= 90)
}

/// Writes a linker script that places the functions of [`START`] before all others. With each page of a program that is touched, the
/// system maps the fifteen around it: scattered over the program, what a start calls kept 8 MiB in memory, and together it keeps 4.
/// Functions that no pattern finds stay where they are: with another compiler some of them, and about half where its symbols are
/// mangled in another way.
fn start_first() -> PathBuf {
    let section = |pattern: &str| format!("*(.text.{pattern} .text.unlikely.{pattern})");
    let sections: Vec<_> = START.lines().map(section).collect();
    let script = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo gives OUT_DIR")).join("start.ld");
    let script_text =
        format!("SECTIONS {{ .text.start : {{\n{}\n}} }} INSERT BEFORE .text;\n", sections.join("\n"));
    fs::write(&script, script_text).expect("OUT_DIR can be written");
    script
}

/// Since 2.36 the GNU C library does. They take a twentieth of the space, and of the memory.
fn loads_packed_relocations() -> bool {
    let version = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok());
    let minor = version.as_deref().and_then(|text| text.trim().strip_prefix("glibc 2.")?.parse::<u32>().ok());
    minor.is_some_and(|minor| minor >= 36)
}

/// `3cd1cfb2e 2026-11-26`. Nine digits, because git's own choice depends on how many objects a clone has, and two clones of one commit
/// should make the same bytes.
fn of_the_repository() -> Option<String> {
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["log", "-1", "--abbrev=9", "--format=%h %cs"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
