//! Which bytes leave with a member of a collection, and which stand between two members. It changes nothing.

use std::ops::Range;

use super::find::Extent;
use super::text::{is_first_on_line, line_start, next_line};

/// Returns the bytes of a block member: its whole lines, or from its start to the next member's.
pub(super) fn block(text: &str, members: &[Extent], place: usize) -> Option<Range<usize>> {
    let member = members.get(place)?;
    if is_first_on_line(text, member.start) {
        return Some(line_start(text, member.start)..next_line(text, member.end));
    }
    // The first key of an item stands behind the dash, which leads the next key then.
    let next = members.get(place + 1)?;
    let gap = text.get(member.end..next.start)?;
    gap.trim().is_empty().then_some(member.start..next.start)
}

/// Returns the bytes of a flow member and of one comma beside it.
pub(super) fn flow(text: &str, members: &[Extent], place: usize) -> Option<Range<usize>> {
    let member = members.get(place)?;
    if members.get(place + 1).is_some() {
        // What else stands between two members, such as a comment, may be about either, so that the cut is refused.
        comma(text, members, place)?;
        return Some(member.start..members[place + 1].start);
    }
    let before = place.checked_sub(1)?;
    comma(text, members, before)?;
    Some(members[before].end..member.end)
}

/// Returns what separates this member from the next, if it is one comma with nothing but blanks around it.
pub(super) fn comma<'t>(text: &'t str, members: &[Extent], place: usize) -> Option<&'t str> {
    let member = members.get(place)?;
    let gap = text.get(member.end..members.get(place + 1)?.start)?;
    (gap.trim() == ",").then_some(gap)
}

/// Returns what to put between two members of a flow collection: what stands there already, or `, `.
pub(super) fn separator<'t>(text: &'t str, members: &[Extent], place: usize) -> Option<&'t str> {
    if members.len() < 2 {
        return Some(", ");
    }
    comma(text, members, place.min(members.len() - 2))
}
