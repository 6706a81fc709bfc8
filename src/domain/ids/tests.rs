//! The order of ids, however they are stored.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn short_ids_are_ordered_as_all_are(a in "[0-9a]{0,16}", b in "[0-9a]{0,16}") {
        prop_assert_eq!(Aid::new(&a).cmp(&Aid::new(&b)), numerically(a.as_bytes(), b.as_bytes()));
        let same_length = b.chars().cycle().take(a.len()).collect::<String>();
        let expected = numerically(a.as_bytes(), same_length.as_bytes());
        prop_assert_eq!(Aid::new(&a).cmp(&Aid::new(&same_length)), expected);
    }

    #[test]
    fn ids_that_differ_only_in_their_last_letters_are_ordered_by_those(
        head in "[1-9][0-9]{7}",
        a in "[0-9]{0,6}",
        b in "[0-9]{6}",
    ) {
        let (one, other) = (format!("{head}{a}"), format!("{head}{}", &b[..a.len()]));
        let expected = numerically(one.as_bytes(), other.as_bytes());
        prop_assert_eq!(Aid::new(&one).cmp(&Aid::new(&other)), expected);
        prop_assert_eq!(expected.is_eq(), one == other);
    }
}
