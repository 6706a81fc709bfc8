//! A mail server, or somebody between, whose answers are cut, early, contradictory or endless: no mail counts as taken by them,
//! and once a server answers properly it arrives under the same `Message-ID`.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::installation::Installation;

/// Where in a conversation something else than the usual is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Greeting,
    Ehlo,
    Helo,
    Mail,
    Rcpt,
    Data,
    /// After the final dot.
    Dot,
}

#[derive(Clone, Debug)]
enum Then {
    /// The usual answers to what comes next.
    GoOn,
    HangUp,
    /// The same bytes for as long as anybody reads them.
    ForEver(&'static [u8]),
}

/// What a server sends instead of its usual answer.
#[derive(Clone, Debug)]
struct Deviation {
    at: At,
    says: &'static str,
    then: Then,
}

/// A server of the bare protocol on loopback.
struct Raw {
    port: u16,
    /// How many bytes of an endless answer were written before the client had enough, for each conversation.
    endless: Arc<Mutex<Vec<usize>>>,
    /// Each message that was answered as usual.
    taken: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    fn start(deviation: Option<Deviation>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let raw = Self { port, endless: Arc::default(), taken: Arc::default() };
        let (endless, taken) = (Arc::clone(&raw.endless), Arc::clone(&raw.taken));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A client that hangs up is what these tests are about.
                let _ = converse(client, deviation.as_ref(), &endless, &taken);
            }
        });
        raw
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

fn converse(
    mut client: TcpStream,
    deviation: Option<&Deviation>,
    endless: &Mutex<Vec<usize>>,
    taken: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(client.try_clone()?);
    let mut answer = |at: At, usual: &str| -> std::io::Result<bool> {
        let Some(deviation) = deviation.filter(|deviation| deviation.at == at) else {
            client.write_all(usual.as_bytes())?;
            return Ok(true);
        };
        client.write_all(deviation.says.as_bytes())?;
        if let Then::ForEver(bytes) = deviation.then {
            let mut written = 0;
            while client.write_all(bytes).is_ok() {
                written += bytes.len();
            }
            endless.lock().unwrap().push(written);
        }
        Ok(matches!(deviation.then, Then::GoOn))
    };
    if !answer(At::Greeting, "220 raw\r\n")? {
        return Ok(());
    }
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let goes_on = match line.get(..4).unwrap_or_default() {
            "EHLO" => answer(At::Ehlo, "250 raw\r\n")?,
            "HELO" => answer(At::Helo, "250 raw\r\n")?,
            "MAIL" => answer(At::Mail, "250 ok\r\n")?,
            "RCPT" => answer(At::Rcpt, "250 ok\r\n")?,
            "DATA" => {
                if !answer(At::Data, "354 go on\r\n")? {
                    return Ok(());
                }
                let mut message = String::new();
                loop {
                    let mut line = String::new();
                    if lines.read_line(&mut line)? == 0 {
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    message += &line;
                }
                let goes_on = answer(At::Dot, "250 taken\r\n")?;
                if deviation.is_none() {
                    taken.lock().unwrap().push(message);
                }
                goes_on
            }
            _ => return Ok(()),
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// The mail waits after this server, and arrives once, under its id, at a good one. What was said of it is returned.
fn log_of(deviation: &Deviation) -> String {
    let (bad, good) = (Raw::start(Some(deviation.clone())), Raw::start(None));
    let mut installation = Installation::with_mail_to(&["ann@example.com"]);
    let queued = installation.only();
    let log = installation.through(bad.port).send().stderr;
    let stored = installation.only();
    assert_eq!((&*stored.place, &stored.message_id), ("new", &queued.message_id), "{deviation:?}: {log}");
    assert_eq!(stored.states(), [("ann@example.com", "waiting")], "{deviation:?}");
    assert_eq!(log.matches("\"WARN\"").count(), 1, "{deviation:?}: {log}");
    installation.through(good.port).send();
    assert_eq!(installation.only().place, "sent", "{deviation:?}");
    let [message] = &good.taken()[..] else { panic!("{deviation:?}: {:?}", good.taken()) };
    assert!(message.contains(&queued.message_id), "{deviation:?}: {message}");
    let most = bad.endless.lock().unwrap().iter().copied().max().unwrap_or(0);
    assert!(most < 16 << 20, "{deviation:?}: no more is read than what the kernel holds: {most}");
    log
}

#[test]
fn only_a_whole_answer_to_the_final_dot_takes_a_message() {
    for says in [
        "",
        "2",
        "250",
        "250 taken",
        "250 taken\r",
        "250 taken\n",
        "250-more\r\n",
        "250-more\r\n25",
        "250-more\r\n250 taken",
        "250-more\r\n250-taken\r\n",
        "250-more\r\n550 no\r\n",
        "250-more\r\n251 other\r\n",
        "250\ttaken\r\n",
        "2500 taken\r\n",
        "yes\r\n",
        "\r\n250 taken\r\n",
        "354 go on\r\n",
        "220 hello\r\n",
        "221 bye\r\n",
        "235 logged in\r\n",
        "250 taken\r\n250 and another\r\n",
        "250 taken\r\n550 no\r\n",
        "250 taken\r\nwhat",
    ] {
        let log = log_of(&Deviation { at: At::Dot, says, then: Then::HangUp });
        let is_unknown = log.contains("whether it arrived is unknown")
            || log.contains("gave the unexpected answer")
            || log.contains("its answers cannot be trusted");
        assert!(is_unknown, "{says:?}: {log}");
    }
}

#[test]
fn a_reply_sent_before_its_command_is_no_answer_to_it() {
    for (at, says) in [
        (At::Greeting, "220 raw\r\n250 raw\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n"),
        (At::Ehlo, "250 raw\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n"),
        (At::Mail, "250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n"),
        (At::Rcpt, "250 ok\r\n354 go on\r\n250 taken\r\n"),
        (At::Data, "354 go on\r\n250 taken\r\n"),
        (At::Data, "354 go on\r\n25"),
    ] {
        let log = log_of(&Deviation { at, says, then: Then::GoOn });
        assert!(log.contains("before it was asked"), "{says:?}: {log}");
    }
}

#[test]
fn an_answer_without_end_costs_no_memory() {
    for at in [At::Greeting, At::Ehlo, At::Rcpt, At::Dot] {
        for (says, bytes) in [
            ("250 ", &[b'x'; 8192][..]),
            ("250-", &[b'\0'; 8192][..]),
            ("", &b"250-more\r\n220-more\r\n"[..10]),
            ("250 ", &b"250-and so on\r\n"[..]),
        ] {
            log_of(&Deviation { at, says, then: Then::ForEver(bytes) });
        }
    }
}

#[test]
fn a_server_that_takes_a_message_and_says_goodbye_in_one_breath_has_taken_it() {
    for says in
        ["250 taken\r\n421 going down\r\n", "250 taken\r\n221 bye\r\n", "250-yes\r\n250 taken\r\n", "250\r\n"]
    {
        let server = Raw::start(Some(Deviation { at: At::Dot, says, then: Then::HangUp }));
        let mut installation = Installation::with_mail_to(&["ann@example.com"]);
        let log = installation.through(server.port).send().stderr;
        assert_eq!(installation.only().place, "sent", "{says:?}: {log}");
    }
}

#[test]
fn a_server_that_goes_away_between_two_commands_is_asked_again_later() {
    let says = "250 ok\r\n421 4.3.2 going down\r\n";
    let log = log_of(&Deviation { at: At::Mail, says, then: Then::GoOn });
    assert!(log.contains("421 4.3.2 going down: the server asks to try again"), "{log}");
}

#[test]
fn a_server_that_does_not_speak_smtp_is_named() {
    let at = At::Greeting;
    for (says, sentence) in [
        (
            "SSH-2.0-OpenSSH_9.6\r\n",
            "does not speak SMTP (it sent `SSH-2.0-OpenSSH_9.6`): check smtp.host and smtp.port",
        ),
        (
            "* OK [CAPABILITY IMAP4rev1] ready\r\n",
            "does not speak SMTP (it sent `* OK [CAPABILITY IMAP4rev1] ready`)",
        ),
        ("\u{15}\u{3}\u{1}\0\u{2}\u{2}F", "speaks TLS from the first byte: set smtp.tls = \\\"required\\\""),
    ] {
        let log = log_of(&Deviation { at, says, then: Then::HangUp });
        assert!(log.contains(sentence), "{log}");
    }
}

#[test]
fn a_refusal_that_is_about_the_greeting_names_the_key_whenever_it_comes_and_the_mail_waits() {
    for (at, says) in [
        (At::Ehlo, "504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname\r\n"),
        (At::Ehlo, "550 5.7.1 invalid name\r\n"),
        (At::Ehlo, "554 5.7.1 go away\r\n"),
        (At::Ehlo, "501 5.5.4 Syntactically invalid argument(s)\r\n"),
        (At::Ehlo, "555 5.5.4 unsupported\r\n"),
        (At::Ehlo, "421 4.7.0 Try again later, closing connection. (EHLO)\r\n"),
        (At::Ehlo, "421 4.3.2 too busy\r\n"),
        (At::Mail, "504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname\r\n"),
        (At::Mail, "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)\r\n"),
        (At::Mail, "421 4.7.1 your EHLO is not acceptable\r\n"),
        (At::Rcpt, "504 5.5.2 <x>: need fully-qualified hostname\r\n"),
        (At::Rcpt, "550-5.7.1 rejected\r\n550 5.7.1 because of your HELO\r\n"),
        (At::Rcpt, "450 4.7.1 <x>: Helo command rejected: Host not found\r\n"),
        (At::Rcpt, "554 5.7.1 the name of the client must be an FQDN\r\n"),
        (At::Data, "554 5.7.1 bad helo\r\n"),
    ] {
        for then in [Then::GoOn, Then::HangUp] {
            let log = log_of(&Deviation { at, says, then });
            let (code, words) = (&says[..3], says.trim_end().rsplit(' ').next().unwrap());
            assert!(log.contains("EHLO "), "{says:?}: {log}");
            assert!(log.contains("smtp.hello_name to the full name"), "{says:?}: {log}");
            assert!(log.contains(code) && log.contains(words), "{says:?}: {log}");
        }
    }
}

#[test]
fn a_refusal_before_the_greeting_is_not_blamed_on_the_greeting() {
    for (says, fix) in [
        ("421 4.3.2 too many connections\r\n", "quotakeeper tries again"),
        ("451 4.7.1 greylisted\r\n", "quotakeeper tries again"),
        ("554 5.7.1 you are listed\r\n", "refuses this machine"),
        ("550 5.7.1 no reverse DNS\r\n", "refuses this machine"),
        ("504 5.5.1 no\r\n", "refuses this machine"),
    ] {
        let log = log_of(&Deviation { at: At::Greeting, says, then: Then::HangUp });
        assert!(log.contains(fix) && !log.contains("hello_name"), "{says:?}: {log}");
    }
}

#[test]
fn a_server_that_does_not_know_ehlo_is_greeted_the_old_way() {
    for says in ["500 5.5.1 what\r\n", "502 5.5.2 not implemented\r\n"] {
        let raw = Raw::start(Some(Deviation { at: At::Ehlo, says, then: Then::GoOn }));
        let mut installation = Installation::with_mail_to(&["ann@example.com"]);
        let log = installation.through(raw.port).send().stderr;
        assert_eq!(installation.only().place, "sent", "{says:?}: {log}");
    }
}
