//! The places of new images in a list: in the order that the list has, after entries of their own series.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::{Added, ImageListChange, Insert, ListedEntry, Listing};
use crate::stack::series::SeriesId;
use crate::version::KubernetesVersion;

/// Finds places for new images. Where every entry of a series leaves, the first ones turn into the new images instead.
pub(super) fn place(listing: &Listing<'_>, mut added: Vec<Added>, change: &mut ImageListChange) {
    change.remove.sort_unstable_by_key(|(index, _)| *index);
    if change.remove.len() == listing.entries.len() && added.is_empty() {
        // A list of nothing could not be written, and the next entry would have nothing to be shaped after.
        change.remove.clear();
        return;
    }
    let order = Order::of(listing);
    added.sort_by_key(|added| (added.image.version, added.series));
    // Images that come in at one place stand there in this order.
    if order.is_descending {
        added.reverse();
    }
    let mut last: Vec<(Option<SeriesId>, usize)> = Vec::new();
    let leaving: HashSet<usize> = change.remove.iter().map(|(at, _)| *at).collect();
    for series in listing.all_series() {
        let leaves = listing
            .of(series)
            .all(|listed| leaving.contains(&listed.index));
        if leaves && let Some(index) = turn(listing, series, &mut added, change) {
            last.push((series, index));
        }
    }
    for added in added {
        let turned = last.iter().find(|(series, _)| *series == added.series);
        let insert = match turned {
            Some((_, index)) => Some(Insert {
                at: index + 1,
                like: *index,
                image: added.image,
                class: added.class,
            }),
            None => order.find(listing, added, change),
        };
        change.insert.extend(insert);
    }
    replace_first(listing, change);
}

/// Lets the leaving entries of a series turn into its new images, as many as there are of both; returns the last that did.
fn turn(
    listing: &Listing<'_>,
    series: Option<SeriesId>,
    added: &mut Vec<Added>,
    change: &mut ImageListChange,
) -> Option<usize> {
    let mut last = None;
    for ListedEntry { index, .. } in listing.of(series) {
        let Some(next) = added.iter().position(|added| added.series == series) else {
            break;
        };
        let new = added.remove(next);
        change.remove.retain(|(at, _)| *at != index);
        change.replace.push((index, new.image, new.class));
        last = Some(index);
    }
    last
}

/// The order of a list.
struct Order {
    /// Whether the newest come first.
    is_descending: bool,
    /// Whether the series stand one after the other instead of version by version.
    is_by_series: bool,
}

impl Order {
    fn of(listing: &Listing<'_>) -> Self {
        let several = listing.all_series().len() > 1;
        let versions = listing.entries.iter().map(|entry| entry.version);
        let is_ascending = versions.clone().is_sorted();
        // A list of one entry is in both orders, and goes on with the newest at its end.
        let is_descending = versions.rev().is_sorted() && !is_ascending;
        let own_descending = listing.all_series().into_iter().all(|series| {
            let own: Vec<KubernetesVersion> = listing
                .of(series)
                .map(|listed| listed.entry.version)
                .collect();
            own.len() > 1 && own.windows(2).all(|pair| pair[0] > pair[1])
        });
        let is_by_series = several && !is_ascending && !is_descending;
        Self {
            is_descending: is_descending || (is_by_series && own_descending),
            is_by_series,
        }
    }

    fn compare(&self, one: KubernetesVersion, other: KubernetesVersion) -> Ordering {
        if self.is_descending {
            other.cmp(&one)
        } else {
            one.cmp(&other)
        }
    }

    /// Finds the place of an image, and an entry of its series that stays and that it can be shaped after.
    fn find(
        &self,
        listing: &Listing<'_>,
        added: Added,
        change: &ImageListChange,
    ) -> Option<Insert> {
        let all = 0..listing.entries.len();
        let own = all
            .clone()
            .filter(|index| listing.series[*index] == added.series);
        let place = all.rev().find(|index| {
            let is_own = listing.series[*index] == added.series;
            let is_before = match self.compare(listing.entries[*index].version, added.image.version)
            {
                Ordering::Less => true,
                // Images of one version stand in the order of their series.
                Ordering::Equal => !is_own,
                Ordering::Greater => false,
            };
            is_before && (is_own || !self.is_by_series)
        });
        let at = match place {
            Some(index) => index + 1,
            None if self.is_by_series => own.clone().next().unwrap_or(0),
            None => 0,
        };
        let mut staying = own.filter(|index| !change.leaves(*index));
        let above = staying.clone().take_while(|index| *index < at).last();
        let like = above.or_else(|| staying.next())?;
        Some(Insert {
            at,
            like,
            image: added.image,
            class: added.class,
        })
    }
}

/// New images before a first entry that leaves take its place, as nothing is shaped after what is not there.
fn replace_first(listing: &Listing<'_>, change: &mut ImageListChange) {
    let first = change.insert.iter().position(|insert| {
        insert.at == 0 && listing.series.get(insert.like) == listing.series.first()
    });
    let (Some(first), Some((0, _))) = (first, change.remove.first()) else {
        return;
    };
    change.remove.remove(0);
    let insert = change.insert.remove(first);
    change.replace.push((0, insert.image, insert.class));
    for insert in &mut change.insert {
        // The first entry is a new image itself now, and the others that were to come before it follow it.
        insert.at = insert.at.max(1);
    }
}
