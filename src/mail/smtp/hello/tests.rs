//! The name that a server is greeted with.

use super::*;

#[test]
fn a_short_name_becomes_the_full_one_that_the_machine_knows() {
    let hosts = "127.0.0.1 localhost localhost.localdomain\n# 10.0.0.1 no.example.com nms\n10.0.0.2\tnms.example.com NMS # ours\n";
    assert_eq!(full_name("nms.example.org", hosts).as_deref(), Some("nms.example.org"));
    assert_eq!(full_name("nms", hosts).as_deref(), Some("nms.example.com"));
    assert_eq!(full_name("pod-abc", hosts), None);
    assert_eq!(full_name("localhost", hosts), None);
}

#[test]
fn what_no_server_would_take_for_a_full_name() {
    for name in [
        "nms",
        "my_host.example.com",
        "192.0.2.1",
        "a..b",
        ".a.b",
        "a.b.",
        "-a.example",
        "",
        "localhost.localdomain",
    ] {
        assert!(!is_full(name), "{name}");
    }
    assert!(is_full("nms-1.xn--mnchen-3ya.example"));
}

#[test]
fn without_a_name_it_is_the_address() {
    assert_eq!(literal("192.0.2.1".parse().unwrap()), "[192.0.2.1]");
    assert_eq!(literal("2001:db8::1".parse().unwrap()), "[IPv6:2001:db8::1]");
    assert_eq!(literal("::ffff:192.0.2.1".parse().unwrap()), "[192.0.2.1]");
}
