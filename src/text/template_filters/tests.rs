//! What templates make of names, bars and sentences.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_written_from_right_to_left_is_isolated_in_html_alone() {
    let mut environment = Environment::new();
    add_filters(&mut environment);
    environment.add_template("a.html", "{{ name }} {{ id }}").unwrap();
    environment.add_template("a.txt", "{{ name }} {{ id }}").unwrap();
    let shown = |file: &str, name: &str| {
        let template = environment.get_template(file).unwrap();
        template.render(minijinja::context! { name, id => "204117" }).unwrap()
    };
    assert_eq!(shown("a.html", "שלום 7 <"), "\u{2068}שלום 7 &lt;\u{2069} 204117");
    assert_eq!(shown("a.txt", "שלום 7"), "שלום 7 204117");
    for name in ["Zürich Campus", "北京 Office", "100 %"] {
        assert_eq!(shown("a.html", name), format!("{name} 204117"));
    }
    for (written, isolated) in [
        ("Acme שלום", "Acme \u{2068}שלום\u{2069}"),
        ("שלום (قسم) has run out", "\u{2068}שלום (قسم)\u{2069} has run out"),
        ("(שלום) has (two (קצר))", "(\u{2068}שלום\u{2069}) has (two (\u{2068}קצר\u{2069}))"),
        ("שלום runs out on 4 Dec", "\u{2068}שלום\u{2069} runs out on 4 Dec"),
        (
            "For قسم المبيعات: 300, and قسم 7: 5 is below",
            "For \u{2068}قسم المبيعات\u{2069}: 300, and \u{2068}قسم\u{2069} 7: 5 is below",
        ),
    ] {
        assert_eq!(shown("a.html", written), format!("{isolated} 204117"));
    }
}

#[test]
fn what_to_type_is_code_in_a_sentence_and_nothing_else_is_markup() {
    assert_eq!(
        with_commands("run `a <b>` and `c`, שלום"),
        "run <code>a &lt;b&gt;</code> and <code>c</code>, \u{2068}שלום\u{2069}"
    );
    assert_eq!(
        with_commands("`quotakeeper check --online`"),
        "<code>quotakeeper check <span class=\"option\">--online</span></code>"
    );
    assert_eq!(with_commands("the server said `<b>"), "the server said `&lt;b&gt;");
    assert_eq!(with_commands("plain & simple"), "plain &amp; simple");
}

#[test]
fn what_belongs_together_stays_on_one_line_of_html() {
    assert_eq!(
        kept_together("1 410 more by Fri 4 Dec,\nZürich 90 % · (uid 0)  x"),
        "1\u{202f}410 more by Fri\u{a0}4\u{a0}Dec,\nZürich 90\u{202f}%\u{a0}· (uid\u{a0}0)  x"
    );
    assert_eq!(kept_together("run `a (1) 2 · b`, 90 %"), "run `a (1) 2 · b`, 90\u{202f}%");
}

#[test]
fn a_bar_shows_its_parts_in_order() {
    let bar = Value::from_pairs([("used", 50.0), ("projected", 25.0), ("over", 0.0), ("rest", 25.0)]);
    assert_eq!(bar_of(&bar), "#########+++++....");
}

#[test]
fn text_that_does_not_fit_on_a_line_takes_two() {
    let spread = spread(&"a".repeat(60), &"b".repeat(30));
    assert_eq!(spread, format!("{}\n{}{}", "a".repeat(60), " ".repeat(48), "b".repeat(30)));
}

proptest! {
    #[test]
    fn wrapping_keeps_every_word_and_the_width(words in prop::collection::vec("[a-z]{1,20}", 0..40), indent in 0_usize..9) {
        let text = words.join(" ");
        let wrapped = wrap(&text, indent);
        prop_assert_eq!(wrapped.split_whitespace().collect::<Vec<_>>(), words);
        prop_assert!(wrapped.lines().skip(1).all(|line| columns(line) <= WIDTH));
        prop_assert!(wrapped.lines().next().is_none_or(|line| columns(line) + indent <= WIDTH));
    }
}
