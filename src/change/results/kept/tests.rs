//! Which columns results keep.

use super::*;
use crate::change::fixtures::parsed;

fn kept(text: &str, most: usize) -> (Vec<usize>, Option<String>) {
    let file = parsed(text);
    let columns = KeptColumns::within(&file, most);
    let sentence = columns.sentence(&file);
    (columns.kept, sentence)
}

#[test]
fn columns_stay_as_long_as_few_cells_are_filled_up() {
    let text = "aid,value,a,b,c\n1,1\n2,2,x,y,z\n3,3\n";
    assert_eq!(kept(text, 6), (vec![0, 1, 2, 3, 4], None));
    let (columns, sentence) = kept(text, 5);
    assert_eq!(columns, [0, 1, 2, 3]);
    assert!(
        sentence.unwrap().starts_with("The results leave out 1 of the 5 columns, from column 5, `c`, on.")
    );
}

#[test]
fn the_columns_that_a_row_needs_always_stay() {
    let (columns, sentence) = kept("aid,a,b,value,expected_value,used,effective\n1\n2\n", 0);
    assert_eq!(columns, [0, 3, 4, 5, 6]);
    assert!(sentence.unwrap().contains("2 of the 7 columns, from column 2, `a`, on."));
}

#[test]
fn what_was_full_is_kept_whatever_it_takes() {
    assert_eq!(kept("aid,value,a\n1,1,x\n2,2,y\n", 0), (vec![0, 1, 2], None));
}
