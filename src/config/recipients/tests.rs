//! Recipients as an address, a list or a table.

use super::*;

#[derive(Debug, Deserialize)]
struct Written {
    to: Recipients,
}

fn read(text: &str) -> Result<[Vec<String>; 4], String> {
    let mail: Written = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let Recipients { changes, usage, alerts, failures } = mail.to;
    Ok([changes, usage, alerts, failures])
}

#[test]
fn an_address_or_a_list_gets_every_kind_and_a_table_says_it_by_kind() {
    let (a, b) = ("a@x.example".to_owned(), "b@x.example".to_owned());
    assert_eq!(read("to = 'a@x.example'").unwrap(), std::array::from_fn(|_| vec![a.clone()]));
    assert_eq!(
        read("to = ['a@x.example', 'b@x.example']").unwrap(),
        std::array::from_fn(|_| vec![a.clone(), b.clone()])
    );
    assert_eq!(
        read("to = { usage = ['a@x.example'], failures = 'b@x.example' }").unwrap(),
        [vec![], vec![a], vec![], vec![b]]
    );
    assert_eq!(read("to = ' '").unwrap(), <[Vec<String>; 4]>::default());
}

#[test]
fn an_invalid_value_is_explained_in_words() {
    for wrong in ["to = 5", "to = [5]", "to = { usage = 5 }"] {
        assert!(read(wrong).unwrap_err().contains("address") || wrong == "to = [5]", "{wrong}");
    }
    assert!(read("to = { usages = [] }").unwrap_err().contains("usages"));
}
