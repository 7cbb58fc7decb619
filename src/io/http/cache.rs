//! The disk cache of answers. It decides nothing about freshness: every stored answer is asked for again with its
//! validators, unless the user is offline.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the file access of the cache, part of the io floor"
)]

use std::fs;
use std::path::{Path, PathBuf};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Answer;
use crate::io::atomic;

// A file of another form, as another version of the program leaves it, counts as missing.
const FORM: u32 = 1;

/// The folder with one file per method, URL and identity.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// An answer as it was stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) answer: Answer,
    /// The URL that was really asked, after mirrors: validators are good for that server only.
    pub(super) asked: String,
}

/// What stands before the body. The file begins with the SHA-256 of everything after the first line.
#[derive(Serialize, Deserialize)]
struct Head {
    form: u32,
    key: String,
    asked: String,
    status: u16,
    url: String,
    headers: Vec<(String, String)>,
}

/// Returns the name of an answer: the same URL asked by another identity is another answer, and so is a part of it.
pub(super) fn key(what: &str, url: &str, identity: Option<&str>) -> String {
    let mut digest = Sha256::new();
    for part in [what, "\n", url, "\n", identity.unwrap_or_default()] {
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

impl Cache {
    /// Opens the folder and makes it where it is missing; without a folder that can be written there is no cache.
    pub(super) fn open(folder: &Path) -> Option<Self> {
        // Repositories of `pr --repository` lie beside it.
        let own = folder.join("http");
        fs::create_dir_all(&own).ok()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // Answers may come from private stores.
            // A file system without permissions can keep answers all the same.
            fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).ok();
        }
        Some(Self { folder: own })
    }

    /// Finds a stored answer. A file that is damaged, cut or of another form counts as missing.
    pub(super) fn find(&self, key: &str) -> Option<Stored> {
        let bytes = fs::read(self.folder.join(key)).ok()?;
        let (sum, rest) = split_line(&bytes)?;
        if hex::encode(Sha256::digest(rest)).as_bytes() != sum {
            return None;
        }
        let (first_line, body) = split_line(rest)?;
        let head: Head = serde_json::from_slice(first_line).ok()?;
        if head.form != FORM || head.key != key {
            return None;
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &head.headers {
            headers.append(
                HeaderName::try_from(name).ok()?,
                HeaderValue::try_from(value).ok()?,
            );
        }
        Some(Stored {
            answer: Answer {
                status: head.status,
                url: head.url,
                headers,
                body: body.to_vec().into(),
                is_stored: true,
            },
            asked: head.asked,
        })
    }

    /// Stores an answer. A failure is not told: the next run asks again.
    pub(super) fn store(&self, key: &str, asked: &str, answer: &Answer) {
        // A cookie is a secret of one run, and nothing here sends any.
        let headers = answer
            .headers
            .iter()
            .filter(|(name, _)| *name != http::header::SET_COOKIE);
        let head = Head {
            form: FORM,
            key: key.to_owned(),
            asked: asked.to_owned(),
            status: answer.status,
            url: answer.url.clone(),
            headers: headers
                .filter_map(|(name, value)| {
                    Some((name.to_string(), value.to_str().ok()?.to_owned()))
                })
                .collect(),
        };
        let Ok(mut rest) = serde_json::to_vec(&head) else {
            return;
        };
        rest.push(b'\n');
        rest.extend_from_slice(&answer.body);
        let mut content = hex::encode(Sha256::digest(&rest)).into_bytes();
        content.push(b'\n');
        content.append(&mut rest);
        atomic::write(&self.folder.join(key), &content).ok();
    }
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
