//! Machine templates of infrastructure providers: which field of which kind names the node image. Images put together by
//! ClusterClass patches are no references; one that Helm takes from the chart's values is a reference there.

use super::{Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted};
use crate::stack::facts::ValueRef;
use crate::stack::group::{self, Algorithm, ImageGroup, Member};
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(super) struct MachineTemplate;

/// The fields of one kind of machine template that say what its image is.
struct Form {
    kind: &'static str,
    /// Below `spec.template.spec`; `[]` stands for every item of a list. One image each.
    images: &'static [Fields],
}

/// Fields about one image.
#[derive(Clone, Copy)]
struct Fields {
    /// What names it: its name or its URL.
    image: &'static str,
    /// Its checksum, or the URL of it.
    sum: Option<&'static str>,
    /// The checksum's algorithm.
    algorithm: Option<&'static str>,
}

const fn named(image: &'static str) -> Fields {
    Fields {
        image,
        sum: None,
        algorithm: None,
    }
}

/// Sources: the API types of each provider (`api/*/..machinetemplate_types.go`), as of 2026.
const FORMS: [Form; 15] = [
    Form {
        kind: "OpenStackMachineTemplate",
        images: &[
            named("image"),
            named("image.filter.name"),
            named("image.imageRef.name"),
        ],
    },
    Form {
        kind: "CloudStackMachineTemplate",
        images: &[named("template"), named("template.name")],
    },
    Form {
        kind: "DockerMachineTemplate",
        images: &[named("customImage")],
    },
    Form {
        kind: "DevMachineTemplate",
        images: &[named("backend.docker.customImage")],
    },
    Form {
        kind: "Metal3MachineTemplate",
        images: &[Fields {
            image: "image.url",
            sum: Some("image.checksum"),
            algorithm: Some("image.checksumType"),
        }],
    },
    Form {
        kind: "KubevirtMachineTemplate",
        images: &[
            named("virtualMachineTemplate.spec.template.spec.volumes[].containerDisk.image"),
            named("virtualMachineTemplate.spec.dataVolumeTemplates[].spec.source.registry.url"),
            named("virtualMachineTemplate.spec.dataVolumeTemplates[].spec.source.http.url"),
        ],
    },
    Form {
        kind: "HCloudMachineTemplate",
        images: &[named("imageName")],
    },
    Form {
        kind: "HetznerBareMetalMachineTemplate",
        images: &[
            named("installImage.image.url"),
            named("installImage.image.name"),
            named("installImage.image.path"),
        ],
    },
    Form {
        kind: "VSphereMachineTemplate",
        images: &[named("template")],
    },
    Form {
        kind: "AzureMachineTemplate",
        images: &[
            named("image.id"),
            named("image.marketplace.version"),
            named("image.computeGallery.version"),
        ],
    },
    Form {
        kind: "AWSMachineTemplate",
        images: &[named("ami.id"), named("imageLookupFormat")],
    },
    Form {
        kind: "GCPMachineTemplate",
        images: &[named("image"), named("imageFamily")],
    },
    Form {
        kind: "NutanixMachineTemplate",
        images: &[named("image.name")],
    },
    Form {
        kind: "VCDMachineTemplate",
        images: &[named("template")],
    },
    Form {
        kind: "HarvesterMachineTemplate",
        images: &[named("volumes[].imageName")],
    },
];

const SPEC: [&str; 3] = ["spec", "template", "spec"];

impl FileKind for MachineTemplate {
    fn name(&self) -> &'static str {
        "machine template"
    }

    fn part(&self) -> Part {
        Part::Stack
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        place.starts_with("cluster-class/templates/")
            && text.contains("MachineTemplate")
            && (text.contains(".Values.") || super::names_a_version(text))
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        for (document, root) in file.documents().iter().enumerate() {
            let kind = root.get("kind").and_then(Node::as_str).unwrap_or_default();
            let Some(spec) = root.at(&super::keys(&SPEC)) else {
                continue;
            };
            let path = super::keys(&SPEC);
            match FORMS.iter().find(|form| form.kind == kind) {
                Some(form) => {
                    for fields in form.images {
                        read_image(file, (document, &path, spec), *fields, facts);
                    }
                }
                None if kind.ends_with("MachineTemplate") => {
                    unknown_places((document, &path, spec), facts);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// The values are about the default's image, and move with all others of the stack.
    fn edit(&self, _: &SourceFile, _: &Wanted<'_>, _: &mut FileEdits<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

/// Adds what one field and its companions say.
fn read_image(
    file: &SourceFile,
    (document, path, spec): (usize, &Path, &Node),
    fields: Fields,
    facts: &mut Facts,
) {
    for (inner, node) in group::find_all(spec, fields.image) {
        let Some(text) = node.as_str().filter(|text| !text.is_empty()) else {
            continue;
        };
        let at = path.clone().join(&inner);
        let part = group::part_of(text);
        if let Some(value) = group::value_ref(text) {
            // What the chart's values say is claimed there.
            let manifest = format!("{}:{document}:{at}", file.path());
            facts.value_refs.push(ValueRef {
                manifest,
                value,
                part,
            });
            continue;
        }
        let Some(version) = group::version_of(text) else {
            continue;
        };
        let mut members = vec![Member { path: at, part }];
        members.extend(sum_member((path, spec), fields, text));
        facts.groups.push(ImageGroup {
            document,
            line: node.line(),
            version,
            members,
        });
    }
}

/// Returns the checksum beside an image's URL, literal or by its URL. Without an algorithm Metal3 takes MD5.
fn sum_member((path, spec): (&Path, &Node), fields: Fields, url: &str) -> Option<Member> {
    let inner: Path = fields.sum?.parse().ok()?;
    let text = spec.at(&inner)?.as_str()?;
    let named = fields.algorithm.and_then(|field| {
        let node = spec.at(&field.parse().ok()?)?;
        Algorithm::of_name(node.as_str()?)
    });
    let is_named = |place: &str| place.contains("://");
    let part = if text.starts_with(url) {
        group::ImagePart::SumUrl
    } else if is_named(text) {
        // One file with the sums of all images stays where it is; one that names the version is another image's.
        group::version_of(text)?;
        group::ImagePart::Odd
    } else {
        let found = Algorithm::of_sum(text);
        group::ImagePart::Sum(named.or(found).unwrap_or(Algorithm::Md5))
    };
    Some(Member {
        path: path.clone().join(&inner),
        part,
    })
}

/// A machine template of a provider that nobody described here: what names an image of Kubernetes in it cannot be followed.
fn unknown_places((document, path, node): (usize, &Path, &Node), facts: &mut Facts) {
    for (index, item) in node.own_items().iter().enumerate() {
        unknown_places((document, &path.clone().index(index), item), facts);
    }
    for (key, _, value) in node.own_entries() {
        let at = path.clone().key(key);
        let is_image = ["image", "template", "ami", "snapshot"]
            .iter()
            .any(|word| at.to_string().to_ascii_lowercase().contains(word));
        let version = value.as_str().and_then(group::version_of);
        if let Some(version) = version.filter(|_| is_image) {
            facts.groups.push(ImageGroup {
                document,
                line: value.line(),
                version,
                members: vec![Member {
                    path: at,
                    part: group::ImagePart::Unknown,
                }],
            });
        } else {
            unknown_places((document, &at, value), facts);
        }
    }
}
