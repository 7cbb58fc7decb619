//! The releases of a repository, as GitHub lists them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{ForgeError, GitHub};
use crate::release::{ReleaseSource, Sighting};

/// A release. Source: "List releases" of GitHub's REST API.
#[derive(Deserialize)]
struct ReleaseWire {
    tag_name: String,
    /// A draft is seen by those alone who may write.
    #[serde(default)]
    draft: bool,
    published_at: Option<Timestamp>,
}

impl GitHub {
    /// Lists what is published.
    pub(crate) async fn releases(&self) -> Result<Vec<Sighting>, ForgeError> {
        let path = self.path("/releases");
        let all = self.list(&path, |page: Vec<ReleaseWire>| page).await?;
        let published = all.into_iter().filter(|release| !release.draft);
        let sightings = published.map(|release| Sighting {
            source: ReleaseSource::GitHub,
            tag: release.tag_name,
            kubernetes: None,
            day: release
                .published_at
                .map(|moment| moment.to_zoned(TimeZone::UTC).date()),
            digest: None,
            fault: None,
        });
        Ok(sightings.collect())
    }
}
