//! Answers with odd characters, as they came and repaired.

use proptest::prelude::*;

use super::*;
use crate::thousandeyes::model::{self, AccountGroup, OrganizationQuotas, OrganizationUsage, SoFar};
use crate::thousandeyes::wire::{Object, Unexpected};

const QUOTAS: &str = r#"{"quotas":[{"organizationQuota":{"orgId":"10","value":9},"accountGroupQuotas":[{"aid":"5","value":7}]}],"_links":{"self":{"href":"?"}}}"#;
const GROUPS: &str = r#"{"accountGroups":[{"aid":"5","accountGroupName":"Lab","orgId":"10","organizationName":"Acme","isCurrentAccountGroup":true}]}"#;
const USAGE: &str = r#"{"usage":{"quota":{"monthStart":"2026-11-05T00:00:00Z","cloudUnitsIncluded":9},"cloudUnitsUsed":7,
    "tests":[{"aid":"5","testId":"1","testName":"t","cloudUnitsUsed":7}],"enterpriseAgentUnits":[]},"_links":{}}"#;

fn quotas(json: impl AsRef<[u8]>) -> Result<Vec<OrganizationQuotas>, Unexpected> {
    let text = AnswerText::new(json.as_ref().to_vec(), 0);
    model::quotas(text, &mut SoFar::default()).map(|(quotas, _)| quotas)
}

fn account_groups(json: impl AsRef<[u8]>) -> Result<Vec<AccountGroup>, Unexpected> {
    let text = AnswerText::new(json.as_ref().to_vec(), 0);
    model::account_groups(text).map(|((groups, _), _)| groups)
}

fn usage(json: impl AsRef<[u8]>) -> Result<OrganizationUsage, Unexpected> {
    model::usage(AnswerText::new(json.as_ref().to_vec(), 0))
}

#[test]
fn one_odd_character_does_not_spoil_the_whole_answer() {
    let seen = |json: &[u8]| {
        let json = repaired(json.to_vec());
        let object = Object::of_answer(&json).unwrap();
        (object.text("name").unwrap().unwrap().into_owned(), object.units("value").ok().flatten())
    };
    let with_7 = |name: &str| (name.to_owned(), Some(7));
    assert_eq!(seen(br#"{"name":"a\ud800b","value":7}"#), with_7("a\u{fffd}b"));
    assert_eq!(seen(br#"{"name":"a\udfff\ud83d","value":7}"#), with_7("a\u{fffd}\u{fffd}"));
    assert_eq!(seen(br#"{"name":"\ud83d\ude00 \\ud800","\ud800":1,"value":7}"#), with_7("😀 \\ud800"));
    assert_eq!(seen(b"{\"name\":\"a\xff\",\"value\":7}"), with_7("a\u{fffd}"));
    assert_eq!(seen(b"{\"name\":\"a\nb\x00c\",\n\t\"value\":7}"), with_7("a b c"));
    assert_eq!(seen(b"\xef\xbb\xbf{\"name\":\"NaN\",\"value\":7,\"x\":-Infinity}"), with_7("NaN"));
    assert_eq!(seen(b"{\"name\":\"a\",\"value\":NaN}"), ("a".to_owned(), None));
    let odd = repaired(b"{\"a\":NaN,\"b\":-Infinity}".to_vec());
    assert_eq!(odd, r#"{"a":"?","b":"???????"}"#, "no letters that look like an answer");
    let nobody = quotas(QUOTAS.replace(r#""aid":"5""#, r#""aid":NaN"#)).unwrap();
    assert_eq!((nobody[0].account_groups.len(), nobody[0].unreadable.len()), (0, 1), "and no id");
    assert_eq!(seen(b"\x1e{\"name\":\x0b\"a\",\x0c\"value\":7}"), with_7("a"));
}

proptest! {
    /// Nearly every answer is read as it came, and what is taken of it then must be what the repaired one says.
    #[test]
    fn an_answer_with_an_odd_character_reads_the_same_as_it_came_and_repaired(
        at in any::<prop::sample::Index>(),
        odd in prop::sample::select(vec![
            "\\", "\\u", "\\u0035", "\\ud83d", "\\ud83d\\ude00", "\\udfff", "\\\\", "\\\"", "\"", "\n", "\x00", "\x0b", "\x0c", "\x7f", "NaN", "-Infinity", "\u{feff}",
            ",\"x\":NaN", ",\"x\":\"\\ud83d\"", ",\"\\udfff\":1", ",\"x\":\"\x0c\"", " ", "é",
        ]),
        is_cut in any::<bool>(),
    ) {
        for body in [QUOTAS, GROUPS, USAGE] {
            let mut bytes = body.as_bytes().to_vec();
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, odd.bytes());
            if is_cut {
                bytes.remove(at + odd.len() - 1); // of a letter of two bytes, only one
            }
            let mended = repaired(bytes.clone());
            prop_assert_eq!(quotas(&bytes), quotas(&mended));
            prop_assert_eq!(account_groups(&bytes), account_groups(&mended));
            prop_assert_eq!(usage(&bytes), usage(&mended));
        }
    }
}

#[test]
fn half_a_surrogate_pair_in_a_text_that_nobody_reads_changes_nothing() {
    for half in [r#""\ud83d""#, r#"["\udfff\\"]"#, r#"{"a":"\"\ud83d\""}"#] {
        let links = format!(r#""self":{{"href":{half}}}"#);
        let answer = QUOTAS.replace(r#""self":{"href":"?"}"#, &links);
        assert!(answer.contains(half));
        assert_eq!(quotas(answer), quotas(QUOTAS));
        let answer = GROUPS.replace("true", half);
        assert!(answer.contains(half));
        assert_eq!(account_groups(answer), account_groups(GROUPS));
        let answer = USAGE.replace(r#""testId":"1""#, &format!(r#""testId":{half}"#));
        assert!(answer.contains(half));
        assert_eq!(usage(answer), usage(USAGE));
    }
}
