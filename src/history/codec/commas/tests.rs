//! Commas among any bytes.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn each_comma_is_found_whatever_bytes_are_around_it(line in prop::collection::vec(prop_oneof![Just(b','), any::<u8>()], 0..40)) {
        let expected: Vec<usize> = (0..line.len()).filter(|place| line[*place] == b',').collect();
        prop_assert_eq!(Commas::new(&line).collect::<Vec<_>>(), expected);
    }
}
