//! Learns the image series of a stack that was read, and claims free values by them: values of charts that are images of the
//! stack teach its series further names.

use std::sync::Arc;

use super::claims::{self, KnownImages};
use super::facts::{ImageList, ImageListForm};
use super::group::{self, ImageGroup, ImagePart};
use super::kinds;
use super::model::{SourceTree, Stack};
use super::provider::{find_provider, is_image_file};
use super::series::{Clue, KnownNames, KnownStores, SeriesSet};
use super::source::SourceFile;
use super::stated::{Claims, ValueRef};
use crate::catalog::ImagePattern;
use crate::config::ImageStoreConfig;
use crate::yaml::Node;

/// Claims teach names, and names claim further values. Real charts need two rounds.
const ROUNDS: usize = 3;

/// Learns the series of a stack and claims its free values.
pub(super) fn claim(stack: &mut Stack, configured: &ImageStoreConfig, names: &KnownNames) {
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
        let mut clues = clues(stack.files(), names);
        if clues.iter().all(|clue| clue.url.is_none()) {
            let trees = stack.trees.iter();
            clues.extend(trees.flat_map(|tree| urls_in_values(tree, names)));
        }
        stack.series = SeriesSet::learn(&clues, stores);
        if !claim_values(stack) {
            break;
        }
    }
}

/// Returns the URLs of images of the default in the values of a source tree: where no list and no manifest says where images come
/// from, they do.
fn urls_in_values<'t>(tree: &'t SourceTree, names: &KnownNames) -> Vec<Clue<'t>> {
    let files = tree.files.iter().filter(|file| file.has_free_values());
    let mut found = Vec::new();
    for file in files {
        let mut urls = Vec::new();
        for document in file.documents() {
            collect_urls(document, &mut urls);
        }
        found.extend(urls.into_iter().filter_map(|(line, url)| {
            let version = ImagePattern::read_url(url).ok()?.version;
            (tree.default == Some(version)).then(|| Clue {
                place: (file.path(), line),
                list: None,
                image_list: None,
                version,
                names: Vec::new(),
                url: Some(names.read(url)),
                said: names.read(url),
                proofs: Vec::new(),
            })
        }));
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
        let known = KnownImages {
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

fn claims_of(file: &SourceFile, known: KnownImages<'_>, refs: &[ValueRef]) -> Claims {
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
        series = SeriesSet::learn(
            &clues([&file].into_iter(), &KnownNames::default()),
            KnownStores::default(),
        );
        let known = KnownImages {
            series: &series,
            default: None,
        };
        let claims = claims_of(&file, known, file.value_refs());
        file = file.with_claims(claims).unwrap();
    }
    (file, series)
}

/// Returns what files say of images.
fn clues<'f>(files: impl Iterator<Item = &'f SourceFile>, names: &KnownNames) -> Vec<Clue<'f>> {
    let mut clues = Vec::new();
    let mut lists = 0;
    for file in files {
        for image_list in file.image_lists() {
            lists += 1;
            let list = NumberedList {
                file,
                list: image_list,
                number: lists,
            };
            clues.extend(clues_of_list(list, names));
        }
        let groups = file.groups().iter();
        clues.extend(groups.map(|group| clue_of_group(file, group, names)));
    }
    clues
}

/// A list with its number among those of the stack.
#[derive(Clone, Copy)]
struct NumberedList<'f> {
    file: &'f SourceFile,
    list: &'f ImageList,
    number: usize,
}

fn clues_of_list<'f>(
    numbered: NumberedList<'f>,
    known: &KnownNames,
) -> impl Iterator<Item = Clue<'f>> {
    let NumberedList {
        file,
        list: image_list,
        number,
    } = numbered;
    // Other lists may hold images of several series.
    let is_of_one = matches!(
        image_list.form,
        ImageListForm::ImageManager | ImageListForm::VersionMap
    );
    // What the newest entry is proved by is asked of the next one.
    let newest = image_list.entries.iter().map(|entry| entry.version).max();
    let entries = image_list.entries.iter().enumerate();
    entries.filter_map(move |(index, entry)| {
        let read = known.read(&entry.name);
        let own = read.pattern.clone().filter(is_name);
        let given = image_list.names.get(index).or(image_list.names.first());
        let names: Vec<ImagePattern> = own.into_iter().chain(given.cloned()).collect();
        if entry.url.is_none() && names.is_empty() {
            return None;
        }
        let proof = entry.proof.filter(|_| newest == Some(entry.version));
        let url = entry.url.as_deref().map(|url| known.read(url));
        Some(Clue {
            place: (file.path(), entry.line),
            list: is_of_one.then_some(number),
            image_list: Some(number),
            version: entry.version,
            names,
            said: url.clone().unwrap_or(read),
            url,
            proofs: proof.into_iter().collect(),
        })
    })
}

fn clue_of_group<'f>(file: &'f SourceFile, group: &'f ImageGroup, known: &KnownNames) -> Clue<'f> {
    let full = group.full.as_deref();
    let of_full = full.and_then(|full| known.read(full).pattern.clone());
    let mut names = group.names(file);
    names.extend(of_full.filter(is_name));
    let located = full.filter(|full| group::part_of(full) == ImagePart::Url);
    Clue {
        place: (file.path(), group.line),
        list: None,
        image_list: None,
        version: group.version,
        names,
        url: located.or(group.url(file)).map(|url| known.read(url)),
        said: known.read(full.or(group.text(file)).unwrap_or_default()),
        proofs: group.proofs(file),
    }
}

/// Tells whether a pattern is that of a name, and not of a version alone.
fn is_name(pattern: &ImagePattern) -> bool {
    pattern.as_str().trim_start_matches('v') != "{version}"
}
