//! What is blocked, decided once for a stack: single images, and versions all of whose images are. Everybody reads the answer here.

use std::collections::BTreeMap;

use super::{Block, Policy};
use crate::version::{KubernetesVersion, OsRelease};

/// An image as far as a block speaks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockableImage<'a> {
    /// Its Kubernetes version.
    pub(crate) version: KubernetesVersion,
    /// Its operating system, where it is known.
    pub(crate) os: Option<&'a OsRelease>,
}

/// What is blocked of the images that a stack's files and stores name.
#[derive(Debug, Clone, Default)]
pub struct Blocked<'p> {
    blocks: &'p [Block],
    /// Versions all of whose images are blocked, each with a block.
    versions: BTreeMap<KubernetesVersion, &'p Block>,
}

impl<'p> Blocked<'p> {
    /// Decides what a policy blocks; `images` are all that files and stores name, and are looked at only where something is blocked.
    pub(crate) fn new<'i>(
        policy: &'p Policy,
        images: impl Iterator<Item = BlockableImage<'i>>,
    ) -> Self {
        let mut blocked = Self {
            blocks: &policy.blocked,
            versions: BTreeMap::new(),
        };
        if blocked.blocks.is_empty() {
            return blocked;
        }
        let mut free: Vec<KubernetesVersion> = Vec::new();
        for image in images {
            match blocked.own_block(image.version, image.os) {
                Some(block) => {
                    blocked.versions.entry(image.version).or_insert(block);
                }
                // A blocked image may come after this one, so that free versions are taken out at the end.
                None => free.push(image.version),
            }
        }
        for version in free {
            blocked.versions.remove(&version);
        }
        // A block without an operating system needs no image to be known.
        let whole = policy.blocked.iter().filter(|block| block.os.is_none());
        blocked
            .versions
            .extend(whole.map(|block| (block.version, block)));
        blocked
    }

    /// Tells whether nothing is blocked.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Returns what blocks a version with all of its images.
    pub fn version(&self, version: KubernetesVersion) -> Option<&'p Block> {
        self.versions.get(&version).copied()
    }

    /// Returns what blocks an image: a block of its own, or of its version.
    pub fn image(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> Option<&'p Block> {
        self.own_block(version, os)
            .or_else(|| self.version(version))
    }

    fn own_block(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> Option<&'p Block> {
        self.blocks.iter().find(|block| block.covers(version, os))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(os: Option<&str>) -> Block {
        Block {
            version: "v1.34.5".parse().unwrap(),
            os: os.map(|os| os.parse().unwrap()),
            reason: "bad".to_owned(),
            by: None,
            on: None,
        }
    }

    /// Whether the image on this system, one on no known system, and the version are blocked.
    fn answers(blocks: &[Block], known: &[&str], asked: &str) -> (bool, bool, bool) {
        let policy = Policy {
            blocked: blocks.to_vec(),
            ..Policy::default()
        };
        let version = block(None).version;
        let known: Vec<OsRelease> = known.iter().map(|os| os.parse().unwrap()).collect();
        let images = known.iter().map(|os| BlockableImage {
            version,
            os: Some(os),
        });
        let blocked = Blocked::new(&policy, images);
        let asked: OsRelease = asked.parse().unwrap();
        (
            blocked.image(version, Some(&asked)).is_some(),
            blocked.image(version, None).is_some(),
            blocked.version(version).is_some(),
        )
    }

    #[test]
    fn a_version_is_blocked_by_itself_or_with_its_last_image() {
        let (jammy, noble) = ("ubuntu-2204", "ubuntu-2404");
        assert_eq!(answers(&[], &[jammy], jammy), (false, false, false));
        assert_eq!(answers(&[block(None)], &[], jammy), (true, true, true));
        let one = [block(Some(jammy))];
        assert_eq!(answers(&one, &[jammy, noble], jammy), (true, false, false));
        assert_eq!(answers(&one, &[jammy, noble], noble), (false, false, false));
        assert_eq!(answers(&one, &[jammy], jammy), (true, true, true));
        // Nothing is known of its images: only the image that is named is blocked.
        assert_eq!(answers(&one, &[], jammy), (true, false, false));
        let both = [block(Some(jammy)), block(Some(noble))];
        assert_eq!(answers(&both, &[jammy, noble], noble), (true, true, true));
    }
}
