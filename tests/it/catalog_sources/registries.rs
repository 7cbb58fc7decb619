//! Container images and charts in registries, by their tags.

use super::{images, look, minors, settings, store_request, unreachable, world};
use crate::support::server::{Reply, Server};
use csctl_matrix::catalog::{CatalogRequest, ChartRequest};

/// A registry that wants a token which it gives to anybody, and tells its tags in pages of two.
fn registry(tags: &'static [&'static str]) -> Server {
    Server::start(move |request| {
        let url = format!("http://{}", request.header("host").unwrap());
        if request.path.starts_with("/token") {
            assert_eq!(
                request.query("scope").as_deref(),
                Some("repository:kindest/node:pull,push")
            );
            return Reply::ok(r#"{"access_token": "for-anybody"}"#);
        }
        if request.header("authorization") != Some("Bearer for-anybody") {
            let challenge = format!(
                r#"Bearer realm="{url}/token",service="registry",scope="repository:kindest/node:pull,push""#
            );
            return Reply::status(401).with("WWW-Authenticate", &challenge);
        }
        if !request.path.starts_with("/v2/kindest/node/tags/list") {
            return Reply::status(404);
        }
        let start: usize = request
            .query("last")
            .map_or(0, |last| last.parse().unwrap());
        let page = &tags[start..tags.len().min(start + 2)];
        let reply = Reply::ok(
            serde_json::to_vec(&serde_json::json!({"name": "kindest/node", "tags": page})).unwrap(),
        );
        if start + 2 >= tags.len() {
            return reply;
        }
        reply.with(
            "Link",
            &format!(
                "</v2/kindest/node/tags/list?n=2&last={}>; rel=\"next\"",
                start + 2
            ),
        )
    })
}

#[tokio::test]
async fn container_images_are_found_by_their_tags() {
    let server = registry(&[
        "latest",
        "v1.34.0",
        "v1.34.1-rc.0",
        "v1.33.7",
        "v1.34.10",
        "1.34.2",
        "v1.32.1",
    ]);
    let store = world();
    let mut mirrors = store.mirrors();
    mirrors.push(format!("https://registry-1.docker.io/={}/", server.url()));
    let request = store_request("kindest/node:v{version}", minors(&[33, 34]));
    let catalog = look(settings(&mirrors), &request).await;
    assert_eq!(
        (images(&catalog), unreachable(&catalog)),
        (
            vec!["v1.33.7".to_owned(), "v1.34.0".into(), "v1.34.10".into()],
            vec![]
        )
    );
    let image = &catalog.image_stores[0].images[0];
    assert_eq!(
        (image.url.as_str(), &image.sha256),
        ("kindest/node:v1.33.7", &None)
    );
    let missing = store_request("docker.io/no/such:v{version}", minors(&[34]));
    let catalog = look(settings(&mirrors), &missing).await;
    assert_eq!(
        unreachable(&catalog),
        ["the registry does not know the repository [1.34]"]
    );
}

#[tokio::test]
async fn charts_of_a_registry_are_found_by_their_tags() {
    let server = Server::start(|request| match request.path.as_str() {
        "/v2/charts/cilium/tags/list?n=1000" => {
            Reply::ok(r#"{"tags": ["1.17.1", "1.16.3", "1.17.2_build", "sha256-ab.sig"]}"#)
        }
        _ => Reply::status(404),
    });
    let names = ["cilium", "none"].map(str::to_owned);
    let url = "oci://registry.example/charts".to_owned();
    let charts = ChartRequest {
        names: names.into(),
    };
    let request = CatalogRequest {
        charts: [(url.clone(), charts)].into(),
        ..CatalogRequest::default()
    };
    let catalog = look(
        settings(&[format!("https://registry.example/={}", server.url())]),
        &request,
    )
    .await;
    let versions = catalog.find_chart(&url, "cilium").unwrap().iter();
    let versions: Vec<String> = versions.map(ToString::to_string).collect();
    assert_eq!(versions, ["1.16.3", "1.17.1", "1.17.2+build"]);
    assert_eq!(catalog.find_chart(&url, "none"), Some(&[][..]));
}
