//! Images of a store that lists nothing: what is found, what proves it, and what a store that lies, hangs or has moved is taken for.

use std::time::Duration;

use super::{
    DAY, faulty, images, look, look_at, minors, settings, store_request, sum, unreachable, world,
};
use crate::support::server::{Reply, Server, refusing_url};
use crate::support::store::{CHARTS, IMAGES, PATTERN, checksum_url, image_url};
use csctl_matrix::catalog::{ChartRequest, StoreRequest};
use csctl_matrix::io::catalog::fetch;
use csctl_matrix::io::http::{HttpClient, HttpSettings};

#[tokio::test]
async fn every_operating_system_of_a_patch_is_found() {
    let store = world();
    store
        .image("ubuntu-2204", "1.33.3", &sum(), DAY)
        .image("ubuntu-2404", "1.33.3", &sum(), DAY)
        .image("ubuntu-2604", "1.33.4", &sum(), DAY);
    let catalog = look_at(&store, &[33]).await;
    assert_eq!(
        images(&catalog),
        [
            "v1.33.3 ubuntu-2204",
            "v1.33.3 ubuntu-2404",
            "v1.33.4 ubuntu-2604"
        ]
    );
    assert_eq!((faulty(&catalog), unreachable(&catalog)), (vec![], vec![]));
}

#[tokio::test]
async fn a_store_is_searched_as_far_as_there_is_something() {
    let store = world();
    store.pointer(DAY, "ubuntu-2404", "1.34.1");
    for patch in [1, 2, 3, 5, 8, 11, 14, 18] {
        store.image("ubuntu-2404", &format!("1.34.{patch}"), &sum(), DAY);
    }
    let catalog = look_at(&store, &[34]).await;
    // One beyond the pointer, and one more as long as it is there.
    assert_eq!(images(&catalog).len(), 3);
    let log = store.log();
    for (file, asked) in [("1.34.4.qcow2", 1), ("1.34.5.qcow2", 0)] {
        let looks = log.iter().filter(|line| line.path.ends_with(file));
        assert_eq!(looks.count(), asked, "{file}");
    }
    store.remove(&format!("{IMAGES}last-1.34"));
    assert_eq!(
        images(&look_at(&store, &[34]).await).len(),
        7,
        "without a pointer further is looked at: three beyond each, and 18 is four beyond the last one"
    );
}

#[tokio::test]
async fn an_endless_store_is_not_searched_without_end() {
    let server = Server::start(|request| {
        let file = request.path.rsplit('/').next().unwrap();
        match file.strip_suffix(".CHECKSUM") {
            Some(image) => Reply::ok(format!("{}  {image}\n", "a1".repeat(32))),
            None if file.starts_with("last-") => Reply::status(404),
            None => Reply::ok("image").with("Content-Type", "application/octet-stream"),
        }
    });
    let pattern = format!("{}/i/NODE_v{{version}}.qcow2", server.url());
    let catalog = look(settings(&[]), &store_request(&pattern, minors(&[34]))).await;
    assert_eq!(images(&catalog).len(), 60);
}

#[tokio::test]
async fn a_pointer_is_not_believed() {
    let store = world();
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .pointer(DAY, "ubuntu-2404", "1.34.5");
    let catalog = look_at(&store, &[34]).await;
    assert_eq!(images(&catalog), ["v1.34.0 ubuntu-2404"]);
    assert_eq!(
        faulty(&catalog),
        ["v1.34.5: announced by last-1.34, but the image answers 404"]
    );
    let pointer = format!("{IMAGES}last-1.34");
    for (text, reason) in [
        ("<html>", "the pointer is a web page [1.34]"),
        ("soon", "the pointer is not one line `<day> <file>` [1.34]"),
        (
            "2026-01-01 ubuntu-2404-kube-v1.33/ubuntu-2404-kube-v1.33.1.qcow2",
            "the pointer names `ubuntu-2404-kube-v1.33/ubuntu-2404-kube-v1.33.1.qcow2`, which is not of 1.34 [1.34]",
        ),
    ] {
        store.file(&pointer, text, "application/octet-stream", DAY);
        let catalog = look_at(&store, &[34]).await;
        assert_eq!(
            (images(&catalog).len(), unreachable(&catalog)),
            (1, vec![reason.to_owned()])
        );
    }
    store.file(
        &pointer,
        "2025-11-28 ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.qcow2\n",
        "text/plain",
        DAY,
    );
    assert_eq!(
        unreachable(&look_at(&store, &[34]).await),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn an_image_without_a_good_checksum_is_faulty() {
    let store = world();
    store.pointer(DAY, "ubuntu-2404", "1.34.0").image(
        "ubuntu-2404",
        "1.34.0",
        &sum(),
        "2026-03-12T11:18:00",
    );
    let file = "ubuntu-2404-kube-v1.34.0.qcow2";
    let other = "b2".repeat(32);
    let cases = [
        (String::new(), "the checksum file is empty"),
        (
            "<!DOCTYPE html><html></html>".to_owned(),
            "the checksum file is a web page",
        ),
        (
            format!("{}  {file}", &sum()[..40]),
            "the checksum has 40 digits instead of 64 or 128",
        ),
        (
            format!("{}  ubuntu-2404-kube-v1.34.1.qcow2", sum()),
            "the checksum file is for another file, `ubuntu-2404-kube-v1.34.1.qcow2`",
        ),
        (
            format!("{}  {file}\n{other}  {file}\n", sum()),
            "the checksum file has two different sums for the image",
        ),
    ];
    for (text, reason) in cases {
        store.file(
            &checksum_url("1.34.0"),
            &text,
            "application/octet-stream",
            DAY,
        );
        let catalog = look_at(&store, &[34]).await;
        assert_eq!(
            (images(&catalog), faulty(&catalog)),
            (vec![], vec![format!("v1.34.0: {reason}")])
        );
        assert_eq!(unreachable(&catalog), Vec::<String>::new());
    }
    store.file(
        &checksum_url("1.34.0"),
        &format!("{}  {file}", sum()),
        "text/plain",
        "2026-03-12T11:13:00",
    );
    let reason = "v1.34.0: the checksum (2026-03-12T11:13:00Z) is older than the image (2026-03-12T11:18:00Z), which \
                  was uploaded again";
    assert_eq!(faulty(&look_at(&store, &[34]).await), [reason]);
    store.remove(&checksum_url("1.34.0"));
    let reason = format!(
        "v1.34.0: no checksum: {} answers 404",
        checksum_url("1.34.0")
    );
    assert_eq!(faulty(&look_at(&store, &[34]).await), [reason]);
}

#[tokio::test]
async fn a_checksum_that_cannot_be_read_is_unknown() {
    let store = world();
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .image("ubuntu-2404", "1.34.1", &sum(), DAY);
    let whole = format!("{}  ubuntu-2404-kube-v1.34.1.qcow2\n", sum());
    for (fault, reason) in [
        (
            Reply::ok(&whole[..30]).cut(whole.len()),
            "the answer broke off: the connection was closed early [1.34]",
        ),
        (Reply::status(500), "answers 500 [1.34]"),
        (
            Reply::ok("x".repeat(70_000)),
            "the answer is longer than 65536 bytes [1.34]",
        ),
    ] {
        store.fault(&checksum_url("1.34.1"), fault);
        let catalog = look_at(&store, &[34]).await;
        assert_eq!(
            images(&catalog),
            ["v1.34.0 ubuntu-2404"],
            "the other image stands"
        );
        assert_eq!(
            (faulty(&catalog), unreachable(&catalog)),
            (vec![], vec![reason.to_owned()])
        );
    }
}

#[tokio::test]
async fn a_store_of_web_pages_is_unreachable() {
    let store = world();
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .fault(IMAGES, Reply::page(200));
    let catalog = look_at(&store, &[33, 34]).await;
    assert_eq!(
        (images(&catalog), unreachable(&catalog)),
        (
            vec![],
            vec!["the pointer is a web page [1.33 1.34]".to_owned()]
        )
    );
    // The same without the pointers.
    for minor in ["1.33", "1.34"] {
        store.fault(&format!("{IMAGES}last-{minor}"), Reply::page(404));
    }
    let catalog = look_at(&store, &[33, 34]).await;
    assert_eq!(images(&catalog), Vec::<String>::new());
    assert_eq!(
        unreachable(&catalog),
        ["answers with a web page instead of an image [1.33 1.34]"]
    );
}

#[tokio::test]
async fn one_page_among_images_is_faulty_only_where_it_was_expected() {
    let store = world();
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .pointer(DAY, "ubuntu-2404", "1.34.1");
    store
        .fault(&image_url("1.34.1"), Reply::page(200))
        .fault(&image_url("1.34.2"), Reply::page(200));
    let catalog = look_at(&store, &[34]).await;
    assert_eq!(images(&catalog), ["v1.34.0 ubuntu-2404"]);
    assert_eq!(faulty(&catalog), ["v1.34.1: the image is a web page"]);
    store.fault(
        &image_url("1.34.1"),
        Reply::ok("").with("Content-Type", "application/octet-stream"),
    );
    assert_eq!(
        faulty(&look_at(&store, &[34]).await),
        ["v1.34.1: the image is an empty file"]
    );
}

#[tokio::test]
async fn forbidden_is_a_gap_beside_images_and_no_answer_alone() {
    let store = world();
    let forbidden = || Reply::status(403).with("Content-Type", "application/xml");
    store
        .image("ubuntu-2404", "1.34.0", &sum(), DAY)
        .fault(&image_url("1.34.1"), forbidden());
    let catalog = look_at(&store, &[34]).await;
    assert_eq!((images(&catalog).len(), unreachable(&catalog)), (1, vec![]));
    store.fault(IMAGES, forbidden());
    let catalog = look_at(&store, &[33, 34]).await;
    assert_eq!(
        (images(&catalog).len(), unreachable(&catalog)),
        (0, vec!["answers 403 [1.33 1.34]".to_owned()])
    );
}

#[tokio::test]
async fn a_store_that_is_down_does_not_silence_the_others() {
    let store = world();
    store.image("ubuntu-2404", "1.34.0", &sum(), DAY).chart(
        CHARTS,
        "openstack-cinder-csi",
        &["2.34.0"],
    );
    let dead = format!("{}/images/NODE_v{{version}}.qcow2", refusing_url());
    let mut request = store_request(PATTERN, minors(&[34]));
    request
        .stores
        .insert(dead.parse().unwrap(), minors(&[33, 34]));
    let names = ["openstack-cinder-csi".to_owned()];
    let charts = ChartRequest {
        names: names.into(),
    };
    request.charts.insert(CHARTS.to_owned(), charts);
    let client = HttpClient::new(settings(&store.mirrors()));
    let catalog = fetch(&request, &client, "2026-04-01".parse().unwrap()).await;
    assert_eq!(images(&catalog), ["v1.34.0 ubuntu-2404"]);
    assert_eq!(
        catalog
            .find_chart(CHARTS, "openstack-cinder-csi")
            .unwrap()
            .len(),
        1
    );
    assert_eq!(unreachable(&catalog), ["connection refused [1.33 1.34]"]);
    assert_eq!(catalog.unreachable[0].source, dead);
    let asked = client.stats().requests - u64::try_from(store.log().len()).unwrap();
    assert!(asked <= 6, "{asked} requests to a dead host");
}

#[tokio::test]
async fn a_store_that_hangs_costs_its_timeout_once() {
    let store = world();
    store.fault(IMAGES, Reply::hang());
    let start = std::time::Instant::now();
    let settings = HttpSettings {
        read_timeout: Duration::from_millis(300),
        ..settings(&store.mirrors())
    };
    let request = store_request(PATTERN, minors(&[32, 33, 34, 35]));
    let catalog = look(settings, &request).await;
    assert_eq!(
        unreachable(&catalog),
        ["no answer in time [1.32 1.33 1.34 1.35]"]
    );
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn what_has_answered_in_time_counts() {
    let store = world();
    store
        .fault(IMAGES, Reply::hang())
        .chart(CHARTS, "cilium", &["1.17.1"]);
    let mut request = store_request(PATTERN, minors(&[34]));
    let charts = ChartRequest {
        names: ["cilium".to_owned()].into(),
    };
    request.charts.insert(CHARTS.to_owned(), charts);
    let settings = HttpSettings {
        sources_timeout: Some(Duration::from_millis(700)),
        ..settings(&store.mirrors())
    };
    let client = HttpClient::new(settings);
    let catalog = fetch(&request, &client, "2026-04-01".parse().unwrap()).await;
    assert_eq!(
        unreachable(&catalog),
        ["no answer within 700ms (--timeout) [1.34]"]
    );
    assert_eq!(catalog.chart_repositories[0].charts["cilium"].len(), 1);
    assert!(!catalog.kubernetes.is_empty());
    // What is downloaded afterwards to be verified has all the time it needs.
    store.heal();
    let url = format!("{IMAGES}a");
    store.file(&url, "content", "x", DAY);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(client.sha256(&url).await.unwrap().len(), 64);
}

#[tokio::test]
async fn a_store_that_has_nothing_of_what_is_listed_has_moved() {
    let store = world();
    let listed = ["v1.34.0", "v1.30.0"].map(|version| version.parse().unwrap());
    let request = |numbers| StoreRequest {
        listed: listed.into(),
        ..minors(numbers)
    };
    let settings = settings(&store.mirrors());
    let catalog = look(
        settings.clone(),
        &store_request(PATTERN, request(&[33, 34])),
    )
    .await;
    let reason = "has none of the images that are listed; has the store moved? [1.33 1.34]";
    assert_eq!(unreachable(&catalog), [reason]);
    // Nothing is listed of a new minor, and an image of another minor shows that the store is the right one.
    let catalog = look(settings.clone(), &store_request(PATTERN, request(&[35]))).await;
    assert_eq!(unreachable(&catalog), Vec::<String>::new());
    store.image("ubuntu-2404", "1.33.0", &sum(), DAY);
    let catalog = look(settings, &store_request(PATTERN, request(&[33, 34]))).await;
    assert_eq!((images(&catalog).len(), unreachable(&catalog)), (1, vec![]));
}

#[tokio::test]
async fn trouble_with_one_image_is_told_for_its_minor() {
    let store = world();
    for version in ["1.33.0", "1.34.0", "1.34.1"] {
        store.image("ubuntu-2404", version, &sum(), DAY);
    }
    store.fault(&image_url("1.34.1"), Reply::status(502));
    let catalog = look_at(&store, &[33, 34]).await;
    assert_eq!(
        images(&catalog),
        ["v1.33.0 ubuntu-2404", "v1.34.0 ubuntu-2404"]
    );
    assert_eq!(unreachable(&catalog), ["answers 502 [1.34]"]);
    assert_eq!(catalog.unreachable[0].url, image_url("1.34.1"));
}

#[tokio::test]
async fn the_order_of_answers_does_not_matter() {
    let store = world();
    for patch in 0..9 {
        store.image("ubuntu-2404", &format!("1.34.{patch}"), &sum(), DAY);
        store.image("ubuntu-2204", &format!("1.33.{patch}"), &sum(), DAY);
    }
    store
        .fault(&checksum_url("1.34.3"), Reply::status(500))
        .fault(&checksum_url("1.34.5"), Reply::page(404));
    let first = look_at(&store, &[33, 34]).await;
    for max_concurrent in [1, 3, 100] {
        let settings = HttpSettings {
            max_concurrent,
            ..settings(&store.mirrors())
        };
        assert_eq!(
            look(settings, &store_request(PATTERN, minors(&[33, 34]))).await,
            first
        );
    }
}
