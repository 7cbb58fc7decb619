//! The HTTP client against servers that misbehave: retries, pacing, redirects, broken answers, cache, offline, secrets.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::server::{Reply, Request, Server, refusing_url};
use csctl_matrix::io::http::{
    Ask, HttpClient, HttpError, HttpSettings, Mirror, Mirrors, Pace, Secret,
};

fn settings() -> HttpSettings {
    HttpSettings {
        retry_pause: Duration::from_millis(5),
        system_proxy: false,
        ..HttpSettings::default()
    }
}

fn cached(folder: &Path) -> HttpSettings {
    HttpSettings {
        cache_dir: Some(folder.to_owned()),
        ..settings()
    }
}

fn client() -> HttpClient {
    HttpClient::new(settings())
}

fn get(url: &str) -> Ask {
    Ask::get(url, 1000)
}

fn token(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

/// Answers the n-th request with the n-th reply, and the last one from then on.
fn in_order(replies: Vec<Reply>) -> Server {
    let count = AtomicUsize::new(0);
    Server::start(move |_| {
        let at = count.fetch_add(1, Ordering::Relaxed);
        replies[at.min(replies.len() - 1)].clone()
    })
}

fn tagged(request: &Request) -> Reply {
    match request.header("if-none-match") {
        Some("\"one\"") => Reply::status(304),
        Some(_) | None => Reply::ok("content").with("ETag", "\"one\""),
    }
}

#[tokio::test]
async fn faults_that_pass_are_outlived() {
    for fault in [
        Reply::status(500),
        Reply::status(429),
        Reply::ok("par").cut(7),
    ] {
        let server = in_order(vec![fault.clone(), fault, Reply::ok("content")]);
        let answer = client().ask(get(&server.url())).await.unwrap();
        assert_eq!(
            (answer.status, answer.body.as_ref()),
            (200, &b"content"[..])
        );
        assert_eq!(server.log().len(), 3);
    }
}

#[tokio::test]
async fn trouble_that_stays_is_asked_three_times_and_then_once() {
    let server = in_order(vec![Reply::status(503)]);
    let client = client();
    assert_eq!(client.ask(get(&server.url())).await.unwrap().status, 503);
    assert_eq!(server.log().len(), 3);
    assert_eq!(client.ask(get(&server.url())).await.unwrap().status, 503);
    assert_eq!(server.log().len(), 4);
}

#[tokio::test]
async fn what_could_change_something_is_sent_once() {
    let server = in_order(vec![Reply::status(500), Reply::redirect("/else")]);
    for status in [500, 302] {
        let ask = Ask::new(http::Method::POST, &server.url()).with_body("{}".into());
        assert_eq!(client().ask(ask).await.unwrap().status, status);
    }
    assert_eq!(server.log().len(), 2);
}

#[tokio::test]
async fn the_pause_a_server_asks_for_is_kept() {
    let dated = Reply::status(429)
        .with("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .with("Retry-After", "Sun, 06 Nov 1994 08:49:38 GMT");
    let secondary = Reply::status(403).with("Retry-After", "1");
    for fault in [
        Reply::status(503).with("Retry-After", "1"),
        dated,
        secondary,
    ] {
        let server = in_order(vec![fault, Reply::ok("content")]);
        let start = Instant::now();
        assert_eq!(client().ask(get(&server.url())).await.unwrap().status, 200);
        let elapsed = start.elapsed();
        assert!(
            elapsed >= Duration::from_secs(1) && elapsed < Duration::from_secs(3),
            "{elapsed:?}"
        );
    }
    let server = in_order(vec![Reply::status(503).with("Retry-After", "3600")]);
    let start = Instant::now();
    assert_eq!(client().ask(get(&server.url())).await.unwrap().status, 503);
    assert!(start.elapsed() < Duration::from_secs(1) && server.log().len() == 1);
}

#[tokio::test]
async fn a_broken_answer_is_no_answer() {
    let server = in_order(vec![Reply::ok("par").cut(7)]);
    let error = client().ask(get(&server.url())).await.unwrap_err();
    assert_eq!(
        error.reason(),
        "the answer broke off: the connection was closed early"
    );
    assert_eq!(server.log().len(), 3);
}

#[tokio::test]
async fn a_host_that_hangs_is_given_up_once() {
    let server = in_order(vec![Reply::hang()]);
    let client = HttpClient::new(HttpSettings {
        read_timeout: Duration::from_millis(200),
        ..settings()
    });
    let error = client.ask(get(&server.url())).await.unwrap_err();
    assert_eq!(error.reason(), "no answer in time");
    let start = Instant::now();
    for number in 0..100 {
        let url = format!("{}/{number}", server.url());
        assert_eq!(
            client.ask(get(&url)).await.unwrap_err().reason(),
            "no answer in time"
        );
    }
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!((client.stats().requests, server.log().len()), (3, 3));
}

/// The repetitions together wait no longer than a host is worth.
#[tokio::test]
async fn the_silence_of_a_host_is_waited_out_once() {
    let server = in_order(vec![Reply::hang()]);
    let client = HttpClient::new(HttpSettings {
        read_timeout: Duration::from_millis(300),
        patience: Duration::from_millis(300),
        ..settings()
    });
    let error = client.ask(get(&server.url())).await.unwrap_err();
    assert_eq!(error.reason(), "no answer in time");
    assert_eq!(server.log().len(), 1);
}

/// A host that answers now and then is as patient as before: only silence without an answer between counts.
#[tokio::test]
async fn an_answer_ends_a_silence() {
    let server = in_order(vec![
        Reply::hang(),
        Reply::ok("a"),
        Reply::hang(),
        Reply::ok("b"),
    ]);
    let client = HttpClient::new(HttpSettings {
        read_timeout: Duration::from_millis(200),
        patience: Duration::from_secs(5),
        ..settings()
    });
    for (path, body) in [("a", "a"), ("b", "b")] {
        let answer = client.ask(get(&format!("{}/{path}", server.url()))).await;
        assert_eq!(answer.unwrap().body, body);
    }
}

fn paced(bytes_per_second: u64) -> HttpClient {
    HttpClient::new(HttpSettings {
        least_pace: Pace {
            bytes_per_second,
            span: Duration::from_millis(100),
        },
        ..settings()
    })
}

#[tokio::test]
async fn an_answer_that_trickles_is_broken_off() {
    let trickle = Reply::ok(vec![b'a'; 900]).trickling(Duration::from_millis(20));
    let server = in_order(vec![trickle]);
    let client = paced(1000);
    let reason = "the answer is too slow: less than 1000 bytes per second";
    let error = client.ask(get(&server.url())).await.unwrap_err();
    assert_eq!(error.reason(), reason);
    // The host is known for it, and is not asked again.
    let again = client.ask(get(&format!("{}/b", server.url()))).await;
    assert_eq!(again.unwrap_err().reason(), reason);
    assert_eq!(server.log().len(), 1);
}

#[tokio::test]
async fn an_image_that_trickles_is_not_waited_for() {
    let trickle = Reply::ok(vec![b'a'; 900]).trickling(Duration::from_millis(20));
    let server = in_order(vec![Reply::ok("a"), trickle]);
    let error = paced(1000).sha256(&server.url()).await.unwrap_err();
    assert!(error.reason().contains("too slow"), "{error}");
}

#[tokio::test]
async fn a_slow_network_is_a_network() {
    let slow = Reply::ok(vec![b'a'; 60]).trickling(Duration::from_millis(5));
    let server = in_order(vec![slow]);
    let answer = paced(20).ask(get(&server.url())).await.unwrap();
    assert_eq!(answer.body.len(), 60);
}

/// 13 bits that say "258 times the byte before": what a small answer becomes is what counts.
#[tokio::test]
async fn a_compressed_answer_is_measured_as_it_is_read() {
    let server = in_order(vec![
        Reply::ok(gzip_bomb(400_000)).with("Content-Encoding", "gzip"),
    ]);
    let ask = Ask::get(&server.url(), 1 << 20);
    let error = client().ask(ask).await.unwrap_err();
    assert_eq!(
        error.reason(),
        "the answer is longer than 1048576 bytes",
        "{error}"
    );
}

/// Returns a gzip stream of this many times 258 bytes; its end is missing, which nobody should get to see.
fn gzip_bomb(repetitions: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    // The last block, with the fixed codes; then a zero byte.
    bits.extend([true, true, false]);
    bits.extend([false, false, true, true, false, false, false, false]);
    for _ in 0..repetitions {
        // A length of 258, a distance of 1.
        bits.extend([true, true, false, false, false, true, false, true]);
        bits.extend([false; 5]);
    }
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    for part in bits.chunks(8) {
        let byte = part
            .iter()
            .rev()
            .fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        bytes.push(byte);
    }
    bytes
}

#[tokio::test]
async fn nobody_listens() {
    let url = refusing_url();
    let client = client();
    for _ in 0..10 {
        let error = client.ask(get(&url)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot reach {url}/: connection refused")
        );
    }
    assert_eq!(client.stats().requests, 3);
    for url in [
        "ftp://store.example/",
        "no url",
        "file:///etc/passwd",
        "data:text/plain,x",
    ] {
        let error = client.ask(get(url)).await.unwrap_err();
        assert!(matches!(error, HttpError::BadUrl { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_not_taken_for_one_with() {
    let server = in_order(vec![Reply::ok("content")]);
    let url = server.url().replace("http://", "https://");
    let error = client().ask(get(&url)).await.unwrap_err();
    assert!(
        matches!(&error, HttpError::Unreachable { reason, .. } if reason == "tls handshake eof"),
        "{error}"
    );
}

#[tokio::test]
async fn longer_answers_than_expected_are_not_read() {
    let server = in_order(vec![Reply::ok("x".repeat(1001))]);
    let error = client().ask(get(&server.url())).await.unwrap_err();
    assert_eq!(error.reason(), "the answer is longer than 1000 bytes");
    assert_eq!(server.log().len(), 1, "asking again would not help");
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_that_is_safe() {
    let target = Server::start(|request| match request.path.as_str() {
        "/deep/file" => Reply::ok("content"),
        _ => Reply::status(404),
    });
    let target_url = target.url();
    let server = Server::start(move |request| match request.path.as_str() {
        "/other" => Reply::redirect(&format!("{target_url}/deep/file")),
        "/mirrored" => Reply::redirect("https://store.example/deep/file"),
        "/near" => Reply::redirect("other"),
        "/script" => Reply::redirect("file:///etc/passwd"),
        _ => Reply::redirect("/loop"),
    });
    let mirror = Mirror {
        from: "https://store.example/".to_owned(),
        to: target.url(),
    };
    let client = HttpClient::new(HttpSettings {
        mirrors: Mirrors::from_iter([mirror]),
        ..settings()
    });
    let at = |path: &str| format!("{}{path}", server.url());
    for path in ["/other", "/mirrored", "/near"] {
        let answer = client.ask(get(&at(path))).await.unwrap();
        assert_eq!(
            (answer.status, answer.url),
            (200, format!("{}/deep/file", target.url()))
        );
    }
    server.clear_log();
    let error = client.ask(get(&at("/loop"))).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("not followed: too many redirects"),
        "{error}"
    );
    assert_eq!(server.log().len(), 6);
    let error = client.ask(get(&at("/script"))).await.unwrap_err();
    assert!(
        error.to_string().contains("neither http nor https"),
        "{error}"
    );
    target.clear_log();
    let error = client
        .ask(get(&at("/other")).with_bearer(token("s3cret")))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a token is not sent to another host"),
        "{error}"
    );
    assert_eq!(target.log().len(), 0);
}

#[tokio::test]
async fn a_mirror_answers_for_the_original() {
    let server = in_order(vec![Reply::ok("content")]);
    let folder = tempfile::tempdir().unwrap();
    let mirror = format!("https://store.example/images/={}/m/", server.url());
    let client = HttpClient::new(HttpSettings {
        mirrors: Mirrors::from_iter([mirror.parse().unwrap()]),
        ..cached(folder.path())
    });
    let url = "https://store.example/images/a/b?c=d";
    assert_eq!(client.ask(get(url)).await.unwrap().status, 200);
    assert_eq!(server.log()[0].path, "/m/a/b?c=d");
    let offline = HttpSettings {
        offline: true,
        ..cached(folder.path())
    };
    let answer = HttpClient::new(offline).ask(get(url)).await.unwrap();
    assert!(answer.is_stored && answer.body.as_ref() == b"content");
}

#[tokio::test]
async fn unchanged_content_is_not_transferred_again() {
    let server = Server::start(tagged);
    let folder = tempfile::tempdir().unwrap();
    for run in 0..3 {
        let client = HttpClient::new(cached(folder.path()));
        let answer = client.ask(get(&server.url())).await.unwrap();
        assert_eq!(
            (answer.status, answer.body.as_ref(), answer.is_stored),
            (200, &b"content"[..], run > 0)
        );
        let stats = client.stats();
        assert_eq!(
            (stats.requests, stats.bodies, stats.unchanged),
            (1, u64::from(run == 0), u64::from(run > 0))
        );
    }
}

#[tokio::test]
async fn what_was_missing_is_asked_for_by_head_until_it_appears() {
    let server = in_order(vec![
        Reply::page(404),
        Reply::page(404),
        Reply::ok(""),
        Reply::ok("content"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let client = HttpClient::new(cached(folder.path()));
        statuses.push(client.ask(get(&server.url())).await.unwrap().status);
    }
    let methods: Vec<String> = server.log().into_iter().map(|line| line.method).collect();
    assert_eq!(
        (statuses, methods.join(" ")),
        (vec![404, 404, 200], "GET HEAD HEAD GET".to_owned())
    );
}

#[tokio::test]
async fn offline_only_the_cache_answers() {
    let folder = tempfile::tempdir().unwrap();
    let offline = HttpSettings {
        offline: true,
        ..cached(folder.path())
    };
    let server = Server::start(tagged);
    let url = server.url();
    let error = HttpClient::new(offline.clone())
        .ask(get(&url))
        .await
        .unwrap_err();
    let text =
        format!("{url} is not in the cache and --offline is set; run once without --offline");
    assert_eq!(error.to_string(), text);
    HttpClient::new(cached(folder.path()))
        .ask(get(&url))
        .await
        .unwrap();
    HttpClient::new(cached(folder.path()))
        .ask(Ask::head(&url))
        .await
        .unwrap();
    server.clear_log();
    let client = HttpClient::new(offline);
    assert_eq!(
        client.ask(get(&url)).await.unwrap().body.as_ref(),
        b"content"
    );
    assert_eq!(client.ask(Ask::head(&url)).await.unwrap().status, 200);
    assert_eq!((client.stats().stored, server.log().len()), (2, 0));
}

#[tokio::test]
async fn a_damaged_cache_is_as_good_as_none() {
    let server = Server::start(tagged);
    let folder = tempfile::tempdir().unwrap();
    let ask = || async {
        HttpClient::new(cached(folder.path()))
            .ask(get(&server.url()))
            .await
            .unwrap()
    };
    ask().await;
    let file = fs::read_dir(folder.path().join("http"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let good = fs::read(&file).unwrap();
    let mut damages: Vec<Vec<u8>> = (0..good.len())
        .step_by(7)
        .map(|end| good[..end].to_vec())
        .collect();
    for at in (0..good.len()).step_by(11) {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        damages.push(flipped);
    }
    damages.push(b"<html>".to_vec());
    for damage in damages {
        fs::write(&file, &damage).unwrap();
        let answer = ask().await;
        assert_eq!(
            (answer.body.as_ref(), answer.is_stored),
            (&b"content"[..], false),
            "{damage:?}"
        );
        assert_eq!(fs::read(&file).unwrap(), good, "the entry is whole again");
    }
    let files = fs::read_dir(folder.path().join("http")).unwrap().count();
    assert_eq!(files, 1, "no temporary files stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_the_same_time_share_a_cache() {
    let server = Server::start(|request| Reply::ok(request.path.repeat(2000)));
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let (settings, url) = (cached(folder.path()), server.url());
        tokio::spawn(async move {
            let client = HttpClient::new(settings);
            for number in 0..40 {
                let path = format!("/{}", number % 5);
                let answer = client
                    .ask(Ask::get(&format!("{url}{path}"), 10_000))
                    .await
                    .unwrap();
                assert_eq!(answer.body, path.repeat(2000));
            }
        })
    };
    for run in [run(), run(), run(), run()] {
        run.await.unwrap();
    }
}

#[tokio::test]
async fn an_unusable_cache_folder_is_no_obstacle() {
    let server = Server::start(tagged);
    let file = tempfile::NamedTempFile::new().unwrap();
    let answer = HttpClient::new(cached(file.path()))
        .ask(get(&server.url()))
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn answers_to_one_token_are_not_shown_to_another() {
    let server = Server::start(|request| match request.header("authorization") {
        Some("Bearer good") => Reply::ok("private").with("ETag", "\"one\""),
        Some(_) | None => Reply::status(404),
    });
    let folder = tempfile::tempdir().unwrap();
    let ask = |secret: &str| get(&server.url()).with_bearer(token(secret));
    let online = HttpClient::new(cached(folder.path()));
    assert_eq!(
        online.ask(ask("good")).await.unwrap().body.as_ref(),
        b"private"
    );
    let offline = HttpClient::new(HttpSettings {
        offline: true,
        ..cached(folder.path())
    });
    assert_eq!(
        offline.ask(ask("good")).await.unwrap().body.as_ref(),
        b"private"
    );
    for other in [ask("bad"), get(&server.url())] {
        assert!(matches!(
            offline.ask(other).await,
            Err(HttpError::NotCached { .. })
        ));
    }
    let stored = fs::read_dir(folder.path().join("http"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert!(!fs::read_to_string(stored).unwrap().contains("good"));
}

#[tokio::test]
async fn what_must_not_be_stored_is_not() {
    let server = in_order(vec![
        Reply::ok("content").with("Cache-Control", "private, no-store"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    HttpClient::new(cached(folder.path()))
        .ask(get(&server.url()))
        .await
        .unwrap();
    assert_eq!(fs::read_dir(folder.path().join("http")).unwrap().count(), 0);
}

#[tokio::test]
async fn secrets_are_never_shown() {
    let with_token = HttpSettings {
        github_token: Some(token("s3cret")),
        ..settings()
    };
    let client = HttpClient::new(with_token);
    let ask = get("http://store.invalid/").with_bearer(token("s3cret"));
    let shown = format!("{client:?} {ask:?}");
    let error = client.ask(ask).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not sending a token to http://store.invalid/ over plain http; use https"
    );
    let broken = get("http://127.0.0.1:1/").with_bearer(token("s3\ncret"));
    let shown = format!(
        "{shown} {error:?} {:?}",
        client.ask(broken).await.unwrap_err()
    );
    let url = refusing_url().replace("http://", "http://user:s3cret@");
    let error = client.ask(get(&url)).await.unwrap_err();
    let shown = format!("{shown} {error} {error:?}");
    assert!(
        !shown.contains("s3cret") && !shown.contains("s3\\ncret"),
        "{shown}"
    );
    assert!(shown.contains("***"), "{shown}");
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_allowed() {
    static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|_| {
        let now = UNDER_WAY.fetch_add(1, Ordering::SeqCst) + 1;
        MOST.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(5));
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
        Reply::ok("content")
    });
    let client = HttpClient::new(HttpSettings {
        max_concurrent: 4,
        ..settings()
    });
    let asks = (0..60).map(|number| client.ask(get(&format!("{}/{number}", server.url()))));
    let asks: Vec<_> = asks.collect();
    for answer in futures_util::future::join_all(asks).await {
        assert_eq!(answer.unwrap().status, 200);
    }
    assert_eq!(MOST.load(Ordering::SeqCst), 4);
}
