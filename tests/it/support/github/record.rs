//! Writes exchanges with the stand-in for GitHub to a folder, where an environment variable names one. It judges nothing.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Mutex;

use serde_json::{Map, Value, json};

use super::OWNER;
use crate::support::server::{Reply, Request};

/// The name of the folder; it exists.
const FOLDER: &str = "CSCTL_MATRIX_EXCHANGES";

static WRITING: Mutex<()> = Mutex::new(());

/// Writes one exchange. A damaged answer is wrong on purpose, and nobody shall judge it.
#[expect(
    clippy::disallowed_methods,
    reason = "a test looks at its environment, and writes beside what it tests"
)]
pub fn exchange(request: &Request, body: &Value, reply: &Reply, is_damaged: bool) {
    let is_git = request.path.starts_with(&format!("/{OWNER}/"));
    let Some(folder) = std::env::var_os(FOLDER).filter(|_| !is_git) else {
        return;
    };
    let is_json = body.is_null() == request.body.is_empty();
    let line = json!({
        "method": request.method,
        "path": request.path,
        "headers": headers(&request.headers),
        "body": if is_json { body.clone() } else { json!(String::from_utf8_lossy(&request.body)) },
        "skipAnswer": is_damaged,
        "status": reply.status,
        "replyHeaders": headers(&reply.headers),
        "reply": serde_json::from_slice(&reply.body).unwrap_or(Value::Null),
    });
    // One file per process: test programs run side by side, and so do the tests in each.
    let name = format!("{}.jsonl", std::process::id());
    let path = std::path::Path::new(&folder).join(name);
    let guard = WRITING.lock();
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
    drop(guard);
}

/// Headers by their names in lower case, without who asks.
fn headers(headers: &[(String, String)]) -> Map<String, Value> {
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| (name.to_lowercase(), json!(value)));
    headers
        .filter(|(name, _)| name != "authorization")
        .collect()
}
