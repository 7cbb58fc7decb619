//! One catalog for many repositories: read from a URL, at the cost of one crawl and one body.

mod registry;
mod requests;

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::program::{self, Copy, Said, catalog};
use crate::support::server::{Reply, Request, Server};
use csctl_matrix::version::Sha256;

/// The day of `testdata/catalog.yaml`.
const DAY: &str = "2026-06-15";

const TAG: &str = "\"one\"";

fn content() -> Vec<u8> {
    fs::read(catalog()).unwrap()
}

/// Serves a catalog with its validator.
fn tagged(request: &Request, body: &[u8]) -> Reply {
    let reply = if request.header("if-none-match") == Some(TAG) {
        Reply::status(304)
    } else {
        Reply::ok(body)
    };
    reply.with("ETag", TAG)
}

fn publisher() -> Server {
    let body = content();
    Server::start(move |request| tagged(request, &body))
}

fn answering(reply: Reply) -> Server {
    Server::start(move |_| reply.clone())
}

/// Runs a command of the program in a repository, with a catalog.
fn run(copy: &Copy, words: &[&str], catalog: &str, cache: &str) -> Said {
    let root = copy.root().display().to_string();
    let common = ["-C", &root, "--catalog", catalog, "--cache-dir", cache];
    let mut command = program::program(&[words, &common].concat());
    command.env("NO_PROXY", "*").output().unwrap().into()
}

fn plan(copy: &Copy, catalog: &str) -> Said {
    run(copy, &["plan"], catalog, &copy.cache())
}

/// What a command says in a new copy of a repository, without the places of this run.
fn said_from(place: &str, repository: &str, words: &[&str]) -> String {
    let copy = Copy::of(repository);
    let said = run(&copy, words, place, &copy.cache()).stdout;
    said.replace(place, "CATALOG")
        .replace(&copy.root().display().to_string(), "ROOT")
        .replace(&copy.cache(), "CACHE")
}

#[test]
fn a_catalog_at_a_url_is_the_same_as_its_file() {
    let server = publisher();
    let url = format!("{}/catalog.yaml", server.url());
    for words in [
        &["plan", "--format", "json"][..],
        &["show"],
        &["check"],
        &["catalog", "show"],
        &["test"],
        &["update"],
    ] {
        let of_file = said_from(&catalog(), "layout-c", words);
        let of_url = said_from(&url, "layout-c", words);
        assert!(of_file == of_url && !of_url.is_empty(), "{words:?}");
    }
}

/// With a cache that all share, as the machine of a CI has one, a hundred repositories cost one body.
#[test]
fn a_hundred_repositories_cost_one_body() {
    const REPOSITORIES: usize = 100;
    let server = publisher();
    let url = format!("{}/catalog.yaml", server.url());
    let cache = tempfile::TempDir::new().unwrap();
    let cache = cache.path().display().to_string();
    let copy = Copy::of("docker");
    let plans: Vec<String> = (0..REPOSITORIES)
        .map(|_| run(&copy, &["plan", "--as-of", DAY], &url, &cache).success())
        .collect();
    assert!(plans.iter().all(|plan| *plan == plans[0]));
    let log = server.log();
    let bodies = log.iter().filter(|line| line.body_bytes > 0).count();
    assert_eq!((log.len(), bodies), (REPOSITORIES, 1));
    // The cache alone answers where nobody may be asked.
    let offline = run(&copy, &["plan", "--as-of", DAY, "--offline"], &url, &cache).success();
    assert_eq!(offline.replace(" --offline", ""), plans[0]);
    assert_eq!(server.log().len(), REPOSITORIES);
}

#[test]
fn no_token_goes_to_who_publishes_a_catalog() {
    let server = publisher();
    let url = format!("{}/catalog.yaml", server.url());
    let copy = Copy::of("docker");
    let root = copy.root().display().to_string();
    let arguments = ["-C", &root, "plan", "--catalog", &url];
    let said = program::program(&arguments)
        .envs([("GITHUB_TOKEN", "ghp_0123456789abcdef"), ("NO_PROXY", "*")])
        .output()
        .unwrap();
    assert!(said.status.success());
    let log = server.log();
    let headers: Vec<&str> = log[0]
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(!headers.contains(&"authorization"), "{headers:?}");
    let url = url.replace("http://", "http://me:word@");
    let error = plan(&copy, &url).failure(2);
    assert!(error.contains("user name or password"), "{error}");
}

#[test]
fn what_is_no_catalog_is_told() {
    let copy = Copy::of("docker");
    let text = String::from_utf8(content()).unwrap();
    let other = text.replacen("schema: 1", "schema: 7", 1);
    for (reply, told) in [
        (Reply::page(200), "it is a web page"),
        (Reply::page(404), "the server answers 404"),
        (Reply::status(500), "the server answers 500"),
        (Reply::ok(&text[..900]).cut(text.len()), "broke off"),
        (Reply::ok(&text[..text.len() - 40]), ":"),
        (Reply::ok(other), "the catalog has schema 7"),
        (Reply::ok("a: [b"), ":1:"),
        (Reply::ok(""), "missing field `schema`"),
        (Reply::ok([0xff, 0xfe]), "is not UTF-8 text"),
        (
            Reply::ok("x").cut((64 << 20) + 1),
            "longer than 67108864 bytes",
        ),
        (
            Reply::redirect("ftp://c.example/a"),
            "neither http nor https",
        ),
    ] {
        let server = answering(reply);
        let url = format!("{}/c.yaml", server.url());
        let said = plan(&copy, &url);
        assert_eq!(said.stdout, "");
        let error = said.failure(1);
        assert!(
            error.contains(told) && error.contains(&url),
            "{told}: {error}"
        );
        assert!(error.contains("hint: "), "{error}");
    }
    let nobody = crate::support::server::refusing_url();
    let error = plan(&copy, &nobody).failure(1);
    assert!(error.contains("connection refused"), "{error}");
}

/// A public server that sends on to a private network is not followed; the name of the public one is that of a mirror's target.
#[test]
fn a_catalog_is_not_looked_for_in_private_networks() {
    let inside = publisher();
    let target = format!("{}/c.yaml", inside.url());
    let outside = Server::start(move |_| Reply::redirect(&target));
    let port = outside.url().rsplit(':').next().unwrap().to_owned();
    // A proxy stands for the public network: names that nobody knows here are public.
    let copy = Copy::of("docker");
    let root = copy.root().display().to_string();
    let url = "http://catalogs.invalid/c.yaml";
    let said: Said = program::program(&["-C", &root, "plan", "--catalog", url])
        .env("http_proxy", format!("http://127.0.0.1:{port}"))
        .output()
        .unwrap()
        .into();
    let error = said.failure(1);
    assert!(error.contains("private network"), "{error}");
    assert_eq!(inside.log().len(), 0);
}

#[test]
fn mirrors_of_the_command_line_hold_and_those_of_a_repository_do_not() {
    let server = publisher();
    let copy = Copy::of("docker");
    let public = "https://catalogs.invalid/";
    let mirror = format!("{public}={}/", server.url());
    let url = format!("{public}c.yaml");
    run(
        &copy,
        &["plan", "--mirror", &mirror, "--as-of", DAY],
        &url,
        &copy.cache(),
    )
    .success();
    assert_eq!(server.log().len(), 1);
    let config = format!(
        "mirrors:\n  - {{from: '{public}', to: '{}/'}}\n",
        server.url()
    );
    copy.write("csctl-matrix.yaml", &config);
    let error = run(&copy, &["plan"], &url, "/dev/null/none").failure(1);
    assert!(error.contains("unknown host name"), "{error}");
    assert_eq!(server.log().len(), 1);
}

#[test]
fn pinned_content_is_the_only_one_that_is_taken() {
    let server = publisher();
    let copy = Copy::of("docker");
    let digest = Sha256::of(&content());
    let pinned = format!("{}/c.yaml#sha256={digest}", server.url());
    for _ in 0..2 {
        plan(&copy, &pinned).success();
    }
    // What cannot change is not asked for again.
    assert_eq!(server.log().len(), 1);
    let wrong = "0".repeat(64);
    let error = plan(&copy, &format!("{}/c.yaml#sha256={wrong}", server.url())).failure(1);
    assert!(error.contains(&format!("sha256:{digest}")), "{error}");
    assert!(error.contains(&format!("sha256:{wrong}")), "{error}");
    assert!(plan(&copy, "https://c.example/a#sha1=00").status == 2);
}

/// Who moves the pin on gets the new content, though the cache has the old one.
#[test]
fn a_new_pin_is_answered_by_new_content() {
    let turns = AtomicUsize::new(0);
    let first = content();
    let second = [&first[..], b"# made anew\n"].concat();
    let digests = [Sha256::of(&first), Sha256::of(&second)];
    let server = Server::start(move |_| {
        let turn = turns.fetch_add(1, Ordering::Relaxed);
        Reply::ok([&first, &second][turn.min(1)].clone()).with("ETag", &format!("\"{turn}\""))
    });
    let copy = Copy::of("docker");
    for digest in digests {
        plan(&copy, &format!("{}/c.yaml#sha256={digest}", server.url())).success();
    }
    assert_eq!(server.log().len(), 2);
}

#[test]
fn a_shared_catalog_of_another_time_is_warned_of() {
    let server = publisher();
    let url = format!("{}/c.yaml", server.url());
    let copy = Copy::of("docker");
    let warned = |words: &[&str], place: &str| {
        let said = run(&copy, words, place, &copy.cache());
        said.stderr.contains("what came later is not known")
            || said.stderr.contains("which is still to come")
    };
    for words in ["plan", "show", "check", "update"] {
        assert!(warned(&[words, "--as-of", "2026-07-01"], &url), "{words}");
        assert!(warned(&[words, "--as-of", "2026-06-01"], &url), "{words}");
        assert!(!warned(&[words, "--as-of", "2026-06-16"], &url), "{words}");
    }
    // So is one whose findings are repaired, after which the files are read again.
    let file = "providers/docker/scs/csctl.yaml";
    let config = copy.read(file);
    copy.write(file, config.trim_end());
    copy.commit();
    let repair = ["check", "--fix", "--as-of", "2026-07-01"];
    assert!(warned(&repair, &url));
    assert_eq!(copy.read(file), config);
    // A file is one's own, and may be of any day.
    assert!(!warned(&["plan", "--as-of", "2026-07-01"], &catalog()));
}
