//! Two sequences in the same order, walked side by side.

use std::cmp::Ordering;

/// The items of both in their order: those that `order` calls equal together, the others alone. Both must be sorted by it.
pub(crate) fn merge<A, B>(
    a: impl IntoIterator<Item = A>,
    b: impl IntoIterator<Item = B>,
    order: impl Fn(&A, &B) -> Ordering,
) -> impl Iterator<Item = (Option<A>, Option<B>)> {
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    std::iter::from_fn(move || {
        let next = match (a.peek(), b.peek()) {
            (None, None) => return None,
            (Some(a), Some(b)) => order(a, b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
        };
        Some(match next {
            Ordering::Less => (a.next(), None),
            Ordering::Equal => (a.next(), b.next()),
            Ordering::Greater => (None, b.next()),
        })
    })
}

#[cfg(test)]
mod tests {
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
}
