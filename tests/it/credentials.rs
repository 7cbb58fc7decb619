//! Who asks GitHub: a GitHub App, a token from a file, or a token. The whole program against the stand-in, with nothing but the
//! variables that each test names. What is named by halves asks nobody, and no secret is ever told.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::github::{BOT, Fault, GitHubServer, Recorded, TOKEN};
use crate::support::program::{self, Copy, Said};
use base64::Engine as _;
use jiff::Timestamp;
use serde_json::Value;

/// Made for tests; it opens nothing.
const KEY: &str = include_str!("../../testdata/forge/app-key.pem");
const APP: &str = "Iv1.standin";
/// A token that nobody knows.
const STALE: &str = "ghs_LeftOver0123456789";

const BRANCH: &str = "csctl-matrix/main/openstack-scs2/1-34/new-patch";
const PULLS: usize = 3;

/// A repository at the stand-in, whose App is installed, and a clone of it.
struct Reference {
    server: GitHubServer,
    clone: Copy,
}

/// Variables, as `NAME=value`.
type Variables<'a> = &'a [(&'a str, &'a str)];

impl Reference {
    fn start() -> Self {
        Self::with("")
    }

    /// The same, with more in the configuration.
    fn with(config: &str) -> Self {
        let clone = Copy::of("layout-c");
        let server = GitHubServer::start();
        let text = format!(
            "pullRequests:\n  repository: acme/cluster-stacks\n  api: {}\n  author: {{name: Matrix Bot, email: bot@example.org}}\n  \
             changes: [new-patch]\n{config}",
            server.url()
        );
        clone.write("csctl-matrix.yaml", &text).commit();
        server.push_copy("main", &clone);
        let mut state = server.state();
        state.settings.app = Some((APP.to_owned(), 77));
        // Tokens of an App end by the clock of the machine.
        state.now = Timestamp::now();
        drop(state);
        Self { server, clone }
    }

    /// Writes a file beside the repository, and returns its path.
    fn secret_file(&self, name: &str, text: &str) -> String {
        let path = self.clone.root().join("..").join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn command(&self, words: &[&str], variables: Variables) -> Said {
        let root = self.clone.root().display().to_string();
        let (catalog, cache) = (program::catalog(), self.clone.cache());
        let common = ["-C", &root, "--catalog", &catalog, "--cache-dir", &cache];
        let mut command = program::program(&[words, &common].concat());
        command
            .env("NO_PROXY", "*")
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(variables.iter().copied());
        command.output().unwrap().into()
    }

    fn pr(&self, variables: Variables) -> Said {
        let (remote, api) = (self.server.git_url(), self.server.url());
        let words = [
            "pr",
            "--remote",
            &remote,
            "--api",
            &api,
            "--write-pause",
            "0",
        ];
        self.command(&[&words[..], &["--format", "json"]].concat(), variables)
    }

    fn doctor(&self, variables: Variables) -> Said {
        let remote = self.server.git_url();
        self.command(&["doctor", "--remote", &remote], variables)
    }

    /// Asserts that a run opened all pull requests as the bot.
    fn assert_opened(&self, said: &Said) {
        assert_eq!(said.status, 0, "{}\n{}", said.stdout, said.stderr);
        let state = self.server.state();
        assert_eq!(state.open_pulls().len(), PULLS, "{}", said.stdout);
        assert!(state.open_pulls().iter().all(|pull| pull.author == BOT));
        assert!(state.head(BRANCH).is_some());
        drop(state);
        let unknown = self.server.unknown();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    /// How many tokens the App bought.
    fn bought(&self) -> usize {
        let log = self.server.log();
        let bought = log
            .iter()
            .filter(|one| one.path.ends_with("/access_tokens"));
        bought.count()
    }
}

/// Git asks as nobody first, and is told that somebody has to ask.
fn is_first_question(request: &Recorded) -> bool {
    request.path.contains("/info/refs") && request.authorization.is_none() && request.status == 401
}

/// The secret that a request was sent with.
fn secret_of(request: &Recorded) -> String {
    let text = request.authorization.as_deref().unwrap_or_default();
    match text.split_once(' ').unwrap_or_default() {
        ("Basic", text) => {
            let engine = base64::engine::general_purpose::STANDARD;
            let text = String::from_utf8(engine.decode(text).unwrap()).unwrap();
            text.split_once(':').unwrap().1.to_owned()
        }
        (_, text) => text.to_owned(),
    }
}

#[test]
fn an_app_opens_the_pull_requests_and_git_asks_with_its_token_too() {
    let reference = Reference::start();
    let app = [("GITHUB_APP_ID", APP), ("GITHUB_APP_PRIVATE_KEY", KEY)];
    let said = reference.pr(&app);
    reference.assert_opened(&said);
    assert_eq!(reference.bought(), 1, "one token serves the run");
    let log = reference.server.log();
    let (signed, asked): (Vec<&Recorded>, Vec<&Recorded>) = log
        .iter()
        .partition(|one| one.path.contains("/installation"));
    let paths: Vec<&str> = signed.iter().map(|one| one.path.as_str()).collect();
    let expected = [
        "/repos/acme/cluster-stacks/installation",
        "/app/installations/77/access_tokens",
    ];
    assert_eq!(paths, expected);
    // The forge's API and git are asked with the same token, which git sends to who asks for it.
    for one in asked.iter().filter(|one| !is_first_question(one)) {
        assert!(secret_of(one).starts_with("ghs_Installation"), "{one:?}");
    }
    let pushes = asked
        .iter()
        .filter(|one| one.method == "POST" && one.path.ends_with("/git-receive-pack"));
    assert_eq!(pushes.count(), 1, "one push moves all branches");
    // The next run finds everything as it should be.
    reference.server.clear_log();
    assert_eq!(reference.pr(&app).status, 0);
    assert!(reference.server.mutations().is_empty());
}

#[test]
fn an_app_lets_the_forge_make_its_commits() {
    let reference = Reference::with("  commits: api\n");
    let app = [ID, ("GITHUB_APP_PRIVATE_KEY", KEY)];
    reference.assert_opened(&reference.pr(&app));
    let said = reference.doctor(&app).stdout;
    let expected = "App's commits: made by GitHub, as csctl-matrix[bot]'s own\n";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn the_key_comes_as_text_on_one_line_or_in_a_file() {
    let one_line = KEY.replace('\n', "\\n");
    let windows = KEY.replace('\n', "\r\n");
    for (name, text) in [
        ("GITHUB_APP_PRIVATE_KEY", one_line.as_str()),
        ("GITHUB_APP_PRIVATE_KEY", windows.as_str()),
        ("GITHUB_APP_PRIVATE_KEY_FILE", KEY),
        ("GITHUB_APP_PRIVATE_KEY_FILE", one_line.as_str()),
    ] {
        let reference = Reference::start();
        let path = reference.secret_file("app.pem", text);
        let value = if name.ends_with("_FILE") { &path } else { text };
        let app = [
            ("GITHUB_APP_ID", APP),
            (name, value),
            ("GITHUB_APP_INSTALLATION_ID", "77"),
        ];
        reference.assert_opened(&reference.pr(&app));
        let log = reference.server.log();
        assert!(
            !log.iter().any(|one| one.path.ends_with("/installation")),
            "an installation that is named is not looked up"
        );
    }
}

#[test]
fn a_token_comes_from_a_file() {
    let reference = Reference::start();
    let path = reference.secret_file("token", &format!("{TOKEN}\n"));
    reference.assert_opened(&reference.pr(&[("GITHUB_TOKEN_FILE", &path)]));
    assert!(
        reference
            .server
            .log()
            .iter()
            .filter(|one| !is_first_question(one))
            .all(|one| secret_of(one) == TOKEN)
    );
}

#[test]
fn the_more_particular_credentials_are_used() {
    let reference = Reference::start();
    let (stale, good) = (
        reference.secret_file("stale", STALE),
        reference.secret_file("good", TOKEN),
    );
    // An App wins over every token: in CI, GITHUB_TOKEN is often left over from the job.
    let app = [
        ("GITHUB_APP_ID", APP),
        ("GITHUB_APP_PRIVATE_KEY", KEY),
        ("GITHUB_TOKEN", STALE),
        ("GH_TOKEN", STALE),
        ("GITHUB_TOKEN_FILE", &stale),
    ];
    reference.assert_opened(&reference.pr(&app));
    let asked_by = |start: &str| {
        let log = reference.server.log();
        log.iter().any(|one| secret_of(one).starts_with(start))
    };
    assert!(asked_by("ghs_Installation") && !asked_by(STALE));
    // A file wins over variables, and GITHUB_TOKEN over GH_TOKEN; what is empty is not set.
    for variables in [
        [
            ("GITHUB_TOKEN_FILE", good.as_str()),
            ("GITHUB_TOKEN", STALE),
        ],
        [("GITHUB_TOKEN", TOKEN), ("GH_TOKEN", STALE)],
        [("GITHUB_TOKEN", ""), ("GH_TOKEN", TOKEN)],
        [("GITHUB_APP_ID", " "), ("GITHUB_TOKEN", TOKEN)],
        [("GITHUB_APP_PRIVATE_KEY", ""), ("GITHUB_TOKEN", TOKEN)],
    ] {
        reference.server.clear_log();
        assert_eq!(reference.pr(&variables).status, 0, "{variables:?}");
        assert!(asked_by(TOKEN) && !asked_by(STALE), "{variables:?}");
    }
}

impl Reference {
    /// Asserts that credentials are refused in these words before anybody is asked.
    fn assert_refused(&self, variables: Variables, parts: &[&str]) {
        // A token beside them does not stand in for what was wished.
        let variables = [variables, &[("GITHUB_TOKEN", TOKEN)]].concat();
        for said in [self.pr(&variables), self.doctor(&variables)] {
            let error = said.failure(1);
            for part in parts {
                assert!(error.contains(part), "{part:?} is not in\n{error}");
            }
            assert!(error.contains("hint: "), "{error}");
            let secrets = KEY.lines().filter(|line| !line.starts_with('-'));
            for secret in secrets.chain(["s3cret", "Hidden", TOKEN]) {
                assert!(!error.contains(secret), "{error}");
            }
        }
        assert!(self.server.log().is_empty(), "somebody was asked");
    }
}

const ID: (&str, &str) = ("GITHUB_APP_ID", APP);

#[test]
fn an_app_that_is_named_by_halves_asks_nobody() {
    let reference = Reference::start();
    let path = reference.secret_file("key.pem", KEY);
    let text = ("GITHUB_APP_PRIVATE_KEY", KEY);
    let file = ("GITHUB_APP_PRIVATE_KEY_FILE", path.as_str());
    let refused = |variables: Variables, part: &str| reference.assert_refused(variables, &[part]);
    refused(
        &[ID],
        "GITHUB_APP_ID is set and GITHUB_APP_PRIVATE_KEY is not",
    );
    refused(
        &[text],
        "GITHUB_APP_PRIVATE_KEY is set and GITHUB_APP_ID is not",
    );
    refused(
        &[file],
        "GITHUB_APP_PRIVATE_KEY_FILE is set and GITHUB_APP_ID is not",
    );
    refused(
        &[("GITHUB_APP_INSTALLATION_ID", "77")],
        "GITHUB_APP_INSTALLATION_ID is set and GITHUB_APP_ID is not",
    );
    refused(
        &[ID, text, file],
        "GITHUB_APP_PRIVATE_KEY and GITHUB_APP_PRIVATE_KEY_FILE are both set",
    );
    refused(
        &[ID, text, ("GITHUB_APP_INSTALLATION_ID", "acme")],
        "invalid value `acme` for GITHUB_APP_INSTALLATION_ID: not a number",
    );
}

#[test]
fn a_key_that_is_none_asks_nobody() {
    let reference = Reference::start();
    let path = reference.secret_file("key.pem", KEY);
    let token = reference.secret_file("token", TOKEN);
    let empty = reference.secret_file("empty", " \n");
    let cut = &KEY[..KEY.len() / 2];
    for text in ["s3cret", cut, &path] {
        let variables = [ID, ("GITHUB_APP_PRIVATE_KEY", text)];
        let parts = [
            "GITHUB_APP_PRIVATE_KEY does not contain an RSA private key in PEM format",
            "as a whole",
            "its path to GITHUB_APP_PRIVATE_KEY_FILE",
        ];
        reference.assert_refused(&variables, &parts);
    }
    for (path, parts) in [
        (
            token.as_str(),
            [
                "GITHUB_APP_PRIVATE_KEY_FILE does not contain an RSA private key in PEM format",
                "PEM",
            ],
        ),
        (
            empty.as_str(),
            ["the file of GITHUB_APP_PRIVATE_KEY_FILE, is empty", &empty],
        ),
        (
            "/nowhere.pem",
            [
                "the file of GITHUB_APP_PRIVATE_KEY_FILE, cannot be read",
                "/nowhere.pem",
            ],
        ),
    ] {
        reference.assert_refused(&[ID, ("GITHUB_APP_PRIVATE_KEY_FILE", path)], &parts);
    }
}

#[test]
fn a_file_without_a_token_asks_nobody() {
    let reference = Reference::start();
    let empty = reference.secret_file("empty", " \n");
    let words = reference.secret_file("words", "the token is\nghs_Hidden0123456789\n");
    let folder = reference.clone.root().display().to_string();
    for (path, reason) in [
        ("/nowhere/token", "cannot be read"),
        (&folder, "cannot be read"),
        (&empty, "is empty"),
        (&words, "contains more than a token"),
    ] {
        let reason = format!("{path}, the file of GITHUB_TOKEN_FILE, {reason}");
        reference.assert_refused(&[("GITHUB_TOKEN_FILE", path)], &[&reason]);
    }
}

#[test]
fn commands_that_change_nothing_at_github_read_tokens_alone() {
    let reference = Reference::start();
    let half = [("GITHUB_APP_ID", APP), ("GITHUB_APP_PRIVATE_KEY", "none")];
    assert_eq!(reference.command(&["plan"], &half).status, 0);
    let missing = [("GITHUB_TOKEN_FILE", "/nowhere/token")];
    let error = reference.command(&["plan"], &missing).failure(1);
    assert!(error.contains("/nowhere/token"), "{error}");
}

#[test]
fn a_token_that_ends_in_the_middle_of_a_run_is_renewed() {
    let app = [("GITHUB_APP_ID", APP), ("GITHUB_APP_PRIVATE_KEY", KEY)];
    // Each of these requests finds that all tokens so far have ended, whatever was said of their hour.
    for (method, path) in [
        ("GET", "/info/refs?service=git-upload-pack"),
        ("POST", "/git-upload-pack"),
        ("GET", "/info/refs?service=git-receive-pack"),
        ("POST", "/git-receive-pack"),
        ("GET", "/pulls?"),
        ("POST", "/pulls$"),
        ("POST", "/graphql"),
    ] {
        let reference = Reference::start();
        reference
            .server
            .before(method, path, 1, |state| state.tokens.clear());
        reference.assert_opened(&reference.pr(&app));
        let unused = reference.server.unused();
        // The first request of all needs a token anyway; not every run asks GraphQL.
        assert!(unused.is_empty() || path == "/graphql", "{unused:?}");
        assert_eq!(reference.bought(), 2 - unused.len(), "{method} {path}");
    }
    // Each token is about to end when it is given out: every request gets one of its own.
    let reference = Reference::start();
    reference.server.state().settings.app_minutes = 4;
    reference.assert_opened(&reference.pr(&app));
    assert!(reference.bought() > 2 * PULLS, "{}", reference.bought());
}

#[test]
fn a_refusal_that_lasts_is_not_asked_away() {
    let reference = Reference::start();
    let app = [("GITHUB_APP_ID", APP), ("GITHUB_APP_PRIVATE_KEY", KEY)];
    reference.server.faults(
        "*",
        "/info/refs",
        1..99,
        Fault::AnswerAfter(401, Value::Null),
    );
    let error = reference.pr(&app).failure(1);
    assert!(error.contains("does not accept the token"), "{error}");
    assert_eq!(reference.bought(), 2);
}

/// The texts of all objects of a repository.
fn objects(path: &Path) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(path)
        .args(["cat-file", "--batch-all-objects", "--batch"])
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Reference {
    /// All texts that are left of the runs so far: at the forge, in both repositories, in the cache, and in what was sent.
    fn texts(&self) -> Vec<String> {
        let repositories = [self.server.git_path(), self.clone.root()];
        let mut texts = repositories.map(|path| objects(&path)).to_vec();
        for folder in [self.clone.path(".git"), self.clone.cache().into()] {
            let files = program::files_of(&folder).into_values();
            texts.extend(files.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        }
        let state = self.server.state();
        for pull in &state.pulls {
            texts.extend([pull.title.clone(), pull.body.clone()]);
        }
        texts.extend(state.comments.iter().map(|comment| comment.body.clone()));
        let log = self.server.log();
        texts.extend(log.iter().map(|one| format!("{} {}", one.path, one.body)));
        texts
    }

    /// All secrets so far: tokens, the words that the App signed, and the lines of its key.
    fn secrets(&self) -> Vec<String> {
        let state = self.server.state();
        let tokens = state.tokens.iter().map(|token| token.text.clone());
        let mut secrets: Vec<String> = tokens.collect();
        let log = self.server.log();
        secrets.extend(log.iter().map(secret_of).filter(|text| !text.is_empty()));
        assert!(secrets.iter().any(|text| text.starts_with("eyJ")));
        let lines = KEY.lines().filter(|line| line.len() > 20);
        secrets.extend(lines.map(str::to_owned));
        secrets
    }
}

#[test]
fn nothing_secret_is_told_to_anybody() {
    // A command that looks for all it can find, and fails so that it is quoted.
    let reference = Reference::with(
        "gate:\n  checks: none\n  commands:\n  - name: spy\n    run: |\n      \
         { git config --list; env; tr '\\0' ' ' < /proc/$PPID/cmdline; } | tee -a \"$FOUND\"\n      \
         cat \"$MY_OWN\"\n      exit 1\n",
    );
    let found = reference.secret_file("found", "");
    let file = reference.secret_file("app.pem", KEY);
    let escaped = KEY.replace('\n', "\\n");
    let app = [
        ID,
        ("GITHUB_APP_PRIVATE_KEY", escaped.as_str()),
        ("GITHUB_APP_INSTALLATION_ID", "77"),
        ("GITHUB_TOKEN", TOKEN),
        ("KEY_BY_ANOTHER_NAME", KEY),
        ("MY_OWN", &file),
        ("FOUND", &found),
    ];
    let summary = reference
        .clone
        .root()
        .join("../summary")
        .display()
        .to_string();
    let remote = reference.server.git_url();
    let words = ["pr", "--remote", &remote, "--summary", &summary];
    let mut texts = Vec::new();
    let mut tell = |said: Said| texts.extend([said.stdout, said.stderr]);
    tell(reference.command(&[&words[..], &["--write-pause", "0"]].concat(), &app));
    tell(reference.command(&["test"], &app));
    tell(reference.doctor(&app));
    // A server repeats what it was sent: the App's word, or the token.
    for (path, status) in [
        ("/access_tokens", 401),
        ("/installation", 403),
        ("/pulls", 422),
        ("/info/refs", 403),
        ("/git-receive-pack", 403),
    ] {
        // There is something to push.
        let notes = [("NOTES.md", Some(path))];
        reference.server.state().push("main", &notes);
        reference
            .server
            .faults("*", path, 1..99, Fault::Echo(status));
        let told = [reference.pr(&app[..2]), reference.doctor(&app[..2])];
        let is_said = |said: &Said| format!("{}{}", said.stdout, said.stderr).contains("***");
        // What answers to a push is not shown by git.
        let is_shown = path != "/git-receive-pack";
        assert!(
            !is_shown || told.iter().any(is_said),
            "{path} is not repeated"
        );
        told.into_iter().for_each(&mut tell);
        reference.server.clear_script();
    }
    texts.extend([&summary, &found].map(|path| fs::read_to_string(path).unwrap()));
    texts.extend(reference.texts());
    for seen in ["MY_OWN=", "csctl-matrix pr --remote", "csctl-matrix test "] {
        let is_seen = texts.iter().any(|text| text.contains(seen));
        assert!(is_seen, "the command did not tell {seen}");
    }
    let names = ["GITHUB_APP_", "KEY_BY_ANOTHER_NAME="].map(str::to_owned);
    for secret in reference.secrets().into_iter().chain(names) {
        for text in &texts {
            assert!(!text.contains(&secret), "{secret} in\n{text}");
        }
    }
}

fn doctor_lines(said: &Said) -> Vec<&str> {
    said.stdout.lines().collect()
}

#[test]
fn doctor_names_the_app_and_what_it_may_do() {
    let reference = Reference::start();
    let app = [("GITHUB_APP_ID", APP), ("GITHUB_APP_PRIVATE_KEY", KEY)];
    let said = reference.doctor(&app);
    let lines = doctor_lines(&said);
    for expected in [
        "ok       token: the GitHub App csctl-matrix (Iv1.standin), as csctl-matrix[bot]",
        "ok       rights: the App has contents: write, pull requests: write, checks: read, commit statuses: read, administration: read",
    ] {
        assert!(lines.contains(&expected), "{}", said.stdout);
    }
    let pushed = format!("{} can be read and pushed to", reference.server.git_url());
    assert!(said.stdout.contains(&pushed), "{}", said.stdout);
    assert!(reference.server.mutations().is_empty());
}

#[test]
fn doctor_names_the_rights_that_an_app_lacks() {
    let app = [("GITHUB_APP_ID", APP), ("GITHUB_APP_PRIVATE_KEY", KEY)];
    let rights = |config: &str, denied: &[&str]| {
        let reference = Reference::with(config);
        let denied = denied.iter().map(|one| (*one).to_owned());
        reference.server.state().settings.denied.extend(denied);
        let said = reference.doctor(&app).stdout;
        let line = said.lines().find(|line| line.contains(" rights: "));
        line.unwrap().to_owned()
    };
    // Reading tells nothing of this one.
    assert_eq!(
        rights("", &["pull_requests=write"]),
        "problem  rights: the App lacks pull requests: write"
    );
    assert_eq!(
        rights("", &["contents=write", "checks=read"]),
        "problem  rights: the App lacks contents: write, checks: read"
    );
    assert_eq!(
        rights("", &["administration=read"]),
        "warning  rights: the App lacks administration: read"
    );
    let waits_for_none = "gate: {checks: none}\n";
    assert_eq!(
        rights(waits_for_none, &["checks=read", "statuses=read"]),
        "warning  rights: the App lacks checks: read, commit statuses: read"
    );
    let references = "references:\n- files: .github/workflows/test.yml\n  path: env.VERSION\n  value: '{{default}}'\n";
    for (denied, expected) in [
        (&[][..], "ok       workflows: "),
        (&["workflows=write"], "problem  workflows: "),
    ] {
        let reference = Reference::with(references);
        let denied = denied.iter().map(|one: &&str| (*one).to_owned());
        reference.server.state().settings.denied.extend(denied);
        let said = reference.doctor(&app).stdout;
        assert!(
            said.lines().any(|line| line.starts_with(expected)),
            "{said}"
        );
    }
}

#[test]
fn doctor_says_how_commits_are_shown_as_the_app_s_own() {
    let reference = Reference::start();
    let app = [("GITHUB_APP_ID", APP), ("GITHUB_APP_PRIVATE_KEY", KEY)];
    let said = reference.doctor(&app).stdout;
    let (_, advised) = said.split_once("with pullRequests.author ").unwrap();
    let (advised, _) = advised.split_once(" they are shown").unwrap();
    // What it says can be written as it is.
    let text = reference.clone.read("csctl-matrix.yaml");
    let (own, other) = (
        format!("author: {advised}"),
        "author: {name: Matrix Bot, email: bot@example.org}",
    );
    reference
        .clone
        .write("csctl-matrix.yaml", &text.replace(other, &own));
    let said = reference.doctor(&app).stdout;
    assert!(
        said.contains("shown as csctl-matrix[bot]'s own\n"),
        "{said}"
    );
    assert!(
        said.contains("+csctl-matrix[bot]@users.noreply.github.com>"),
        "{said}"
    );
}

#[test]
fn doctor_says_why_an_app_is_not_let_in() {
    let reference = Reference::start();
    let key = ("GITHUB_APP_PRIVATE_KEY", KEY);
    for (variables, reason) in [
        (
            vec![("GITHUB_APP_ID", "Iv1.other"), key],
            "answers 401 to the App",
        ),
        (
            vec![
                ("GITHUB_APP_ID", APP),
                key,
                ("GITHUB_APP_INSTALLATION_ID", "78"),
            ],
            "answers 404 to the App",
        ),
    ] {
        let said = reference.doctor(&variables);
        assert_eq!(said.status, 3, "{}", said.stderr);
        let mut lines = said.stdout.lines();
        let line = lines
            .find(|line| line.starts_with("problem  token: "))
            .unwrap();
        assert!(line.contains(reason), "{line}");
        let error = reference.pr(&variables).failure(1);
        assert!(
            error.contains(reason) && error.contains("hint: "),
            "{error}"
        );
    }
}
