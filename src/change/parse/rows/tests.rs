//! Rows and cells as spreadsheets write them, and limits on both.

use super::*;

/// `number: cell|cell` of each row.
fn read(text: &str) -> Vec<String> {
    let line =
        |row: Row<'_>| format!("{}: {}{}", row.number, row.cells.join("|"), row.torn.map_or("", |_| " torn"));
    Rows::new(text, ',').map(|row| row.map_or_else(|sentence| sentence, line)).collect()
}

#[test]
fn any_line_end_ends_a_row_and_the_last_needs_none() {
    assert_eq!(read("a,b\r\n\r\nc\rd\ne,"), ["1: a|b", "2: ", "3: c", "4: d", "5: e|"]);
}

#[test]
fn a_quoted_cell_keeps_delimiters_quotes_and_line_breaks_and_is_one_row() {
    assert_eq!(read("\"a,\"\"b\"\"\nc\",d\ne"), ["1: a,\"b\"\nc|d", "2: e"]);
}

#[test]
fn no_more_of_a_row_is_read_than_a_spreadsheet_holds() {
    let refused = |text: &str, delimiter| {
        let mut rows = Rows::new(text, delimiter);
        let sentence = rows.next().unwrap().unwrap_err();
        assert!(rows.next().is_none(), "an error ends the file");
        sentence
    };
    for text in [",".repeat(100_000), "\"\",".repeat(100_000), ",x".repeat(100_000)] {
        assert!(refused(&text, ',').contains("more than 1000 columns"));
        assert!(refused(&text, '|').contains("more than 32767 characters") || text.starts_with('"'));
    }
    let doubled = format!("\"{}\"", "\"\"é".repeat(50_000));
    for text in
        ["é".repeat(32_768), "\u{1F600}".repeat(200_000), format!("\"a\"{}", " ".repeat(200_000)), doubled]
    {
        assert!(refused(&text, ',').contains("more than 32767 characters"));
    }
    for letter in ["x", "é", "\u{1F600}"] {
        let most = letter.repeat(LONGEST_CELL);
        assert_eq!(read(&format!("{most},b\n\"{most}\"")), [format!("1: {most}|b"), format!("2: {most}")]);
    }
}

#[test]
fn an_empty_quoted_cell_is_empty() {
    assert_eq!(read("\"\",\"\"\n\"\"b,c"), ["1: |", "2: b|c torn"]);
}

#[test]
fn a_quote_inside_a_cell_is_text_and_text_after_a_closing_quote_is_torn() {
    assert_eq!(read("5\" wide,b\n\"a\" ,b\n\"a\"b,c"), ["1: 5\" wide|b", "2: a|b", "3: ab|c torn"]);
}

#[test]
fn only_what_begins_with_a_number_sign_for_a_reader_is_a_comment() {
    let is_comment = |text| Rows::new(text, ',').next().unwrap().unwrap().is_comment();
    for text in ["# a", " #a,b", "#", "####", "######,,", "\"# a, b\"", "####,####"] {
        assert!(is_comment(text), "{text}");
    }
    for text in ["#REF!,5", "####,5,7", "5,# a", ",# a", "\"# a\"b"] {
        assert!(!is_comment(text), "{text}");
    }
}

#[test]
fn a_comment_approves_a_plan_by_its_whole_hash_and_nothing_less() {
    let hash = "0123456789abcdef".repeat(4);
    let approves = |text: &str| Rows::new(text, ',').next().unwrap().unwrap().approves();
    for text in [format!("# approved: {hash}"), format!("#APPROVED:{},,,", hash.to_uppercase())] {
        assert_eq!(approves(&text), Some(Ok(hash.clone())), "{text}");
    }
    for text in
        [format!("# approved: {}", &hash[1..]), format!("# approved {hash}"), "# Approve: 0123456…".into()]
    {
        assert!(approves(&text).unwrap().unwrap_err().contains("approves nothing"), "{text}");
    }
    for text in [
        "# approved: by Ann",
        "# approved: yesterday",
        "# approved: abc",
        "# approved",
        "# decided: 0123456789",
    ] {
        assert_eq!(approves(text), None, "{text}");
    }
}

#[test]
fn a_row_has_a_thousand_cells_and_the_blank_ones_that_spreadsheets_add() {
    let cells = |named: usize, blank: usize| {
        let row = vec!["x"; named].into_iter().chain(vec![""; blank]).collect::<Vec<_>>().join(",");
        Rows::new(&row, ',').next().unwrap().map(|row| row.cells.len())
    };
    assert_eq!(cells(MOST_CELLS, 0), Ok(MOST_CELLS));
    assert_eq!(cells(MOST_CELLS, MOST_BLANK_CELLS), Ok(MOST_CELLS));
    assert!(cells(MOST_CELLS + 1, 0).unwrap_err().contains("more than 1000 columns"));
    assert!(cells(MOST_CELLS, MOST_BLANK_CELLS + 1).unwrap_err().contains("more than 1000 columns"));
}

#[test]
fn an_unclosed_quote_names_its_row() {
    let rows = read("a\n\nb,\"c\nd");
    assert_eq!(
        rows.last().unwrap(),
        "Row 3: the cell that begins with `\"c d` opens a quote (\") that is never closed, so nothing after it can be read. Close the quote or remove it."
    );
}
