//! What a change file may look like, and what people read of one that can't be used.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::domain::quota::Units;
use crate::testing::fuzz::fuzzed;

fn read(bytes: &[u8]) -> Result<ChangeFile, Vec<String>> {
    parse(bytes, &BTreeMap::new(), 5)
}

fn changes(text: &str) -> Vec<RowChange> {
    read(text.as_bytes()).unwrap().records.into_iter().map(|record| record.change.unwrap()).collect()
}

fn change(org_id: &str, aid: &str, value: Units) -> RowChange {
    RowChange {
        action: Action::Assign,
        whose: TargetRef {
            org_id: (!org_id.is_empty()).then(|| org_id.into()),
            aid: (!aid.is_empty()).then(|| aid.into()),
            ..TargetRef::default()
        },
        value: Some(Value::Units(value)),
        expected: None,
        comment: String::new(),
        effective: None,
    }
}

#[test]
fn a_quota_larger_than_any_that_can_be_asked_for_is_fine_where_nobody_edited_it() {
    let most = Units::MAX;
    let unedited =
        RowChange { value: Some(Value::Units(most)), expected: Some(Some(most)), ..change("", "5", 0) };
    assert_eq!(changes(&format!("aid,value,expected_value\n5,{most},{most}\n")), [unedited]);
    let lowered =
        RowChange { value: Some(Value::Units(7)), expected: Some(Some(most)), ..change("", "5", 7) };
    assert_eq!(changes(&format!("aid,value,expected_value\n5,7,{most}\n")), [lowered]);
}

#[test]
fn columns_come_in_any_order_and_blank_action_is_assign() {
    let text = "Comment,New value,expectedValue,accountGroupId,Org ID,Action\n\
                more tests, 500 ,400,12,7,\n\
                ,,none,13,7,UNASSIGN\n";
    let raise =
        RowChange { expected: Some(Some(400)), comment: "more tests".into(), ..change("7", "12", 500) };
    let unassign =
        RowChange { action: Action::Unassign, value: None, expected: Some(None), ..change("7", "13", 0) };
    assert_eq!(changes(text), [raise, unassign]);
}

#[test]
fn what_excel_writes_in_different_countries_is_one_file() {
    let expected = [change("7", "12", 500), change("7", "", 900)];
    for text in [
        "org_id,aid,value\n7,12,500\n7,,900\n",
        "org_id;aid;value\r\n7;12;500\r\n;;\r\n7;;900\r\n",
        "sep=;\r\norg_id;aid;value\r\n7;12;500\r\n7;;900",
        "# quotas, from Ann; please\norg_id\taid\tvalue\r7\t12\t500\r7\t\t900\r",
        "\"org_id\",\"aid\",\"value\",,\n\"7\",\"12\",\"500\",,\n7,,900\n,,,,\n",
        "org_id,aid,value\n7,\u{a0}12\u{200b},500\n7,,\u{202f}900\n",
    ] {
        assert_eq!(changes(text), expected, "{text}");
    }
}

#[test]
fn rows_are_numbered_as_the_spreadsheet_shows_them() {
    let text = "# a comment\n\norg_id,aid,value,comment\n7,1,5,\"two\nlines\"\n# another\n,,,\n7,2,5,\n";
    let rows: Vec<_> = read(text.as_bytes()).unwrap().records.iter().map(|record| record.row).collect();
    assert_eq!(rows, [4, 7]);
}

#[test]
fn further_columns_are_carried_as_written_and_those_of_our_results_are_dropped() {
    let file = read(b"aid,Owner,value,row,code,message,status\n5, Ann ,x,2,bad_row,why,\n6\n").unwrap();
    assert_eq!(file.headers, ["aid", "Owner", "value", "status"]);
    let fields: Vec<Vec<&str>> = file.records.iter().map(|record| record.fields.iter().collect()).collect();
    assert_eq!(fields, [vec!["5", " Ann ", "x"], vec!["6"]]);
}

#[test]
fn rows_are_not_judged_if_the_first_row_names_no_column() {
    assert_eq!(read(b"foo,bar\n1,2\n").unwrap_err().len(), 1);
    assert_eq!(parse(b"foo,bar\n1,2\n3,4\n", &BTreeMap::new(), 1).unwrap_err().len(), 1);
    let found = read(b"ai,b\n1,2\n").unwrap_err();
    assert!(!found[0].contains("meant to be"), "two letters are like anything: {found:?}");
}

#[test]
fn a_number_sign_begins_a_header_only_before_one_word_and_two_known_columns() {
    let read_as = |first: &str| {
        let text = format!("{first}\norg_id,aid,value\n10,101,5\n");
        read(text.as_bytes()).map(|file| file.records.len()).map_err(|problems| problems.len())
    };
    for comment in ["# see: 7,org_id,aid", "#,org_id", "# three words here,org_id,aid,value"] {
        assert_eq!(read_as(comment), Ok(1), "{comment}");
    }
    let header = "#ticket,org_id,aid,value\nCHG-1,10,101,5\n";
    assert_eq!(read(header.as_bytes()).unwrap().records.len(), 1);
}

#[test]
fn a_column_is_only_taken_for_a_mistyped_one_that_differs_in_a_letter() {
    let found = read(b"aid,value,expectd_value\n5,6,7\n").unwrap_err();
    assert!(found[0].contains("`expected_value` is missing"), "{found:?}");
    assert_eq!(read(b"aid,value,expctd_vale\n5,6,7\n").unwrap().headers, ["aid", "value", "expctd_vale"]);
}

#[test]
fn our_own_columns_are_left_out_also_where_they_are_the_last_ones() {
    let file = read(b"aid,value,row,code,message\n5,6,2,bad_row,why\n").unwrap();
    assert_eq!(file.headers, ["aid", "value"]);
}

#[test]
fn the_line_of_a_spreadsheet_that_names_the_separator_is_short() {
    assert_eq!(header::separator_line("sep=;"), Some((';', "")));
    assert_eq!(header::separator_line("\"sep=|\"\r\na|b"), Some(('|', "a|b")));
    assert_eq!(header::separator_line(&format!("sep=;{}", " ".repeat(59))), None);
}

#[test]
fn a_row_that_begins_with_a_number_sign_is_a_comment_only_if_nothing_else_is_in_it() {
    let text = "ticket,org_id,aid,value,comment\n#8841,10452,204123,6010,\n# note,,,,\n# a, , ,,more\n\n#8842,10452,204124,70,x\n\n";
    let file = read(text.as_bytes()).unwrap();
    assert_eq!(file.records.iter().map(|record| record.row).collect::<Vec<_>>(), [2, 6]);
    assert_eq!(file.records[0].change, Ok(change("10452", "204123", 6010)));
    assert_eq!(file.skipped.sentence().unwrap(), "2 comments and 1 blank row were skipped.");

    let file = read(b"#,org_id,aid,value\n#1,7,5,900\n").unwrap();
    assert_eq!(file.records[0].change, Ok(change("7", "5", 900)));
    let file = read(b"org_name,aid,value\n#1 Retail,5,900\n# only words\n").unwrap();
    assert_eq!(file.records[0].change.as_ref().unwrap().whose.org_name, "#1 Retail");

    let file = read(b"# ours\n# of today\naid,value\n5,900\n").unwrap();
    assert_eq!(file.skipped.sentence().unwrap(), "2 comments were skipped.");
    let file = read(b"# ours\naid,value\n5,900\n").unwrap();
    assert_eq!(file.skipped.sentence().unwrap(), "1 comment was skipped.");

    let file = read(b"org_id,aid,value\n7,5,900\n# a note, with a comma\n").unwrap();
    let bad = file.records[1].change.as_ref().unwrap_err();
    assert!(bad.problems.last().unwrap().1.message.contains("it is not a comment"), "{bad:?}");
}

#[test]
fn cells_too_large_for_any_spreadsheet_are_refused_before_they_are_compared() {
    let long = "x".repeat(32_768);
    for text in [
        format!("org_id,aid,value\n7,{long},1\n"),
        format!("org_id,aid,value\n7,\"{long}\",1\n"),
        format!("org_id,aid,value\n7,\"{},1\n", long.repeat(2)),
        format!("org_id,aid,{long}\n7,5,1\n"),
        format!("org_id,aid,value{}\n7,5,1\n", ",x".repeat(1000)),
        format!("org_id,aid,value\n7,5,1{}\n", ",x".repeat(1000)),
    ] {
        let problems = read(text.as_bytes()).unwrap_err();
        assert!(problems.iter().all(|problem| problem.len() < 400), "{problems:?}");
        let is_listed = |problem: &String| {
            problem.contains("more than 32767") || problem.contains("more than 1000 columns")
        };
        assert!(problems.iter().any(is_listed) || problems[0].contains("never closed"), "{problems:?}");
    }
    let wide = format!("org_id,aid,value{}\n7,5,1{}\n", ",".repeat(16_380), ",".repeat(16_380));
    assert_eq!(changes(&wide), [change("7", "5", 1)]);
    let just = format!("org_id,aid,value,owner\n7,5,1,{}\n", &long[1..]);
    assert_eq!(changes(&just), [change("7", "5", 1)]);
}

#[test]
fn a_column_that_a_file_lacks_is_found_by_a_name_that_is_nearly_its_own() {
    let said = |text: &str| read(text.as_bytes()).unwrap_err().remove(0);
    assert!(said("org_id,aid,vlaue\n1,2,3\n").contains(" Is `vlaue` meant to be `value`? Known columns are"));
    assert!(said("orgg_id,value\n1,3\n").contains(" Is `orgg_id` meant to be `org_id`?"));
    assert!(!said("aid,amount\n1,3\n").contains("meant to be"));
}

#[test]
fn a_configured_header_means_its_field() {
    let columns = BTreeMap::from([("neues limit".to_owned(), "value".to_owned())]);
    let file = parse(b"aid;Neues Limit\n5;900\n", &columns, 5).unwrap();
    assert_eq!(file.records[0].change, Ok(change("", "5", 900)));
}

#[test]
fn a_file_that_only_unassigns_needs_no_value() {
    let unassign = RowChange { action: Action::Unassign, value: None, ..change("", "5", 0) };
    assert_eq!(changes("action,aid\nunassign,5\n"), [unassign]);
}

#[test]
fn an_exported_target_without_a_quota_is_no_mistake() {
    let unedited = RowChange { value: None, expected: Some(None), ..change("", "5", 0) };
    assert_eq!(changes("aid,value,expected_value\n5,,none\n5,none,none\n"), [unedited.clone(), unedited]);
}

#[test]
fn an_apostrophe_that_we_put_before_a_formula_is_taken_off_again() {
    assert_eq!(changes("aid,value,comment\n5,900,'=1+1\n")[0].comment, "=1+1");
}

#[test]
fn a_bad_row_keeps_the_target_that_it_names() {
    let file = read(b"org_id,aid,value\n7,x,5\n").unwrap();
    let bad = file.records[0].change.clone().unwrap_err();
    assert_eq!((bad.whose.org_id, bad.whose.aid), (Some("7".into()), None));
}

#[test]
fn exactly_the_limit_of_rows_is_allowed() {
    assert_eq!(read(b"aid,value\n1,1\n2,1\n3,1\n4,1\n5,1\n\n# c\n").unwrap().records.len(), 5);
    assert!(read(b"aid,value\n1,1\n2,1\n3,1\n4,1\n5,1\n6,1\n").is_err());
}

/// Each with a name; read together they are what somebody who uses a spreadsheet gets to see.
const UGLY: &[(&str, &[u8])] = &[
    ("nothing at all", b""),
    ("only blank rows and comments", b"\n # aid,value\n,,\n"),
    ("a header alone", b"aid,value\n"),
    ("no header", b"204117,12000\n204118,13000\n"),
    ("neither an id nor a name", b"Group,value\nEMEA,12000\n"),
    ("no value", b"org_id;aid;amount\n7;204117;12000\n"),
    ("no value, and not only unassigns", b"action,aid\nunassign,204117\n,204118\n"),
    ("two columns for one field", b"aid,value,New quota\n204117,1,2\n"),
    ("several things wrong with the header", b"Quota,Units,Name\n1,2,x\n"),
    ("a header and rows that are wrong", b"aid,value,New quota\n1.2E+05,1,2\n2,1 000,2\n3,3,3\n"),
    ("a header without what is needed, and rows that are wrong", b"aid,action,amount\n1.2E+05,,1\n2,delete,1\n"),
    ("a header that swallowed a cell", b"aid,\"value\"x,value\n1,2,3\n"),
    ("a typing error in a header", b"org_id,acount_group_id,value\n7,1,5\n"),
    ("typing errors in headers that may be left out", b"aid,value,expectd_value,efective\n1,5,4,2026-12-01\n"),
    ("a header in the middle", b"org_id,aid,value\n7,1,5\norg_id,aid,value\n7,2,x\n"),
    ("a very wide header", b"a,b,c,d,e,f,g,h,i,j,k,l,m,n\n1\n"),
    ("too many rows", b"aid,value\n1,1\n2,1\n3,1\n4,1\n5,1\n6,1\n"),
    ("too many rows, some of them wrong", b"aid,value\n1,x\n2,1\n3,1\n4,1\n5,y\n6,1\n7,z\n"),
    ("an unclosed quote", b"aid,value,comment\n1,1,\n2,1,\"for the launch\n3,1,\n"),
    ("an unclosed quote after rows that are wrong", b"aid,value,comment\n1,x,\n2,1,\"for the launch\n3,y,\n"),
    ("an unclosed quote in the header", b"aid,\"value\n1,1\n"),
    ("a quote that swallowed a row", b"aid,value,comment\n1,1,\"first\n2,1,\"second\"\n"),
    ("an Excel workbook", b"PK\x03\x04\x14\0\x06\0xl/workbook.xml"),
    ("a LibreOffice workbook", b"PK\x03\x04\x14\0\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet"),
    ("an empty Excel workbook", b"PK\x05\x06\0\0 xl/"),
    ("a ZIP archive", b"PK\x03\x04\x14\0\0\0quotas.csv"),
    ("an old Excel workbook", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0"),
    ("a PDF", b"%PDF-1.7\n"),
    ("gzip", b"\x1F\x8B\x08\0"),
    ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    ("UTF-16 cut off in the middle", b"\xFF\xFEa\0i\0d\0,\0v"),
    ("a web page", b"<html><body>Sign in</body></html>"),
    ("a CSV with a NUL character", b"aid,value\r\n1,1\r\n2,\x001\r\n3,1\r\n"),
    ("Windows-1252 with a control character", b"aid,value,comment\n1,1,Z\xFCrich \x07\n"),
    ("UTF-16 without its mark, in Greek", b"\xB1\x03\xB2\x03,\0\xB3\x03\n\0"),
    ("Windows-1252", b"aid;Gr\xF6\xDFe\n1;1\n"),
    ("UTF-16 without its mark", b"a\0i\0d\0,\0v\0a\0l\0u\0e\0\n\x001\0,\0x\0\n\0"),
    ("an id that became scientific", b"aid,value\n1.2E+05,12000\n"),
    ("ids that became numbers or text", b"org_id,aid,value\n10452.0,\"204,117\",1\n'10452,-5,1\nAcme,+5,1\n,#REF!,1\n,123456789012345678901,1\n"),
    ("names in the columns of ids", b"Organisation,Account group,value\nAcme Bank,EMEA,1\n"),
    ("names in the columns of ids, beside columns of names", b"org,aid,Group name,value\nAcme Bank,EMEA,x,1\n"),
    ("thousands separators", b"aid,value\n1,\"12,000\"\n2,12.000\n3,12 000\n4,12'000\n"),
    ("an unquoted thousands separator", b"aid,value\n1,12,000\n"),
    ("an unquoted thousands separator before the comment", b"aid,value,comment\n1,12,000\n"),
    ("an unquoted thousands separator before what is expected", b"aid,value,expected_value\n1,12,000\n"),
    ("fractions", b"aid,value\n1,12.5\n2,\"1,234.00\"\n3,12000.0\n"),
    ("signs", b"aid,value\n1,-5\n2,+500\n"),
    ("formulas, zeros, apostrophes and what Excel shortened", b"aid,value\n1,=A1*2\n2,#N/A\n3,012000\n4,'12000\n5,1.2E+05\n"),
    ("a column that was too narrow", b"aid,value,effective\n####,5,\n1,#####,########\n"),
    ("currency and words", b"aid,value\n1,$12000\n2,12000 USD\n3,12k\n4,a lot\n5,$ lots\n"),
    ("percentages", b"aid,value\n1,20%\n2,20% of quota\n3,20% of plan + 500\n4,plan * 20%\n5,=20%\n"),
    ("shares of the plan that are none", b"aid,value\n1,0% of plan\n2,\"12,5% of plan\"\n3,1.23456% of plan\n4,2000% of plan\n5,-5% of plan\n"),
    ("a share of the plan that is taken off, or expected", b"action,aid,value,expected\nunassign,1,20% of plan,\n,2,20% of plan,20% of plan\n"),
    ("dates as countries write them", b"aid,value,effective\n1,1,12/1/2026\n2,1,01.12.2026\n3,1,13/1/2027\n4,1,2026-12-1\n"),
    ("dates as spreadsheets write them", b"aid,value,effective\n1,1,46000\n2,1,2026-12-01 00:00:00\n3,1,########\n"),
    ("dates that are none", b"aid,value,Effective from\n1,1,2026-13-01\n2,1,2026-02-30\n3,1,tomorrow\n4,1,Dec 1\n"),
    ("too large", b"aid,value\n1,9007199254740992\n"),
    ("no value in a row", b"aid,value\n1,\n2\n3,none\n"),
    ("a value that is taken off", b"action,aid,value\nunassign,1,500\n"),
    ("an unknown action", b"action,aid,value\ndelete,1,\n"),
    ("no target in a row", b"org_id,aid,value\n,,500\n"),
    ("no target in a row, but for names of columns", b"org_name,account_group_name,value\n,,500\n"),
    ("a bad expectation", b"aid,value,Old value\n1,500,n/a\n2,500,NULL\n3,500,nan\n4,500,12x\n"),
    ("everything at once", b"Action,Org ID,AID,New quota,Expected\nset,1E+04,x,\"1,000\",?,extra\n"),
    (
        "a long text with control characters",
        b"aid,value\n1,\"a\x07\tlong text that goes on\nand on and on and on, further than anybody reads\"\n",
    ),
];

#[test]
fn an_unusable_file_lists_its_first_fifty_wrong_cells() {
    let rows = (1..=30).map(|aid| format!("{aid}.5,x,1\n")).collect::<Vec<_>>().concat();
    let sentences = parse(format!("aid,value,quota\n{rows}").as_bytes(), &BTreeMap::new(), 100).unwrap_err();
    assert_eq!(sentences.len(), 52);
    assert_eq!(sentences[51], "And 10 more problems in the rows below.");
}

#[test]
fn plans_that_comments_approve_are_separate_from_the_rows() {
    let hash = "ab".repeat(32);
    let text = format!("# approved: {hash}\naid,value\n5,900\n# approved: soon\n");
    let file = read(text.as_bytes()).unwrap();
    assert_eq!((file.approved, file.records.len()), (vec![hash], 1));
}

#[test]
fn each_ugly_file_leaves_a_reason_that_a_spreadsheet_user_understands() {
    let mut found = String::new();
    for (name, bytes) in UGLY {
        writeln!(found, "{name}").unwrap();
        match read(bytes) {
            Err(sentences) => {
                for sentence in sentences {
                    writeln!(found, "  file: {sentence}").unwrap();
                }
            }
            Ok(file) => {
                for record in file.records {
                    let Err(bad) = record.change else { continue };
                    for (_, problem) in bad.problems {
                        writeln!(found, "  {}", problem.message).unwrap();
                    }
                }
            }
        }
    }
    insta::assert_snapshot!(found);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&bytes).is_ok() || read(&bytes).is_err_and(|sentences| !sentences.is_empty()));
    }

    #[test]
    fn no_text_makes_it_panic_and_each_field_stands_below_its_header(
        head in "(sep=.\r?\n)?(action|aid|org_id|value|comment|\"x|row)([,;\t](aid|value|Expected|message|\"\"|é))*",
        body in "([\r\n,;\"#'=.0-9E+ \u{a0}é-]|none|unassign)*",
    ) {
        match read(format!("{head}\n{body}").as_bytes()) {
            Err(sentences) => prop_assert!(!sentences.is_empty()),
            Ok(file) => for record in file.records {
                prop_assert!(record.fields.len() <= file.headers.len());
                if let Err(bad) = record.change {
                    prop_assert!(!bad.problems.is_empty());
                }
            },
        }
    }

    #[test]
    fn what_is_written_properly_reads_back(aid in 1_u32.., value in 0_i64..=9_007_199_254_740_991, comment in "[^\r\n\0']{0,20}") {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["aid", "value", "org_id", "comment"]).unwrap();
        csv.write_record([&aid.to_string(), &value.to_string(), "7", &comment]).unwrap();
        let file = read(&csv.into_inner().unwrap()).unwrap();
        let expected = RowChange { comment: trim_cell(&comment).to_owned(), ..change("7", &aid.to_string(), value) };
        prop_assert_eq!(&file.records[0].change, &Ok(expected));
    }
}

#[test]
fn further_columns_are_those_that_are_no_fields_and_say_something() {
    let columns = BTreeMap::from([("Customer no.".to_owned(), "org_id".to_owned())]);
    let text = "Customer no.,aid,value,Ticket,comment,Asked by,\n7,1,5,'=CHG-1,why, Ann ,x\n7,2,5,,,,\n7,3,5,CHG-2,,,\n";
    let further = parse(text.as_bytes(), &columns, 9).unwrap().extra_cells();
    let found =
        |row: usize| further.get(&row).map(|cells| cells.iter().map(|(a, b)| format!("{a}={b}")).collect());
    assert_eq!(found(2), Some(vec!["Ticket==CHG-1".to_owned(), "Asked by=Ann".to_owned()]));
    assert_eq!(found(3), None);
    assert_eq!(found(4), Some(vec!["Ticket=CHG-2".to_owned()]));
}

#[test]
fn short_rows_below_many_and_long_headers_stay_small() {
    let headers: Vec<String> = (0..990).map(|column| format!(",{column}-{}", "x".repeat(1000))).collect();
    let headers = headers.concat();
    let file = read(
        format!("aid,value{headers}\n1,5\n2,5{}\n3,5{}\n", ",".repeat(990), ",y".repeat(990)).as_bytes(),
    );
    let file = file.unwrap();
    let fields: Vec<usize> = file.records.iter().map(|record| record.fields.len()).collect();
    assert_eq!(fields, [2, 2, 992]);
    let extra = file.extra_cells();
    assert_eq!(extra.keys().copied().collect::<Vec<_>>(), [4]);
    assert_eq!(extra[&4].len(), 5);
    assert!(extra[&4].iter().all(|(header, _)| header.chars().count() <= 40), "{extra:?}");
}

#[test]
fn fuzzed_change_files_are_read_or_refused() {
    let file = "action,org_id,org_name,aid,account_group_name,value,expected_value,effective,comment\n\
        assign,10,\"Acme, Inc.\",101,Lab,5000,4000,2026-12-01,why\nunassign,10,,102,,,,next_cycle,\n,,Acme,,Core,20% of plan,,,\n";
    let german = "org_id;aid;value\r\n10;101;\"5.000\"\r\n";
    let wide: Vec<u8> =
        "org_id\taid\tvalue\n10\t101\t1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fuzzed(
        "change files",
        &[file.as_bytes(), german.as_bytes(), &[&[0xff, 0xfe], &wide[..]].concat()],
        |bytes| {
            if let Ok(file) = parse(bytes, &BTreeMap::new(), 50) {
                assert!(file.records.len() <= 50);
            }
        },
    );
}

#[test]
fn of_very_many_rows_with_several_mistakes_the_first_thousand_say_all_in_full_and_the_others_name_the_columns()
 {
    let text = format!("org_id,aid,value\n{}x,1,2\n", "x,y,z\n".repeat(1_002));
    let file = parse(text.as_bytes(), &BTreeMap::new(), 2_000).unwrap();
    let said = |index: usize| {
        let bad = file.records[index].change.as_ref().unwrap_err();
        bad.problems.iter().map(|(_, problem)| problem.message.as_str()).collect::<Vec<_>>()
    };
    let full = said(999);
    assert_eq!(full.len(), 3);
    let also = "Also wrong, in a way that is explained in earlier rows: `aid` and `value`.";
    assert_eq!(said(1_000), [full[0], also]);
    assert_eq!(said(1_001), said(1_000));
    assert_eq!(said(1_002).len(), 1, "one mistake is always explained");
}
