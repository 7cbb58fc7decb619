//! Which images of a minor can exist, as far as that is known before they are looked at: the store's pointers, what the repository
//! lists and the releases of Kubernetes bound it. It asks nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::StoreRequest;
use crate::io::kubernetes::Released;
use crate::io::no_answer::NoAnswer;
use crate::io::pointer::Pointer;
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// How far beyond the newest known patch is looked where no pointer names it: patches are left out.
const BEYOND: u32 = 3;

/// How far beyond the pointer's patch is looked: it may lag behind by one, and one more as long as there is one.
const BEYOND_POINTER: u32 = 1;

/// How far is looked where nothing says anything; minors rarely get more patches.
const UNTOLD: u32 = 15;

/// How far is looked in a minor that nobody has yet and no pointer names, in a store with pointers for others.
const UNANNOUNCED: u32 = 1;

/// The last patch that is looked at unless the repository lists a later one.
const LAST_PATCH: u32 = 59;

/// Long-term releases of Ubuntu in their order: the ones images of a minor may move between.
const UBUNTU: [&str; 4] = ["ubuntu-2004", "ubuntu-2204", "ubuntu-2404", "ubuntu-2604"];

/// What the pointers of a store say, of all minors that are asked for.
pub(super) struct Told(BTreeMap<Minor, Result<Option<Pointer>, NoAnswer>>);

impl Told {
    pub(super) fn new(
        pointers: impl Iterator<Item = (Minor, Result<Option<Pointer>, NoAnswer>)>,
    ) -> Self {
        Self(pointers.collect())
    }

    fn pointer(&self, minor: Minor) -> Option<&Pointer> {
        self.0.get(&minor)?.as_ref().ok()?.as_ref()
    }

    pub(super) fn fault(&self, minor: Minor) -> Option<&NoAnswer> {
        self.0.get(&minor)?.as_ref().err()
    }

    /// Tells whether the store has no pointer for the minor, though it has some for others.
    fn leaves_out(&self, minor: Minor) -> bool {
        let mut answers = self.0.values();
        matches!(self.0.get(&minor), Some(Ok(None)))
            && answers.any(|answer| matches!(answer, Ok(Some(_))))
    }

    fn os_releases(&self) -> impl Iterator<Item = &OsRelease> {
        let pointers = self
            .0
            .values()
            .filter_map(|told| told.as_ref().ok()?.as_ref());
        pointers.filter_map(Pointer::os)
    }
}

/// What can exist of a minor.
pub(super) struct Scope<'a> {
    request: &'a StoreRequest,
    minor: Minor,
    /// Whether the names of images have an operating-system release.
    has_os: bool,
    told: Arc<Told>,
    released: Released,
    /// The operating-system releases that patches are known to have been built on.
    known: BTreeMap<u32, BTreeSet<OsRelease>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        request: &'a StoreRequest,
        minor: Minor,
        has_os: bool,
        told: Arc<Told>,
    ) -> Self {
        let mut known: BTreeMap<u32, BTreeSet<OsRelease>> = BTreeMap::new();
        for (version, os_releases) in &request.listed_os {
            if version.minor() == minor {
                known.insert(version.patch(), os_releases.clone());
            }
        }
        let named = told
            .pointer(minor)
            .and_then(|pointer| pointer.named.as_ref());
        if let Some((version, Some(os))) = named {
            known.entry(version.patch()).or_default().insert(os.clone());
        }
        Self {
            request,
            minor,
            has_os,
            told,
            released: Released::default(),
            known,
        }
    }

    /// Leaves out what Kubernetes has never released, as far as that is known.
    pub(super) fn bounded_by(self, released: Released) -> Self {
        Self { released, ..self }
    }

    pub(super) fn pointer(&self) -> Option<&Pointer> {
        self.told.pointer(self.minor)
    }

    /// Returns why nothing is known of the pointer.
    pub(super) fn fault(&self) -> Option<&NoAnswer> {
        self.told.fault(self.minor)
    }

    /// Returns the newest version that somebody says to be there: the releases of Kubernetes are as new as they have to be where
    /// they have it.
    pub(super) fn newest_claimed(
        request: &StoreRequest,
        minor: Minor,
        told: &Told,
    ) -> Option<KubernetesVersion> {
        let named = told.pointer(minor).and_then(Pointer::version);
        let listed = request.listed.iter().copied();
        let usual = listed.filter(|version| version.minor() == minor && is_usual(*version));
        usual.chain(named).max()
    }

    /// Returns the patches that are looked at first. Each has been released, as far as that is known.
    pub(super) fn patches(&self) -> BTreeSet<u32> {
        let claimed = Self::newest_claimed(self.request, self.minor, &self.told);
        let range = match claimed.map(KubernetesVersion::patch) {
            Some(newest) => 0..=newest.saturating_add(self.beyond()).min(LAST_PATCH),
            None if self.is_left_out() => 0..=UNANNOUNCED,
            None => 0..=UNTOLD,
        };
        let released = self.released.patches_of(self.minor);
        // Where no pointer tells how far images go, all that has been released is looked at.
        let is_open = !self.is_pointed() && !self.is_left_out();
        let more = released.filter(|patch| is_open && *patch <= LAST_PATCH);
        let possible = range.chain(more).filter(|patch| self.may_exist(*patch));
        let listed = self.request.listed.iter().copied();
        let listed = listed.filter(|version| version.minor() == self.minor);
        let named = self.pointer().and_then(Pointer::version);
        // What somebody says to be there is looked at in any case.
        let certain = listed.chain(named).map(KubernetesVersion::patch);
        possible.chain(certain).collect()
    }

    /// Returns the patches that are looked at after those up to `end`, as the newest one that is there is this one.
    pub(super) fn further(&self, end: u32, newest: u32) -> (u32, BTreeSet<u32>) {
        let last = newest.saturating_add(self.beyond()).min(LAST_PATCH);
        let patches = (end + 1..=last).filter(|patch| self.may_exist(*patch));
        (last.max(end), patches.collect())
    }

    /// Returns the operating-system releases that a patch is looked for first: those of the patches around it, of the pointer, and
    /// those that people name.
    pub(super) fn first_os(&self, patch: u32) -> BTreeSet<Option<OsRelease>> {
        if !self.has_os {
            return [None].into();
        }
        let below = self.known.range(..=patch).next_back();
        let above = self.known.range(patch..).next();
        let around = below.into_iter().chain(above).flat_map(|(_, os)| os);
        let named = self.pointer().and_then(Pointer::os);
        let mut first: BTreeSet<&OsRelease> = around.chain(named).collect();
        if first.is_empty() && self.is_left_out() {
            // A new minor begins on the newest system.
            first.extend(self.told.os_releases().max());
        }
        if first.is_empty() {
            return self.usual_os().into_iter().map(Some).collect();
        }
        first.extend(&self.request.wanted_os);
        // A series of another distribution has images of its own.
        for os in self.request.os_releases.iter().rev() {
            if !first.iter().any(|known| is_related(known, os)) {
                first.insert(os);
            }
        }
        first.into_iter().cloned().map(Some).collect()
    }

    /// Returns the operating-system releases that a patch is looked for where it was found for none of the first ones. Images move
    /// to later systems with later patches, never back.
    pub(super) fn other_os(&self, patch: u32) -> BTreeSet<Option<OsRelease>> {
        let first = self.first_os(patch);
        if !self.has_os {
            return BTreeSet::new();
        }
        let mut others: BTreeSet<OsRelease> = if self.is_left_out() {
            BTreeSet::new()
        } else if self.is_pointed() {
            let newest = self.known.last_key_value().map_or(0, |(newest, _)| *newest);
            if patch > newest || self.is_named_with_os(patch) {
                return BTreeSet::new();
            }
            self.earlier_os(&first)
        } else {
            self.usual_os()
        };
        others.retain(|os| !first.contains(&Some(os.clone())));
        others.into_iter().map(Some).collect()
    }

    /// Returns the known operating-system releases before some; where no other is known, the one of Ubuntu before them.
    fn earlier_os(&self, first: &BTreeSet<Option<OsRelease>>) -> BTreeSet<OsRelease> {
        let of_minor = self.known.values().flatten();
        let of_store = self.told.os_releases();
        let named = self.request.os_releases.iter();
        let mut known: BTreeSet<OsRelease> =
            of_minor.chain(of_store).chain(named).cloned().collect();
        // A later system that another minor has says nothing of the earlier ones.
        known.retain(|os| {
            let mut later = first.iter().flatten();
            let is_earlier = later.any(|later| is_related(later, os) && os < later);
            is_earlier && !first.contains(&Some(os.clone()))
        });
        if known.is_empty() {
            let ubuntu = ubuntu();
            let pairs = ubuntu.windows(2);
            let mut after = pairs.filter(|pair| first.contains(&Some(pair[1].clone())));
            known.extend(after.next().map(|pair| pair[0].clone()));
        }
        known
    }

    /// Tells whether the store's pointer names a patch with its operating system, which nobody goes back from.
    fn is_named_with_os(&self, patch: u32) -> bool {
        let pointer = self.pointer();
        let named = pointer.and_then(|pointer| pointer.named.as_ref());
        named.is_some_and(|(version, os)| version.patch() == patch && os.is_some())
    }

    /// Tells whether a repository or a pointer names a system; others are guesses.
    pub(super) fn is_known_os(&self, os: Option<&OsRelease>) -> bool {
        let Some(os) = os else { return true };
        let mut of_minor = self.known.values();
        of_minor.any(|known| known.contains(os))
            || self.told.os_releases().any(|known| known == os)
            || self.request.os_releases.contains(os)
            || self.request.wanted_os.contains(os)
    }

    /// Returns the operating-system releases that images of a minor may have where nothing is known of it: those of the repository
    /// and the pointer, and their neighbours.
    fn usual_os(&self) -> BTreeSet<OsRelease> {
        let mut known = self.request.os_releases.clone();
        known.extend(self.request.wanted_os.iter().cloned());
        known.extend(self.known.values().flatten().cloned());
        let ubuntu = ubuntu();
        if known.is_empty() {
            return ubuntu.into_iter().collect();
        }
        let mut usual = known.clone();
        for pair in ubuntu.windows(2) {
            if pair.iter().any(|os| known.contains(os)) {
                usual.extend(pair.iter().cloned());
            }
        }
        usual
    }

    /// Tells whether the store's pointer names an image of the minor.
    fn is_pointed(&self) -> bool {
        let pointer = self.pointer();
        pointer.is_some_and(|pointer| pointer.named.is_some())
    }

    /// Tells whether nobody has the minor yet, and the store has no pointer for it though it has some for others.
    fn is_left_out(&self) -> bool {
        self.request.upcoming.contains(&self.minor) && self.told.leaves_out(self.minor)
    }

    fn beyond(&self) -> u32 {
        if self.is_pointed() {
            BEYOND_POINTER
        } else {
            BEYOND
        }
    }

    fn may_exist(&self, patch: u32) -> bool {
        let claimed = Self::newest_claimed(self.request, self.minor, &self.told);
        let version = KubernetesVersion::new(self.minor, patch);
        self.released.may_exist(version, claimed)
    }
}

/// Tells whether one release of a distribution may come after another.
fn is_related(one: &OsRelease, other: &OsRelease) -> bool {
    one.distribution() == other.distribution()
}

/// A later version is looked at by itself, and does not stretch the range.
fn is_usual(version: KubernetesVersion) -> bool {
    version.patch() <= LAST_PATCH
}

fn ubuntu() -> Vec<OsRelease> {
    let tokens = UBUNTU.iter();
    tokens.filter_map(|token| token.parse().ok()).collect()
}
