//! `LibreOffice` Calc without a window: a CSV opened, cells typed as a person types them, saved as a workbook, opened
//! again, saved as CSV. What it does to ids, names and dates is its own doing.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What a person chooses when opening and saving, and the language that numbers and dates are typed in.
#[derive(Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) locale: &'static str,
    /// The code of that language in the filter's options.
    pub(crate) language: u32,
    pub(crate) saved_with: char,
    /// Columns (from 1) that are opened as text.
    pub(crate) as_text: &'static [usize],
}

pub(crate) const ENGLISH: Choice = Choice { locale: "en-US", language: 1033, saved_with: ',', as_text: &[] };
pub(crate) const GERMAN: Choice = Choice { locale: "de-DE", language: 1031, saved_with: ';', as_text: &[] };

/// A text typed into a cell, counted from 0.
pub(crate) struct Typed<'a> {
    pub(crate) column: usize,
    pub(crate) row: usize,
    pub(crate) text: &'a str,
}

/// The program with a profile of its own; none where it is not installed, which is said past the test's capture.
pub(crate) struct LibreOffice {
    folder: TempDir,
}

impl LibreOffice {
    pub(crate) fn find() -> Option<Self> {
        let found =
            std::env::split_paths(&std::env::var_os("PATH")?).any(|folder| folder.join("soffice").exists());
        if !found {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: there is no soffice here (Debian: libreoffice-calc-nogui)"
            );
            return None;
        }
        Some(Self { folder: tempfile::tempdir().unwrap() })
    }

    /// The file after the round trip.
    pub(crate) fn edit(&self, csv: &str, choice: Choice, typed: &[Typed<'_>]) -> String {
        let work = self.folder.path().join("work");
        fs_err::create_dir_all(&work).unwrap();
        fs_err::write(work.join("export.csv"), csv).unwrap();
        let user = self.folder.path().join(choice.locale).join("user");
        if !user.exists() {
            fs_err::create_dir_all(&user).unwrap();
            fs_err::write(user.join("registrymodifications.xcu"), settings(choice)).unwrap();
            self.run(choice, "--terminate_after_init"); // it lays out its profile
        }
        fs_err::write(user.join("basic/Standard/Module1.xba"), macro_text(&work, choice, typed)).unwrap();
        self.run(choice, "macro:///Standard.Module1.RoundTrip()");
        let failed = fs_err::read_to_string(work.join("failed.txt")).unwrap_or_default();
        assert_eq!(failed, "", "what LibreOffice says");
        assert!(fs_err::metadata(work.join("book.xlsx")).unwrap().len() > 1_000);
        let edited = fs_err::read_to_string(work.join("edited.csv")).unwrap();
        fs_err::remove_dir_all(work).unwrap();
        edited
    }

    fn run(&self, choice: Choice, what: &str) {
        let profile = self.folder.path().join(choice.locale);
        let start = || {
            Command::new("soffice")
                .arg(format!("-env:UserInstallation=file://{}", profile.display()))
                .args(["--headless", "--norestore", what])
                .env("HOME", self.folder.path())
                .stdin(Stdio::null())
                .output()
                .unwrap()
        };
        // On a busy machine it crashes at times while it starts ("Unspecified Application Error"), and not a second time.
        let first = start();
        let output = if first.status.success() { first } else { start() };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn settings(choice: Choice) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>{}</value></prop></item>
</oor:items>
"#,
        choice.locale
    )
}

/// In the program's own language, as a recorded macro would be. An error ends in a file: nobody sees a message box.
fn macro_text(work: &Path, choice: Choice, typed: &[Typed<'_>]) -> String {
    let formats: Vec<String> = choice.as_text.iter().map(|column| format!("{column}/2")).collect();
    let opened = format!("44,34,76,1,{},{},false,true", formats.join("/"), choice.language);
    let saved = format!("{},34,76,1,,{},false,true,false", u32::from(choice.saved_with), choice.language);
    let cells = typed.iter().map(|Typed { column, row, text }| {
        format!("  book.Sheets.getByIndex(0).getCellByPosition({column}, {row}).FormulaLocal = \"{text}\"\n")
    });
    let cells = cells.collect::<Vec<_>>().concat();
    let code = format!(
        r#"Function Named(key As String, text As Variant) As Object
  Dim pair As New com.sun.star.beans.PropertyValue
  pair.Name = key
  pair.Value = text
  Named = pair
End Function

Sub RoundTrip()
  On Error Goto failed
  work = "{work}"
  csv = "Text - txt - csv (StarCalc)"
  book = StarDesktop.loadComponentFromURL(ConvertToUrl(work & "/export.csv"), "_blank", 0, Array(Named("Hidden", True), Named("FilterName", csv), Named("FilterOptions", "{opened}")))
  book.storeToURL(ConvertToUrl(work & "/book.xlsx"), Array(Named("FilterName", "Calc MS Excel 2007 XML")))
  book.close(True)
  book = StarDesktop.loadComponentFromURL(ConvertToUrl(work & "/book.xlsx"), "_blank", 0, Array(Named("Hidden", True)))
{cells}  book.storeToURL(ConvertToUrl(work & "/edited.csv"), Array(Named("FilterName", csv), Named("FilterOptions", "{saved}")))
  book.close(True)
  StarDesktop.terminate()
  Exit Sub
failed:
  Open work & "/failed.txt" For Output As #1
  Print #1, Error & " in line " & Erl
  Close #1
  StarDesktop.terminate()
End Sub
"#,
        work = work.display()
    );
    let code = code.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">
{code}</script:module>
"#
    )
}
