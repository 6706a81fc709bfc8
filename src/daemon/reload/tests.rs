//! Settings that a reload cannot take over.

use super::*;

#[test]
fn settings_that_cannot_be_reloaded_are_named_and_stay() {
    let old = Config::default();
    let mut new = Config::default();
    new.data.dir = "elsewhere".into();
    new.server.listen = Some("127.0.0.1:9464".parse().unwrap());
    new.guard.headroom_percent = 77;
    assert_eq!(keep_until_restart(&old, &mut new), ["data.dir", "[server]"]);
    assert_eq!((&new.data.dir, new.server.listen), (&old.data.dir, None));
    assert_eq!(new.guard.headroom_percent, 77);
    assert!(keep_until_restart(&old, &mut new).is_empty());
}
