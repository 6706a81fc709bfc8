//! One SMTP conversation, step by step: when it breaks it is known what was said, and that decides what becomes of the message.
//!
//! lettre's own transport says goodbye before it tells that a message was taken, and so repeats it for a server that is silent then.

use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;

use super::trouble::{Cause, Step};
use crate::config::Tls;

/// Nobody waits for it: it only lets the server close its side in good order.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where mail goes, and how one gets in.
pub(super) struct Server {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub trust: Option<TlsParameters>,
    pub credentials: Option<Credentials>,
    pub timeout: Duration,
}

/// With one server, about one message to one recipient.
pub(super) struct Conversation<'a> {
    server: &'a Server,
    /// What is being said.
    pub step: Step,
}

impl<'a> Conversation<'a> {
    pub(super) fn with(server: &'a Server) -> Self {
        Self { server, step: Step::Greeting }
    }

    /// Logs in, asks whether mail from there would be taken, and leaves again.
    pub(super) async fn greet(&mut self, from: Address) -> Result<(), Cause> {
        let mut connection = self.begin().await?;
        self.step = Step::Sender;
        let asked = connection.command(Mail::new(Some(from), vec![])).await;
        leave(connection);
        expect(&[250], &asked?)
    }

    /// Until the server has taken responsibility, or will not.
    pub(super) async fn deliver(&mut self, from: Address, to: Address, message: &[u8]) -> Result<(), Cause> {
        let mut connection = self.begin().await?;
        let taken = self.hand_over(&mut connection, from, to, message).await;
        leave(connection);
        taken
    }

    async fn begin(&mut self) -> Result<AsyncSmtpConnection, Cause> {
        let server = self.server;
        let from_the_first_byte = server.trust.clone().filter(|_| server.tls == Tls::Required);
        let hello = ClientId::default();
        // A name may have several addresses: one that is not there must leave time for the next.
        let patience = Some(server.timeout / 3);
        let address = (server.host.as_str(), server.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, patience, &hello, from_the_first_byte, None).await?;
        if let Some(trust) = server.trust.clone().filter(|_| server.tls == Tls::Starttls) {
            self.step = Step::Starttls;
            if !connection.can_starttls() {
                return Err(Cause::NotOffered);
            }
            connection.starttls(trust, &hello).await?;
            unasked(&mut connection).await?;
        }
        if let Some(credentials) = &server.credentials {
            self.step = Step::Login;
            if connection.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
                return Err(Cause::NotOffered);
            }
            expect(&[235], &connection.auth(DEFAULT_MECHANISMS, credentials).await?)?;
        }
        Ok(connection)
    }

    async fn hand_over(
        &mut self,
        connection: &mut AsyncSmtpConnection,
        from: Address,
        to: Address,
        message: &[u8],
    ) -> Result<(), Cause> {
        self.step = Step::Sender;
        expect(&[250], &connection.command(Mail::new(Some(from), vec![])).await?)?;
        self.step = Step::Recipient;
        expect(&[250, 251, 252], &connection.command(Rcpt::new(to, vec![])).await?)?;
        self.step = Step::Data;
        expect(&[354], &connection.command(Data).await?)?;
        self.step = Step::Message;
        expect(&[250], &connection.message(message).await?)
    }
}

/// An answer that belongs to another question shows that the two sides are out of step: "taken" could mean something else.
fn expect(codes: &[u16], answer: &Response) -> Result<(), Cause> {
    let code = u16::from(answer.code());
    if codes.contains(&code) { Ok(()) } else { Err(Cause::OutOfStep(code)) }
}

/// What was put behind the answer to STARTTLS, in the open, would be read as if it came through TLS.
async fn unasked(connection: &mut AsyncSmtpConnection) -> Result<(), Cause> {
    tokio::select! {
        biased;
        answer = connection.read_response() => Err(match answer {
            Ok(answer) => Cause::OutOfStep(u16::from(answer.code())),
            Err(error) => error.into(),
        }),
        () = std::future::ready(()) => Ok(()),
    }
}

fn leave(mut connection: AsyncSmtpConnection) {
    tokio::spawn(async move {
        let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
    });
}
