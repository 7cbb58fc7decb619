//! An image store that answers over HTTP and lists nothing: every patch that can exist is looked at by its URL. Gaps are normal, a
//! patch may be there for several operating-system releases, and an image counts only with what proves it. A store that refuses
//! HEAD is asked for the first byte of its images instead, once it is known to have some.

mod answer;
mod candidate;
mod memory;
mod scope;
mod search;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, OptionFuture, Shared, join, join_all, join3};
use tokio::sync::watch;
use tokio::time::timeout;

use super::checksum::{Hit, fetch_sum, prove};
use super::http::{Answer, Ask, HttpClient, is_refused_head};
use super::kubernetes::Released;
use super::no_answer::{NoAnswer, find_declared_page, find_page};
use super::pointer::{self, Pointer};
use crate::catalog::{ImagePattern, SourceKind, StoreRequest};
use crate::version::Minor;
pub(crate) use answer::{MinorAnswer, StoreAnswer, collect};
use candidate::{Asking, Candidate};
use memory::Memory;
use scope::{Scope, Told};
use search::{Foreseen, Look, MinorSearch, RefusedImage};

/// A pointer has one line.
const POINTER_LIMIT: usize = 64 << 10;

/// How long the releases of Kubernetes are waited for once the pointers are known. They only spare requests.
const RELEASES_WAIT: Duration = Duration::from_secs(1);

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

/// Looks at every minor of the request. What is listed, and what an earlier run has looked at, is asked for at once, with the
/// pointers; what else can exist is asked for when they are known.
pub(crate) async fn look(
    client: &HttpClient,
    pattern: &ImagePattern,
    request: &StoreRequest,
    released: &watch::Receiver<Released>,
) -> StoreAnswer {
    let searches: Vec<Search<'_>> = request
        .minors
        .iter()
        .map(|minor| Search {
            client,
            pattern,
            request,
            released,
            minor: *minor,
        })
        .collect();
    let told = fetch_pointers(&searches).boxed_local().shared();
    let runs = searches.iter().map(|search| search.run(told.clone()));
    let mut found = join_all(runs).await;
    let suspicions = searches.iter().zip(&found);
    let refusals = join_all(suspicions.map(|(search, found)| search.is_head_refused(found))).await;
    // The store is one server: what one minor shows of HEAD holds for all.
    if refusals.contains(&true) {
        let again = searches.iter().zip(found);
        found = join_all(again.map(|(search, found)| search.run_again(found))).await;
    }
    for (search, found) in searches.iter().zip(&found) {
        found.keep(client, &search.note_url());
    }
    let minors = searches
        .iter()
        .zip(found)
        .map(|(search, found)| (search.minor, found.finish()));
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

/// The pointers of a store, which all of its minors wait for.
type Pointers<'a> = Shared<LocalBoxFuture<'a, Arc<Told>>>;

async fn fetch_pointers(searches: &[Search<'_>]) -> Arc<Told> {
    let pointers = join_all(searches.iter().map(Search::fetch_pointer)).await;
    let minors = searches.iter().map(|search| search.minor);
    Arc::new(Told::new(minors.zip(pointers)))
}

struct Search<'a> {
    client: &'a HttpClient,
    pattern: &'a ImagePattern,
    request: &'a StoreRequest,
    released: &'a watch::Receiver<Released>,
    minor: Minor,
}

impl<'a> Search<'a> {
    async fn run(&self, pointers: Pointers<'_>) -> MinorSearch<'a> {
        let mut found = MinorSearch::new(self.pattern, self.request, self.minor);
        if self.client.settings().offline
            && let Some(fault) = pointers.clone().await.fault(self.minor)
        {
            // Where the cache has no answer about the pointer, it has none about the images.
            found.answer.fault = Some(fault.clone());
            return found;
        }
        let listed = found.listed();
        let listed = self.look_at_all(listed, Way::Head, 1);
        let mut memory = self.recall();
        let remembered = found.remembered(&memory);
        let foreseen = remembered.iter().map(|one| one.hit.url.clone());
        let foreseen: BTreeSet<String> = foreseen.collect();
        let remembered = self.look_at_all(remembered, Way::Head, 1);
        let others = async {
            let scope = self.scope(pointers.await).await;
            found.answer.fault = scope.fault().cloned();
            found.round = 2;
            memory.bind(scope.pointer().map(|pointer| pointer.validator.as_str()));
            let first = found.begin(scope, memory);
            let (known, unknown): (Vec<_>, Vec<_>) = first
                .into_iter()
                .partition(|one| foreseen.contains(&one.hit.url));
            (known, self.look_at_all(unknown, Way::Head, 2).await)
        };
        let (listed, remembered, (known, others)) = join3(listed, remembered, others).await;
        let mut foreseen = Foreseen::new(remembered);
        let known = known.iter().filter_map(|one| foreseen.take(one));
        let looks = known.chain(listed).chain(others).collect();
        self.go_on(found, looks, foreseen, Way::Head).await
    }

    async fn look_at_all(&self, candidates: Vec<Candidate>, way: Way, round: u32) -> Vec<Look> {
        let looks = candidates
            .into_iter()
            .map(|one| self.look_at(one, way, round));
        join_all(looks).await
    }

    /// Asks in another way for what was refused.
    async fn run_again(&self, mut found: MinorSearch<'a>) -> MinorSearch<'a> {
        // The round of the witnesses is in between.
        found.round += 2;
        let refused = found.take_refused();
        let looks = self.look_at_all(refused, Way::FirstByte, found.round).await;
        self.go_on(found, looks, Foreseen::default(), Way::FirstByte)
            .await
    }

    /// Finds what was kept of earlier runs.
    fn recall(&self) -> Memory {
        // Offline the answers themselves are there.
        if self.client.settings().offline {
            return Memory::default();
        }
        Memory::load(self.client, &self.note_url())
    }

    /// Finds out what can exist. Releases of Kubernetes that are not known soon do not keep the images waiting.
    async fn scope(&self, told: Arc<Told>) -> Scope<'a> {
        let claimed = Scope::newest_claimed(self.request, self.minor, &told);
        let mut released = self.released.clone();
        let known = released.wait_for(|released| released.has_come_to(claimed));
        // What is known by then has to do.
        let _ = timeout(RELEASES_WAIT, known).await;
        let known = self.released.borrow().clone();
        let has_os = self.pattern.has_os();
        Scope::new(self.request, self.minor, has_os, told).bounded_by(known)
    }

    /// Goes on from looks at images. Each turn proves what the one before found, and looks further as long as there is more to find.
    async fn go_on(
        &self,
        mut found: MinorSearch<'a>,
        mut looks: Vec<Look>,
        mut foreseen: Foreseen,
        way: Way,
    ) -> MinorSearch<'a> {
        loop {
            let hits: Vec<Hit> = looks
                .drain(..)
                .filter_map(|look| found.judge(look))
                .collect();
            let next = found.next();
            if hits.is_empty() && next.is_empty() {
                return found;
            }
            found.round += 1;
            let round = found.round;
            let proof = self.request.proof;
            let proofs = hits
                .into_iter()
                .map(|hit| prove(self.client, hit, proof, round));
            let mut unknown = Vec::new();
            for candidate in next {
                match foreseen.take(&candidate) {
                    Some(look) => looks.push(look),
                    None => unknown.push(candidate),
                }
            }
            let next = self.look_at_all(unknown, way, round);
            let (seen, proofs) = join(next, join_all(proofs)).await;
            for proof in proofs {
                found.add_proof(proof);
            }
            looks.extend(seen);
        }
    }

    /// Tells whether the store refuses HEAD for images that it has: the checksum of one that was refused is there. Where the
    /// store answers so for every gap, a few images tell.
    async fn is_head_refused(&self, found: &MinorSearch<'_>) -> bool {
        let (mut witnesses, others): (Vec<&RefusedImage>, Vec<&RefusedImage>) = found
            .refused
            .iter()
            .partition(|refusal| found.is_expected(&refusal.hit));
        // Old images may be gone, so the newest ones are asked for first.
        witnesses.reverse();
        if witnesses.is_empty() && found.newest.is_none() {
            witnesses = others;
        }
        let round = found.round + 1;
        let asked = witnesses.into_iter().take(WITNESSES);
        let answers = join_all(asked.map(|refusal| self.is_there(refusal, round))).await;
        answers.contains(&true)
    }

    /// Tells whether something other than HEAD shows that an image is there: its checksum, or its first byte where a store has no
    /// checksums.
    async fn is_there(&self, refusal: &RefusedImage, round: u32) -> bool {
        let (hit, proof) = (&refusal.hit, self.request.proof);
        if let Some(sum) = &refusal.sum {
            return sum.is_good(hit, proof);
        }
        if let Some(sum) = fetch_sum(self.client, hit, proof, round).await {
            return sum.is_good(hit, proof);
        }
        let candidate = Candidate {
            hit: hit.clone(),
            asking: Asking::Image,
        };
        let look = self.look_at(candidate, Way::FirstByte, round).await;
        matches!(look.seen, Seen::There)
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
            Ok(pointer) => Ok(Some(pointer.validated_by(&answer))),
            Err(reason) => Err(NoAnswer::new(&url, reason)),
        }
    }

    /// Returns under what is kept of the minor. Two patterns of one store have notes of their own.
    fn note_url(&self) -> String {
        format!("{}#{}", self.pointer_url(), self.pattern)
    }

    fn pointer_url(&self) -> String {
        format!("{}last-{}", self.pattern.base(), self.minor)
    }

    /// Looks at an image. A listed one that is said not to be there gets a second look.
    async fn look_at(&self, candidate: Candidate, way: Way, round: u32) -> Look {
        let (version, os) = (candidate.hit.version, candidate.hit.os.clone());
        let look = self.look_once(candidate, way, round).await;
        if !matches!(look.seen, Seen::Absent) || !self.request.lists(version, os.as_ref()) {
            return look;
        }
        let again = Candidate {
            hit: look.hit,
            asking: Asking::Anew,
        };
        self.look_once(again, way, round + 1).await
    }

    /// Asks whether an image is there, and for its checksum where that is asked for with it.
    async fn look_once(&self, candidate: Candidate, way: Way, round: u32) -> Look {
        let Candidate { mut hit, asking } = candidate;
        let mut ask = match way {
            Way::Head => Ask::head(&hit.url),
            Way::FirstByte => Ask::first_byte(&hit.url),
        };
        if asking == Asking::Anew {
            ask = ask.past_caches();
        }
        let sum: OptionFuture<_> = (asking != Asking::Image)
            .then(|| fetch_sum(self.client, &hit, self.request.proof, round))
            .into();
        let (answer, sum) = join(self.client.ask(ask.in_round(round)), sum).await;
        let seen = match answer {
            Ok(answer) => {
                hit.modified = answer.last_modified();
                hit.size = answer.whole_length();
                see(&hit, &answer)
            }
            Err(error) => Seen::Unknown(error.into()),
        };
        Look {
            hit,
            way,
            round,
            seen,
            sum: sum.flatten(),
        }
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
