//! One request as plain data, and what is to go wrong with it.

use serde_json::{Value, json};

use super::fault::BadRow;

/// A request as plain data.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    pub method: String,
    /// `/v7/quotas`
    pub path: String,
    /// `aid=204117&expand=test`, as it was sent.
    pub raw_query: String,
    /// The same, decoded.
    pub query: Vec<(String, String)>,
    /// How the caller named the server, for the links in answers.
    pub host: String,
    pub body: String,
}

impl Call {
    /// The first query parameter of this name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `{"href": …}` to this request's path with another query.
    pub(super) fn link(&self, query: &str) -> Value {
        let mark = if query.is_empty() { "" } else { "?" };
        json!({"href": format!("http://{}{}{mark}{query}", self.host, self.path)})
    }
}

/// What goes wrong with a write on request.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteFaults {
    pub bad_rows: Vec<BadRow>,
    pub ignore_write: bool,
}
