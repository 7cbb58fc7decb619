//! Why a stack line changes: a line for each reason, and one for all images that were proved alike.

use super::{GREEN, labelled};
use crate::plan::{Evidence, LinePlan, Reason};
use crate::report::compact;
use crate::version::{KubernetesVersion, OsRelease};

/// What images have in common that are told in one line.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Alike<'r> {
    os: Option<&'r OsRelease>,
    evidence: Evidence,
}

impl<'r> Alike<'r> {
    fn of(reason: &'r Reason) -> Option<Self> {
        match reason {
            Reason::ImageProved { image, .. } => Some(Self {
                os: image.os.as_ref(),
                evidence: image.evidence,
            }),
            _ => None,
        }
    }
}

/// Returns the reasons of a line. What is said here of many images at once, JSON says of each.
pub(super) fn reasons(line: &LinePlan) -> String {
    let mut out = String::new();
    let mut told: Vec<Alike<'_>> = Vec::new();
    for reason in &line.reasons {
        let Some(alike) = Alike::of(reason) else {
            out.push_str(&labelled("why ", GREEN, &reason.to_string()));
            continue;
        };
        if told.contains(&alike) {
            continue;
        }
        told.push(alike);
        let text = match versions_of(line, alike)[..] {
            // One image alone is told with its size and the day it was built.
            [_] => reason.to_string(),
            ref versions => proved(versions, alike),
        };
        out.push_str(&labelled("why ", GREEN, &text));
    }
    out
}

fn versions_of(line: &LinePlan, wanted: Alike<'_>) -> Vec<KubernetesVersion> {
    let mut versions: Vec<KubernetesVersion> = line
        .reasons
        .iter()
        .filter(|reason| Alike::of(reason) == Some(wanted))
        .filter_map(|reason| match reason {
            Reason::ImageProved { version, .. } => Some(*version),
            _ => None,
        })
        .collect();
    versions.sort_unstable();
    versions
}

/// `4 images and their checksums proved: v1.34.0, 4, 7-8 (ubuntu-2404)`.
fn proved(versions: &[KubernetesVersion], alike: Alike<'_>) -> String {
    let count = versions.len();
    let what = match alike.evidence {
        Evidence::Checksum => "images and their checksums proved",
        Evidence::Presence => "images are there",
        Evidence::Nothing => "images are there, and nothing proves them",
    };
    let os = alike.os.map(|os| format!(" ({os})")).unwrap_or_default();
    format!("{count} {what}: v{}{os}", compact(versions))
}
