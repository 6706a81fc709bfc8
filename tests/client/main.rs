//! The API client against servers that behave, and servers that don't: httpmock for what HTTP can say, raw sockets for
//! connections that break.

mod connections;
mod operations;
mod rate_limit;
mod recorded;
mod statuses;
mod support;
