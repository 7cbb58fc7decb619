//! Image manifests, as artifacts use them. Source: the image specification of the Open Container Initiative, 1.1.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use serde::{Deserialize, Serialize};

use super::OciError;
use crate::io::http::Answer;
use crate::version::Sha256;

/// The media type of a manifest.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The media type of a list of manifests.
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What is asked for: an index is told as such, rather than as absent.
pub(super) const ACCEPTED: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";

/// The content of a configuration where there is none to say.
pub(crate) const EMPTY: &[u8] = b"{}";

const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// A manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    pub(crate) config: Descriptor,
    #[serde(default)]
    pub(crate) layers: Vec<Descriptor>,
    /// What this is about, where it is about another manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// What a manifest says of a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
    /// The content in base64, where it is short enough to stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<String>,
}

impl Manifest {
    /// Returns the manifest of an artifact without a configuration.
    pub(crate) fn of_artifact(artifact_type: &str, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(MANIFEST.to_owned()),
            artifact_type: Some(artifact_type.to_owned()),
            config: Descriptor::of(EMPTY_TYPE, EMPTY),
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Reads the manifest of an answer; the error says what is there instead.
    pub(super) fn read(answer: &Answer) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            media_type: Option<String>,
        }
        let kind: Option<Kind> = serde_json::from_slice(&answer.body).ok();
        let named = kind.and_then(|kind| kind.media_type);
        let declared = answer.header(&header::CONTENT_TYPE).map(str::to_owned);
        let media_type = named.or(declared).unwrap_or_default();
        if media_type.contains("image.index") || media_type.contains("manifest.list") {
            return Err("it is an index of several images, not an artifact".to_owned());
        }
        serde_json::from_slice(&answer.body).map_err(|_| "it is not a manifest".to_owned())
    }

    /// Returns it as it is sent.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest has texts and numbers alone")
    }
}

impl Descriptor {
    pub(crate) fn of(media_type: &str, content: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: format!("sha256:{}", Sha256::of(content)),
            size: u64::try_from(content.len()).unwrap_or(u64::MAX),
            annotations: BTreeMap::new(),
            data: None,
        }
    }

    /// Returns it with its content.
    pub(crate) fn with_data(self, content: &[u8]) -> Self {
        Self {
            data: Some(STANDARD.encode(content)),
            ..self
        }
    }

    pub(super) fn sha256(&self) -> Result<Sha256, OciError> {
        let digits = self.digest.strip_prefix("sha256:");
        let read = digits.and_then(|digits| digits.parse().ok());
        read.ok_or_else(|| OciError::Content {
            url: self.digest.clone(),
            reason: "only digests by sha256 are read".to_owned(),
        })
    }
}
