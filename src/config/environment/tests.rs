use super::*;

#[test]
fn a_setting_that_is_not_text_is_a_problem_and_another_programs_variable_is_none() {
    let value = |text: &str| format!("/srv/{text}");
    let environment: Environment = [
        ("QUOTAKEEPER__DATA__DIR", value("\u{fffd}")),
        ("QUOTAKEEPER__INBOX__DIR", value("prüfung")),
        ("TE_TOKEN", value("\u{fffd}\u{fffd}")),
        ("OLDPWD", value("\u{fffd}")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let problems: Vec<String> = unreadable(&environment).collect();
    assert_eq!(
        problems,
        [
            "QUOTAKEEPER__DATA__DIR: its value is not UTF-8 text: set it again, as UTF-8",
            "TE_TOKEN: its value is not UTF-8 text: set it again, as UTF-8"
        ]
    );
}
