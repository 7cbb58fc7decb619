//! Stores and registries that are not of the usual shape: HEAD is refused, sums are longer, names carry a day, a later page is
//! missing, everything is nonsense. What they have is found, what they do not say is unknown, and each says so in one line.

use std::time::Duration;

use crate::support::server::{Logged, Reply, Request, Server, refusing_url};
use csctl_matrix::catalog::{
    Catalog, CatalogRequest, ChartRequest, ImageStore, StoreListing, StoreRequest,
};
use csctl_matrix::io::catalog::fetch;
use csctl_matrix::io::http::{HttpClient, HttpSettings};
use csctl_matrix::io::verify::verify;
use csctl_matrix::version::Minor;
use sha2::Digest;

const DAY: &str = "Thu, 12 Mar 2026 11:00:00 GMT";
const OCTETS: &str = "application/octet-stream";

/// Where the images of these tests are said to be.
const BASE: &str = "https://img.example/b/";

fn settings(server: &Server) -> HttpSettings {
    // What upstream says is of no interest here, and nobody in the world is asked.
    let nobody = refusing_url();
    let mirrors = [
        format!("https://img.example/={}/", server.url()),
        format!("https://api.github.com/={nobody}/"),
        format!("https://raw.githubusercontent.com/={nobody}/"),
    ];
    HttpSettings {
        mirrors: mirrors
            .iter()
            .map(|mirror| mirror.parse().unwrap())
            .collect(),
        retry_pause: Duration::from_millis(2),
        system_proxy: false,
        ..HttpSettings::default()
    }
}

/// A request for some minors of a store, of which nothing is listed.
fn request(pattern: &str, minors: &[u32]) -> CatalogRequest {
    let minors = minors.iter().map(|number| Minor::new(1, *number));
    let store = StoreRequest {
        minors: minors.collect(),
        os_releases: ["ubuntu-2404".parse().unwrap()].into(),
        ..StoreRequest::default()
    };
    CatalogRequest {
        stores: [(pattern.parse().unwrap(), store)].into(),
        ..CatalogRequest::default()
    }
}

/// Adds something to the request for the only store.
fn with(mut request: CatalogRequest, change: impl Fn(&mut StoreRequest)) -> CatalogRequest {
    request.stores.values_mut().for_each(change);
    request
}

fn listing(request: CatalogRequest) -> CatalogRequest {
    with(request, |store| store.listing = StoreListing::S3)
}

fn listed(request: CatalogRequest, versions: &[&str]) -> CatalogRequest {
    let versions: Vec<_> = versions.iter().map(|text| text.parse().unwrap()).collect();
    with(request, |store| store.listed.extend(versions.iter()))
}

async fn look(settings: HttpSettings, request: &CatalogRequest) -> Catalog {
    let client = HttpClient::new(settings);
    let mut catalog = fetch(request, &client, "2026-04-01".parse().unwrap()).await;
    let upstream = ["kubernetes releases", "end-of-life days"];
    catalog
        .unreachable
        .retain(|failed| !upstream.contains(&failed.source.as_str()));
    catalog
}

fn store(catalog: &Catalog) -> &ImageStore {
    &catalog.image_stores[0]
}

fn names(catalog: &Catalog) -> Vec<&str> {
    let images = store(catalog).images.iter();
    images
        .map(|image| image.url.rsplit('/').next().unwrap())
        .collect()
}

fn faulty(catalog: &Catalog) -> Vec<String> {
    let faulty = store(catalog).faulty.iter();
    faulty
        .map(|image| format!("{}: {}", image.version, image.reason))
        .collect()
}

fn unreachable(catalog: &Catalog) -> Vec<String> {
    let entries = catalog.unreachable.iter();
    entries
        .map(|entry| {
            let minors: Vec<String> = entry.minors.iter().map(ToString::to_string).collect();
            format!("{}: {} [{}]", entry.url, entry.reason, minors.join(" "))
        })
        .collect()
}

fn nothing() -> Vec<String> {
    Vec::new()
}

fn count(server: &Server, takes: impl Fn(&Logged) -> bool) -> usize {
    server.log().iter().filter(|line| takes(line)).count()
}

/// Counts the images that were asked for by GET: a byte each.
fn first_bytes(server: &Server) -> usize {
    count(server, |line| {
        line.method == "GET" && line.path.contains(".qcow2") && !line.path.contains(".CHECKSUM")
    })
}

fn checksums(server: &Server) -> usize {
    count(server, |line| line.path.contains(".CHECKSUM"))
}

/// Answers for a checksum file; nothing where another file is asked for.
fn checksum(path: &str) -> Option<Reply> {
    let file = path.rsplit('/').next().unwrap();
    let image = file.strip_suffix(".CHECKSUM")?;
    Some(Reply::ok(format!("{}  {image}\n", "a1".repeat(32))))
}

/// Tells whether a path is about one of these versions.
fn is_one(path: &str, versions: &[&str]) -> bool {
    let names = |version: &&str| path.contains(&format!("v{version}.qcow2"));
    versions.iter().any(names)
}

/// The pattern of the stores that refuse HEAD.
const PATTERN: &str = "https://img.example/b/{os}-kube-v{version}.qcow2";

/// A store that sends on to signed URLs, which are for GET alone; of what it does not have it says so.
fn signed_store(versions: &'static [&'static str]) -> Server {
    Server::start(move |request: &Request| {
        if request.path.starts_with("/signed/") {
            let is_signed_for = request.method == "GET" && request.path.contains("?Signature=");
            if !is_signed_for {
                return Reply::status(403);
            }
            assert_eq!(request.header("range"), Some("bytes=0-0"));
            return Reply {
                status: 206,
                ..Reply::ok("Q")
            }
            .with("Content-Range", "bytes 0-0/734003200")
            .with("Last-Modified", DAY)
            .with("Content-Type", OCTETS);
        }
        if !request.path.contains("ubuntu-2404") || !is_one(&request.path, versions) {
            return Reply::status(404);
        }
        checksum(&request.path)
            .unwrap_or_else(|| Reply::redirect(&format!("/signed{}?Signature=abc", request.path)))
    })
}

#[tokio::test]
async fn images_behind_urls_that_are_signed_for_get_are_found() {
    let server = signed_store(&["1.34.0", "1.34.2", "1.35.1"]);
    // What is listed tells of a new minor too, of which nothing is.
    // Without a pointer, what is listed bounds the first look, and two patches of three systems are beyond it.
    for (request, beyond) in [
        (request(PATTERN, &[34, 35]), 0),
        (listed(request(PATTERN, &[34, 35]), &["v1.34.0"]), 2 * 3),
    ] {
        server.clear_log();
        let catalog = look(settings(&server), &request).await;
        let found = ["1.34.0", "1.34.2", "1.35.1"];
        assert_eq!(
            names(&catalog),
            found.map(|version| format!("ubuntu-2404-kube-v{version}.qcow2"))
        );
        let image = &store(&catalog).images[0];
        assert_eq!(image.url, format!("{BASE}ubuntu-2404-kube-v1.34.0.qcow2"));
        assert_eq!(image.size, Some(734_003_200));
        assert_eq!(image.built.unwrap().to_string(), "2026-03-12");
        assert_eq!(
            (faulty(&catalog), unreachable(&catalog)),
            (nothing(), nothing())
        );
        // Each redirect is one request, and the URL behind it another.
        assert_eq!(first_bytes(&server), 2 * found.len() + beyond);
    }
}

/// Not every server knows ranges: one that sends all of a gigabyte is left after the first byte.
#[tokio::test]
async fn a_server_without_head_and_ranges_is_read_no_further_than_needed() {
    for status in [405, 501] {
        let server = Server::start(move |request| {
            if request.method == "HEAD" {
                return Reply::status(status);
            }
            if !is_one(&request.path, &["1.34.1"]) || !request.path.contains("ubuntu-2404") {
                return Reply::status(404);
            }
            checksum(&request.path)
                .unwrap_or_else(|| Reply::ok(vec![b'Q'; 100_000]).cut(1_000_000_000))
        });
        let known = listed(request(PATTERN, &[34]), &["v1.34.1"]);
        let client = HttpClient::new(settings(&server));
        let catalog = fetch(&known, &client, "2026-04-01".parse().unwrap()).await;
        assert_eq!(names(&catalog), ["ubuntu-2404-kube-v1.34.1.qcow2"]);
        assert_eq!(store(&catalog).images[0].size, Some(1_000_000_000));
        assert!(client.stats().bytes < 10_000, "{:?}", client.stats());
    }
}

/// A store without a listing says 403 for every gap. That costs nothing more, and a few requests where nothing is there.
#[tokio::test]
async fn gaps_of_a_store_that_forbids_are_asked_for_once() {
    let some = Server::start(|request| match request.method.as_str() {
        _ if !is_one(&request.path, &["1.34.0", "1.34.1"]) => Reply::status(403),
        "HEAD" => Reply::ok("image").with("Content-Type", OCTETS),
        _ => checksum(&request.path).unwrap_or(Reply::status(500)),
    });
    let catalog = look(settings(&some), &request(PATTERN, &[34])).await;
    assert_eq!(store(&catalog).images.len(), 2 * 3, "of three Ubuntus");
    assert_eq!((first_bytes(&some), checksums(&some)), (0, 6));
    // An image that is listed and gone is looked at once more.
    some.clear_log();
    look(
        settings(&some),
        &listed(request(PATTERN, &[34]), &["v1.34.5"]),
    )
    .await;
    assert_eq!((first_bytes(&some), checksums(&some)), (0, 7));

    let none = Server::start(|_| Reply::status(403));
    let catalog = look(settings(&none), &request(PATTERN, &[33, 34])).await;
    let first = format!("{BASE}ubuntu-2204-kube-v1.33.0.qcow2");
    assert_eq!(
        unreachable(&catalog),
        [format!("{first}: answers 403 [1.33 1.34]")]
    );
    assert_eq!((first_bytes(&none), checksums(&none)), (0, 6));
}

#[tokio::test]
async fn a_refusal_of_head_and_get_is_told_as_such() {
    let server = Server::start(|request| match request.method.as_str() {
        "HEAD" => Reply::status(405),
        _ => checksum(&request.path).unwrap_or(Reply::status(403)),
    });
    let known = listed(request(PATTERN, &[34]), &["v1.34.0"]);
    let said = unreachable(&look(settings(&server), &known).await);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].ends_with(".qcow2: answers 403 to HEAD and to GET [1.34]"),
        "{said:?}"
    );
    let server = Server::start(|_| Reply::status(501));
    let said = unreachable(&look(settings(&server), &known).await);
    assert!(said[0].contains("last-1.34: answers 501"), "{said:?}");
    let server = Server::start(|request| match request.method.as_str() {
        "HEAD" => Reply::status(501),
        _ => Reply::status(404),
    });
    let said = unreachable(&look(settings(&server), &known).await);
    let reason = "answers 501 to HEAD, and no checksum says what is there [1.34]";
    assert!(said.len() == 1 && said[0].ends_with(reason), "{said:?}");
}

#[tokio::test]
async fn pages_and_empty_files_are_no_images_where_head_is_refused() {
    for reply in [
        Reply::page(200),
        Reply::ok("x").with("Content-Type", "text/html"),
        Reply::status(416),
    ] {
        let server = Server::start(move |request| match request.method.as_str() {
            "HEAD" => Reply::status(405),
            _ if request.path.contains("last-") => Reply::status(404),
            _ => checksum(&request.path).unwrap_or(reply.clone()),
        });
        let known = listed(request(PATTERN, &[34]), &["v1.34.0"]);
        let catalog = look(settings(&server), &known).await;
        assert_eq!(names(&catalog), [""; 0]);
        assert_eq!(
            unreachable(&catalog).len(),
            1,
            "{:?}",
            unreachable(&catalog)
        );
        assert!(unreachable(&catalog)[0].contains("instead of an image"));
    }
}

#[tokio::test]
async fn what_was_seen_where_head_is_refused_is_known_offline() {
    let server = signed_store(&["1.34.0", "1.34.2"]);
    let folder = tempfile::tempdir().unwrap();
    let cached = HttpSettings {
        cache_dir: Some(folder.path().to_owned()),
        ..settings(&server)
    };
    let online = look(cached.clone(), &request(PATTERN, &[34])).await;
    assert_eq!(names(&online).len(), 2);
    server.clear_log();
    let offline = HttpSettings {
        offline: true,
        ..cached
    };
    assert_eq!(look(offline, &request(PATTERN, &[34])).await, online);
    assert_eq!(server.log().len(), 0);
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[tokio::test]
async fn a_sum_of_sha_512_proves_an_image_too() {
    let content = "content of the image";
    let right = hex(&sha2::Sha512::digest(content));
    let (long, short) = (right.clone(), hex(&sha2::Sha256::digest(content)));
    let server = Server::start(move |request| {
        let Some(path) = request.path.strip_suffix(".CHECKSUM") else {
            let is_there = is_one(&request.path, &["1.34.0", "1.34.1", "1.34.2"]);
            return if is_there {
                Reply::ok(content).with("Content-Type", OCTETS)
            } else {
                Reply::status(404)
            };
        };
        let file = path.rsplit('/').next().unwrap();
        Reply::ok(match file {
            "NODE_v1.34.0.qcow2" => format!("{long}  {file}\n"),
            "NODE_v1.34.1.qcow2" => {
                format!("SHA256 ({file}) = {short}\nSHA512 ({file}) = {long}\n")
            }
            _ => format!("SHA512 ({file}) = {}\n", long.replace('0', "1")),
        })
    });
    let wanted = request("https://img.example/b/NODE_v{version}.qcow2", &[34]);
    let client = HttpClient::new(settings(&server));
    let mut catalog = fetch(&wanted, &client, "2026-04-01".parse().unwrap()).await;
    assert_eq!((names(&catalog).len(), faulty(&catalog)), (3, nothing()));
    let images = &store(&catalog).images;
    assert_eq!(images[0].sha512.as_ref().unwrap().hex(), right);
    assert_eq!(images[0].sha256, None);
    assert!(images[1].sha256.is_some() && images[1].sha512 == images[0].sha512);
    // The content is believed, and not its checksum file.
    verify(&mut catalog, &wanted, &client).await;
    assert_eq!(
        names(&catalog),
        ["NODE_v1.34.0.qcow2", "NODE_v1.34.1.qcow2"]
    );
    let reason = format!("v1.34.2: its content has the checksum {right}, its .CHECKSUM says ");
    assert!(
        faulty(&catalog)[0].starts_with(&reason),
        "{:?}",
        faulty(&catalog)
    );
}

/// A listing of one bucket, in pages of this many objects; one of the pages may answer otherwise.
fn bucket(names: &'static [&'static str], size: usize, fault: Option<(usize, Reply)>) -> Server {
    Server::start(move |request| {
        if request.query("list-type").is_none() {
            let is_there = names
                .iter()
                .any(|name| request.path == format!("/b/{name}.CHECKSUM"));
            let found = checksum(&request.path).filter(|_| is_there);
            return found.unwrap_or(Reply::status(404));
        }
        let token = request.query("continuation-token");
        let start: usize = token.map_or(0, |token| token.parse().unwrap());
        if let Some((page, reply)) = &fault
            && start == page * size
        {
            return reply.clone();
        }
        let end = names.len().min(start + size);
        let mut text = "<?xml version=\"1.0\"?><ListBucketResult><Name>b</Name>".to_owned();
        if end < names.len() {
            text += &format!(
                "<IsTruncated>true</IsTruncated><NextContinuationToken>{end}</NextContinuationToken>"
            );
        }
        for name in &names[start..end] {
            for key in [(*name).to_owned(), format!("{name}.CHECKSUM")] {
                text += &format!(
                    "<Contents><Key>{key}</Key><LastModified>2026-05-16T00:00:00.000Z</LastModified><ETag>x</ETag>\
                     <Size>9</Size></Contents>"
                );
            }
        }
        Reply::ok(text + "</ListBucketResult>").with("Content-Type", "application/xml")
    })
}

const DATED: &str = "https://img.example/b/{os}-kube-v{version}-{date}.qcow2";

#[tokio::test]
async fn names_with_a_day_are_found_by_a_listing() {
    let server = bucket(
        &[
            "ubuntu-2404-kube-v1.34.6-20260320.qcow2",
            "ubuntu-2404-kube-v1.34.7-20260417.qcow2",
            "ubuntu-2404-kube-v1.34.7-20260401.qcow2",
            "ubuntu-2404-kube-v1.34.8-2026-05-14.qcow2",
        ],
        100,
        None,
    );
    // A pattern that was copied from a name means any day.
    for pattern in [
        DATED,
        "https://img.example/b/{os}-kube-v{version}-20260320.qcow2",
    ] {
        let catalog = look(settings(&server), &listing(request(pattern, &[34]))).await;
        assert_eq!(
            names(&catalog),
            [
                "ubuntu-2404-kube-v1.34.6-20260320.qcow2",
                "ubuntu-2404-kube-v1.34.7-20260401.qcow2",
                "ubuntu-2404-kube-v1.34.7-20260417.qcow2",
                "ubuntu-2404-kube-v1.34.8-2026-05-14.qcow2",
            ],
            "the newest build is last"
        );
        assert_eq!(store(&catalog).pattern.as_str(), DATED);
        assert_eq!(
            (faulty(&catalog), unreachable(&catalog)),
            (nothing(), nothing())
        );
        let built = store(&catalog).images.iter();
        let built: Vec<String> = built
            .map(|image| image.built.unwrap().to_string())
            .collect();
        assert_eq!(
            built,
            ["2026-03-20", "2026-04-01", "2026-04-17", "2026-05-14"]
        );
    }
}

#[tokio::test]
async fn names_with_a_day_are_never_guessed() {
    let server = Server::start(|_| Reply::status(500));
    let catalog = look(settings(&server), &request(DATED, &[33, 34])).await;
    let reason = format!(
        "{BASE}: image names of img.example contain a build date, so it must be listed: set imageStore.listing to s3 [1.33 1.34]"
    );
    assert_eq!(unreachable(&catalog), [reason]);
    assert_eq!(server.log().len(), 0);
}

#[tokio::test]
async fn newer_names_of_another_form_are_told() {
    let server = bucket(
        &[
            "ubuntu-2404-kube-v1.34.6.qcow2",
            "ubuntu-2404-kube-v1.34.5-gpu.qcow2",
            "ubuntu-2404-kube-v1.34.7-20260417.qcow2",
            "ubuntu-2404-kube-v1.34.8-20260514.qcow2",
            "ubuntu-2404-kube-v1.36.0-20260514.qcow2",
            "ubuntu-2404-kube-v1.34.9.qcow2.md5",
            "readme.txt",
        ],
        100,
        None,
    );
    let catalog = look(settings(&server), &listing(request(PATTERN, &[34, 35]))).await;
    assert_eq!(names(&catalog), ["ubuntu-2404-kube-v1.34.6.qcow2"]);
    let reason = "v1.34.8: the store lists `ubuntu-2404-kube-v1.34.8-20260514.qcow2`, which does not follow the pattern \
                  of its images";
    assert_eq!(
        (faulty(&catalog), unreachable(&catalog)),
        (vec![reason.to_owned()], nothing())
    );
    // What follows the pattern and is as new makes the others variants.
    let catalog = look(settings(&server), &listing(request(DATED, &[34]))).await;
    assert_eq!((names(&catalog).len(), faulty(&catalog)), (2, nothing()));
}

#[tokio::test]
async fn a_later_page_of_a_listing_that_fails_keeps_those_before() {
    const NAMES: &[&str] = &[
        "ubuntu-2404-kube-v1.34.6.qcow2",
        "ubuntu-2404-kube-v1.34.7.qcow2",
        "ubuntu-2404-kube-v1.35.0.qcow2",
    ];
    for (reply, reason) in [
        (Reply::status(404), " answers 404"),
        (Reply::page(200), ": the answer is not a listing"),
        (
            Reply::drop_connection(),
            ": the answer broke off: the connection was closed early",
        ),
    ] {
        let server = bucket(NAMES, 2, Some((1, reply)));
        let catalog = look(settings(&server), &listing(request(PATTERN, &[34, 35]))).await;
        assert_eq!(names(&catalog), NAMES[..2]);
        let said = unreachable(&catalog);
        let beginning = format!("{BASE}: the next page of the listing{reason} (http");
        assert!(
            said.len() == 1 && said[0].starts_with(&beginning),
            "{said:?}"
        );
        assert!(said[0].contains("continuation-token=2") && said[0].ends_with(" [1.34 1.35]"));
    }
}

const KIND: &str = "img.example/kindest/node:v{version}";

/// A registry of one repository, whose second page is told by this link.
fn paged_registry(link: &'static str, second: Reply) -> Server {
    Server::start(move |request| match request.path.as_str() {
        "/v2/kindest/node/tags/list?n=1000" => {
            Reply::ok(r#"{"tags": ["v1.33.4", "v1.34.0", "v1.34.1"]}"#).with("Link", link)
        }
        _ => second.clone(),
    })
}

#[tokio::test]
async fn a_later_page_of_tags_that_fails_keeps_those_before() {
    const LINK: &str = "</v2/node/tags/list?last=v1.34.1&n=1000>; rel=\"next\"";
    let first = "https://img.example/v2/kindest/node/tags/list?n=1000";
    let next = "https://img.example/v2/node/tags/list?last=v1.34.1&n=1000";
    for (link, second, reason) in [
        (LINK, Reply::status(404), format!(" answers 404 ({next})")),
        (LINK, Reply::status(401), format!(" answers 401 and gives no token to the public ({next})")),
        (LINK, Reply::page(200), format!(": the answer is not a list of tags ({next})")),
        (
            "<https://evil.example/v2/kindest/node/tags/list>; rel=next",
            Reply::ok(r#"{"tags": ["v1.34.9"]}"#),
            " leads to another host (https://evil.example/v2/kindest/node/tags/list); it was not asked".to_owned(),
        ),
        (
            "<?n=1000>; rel=next",
            Reply::status(500),
            format!(" repeats an earlier one ({first})"),
        ),
    ] {
        let server = paged_registry(link, second);
        let catalog = look(settings(&server), &request(KIND, &[33, 34])).await;
        assert_eq!(names(&catalog), ["node:v1.33.4", "node:v1.34.0", "node:v1.34.1"]);
        let said = format!("{first}: the next page of tags{reason} [1.33 1.34]");
        assert_eq!(unreachable(&catalog), [said]);
    }
}

#[tokio::test]
async fn pages_of_tags_are_followed_wherever_their_link_is_right() {
    for link in [
        "</v2/kindest/node/tags/list?next_page=gAAA%3D%3D&n=50>; rel=\"next\"",
        "<list?next_page=gAAA%3D%3D&n=50>; title=\"a, b\"; REL=next",
        "<https://img.example/v2/kindest/node/tags/list?next_page=gAAA%3D%3D&n=50>; rel=\"last next\"",
        "<http://img.example/v2/kindest/node/tags/list?next_page=gAAA%3D%3D&n=50>; rel=next",
    ] {
        let second = Reply::ok(r#"{"tags": ["v1.34.3", "latest"]}"#);
        let server = paged_registry(link, second);
        let catalog = look(settings(&server), &request(KIND, &[34])).await;
        assert_eq!(
            names(&catalog),
            ["node:v1.34.0", "node:v1.34.1", "node:v1.34.3"],
            "{link}"
        );
        assert_eq!(unreachable(&catalog), nothing());
        let asked = server.log().pop().unwrap().path;
        assert_eq!(
            asked,
            "/v2/kindest/node/tags/list?next_page=gAAA%3D%3D&n=50"
        );
    }
}

#[tokio::test]
async fn charts_before_a_page_that_fails_are_kept() {
    let server = Server::start(|request| match request.path.as_str() {
        "/v2/charts/cilium/tags/list?n=1000" => Reply::ok(r#"{"tags": ["1.17.1"]}"#)
            .with("Link", "</v2/charts/cilium/tags/list?last=x>; rel=\"next\""),
        "/v2/charts/csi/tags/list?n=1000" => Reply::ok(r#"{"tags": ["2.34.0"]}"#),
        _ => Reply::status(502),
    });
    let names = ["cilium", "csi"].map(str::to_owned);
    let url = "oci://img.example/charts".to_owned();
    let charts = ChartRequest {
        names: names.into(),
    };
    let request = CatalogRequest {
        charts: [(url.clone(), charts)].into(),
        ..CatalogRequest::default()
    };
    let catalog = look(settings(&server), &request).await;
    for name in ["cilium", "csi"] {
        assert_eq!(catalog.find_chart(&url, name).unwrap().len(), 1);
    }
    let list = "https://img.example/v2/charts/cilium/tags/list";
    let reason = format!("{list}?n=1000: the next page of tags answers 502 ({list}?last=x) []");
    assert_eq!(unreachable(&catalog), [reason]);
}

#[tokio::test]
async fn releases_before_a_page_that_fails_are_kept() {
    let server = Server::start(|request| {
        if request.query("page").as_deref() != Some("1") {
            return Reply::status(502);
        }
        Reply::ok(r#"[{"tag_name": "v1.34.1", "published_at": "2025-09-09T12:00:00Z"}]"#)
            .with("Content-Type", "application/json")
            .with("Link", "<https://other/releases?page=1>; rel=\"prev\"")
            .with("Link", "<https://other/releases?page=2>; rel=next")
    });
    let mut wanted = request(KIND, &[34]);
    wanted.sources.kubernetes = Some(server.url());
    let client = HttpClient::new(settings(&server));
    let catalog = fetch(&wanted, &client, "2026-04-01".parse().unwrap()).await;
    assert_eq!(catalog.kubernetes.len(), 1);
    let mut failed = catalog.unreachable.iter();
    let failed = failed
        .find(|failed| failed.source == "kubernetes releases")
        .unwrap();
    assert_eq!(failed.reason, "answers 502");
    assert!(failed.url.ends_with("&page=2"), "{}", failed.url);
}

const INDEX: &str = r#"{"schemaVersion": 2, "manifests": []}"#;

/// A registry whose tags stand for manifests, each told in another way.
fn digesting_registry() -> Server {
    Server::start(|request| {
        if request.path.contains("/tags/list") {
            let tags: Vec<String> = (0..8).map(|patch| format!("\"v1.34.{patch}\"")).collect();
            return Reply::ok(format!("{{\"tags\": [{}]}}", tags.join(", ")));
        }
        let accept = request.header("accept").unwrap();
        for kind in [
            "image.index.v1",
            "manifest.list.v2",
            "image.manifest.v1",
            "manifest.v2",
        ] {
            assert!(accept.contains(kind), "{accept}");
        }
        let named = |digest: &str| Reply::ok(INDEX).with("Docker-Content-Digest", digest);
        let other = format!("sha256:{}", "ab".repeat(32));
        let is_head = request.method == "HEAD";
        match request.path.rsplit('/').next().unwrap() {
            "v1.34.1" if is_head => Reply::status(405),
            "v1.34.1" | "v1.34.2" => Reply::ok(INDEX),
            "v1.34.3" if is_head => Reply::status(403),
            "v1.34.0" | "v1.34.3" => named(&other),
            "v1.34.4" => named("sha512:abcd"),
            "v1.34.5" if is_head => Reply::ok(""),
            "v1.34.5" => Reply::page(200),
            "v1.34.6" => Reply::status(404),
            _ => Reply::drop_connection(),
        }
    })
}

#[tokio::test]
async fn digests_of_tags_are_found_where_they_are_wanted() {
    let server = digesting_registry();
    let wanted = request(KIND, &[34]);
    let catalog = look(settings(&server), &wanted).await;
    assert_eq!(names(&catalog).len(), 8);
    assert!(
        store(&catalog)
            .images
            .iter()
            .all(|image| image.digest.is_none())
    );
    assert_eq!(server.log().len(), 1, "nobody wanted digests");

    let catalog = look(
        settings(&server),
        &with(wanted, |store| store.digests = true),
    )
    .await;
    let digests = store(&catalog).images.iter();
    let digests: Vec<Option<&str>> = digests
        .map(|image| image.digest.as_ref().map(|digest| &digest.hex()[..8]))
        .collect();
    let own = hex(&sha2::Sha256::digest(INDEX));
    let own = Some(&own[..8]);
    // What is contradicted, of another kind, a page, missing or without an answer is unknown.
    assert_eq!(
        digests,
        [Some("abababab"), own, own, None, None, None, None, None]
    );
    assert_eq!(unreachable(&catalog), nothing());
}

#[tokio::test]
async fn a_registry_keeps_its_port_in_catalogs_and_messages() {
    let server = Server::start(|request| match request.path.as_str() {
        "/v2/kindest/node/tags/list?n=1000" => Reply::ok(r#"{"tags": ["v1.34.0"]}"#),
        _ => Reply::status(404),
    });
    let host = server.url().replace("http://", "");
    let catalog = look(
        settings(&server),
        &request(&format!("{host}/kindest/node:v{{version}}"), &[34]),
    )
    .await;
    assert_eq!(
        store(&catalog).images[0].url,
        format!("{host}/kindest/node:v1.34.0")
    );
    assert_eq!(
        store(&catalog).pattern.base_or_name(),
        format!("{host}/kindest/node")
    );
    let missing = request(&format!("{host}/none:v{{version}}"), &[34]);
    let reason =
        format!("{host}/none:v{{version}}: the registry does not know the repository [1.34]");
    assert_eq!(
        unreachable(&look(settings(&server), &missing).await),
        [reason]
    );
}

/// One line for a store, whatever it has in the place of checksums.
#[tokio::test]
async fn a_store_of_nonsense_is_told_in_one_line() {
    for (reply, reason) in [
        (Reply::page(200), "the checksum file is a web page"),
        (
            Reply::ok("soon"),
            "the checksum file has a line that is not `<sum>  <file>`",
        ),
        (
            Reply::status(404),
            "no checksum: https://img.example/b/NODE_v1.33.0.qcow2.CHECKSUM answers 404",
        ),
    ] {
        let server = Server::start(move |request| {
            let is_there = is_one(&request.path, &["1.33.0", "1.33.1", "1.34.0", "1.34.1"]);
            match request.path.ends_with(".CHECKSUM") {
                _ if !is_there => Reply::status(404),
                true => reply.clone(),
                false => Reply::ok("image").with("Content-Type", OCTETS),
            }
        });
        let wanted = request("https://img.example/b/NODE_v{version}.qcow2", &[33, 34]);
        let catalog = look(settings(&server), &wanted).await;
        let line = format!(
            "{BASE}: has images, but none could be verified: NODE_v1.33.0.qcow2: {reason} [1.33 1.34]"
        );
        assert_eq!(
            (unreachable(&catalog), faulty(&catalog)),
            (vec![line], nothing())
        );
    }
}
