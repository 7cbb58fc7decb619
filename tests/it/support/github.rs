//! A stateful stand-in for GitHub on loopback: REST and GraphQL over a bare repository on disk, which git reaches too, at
//! `/OWNER/REPO.git`. It counts requests as GitHub does, and a script of faults and events makes it misbehave: the nth request of a
//! kind is lost, refused or cut, or a person does something right before it. It records every request.
//!
//! Where the environment variable `CSCTL_MATRIX_EXCHANGES` names a folder, each exchange of the API is written there as a line of JSON,
//! for `scripts/lib/github-exchanges` to hold against GitHub's own description of its API. Tokens and git's protocol are left out.

#[path = "github/graphql.rs"]
mod graphql;
#[path = "github/record.rs"]
mod record;
#[path = "github/rest.rs"]
mod rest;
#[path = "github/state.rs"]
mod state;

use std::io::{Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use csctl_matrix::io::forge::{Clock, Credentials, ForgeSettings, GitHub};
use csctl_matrix::io::http::{HttpClient, HttpSettings, Secret};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::program::Copy;
use super::server::{Reply, Request, Server};
use rest::{Call, json_reply, problem};
pub use state::{BOT, BranchRules, PERSON, Pull, State, Token, email};

pub const OWNER: &str = "acme";
pub const REPOSITORY: &str = "cluster-stacks";
/// The token that may do everything.
pub const TOKEN: &str = "ghs_StandInToken0123456789";

/// What goes wrong with a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The work is done, and the connection is closed instead of an answer.
    LostAfter,
    /// The connection is closed before anything is done.
    LostBefore,
    /// Nothing is done, and this status is answered: 500, 502, 503.
    Status(u16),
    /// The work is done, and this status is answered.
    StatusAfter(u16),
    /// 403 or 429 with a pause in seconds.
    RetryAfter(u16, u32),
    /// 403 or 429 with nothing remaining until so many seconds from now.
    UsedUp(u16, u32),
    /// The secondary limit's text, without any header.
    Secondary(u16),
    /// 403 for another reason.
    Forbidden,
    /// No answer at all; nothing is done.
    Stall,
    /// The work is done, and no answer comes.
    StallAfter,
    /// The work is done, and the answer ends early.
    Half,
    /// A web page, as proxies send them; nothing is done.
    Html(u16),
    /// The work is done, and a web page comes with 200.
    HtmlAfter,
    /// The work is done, and the answer is this JSON object.
    AnswerAfter(u16, Value),
    /// Nothing is done, and this status comes with the secret that was sent in its message.
    Echo(u16),
}

type Event = Box<dyn FnOnce(&mut State) + Send>;

/// One line of the script.
struct Line {
    /// `*` is any, `effect` any that can change something.
    method: String,
    /// A part of the path with its query; with `$` at its end, the end of the path without query.
    path: String,
    /// How many matching requests pass before.
    left: u32,
    /// How many requests it holds for.
    times: u32,
    fault: Option<Fault>,
    event: Option<Event>,
}

impl Line {
    fn new(method: &str, path: &str, which: Range<u32>) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            left: which.start - 1,
            times: which.end - which.start,
            fault: None,
            event: None,
        }
    }
}

/// A request as it was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Null where it is no JSON.
    pub body: Value,
    pub is_mutating: bool,
    pub status: u16,
    pub authorization: Option<String>,
}

#[derive(Default)]
struct Script {
    lines: Vec<Line>,
    log: Vec<Recorded>,
}

struct Shared {
    state: Mutex<State>,
    script: Mutex<Script>,
    url: Mutex<String>,
    folder: tempfile::TempDir,
}

/// The stand-in; it stops when it is dropped.
pub struct GitHubServer {
    server: Server,
    shared: Arc<Shared>,
}

impl GitHubServer {
    /// Brings all files of a clone to a branch, with one commit.
    pub fn push_copy(&self, branch: &str, copy: &Copy) {
        let files: Vec<(String, String)> = copy
            .files()
            .into_iter()
            .map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
            .collect();
        let files: Vec<(&str, Option<&str>)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), Some(text.as_str())))
            .collect();
        self.state().push(branch, &files);
    }

    /// Starts with one commit on `main`.
    pub fn start() -> Self {
        Self::start_with(&[("README.md", Some("# Cluster stacks\n"))])
    }

    pub fn start_with(files: &[(&str, Option<&str>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::new(folder.path(), OWNER, REPOSITORY);
        state.tokens.push(Token {
            text: TOKEN.to_owned(),
            login: BOT.to_owned(),
            expires: None,
        });
        let oid = state.commit(None, PERSON, files);
        state.set_head("main", oid);
        Self::serve(state, folder)
    }

    /// Another stand-in, which begins with all that this one has.
    pub fn copied(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = self.state().copied_to(folder.path());
        Self::serve(state, folder)
    }

    fn serve(state: State, folder: tempfile::TempDir) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            script: Mutex::default(),
            url: Mutex::default(),
            folder,
        });
        let handler = shared.clone();
        let server = Server::start(move |request| handler.handle(request));
        *shared.url.lock().unwrap() = server.url();
        Self { server, shared }
    }

    /// The base URL of the API.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The base URL of the API as GitHub Enterprise has it.
    pub fn enterprise_url(&self) -> String {
        format!("{}/api/v3", self.server.url())
    }

    /// The URL that git uses.
    pub fn git_url(&self) -> String {
        format!("{}/{OWNER}/{REPOSITORY}.git", self.server.url())
    }

    /// Settings for its repository and token, at GitHub's pace, with a clock that records pauses instead of making them.
    pub fn settings(&self) -> ForgeSettings {
        let token = Credentials::Token(Secret::new(TOKEN).unwrap());
        ForgeSettings {
            base: self.url(),
            clock: Clock::recorded("2026-03-02T08:00:00Z".parse().unwrap()),
            ..ForgeSettings::new(OWNER, REPOSITORY, token)
        }
    }

    /// A client with these settings, which gives up a silent server soon.
    pub fn connect(&self) -> GitHub {
        GitHub::new(&http_client(None), &self.settings())
    }

    /// The bare repository on disk.
    pub fn git_path(&self) -> PathBuf {
        self.shared.git_path()
    }

    /// Looks at or changes the state, between requests.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// Makes the nth request (from 1) of a method and with this part in its path fail. The method `*` is any, `effect` any that
    /// can change something; a `$` at the end of the part stands for the path's end.
    pub fn fault(&self, method: &str, path: &str, nth: u32, fault: Fault) {
        self.faults(method, path, nth..nth + 1, fault);
    }

    /// Makes these matching requests fail, as `1..4` for the first three.
    pub fn faults(&self, method: &str, path: &str, which: Range<u32>, fault: Fault) {
        self.add(Line {
            fault: Some(fault),
            ..Line::new(method, path, which)
        });
    }

    /// Lets something happen right before the nth request.
    pub fn before(
        &self,
        method: &str,
        path: &str,
        nth: u32,
        event: impl FnOnce(&mut State) + Send + 'static,
    ) {
        self.add(Line {
            event: Some(Box::new(event)),
            ..Line::new(method, path, nth..nth + 1)
        });
    }

    /// Runs a command that is killed at its nth effect, and returns how it ended.
    pub fn kill_at(&self, nth: u32, mut command: Command) -> ExitStatus {
        let running: Arc<Mutex<Option<Child>>> = Arc::default();
        let killed = Arc::clone(&running);
        self.before("effect", "/", nth, move |_| {
            killed.lock().unwrap().as_mut().unwrap().kill().unwrap();
        });
        let mut start = running.lock().unwrap();
        *start = Some(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        drop(start);
        loop {
            let ended = running.lock().unwrap().as_mut().unwrap().try_wait();
            if let Some(status) = ended.unwrap() {
                self.clear_script();
                return status;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Forgets all faults and events that have not come to pass.
    pub fn clear_script(&self) {
        self.shared.script().lines.clear();
    }

    fn add(&self, line: Line) {
        self.shared.script().lines.push(line);
    }

    pub fn log(&self) -> Vec<Recorded> {
        self.shared.script().log.clone()
    }

    pub fn clear_log(&self) {
        self.shared.script().log.clear();
    }

    /// What could have changed something, as `POST /path`.
    pub fn mutations(&self) -> Vec<String> {
        let log = self.log();
        let found = log.iter().filter(|request| request.is_mutating);
        found
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    /// Lines of the script that never came to pass.
    pub fn unused(&self) -> Vec<String> {
        let script = self.shared.script();
        let unused = script.lines.iter().filter(|line| line.times > 0);
        unused
            .map(|line| format!("{} {}", line.method, line.path))
            .collect()
    }

    /// Requests that the stand-in does not know.
    pub fn unknown(&self) -> Vec<Recorded> {
        let log = self.log();
        log.into_iter()
            .filter(|request| request.status == 501)
            .collect()
    }
}

/// A client that asks nothing but loopback.
pub fn http_client(cache: Option<&Path>) -> HttpClient {
    HttpClient::new(HttpSettings {
        cache_dir: cache.map(Path::to_owned),
        read_timeout: Duration::from_millis(400),
        system_proxy: false,
        ..HttpSettings::default()
    })
}

/// Who asks.
enum Identity {
    Nobody,
    Token(String),
    /// A JSON Web Token of an App, with its issuer.
    App(String),
    Wrong,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn git_path(&self) -> PathBuf {
        let path = self.folder.path().join(OWNER);
        path.join(format!("{REPOSITORY}.git"))
    }

    fn handle(&self, request: &Request) -> Reply {
        let mut state = self.state();
        let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let (fault, events) = self.script().step(request, &body);
        let is_damaged = fault.is_some();
        for event in events {
            event(&mut state);
        }
        let reply = match fault {
            None => self.work(&mut state, request, &body),
            Some(Fault::Echo(status)) => match find_secret(request) {
                // Git shows what a server says as plain text.
                Some(secret) if request.path.starts_with(&format!("/{OWNER}/")) => Reply {
                    body: format!("bad credentials: {secret}").into(),
                    ..Reply::status(status)
                }
                .with("Content-Type", "text/plain"),
                Some(secret) => problem(status, &format!("bad credentials: {secret}")),
                None => self.work(&mut state, request, &body),
            },
            Some(fault) => match fault_before(&state, &fault) {
                Some(reply) => reply,
                None => fault_after(fault, self.work(&mut state, request, &body)),
            },
        };
        record::exchange(request, &body, &reply, is_damaged);
        self.script().log.push(Recorded {
            method: request.method.clone(),
            path: request.path.clone(),
            is_mutating: is_mutating(request, &body),
            body,
            status: reply.status,
            authorization: request.header("authorization").map(str::to_owned),
        });
        reply
    }

    fn work(&self, state: &mut State, request: &Request, body: &Value) -> Reply {
        state.tick();
        if request.path.starts_with(&format!("/{OWNER}/")) {
            return self.serve_git(state, request);
        }
        let path = request.path.split('?').next().unwrap();
        let path = path.strip_prefix("/api/v3").unwrap_or(path);
        let is_graphql = matches!(path, "/graphql" | "/api/graphql");
        let login = match identify(state, request) {
            Identity::Token(login) => login,
            Identity::App(issuer) => return app(state, path, &issuer),
            Identity::Wrong => return problem(401, "Bad credentials"),
            Identity::Nobody if request.method == "GET" && !state.settings.is_private => {
                String::new()
            }
            Identity::Nobody if request.method == "GET" => return problem(404, "Not Found"),
            Identity::Nobody => return problem(401, "Requires authentication"),
        };
        let now = state.now;
        let limit = if is_graphql {
            &mut state.graphql
        } else {
            &mut state.core
        };
        if let Some(refusal) = refuse(limit, now) {
            return told(state, is_graphql, refusal);
        }
        let reply = if is_graphql {
            graphql::answer(state, &login, body)
        } else {
            self.rest(state, request, body, &login)
        };
        let reply = tag(request, reply);
        if reply.status != 304 {
            let limit = if is_graphql {
                &mut state.graphql
            } else {
                &mut state.core
            };
            limit.remaining = limit.remaining.saturating_sub(1);
        }
        told(state, is_graphql, reply)
    }

    fn rest(&self, state: &mut State, request: &Request, body: &Value, login: &str) -> Reply {
        let path = request.path.split('?').next().unwrap();
        let path = path.strip_prefix("/api/v3").unwrap_or(path);
        let parts: Vec<String> = path.split('/').skip(1).map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let ["repos", owner, repository, rest @ ..] = parts.as_slice() else {
            return problem(404, "Not Found");
        };
        if (*owner, *repository) != (&state.owner, &state.repository) {
            return problem(404, "Not Found");
        }
        let is_enterprise = request.path.starts_with("/api/v3");
        let call = Call {
            method: if request.method == "HEAD" {
                "GET"
            } else {
                &request.method
            },
            parts: rest.to_vec(),
            request,
            body: body.clone(),
            login,
            base: self.url.lock().unwrap().clone() + if is_enterprise { "/api/v3" } else { "" },
        };
        let permission = rest::permission(&call);
        if state.settings.denied.contains(permission) {
            let kind = if login.ends_with("[bot]") {
                "integration"
            } else {
                "personal access token"
            };
            return problem(403, &format!("Resource not accessible by {kind}"))
                .with("X-Accepted-GitHub-Permissions", permission);
        }
        rest::route(state, &call)
    }

    /// Serves git's own protocol through git's CGI.
    fn serve_git(&self, state: &mut State, request: &Request) -> Reply {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let is_push = query.contains("git-receive-pack") || path.ends_with("git-receive-pack");
        let login = match identify(state, request) {
            Identity::Token(login) => login,
            Identity::Nobody if !is_push && !state.settings.is_private => String::new(),
            Identity::Nobody | Identity::App(_) | Identity::Wrong => {
                return Reply::status(401).with("WWW-Authenticate", "Basic realm=\"GitHub\"");
            }
        };
        if is_push && state.settings.denied.contains("contents=write") {
            let text = format!("Permission to {OWNER}/{REPOSITORY}.git denied to {login}.\n");
            return Reply {
                body: text.into_bytes(),
                ..Reply::status(403)
            };
        }
        write_refusals(state, &self.git_path());
        let reply = run_backend(self.folder.path(), request, (path, query), &login);
        state.settle(&login);
        reply
    }
}

impl Script {
    /// Finds what happens with and before this request.
    fn step(&mut self, request: &Request, body: &Value) -> (Option<Fault>, Vec<Event>) {
        let mut fault = None;
        let mut events = Vec::new();
        for line in &mut self.lines {
            let path = match line.path.strip_suffix('$') {
                Some(end) => request.path.split('?').next().unwrap().ends_with(end),
                None => request.path.contains(&line.path),
            };
            let is_meant = match line.method.as_str() {
                "*" => true,
                "effect" => is_mutating(request, body),
                method => method == request.method,
            };
            if !(path && is_meant) || line.times == 0 {
                continue;
            }
            if line.left > 0 {
                line.left -= 1;
                continue;
            }
            line.times -= 1;
            if fault.is_none() {
                fault.clone_from(&line.fault);
            }
            events.extend(line.event.take());
        }
        (fault, events)
    }
}

fn is_mutating(request: &Request, body: &Value) -> bool {
    let path = request.path.split('?').next().unwrap();
    if path.ends_with("/graphql") {
        return graphql::is_mutation(body);
    }
    let is_harmless = path.ends_with("/git-upload-pack") || path.ends_with("/access_tokens");
    !matches!(request.method.as_str(), "GET" | "HEAD") && !is_harmless
}

/// The answer of a fault that comes before any work.
fn fault_before(state: &State, fault: &Fault) -> Option<Reply> {
    let secondary =
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let page = "<!DOCTYPE html>\n<html><body><h1>Bad gateway</h1></body></html>\n";
    Some(match fault {
        Fault::LostBefore => Reply::drop_connection(),
        Fault::Status(status) => problem(*status, "Server Error"),
        Fault::RetryAfter(status, seconds) => problem(*status, secondary)
            .with("Retry-After", &seconds.to_string())
            .with("Date", &date(state.now)),
        Fault::UsedUp(status, seconds) => {
            let reset = state.now.as_second() + i64::from(*seconds);
            problem(*status, "API rate limit exceeded for installation ID 7.")
                .with("Date", &date(state.now))
                .with("X-RateLimit-Limit", "5000")
                .with("X-RateLimit-Remaining", "0")
                .with("X-RateLimit-Reset", &reset.to_string())
                .with("X-RateLimit-Resource", "core")
        }
        Fault::Secondary(status) => problem(*status, secondary),
        Fault::Forbidden => problem(403, "Resource not accessible by integration"),
        Fault::Stall => Reply::hang(),
        Fault::Html(status) => Reply {
            body: page.into(),
            ..Reply::status(*status)
        }
        .with("Content-Type", "text/html"),
        Fault::LostAfter
        | Fault::StatusAfter(_)
        | Fault::StallAfter
        | Fault::Half
        | Fault::HtmlAfter
        | Fault::AnswerAfter(..)
        | Fault::Echo(_) => return None,
    })
}

/// Damages the answer of work that was done.
fn fault_after(fault: Fault, reply: Reply) -> Reply {
    match fault {
        Fault::StatusAfter(status) => problem(status, "Server Error"),
        Fault::StallAfter => Reply::hang(),
        Fault::Half => {
            let told = reply.body.len();
            let mut reply = reply.cut(told.max(1));
            reply.body.truncate(told / 2);
            reply
        }
        Fault::HtmlAfter => Reply::page(200),
        Fault::AnswerAfter(status, body) => json_reply(status, &body),
        _ => Reply::drop_connection(),
    }
}

/// Refuses where nothing is left in this hour.
fn refuse(limit: &mut state::Limit, now: Timestamp) -> Option<Reply> {
    if limit.remaining == 0 {
        limit.refused += 1;
    }
    if now >= limit.reset || limit.refused > limit.refills_after {
        limit.refused = 0;
        limit.remaining = limit.total;
        limit.reset = now + 1.hour();
    }
    (limit.remaining == 0).then(|| problem(403, "API rate limit exceeded for installation ID 7."))
}

/// Adds an `ETag`, and answers 304 where the asker has it.
fn tag(request: &Request, reply: Reply) -> Reply {
    if request.method != "GET" || reply.status != 200 {
        return reply;
    }
    let sum = Sha256::digest(&reply.body);
    let tag = format!(
        "W/\"{:x}\"",
        u64::from_be_bytes(sum[..8].try_into().unwrap())
    );
    let is_known = request.header("if-none-match") == Some(&tag);
    let reply = if is_known { Reply::status(304) } else { reply };
    reply.with("ETag", &tag)
}

fn identify(state: &State, request: &Request) -> Identity {
    if request.header("authorization").is_none() {
        return Identity::Nobody;
    }
    let Some(token) = find_secret(request) else {
        return Identity::Wrong;
    };
    let known = state.tokens.iter().find(|known| known.text == token);
    match known {
        Some(known) if known.expires.is_none_or(|expires| expires > state.now) => {
            Identity::Token(known.login.clone())
        }
        Some(_) => Identity::Wrong,
        None => find_issuer(&token).map_or(Identity::Wrong, Identity::App),
    }
}

/// The token that a request was sent with.
fn find_secret(request: &Request) -> Option<String> {
    match request.header("authorization")?.split_once(' ')? {
        ("Bearer" | "token", token) => Some(token.to_owned()),
        ("Basic", text) => {
            let engine = base64::engine::general_purpose::STANDARD;
            let text = String::from_utf8(engine.decode(text).ok()?).ok()?;
            Some(text.split_once(':')?.1.to_owned())
        }
        _ => None,
    }
}

/// Reads the issuer of a JSON Web Token; its signature is checked elsewhere.
fn find_issuer(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mut read = || -> Option<Value> {
        let bytes = engine.decode(parts.next()?).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let (header, claims) = (read()?, read()?);
    let lasts = claims["exp"].as_i64()? - claims["iat"].as_i64()?;
    let is_fine = header["alg"] == "RS256" && lasts <= 600 && !parts.next()?.is_empty();
    is_fine.then(|| claims["iss"].as_str().map(str::to_owned))?
}

/// What an App may ask with its own name.
fn app(state: &mut State, path: &str, issuer: &str) -> Reply {
    let Some((id, installation)) = state.settings.app.clone().filter(|(id, _)| id == issuer) else {
        return problem(401, "A JSON web token could not be decoded");
    };
    if path == format!("/repos/{}/{}/installation", state.owner, state.repository) {
        return json_reply(
            200,
            &json!({"id": installation, "app_id": 1, "client_id": id, "app_slug": "csctl-matrix"}),
        );
    }
    if path != format!("/app/installations/{installation}/access_tokens") {
        return problem(404, "Not Found");
    }
    let text = format!("ghs_Installation{}Token", state.next_id());
    let expires = state.now + state.settings.app_minutes.minutes();
    state.tokens.push(Token {
        text: text.clone(),
        login: BOT.to_owned(),
        expires: Some(expires),
    });
    let body = json!({
        "token": text,
        "expires_at": expires.to_string(),
        "permissions": permissions(state),
        "repository_selection": "selected",
    });
    json_reply(201, &body)
}

/// What an installation may do: all that `pr` needs and workflows, but for what is denied.
fn permissions(state: &State) -> Value {
    let is_denied = |name: &str, level: &str| {
        let denied = &state.settings.denied;
        denied.contains(&format!("{name}={level}"))
    };
    let mut found = json!({"metadata": "read"});
    for (name, highest) in [
        ("administration", "read"),
        ("checks", "read"),
        ("contents", "write"),
        ("pull_requests", "write"),
        ("statuses", "read"),
        ("workflows", "write"),
    ] {
        if !is_denied(name, highest) {
            found[name] = json!(highest);
        } else if highest == "write" && !is_denied(name, "read") {
            found[name] = json!("read");
        }
    }
    found
}

/// Adds what GitHub says of the budget and the time.
fn told(state: &State, is_graphql: bool, reply: Reply) -> Reply {
    let (limit, resource) = if is_graphql {
        (&state.graphql, "graphql")
    } else {
        (&state.core, "core")
    };
    let used = limit.total - limit.remaining;
    [
        ("Date", date(state.now)),
        ("X-RateLimit-Limit", limit.total.to_string()),
        ("X-RateLimit-Remaining", limit.remaining.to_string()),
        ("X-RateLimit-Used", used.to_string()),
        ("X-RateLimit-Reset", limit.reset.as_second().to_string()),
        ("X-RateLimit-Resource", resource.to_owned()),
        ("X-GitHub-Request-Id", format!("C0DE:{}", state.next)),
    ]
    .into_iter()
    .fold(reply, |reply, (name, value)| reply.with(name, &value))
}

/// Branches that no push may force are refused by a hook.
fn write_refusals(state: &State, path: &Path) {
    let refused: Vec<String> = state
        .branches()
        .into_keys()
        .filter(|branch| state.rules_of(branch).no_force_push)
        .map(|branch| format!("refs/heads/{branch}\n"))
        .collect();
    let hook = path.join("hooks/update");
    #[expect(clippy::disallowed_methods, reason = "a test writes its hook")]
    if refused.is_empty() {
        std::fs::remove_file(&hook).ok();
    } else {
        let text = "grep -qxF \"$1\" refused || exit 0\n\
                    git merge-base --is-ancestor \"$2\" \"$3\" && exit 0\n\
                    echo 'GH006: Protected branch update failed.' >&2\nexit 1";
        std::fs::write(path.join("refused"), refused.concat()).unwrap();
        super::program::install_script(&hook, text);
    }
}

/// Runs `git http-backend` on a request and reads its answer.
fn run_backend(root: &Path, request: &Request, target: (&str, &str), login: &str) -> Reply {
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "PATH"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", target.0)
        .env("QUERY_STRING", target.1)
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if !login.is_empty() {
        command.env("REMOTE_USER", login);
    }
    for (header, name) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        if let Some(value) = request.header(header) {
            command.env(name, value);
        }
    }
    let mut child = command.spawn().unwrap();
    let (mut input, body) = (child.stdin.take().unwrap(), request.body.clone());
    let writer = std::thread::spawn(move || input.write_all(&body).ok());
    let mut output = Vec::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut output)
        .unwrap();
    writer.join().unwrap();
    child.wait().unwrap();
    read_cgi(&output)
}

fn read_cgi(output: &[u8]) -> Reply {
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let Some(end) = end else {
        return Reply::status(500);
    };
    let head = String::from_utf8_lossy(&output[..end]);
    let mut reply = Reply::ok(&output[end + 4..]);
    for (name, value) in head.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            reply.status = value[..3].parse().unwrap();
        } else {
            reply = reply.with(name, value);
        }
    }
    reply
}

/// A date as HTTP headers have it.
fn date(moment: Timestamp) -> String {
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn decode(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let [first, others @ ..] = rest {
        let code = others.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &others[2..] } else { others };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
