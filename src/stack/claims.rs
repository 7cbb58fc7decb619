//! What of a file's free values is the stack's. Values of charts and defaults of class variables name images under any key: they
//! are claimed where a manifest of the chart reads them as its image, or where they match one of the stack's image series.
//! A value that merely looks like a version or an image is nobody's.

mod companions;
mod manifests;

use std::collections::{BTreeSet, HashSet};

use companions::{
    MapScalar, MapScalars, companion_part, hash_member, is_by_schema, is_located, is_version, stem,
    tagged_name, version_in,
};
use manifests::keys;

use super::document::Document;
use super::group::{self, Algorithm, ImageGroup, ImagePart, Member, Stuck};
use super::kinds::has_meaning;
use super::series::{SeriesMatch, SeriesSet};
use super::stated::{Claims, ListPlace, ValueRef};
use crate::version::KubernetesVersion;
use crate::yaml::{Node, Path, PathStep};

/// Finds the claimed values of a chart's values; `refs` are those that manifests of the chart read.
pub(super) fn of_values(file: &Document, known: KnownImages<'_>, refs: &[ValueRef]) -> Claims {
    let mut scan = Scan::new(known);
    scan.read_one_by_one = refs.iter().map(|one| keys(&one.value)).collect();
    for (index, document) in file.documents().iter().enumerate() {
        scan.document = index;
        // What a manifest reads is surer than what a text looks like, and pieces are what nobody else has claimed.
        scan.referenced(document, refs);
        scan.walk(&Path::root(), document);
        scan.pieces(document, refs);
    }
    scan.claims
}

/// Finds the claimed values below certain places of a file.
pub(super) fn below(file: &Document, known: KnownImages<'_>, places: &[ListPlace]) -> Claims {
    let mut scan = Scan::new(known);
    for place in places {
        let root = file.documents().get(place.document);
        let Some((root, node)) = root.and_then(|root| Some((root, root.at(&place.path)?))) else {
            continue;
        };
        scan.document = place.document;
        match node.as_str() {
            Some(text) => {
                let stuck = stuck_at(root, &place.path, text);
                scan.alone(&place.path, node, text, stuck);
            }
            None => scan.walk(&place.path, node),
        }
    }
    // What a list in a variable's default is for, the class alone knows.
    scan.claims.lists.clear();
    scan.claims
}

/// What free values are compared with.
#[derive(Clone, Copy)]
pub(super) struct KnownImages<'a> {
    /// The image series of the stack.
    pub(super) series: &'a SeriesSet,
    /// The stack's default, where it is known: a value that nothing but its text speaks for is the default's image, or nobody's.
    pub(super) default: Option<KubernetesVersion>,
}

struct Scan<'a> {
    known: KnownImages<'a>,
    /// The document that is read.
    document: usize,
    claims: Claims,
    /// The places of what is claimed, by document.
    claimed: HashSet<(usize, Path)>,
    /// Whether the values are those of a list or a map of several versions.
    is_listed: bool,
    /// Values that manifests read: a list among them is read by its places.
    read_one_by_one: HashSet<Path>,
}

/// Says why a default of a variable cannot follow: `enum` beside it says what is allowed, or it is a text with an image in it.
fn stuck_at(root: &Node, path: &Path, text: &str) -> Option<Stuck> {
    if text.contains(char::is_whitespace) {
        return Some(Stuck::Inside);
    }
    let (parent, _) = path.split_last()?;
    let allowed = root.at(&parent)?.get("enum")?.items();
    allowed
        .iter()
        .any(|item| item.as_str() == Some(text))
        .then_some(Stuck::Enum)
}

impl<'a> Scan<'a> {
    fn new(known: KnownImages<'a>) -> Self {
        Self {
            known,
            document: 0,
            claims: Claims::default(),
            claimed: HashSet::new(),
            is_listed: false,
            read_one_by_one: HashSet::new(),
        }
    }

    /// Adds what stands beside an image that a manifest reads and belongs to it, whether or not the manifest reads that too.
    fn add_companions(&self, root: &Node, version: KubernetesVersion, members: &mut Vec<Member>) {
        let by_rank = [ImagePart::Url, ImagePart::Name];
        let leader = by_rank
            .iter()
            .find_map(|part| members.iter().find(|member| member.part == *part));
        let place = leader.and_then(|leader| leader.path.split_last());
        let Some((parent, PathStep::Key(key))) = place else {
            return;
        };
        let Some(map) = root.at(&parent) else { return };
        let scalars = MapScalars::of(map);
        let Some(leader) = scalars.find(key) else {
            return;
        };
        let mut companions = self.companions(&parent, leader, &scalars, version);
        companions.retain(|companion| !members.iter().any(|member| member.path == companion.path));
        members.extend(companions);
    }

    fn is_url(&self, scalar: &MapScalar<'_>) -> bool {
        is_located(scalar.text) && self.is_of_series(scalar.text)
    }

    /// Returns the values of a map that belong to the image which one of them names.
    fn companions(
        &self,
        path: &Path,
        leader: &MapScalar<'_>,
        all: &MapScalars<'_>,
        version: KubernetesVersion,
    ) -> Vec<Member> {
        // Most maps of a large file are about something else.
        let others = all
            .of_stem(&leader.stem)
            .filter(|other| other.key != leader.key);
        // The URL beside a name is where that image is, as long as it is the only one.
        let mut urls = all.of_stem(&leader.stem).filter(|other| self.is_url(other));
        let url = urls
            .next()
            .filter(|_| urls.next().is_none() && !is_located(leader.text));
        let beside = others.filter_map(|companion| {
            let part = if url.is_some_and(|url| url.key == companion.key) {
                ImagePart::Url
            } else {
                companion_part(leader, companion, version)?
            };
            Some(Member {
                path: path.clone().key(companion.key),
                part,
            })
        });
        beside
            .chain(hash_member(path, all, leader))
            .filter(|member| !self.is_claimed(&member.path))
            .collect()
    }

    fn walk(&mut self, path: &Path, node: &Node) {
        let is_listed_above = self.is_listed;
        self.is_listed |= self.has_several_versions(node);
        for (index, item) in node.own_items().iter().enumerate() {
            let below = path.clone().index(index);
            match item.as_str() {
                Some(text) => self.alone(&below, item, text, None),
                None => self.walk(&below, item),
            }
        }
        self.is_listed = is_listed_above;
        let scalars = MapScalars::of(node);
        for scalar in scalars.all() {
            self.scalar(path, scalar, &scalars);
        }
        for (key, _, value) in node.own_entries() {
            // The kind of the file reads what stands below such a key; to claim it as free values would edit it twice.
            if has_meaning(key) {
                continue;
            }
            let below = path.clone().key(key);
            let is_by_place = self.read_one_by_one.contains(&below);
            if !is_by_place && self.is_list_of_names(key, value) {
                self.claims.lists.push(ListPlace {
                    document: self.document,
                    path: below,
                });
            } else {
                // Below a version stands what is of that version.
                self.is_listed |= is_version(key);
                self.walk(&below, value);
                self.is_listed = is_listed_above;
                // After the walk, which has found the image in the map that the checksum is of.
                self.sum_above(path, key, &scalars);
            }
        }
    }

    /// Tells whether the maps of a list name images of the stack in several versions.
    fn has_several_versions(&self, list: &Node) -> bool {
        let texts = list.own_items().iter().flat_map(|item| {
            let scalars = item.own_entries();
            let of_map = scalars.filter_map(|(_, _, value)| value.as_str());
            of_map.chain(item.as_str())
        });
        let versions: BTreeSet<KubernetesVersion> = texts
            .filter(|text| self.is_of_series(text))
            .filter_map(version_in)
            .collect();
        versions.len() > 1
    }

    /// Adds a checksum that stands beside the map of its image: `imageChecksum` beside `image`.
    fn sum_above(&mut self, path: &Path, key: &str, scalars: &MapScalars<'_>) {
        let of_key = stem(key);
        let sums: Vec<Member> = scalars
            .of_stem(&of_key)
            .filter_map(|scalar| {
                Some(Member {
                    path: path.clone().key(scalar.key),
                    part: ImagePart::Sum(Algorithm::of_sum(scalar.text)?),
                })
            })
            .filter(|sum| !self.is_claimed(&sum.path))
            .collect();
        if sums.is_empty() {
            return;
        }
        let map = path.clone().key(key);
        let mut groups = self.claims.groups.iter_mut();
        let group = groups.find(|group| {
            let mut places = group.members.iter().map(|member| member.path.split_last());
            let is_in_map = places.any(|place| place.is_some_and(|(parent, _)| parent == map));
            group.document == self.document && is_in_map
        });
        if let Some(group) = group {
            let places = sums.iter().map(|sum| (self.document, sum.path.clone()));
            self.claimed.extend(places);
            group.members.extend(sums);
        }
    }

    /// Claims a scalar that is an image of the stack, with what belongs to it in its map.
    fn scalar(&mut self, path: &Path, scalar: &MapScalar<'_>, all: &MapScalars<'_>) {
        let at = path.clone().key(scalar.key);
        if self.is_claimed(&at) {
            return;
        }
        let tagged = tagged_name(scalar, all, self.known.series);
        let (part, version) = if let Some(version) = tagged.as_deref().and_then(version_in) {
            (ImagePart::Tag, version)
        } else if self.is_of_series(scalar.text) || is_by_schema(&at) {
            let Some(version) = version_in(scalar.text) else {
                return;
            };
            (group::part_of(scalar.text), version)
        } else {
            return;
        };
        if !is_by_schema(&at) && !self.can_be_of_default(version) {
            return;
        }
        if self.is_listed || is_version(scalar.key) {
            let group = self.stuck_alone(at, scalar.node, version, Stuck::Listed);
            self.push(group);
            return;
        }
        // The URL of an image leads its map: the name is claimed with it, as its companion.
        let mut others = all.of_stem(&scalar.stem);
        if part == ImagePart::Name && others.any(|other| self.is_url(other)) {
            return;
        }
        let mut group = ImageGroup {
            document: self.document,
            line: scalar.node.line(),
            version,
            members: vec![Member { path: at, part }],
            full: tagged,
        };
        let companions = self.companions(path, scalar, all, version);
        group.members.extend(companions);
        self.push(group);
    }

    /// Claims a scalar that stands alone, or an image that a longer text has in it.
    fn alone(&mut self, path: &Path, node: &Node, text: &str, stuck: Option<Stuck>) {
        let mut words =
            text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '{' | '}'));
        let Some(image) = words.find(|word| self.is_of_series(word)) else {
            return;
        };
        let version = version_in(image)
            .filter(|version| self.can_be_of_default(*version) && !self.is_claimed(path));
        let Some(version) = version else {
            return;
        };
        let obstacle = stuck
            .or(self.is_listed.then_some(Stuck::Listed))
            .or((image != text).then_some(Stuck::Inside));
        if let Some(obstacle) = obstacle {
            let group = self.stuck_alone(path.clone(), node, version, obstacle);
            self.push(group);
            return;
        }
        let part = group::part_of(text);
        self.push(ImageGroup {
            document: self.document,
            line: node.line(),
            version,
            members: vec![Member {
                path: path.clone(),
                part,
            }],
            full: None,
        });
    }

    /// Returns an image that cannot follow.
    fn stuck_alone(
        &self,
        path: Path,
        node: &Node,
        version: KubernetesVersion,
        stuck: Stuck,
    ) -> ImageGroup {
        ImageGroup {
            document: self.document,
            line: node.line(),
            version,
            members: vec![Member {
                path,
                part: ImagePart::Stuck(stuck),
            }],
            full: None,
        }
    }

    /// Tells whether a value that nothing but its text speaks for can be the default's image.
    fn can_be_of_default(&self, version: KubernetesVersion) -> bool {
        self.known.default.is_none_or(|default| default == version)
    }

    fn push(&mut self, group: ImageGroup) {
        let places = group.members.iter().map(|member| member.path.clone());
        self.claimed
            .extend(places.map(|path| (group.document, path)));
        self.claims.groups.push(group);
    }

    fn is_claimed(&self, path: &Path) -> bool {
        self.claimed.contains(&(self.document, path.clone()))
    }

    fn is_of_series(&self, text: &str) -> bool {
        self.known.series.find(text) != SeriesMatch::None
    }

    /// Tells whether a list is one of the stack's images that grows: its key says that it holds images or versions, it has the
    /// default's, and each once.
    fn is_list_of_names(&self, key: &str, list: &Node) -> bool {
        let name = key.to_ascii_lowercase();
        let is_called_so = ["image", "version"].iter().any(|word| name.contains(word));
        let items = list.own_items();
        let versions: Option<BTreeSet<KubernetesVersion>> = items
            .iter()
            .map(|item| {
                let text = item.as_str().filter(|text| self.is_of_series(text))?;
                version_in(text)
            })
            .collect();
        let default = self.known.default;
        versions.is_some_and(|versions| {
            is_called_so
                && !items.is_empty()
                && versions.len() == items.len()
                && default.is_none_or(|default| versions.contains(&default))
        })
    }
}
