//! Credentials of a GitHub App: a signed JSON Web Token, which buys an installation's token for an hour. It sends nothing itself.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::Signer;
use serde::Deserialize;

use crate::io::http::Secret;

/// GitHub takes ten minutes at most; a minute each is left for clocks that differ.
const LIFETIME_S: i64 = 9 * 60;
const SKEW_S: i64 = 60;

/// The answer of `GET /repos/OWNER/NAME/installation`.
#[derive(Deserialize)]
pub(super) struct Installation {
    pub(super) id: u64,
}

/// The answer of `POST /app/installations/ID/access_tokens`.
#[derive(Deserialize)]
pub(super) struct AccessToken {
    pub(super) token: String,
    #[serde(default)]
    pub(super) expires_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) permissions: Option<BTreeMap<String, String>>,
}

/// Returns what signs with a key, where it is RSA in PEM, as GitHub hands it out.
pub(super) fn find_signer(key: &Secret) -> Option<Box<dyn Signer>> {
    let encoded = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).ok()?;
    let signing = any_supported_type(&encoded).ok()?;
    signing.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
}

/// Signs a token that says who the App is.
pub(super) fn sign(id: &str, key: &Secret, now: Timestamp) -> Result<Secret, String> {
    sign_claims(id, key, now.as_second()).ok_or_else(|| {
        "the App's private key is not an RSA key in PEM format; download a new one from GitHub"
            .to_owned()
    })
}

fn sign_claims(id: &str, key: &Secret, now: i64) -> Option<Secret> {
    let signer = find_signer(key)?;
    let header = serde_json::json!({"alg": "RS256", "typ": "JWT"});
    let claims = serde_json::json!({"exp": now + LIFETIME_S, "iat": now - SKEW_S, "iss": id});
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = signer.sign(text.as_bytes()).ok()?;
    Secret::new(&format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made for this test; it opens nothing.
    const KEY: &str = include_str!("../../../testdata/forge/app-key.pem");

    #[test]
    fn signatures_are_those_of_openssl() {
        let key = Secret::new(KEY).unwrap();
        let now = Timestamp::from_second(1_772_438_540).unwrap();
        let token = sign("Iv1.standin", &key, now).unwrap();
        let expected = include_str!("../../../testdata/forge/app.jwt");
        assert_eq!(token.expose(), expected.trim());
    }

    #[test]
    fn a_key_that_is_none_is_refused_without_showing_it() {
        for text in [
            "s3cret",
            "-----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----",
        ] {
            let error = sign("1", &Secret::new(text).unwrap(), Timestamp::UNIX_EPOCH).unwrap_err();
            assert!(
                error.contains("not an RSA key in PEM format") && !error.contains("s3cret"),
                "{error}"
            );
        }
    }
}
