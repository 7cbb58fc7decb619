//! The search for the images of one minor: what has been found, and which images are looked at next. It asks no server.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::{Asking, Candidate};
use super::memory::{Expected, Memory, Sightings};
use super::scope::Scope;
use super::{MinorAnswer, Seen, Way};
use crate::catalog::{ImagePattern, StoreRequest};
use crate::io::checksum::{Hit, Proof, Sum};
use crate::io::http::HttpClient;
use crate::io::no_answer::NoAnswer;
use crate::io::pointer::Pointer;
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// What was said of a candidate.
pub(super) struct Look {
    pub(super) hit: Hit,
    pub(super) way: Way,
    /// The round it was asked in.
    pub(super) round: u32,
    pub(super) seen: Seen,
    /// What was said of its checksum file, where that was asked for.
    pub(super) sum: Option<Sum>,
}

/// Looks at images that an earlier run has looked at. They count only where this run looks for these images too, so that what is
/// found never depends on what was kept.
#[derive(Default)]
pub(super) struct Foreseen(BTreeMap<String, Look>);

impl Foreseen {
    pub(super) fn new(looks: Vec<Look>) -> Self {
        let by_url = looks.into_iter().map(|look| (look.hit.url.clone(), look));
        Self(by_url.collect())
    }

    pub(super) fn take(&mut self, candidate: &Candidate) -> Option<Look> {
        self.0.remove(&candidate.hit.url)
    }
}

/// An image that was refused.
pub(super) struct RefusedImage {
    pub(super) hit: Hit,
    pub(super) status: u16,
    pub(super) way: Way,
    /// What was said of its checksum file, where that was asked for.
    pub(super) sum: Option<Sum>,
}

/// What has been found of a minor so far.
pub(super) struct MinorSearch<'a> {
    pattern: &'a ImagePattern,
    request: &'a StoreRequest,
    minor: Minor,
    pub(super) answer: MinorAnswer,
    /// What can exist; nothing before the pointers are known.
    scope: Option<Scope<'a>>,
    /// What was seen a short while ago, and what is seen now.
    memory: Memory,
    seen: Sightings,
    /// The newest patch that is there.
    pub(super) newest: Option<u32>,
    /// The patch up to which was looked.
    end: u32,
    /// How many rounds of requests that took.
    pub(super) round: u32,
    /// Images that were refused.
    pub(super) refused: Vec<RefusedImage>,
    /// What is served in the place of images, with what it is.
    pub(super) pages: Vec<(Hit, &'static str)>,
    /// The URLs that were asked for.
    asked: BTreeSet<String>,
    patches: BTreeMap<u32, PatchSearch>,
}

/// What has been found of a patch so far.
#[derive(Default)]
struct PatchSearch {
    /// How many answers are not there yet.
    open: u32,
    /// Whether anything else was said than that it is not there.
    is_more: bool,
    /// Whether all operating-system releases that it could have are looked at.
    is_whole: bool,
}

impl<'a> MinorSearch<'a> {
    pub(super) fn new(pattern: &'a ImagePattern, request: &'a StoreRequest, minor: Minor) -> Self {
        Self {
            pattern,
            request,
            minor,
            answer: MinorAnswer::default(),
            scope: None,
            memory: Memory::default(),
            seen: Sightings::default(),
            newest: None,
            end: 0,
            round: 1,
            refused: Vec::new(),
            pages: Vec::new(),
            asked: BTreeSet::new(),
            patches: BTreeMap::new(),
        }
    }

    /// Returns the listed images of which it is known what they are called: no pointer is waited for.
    pub(super) fn listed(&mut self) -> Vec<Candidate> {
        let mut listed = Vec::new();
        let (request, minor) = (self.request, self.minor);
        let versions = request.listed.iter();
        for version in versions.filter(|version| version.minor() == minor) {
            if !self.pattern.has_os() {
                listed.extend(self.candidate(*version, None, Asking::WithSum));
            }
            for os in request.listed_os.get(version).into_iter().flatten() {
                listed.extend(self.candidate(*version, Some(os.clone()), Asking::WithSum));
            }
        }
        listed
    }

    /// Returns the images that an earlier run has looked at: they are asked for before it is known whether this one will.
    pub(super) fn remembered(&self, memory: &Memory) -> Vec<Candidate> {
        let own = memory
            .expected()
            .filter(|expected| expected.version.minor() == self.minor);
        let candidates = own.filter_map(|expected| {
            let (version, os) = (expected.version, &expected.os);
            let url = self.pattern.url(version, os.as_ref())?;
            Some(Candidate {
                hit: Hit::of_name(version, os.clone(), url),
                asking: expected.asking,
            })
        });
        candidates
            .filter(|candidate| !self.asked.contains(&candidate.hit.url))
            .collect()
    }

    /// Returns the images that are looked at first, now that it is known what can exist.
    pub(super) fn begin(&mut self, scope: Scope<'a>, memory: Memory) -> Vec<Candidate> {
        let patches = scope.patches();
        self.end = *patches.last().unwrap_or(&0);
        self.scope = Some(scope);
        self.memory = memory;
        let mut first = self.first_of(patches);
        // Where it is known that none of the first is there, the others need not wait.
        first.extend(self.others());
        first
    }

    /// Keeps what was seen for the next run.
    pub(super) fn keep(&self, client: &HttpClient, place: &str) {
        let is_pointer_known = self
            .scope
            .as_ref()
            .is_some_and(|scope| scope.fault().is_none());
        if !client.settings().offline && is_pointer_known {
            self.memory.store(client, place, &self.seen);
        }
    }

    /// Returns the images that are looked at next.
    pub(super) fn next(&mut self) -> Vec<Candidate> {
        let mut next = self.others();
        if let (Some(scope), Some(newest)) = (&self.scope, self.newest) {
            let (end, patches) = scope.further(self.end, newest);
            self.end = end;
            next.extend(self.first_of(patches));
        }
        next
    }

    /// Takes the images that were refused, to be asked for in another way.
    pub(super) fn take_refused(&mut self) -> Vec<Candidate> {
        let refused = std::mem::take(&mut self.refused);
        let candidates = refused.into_iter().map(|refusal| {
            let patch = self.patches.entry(refusal.hit.version.patch()).or_default();
            patch.open += 1;
            Candidate {
                hit: refusal.hit,
                asking: Asking::Image,
            }
        });
        candidates.collect()
    }

    fn first_of(&mut self, patches: BTreeSet<u32>) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for patch in patches {
            let scope = self.scope.as_ref();
            let first = scope.map(|scope| scope.first_os(patch));
            self.patches.entry(patch).or_default();
            let version = KubernetesVersion::new(self.minor, patch);
            for os in first.into_iter().flatten() {
                let asking = self.asking(version, os.as_ref());
                candidates.extend(self.candidate(version, os, asking));
            }
        }
        candidates
    }

    /// Returns the other operating-system releases of patches that are on none of the first ones.
    fn others(&mut self) -> Vec<Candidate> {
        let mut missing = Vec::new();
        for (patch, found) in &mut self.patches {
            if found.open == 0 && !found.is_more && !found.is_whole {
                found.is_whole = true;
                missing.push(*patch);
            }
        }
        let mut candidates = Vec::new();
        for patch in missing {
            let scope = self.scope.as_ref();
            let others = scope.map(|scope| scope.other_os(patch));
            let version = KubernetesVersion::new(self.minor, patch);
            for os in others.into_iter().flatten() {
                let asking = self.asking_other(os.as_ref());
                candidates.extend(self.candidate(version, os, asking));
            }
        }
        candidates
    }

    /// Returns how an image on another system is asked for: a guess is rarely right, and its checksum can wait.
    fn asking_other(&self, os: Option<&OsRelease>) -> Asking {
        match &self.scope {
            Some(scope) if !scope.is_known_os(os) => Asking::Image,
            Some(_) | None => Asking::WithSum,
        }
    }

    /// Returns how an image is asked for: one that somebody says to be there needs its checksum anyway.
    fn asking(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> Asking {
        if self.request.lists(version, os) || self.announces(version, os) {
            Asking::WithSum
        } else {
            Asking::Image
        }
    }

    /// Returns an image that has not been asked for yet.
    fn candidate(
        &mut self,
        version: KubernetesVersion,
        os: Option<OsRelease>,
        asking: Asking,
    ) -> Option<Candidate> {
        // Names with the day of the build are never asked for: `io::catalog` sees to it.
        let url = self.pattern.url(version, os.as_ref())?;
        let is_new = self.asked.insert(url.clone());
        if !is_new || self.is_known_absent(version, os.as_ref(), &url) {
            return None;
        }
        self.patches.entry(version.patch()).or_default().open += 1;
        Some(Candidate {
            hit: Hit::of_name(version, os, url),
            asking,
        })
    }

    /// Tells whether an image that nobody says to be there was not there a short while ago.
    fn is_known_absent(
        &self,
        version: KubernetesVersion,
        os: Option<&OsRelease>,
        url: &str,
    ) -> bool {
        let is_claimed = self.request.lists(version, os) || self.announces(version, os);
        !is_claimed && self.memory.is_absent(self.file(url))
    }

    /// Returns the part of a URL that tells the images of the store apart.
    fn file<'u>(&self, url: &'u str) -> &'u str {
        url.strip_prefix(self.pattern.base()).unwrap_or(url)
    }

    /// Keeps what the next run is to know of a look. It need not ask for an image that is not there, as long as the pointer does not
    /// name it, and is not behind it.
    fn note(&mut self, look: &Look) {
        let hit = &look.hit;
        let named = self.scope.as_ref().and_then(Scope::pointer);
        let named = named.and_then(Pointer::version);
        let is_passed = named.is_some_and(|named| hit.version <= named);
        if matches!(look.seen, Seen::Absent) && is_passed && !self.is_expected(hit) {
            let file = self.file(&hit.url).to_owned();
            self.seen.missing.insert(file);
            return;
        }
        let asking = if matches!(look.seen, Seen::There) || look.sum.is_some() {
            Asking::WithSum
        } else {
            Asking::Image
        };
        self.seen.expected.insert(Expected {
            version: hit.version,
            os: hit.os.clone(),
            asking,
        });
    }

    /// Notes what was seen, and returns the image where it is there and wants to be proved.
    pub(super) fn judge(&mut self, look: Look) -> Option<Hit> {
        self.note(&look);
        let Look { mut hit, seen, .. } = look;
        self.round = self.round.max(look.round);
        let patch = self.patches.entry(hit.version.patch()).or_default();
        patch.open = patch.open.saturating_sub(1);
        // A bucket that may not be listed says 403 of what is not there, and some stores send a page.
        patch.is_more |= !matches!(seen, Seen::Absent | Seen::Refused(403) | Seen::Page(_));
        match seen {
            Seen::There => {
                self.newest = self.newest.max(Some(hit.version.patch()));
                let scope = self.scope.as_ref();
                let pointer = scope.and_then(Scope::pointer);
                let announced = pointer.filter(|own| own.names(hit.version, hit.os.as_ref()));
                hit.announced = announced.map(|pointer| pointer.day);
                let Some(sum) = look.sum else {
                    return Some(hit);
                };
                self.add_proof(hit.prove_by(self.request.proof, sum));
            }
            Seen::Absent => {
                self.add_missing(hit, 404);
            }
            Seen::Refused(status) => self.refused.push(RefusedImage {
                hit,
                status,
                way: look.way,
                sum: look.sum,
            }),
            Seen::Page(page) => self.pages.push((hit, page)),
            Seen::Unknown(fault) => {
                self.answer.fault.get_or_insert(fault);
            }
        }
        None
    }

    /// Notes an image that is not there, where the store's pointer says that it is.
    pub(super) fn add_missing(&mut self, hit: Hit, status: u16) {
        if self.announces(hit.version, hit.os.as_ref()) {
            let minor = self.minor;
            let reason = format!("announced by last-{minor}, but the image answers {status}");
            self.answer.faulty.push(hit.faulty(reason));
        }
    }

    pub(super) fn add_proof(&mut self, proof: Proof) {
        match proof {
            Proof::Proved(image) => self.answer.images.push(image),
            Proof::Faulty(image) => self.answer.faulty.push(image),
            Proof::Unknown(fault) => {
                self.answer.fault.get_or_insert(fault);
            }
        }
    }

    /// Tells whether the repository or the store's pointer says that the image is there.
    pub(super) fn is_expected(&self, hit: &Hit) -> bool {
        let (version, os) = (hit.version, hit.os.as_ref());
        self.request.lists(version, os) || self.announces(version, os)
    }

    fn announces(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> bool {
        let pointer = self.scope.as_ref().and_then(Scope::pointer);
        pointer.is_some_and(|pointer| pointer.names(version, os))
    }

    /// Decides what refused images and pages mean: beside real images they are gaps, alone they are no answer.
    pub(super) fn finish(mut self) -> MinorAnswer {
        let has_images = self.newest.is_some();
        let refused = std::mem::take(&mut self.refused);
        let pages = std::mem::take(&mut self.pages);
        let only_pages = pages.first().map(|(hit, page)| {
            let reason = format!("answers with {page} instead of an image");
            NoAnswer::new(&hit.url, reason)
        });
        for (hit, page) in pages {
            if has_images && self.is_expected(&hit) {
                let faulty = hit.faulty(format!("the image is {page}"));
                self.answer.faulty.push(faulty);
            }
        }
        let mut gap = None;
        for refusal in refused {
            let fault = refusal.fault();
            if refusal.is_gap() {
                gap.get_or_insert(fault);
            } else {
                self.answer.fault.get_or_insert(fault);
            }
            self.add_missing(refusal.hit, refusal.status);
        }
        if !has_images && self.answer.fault.is_none() {
            self.answer.fault = only_pages.or(gap);
        }
        self.answer
    }
}

impl RefusedImage {
    /// Tells whether the image may simply not be there. A server that knows no HEAD has not said so.
    fn is_gap(&self) -> bool {
        self.status == 403
    }

    fn fault(&self) -> NoAnswer {
        let status = self.status;
        let reason = match self.way {
            Way::FirstByte => format!("answers {status} to HEAD and to GET"),
            Way::Head if self.is_gap() => format!("answers {status}"),
            Way::Head => format!("answers {status} to HEAD, and no checksum says what is there"),
        };
        NoAnswer::new(&self.hit.url, reason)
    }
}
