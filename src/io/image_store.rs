//! An image store that answers over HTTP and lists nothing: every patch is looked at by its URL. Gaps are normal, a patch
//! may be there for several operating-system releases, and an image counts only with what proves it. A store that refuses HEAD is
//! asked for the first byte of its images instead, once it is known to have some.

mod answer;

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};

use super::checksum::{Hit, Proof, has_sum, prove};
use super::http::{Answer, Ask, HttpClient, is_refused_head};
use super::no_answer::{NoAnswer, find_declared_page, find_page};
use super::pointer::{self, Pointer};
use crate::catalog::{ImagePattern, SourceKind, StoreRequest};
use crate::version::{KubernetesVersion, Minor, OsRelease};
pub(crate) use answer::{MinorAnswer, StoreAnswer, collect};

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

/// How an image is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Head,
    FirstByte,
}

/// What was said of one image.
enum Seen {
    There,
    Absent,
    /// With this status: the image is not to be had, or it is not to be asked for in this way.
    Refused(u16),
    Page(&'static str),
    Unknown(NoAnswer),
}

/// How many images of a minor are looked at more closely, to learn whether HEAD is refused.
const WITNESSES: usize = 3;

/// Looks at every minor of the request.
pub(crate) async fn look(
    client: &HttpClient,
    pattern: &ImagePattern,
    request: &StoreRequest,
) -> StoreAnswer {
    let searches: Vec<Search<'_>> = request
        .minors
        .iter()
        .map(|minor| Search {
            client,
            pattern,
            request,
            minor: *minor,
        })
        .collect();
    let mut found = join_all(searches.iter().map(Search::run)).await;
    let suspicions = searches.iter().zip(&found);
    let refusals = join_all(suspicions.map(|(search, found)| search.is_head_refused(found))).await;
    // The store is one server: what one minor shows of HEAD holds for all.
    if refusals.contains(&true) {
        let again = searches.iter().zip(found);
        found = join_all(again.map(|(search, found)| search.run_again(found))).await;
    }
    let minors = searches
        .iter()
        .zip(found)
        .map(|(search, found)| (search.minor, search.finish(found)));
    let mut answer = collect(pattern, minors.collect());
    let is_silent = answer.unreachable.is_empty() && answer.store.faulty.is_empty();
    let is_expected = request
        .listed
        .iter()
        .any(|version| request.minors.contains(&version.minor()));
    // A store that has moved may answer 404 to everything, which would look as if nothing were there.
    if answer.store.images.is_empty() && is_silent && is_expected {
        let reason = "has none of the images that are listed; has the store moved?";
        let fault = NoAnswer::new(pattern.base(), reason);
        answer.unreachable.push(fault.into_unreachable(
            SourceKind::ImageStore,
            pattern.as_str(),
            request.minors.clone(),
        ));
    }
    answer
}

/// Says of a store whose names carry the day of the build that it has to be listed: no such name can be guessed.
pub(crate) fn refuse_dated(pattern: &ImagePattern, request: &StoreRequest) -> StoreAnswer {
    let base = pattern.base();
    let authority = pattern.host().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let reason = format!(
        "image names of {host} contain a build date, so it must be listed: set imageStore.listing to s3"
    );
    let minors = request.minors.iter().map(|minor| {
        let answer = MinorAnswer {
            fault: Some(NoAnswer::new(base, reason.clone())),
            ..MinorAnswer::default()
        };
        (*minor, answer)
    });
    collect(pattern, minors.collect())
}

struct Search<'a> {
    client: &'a HttpClient,
    pattern: &'a ImagePattern,
    request: &'a StoreRequest,
    minor: Minor,
}

/// What has been found of a minor so far.
#[derive(Default)]
struct MinorSearch {
    answer: MinorAnswer,
    pointer: Option<Pointer>,
    /// The newest patch that is there.
    newest: Option<u32>,
    /// The patch up to which was looked.
    end: u32,
    /// How many rounds of requests that took.
    round: u32,
    /// Images that were refused.
    refused: Vec<RefusedImage>,
    /// What is served in the place of images, with what it is.
    pages: Vec<(Hit, &'static str)>,
}

/// An image that was refused.
struct RefusedImage {
    hit: Hit,
    status: u16,
    way: Way,
}

impl Search<'_> {
    async fn run(&self) -> MinorSearch {
        let mut found = MinorSearch {
            round: 1,
            ..MinorSearch::default()
        };
        match self.fetch_pointer().await {
            Ok(pointer) => found.pointer = pointer,
            Err(fault) => found.answer.fault = Some(fault),
        }
        // Every search begins with the pointer: where the cache has no answer about it, it has none about the images.
        if found.answer.fault.is_some() && self.client.settings().offline {
            return found;
        }
        let patches = self.first_patches(found.pointer.as_ref());
        found.end = *patches.last().unwrap_or(&0);
        let candidates = self.candidates(&patches, &found);
        self.search(found, candidates, Way::Head).await
    }

    /// Asks in another way for what was refused.
    async fn run_again(&self, mut found: MinorSearch) -> MinorSearch {
        // The round of the witnesses is in between.
        found.round += 1;
        let refused = std::mem::take(&mut found.refused);
        let candidates = refused.into_iter().map(|refusal| refusal.hit).collect();
        self.search(found, candidates, Way::FirstByte).await
    }

    /// Looks at images and proves them. Each turn proves what the one before found, and looks further as long as there is more
    /// to find.
    async fn search(
        &self,
        mut found: MinorSearch,
        mut candidates: Vec<Hit>,
        way: Way,
    ) -> MinorSearch {
        let mut hits = Vec::new();
        while !candidates.is_empty() || !hits.is_empty() {
            found.round += 1;
            let round = found.round;
            let proofs = hits
                .drain(..)
                .map(|hit| prove(self.client, hit, self.request.proof, round));
            let looks = candidates
                .into_iter()
                .map(|hit| self.look_at(hit, way, round));
            let (seen, proofs) = join(join_all(looks), join_all(proofs)).await;
            for proof in proofs {
                found.add_proof(proof);
            }
            for (hit, seen) in seen {
                hits.extend(found.judge(hit, seen, way));
            }
            let further = found
                .newest
                .map_or(0, |newest| (newest + BEYOND).min(LAST_PATCH));
            let patches = (found.end + 1..=further).collect();
            found.end = found.end.max(further);
            candidates = self.candidates(&patches, &found);
        }
        found
    }

    /// Tells whether the store refuses HEAD for images that it has: the checksum of one that was refused is there. Where the
    /// store answers so for every gap, a few images tell.
    async fn is_head_refused(&self, found: &MinorSearch) -> bool {
        let refused = found.refused.iter().map(|refusal| &refusal.hit);
        let (mut witnesses, others): (Vec<&Hit>, Vec<&Hit>) =
            refused.partition(|hit| self.is_expected(found, hit));
        // Old images may be gone, so the newest ones are asked for first.
        witnesses.reverse();
        if witnesses.is_empty() && found.newest.is_none() {
            witnesses = others;
        }
        let round = found.round + 1;
        let asked = witnesses.into_iter().take(WITNESSES);
        let answers = join_all(asked.map(|hit| self.is_there(hit, round))).await;
        answers.contains(&true)
    }

    /// Tells whether something other than HEAD shows that an image is there: its checksum, or its first byte where a store has no
    /// checksums.
    async fn is_there(&self, hit: &Hit, round: u32) -> bool {
        let proof = self.request.proof;
        if proof.file_ending().is_some() {
            return has_sum(self.client, hit, proof, round).await;
        }
        let (_, seen) = self.look_at(hit.clone(), Way::FirstByte, round).await;
        matches!(seen, Seen::There)
    }

    /// Asks for the pointer; a store may have none.
    async fn fetch_pointer(&self) -> Result<Option<Pointer>, NoAnswer> {
        let url = self.pointer_url();
        let answer = self.client.ask(Ask::get(&url, POINTER_LIMIT)).await?;
        match answer.status {
            200 => {}
            // A bucket that may not be listed says 403 of what is not there.
            403 | 404 | 410 => return Ok(None),
            status => return Err(NoAnswer::of_status(&url, status)),
        }
        if let Some(page) = find_page(&answer) {
            return Err(NoAnswer::new(&url, format!("the pointer is {page}")));
        }
        match pointer::parse(&answer.body, self.pattern, self.minor) {
            Ok(pointer) => Ok(Some(pointer)),
            Err(reason) => Err(NoAnswer::new(&url, reason)),
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
        let ubuntu: Vec<OsRelease> = UBUNTU
            .iter()
            .filter_map(|token| token.parse().ok())
            .collect();
        let mut known = self.request.os_releases.clone();
        known.extend(pointer.and_then(|pointer| pointer.named.as_ref()?.1.clone()));
        if known.is_empty() {
            return ubuntu.into_iter().map(Some).collect();
        }
        let mut tokens = known.clone();
        for pair in ubuntu.windows(2) {
            if pair.iter().any(|token| known.contains(token)) {
                tokens.extend(pair.iter().cloned());
            }
        }
        tokens.into_iter().map(Some).collect()
    }

    /// Returns the patches that are looked at first, ascending.
    fn first_patches(&self, pointer: Option<&Pointer>) -> BTreeSet<u32> {
        let listed: BTreeSet<u32> = self
            .request
            .listed
            .iter()
            .filter(|version| version.minor() == self.minor)
            .map(|version| version.patch())
            .collect();
        let named = pointer.and_then(|pointer| Some(pointer.named.as_ref()?.0.patch()));
        // The range goes beyond what is told.
        let told = named.unwrap_or(UNTOLD - BEYOND);
        // A later one is looked at by itself, and does not stretch the range.
        let usual = listed.iter().filter(|patch| **patch <= LAST_PATCH);
        let newest = usual.max().map_or(told, |newest| told.max(*newest));
        let range = 0..=(newest.saturating_add(BEYOND)).min(LAST_PATCH);
        range.chain(listed.iter().copied()).chain(named).collect()
    }

    fn candidates(&self, patches: &BTreeSet<u32>, found: &MinorSearch) -> Vec<Hit> {
        let pointer = found.pointer.as_ref();
        let tokens = self.tokens(pointer);
        let mut candidates = Vec::with_capacity(patches.len() * tokens.len());
        for patch in patches {
            let version = KubernetesVersion::new(self.minor, *patch);
            for os in &tokens {
                let announced = pointer.filter(|pointer| pointer.names(version, os.as_ref()));
                // Names with the day of the build are never asked for: `io::catalog` sees to it.
                let url = self.pattern.url(version, os.as_ref());
                candidates.extend(url.map(|url| Hit {
                    version,
                    os: os.clone(),
                    url,
                    modified: None,
                    size: None,
                    announced: announced.map(|pointer| pointer.day),
                    named: None,
                }));
            }
        }
        candidates
    }

    /// Asks whether an image is there.
    async fn look_at(&self, mut hit: Hit, way: Way, round: u32) -> (Hit, Seen) {
        let ask = match way {
            Way::Head => Ask::head(&hit.url),
            Way::FirstByte => Ask::first_byte(&hit.url),
        };
        let answer = match self.client.ask(ask.in_round(round)).await {
            Ok(answer) => answer,
            Err(error) => return (hit, Seen::Unknown(error.into())),
        };
        hit.modified = answer.last_modified();
        hit.size = answer.whole_length();
        let seen = see(&hit, &answer);
        (hit, seen)
    }

    /// Decides what refused images and pages mean: beside real images they are gaps, alone they are no answer.
    fn finish(&self, mut found: MinorSearch) -> MinorAnswer {
        let has_images = found.newest.is_some();
        let refused = std::mem::take(&mut found.refused);
        let pages = std::mem::take(&mut found.pages);
        let only_pages = pages.first().map(|(hit, page)| {
            let reason = format!("answers with {page} instead of an image");
            NoAnswer::new(&hit.url, reason)
        });
        for (hit, page) in pages {
            if has_images && self.is_expected(&found, &hit) {
                let faulty = hit.faulty(format!("the image is {page}"));
                found.answer.faulty.push(faulty);
            }
        }
        let mut gap = None;
        for refusal in refused {
            let fault = refusal.fault();
            if refusal.is_gap() {
                gap.get_or_insert(fault);
            } else {
                found.answer.fault.get_or_insert(fault);
            }
            found.add_missing(self.minor, refusal.hit, refusal.status);
        }
        if !has_images && found.answer.fault.is_none() {
            found.answer.fault = only_pages.or(gap);
        }
        found.answer
    }

    /// Tells whether the repository or the store's pointer says that the image is there.
    fn is_expected(&self, found: &MinorSearch, hit: &Hit) -> bool {
        self.is_listed(hit) || found.announces(hit)
    }

    fn is_listed(&self, hit: &Hit) -> bool {
        let known_os = hit
            .os
            .as_ref()
            .is_none_or(|os| self.request.os_releases.contains(os));
        known_os && self.request.listed.contains(&hit.version)
    }
}

/// Says what an answer means for the image.
fn see(hit: &Hit, answer: &Answer) -> Seen {
    match answer.status {
        // One byte does not tell what a body is, unless it opens a tag.
        200 | 206 => match find_page(answer).or_else(|| find_declared_page(answer)) {
            Some(page) => Seen::Page(page),
            None if hit.size == Some(0) => Seen::Page("an empty file"),
            None => Seen::There,
        },
        // The range of a file without a first byte.
        416 => Seen::Page("an empty file"),
        404 | 410 => Seen::Absent,
        status if is_refused_head(status) => Seen::Refused(status),
        status => Seen::Unknown(NoAnswer::of_status(&hit.url, status)),
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

impl MinorSearch {
    /// Notes what was seen, and returns the image where it is there and wants to be proved.
    fn judge(&mut self, hit: Hit, seen: Seen, way: Way) -> Option<Hit> {
        match seen {
            Seen::There => {
                self.newest = self.newest.max(Some(hit.version.patch()));
                return Some(hit);
            }
            Seen::Absent => self.add_missing(hit.version.minor(), hit, 404),
            Seen::Refused(status) => self.refused.push(RefusedImage { hit, status, way }),
            Seen::Page(page) => self.pages.push((hit, page)),
            Seen::Unknown(fault) => {
                self.answer.fault.get_or_insert(fault);
            }
        }
        None
    }

    /// Notes an image that is not there, where the store's pointer says that it is.
    fn add_missing(&mut self, minor: Minor, hit: Hit, status: u16) {
        if self.announces(&hit) {
            let reason = format!("announced by last-{minor}, but the image answers {status}");
            self.answer.faulty.push(hit.faulty(reason));
        }
    }

    fn announces(&self, hit: &Hit) -> bool {
        let pointer = self.pointer.as_ref();
        pointer.is_some_and(|pointer| pointer.names(hit.version, hit.os.as_ref()))
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
