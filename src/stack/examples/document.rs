//! YAML in a text for people, read as far as it can be: whole, or with what is no YAML in it masked out. It finds the resources that
//! can be examples, of whatever stack.

use std::ops::Range;

use super::why_not::WhyNot;
use crate::yaml::{File, Node, Path};

const CLUSTER_API: &str = "cluster.x-k8s.io";
const OPERATOR: &str = "clusterstack.x-k8s.io";

/// Keys that together say that a map is the specification of a `ClusterStack`.
const STACK_KEYS: [&str; 3] = ["provider", "name", "kubernetesVersion"];

/// A scalar of a document.
#[derive(Debug, Clone)]
pub(super) struct LocatedScalar {
    pub(super) text: String,
    /// Its bytes in the piece, without quotes.
    pub(super) range: Range<usize>,
    pub(super) document: usize,
    pub(super) path: Path,
    /// Whether an action of a template writes some of it.
    pub(super) is_templated: bool,
    /// The comments behind it, directly above it, and directly above the document.
    pub(super) comments: String,
}

/// A resource that can be an example.
#[derive(Debug)]
pub(super) enum Resource {
    Cluster {
        /// `class`, and `classRef.name`.
        classes: Vec<LocatedScalar>,
        version: Option<LocatedScalar>,
        evidence: TopologyEvidence,
    },
    ClusterStack {
        provider: Option<String>,
        name: Option<String>,
        kubernetes: Option<LocatedScalar>,
        versions: Vec<LocatedScalar>,
    },
    /// No example, for this reason, as a whole.
    Other(Range<usize>, WhyNot),
}

/// What says that a map is the topology of a `Cluster`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TopologyEvidence {
    /// The kind of the resource, or the keys around the map.
    Place,
    /// Its class alone: then the version beside it may be anything's.
    ClassAlone,
}

/// Reads a piece of YAML.
pub(super) fn read(piece: &str) -> Vec<Resource> {
    let mut reader = Reader::default();
    match File::parse(piece) {
        Ok(file) => reader.read_file(piece, 0, &file),
        Err(_) => {
            // One document that is no YAML must not hide the others.
            for part in documents_of(piece) {
                reader.read_document(piece, part);
            }
        }
    }
    reader.found
}

/// Reads a file that is parsed already.
pub(super) fn read_file(file: &File) -> Vec<Resource> {
    let mut reader = Reader::default();
    reader.read_file(file.text(), 0, file);
    reader.found
}

#[derive(Default)]
struct Reader {
    found: Vec<Resource>,
    documents: usize,
}

impl Reader {
    /// Reads one document of a piece that as a whole is no YAML: as it is, then masked, then masked and cut where the indentation
    /// falls below that of its first line.
    fn read_document(&mut self, piece: &str, part: Range<usize>) {
        let text = &piece[part.clone()];
        if let Ok(file) = File::parse(text) {
            return self.read_file(text, part.start, &file);
        }
        let masked = mask(text);
        if let Ok(file) = File::parse(&masked) {
            return self.read_file(text, part.start, &file);
        }
        let falls = falls_of(&masked);
        if falls.is_empty() {
            return self.found.push(Resource::Other(part, WhyNot::Unreadable));
        }
        let mut start = 0;
        for end in falls.into_iter().chain([text.len()]) {
            let inner = start..end;
            let outer = part.start + start..part.start + end;
            start = end;
            match File::parse(&masked[inner.clone()]) {
                Ok(file) => self.read_file(&text[inner], outer.start, &file),
                Err(_) => self.found.push(Resource::Other(outer, WhyNot::Unreadable)),
            }
        }
    }

    /// Reads a parsed text, which may be a mask of `text`.
    fn read_file(&mut self, text: &str, offset: usize, file: &File) {
        for node in file.documents() {
            let view = View {
                text,
                offset,
                document: self.documents,
                start: line_start(text, node.range().start),
            };
            self.documents += 1;
            view.read_root(node, &Path::root(), &mut self.found);
        }
    }
}

/// How the nodes of one document are seen.
struct View<'t> {
    text: &'t str,
    offset: usize,
    document: usize,
    /// Where its first line that is no comment begins.
    start: usize,
}

impl View<'_> {
    fn read_root(&self, node: &Node, path: &Path, found: &mut Vec<Resource>) {
        if !node.is_map() {
            return;
        }
        let group = text_of(node, "apiVersion").and_then(|api| api.split('/').next());
        match text_of(node, "kind") {
            Some("List") => {
                let items = node.get("items").map(Node::items).unwrap_or_default();
                for (index, item) in items.iter().enumerate() {
                    self.read_root(item, &path.clone().key("items").index(index), found);
                }
            }
            Some("Cluster") if group.is_none_or(|group| group == CLUSTER_API) => {
                if let Some((topology, path)) = child(node, path, &["spec", "topology"]) {
                    found.push(self.cluster(topology, &path, TopologyEvidence::Place));
                }
            }
            Some("ClusterStack") if group.is_none_or(|group| group == OPERATOR) => {
                if let Some((spec, path)) = child(node, path, &["spec"]) {
                    found.push(self.cluster_stack(spec, &path));
                }
            }
            Some(kind) => {
                let reason = WhyNot::OtherKind(kind.to_owned());
                found.push(Resource::Other(self.outer(node), reason));
            }
            None => found.extend(self.fragment(node, path, group)),
        }
    }

    /// Reads a part of a resource without its kind, known by the keys in it.
    fn fragment(&self, node: &Node, path: &Path, group: Option<&str>) -> Option<Resource> {
        if group.is_none_or(|group| group == CLUSTER_API) {
            for keys in [&["spec", "topology"][..], &["topology"]] {
                if let Some((topology, path)) = child(node, path, keys)
                    && topology.is_map()
                {
                    return Some(self.cluster(topology, &path, TopologyEvidence::Place));
                }
            }
            if node.get("class").is_some() || node.get("classRef").is_some() {
                return Some(self.cluster(node, path, TopologyEvidence::ClassAlone));
            }
        }
        if group.is_none_or(|group| group == OPERATOR) {
            for keys in [&["spec"][..], &[]] {
                if let Some((spec, path)) = child(node, path, keys)
                    && STACK_KEYS.iter().all(|key| spec.get(key).is_some())
                {
                    return Some(self.cluster_stack(spec, &path));
                }
            }
        }
        None
    }

    fn cluster(&self, topology: &Node, path: &Path, evidence: TopologyEvidence) -> Resource {
        let class_ref = topology.get("classRef");
        let is_twice = has_twice(topology, &["class", "classRef", "version"])
            || class_ref.is_some_and(|class_ref| has_twice(class_ref, &["name"]));
        if is_twice {
            return Resource::Other(self.outer(topology), WhyNot::Twice);
        }
        let class = self.scalar_at(topology, path, &["class"]);
        let reference = self.scalar_at(topology, path, &["classRef", "name"]);
        Resource::Cluster {
            classes: class.into_iter().chain(reference).collect(),
            version: self.scalar_at(topology, path, &["version"]),
            evidence,
        }
    }

    fn cluster_stack(&self, spec: &Node, path: &Path) -> Resource {
        if has_twice(spec, &["provider", "name", "kubernetesVersion", "versions"]) {
            return Resource::Other(self.outer(spec), WhyNot::Twice);
        }
        let list = path.clone().key("versions");
        let items = spec.get("versions").map(Node::items).unwrap_or_default();
        let versions = items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| self.scalar(item, list.clone().index(index)));
        Resource::ClusterStack {
            provider: text_of(spec, "provider").map(str::to_owned),
            name: text_of(spec, "name").map(str::to_owned),
            kubernetes: self.scalar_at(spec, path, &["kubernetesVersion"]),
            versions: versions.collect(),
        }
    }

    fn scalar_at(&self, node: &Node, path: &Path, keys: &[&str]) -> Option<LocatedScalar> {
        let (node, path) = child(node, path, keys)?;
        self.scalar(node, path)
    }

    /// Reads a scalar that stands in the text as it is read, quotes aside.
    fn scalar(&self, node: &Node, path: Path) -> Option<LocatedScalar> {
        let text = node.as_str()?;
        let mut range = node.range();
        let raw = &self.text[range.clone()];
        if raw != text {
            // A text with escapes, or over several lines, has no bytes of its own that could be written over.
            let inner = raw.get(1..raw.len().checked_sub(1)?)?;
            if !raw.starts_with(['"', '\'']) || inner != text {
                return None;
            }
            range = range.start + 1..range.end - 1;
        }
        Some(LocatedScalar {
            text: text.to_owned(),
            range: self.offset + range.start..self.offset + range.end,
            document: self.document,
            path,
            is_templated: node.is_templated(),
            comments: self.comments_about(node),
        })
    }

    /// Returns the comments behind a value, directly above it, and directly above the document.
    fn comments_about(&self, node: &Node) -> String {
        let range = node.range();
        let line_start = line_start(self.text, range.start);
        let behind = self.text[range.end..].lines().next().unwrap_or_default();
        let mut comments = comments_above(self.text, self.start);
        comments.extend(comments_above(self.text, line_start));
        comments.extend(behind.find('#').map(|at| &behind[at..]));
        comments.join("\n")
    }

    fn outer(&self, node: &Node) -> Range<usize> {
        let range = node.range();
        self.offset + range.start..self.offset + range.end
    }
}

fn text_of<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key)?.as_str()
}

fn child<'n>(node: &'n Node, path: &Path, keys: &[&str]) -> Option<(&'n Node, Path)> {
    keys.iter()
        .try_fold((node, path.clone()), |(node, path), key| {
            Some((node.get(key)?, path.key(*key)))
        })
}

fn has_twice(node: &Node, keys: &[&str]) -> bool {
    keys.iter().any(|wanted| {
        let named = node.entries().filter(|(key, _, _)| key == wanted);
        named.count() > 1
    })
}

/// Returns the documents of a piece: what stands between lines of `---` and `...`.
fn documents_of(piece: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in piece.split_inclusive('\n') {
        let end = at + line.len();
        let mark = line.trim_end();
        if mark == "..." || mark == "---" || mark.starts_with("--- ") {
            parts.push(start..at);
            start = end;
        }
        at = end;
    }
    parts.push(start..piece.len());
    parts.retain(|part| !piece[part.clone()].trim().is_empty());
    parts
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// Returns the lines of comments that end directly above a place.
fn comments_above(text: &str, at: usize) -> Vec<&str> {
    let lines = text[..at].lines().rev().map(str::trim_start);
    lines.take_while(|line| line.starts_with('#')).collect()
}

/// Returns the places where the indentation falls below that of the lines before.
fn falls_of(text: &str) -> Vec<usize> {
    let mut falls = Vec::new();
    let mut least = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if !content.trim().is_empty() && !content.starts_with('#') {
            if least.is_some_and(|least| indent < least) {
                falls.push(at);
            }
            least = Some(least.unwrap_or(indent).min(indent));
        }
        at += line.len();
    }
    falls
}

/// Returns a text of the same length in which every line is YAML by itself: others become comments, values that are no YAML become
/// words, tabs of the indentation become spaces.
fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let trimmed = content.trim_start_matches([' ', '\t']);
        out.extend(std::iter::repeat_n(' ', content.len() - trimmed.len()));
        mask_line(trimmed, &mut out);
        out.push_str(&line[content.len()..]);
    }
    out
}

fn mask_line(line: &str, out: &mut String) {
    if line.is_empty() || line.starts_with('#') || is_yaml(line) {
        return out.push_str(line);
    }
    let key = line.split_once(": ").map(|(key, _)| key);
    let kept = key
        .filter(|key| is_key(key))
        .map_or("", |key| &line[..key.len() + 2]);
    let mark = if kept.is_empty() { "#" } else { "" };
    out.push_str(kept);
    out.push_str(mark);
    let masked = line.len() - kept.len() - mark.len();
    out.extend(std::iter::repeat_n('x', masked));
}

/// Tells whether a line by itself is a key with its value, or an item.
fn is_yaml(line: &str) -> bool {
    File::parse(line).is_ok_and(|file| {
        let roots = file.documents();
        // A word alone is YAML, too, but no line of a map.
        !roots.is_empty() && roots.iter().all(|root| root.is_map() || root.is_seq())
    })
}

fn is_key(text: &str) -> bool {
    let bare = text.trim_start_matches(['-', ' ']);
    !bare.is_empty() && bare.chars().all(super::name::is_name_char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_keeps_length_and_lines_that_are_yaml() {
        let text = "spec:\n  ...\n\tclass: a-$V # x\r\n  <snip>\n  k: @bad\n  size: {{ .Größe }}\n  - {a: b\n";
        let masked = mask(text);
        assert_eq!(masked.len(), text.len());
        assert_eq!(
            masked,
            "spec:\n  #xx\n class: a-$V # x\r\n  #xxxxx\n  k: xxxx\n  size: {{ .Größe }}\n  #xxxxxx\n"
        );
    }

    #[test]
    fn any_text_is_read_without_a_fall() {
        for text in [
            "",
            "\u{feff}",
            "'",
            "- - -\n-",
            "a: 'ü\n",
            "\t\t\n",
            "--- a\n...\n%x\n",
        ] {
            let _ = read(text);
        }
    }
}
