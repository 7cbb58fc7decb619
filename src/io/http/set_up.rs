//! The set-up of a client, which reads the certificates that the system trusts. It can be begun while the files of a repository are read.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::{HttpSettings, Trust};

/// What a set-up leads to; the error is a phrase.
pub(super) type BuiltClient = Result<reqwest::Client, String>;

/// A set-up that was begun, for the first client that is made with these settings.
#[derive(Clone, Default)]
pub struct SetUp(Arc<Mutex<Option<JoinHandle<BuiltClient>>>>);

impl SetUp {
    /// Begins on a thread of its own. The settings must not be changed any more, but for those that every request brings along.
    pub(crate) fn begin(&self, settings: &HttpSettings) {
        let settings = settings.clone();
        let begun = std::thread::spawn(move || build_client(&settings));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
    }

    /// Waits for what was begun; nothing where nothing was, or where another client has it.
    pub(super) fn finish(&self) -> Option<BuiltClient> {
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        begun?.join().ok()
    }
}

impl fmt::Debug for SetUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SetUp")
    }
}

pub(super) fn build_client(settings: &HttpSettings) -> BuiltClient {
    // An error means that a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("csctl-matrix/", env!("CARGO_PKG_VERSION")))
        // `Transport::follow` follows redirects: it knows mirrors, secrets and private networks.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.read_timeout)
        .timeout(settings.total_timeout);
    if !settings.system_proxy {
        builder = builder.no_proxy();
    }
    builder = match &settings.trust {
        Trust::System => builder,
        Trust::Authorities(pem) => {
            let read = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
            builder.tls_certs_only(read.map_err(|error| error.to_string())?)
        }
        Trust::Anybody => builder.tls_danger_accept_invalid_certs(true),
    };
    builder.build().map_err(|error| error.to_string())
}
