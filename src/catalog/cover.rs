//! Whether a catalog that somebody else made was asked for all that a repository needs. What nobody looked at is unknown, never
//! absent, and what only others asked for is left out: a plan is the same as from a catalog of one's own.

use std::collections::BTreeSet;

use super::{
    Catalog, CatalogRequest, ImageStore, SourceKind, StoreListing, StoreRequest, Unreachable,
    VULNERABILITIES_SOURCE,
};
use crate::version::{KubernetesVersion, Minor, OsRelease};

impl Catalog {
    /// Takes from a catalog what a repository needs, and says what nobody has asked for. A catalog that does not say what it was
    /// asked, as one that a person wrote, stays as it is.
    pub(crate) fn keep_for(&mut self, wanted: &CatalogRequest) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        self.image_stores
            .retain(|store| wanted.stores.contains_key(&store.pattern));
        for store in &mut self.image_stores {
            let own = wanted.stores.get(&store.pattern);
            // A store that nobody looked at is unknown without a word.
            if let (Some(own), Some(theirs)) = (own, asked.stores.get(&store.pattern)) {
                store.keep_minors(&own.minors);
                self.unreachable.extend(store.gaps(own, theirs));
            }
        }
        match (&wanted.vulnerabilities, &asked.vulnerabilities) {
            (None, _) => self.vulnerabilities.clear(),
            (Some(own), Some(theirs)) if own.feed == theirs.feed => {}
            (Some(own), _) => self.unreachable.push(Unreachable {
                kind: SourceKind::Vulnerabilities,
                source: VULNERABILITIES_SOURCE.to_owned(),
                url: own.feed.clone(),
                reason: "the catalog was not asked for it".to_owned(),
                minors: BTreeSet::new(),
            }),
        }
        self.unreachable
            .sort_by(|a, b| (&a.source, &a.url, &a.reason).cmp(&(&b.source, &b.url, &b.reason)));
    }
}

impl ImageStore {
    fn keep_minors(&mut self, minors: &BTreeSet<Minor>) {
        self.searched.retain(|minor| minors.contains(minor));
        self.images
            .retain(|image| minors.contains(&image.version.minor()));
        self.faulty
            .retain(|image| minors.contains(&image.version.minor()));
    }

    /// Says what a repository needs of this store and nobody has looked for.
    fn gaps(&self, own: &StoreRequest, theirs: &StoreRequest) -> Vec<Unreachable> {
        let pattern = &self.pattern;
        let (wanted, used) = (own.proof.of_store(pattern), theirs.proof.of_store(pattern));
        if wanted != used {
            let (used, wanted) = (used.word(), wanted.word());
            let reason = format!("the catalog was asked with proof {used}, not {wanted}");
            return vec![self.gap(reason, self.searched.clone())];
        }
        if own.digests && !theirs.digests {
            let reason = "the catalog was not asked for digests".to_owned();
            return vec![self.gap(reason, self.searched.clone())];
        }
        // Whoever lists a store sees all of it.
        if theirs.listing != StoreListing::None || pattern.is_container_image() {
            return Vec::new();
        }
        let glanced_at = self.glanced_at(own, theirs);
        let systems = self.unseen_systems(own, theirs);
        let versions = self.unseen_versions(own, theirs);
        glanced_at
            .into_iter()
            .chain(systems)
            .chain(versions)
            .collect()
    }

    /// A minor that nobody had yet was looked at no further than to see whether it begins.
    fn glanced_at(&self, own: &StoreRequest, theirs: &StoreRequest) -> Option<Unreachable> {
        let present = own.present();
        let minors: BTreeSet<Minor> = theirs.upcoming.intersection(&present).copied().collect();
        let reason = "the catalog was asked for it as a coming minor alone".to_owned();
        (!minors.is_empty()).then(|| self.gap(reason, minors))
    }

    fn unseen_systems(&self, own: &StoreRequest, theirs: &StoreRequest) -> Option<Unreachable> {
        let mut seen: BTreeSet<&OsRelease> =
            theirs.os_releases.iter().chain(&theirs.wanted_os).collect();
        seen.extend(self.images.iter().filter_map(|image| image.os.as_ref()));
        let mut unseen: BTreeSet<&OsRelease> = own
            .os_releases
            .iter()
            .filter(|os| !seen.contains(os))
            .collect();
        // What people name is looked for with every patch.
        unseen.extend(own.wanted_os.difference(&theirs.wanted_os));
        if !self.pattern.has_os() || unseen.is_empty() {
            return None;
        }
        let names: Vec<String> = unseen.iter().map(ToString::to_string).collect();
        let reason = format!("the catalog was not asked for {}", names.join(", "));
        Some(self.gap(reason, self.searched.clone()))
    }

    fn unseen_versions(&self, own: &StoreRequest, theirs: &StoreRequest) -> Option<Unreachable> {
        let unseen: Vec<KubernetesVersion> = own
            .listed
            .iter()
            .copied()
            .filter(|version| self.searched.contains(&version.minor()))
            .filter(|version| !self.has_seen(*version, own, theirs))
            .collect();
        if unseen.is_empty() {
            return None;
        }
        let names: Vec<String> = unseen.iter().map(ToString::to_string).collect();
        let reason = format!("the catalog was not asked for {}", names.join(", "));
        let minors = unseen.iter().map(|version| version.minor()).collect();
        Some(self.gap(reason, minors))
    }

    /// Tells whether a version that a repository lists was looked at on the operating systems on which it lists it.
    fn has_seen(
        &self,
        version: KubernetesVersion,
        own: &StoreRequest,
        theirs: &StoreRequest,
    ) -> bool {
        if self.faulty.iter().any(|faulty| faulty.version == version) {
            return true;
        }
        let found: BTreeSet<&OsRelease> = self
            .images_of(version)
            .filter_map(|image| image.os.as_ref())
            .collect();
        let asked = theirs.listed_os.get(&version);
        let has_seen_on =
            |os: &OsRelease| found.contains(os) || asked.is_some_and(|asked| asked.contains(os));
        let mut listed_on = own.listed_os.get(&version).into_iter().flatten();
        if self.pattern.has_os() && !listed_on.all(has_seen_on) {
            return false;
        }
        // Up to the newest image each patch was looked at, so that one that is not there is absent.
        let newest = self.images_of_minor(version.minor()).last();
        theirs.listed.contains(&version) || newest.is_some_and(|newest| version <= newest.version)
    }

    fn gap(&self, reason: String, minors: BTreeSet<Minor>) -> Unreachable {
        Unreachable {
            kind: SourceKind::ImageStore,
            source: self.pattern.as_str().to_owned(),
            url: self.pattern.base().to_owned(),
            reason,
            minors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{ImageProof, NodeImage, VulnerabilityRequest};

    const PATTERN: &str = "https://s.example/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2";

    fn store(minors: &[&str], listed: &[&str], os: &[&str]) -> StoreRequest {
        StoreRequest {
            minors: minors.iter().map(|minor| minor.parse().unwrap()).collect(),
            listed: listed
                .iter()
                .map(|version| version.parse().unwrap())
                .collect(),
            os_releases: os.iter().map(|os| os.parse().unwrap()).collect(),
            ..StoreRequest::default()
        }
    }

    fn request(store: StoreRequest) -> CatalogRequest {
        CatalogRequest {
            stores: [(PATTERN.parse().unwrap(), store)].into(),
            ..CatalogRequest::default()
        }
    }

    /// A catalog with images of v1.33.4 and v1.34.7, of what was asked for.
    fn catalog(asked: StoreRequest) -> Catalog {
        let mut catalog = Catalog::empty("2026-06-15".parse().unwrap());
        let images = ["1.33.4", "1.34.7"].map(|version| NodeImage {
            os: "ubuntu-2404".parse().ok(),
            ..NodeImage::new(
                version.parse().unwrap(),
                format!("https://s.example/{version}"),
            )
        });
        catalog.image_stores.push(ImageStore {
            pattern: PATTERN.parse().unwrap(),
            searched: asked.minors.clone(),
            images: images.into(),
            faulty: Vec::new(),
        });
        catalog.asked = Some(request(asked));
        catalog
    }

    fn gaps(asked: StoreRequest, wanted: StoreRequest) -> Vec<String> {
        let mut catalog = catalog(asked);
        catalog.keep_for(&request(wanted));
        let gaps = catalog.unreachable.iter();
        gaps.map(|gap| {
            let minors: Vec<String> = gap.minors.iter().map(ToString::to_string).collect();
            format!("{} ({})", gap.reason, minors.join(" "))
        })
        .collect()
    }

    #[test]
    fn what_was_not_asked_for_is_a_gap() {
        let asked = || store(&["1.33", "1.34"], &["v1.33.4"], &["ubuntu-2404"]);
        for (wanted, gap) in [
            (store(&["1.33"], &["v1.33.4"], &["ubuntu-2404"]), None),
            // Below the newest image everything was looked at.
            (store(&["1.34"], &["v1.34.2", "v1.34.7"], &[]), None),
            (
                store(&["1.34"], &["v1.34.8", "v1.34.20"], &[]),
                Some("the catalog was not asked for v1.34.8, v1.34.20 (1.34)"),
            ),
            // Of a minor that nobody looked at everything is unknown, without a word for each version.
            (store(&["1.36"], &["v1.36.1"], &[]), None),
            (
                store(&["1.33", "1.34"], &[], &["ubuntu-2404", "rockylinux-9"]),
                Some("the catalog was not asked for rockylinux-9 (1.33 1.34)"),
            ),
            (
                StoreRequest {
                    proof: ImageProof::Md5File,
                    ..asked()
                },
                Some("the catalog was asked with proof checksum, not md5 (1.33 1.34)"),
            ),
            (
                StoreRequest {
                    listed_os: [(
                        "v1.34.2".parse().unwrap(),
                        ["ubuntu-2204".parse().unwrap()].into(),
                    )]
                    .into(),
                    ..store(&["1.34"], &["v1.34.2"], &[])
                },
                Some("the catalog was not asked for v1.34.2 (1.34)"),
            ),
            (
                StoreRequest {
                    wanted_os: ["ubuntu-2404".parse().unwrap()].into(),
                    ..store(&["1.34"], &[], &[])
                },
                Some("the catalog was not asked for ubuntu-2404 (1.34)"),
            ),
            (
                StoreRequest {
                    digests: true,
                    ..asked()
                },
                Some("the catalog was not asked for digests (1.33 1.34)"),
            ),
        ] {
            let gap: Vec<String> = gap.into_iter().map(str::to_owned).collect();
            assert_eq!(gaps(asked(), wanted), gap);
        }
    }

    #[test]
    fn a_coming_minor_was_not_looked_through() {
        let theirs = StoreRequest {
            upcoming: ["1.34".parse().unwrap()].into(),
            ..store(&["1.33", "1.34"], &[], &[])
        };
        let told = "the catalog was asked for it as a coming minor alone (1.34)";
        assert_eq!(gaps(theirs.clone(), store(&["1.34"], &[], &[])), [told]);
        assert_eq!(gaps(theirs.clone(), theirs), [] as [&str; 0]);
    }

    #[test]
    fn what_only_others_asked_for_is_left_out() {
        let mut shared = catalog(store(&["1.33", "1.34"], &[], &[]));
        shared.keep_for(&request(store(&["1.34"], &[], &[])));
        let own = &shared.image_stores[0];
        assert_eq!(own.searched, BTreeSet::from(["1.34".parse().unwrap()]));
        assert_eq!(own.images.len(), 1);
        // What a person wrote counts as a whole.
        let mut written = catalog(store(&["1.33", "1.34"], &[], &[]));
        written.asked = None;
        let before = written.clone();
        written.keep_for(&CatalogRequest::default());
        assert_eq!(written, before);
    }

    #[test]
    fn vulnerabilities_that_nobody_asked_for_are_not_known() {
        let wanted = CatalogRequest {
            vulnerabilities: Some(VulnerabilityRequest::default()),
            ..CatalogRequest::default()
        };
        let mut catalog = catalog(StoreRequest::default());
        catalog.keep_for(&wanted);
        assert_eq!(catalog.unreachable[0].kind, SourceKind::Vulnerabilities);
    }
}
