//! A git server on one loopback port for tests: bare repositories served by git's own `http-backend`, with a token, with hooks,
//! and with a script that may stand between a request and its answer.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;

use super::server::{Logged, Reply, Request, Server};

/// The token that the server takes.
pub const TOKEN: &str = "ghs_0123456789abcdefSECRET";

/// Stands between a request and its answer; the second argument lets git answer.
pub type Script = dyn Fn(&Request, &dyn Fn() -> Reply) -> Reply + Send + Sync;

/// The server with one repository, `o/r.git`.
pub struct GitServer {
    server: Server,
    directory: TempDir,
    script: Arc<Mutex<Arc<Script>>>,
}

impl GitServer {
    /// Starts it with an empty repository.
    pub fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let root = directory.path().to_owned();
        init(&root.join("o/r.git"));
        let script: Arc<Mutex<Arc<Script>>> = Arc::new(Mutex::new(Arc::new(|_, serve| serve())));
        let current = script.clone();
        let server = Server::start(move |request| {
            let script = current.lock().unwrap().clone();
            script(request, &|| answer(&root, request))
        });
        Self {
            server,
            directory,
            script,
        }
    }

    /// The repository's URL.
    pub fn url(&self) -> String {
        format!("{}/o/r.git", self.server.url())
    }

    /// The repository's directory.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("o/r.git")
    }

    /// Runs git in the repository.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    /// Puts a hook in place.
    pub fn hook(&self, name: &str, text: &str) {
        super::program::install_script(&self.path().join("hooks").join(name), text);
    }

    /// Lets a script stand between requests and answers from now on.
    pub fn script(
        &self,
        script: impl Fn(&Request, &dyn Fn() -> Reply) -> Reply + Send + Sync + 'static,
    ) {
        *self.script.lock().unwrap() = Arc::new(script);
    }

    /// Lets git answer again.
    pub fn calm(&self) {
        self.script(|_, serve| serve());
    }

    pub fn log(&self) -> Vec<Logged> {
        self.server.log()
    }

    pub fn clear_log(&self) {
        self.server.clear_log();
    }
}

/// Makes an empty repository that gives out what GitHub gives out.
pub fn init(path: &Path) {
    fs::create_dir_all(path).unwrap();
    git(path, &["init", "-q", "--bare", "-b", "main"]);
    git(path, &["config", "http.receivepack", "true"]);
    git(path, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    git(path, &["config", "uploadpack.allowFilter", "true"]);
}

/// Runs git in a directory, with no configuration of this machine.
pub fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = hermetic("git")
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn hermetic(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "A person")))
        .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "p@example.org")));
    command
}

/// Answers a request as a web server with git's CGI program would. `root` holds `OWNER/REPOSITORY.git`.
pub fn answer(root: &Path, request: &Request) -> Reply {
    let expected = format!(
        "Basic {}",
        base64(format!("x-access-token:{TOKEN}").as_bytes())
    );
    match request.header("authorization") {
        None => return Reply::status(401).with("WWW-Authenticate", "Basic realm=\"git\""),
        Some(found) if found != expected => return Reply::status(401),
        Some(_) => {}
    }
    http_backend(root, request)
}

/// Answers a request through git's CGI program, whoever asks.
pub fn http_backend(root: &Path, request: &Request) -> Reply {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let mut child = hermetic("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env(
            "CONTENT_TYPE",
            request.header("content-type").unwrap_or_default(),
        )
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env(
            "HTTP_CONTENT_ENCODING",
            request.header("content-encoding").unwrap_or_default(),
        )
        .env(
            "GIT_PROTOCOL",
            request.header("git-protocol").unwrap_or_default(),
        )
        .env("REMOTE_USER", "somebody")
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let body = request.body.clone();
    // A program that does not read all of its input has said what it wanted.
    let writer = thread::spawn(move || input.write_all(&body).ok());
    let output = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let Some(end) = end else {
        return Reply::status(500);
    };
    let mut reply = Reply::ok(&output[end + 4..]);
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name == "Status" {
            reply.status = value.split(' ').next().unwrap().parse().unwrap();
        } else {
            reply = reply.with(name, value);
        }
    }
    reply
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= three.len() {
                digit as char
            } else {
                '='
            });
        }
    }
    text
}
