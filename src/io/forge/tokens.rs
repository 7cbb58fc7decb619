//! The token of an App's installation, for those who ask GitHub past its API, as git does, and what it may do. It is bought in
//! `channel`; here nothing is sent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::channel::{Channel, SendError};
use super::{ForgeError, GitHub};
use crate::io::http::Secret;

/// Hands out the token of an App's installation, a new one before the old one expires. Copies share it with the forge's client.
#[derive(Clone)]
pub struct Tokens(Arc<Channel>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// Returns a token that lasts for some minutes at least.
    pub async fn current(&self) -> Result<Secret, ForgeError> {
        let bought = self.0.token().await;
        Ok(bought.map_err(|error| fault(&error))?.token)
    }

    /// Returns another token than the one that was refused, as one is that was taken back before its time.
    pub(crate) async fn renewed(&self, refused: &Secret) -> Result<Secret, ForgeError> {
        let bought = self.0.renewed_token(refused).await;
        Ok(bought.map_err(|error| fault(&error))?.token)
    }
}

impl GitHub {
    /// Returns what hands out the App's tokens; nothing where no App asks.
    pub fn tokens(&self) -> Option<Tokens> {
        let is_of_app = self.channel.is_of_app();
        is_of_app.then(|| Tokens(Arc::clone(&self.channel)))
    }

    /// Asks what the App's token may do: `write` for `contents`. Nothing where no App asks or GitHub does not say.
    pub async fn permissions(&self) -> Result<Option<BTreeMap<String, String>>, ForgeError> {
        if !self.channel.is_of_app() {
            return Ok(None);
        }
        let bought = self.channel.token().await;
        Ok(bought.map_err(|error| fault(&error))?.permissions)
    }
}

fn fault(error: &SendError) -> ForgeError {
    error.of_request("POST", "/app/installations")
}
