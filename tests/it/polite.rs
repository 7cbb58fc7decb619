//! Servers that limit how much they are asked: everything is found all the same, and no more is asked than they take.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::bad_world;
use crate::support::h2_server::{CERTIFICATE, H2Server};
use crate::support::program::{Copy, Said, program};
use crate::support::server::{Reply, Server};
use csctl_matrix::io::http::{Ask, HttpClient, HttpSettings};
use futures_util::future::join_all;

const FILES: usize = 60;

fn settings() -> HttpSettings {
    HttpSettings {
        retry_pause: Duration::from_millis(5),
        system_proxy: false,
        ..HttpSettings::default()
    }
}

/// Asks for many files at once, and returns how many requests that took. Each has to be answered.
async fn ask_for_all(url: &str) -> u64 {
    let client = HttpClient::new(settings());
    let asks = (0..FILES).map(|number| client.ask(Ask::get(&format!("{url}/{number}"), 100)));
    for answer in join_all(asks).await {
        assert_eq!(answer.unwrap().status, 200);
    }
    client.stats().requests
}

/// How many are under way at a server, and how many there ever were.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    /// Counts somebody in, and returns how many there are.
    fn enter(&self) -> usize {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        now
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_server_that_takes_few_at_once_gets_fewer() {
    let (crowd, refused) = (Arc::new(Crowd::default()), Arc::new(AtomicUsize::new(0)));
    let (inside, refusals) = (Arc::clone(&crowd), Arc::clone(&refused));
    let server = Server::start(move |_| {
        let is_full = inside.enter() > 4;
        thread::sleep(Duration::from_millis(10));
        inside.leave();
        if is_full {
            refusals.fetch_add(1, Ordering::SeqCst);
            return Reply::status(429);
        }
        Reply::ok("content")
    });
    let requests = ask_for_all(&server.url()).await;
    let refused = u64::try_from(refused.load(Ordering::SeqCst)).unwrap();
    assert_eq!(requests, FILES as u64 + refused);
    assert!(refused < FILES as u64, "{refused}");
    assert!(crowd.most.load(Ordering::SeqCst) <= 24);
}

/// The pause is for all requests to the host: none is sent before it is over.
#[tokio::test]
async fn a_server_that_says_how_long_to_wait_is_left_alone() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        12..16 => Reply::status(429).with("Retry-After", "1"),
        _ => Reply::ok("content").after(Duration::from_millis(10)),
    });
    assert_eq!(ask_for_all(&server.url()).await, FILES as u64 + 4);
    let paths: BTreeSet<String> = server.log().into_iter().map(|line| line.path).collect();
    assert_eq!(paths.len(), FILES);
}

#[tokio::test]
async fn connections_are_not_opened_without_end() {
    let crowd = Arc::new(Crowd::default());
    let inside = Arc::clone(&crowd);
    let server = Server::start(move |_| {
        inside.enter();
        thread::sleep(Duration::from_millis(20));
        inside.leave();
        Reply::ok("content")
    });
    assert_eq!(ask_for_all(&server.url()).await, FILES as u64);
    let most = crowd.most.load(Ordering::SeqCst);
    assert!(most <= 48, "{most}");
}

/// Closes every connection beyond the fourth, unread.
#[tokio::test]
async fn a_server_with_few_connections_answers_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let crowd = Arc::new(Crowd::default());
    let closed = Arc::new(AtomicUsize::new(0));
    let (inside, refusals) = (Arc::clone(&crowd), Arc::clone(&closed));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let inside = Arc::clone(&inside);
            if inside.enter() > 4 {
                refusals.fetch_add(1, Ordering::SeqCst);
                inside.leave();
                continue;
            }
            thread::spawn(move || {
                answer_all(stream);
                inside.leave();
            });
        }
    });
    ask_for_all(&url).await;
    let closed = closed.load(Ordering::SeqCst);
    assert!(closed < 2 * FILES, "{closed}");
}

fn answer_all(stream: TcpStream) {
    let mut output = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(line)) = lines.next() {
        if line.is_empty() {
            thread::sleep(Duration::from_millis(5));
            let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            if output.write_all(reply).is_err() {
                return;
            }
        }
    }
}

/// Two hosts that say nothing are waited for side by side, and each is asked by few.
#[tokio::test]
async fn two_dead_hosts_do_not_add_up() {
    let (one, other) = (
        Server::start(|_| Reply::hang()),
        Server::start(|_| Reply::hang()),
    );
    let good = Server::start(|_| Reply::ok("content"));
    let client = HttpClient::new(HttpSettings {
        read_timeout: Duration::from_millis(300),
        patience: Duration::from_millis(300),
        ..settings()
    });
    let urls = [one.url(), other.url()];
    let asks = (0..40).map(|number| {
        let url = format!("{}/{number}", urls[number % 2]);
        let client = &client;
        async move { client.ask(Ask::get(&url, 100)).await.unwrap_err().reason() }
    });
    let reasons: BTreeSet<String> = join_all(asks).await.into_iter().collect();
    assert_eq!(reasons, BTreeSet::from(["no answer in time".to_owned()]));
    // What was under way when the first deadline was over is all that a dead host ever gets.
    for server in [&one, &other] {
        assert!(server.log().len() <= 20, "{}", server.log().len());
    }
    let before = one.log().len() + other.log().len();
    for url in &urls {
        client.ask(Ask::get(url, 100)).await.unwrap_err();
    }
    assert_eq!(one.log().len() + other.log().len(), before, "remembered");
    let answer = client.ask(Ask::get(&good.url(), 100)).await.unwrap();
    assert_eq!(answer.status, 200);
}

/// Plans a repository from a world whose sources are mirrored to one place.
fn plan_over(copy: &Copy, mirrors: &[String]) -> String {
    let root = copy.root().display().to_string();
    let mut words = vec!["-C", &root, "plan", "--as-of", "2026-06-15"];
    words.extend(mirrors.iter().map(String::as_str));
    let mut command = program(&words);
    command.env("SSL_CERT_FILE", CERTIFICATE);
    Said::from(command.output().unwrap()).success()
}

/// A whole plan over HTTP/2: its requests share one connection, and no more are under way on it than the server takes.
#[test]
fn a_server_of_http_2_gets_one_connection_and_no_more_streams_than_it_takes() {
    let (copy, world) = (bad_world::repository(), bad_world::world());
    let mirrors = world.mirror_arguments();
    let expected = plan_over(&copy, &mirrors);
    let (plain, requests) = (world.url(), world.log().len());
    let server = H2Server::start(3, move |request| world.answer(request));
    let secure: Vec<String> = mirrors
        .iter()
        .map(|word| word.replace(&plain, &server.url()))
        .collect();
    let said = plan_over(&copy, &secure);
    // What to run next repeats the mirrors, which differ.
    assert_eq!(said.replace(&server.url(), &plain), expected);
    assert_eq!((server.connections(), server.requests()), (1, requests));
    assert_eq!(server.most(), 3);
}
