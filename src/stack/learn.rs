//! Learns the image series of a stack that was read, and claims free values by them: values of charts that are images of the
//! stack teach its series further names.

use std::sync::Arc;

use super::claims::{self, Known};
use super::facts::ImageListForm;
use super::group::{self, ImagePart};
use super::kinds;
use super::model::{SourceTree, Stack};
use super::provider::{find_provider, is_image_file};
use super::series::{Clue, KnownStores, SeriesSet};
use super::source::SourceFile;
use super::stated::{Claims, ValueRef};
use crate::catalog::ImagePattern;
use crate::config::ImageStoreConfig;
use crate::yaml::Node;

/// Claims teach names, and names claim further values. Real charts need two rounds.
const ROUNDS: usize = 3;

/// Learns the series of a stack and claims its free values.
pub(super) fn claim(stack: &mut Stack, configured: &ImageStoreConfig) {
    let first = stack.trees.first();
    let provider = first.and_then(|tree| find_provider(&tree.provider));
    let of_provider = provider.and_then(|provider| provider.store?.parse().ok());
    let proof = configured.proof.or(provider.map(|provider| provider.proof));
    let stores = KnownStores {
        configured: configured.pattern.as_ref(),
        of_provider: of_provider.as_ref(),
        proof: proof.unwrap_or_default(),
    };
    for _ in 0..ROUNDS {
        let mut clues = clues(stack.files());
        if clues.iter().all(|clue| clue.url.is_none()) {
            clues.extend(stack.trees.iter().flat_map(urls_in_values));
        }
        stack.series = SeriesSet::learn(&clues, stores);
        if !claim_values(stack) {
            break;
        }
    }
}

/// Returns the URLs of images of the default in the values of a source tree: where no list and no manifest says where images come
/// from, they do.
fn urls_in_values(tree: &SourceTree) -> Vec<Clue<'_>> {
    let mut found = Vec::new();
    for file in &tree.files {
        if !file.has_free_values() {
            continue;
        }
        for document in file.documents() {
            let mut texts = Vec::new();
            collect_urls(document, &mut texts);
            for (line, url) in texts {
                let version = ImagePattern::read_url(url).map(|read| read.version);
                if let Some(version) = version.ok().filter(|found| tree.default == Some(*found)) {
                    found.push(Clue {
                        place: (file.path(), line),
                        list: None,
                        image_list: None,
                        version,
                        names: Vec::new(),
                        url: Some(url),
                        text: url,
                        proofs: Vec::new(),
                    });
                }
            }
        }
    }
    found
}

fn collect_urls<'n>(node: &'n Node, found: &mut Vec<(usize, &'n str)>) {
    for item in node.own_items() {
        collect_urls(item, found);
    }
    for (_, _, value) in node.own_entries() {
        collect_urls(value, found);
    }
    let text = node.as_str().filter(|text| text.contains("://"));
    if let Some(text) = text.filter(|text| is_image_file(text)) {
        found.push((node.line(), text));
    }
}

/// Claims the free values of all source trees; tells whether anything new is claimed.
fn claim_values(stack: &mut Stack) -> bool {
    let mut is_changed = false;
    for tree in &mut stack.trees {
        let refs: Vec<ValueRef> = tree
            .files
            .iter()
            .flat_map(|file| file.value_refs().iter().cloned())
            .collect();
        let known = Known {
            series: &stack.series,
            default: tree.default,
        };
        for file in &mut tree.files {
            let claims = claims_of(file, known, &refs);
            if claims == *file.claims() {
                continue;
            }
            match file.with_claims(claims) {
                Ok(claimed) => {
                    *file = Arc::new(claimed);
                    is_changed = true;
                }
                Err(fault) => stack.faults.push(fault),
            }
        }
    }
    is_changed
}

fn claims_of(file: &SourceFile, known: Known<'_>, refs: &[ValueRef]) -> Claims {
    if !file.has_free_values() {
        return Claims::default();
    }
    let places = kinds::free_places(file);
    if places.is_empty() {
        claims::of_values(file, known, refs)
    } else {
        claims::below(file, known, &places)
    }
}

/// Learns the series of one file and claims its free values, as if it were all of its stack.
#[cfg(test)]
pub(super) fn claim_alone(mut file: SourceFile) -> (SourceFile, SeriesSet) {
    let mut series = SeriesSet::default();
    for _ in 0..ROUNDS {
        series = SeriesSet::learn(&clues([&file].into_iter()), KnownStores::default());
        let known = Known {
            series: &series,
            default: None,
        };
        let claims = claims_of(&file, known, file.value_refs());
        file = file.with_claims(claims).unwrap();
    }
    (file, series)
}

/// Returns what files say of images.
fn clues<'f>(files: impl Iterator<Item = &'f SourceFile>) -> Vec<Clue<'f>> {
    let mut clues = Vec::new();
    let mut lists = 0;
    for file in files {
        for image_list in file.image_lists() {
            lists += 1;
            // Other lists may hold images of several series.
            let is_of_one = matches!(
                image_list.form,
                ImageListForm::ImageManager | ImageListForm::VersionMap
            );
            // What the newest entry is proved by is asked of the next one.
            let newest = image_list.entries.iter().map(|entry| entry.version).max();
            for (index, entry) in image_list.entries.iter().enumerate() {
                let own = ImagePattern::of_url(&entry.name).ok();
                let own = own.filter(is_name);
                let mut names: Vec<ImagePattern> = own.into_iter().collect();
                names.extend(
                    image_list
                        .names
                        .get(index)
                        .or(image_list.names.first())
                        .cloned(),
                );
                if entry.url.is_none() && names.is_empty() {
                    continue;
                }
                let proof = entry.proof.filter(|_| newest == Some(entry.version));
                clues.push(Clue {
                    place: (file.path(), entry.line),
                    list: is_of_one.then_some(lists),
                    image_list: Some(lists),
                    version: entry.version,
                    names,
                    url: entry.url.as_deref(),
                    text: entry.url.as_deref().unwrap_or(&entry.name),
                    proofs: proof.into_iter().collect(),
                });
            }
        }
        for group in file.groups() {
            let mut names = group.names(file);
            let full = group.full.as_deref();
            let of_full = full.and_then(|full| ImagePattern::of_url(full).ok());
            names.extend(of_full.filter(is_name));
            let text = full.or(group.text(file)).unwrap_or_default();
            let located = full.filter(|full| group::part_of(full) == ImagePart::Url);
            clues.push(Clue {
                place: (file.path(), group.line),
                list: None,
                image_list: None,
                version: group.version,
                names,
                url: located.or(group.url(file)),
                text,
                proofs: group.proofs(file),
            });
        }
    }
    clues
}

/// Tells whether a pattern is that of a name, and not of a version alone.
fn is_name(pattern: &ImagePattern) -> bool {
    pattern.as_str().trim_start_matches('v') != "{version}"
}
