//! Names that could be taken for markup.

use super::*;

#[test]
fn no_name_becomes_markup() {
    assert_eq!(
        safe("a|b `c` <img src=x> [d](e)\n*f* \\|"),
        "a\\|b \\`c\\` &lt;img src=x&gt; \\[d\\](e) \\*f\\* \\\\\\|"
    );
}
