//! Indexes of Helm repositories.

use super::{look, settings, unreachable, world};
use crate::support::server::Reply;
use crate::support::store::CHARTS;
use csctl_matrix::catalog::{CatalogRequest, ChartRequest};

#[tokio::test]
async fn an_index_that_is_none_is_unreachable() {
    let store = world();
    let names = ["cilium".to_owned()];
    let charts = ChartRequest {
        names: names.into(),
    };
    let request = CatalogRequest {
        charts: [(CHARTS.to_owned(), charts)].into(),
        ..CatalogRequest::default()
    };
    for (reply, reason) in [
        (
            Reply::page(200),
            "is a web page, not the index of a Helm repository []",
        ),
        (Reply::page(404), "answers 404 []"),
        (
            Reply::ok("entries: 3"),
            "is not the index of a Helm repository: entries: invalid type: integer `3`, expected a map at line 1 column 10 []",
        ),
        (
            Reply::ok("apiVersion: v1\n"),
            "is not the index of a Helm repository: it has no entries []",
        ),
    ] {
        store.fault(CHARTS, reply);
        let catalog = look(settings(&store.mirrors()), &request).await;
        assert_eq!(
            (unreachable(&catalog), catalog.chart_repositories.len()),
            (vec![reason.to_owned()], 0)
        );
    }
    store.fault(
        CHARTS,
        Reply::ok("entries:\n  cilium:\n  - version: 1.10\n  - version: 1.10.0\n  - {}\n"),
    );
    let catalog = look(settings(&store.mirrors()), &request).await;
    let versions = catalog.find_chart(CHARTS, "cilium").unwrap();
    assert_eq!(
        (versions.len(), versions[0].to_string()),
        (1, "1.10.0".to_owned())
    );
}

#[tokio::test]
async fn a_huge_index_is_read() {
    let store = world();
    let versions: Vec<String> = (0..200).map(|patch| format!("1.0.{patch}")).collect();
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    for number in 0..60 {
        store.chart(CHARTS, &format!("chart-{number}"), &versions);
    }
    let names = ["chart-7".to_owned()];
    let charts = ChartRequest {
        names: names.into(),
    };
    let request = CatalogRequest {
        charts: [(CHARTS.to_owned(), charts)].into(),
        ..CatalogRequest::default()
    };
    let catalog = look(settings(&store.mirrors()), &request).await;
    assert_eq!(catalog.find_chart(CHARTS, "chart-7").unwrap().len(), 200);
}
