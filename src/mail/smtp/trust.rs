//! TLS with a mail server: which certificates this machine trusts, and for which name.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Context;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_rustls::TlsConnector;

/// The certificates of the system, and the name that the server's certificate must be for.
pub(in crate::mail) struct Trust {
    pub(super) connector: TlsConnector,
    pub(super) name: ServerName<'static>,
}

impl Trust {
    pub(in crate::mail) fn for_host(host: &str) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .context("check that the system's CA certificates are installed")?
            .with_no_client_auth();
        let name = match host.parse::<IpAddr>() {
            Ok(address) => ServerName::from(address),
            Err(_) => ServerName::try_from(host.to_owned()).context("smtp.host is not the name of a host")?,
        };
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}
