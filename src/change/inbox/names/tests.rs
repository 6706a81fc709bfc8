//! Which files in the inbox are change files, approvals, or nothing of ours.

use super::*;

#[test]
fn a_change_file_is_recognized_by_its_extension_in_any_case() {
    for name in ["a.csv", "a.CSV", "Raise EMEA (Q4).Tsv", " a.txt", "a.csv.csv", "a.Csv.Txt", "README.txt"] {
        assert_eq!(read(name), Name::Change, "{name}");
    }
}

#[test]
fn partial_uploads_and_files_of_file_managers_are_skipped_silently() {
    for name in [
        "a.csv.part",
        "a.csv.filepart",
        "a.csv.crdownload",
        "a.csv.TMP",
        "a.tmp",
        "~$a.csv",
        "Thumbs.db",
        "desktop.ini",
        "a.csv:Zone.Identifier",
        "a.csv.sb-1234-abc",
        "lost+found",
    ] {
        assert_eq!(read(name), Name::Passed, "{name}");
    }
    for name in [".a.csv", "._a.csv", ".~lock.a.csv#", "...claimed", "..data"] {
        assert_eq!(read(name), Name::Hidden, "{name}");
    }
}

#[test]
fn everything_else_has_a_sentence_that_says_what_to_do() {
    for (name, part) in [
        ("quotas", "rename it to quotas.csv."),
        ("a.csv.bak", "rename it to a.csv."),
        ("a.csv ", "rename it to a.csv."),
        ("a.CSV (1)", "rename it to a.CSV."),
        ("a.csv~", "rename it to a.csv."),
        ("a.csv.1", "rename it to a.csv."),
        ("a.csv.", "rename it to a.csv."),
        ("a.dat", "rename it to a.csv."),
        ("a.ＣＳＶ", "rename it to a.csv."),
        ("a.csvx", "rename it to a.csv."),
        ("a.csv.zip", "Unpack it"),
        ("a.csv.gpg", "Unpack it"),
        ("a.pdf", "Drop the change file itself"),
    ] {
        let Name::Refused(sentence) = read(name) else { panic!("{name} is not refused") };
        assert!(sentence.contains(part), "{name}: {sentence}");
    }
    assert_eq!((read("a.xlsx"), read("a.numbers")), (Name::Workbook, Name::Workbook));
}

#[test]
fn an_approval_may_have_the_ending_that_windows_hides() {
    for name in ["ab12.approved", "ab12.approved.txt"] {
        assert_eq!(read(name), Name::Approval("ab12".to_owned()));
    }
}
