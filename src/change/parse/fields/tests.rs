//! The cells of a row, in one piece.

use super::*;

#[test]
fn cells_come_back_as_they_were_without_the_empty_ones_at_the_end() {
    let fields = Fields::new(["", "é", "", "x y", "", ""].into_iter());
    assert_eq!(fields.iter().collect::<Vec<_>>(), ["", "é", "", "x y"]);
    assert_eq!((fields.get(1), fields.get(2), fields.get(3), fields.get(4)), ("é", "", "x y", ""));
    assert_eq!(Fields::new(["", ""].into_iter()), Fields::default());
}
