//! An image store that answers over HTTP and lists nothing: every patch is looked at by its URL. Gaps are normal, a patch
//! may be there for several operating-system releases, and an image counts only with its checksum.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, join_all};

use super::checksum::{Hit, Proof, prove};
use super::fault::{Fault, find_page};
use super::http::{Ask, HttpClient};
use super::pointer::{self, Pointer};
use crate::catalog::{FaultyImage, ImagePattern, ImageStore, NodeImage, StoreRequest, Unreachable};
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// How far beyond the newest known patch is looked: pointers lag behind, patches are left out.
const BEYOND: u32 = 3;

/// How far is looked where no pointer says anything; minors rarely get more patches.
const UNTOLD: u32 = 15;

/// The last patch that is looked at unless the repository lists a later one.
const LAST_PATCH: u32 = 59;

/// A pointer has one line.
const POINTER_LIMIT: usize = 64 << 10;

/// Long-term releases of Ubuntu in their order: the ones images of a minor may move between.
const UBUNTU: [&str; 4] = ["ubuntu-2004", "ubuntu-2204", "ubuntu-2404", "ubuntu-2604"];

/// What a store said.
#[derive(Debug)]
pub(crate) struct StoreAnswer {
    pub(crate) store: ImageStore,
    pub(crate) unreachable: Vec<Unreachable>,
}

/// What is known of one minor.
#[derive(Debug, Default)]
pub(crate) struct MinorAnswer {
    pub(crate) images: Vec<NodeImage>,
    pub(crate) faulty: Vec<FaultyImage>,
    pub(crate) fault: Option<Fault>,
}

/// What the HEAD of one image said.
enum Seen {
    There,
    Absent,
    Forbidden,
    Page(&'static str),
    Unknown(Fault),
}

/// Looks at every minor of the request.
pub(crate) async fn look(
    client: &HttpClient,
    pattern: &ImagePattern,
    request: &StoreRequest,
) -> StoreAnswer {
    let searches = request.minors.iter().map(|minor| async move {
        let search = Search {
            client,
            pattern,
            request,
            minor: *minor,
        };
        (*minor, search.run().await)
    });
    let mut answer = collect(pattern, join_all(searches).await);
    let is_silent = answer.unreachable.is_empty() && answer.store.faulty.is_empty();
    let is_expected = request
        .listed
        .iter()
        .any(|version| request.minors.contains(&version.minor()));
    if answer.store.images.is_empty() && is_silent && is_expected {
        let reason = "has none of the images that are listed; has the store moved?";
        let fault = Fault::new(pattern.base(), reason);
        answer
            .unreachable
            .push(fault.into_unreachable(pattern.as_str(), request.minors.clone()));
    }
    answer
}

/// Puts the minors of a store together in a fixed order; equal faults of several minors are one.
pub(crate) fn collect(pattern: &ImagePattern, minors: Vec<(Minor, MinorAnswer)>) -> StoreAnswer {
    let mut store = ImageStore {
        pattern: pattern.clone(),
        searched: BTreeSet::new(),
        images: Vec::new(),
        faulty: Vec::new(),
    };
    let mut faults: BTreeMap<String, (Fault, BTreeSet<Minor>)> = BTreeMap::new();
    for (minor, answer) in minors {
        store.searched.insert(minor);
        store.images.extend(answer.images);
        store.faulty.extend(answer.faulty);
        if let Some(fault) = answer.fault {
            let entry = faults.entry(fault.reason.clone());
            entry.or_insert((fault, BTreeSet::new())).1.insert(minor);
        }
    }
    store
        .images
        .sort_by(|a, b| (a.version, &a.os).cmp(&(b.version, &b.os)));
    store
        .faulty
        .sort_by(|a, b| (a.version, &a.url).cmp(&(b.version, &b.url)));
    let unreachable = faults.into_values();
    StoreAnswer {
        store,
        unreachable: unreachable
            .map(|(fault, minors)| fault.into_unreachable(pattern.as_str(), minors))
            .collect(),
    }
}

struct Search<'a> {
    client: &'a HttpClient,
    pattern: &'a ImagePattern,
    request: &'a StoreRequest,
    minor: Minor,
}

/// What has been found of a minor so far.
#[derive(Default)]
struct Found {
    answer: MinorAnswer,
    newest: Option<u32>,
    forbidden: Option<String>,
    page: Option<(String, &'static str)>,
}

impl Search<'_> {
    async fn run(&self) -> MinorAnswer {
        let mut found = Found::default();
        let pointer = self.fetch_pointer().await.unwrap_or_else(|fault| {
            found.answer.fault = Some(fault);
            None
        });
        // Every search begins with the pointer: where the cache has no answer about it, it has none about the images.
        if found.answer.fault.is_some() && self.client.settings().offline {
            return found.answer;
        }
        let tokens = self.tokens(pointer.as_ref());
        let mut patches = self.first_patches(pointer.as_ref());
        let mut end = *patches.last().unwrap_or(&0);
        let mut hits = Vec::new();
        let mut round = 2;
        // Each turn proves what the one before found, and looks further as long as there is more to find.
        while !patches.is_empty() || !hits.is_empty() {
            let candidates = self.candidates(&patches, &tokens, pointer.as_ref());
            let proofs = hits.drain(..).map(|hit| prove(self.client, hit, round));
            let heads = candidates.into_iter().map(|hit| self.look_at(hit, round));
            let (seen, proofs) = join(join_all(heads), join_all(proofs)).await;
            for proof in proofs {
                found.add_proof(proof);
            }
            for (hit, seen) in seen {
                hits.extend(self.judge(&mut found, hit, seen, pointer.as_ref()));
            }
            let further = found
                .newest
                .map_or(0, |newest| (newest + BEYOND).min(LAST_PATCH));
            patches = (end + 1..=further).collect();
            end = end.max(further);
            round += 1;
        }
        found.finish()
    }

    /// Asks for the pointer; a store may have none.
    async fn fetch_pointer(&self) -> Result<Option<Pointer>, Fault> {
        let url = self.pointer_url();
        let answer = self.client.ask(Ask::get(&url, POINTER_LIMIT)).await?;
        match answer.status {
            200 => {}
            403 | 404 | 410 => return Ok(None),
            status => return Err(Fault::of_status(&url, status)),
        }
        if let Some(page) = find_page(&answer) {
            return Err(Fault::new(&url, format!("the pointer is {page}")));
        }
        match pointer::parse(&answer.body, self.pattern, self.minor) {
            Ok(pointer) => Ok(Some(pointer)),
            Err(reason) => Err(Fault::new(&url, reason)),
        }
    }

    fn pointer_url(&self) -> String {
        format!("{}last-{}", self.pattern.base(), self.minor)
    }

    /// Returns the operating-system releases to look for: those of the repository and the pointer, and their neighbours.
    fn tokens(&self, pointer: Option<&Pointer>) -> Vec<Option<OsRelease>> {
        if !self.pattern.has_os() {
            return vec![None];
        }
        let ubuntu = UBUNTU.iter().filter_map(|token| token.parse().ok());
        let ubuntu: Vec<OsRelease> = ubuntu.collect();
        let mut known = self.request.os_releases.clone();
        known.extend(pointer.and_then(|pointer| pointer.named.as_ref()?.1.clone()));
        if known.is_empty() {
            return ubuntu.into_iter().map(Some).collect();
        }
        let beside = ubuntu.iter().enumerate().filter(|(at, _)| {
            let near = ubuntu
                .iter()
                .skip(at.saturating_sub(1))
                .take(if *at == 0 { 2 } else { 3 });
            near.into_iter().any(|token| known.contains(token))
        });
        let beside: Vec<OsRelease> = beside.map(|(_, token)| token.clone()).collect();
        known.extend(beside);
        known.into_iter().map(Some).collect()
    }

    /// Returns the patches that are looked at first, ascending.
    fn first_patches(&self, pointer: Option<&Pointer>) -> BTreeSet<u32> {
        let listed = self
            .request
            .listed
            .iter()
            .filter(|version| version.minor() == self.minor);
        let listed: BTreeSet<u32> = listed.map(|version| version.patch()).collect();
        let named = pointer.and_then(|pointer| Some(pointer.named.as_ref()?.0.patch()));
        let told = named.unwrap_or(UNTOLD - BEYOND);
        let usual = listed.iter().filter(|patch| **patch <= LAST_PATCH);
        let newest = usual.max().map_or(told, |newest| told.max(*newest));
        let range = 0..=(newest.saturating_add(BEYOND)).min(LAST_PATCH);
        range.chain(listed.iter().copied()).chain(named).collect()
    }

    fn candidates(
        &self,
        patches: &BTreeSet<u32>,
        tokens: &[Option<OsRelease>],
        pointer: Option<&Pointer>,
    ) -> Vec<Hit> {
        let mut candidates = Vec::with_capacity(patches.len() * tokens.len());
        for patch in patches {
            let version = KubernetesVersion::new(self.minor, *patch);
            for os in tokens {
                let announced = pointer.filter(|pointer| pointer.names(version, os.as_ref()));
                candidates.push(Hit {
                    version,
                    os: os.clone(),
                    url: self.pattern.url(version, os.as_ref()),
                    modified: None,
                    size: None,
                    announced: announced.map(|pointer| pointer.day),
                });
            }
        }
        candidates
    }

    /// Asks whether an image is there.
    async fn look_at(&self, mut hit: Hit, round: u32) -> (Hit, Seen) {
        let answer = match self.client.ask(Ask::head(&hit.url).in_round(round)).await {
            Ok(answer) => answer,
            Err(error) => return (hit, Seen::Unknown(error.into())),
        };
        let seen = match answer.status {
            200 => match find_page(&answer) {
                Some(page) => Seen::Page(page),
                None if answer.content_length() == Some(0) => Seen::Page("an empty file"),
                None => Seen::There,
            },
            404 | 410 => Seen::Absent,
            403 => Seen::Forbidden,
            status => Seen::Unknown(Fault::of_status(&hit.url, status)),
        };
        hit.modified = answer.last_modified();
        hit.size = answer.content_length();
        (hit, seen)
    }

    /// Notes what was seen, and returns the image where it is there and wants to be proved.
    fn judge(
        &self,
        found: &mut Found,
        hit: Hit,
        seen: Seen,
        pointer: Option<&Pointer>,
    ) -> Option<Hit> {
        let announced = pointer.is_some_and(|pointer| pointer.names(hit.version, hit.os.as_ref()));
        match seen {
            Seen::There => {
                found.newest = found.newest.max(Some(hit.version.patch()));
                return Some(hit);
            }
            Seen::Absent | Seen::Forbidden => {
                let mut status = 404;
                if matches!(seen, Seen::Forbidden) {
                    status = 403;
                    found.forbidden.get_or_insert_with(|| hit.url.clone());
                }
                if announced {
                    let reason = format!(
                        "announced by last-{}, but the image answers {status}",
                        self.minor
                    );
                    found.answer.faulty.push(hit.faulty(reason));
                }
            }
            Seen::Page(page) => {
                found.page.get_or_insert_with(|| (hit.url.clone(), page));
                if announced || self.is_listed(&hit) {
                    found
                        .answer
                        .faulty
                        .push(hit.faulty(format!("the image is {page}")));
                }
            }
            Seen::Unknown(fault) => {
                found.answer.fault.get_or_insert(fault);
            }
        }
        None
    }

    fn is_listed(&self, hit: &Hit) -> bool {
        let known_os = hit
            .os
            .as_ref()
            .is_none_or(|os| self.request.os_releases.contains(os));
        known_os && self.request.listed.contains(&hit.version)
    }
}

impl Found {
    /// Decides what forbidden images and pages mean: beside real images they are gaps, alone they are no answer.
    fn finish(self) -> MinorAnswer {
        let mut answer = self.answer;
        if self.newest.is_none() && answer.fault.is_none() {
            answer.fault = match (self.page, self.forbidden) {
                (Some((url, page)), _) => Some(Fault::new(
                    &url,
                    format!("answers with {page} instead of an image"),
                )),
                (None, Some(url)) => Some(Fault::of_status(&url, 403)),
                (None, None) => None,
            };
        }
        answer
    }

    fn add_proof(&mut self, proof: Proof) {
        match proof {
            Proof::Proved(image) => self.answer.images.push(image),
            Proof::Faulty(image) => self.answer.faulty.push(image),
            Proof::Unknown(fault) => {
                self.answer.fault.get_or_insert(fault);
            }
        }
    }
}

impl Pointer {
    fn names(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> bool {
        self.named
            .as_ref()
            .is_some_and(|(named, named_os)| *named == version && named_os.as_ref() == os)
    }
}
