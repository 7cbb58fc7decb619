//! Stores that can be listed as S3 buckets.

use super::{DAY, faulty, images, look, minors, settings, store_request, unreachable, world};
use crate::support::server::{Reply, Request, Server, refusing_url};
use csctl_matrix::catalog::{StoreListing, StoreRequest};
use csctl_matrix::io::http::{S3Credentials, Secret};

/// An S3 store that lists two objects per page and may want a signature.
fn s3(is_private: bool) -> Server {
    let objects: Vec<(String, String)> = [("1.33", 1), ("1.34", 0), ("1.34", 1), ("1.34", 3)]
        .iter()
        .flat_map(|(minor, patch)| {
            let file = format!("ubuntu-2404-kube-v{minor}.{patch}.qcow2");
            let key = format!("images/ubuntu-2404-kube-v{minor}/{file}");
            // One checksum file is missing.
            let sum = (*patch != 3).then(|| {
                (
                    format!("{key}.CHECKSUM"),
                    format!("{}  {file}\n", "a1".repeat(32)),
                )
            });
            std::iter::once((key, "image".to_owned()))
                .chain(sum)
                .collect::<Vec<_>>()
        })
        .chain([("images/readme".to_owned(), "text".to_owned())])
        .collect();
    Server::start(move |request: &Request| {
        let signature = request.header("authorization").unwrap_or_default();
        if is_private != signature.starts_with("AWS4-HMAC-SHA256 Credential=key/") {
            return Reply::status(403);
        }
        if request.query("list-type").is_none() {
            let file = objects
                .iter()
                .find(|(key, _)| format!("/bucket/{key}") == request.path);
            return file.map_or_else(
                || Reply::status(404),
                |(_, body)| {
                    Reply::ok(body.as_str())
                        .with("ETag", "\"x\"")
                        .with("Last-Modified", "Thu, 12 Mar 2026 11:00:00 GMT")
                },
            );
        }
        assert!(request.path.starts_with("/bucket?"), "{}", request.path);
        assert_eq!(request.query("prefix").as_deref(), Some("images/"));
        let start: usize = request
            .query("continuation-token")
            .map_or(0, |token| token.parse().unwrap());
        let end = objects.len().min(start + 2);
        let mut text = "<?xml version=\"1.0\"?><ListBucketResult><Name>bucket</Name>".to_owned();
        if end < objects.len() {
            text += &format!(
                "<IsTruncated>true</IsTruncated><NextContinuationToken>{end}</NextContinuationToken>"
            );
        }
        for (key, body) in &objects[start..end] {
            text += &format!(
                "<Contents><Key>{key}</Key><LastModified>2026-03-12T11:00:00.000Z</LastModified><ETag>x</ETag>\
                 <Size>{}</Size></Contents>",
                body.len()
            );
        }
        Reply::ok(text + "</ListBucketResult>").with("Content-Type", "application/xml")
    })
}

#[tokio::test]
async fn a_store_that_can_be_listed_is_listed() {
    let pattern = "https://s3.example/bucket/images/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2";
    let request = store_request(
        pattern,
        StoreRequest {
            listing: StoreListing::S3,
            ..minors(&[34])
        },
    );
    for is_private in [false, true] {
        let (server, store) = (s3(is_private), world());
        let mut mirrors = store.mirrors();
        mirrors.push(format!("https://s3.example/={}/", server.url()));
        let mut settings = settings(&mirrors);
        settings.s3_credentials = is_private.then(|| S3Credentials {
            access_key_id: "key".to_owned(),
            secret_access_key: Secret::new("s3cret").unwrap(),
            session_token: None,
            region: "eu-1".to_owned(),
        });
        let catalog = look(settings.clone(), &request).await;
        assert_eq!(unreachable(&catalog), Vec::<String>::new());
        assert_eq!(
            images(&catalog),
            ["v1.34.0 ubuntu-2404", "v1.34.1 ubuntu-2404"]
        );
        assert_eq!(faulty(&catalog).len(), 1, "{:?}", faulty(&catalog));
        let image = &catalog.image_stores[0].images[0];
        assert_eq!(
            (image.size, image.built.unwrap().to_string().as_str()),
            (Some(5), DAY)
        );
        // The keys do not fit the store.
        settings.s3_credentials = match settings.s3_credentials {
            Some(_) => None,
            None => continue,
        };
        let reason =
            "the store does not allow listing; set keys for it, or use it without listing [1.34]";
        assert_eq!(unreachable(&look(settings, &request).await), [reason]);
    }
}

#[tokio::test]
async fn a_listing_that_gives_no_answer_is_unreachable() {
    let request = |base: &str| {
        let pattern = format!("{base}{{os}}-kube-v{{version}}.qcow2");
        let listed = StoreRequest {
            listing: StoreListing::S3,
            ..minors(&[34])
        };
        store_request(&pattern, listed)
    };
    let store = world();
    let settings = settings(&store.mirrors());
    let catalog = look(
        settings.clone(),
        &request(&format!("{}/bucket/", refusing_url())),
    )
    .await;
    assert_eq!(unreachable(&catalog), ["connection refused [1.34]"]);
    let catalog = look(settings.clone(), &request("https://s3.example/")).await;
    assert!(unreachable(&catalog)[0].starts_with("listing needs the bucket's name"));
    let pages = Server::start(|_| Reply::page(200));
    let catalog = look(settings, &request(&format!("{}/bucket/", pages.url()))).await;
    assert_eq!(
        unreachable(&catalog),
        ["the answer is not a listing [1.34]"]
    );
}
