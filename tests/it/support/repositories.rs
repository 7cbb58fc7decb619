//! Generated repositories: the layouts that exist, in the many hands that write them.

use std::fmt::Write as _;

use csctl_matrix::stack::{Content, Tree};
use csctl_matrix::version::KubernetesVersion;
use proptest::prelude::*;
use sha2::Digest as _;

use super::world::{self, CHART_NAMES, CHARTS, MINORS, PATCHES, minor, version};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    A,
    B,
    C,
    D,
    Docker,
}

/// One minor of a stack.
#[derive(Debug, Clone)]
pub struct Line {
    pub index: u32,
    /// Listed patches, oldest first, and whether each is on noble.
    pub listed: Vec<(u32, bool)>,
    pub default: u32,
    pub chart: u32,
    /// Whether versions.yaml has a row.
    pub row: bool,
    /// Another version in the places that should say the default.
    pub drift: Option<u32>,
}

/// How a person writes.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Style {
    pub crlf: bool,
    pub flush: bool,
    pub order: u8,
    pub quotes: u64,
    pub dates: bool,
    pub comments: u64,
    pub final_newline: bool,
}

#[derive(Debug, Clone)]
pub struct Repository {
    pub shape: Shape,
    pub name: &'static str,
    pub root: bool,
    pub lines: Vec<Line>,
    pub current: usize,
    pub style: Style,
    /// Which of the forms of values, of image manifests and so on.
    pub form: u8,
    pub lock_fits: bool,
}

fn chart(line: &Line) -> String {
    world::chart(line.index, line.chart)
}

fn line(index: u32) -> impl Strategy<Value = Line> {
    let patches: Vec<u32> = (0..PATCHES).collect();
    let listed = (
        prop::sample::subsequence(patches, 1..=5),
        any::<u32>(),
        prop_oneof![4 => Just(true), 1 => Just(false)],
    );
    let listed = listed.prop_map(|(patches, bits, mostly)| {
        let mark = |patch: u32| {
            (
                patch,
                if bits >> patch & 0b1011 == 0 {
                    !mostly
                } else {
                    mostly
                },
            )
        };
        patches.into_iter().map(mark).collect::<Vec<_>>()
    });
    let drift = prop::option::weighted(0.15, 0..PATCHES);
    let row = prop::bool::weighted(0.9);
    (listed, any::<prop::sample::Index>(), 0..5_u32, row, drift).prop_map(
        move |(listed, pick, chart, row, drift)| {
            let pick = pick.index(listed.len() + 2);
            let newest = listed[listed.len() - 1].0;
            Line {
                index,
                default: listed.get(pick).map_or(newest, |(patch, _)| *patch),
                listed,
                chart: chart.min(3),
                row,
                drift,
            }
        },
    )
}

fn style() -> impl Strategy<Value = Style> {
    (
        prop::bool::weighted(0.2),
        any::<bool>(),
        0..4_u8,
        any::<u64>(),
        prop::bool::weighted(0.8),
        any::<u64>(),
        prop::bool::weighted(0.9),
    )
        .prop_map(
            |(crlf, flush, order, quotes, dates, comments, final_newline)| Style {
                crlf,
                flush,
                order,
                quotes,
                dates,
                comments,
                final_newline,
            },
        )
}

pub fn repository() -> impl Strategy<Value = Repository> {
    let shape = prop::sample::select(vec![Shape::A, Shape::B, Shape::C, Shape::D, Shape::Docker]);
    let name = prop::sample::select(vec!["scs", "scs2", "ferrol", "a_b.c"]);
    // The last minor is new to everybody.
    let indices: Vec<u32> = (0..MINORS - 1).collect();
    let lines = prop::sample::subsequence(indices, 1..=3)
        .prop_flat_map(|indices| indices.into_iter().map(line).collect::<Vec<_>>());
    (
        shape,
        name,
        prop::bool::weighted(0.1),
        lines,
        any::<prop::sample::Index>(),
        style(),
        any::<u8>(),
        prop::bool::weighted(0.8),
    )
        .prop_map(
            |(shape, name, root, lines, current, style, form, lock_fits)| Repository {
                shape,
                name,
                root,
                current: current.index(lines.len()),
                lines,
                style,
                form,
                lock_fits,
            },
        )
}

impl Repository {
    pub fn provider(&self) -> &'static str {
        if self.shape == Shape::Docker {
            "docker"
        } else {
            "openstack"
        }
    }

    pub fn directory(&self) -> String {
        if self.root {
            String::new()
        } else {
            format!("providers/{}/{}/", self.provider(), self.name)
        }
    }

    /// The files of the repository.
    pub fn tree(&self) -> Tree {
        let mut writer = Writer {
            tree: Tree::default(),
            repository: self,
        };
        let base = self.directory();
        match self.shape {
            Shape::A | Shape::D => {
                for line in &self.lines {
                    writer.source(&format!("{base}{}/", minor(line.index).dashed()), line);
                }
                if self.shape == Shape::D {
                    writer.put(&format!("{base}image-manager.yaml"), &self.image_manager());
                }
            }
            Shape::B | Shape::C | Shape::Docker => {
                writer.source(&base, &self.lines[self.current]);
                if self.shape != Shape::Docker {
                    writer.put(&format!("{base}versions.yaml"), &self.versions());
                }
                if self.shape == Shape::C {
                    writer.put(&format!("{base}kubernetes.yaml"), &self.image_manager());
                }
            }
        }
        writer.tree
    }

    fn quote(&self, nth: usize, text: &str) -> String {
        match self.style.quotes >> (nth * 2 % 60) & 3 {
            0 => format!("\"{text}\""),
            1 => format!("'{text}'"),
            _ => text.to_owned(),
        }
    }

    fn in_order<T>(&self, mut entries: Vec<T>) -> Vec<T> {
        match self.style.order {
            0 | 1 => {}
            2 => entries.reverse(),
            _ => {
                let count = entries.len();
                entries.rotate_left(1.min(count));
            }
        }
        entries
    }

    fn image_manager(&self) -> String {
        let mut text = "---\nimages:\n  - name: ubuntu-capi-image\n    format: qcow2\n    min_disk: 20\n    meta:\n      os_distro: ubuntu\n    tags:\n      - node-image\n    versions:\n".to_owned();
        let entries = self.lines.iter().flat_map(|line| {
            let of_line = line.listed.iter();
            of_line.map(|(patch, noble)| (version(line.index, *patch), *noble))
        });
        let indent = if self.style.flush { "    " } else { "      " };
        for (nth, (version, noble)) in self.in_order(entries.collect()).into_iter().enumerate() {
            let sum = format!("sha256:{}", world::sum(version, noble, false));
            writeln!(
                text,
                "{indent}- version: {}",
                self.quote(nth, &version.to_string())
            )
            .unwrap();
            writeln!(text, "{indent}  url: {}", world::url(version, noble)).unwrap();
            writeln!(text, "{indent}  checksum: {}", self.quote(nth + 7, &sum)).unwrap();
            if self.style.dates {
                writeln!(
                    text,
                    "{indent}  build_date: {}",
                    world::built(version, false)
                )
                .unwrap();
            }
        }
        text
    }

    fn versions(&self) -> String {
        let current = self.lines[self.current].index;
        let mut text = String::new();
        for line in self
            .lines
            .iter()
            .filter(|line| line.row || line.index == current)
        {
            let (kubernetes, chart) = (version(line.index, line.default).plain(), chart(line));
            write!(
                text,
                "- kubernetes: {kubernetes}\n  cinder_csi: {chart}\n  occm: {chart}\n"
            )
            .unwrap();
        }
        text
    }
}

struct Writer<'a> {
    tree: Tree,
    repository: &'a Repository,
}

impl Writer<'_> {
    /// Adds a file, with comments and line endings of its own.
    fn put(&mut self, path: &str, text: &str) {
        let style = &self.repository.style;
        let mut out = String::new();
        let salt = path.bytes().fold(style.comments, |sum, byte| {
            sum.rotate_left(7) ^ u64::from(byte).wrapping_mul(0x9e37_79b9)
        });
        for (nth, line) in text.lines().enumerate() {
            let dice = (salt ^ nth as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59;
            let indent = &line[..line.len() - line.trim_start().len()];
            let bare =
                line.starts_with("---") || line.contains("{{") || style.comments.is_multiple_of(4);
            if dice < 4 && !bare {
                writeln!(out, "{indent}# note <{nth}>").unwrap();
            }
            let tail = if dice > 28 && !bare {
                format!("  # tail <{nth}>")
            } else {
                String::new()
            };
            writeln!(out, "{line}{tail}").unwrap();
        }
        if !style.final_newline {
            out.pop();
        }
        if style.crlf {
            out = out.replace('\n', "\r\n");
        }
        self.tree.insert(path, Content::Text(out.into()));
    }

    fn plain(&mut self, path: &str, text: &str) {
        self.tree.insert(path, Content::Text(text.into()));
    }

    /// A source tree, in its directory with a slash at its end.
    fn source(&mut self, base: &str, line: &Line) {
        let repository = self.repository;
        let default = version(line.index, line.default);
        let said = version(line.index, line.drift.unwrap_or(line.default));
        let (provider, name) = (repository.provider(), repository.name);
        let dashed = minor(line.index).dashed();
        let stated = if repository.shape == Shape::D {
            format!("v{}", minor(line.index))
        } else {
            default.to_string()
        };
        self.put(
            &format!("{base}csctl.yaml"),
            &format!("apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  kubernetesVersion: {stated}\n  clusterStackName: {name}\n  provider:\n    type: {provider}\n"),
        );
        self.put(
            &format!("{base}cluster-class/Chart.yaml"),
            &format!(
                "apiVersion: v2\nname: {provider}-{name}-{dashed}-cluster-class\nversion: v1\n"
            ),
        );
        let addon = format!("{base}cluster-addon");
        match repository.shape {
            Shape::A => self.layout_a(base, line, said),
            Shape::B => self.layout_b(base, line, said),
            Shape::C => self.layout_c(base, line, said),
            Shape::D => self.layout_d(base, line, said),
            Shape::Docker => self.docker(base, said),
        }
        match repository.shape {
            Shape::A | Shape::D => self.charts(&addon, &CHART_NAMES, line),
            Shape::B | Shape::C => {
                self.charts(&format!("{addon}/csi"), &CHART_NAMES[..1], line);
                self.charts(&format!("{addon}/ccm"), &CHART_NAMES[1..], line);
            }
            Shape::Docker => {}
        }
    }

    fn charts(&mut self, base: &str, names: &[&str], line: &Line) {
        let repository = self.repository;
        let dashed = minor(line.index).dashed();
        let version = self::chart(line);
        let mut chart = "apiVersion: v2\ndependencies:\n".to_owned();
        let mut lock = "dependencies:\n".to_owned();
        let mut both = [Vec::new(), Vec::new()];
        for name in names {
            write!(chart, "  - alias: {name}\n    name: {name}\n    repository: {CHARTS}\n    version: {version}\n").unwrap();
            write!(
                lock,
                "- name: {name}\n  repository: {CHARTS}\n  version: {version}\n"
            )
            .unwrap();
            both[0].push(format!(r#"{{"name":"{name}","version":"{version}","repository":"{CHARTS}","alias":"{name}"}}"#));
            both[1].push(format!(
                r#"{{"name":"{name}","version":"{version}","repository":"{CHARTS}"}}"#
            ));
        }
        writeln!(
            chart,
            "name: {}-{}-{dashed}-cluster-addon",
            repository.provider(),
            repository.name
        )
        .unwrap();
        let sum = if repository.lock_fits {
            digest(&both)
        } else {
            format!("sha256:{}", "0".repeat(64))
        };
        write!(lock, "digest: {sum}\ngenerated: \"2026-04-10T09:12:44Z\"\n").unwrap();
        self.put(&format!("{base}/Chart.yaml"), &chart);
        if repository.form & 64 == 0 {
            self.plain(&format!("{base}/Chart.lock"), &lock);
        }
        self.tree
            .insert(format!("{base}/values.yaml"), Content::Unread);
    }

    fn layout_a(&mut self, base: &str, line: &Line, said: KubernetesVersion) {
        let form = self.repository.form;
        let listed = self.repository.in_order(line.listed.clone());
        let entries = |indent: &str, sorted: bool| {
            let mut text = "apiVersion: openstack.infrastructure.clusterstack.x-k8s.io/v1alpha1\nopenStackNodeImages:\n".to_owned();
            for (patch, noble) in &listed {
                let (version, id) = (version(line.index, *patch), form & 32 != 0);
                let url = world::url(version, *noble);
                if sorted {
                    write!(text, "{indent}- createOpts:\n{indent}    container_format: bare\n{indent}    disk_format: qcow2\n{indent}    name: ubuntu-capi-image-{version}\n{indent}  url: {url}\n").unwrap();
                } else {
                    let id = if id {
                        format!("{indent}  id: {version}-id\n")
                    } else {
                        String::new()
                    };
                    write!(text, "{indent}- url: {url}\n{id}{indent}  createOpts:\n{indent}    name: ubuntu-capi-image-{version}\n{indent}    disk_format: qcow2\n{indent}    container_format: bare\n").unwrap();
                }
            }
            text
        };
        let indent = if self.repository.style.flush {
            ""
        } else {
            "  "
        };
        let (config, beside) = (entries(indent, form & 16 != 0), entries("  ", false));
        self.put(&format!("{base}node-images/config.yaml"), &config);
        if form & 1 == 0 {
            self.put(&format!("{base}node-images.yaml"), &beside);
        }
        self.put(
            &format!("{base}metadata.yaml"),
            "versions:\n  clusterStack: v1\n  kubernetes: v1.32.0\n  components:\n    clusterAddon: v1\n    nodeImage: v1\n",
        );
        self.values(base, line, said);
    }

    fn layout_b(&mut self, base: &str, line: &Line, said: KubernetesVersion) {
        let noble = default_is_noble(line);
        let text = format!(
            "---\n{}",
            orc("{{ .Values.images.worker.name }}", said, noble)
        );
        self.put(&format!("{base}cluster-class/templates/image.yaml"), &text);
        self.put(
            &format!("{base}cluster-class/values.yaml"),
            &format!("images:\n  controlPlane:\n    name: ubuntu-capi-image-{said}\n  worker:\n    name: ubuntu-capi-image-{said}\n"),
        );
        self.readme(base, line);
    }

    fn layout_c(&mut self, base: &str, line: &Line, said: KubernetesVersion) {
        let listed = self.repository.in_order(line.listed.clone());
        let single = vec![(said.patch(), default_is_noble(line))];
        let images = if self.repository.form & 1 == 0 {
            &single
        } else {
            &listed
        };
        let mut text = String::new();
        for (patch, noble) in images {
            let version = version(line.index, *patch);
            text += "---\n";
            text += &orc(&format!("\"ubuntu-capi-image-{version}\""), version, *noble);
        }
        self.put(&format!("{base}image.yaml"), &text);
        let mut class = "{{- $name := .Release.Name -}}\napiVersion: cluster.x-k8s.io/v1beta2\nkind: ClusterClass\nmetadata:\n  name: {{ $name }}\nspec:\n  kubernetesVersions:\n".to_owned();
        for (patch, _) in &listed {
            writeln!(class, "    - {}", version(line.index, *patch)).unwrap();
        }
        self.put(
            &format!("{base}cluster-class/templates/cluster-class.yaml"),
            &class,
        );
        self.values(base, line, said);
        self.readme(base, line);
    }

    fn layout_d(&mut self, base: &str, line: &Line, said: KubernetesVersion) {
        let form = self.repository.form;
        let (provider, name) = (self.repository.provider(), self.repository.name);
        let version = if form & 8 == 0 {
            version(line.index, line.default).plain()
        } else {
            minor(line.index).to_string()
        };
        let range = format!("2.{}.x", minor(line.index).number());
        let exact = chart(line);
        let addon = if form & 1 == 0 { &range } else { &exact };
        self.put(
            &format!("{base}stack.yaml"),
            &format!("provider: {provider}\nclusterStackName: {name}\nkubernetesVersion: {version}\naddons:\n  ccm: {addon}\n  csi: {range}\n"),
        );
        if form & 8 == 0 {
            self.values(base, line, said);
        }
    }

    fn docker(&mut self, base: &str, said: KubernetesVersion) {
        let name = world::kind_image(said);
        self.put(
            &format!("{base}cluster-class/values.yaml"),
            &format!(
                "images:\n  controlPlane:\n    - name: {name}\n  worker:\n    - name: {name}\n"
            ),
        );
        let stated = said.minor();
        let name = self.repository.name;
        self.put(
            &format!("{base}clusterstack.yaml"),
            &format!("kind: ClusterStack\nmetadata:\n  name: docker-{name}\nspec:\n  provider: docker\n  name: {name}\n  kubernetesVersion: \"{stated}\"\n"),
        );
    }

    /// The class's values: names, a map, a list, or nothing of images.
    fn values(&mut self, base: &str, line: &Line, said: KubernetesVersion) {
        let repository = self.repository;
        let listed = repository.in_order(line.listed.clone());
        let mut text = "# What a cluster gets.\nflavor: m1.medium\n".to_owned();
        match repository.form >> 1 & 3 {
            0 => {
                write!(
                    text,
                    "images:\n  controlPlane:\n    name: ubuntu-capi-image-{said}\n"
                )
                .unwrap();
            }
            1 => {
                text += "kubernetesVersionImages:\n";
                for (nth, (patch, noble)) in listed.iter().enumerate() {
                    let version = version(line.index, *patch);
                    let name = format!("{}-kube-{version}", world::os(*noble));
                    writeln!(text, "  {version}: {}", repository.quote(nth, &name)).unwrap();
                }
                writeln!(text, "kubernetesVersion: {said}").unwrap();
            }
            2 => {
                text += "kubernetesVersions:\n";
                for (nth, (patch, _)) in listed.iter().enumerate() {
                    let version = version(line.index, *patch).to_string();
                    writeln!(text, "  - {}", repository.quote(nth, &version)).unwrap();
                }
            }
            _ => text += "variables:\n  imageName: ubuntu-capi-image\n",
        }
        self.put(&format!("{base}cluster-class/values.yaml"), &text);
    }

    fn readme(&mut self, base: &str, line: &Line) {
        let (name, minor) = (self.repository.name, minor(line.index));
        let default = version(line.index, line.default);
        let dashed = minor.dashed();
        let stack = format!(
            "kind: ClusterStack\nspec:\n  provider: openstack\n  name: {name}\n  kubernetesVersion: \"{minor}\"\n"
        );
        let cluster = format!(
            "kind: Cluster\nspec:\n  topology:\n    classRef:\n      name: openstack-{name}-{dashed}-v2\n    version: {default}\n"
        );
        self.plain(
            &format!("{base}README.md"),
            &format!("# {name}\n\nThis is {minor}.\n\n| release | version |\n|---|---|\n| openstack-{name}-{dashed}-v1 | {default} |\n\n```yaml\n{stack}---\n{cluster}```\n\nAnother chart:\n\n```yaml\nversion: 1.2.3\n```\n"),
        );
    }
}

fn default_is_noble(line: &Line) -> bool {
    let listed = line.listed.iter().find(|(patch, _)| *patch == line.default);
    listed.is_none_or(|(_, noble)| *noble)
}

fn orc(name: &str, version: KubernetesVersion, noble: bool) -> String {
    let (url, sum) = (
        world::url(version, noble),
        world::sum(version, noble, false),
    );
    let os = if noble { "24.04" } else { "22.04" };
    format!(
        "apiVersion: openstack.k-orc.cloud/v1alpha1\nkind: Image\nmetadata:\n  name: {name}\nspec:\n  resource:\n    properties:\n      operatingSystem:\n        distro: ubuntu\n        version: \"{os}\"\n    content:\n      download:\n        url: {url}\n        hash:\n          algorithm: sha256\n          value: {sum}\n"
    )
}

/// Helm's digest of a chart's dependencies and its lock.
pub fn digest(both: &[Vec<String>; 2]) -> String {
    let json = format!("[[{}],[{}]]", both[0].join(","), both[1].join(","));
    let sum = sha2::Sha256::digest(json.as_bytes());
    sum.iter().fold("sha256:".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    })
}

/// The text of a file; empty where there is none.
pub fn text<'t>(tree: &'t Tree, path: &str) -> &'t str {
    match tree.find(path) {
        Some(Content::Text(text)) => text,
        Some(_) | None => "",
    }
}
