//! Two sorted lists side by side.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn each_item_comes_once_in_order_and_beside_its_equal(a: BTreeSet<u8>, b: BTreeSet<u8>) {
        let merged: Vec<(Option<u8>, Option<u8>)> =
            merge(a.iter().copied(), b.iter().copied(), u8::cmp).collect();
        let either = merged.iter().map(|(a, b)| a.or(*b).unwrap());
        prop_assert_eq!(either.collect::<Vec<_>>(), a.union(&b).copied().collect::<Vec<_>>());
        for (left, right) in merged {
            let item = left.or(right).unwrap();
            prop_assert_eq!((left.is_some(), right.is_some()), (a.contains(&item), b.contains(&item)));
        }
    }
}
