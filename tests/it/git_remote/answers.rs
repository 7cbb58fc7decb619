//! What a server answers that is not what git would say, and what it may say.

use super::{BRANCH, client, create, secret, text_at, world};
use crate::support::git_server::{GitServer, TOKEN};
use crate::support::program::Copy;
use crate::support::server::{Reply, refusing_url};
use csctl_matrix::io::git::{GitRepository, RefResult, RefUpdate, Rejection, Remote};
use csctl_matrix::io::http::{HttpClient, HttpSettings};
use std::time::Duration;

#[tokio::test]
async fn answers_that_are_not_gits_are_named() {
    let world = world();
    let refs = async |script: fn(Reply) -> Reply| {
        world.server.script(move |_, serve| script(serve()));
        let error = world.remote.refs(&client()).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains(TOKEN), "{text}");
        assert!(!error.hint().is_empty());
        error.to_string().replace(&world.server.url(), "URL")
    };
    let pages: [fn(Reply) -> Reply; 3] = [
        |_| Reply::page(200),
        |_| Reply::ok("").with("Content-Type", "text/html"),
        |_| Reply::ok("1234\trefs/heads/main\n").with("Content-Type", "text/plain"),
    ];
    for reply in pages {
        let page = refs(reply).await;
        assert!(
            page.starts_with("the answer from URL is not git's: "),
            "{page}"
        );
    }
    assert_eq!(
        refs(|_| Reply::page(401)).await,
        "URL does not accept the token"
    );
    let forbidden = refs(|_| Reply {
        body: format!("no right for {TOKEN}").into(),
        ..Reply::status(403).with("Content-Type", "text/plain")
    })
    .await;
    assert_eq!(forbidden, "URL refuses access (403): no right for ***");
    assert_eq!(
        refs(|_| Reply::page(404)).await,
        "URL not found, or not visible to this token"
    );
    assert!(
        refs(|_| Reply::page(500))
            .await
            .starts_with("URL answered with status 500")
    );
    let half = refs(|reply| Reply {
        body: reply.body[..reply.body.len() - 4].to_vec(),
        ..reply
    })
    .await;
    assert_eq!(half, "the answer from URL ended too early");
    let strange = refs(|_| Reply::redirect("/login")).await;
    assert!(strange.contains("redirect"), "{strange}");
    let said = refs(|reply| Reply {
        body: b"001e# service=git-upload-pack\n00000010ERR go away\n".to_vec(),
        ..reply
    })
    .await;
    assert_eq!(said, "URL refused: go away");
    let silent = refs(|_| Reply::hang()).await;
    assert!(silent.contains("no answer in time"), "{silent}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let world = world();
    let nobody = Remote::new(&format!("{}/o/r", refusing_url()), secret()).unwrap();
    let error = nobody.refs(&client()).await.unwrap_err().to_string();
    assert!(
        error.contains("cannot reach") && error.contains("connect"),
        "{error}"
    );
    let nameless = Remote::new(&world.server.url(), None).unwrap();
    let error = nameless.refs(&client()).await.unwrap_err().to_string();
    assert!(error.ends_with("requires a token"), "{error}");
    let plain = Remote::new("http://git.example/o/r", secret()).unwrap();
    let error = plain.refs(&client()).await.unwrap_err().to_string();
    assert!(error.contains("not sending a token"), "{error}");
}

#[tokio::test]
async fn more_refs_than_anybody_needs_are_not_read() {
    let world = world();
    world.server.script(|_, serve| Reply {
        body: endless_refs(),
        ..serve()
    });
    // They may take a while to come.
    let client = HttpClient::new(HttpSettings {
        read_timeout: Duration::from_secs(60),
        ..client().settings().clone()
    });
    let error = world.remote.refs(&client).await.unwrap_err().to_string();
    assert!(error.contains("is longer than"), "{error}");
}

/// More refs than are read, in git's first protocol.
fn endless_refs() -> Vec<u8> {
    let line = |text: String| format!("{:04x}{text}", text.len() + 4);
    let mut body = line("# service=git-upload-pack\n".to_owned()) + "0000";
    let id = "7".repeat(40);
    body += &line(format!("{id} refs/heads/main\0ofs-delta\n"));
    let name = "x".repeat(900);
    for number in 0..76_000 {
        body += &line(format!("{id} refs/heads/{name}{number}\n"));
    }
    (body + "0000").into()
}

/// A host that is redirected to sees no token, and what it wants one for is not done.
#[tokio::test]
async fn a_token_is_not_sent_where_a_host_redirects_to() {
    let (world, other) = (world(), GitServer::start());
    let elsewhere = other.url().replace("127.0.0.1", "localhost");
    let target = elsewhere.clone();
    world.server.script(move |request, _| {
        let rest = request.path.strip_prefix("/o/r.git").unwrap();
        Reply::redirect(&format!("{target}{rest}"))
    });
    let commit = world.commit(world.base(), "One");
    for error in [
        world.remote.refs(&world.client).await.unwrap_err(),
        world.remote.may_push(&world.client).await.unwrap_err(),
        world.push(&create(commit)).await.unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(
            text.contains("a token is not sent to another host"),
            "{text}"
        );
    }
    let asked = other.log();
    assert!(!asked.is_empty(), "nobody was redirected");
    for request in asked {
        let names: Vec<&str> = request
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(!names.contains(&"authorization"), "{request:?}");
    }
}

#[tokio::test]
async fn a_repository_that_was_renamed_is_found_and_pushed_to() {
    let world = world();
    let commit = world.commit(world.base(), "One");
    let new = world.server.url();
    let old = new.replace("/o/r.git", "/old/name.git");
    world.server.script(
        |request, serve| match request.path.strip_prefix("/old/name.git") {
            Some(rest) => Reply {
                status: 301,
                ..Reply::redirect(&format!("/o/r.git{rest}"))
            },
            None => serve(),
        },
    );
    let remote = Remote::new(&old, secret()).unwrap();
    let result = remote
        .push(&world.client, &world.git, &create(commit))
        .await
        .unwrap();
    assert_eq!((result, world.branch()), (RefResult::Moved, Some(commit)));
}

/// Some servers speak without bands, and proxies compress.
#[tokio::test]
async fn servers_without_bands_and_with_compression_are_understood() {
    let world = world();
    world.server.script(|request, serve| {
        let mut reply = serve();
        if request.method == "GET" {
            let text = String::from_utf8(reply.body).unwrap();
            // Of the same length, so that the packets stay whole.
            reply.body = gzip(text.replace("side-band-64k", "no-side-bands").as_bytes());
            return reply.with("Content-Encoding", "gzip");
        }
        reply
    });
    let commit = world.commit(world.base(), "One");
    assert_eq!(world.push(&create(commit)).await.unwrap(), RefResult::Moved);
    world.server.hook("pre-receive", "exit 1");
    let result = world
        .push(&RefUpdate::branch(BRANCH, Some(commit), None))
        .await
        .unwrap();
    assert_eq!(
        result,
        RefResult::Rejected(Rejection::Hook("pre-receive hook declined".to_owned()))
    );
    let other = Copy::of("docker");
    other.commit();
    let git = GitRepository::discover(&other.root()).unwrap().unwrap();
    world
        .remote
        .fetch(&world.client, &git, &[commit], 1)
        .await
        .unwrap();
    assert!(text_at(&git, commit).is_some());
}

/// Wraps bytes as gzip does, without compressing them.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let length = u16::try_from(bytes.len()).unwrap();
    packed.push(1);
    packed.extend_from_slice(&length.to_le_bytes());
    packed.extend_from_slice(&(!length).to_le_bytes());
    packed.extend_from_slice(bytes);
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
    }
    packed.extend_from_slice(&(!sum).to_le_bytes());
    packed.extend_from_slice(&u32::from(length).to_le_bytes());
    packed
}
