//! Machine templates of infrastructure providers, and their other resources that make machines: which field of which kind names
//! the node image. Images put together by ClusterClass patches are no references; one that Helm takes from the chart's values is
//! a reference there.

use super::helper;
use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::stack::form::{Fields, ImageForm};
use crate::stack::group::{self, Algorithm, ImageGroup, ImagePart, Member, Stuck};
use crate::stack::stated::{Reading, ValueRef};
use crate::yaml::{Node, Path};

/// Machine templates of all providers; those that none describes are read as far as their fields say what they are.
#[derive(Debug)]
pub(in crate::stack) struct MachineTemplate {
    /// Finds the form of a kind of manifest.
    pub(in crate::stack) find_form: fn(&str) -> Option<&'static ImageForm>,
}

/// The API group of infrastructure providers, whose resources make machines.
const INFRASTRUCTURE: &str = "infrastructure.cluster.x-k8s.io/";

impl FileKind for MachineTemplate {
    fn name(&self) -> &'static str {
        "machine template"
    }

    fn role(&self) -> Role {
        Role::ClassTemplate
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        place.starts_with("cluster-class/templates/")
            && (text.contains("MachineTemplate") || text.contains(INFRASTRUCTURE))
            // Without a value and a version it says nothing of the default's image.
            && (text.contains(".Values.") || super::names_a_version(text))
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        for (document, root) in file.documents().iter().enumerate() {
            let kind = root.get("kind").and_then(Node::as_str).unwrap_or_default();
            let form = (self.find_form)(kind);
            let path = super::keys(form.map_or(&["spec"], |form| form.root));
            let Some(spec) = root.at(&path) else {
                continue;
            };
            let group = root.get("apiVersion").and_then(Node::as_str);
            let is_of_provider = group.is_some_and(|group| group.starts_with(INFRASTRUCTURE));
            match form {
                Some(form) => {
                    let spec = Spec {
                        document,
                        path: &path,
                        node: spec,
                    };
                    for fields in form.images {
                        read_image(file, &spec, *fields, facts);
                    }
                }
                None if is_of_provider || kind.ends_with("MachineTemplate") => {
                    unknown_places(document, &path, spec, facts);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// The values are about the default's image, and move with all others of the stack. What a variable gets does not.
    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        _: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        helper::refuse_literals(file, wanted)
    }
}

/// The part of a manifest that its fields stand in.
struct Spec<'n> {
    document: usize,
    path: &'n Path,
    node: &'n Node,
}

/// Adds what one field and its companions say.
fn read_image(file: &Document, spec: &Spec<'_>, fields: Fields, facts: &mut Facts) {
    for (inner, node) in group::find_all(spec.node, fields.image) {
        let Some(text) = node.as_str().filter(|text| !text.is_empty()) else {
            continue;
        };
        let at = spec.path.clone().join(&inner);
        if text.contains("{{") {
            let field = Field {
                manifest: format!("{}:{}:{at}", file.path(), spec.document),
                document: spec.document,
                at,
                line: node.line(),
                text,
                sum: sum_text(spec.node, fields),
            };
            field.read(file, facts);
            continue;
        }
        let Some(version) = group::version_of(text) else {
            continue;
        };
        let part = group::part_of(text);
        let mut members = vec![Member { path: at, part }];
        members.extend(sum_member(spec, fields, text));
        facts.groups.push(ImageGroup {
            document: spec.document,
            line: node.line(),
            version,
            members,
            full: None,
        });
    }
}

/// A field that a template writes, in whole or in part.
struct Field<'t> {
    /// What the values that it reads are told by to be of one manifest.
    manifest: String,
    document: usize,
    at: Path,
    line: usize,
    text: &'t str,
    /// What the field for its checksum says.
    sum: Option<&'t str>,
}

impl Field<'_> {
    fn reads(&self, keys: Vec<String>, part: ImagePart, reading: Reading) -> ValueRef {
        let template = (reading == Reading::Piece).then(|| self.text.to_owned());
        ValueRef {
            template,
            ..ValueRef::new(self.manifest.clone(), keys, part, reading)
        }
    }

    /// Adds what it says. What the chart's values say is claimed there.
    fn read(&self, file: &Document, facts: &mut Facts) {
        let text = self.text;
        // A checksum or a digest that is written here would stay when the value moves.
        let is_split = text.contains("@sha256:") || self.sum.is_some_and(is_of_one_image);
        if let Some(keys) = group::value_ref(text) {
            let reading = if is_split {
                Reading::Split
            } else {
                Reading::Whole
            };
            let image = self.reads(keys, ImagePart::Name, reading);
            facts.value_refs.push(image);
            let sum_keys = self.sum.and_then(group::value_ref);
            let part = ImagePart::Sum(Algorithm::Sha256);
            let sum = sum_keys.map(|keys| self.reads(keys, part, reading));
            facts.value_refs.extend(sum);
            return;
        }
        if let Some((image, digest)) = group::pinned_refs(text) {
            let both = [(image, ImagePart::Url), (digest, ImagePart::Digest)];
            let refs = both.map(|(keys, part)| self.reads(keys, part, Reading::Whole));
            facts.value_refs.extend(refs);
            return;
        }
        let reading = if is_split {
            Reading::Split
        } else {
            Reading::Piece
        };
        for keys in group::values_in(text) {
            let piece = self.reads(keys, ImagePart::Name, reading);
            facts.value_refs.push(piece);
        }
        if text.contains('$') {
            facts.value_refs.extend(assigned(file));
        }
        if let Some(version) = group::version_around(text) {
            facts.groups.push(ImageGroup {
                document: self.document,
                line: self.line,
                version,
                members: vec![Member {
                    path: self.at.clone(),
                    part: ImagePart::Stuck(Stuck::Piece),
                }],
                full: None,
            });
        }
    }
}

/// Tells whether the text of a checksum's field is of one image: a checksum, or the URL of one. A file with the sums of all
/// images is of none, and what a template writes goes with the values.
fn is_of_one_image(sum: &str) -> bool {
    let is_literal = !sum.contains("{{");
    is_literal && (Algorithm::of_sum(sum).is_some() || group::version_of(sum).is_some())
}

/// Returns the values that variables of a template get: a field that prints a variable may print one of them.
fn assigned(file: &Document) -> Vec<ValueRef> {
    let lines = file.text().lines().filter(|line| line.contains(":="));
    let keys = lines.flat_map(group::values_in);
    let manifest = format!("{}:variables", file.path());
    keys.map(|keys| ValueRef::new(manifest.clone(), keys, ImagePart::Name, Reading::Piece))
        .collect()
}

/// Returns what the field for the checksum of an image says.
fn sum_text(spec: &Node, fields: Fields) -> Option<&str> {
    let inner: Path = fields.sum?.parse().ok()?;
    spec.at(&inner)?.as_str().filter(|text| !text.is_empty())
}

/// Returns the checksum beside an image's URL, literal or by its URL. Without an algorithm Metal3 takes MD5.
fn sum_member(spec: &Spec<'_>, fields: Fields, url: &str) -> Option<Member> {
    let inner: Path = fields.sum?.parse().ok()?;
    let text = spec.node.at(&inner)?.as_str()?;
    let named = fields.algorithm.and_then(|field| {
        let node = spec.node.at(&field.parse().ok()?)?;
        Algorithm::of_name(node.as_str()?)
    });
    let part = if text.contains("{{") {
        ImagePart::Stuck(Stuck::Split)
    } else if text.starts_with(url) {
        ImagePart::SumUrl
    } else if text.contains("://") {
        // One file with the sums of all images stays where it is; one that names the version is another image's.
        group::version_of(text)?;
        ImagePart::Stuck(Stuck::Beside)
    } else {
        let found = Algorithm::of_sum(text);
        ImagePart::Sum(named.or(found).unwrap_or(Algorithm::Md5))
    };
    Some(Member {
        path: spec.path.clone().join(&inner),
        part,
    })
}

/// A machine template of a provider that nobody described here: what names an image of Kubernetes in it cannot be followed.
fn unknown_places(document: usize, path: &Path, node: &Node, facts: &mut Facts) {
    for (index, item) in node.own_items().iter().enumerate() {
        unknown_places(document, &path.clone().index(index), item, facts);
    }
    for (key, _, value) in node.own_entries() {
        unknown_places(document, &path.clone().key(key), value, facts);
    }
    let lower = path.to_string().to_ascii_lowercase();
    let words = ["image", "template", "ami", "snapshot"];
    // `spec.template` stands around everything.
    let place = lower.strip_prefix("spec.template.").unwrap_or(&lower);
    let is_image = words.iter().any(|word| place.contains(word));
    let version = node.as_str().and_then(group::version_of);
    if let Some(version) = version.filter(|_| is_image) {
        facts.groups.push(ImageGroup {
            document,
            line: node.line(),
            version,
            members: vec![Member {
                path: path.clone(),
                part: ImagePart::Unknown,
            }],
            full: None,
        });
    }
}
