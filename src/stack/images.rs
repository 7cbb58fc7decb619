//! The default's image, wherever it is named: values that are about it move together, in every kind of file alike.

use std::collections::HashMap;

use super::edits::FileEdits;
use super::facts::{Fault, FaultKind, ImageListForm};
use super::group::{ImageGroup, ImagePart};
use super::kinds::{constant_name, constant_names, edit_names, literals};
use super::series::{ImageSeries, SeriesId, SeriesSet};
use super::source::SourceFile;
use super::wanted::{Reach, Wanted};
use crate::catalog::{ImageProof, NodeImage};
use crate::policy::ChangeClass;
use crate::version::KubernetesVersion;
use crate::yaml::Path;

/// Makes the values about the default's image say what is wanted. One that cannot is a fault, and the default has to wait.
pub(crate) fn edit_images(
    file: &SourceFile,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    for list in &file.claims().lists {
        edit_names(file, list, wanted, edits)?;
    }
    let Some(default) = wanted.default.filter(|_| wanted.reach != Reach::Beside) else {
        return Ok(());
    };
    // There may be thousands: those that are claimed by their texts are found by their first places.
    let mut by_text: HashMap<_, Vec<&ImageGroup>> = HashMap::new();
    for group in &file.claims().groups {
        by_text.entry(first_place(group)).or_default().push(group);
    }
    for group in file.groups() {
        let claimed = by_text.get(&first_place(group));
        let claim = if claimed.is_some_and(|claimed| claimed.contains(&group)) {
            Claim::ByText
        } else {
            Claim::ByKind
        };
        Values::new(file, group, wanted.series).edit(claim, default, wanted, edits)?;
    }
    Ok(())
}

/// What makes values about an image the stack's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    ByText,
    ByKind,
}

fn first_place(group: &ImageGroup) -> (usize, Option<&Path>) {
    let first = group.members.first().map(|member| &member.path);
    (group.document, first)
}

/// Values about one image, in their file.
struct Values<'f> {
    file: &'f SourceFile,
    group: &'f ImageGroup,
    /// The series that they are of, where it is known.
    id: Option<SeriesId>,
    series: Option<&'f ImageSeries>,
}

impl<'f> Values<'f> {
    fn new(file: &'f SourceFile, group: &'f ImageGroup, all: &'f SeriesSet) -> Self {
        let id = all.of_place(file.path(), group.line);
        Self {
            file,
            group,
            id,
            series: id.and_then(|id| all.get(id)),
        }
    }

    fn edit(
        &self,
        claim: Claim,
        default: KubernetesVersion,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let group = self.group;
        let known = self.id.and_then(|series| wanted.default_image(series));
        let named = match known {
            Some(_) => None,
            None => self.by_name_alone(default, wanted),
        };
        let Some(image) = known.or(named.as_ref()) else {
            return self.stay_behind(default, wanted);
        };
        let Some(class) = self.class(image, wanted) else {
            return Ok(());
        };
        let lines = group.lines(self.file);
        if !lines.iter().any(|line| edits.wants(class, *line)) {
            return Ok(());
        }
        // A repair lowers nothing: which of two versions is right, a person decides.
        if class == ChangeClass::Repair && image.version < group.version {
            return Ok(());
        }
        if let Some(fault) = constant_name(self.file, group) {
            return Err(fault);
        }
        if let Some(fault) = self.other_os(image, wanted) {
            return Err(fault);
        }
        let stated = group.about(self.file, image)?;
        edits.together(class, &lines, |edits| {
            for stated in &stated {
                let (path, text) = (&stated.path, &stated.text);
                if claim == Claim::ByText {
                    edits.set_by_text(group.document, path, text, class)?;
                } else {
                    edits.set(group.document, path, text, class)?;
                }
            }
            Ok(())
        })
    }

    /// Says that values would move to another operating system with a new patch, which is a change of its own.
    fn other_os(&self, image: &NodeImage, wanted: &Wanted<'_>) -> Option<Fault> {
        let standing = self.group.version;
        let stays_in_line = wanted.line.minor == wanted.line_before.minor;
        let is_new = standing != image.version && stays_in_line && !wanted.moves_os;
        let (before, after) = (self.group.os(self.file)?, image.os.as_ref()?);
        if !is_new || before == *after || wanted.must_leave(standing, Some(&before)) {
            return None;
        }
        let reason = format!(
            "it is on {before}, the image of {} on {after}",
            image.version
        );
        let hint = "move the stack to one operating system first: --change os-release";
        Some(self.fault(&reason, hint))
    }

    /// Returns the class of the change that lets the values name an image; nothing where they name it already.
    fn class(&self, image: &NodeImage, wanted: &Wanted<'_>) -> Option<ChangeClass> {
        if self.group.is_about(self.file, image) {
            return None;
        }
        if self.group.version == image.version {
            let os = self.group.os(self.file);
            return Some(wanted.image_class(image.version, os.as_ref()));
        }
        Some(wanted.default_class(self.group.version))
    }

    /// Returns what is known of the default's image from its version alone, where names that say no more are all there is: such a
    /// name is repaired without a source, and moves where a source of the series is known.
    fn by_name_alone(&self, default: KubernetesVersion, wanted: &Wanted<'_>) -> Option<NodeImage> {
        let is_repair = wanted.default_class(self.group.version) == ChangeClass::Repair;
        let has_source = self.series.is_some_and(|series| series.store.is_some());
        let mut members = self.group.members.iter();
        let is_names = members.all(|member| member.part == ImagePart::Name);
        let is_plain = is_names && self.group.os(self.file).is_none();
        (is_plain && (is_repair || has_source)).then(|| {
            let name = self.group.text(self.file).unwrap_or_default();
            NodeImage::new(default, name)
        })
    }

    /// The default's image is not known of the series of these values. They stay where they are, and so does the default that
    /// would leave them behind.
    fn stay_behind(&self, default: KubernetesVersion, wanted: &Wanted<'_>) -> Result<(), Fault> {
        let class = wanted.default_class(self.group.version);
        let is_left_behind = self.group.version != default
            && class != ChangeClass::Repair
            && wanted
                .wishes
                .wants_at(class, self.file.path(), self.group.line);
        if !is_left_behind {
            return Ok(());
        }
        Err(match self.series {
            Some(series) if series.store.is_some() => {
                let reason = format!("no image of {default} is known for {}", series.title);
                let hint = "wait for the image, or change the value by hand";
                self.fault(&reason, hint)
            }
            Some(_) | None => self.no_source(),
        })
    }

    fn no_source(&self) -> Fault {
        let hint = "name one in csctl-matrix.yaml: `imageStore: {pattern: 'https://.../{os}-kube-v{version}.qcow2'}`";
        self.fault("no source of such images is known", hint)
    }

    fn fault(&self, reason: &str, hint: &str) -> Fault {
        let text = self.group.text(self.file).unwrap_or_default();
        let version = self.group.version;
        let message = format!("`{text}` names the image of {version}: {reason}");
        Fault {
            kind: FaultKind::Unmovable,
            ..Fault::new(self.file.path(), self.group.line, message, hint)
        }
    }

    /// Says why these values cannot follow a new default, whatever their store offers.
    fn cannot_follow(&self) -> Option<Fault> {
        if let Some(fault) = constant_name(self.file, self.group) {
            return Some(fault);
        }
        let Some(series) = self.series.filter(|series| series.store.is_some()) else {
            return Some(self.no_source());
        };
        let next = next_image(self.file, self.group, series)?;
        self.group.about(self.file, &next).err()
    }
}

/// Says which images of a file cannot follow a new default, whatever their store offers: no source of them is known, or a value
/// beside them cannot be about another image.
pub(crate) fn cannot_follow(file: &SourceFile, series: &SeriesSet) -> Vec<Fault> {
    let groups = file.groups().iter();
    let mut faults: Vec<Fault> = groups
        .filter_map(|group| Values::new(file, group, series).cannot_follow())
        .collect();
    let literals = literals(file, series).into_iter();
    faults.extend(literals.map(|literal| literal.fault));
    let mut image_lists = file.image_lists().iter();
    if image_lists.any(|image_list| image_list.form == ImageListForm::NodeImages) {
        faults.extend(constant_names(file));
    }
    faults
}

/// Returns the image of the next patch as the store of a series would offer it, with every proof that such stores have; nothing
/// where its URL cannot be told.
fn next_image(file: &SourceFile, group: &ImageGroup, series: &ImageSeries) -> Option<NodeImage> {
    let version = KubernetesVersion::new(group.version.minor(), group.version.patch() + 1);
    let os = group.os(file);
    let url = series.store.as_ref()?.url(version, os.as_ref())?;
    let image = NodeImage {
        os,
        ..NodeImage::new(version, url)
    };
    Some(match series.store_proof {
        ImageProof::ChecksumFile | ImageProof::RegistryDigest => NodeImage {
            // Any well-formed sums will do: asked is whether there are some, not which.
            sha256: "0".repeat(64).parse().ok(),
            sha512: "0".repeat(128).parse().ok(),
            digest: "0".repeat(64).parse().ok(),
            ..image
        },
        ImageProof::Md5File => NodeImage {
            md5: "0".repeat(32).parse().ok(),
            ..image
        },
        ImageProof::None => image,
    })
}
