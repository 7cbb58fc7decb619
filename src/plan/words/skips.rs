//! What is said of what is skipped, or not known: the subject, the reason and what to do.

use std::fmt;

use super::super::facts::{
    DefaultReason, FileReason, ImageReason, MinorReason, OsMove, PolicyReason, RebuiltImage, Skip,
    SkipReason, SkipSubject, SourceReason,
};
use super::{compact, listing};
use crate::stack::{ProofKind, UnmetReason};
use crate::version::OsRelease;

impl Skip {
    /// Returns why, as a phrase.
    pub fn reason(&self) -> String {
        match &self.why {
            SkipReason::Source(reason) => reason.to_string(),
            SkipReason::Image(reason) => reason.to_string(),
            SkipReason::Minor(reason) => reason.to_string(),
            SkipReason::Default(reason) => {
                let verb = if self.subject.is_several() {
                    "do"
                } else {
                    "does"
                };
                format!("{verb} not become the default: {reason}")
            }
            SkipReason::Policy(reason) => reason.to_string(),
            SkipReason::File(reason) => reason.to_string(),
            SkipReason::Chart(reason) => reason.to_string(),
        }
    }

    /// Returns what to do about it, where something can be done.
    pub fn hint(&self) -> Option<String> {
        match &self.why {
            SkipReason::Source(reason) => reason.hint(),
            SkipReason::Image(ImageReason::RebuiltImage { command, .. }) => Some(alone(command)),
            SkipReason::Minor(reason) => reason.hint(),
            SkipReason::Default(DefaultReason::DefaultCannotMove(fault)) => {
                Some(fault.hint.clone())
            }
            SkipReason::Default(DefaultReason::OtherOs { command, .. }) => {
                command.as_deref().map(alone)
            }
            SkipReason::Policy(
                PolicyReason::Blocked { command, .. } | PolicyReason::Pinned { command, .. },
            ) => Some(command.clone()),
            SkipReason::Image(_) | SkipReason::Default(_) | SkipReason::Policy(_) => None,
            SkipReason::File(reason) => Some(reason.hint().to_owned()),
            SkipReason::Chart(reason) => reason.hint(),
        }
    }
}

/// A change that is made by itself, as it never mixes with another one.
fn alone(command: &str) -> String {
    format!("look at it by itself: {command}")
}

impl SkipSubject {
    fn is_several(&self) -> bool {
        matches!(self, Self::Versions(versions) if versions.len() > 1)
    }
}

impl fmt::Display for SkipSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Versions(versions) => match versions[..] {
                [version] => write!(f, "{version}"),
                _ => write!(f, "v{}", compact(versions)),
            },
            Self::Releases(first, last) => write!(f, "{first} to {last}"),
            Self::Minors(minors) => f.write_str(&listing(minors)),
            Self::NodeImages(minors) if minors.is_empty() => f.write_str("node images"),
            Self::NodeImages(minors) => write!(f, "node images of {}", listing(minors)),
            Self::Blocked(block) => f.write_str(&block.subject()),
            Self::Chart(chart, minor) => write!(f, "{chart} for {minor}"),
            Self::ChartVersion(chart, version) => write!(f, "{chart} {version}"),
            Self::File(file, Some(line)) => write!(f, "{file}:{line}"),
            Self::File(file, None) => f.write_str(file),
            Self::Example(value, place) => write!(f, "{value} in {place}"),
            Self::Reference(entry) => f.write_str(entry),
        }
    }
}

impl SourceReason {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoImageStore { .. } => Some(
                "name one in csctl-matrix.yaml: `imageStore: {pattern: 'https://.../{os}-kube-v{version}.qcow2'}`"
                    .to_owned(),
            ),
            Self::SourceNotAsked { command, .. } => Some(format!(
                "ask it: run without --offline and --catalog, or write a new catalog with {command}"
            )),
            Self::SourceUnreachable { .. } | Self::NoImages { .. } => None,
        }
    }
}

impl fmt::Display for SourceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoImageStore { provider } => write!(
                f,
                "no file names an image, and no image store is known for provider {provider}"
            ),
            Self::SourceUnreachable { url, reason } => write!(f, "{url}: {reason}"),
            Self::SourceNotAsked { source, .. } => {
                write!(f, "the catalog has nothing about {source}")
            }
            Self::NoImages { store } => write!(f, "{store} has none"),
        }
    }
}

impl fmt::Display for ImageReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImageFaulty { reason } => f.write_str(reason),
            Self::NoImageYet { first, last: None } => {
                write!(f, "released {first}, no image yet")
            }
            Self::NoImageYet {
                first,
                last: Some(last),
            } => write!(f, "released {first} to {last}, no images yet"),
            Self::RebuiltImage { image, .. } => write!(f, "{image}"),
            Self::NoBuildDate => {
                f.write_str("the list has no build date, and the store gives none")
            }
            Self::IncompleteImage => f.write_str(
                "the store gives no build date or checksum, and openstack-image-manager needs both",
            ),
            Self::DefaultImageGone { series, store } => write!(
                f,
                "it is the stack's default, and {store} has no image of {series} for it"
            ),
        }
    }
}

impl MinorReason {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NewMinor { command, .. } => Some(command.clone()),
            Self::MinorClosed(fault) => Some(fault.hint.clone()),
            Self::EndOfLife { .. } => Some(
                "`endOfLife: follow` in csctl-matrix.yaml, or --end-of-life follow, takes them"
                    .to_owned(),
            ),
            Self::MinorWithoutCharts(_)
            | Self::MinorUnusable
            | Self::MinorWithoutImage
            | Self::UntestedMinor { .. } => None,
        }
    }
}

impl fmt::Display for MinorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CLOSED: &str = "cannot switch the stack to it";
        match self {
            Self::NewMinor {
                images, further, ..
            } => {
                let noun = if *images == 1 { "image" } else { "images" };
                write!(f, "a new minor, {images} {noun} in the store")?;
                if further.is_empty() {
                    return Ok(());
                }
                write!(f, "; {} too", listing(further))
            }
            Self::MinorClosed(fault) => write!(f, "{CLOSED}: {fault}"),
            Self::MinorWithoutCharts(missing) => {
                let words: Vec<String> = missing.iter().map(ToString::to_string).collect();
                write!(f, "{CLOSED}: {}", words.join("; "))
            }
            Self::MinorUnusable => write!(f, "{CLOSED}: none of its images may be used"),
            Self::MinorWithoutImage => {
                write!(f, "{CLOSED}: no image of it is known")
            }
            Self::EndOfLife {
                day,
                images,
                charts,
            } => {
                let mut held = Vec::new();
                if !images.is_empty() {
                    held.push(format!("new images ({})", compact(images)));
                }
                for (chart, version) in charts {
                    held.push(format!("{chart} {version}"));
                }
                let verb = if images.is_empty() && charts.len() == 1 {
                    "is"
                } else {
                    "are"
                };
                let names = sentence_of(&held);
                write!(f, "reached end of life on {day}: {names} {verb} skipped")
            }
            Self::UntestedMinor { why } => write!(f, "does not arrive: {why}"),
        }
    }
}

impl fmt::Display for DefaultReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultCannotMove(fault) => write!(f, "{fault}"),
            Self::SeriesWithoutImage {
                series: Some(series),
                learnt_at,
            } => write!(f, "no image of {series} ({learnt_at})"),
            Self::SeriesWithoutImage {
                series: None,
                learnt_at,
            } => write!(f, "no such image ({learnt_at})"),
            Self::NoProof { proof, learnt_at } => write!(
                f,
                "the source gives no {}, which {learnt_at} asks for",
                proof_words(*proof)
            ),
            Self::OtherOs { step, .. } => {
                let OsMove { before, after } = step;
                write!(
                    f,
                    "available on {after} only, and the stack's images are on {before}"
                )?;
                f.write_str(if step.is_lower() {
                    ", which is newer"
                } else {
                    ""
                })
            }
            Self::Untested { why } => f.write_str(why),
        }
    }
}

impl fmt::Display for PolicyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked { block, .. } => write!(f, "blocked: {}", block.why()),
            Self::OsNotFollowed { on, followed } => write!(
                f,
                "available on {} only, and `os` is {}",
                listing(on),
                listing(followed)
            ),
            Self::MinorNotSupported(minors) => write!(f, "left alone, as `minors` is {minors}"),
            Self::TooYoung {
                age,
                published: None,
            } => write!(
                f,
                "its release date is unknown, and `minimumAge` is {age}: not the default yet"
            ),
            Self::TooYoung {
                age,
                published: Some(day),
            } => write!(
                f,
                "released {day}, and `minimumAge` is {age}: not the default before {}",
                age.first_day(*day)
            ),
            Self::PinUnusable { until, default } => write!(
                f,
                "pinned until {until}, and no image of it may be used: the default is {default}"
            ),
            Self::Pinned { pin, .. } => f.write_str(&pin.why()),
        }
    }
}

impl FileReason {
    fn hint(&self) -> &str {
        match self {
            Self::FileCannotMove(fault) => &fault.hint,
            Self::ExampleLeft(left) => left.hint,
            Self::ReferenceUnmet { .. } => "correct the entry, or put the place into the file",
        }
    }
}

impl fmt::Display for FileReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileCannotMove(fault) => f.write_str(&fault.message),
            Self::ExampleLeft(left) => f.write_str(left.reason),
            Self::ReferenceUnmet { reason } => write!(f, "{reason}"),
        }
    }
}

impl fmt::Display for UnmetReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => f.write_str("no file matches"),
            Self::OutsideStacks { path } => write!(
                f,
                "{path} is outside all stacks; name its stack with `stack:`"
            ),
            Self::NoPlace { path } => write!(f, "`{path}` not found"),
            Self::NoText { pattern, value } => {
                write!(f, "nothing fits `{pattern}` with a value like `{value}`")
            }
            Self::UnknownValue { name, stack } => {
                write!(f, "`{{{{{name}}}}}` is not known of {stack}")
            }
        }
    }
}

impl fmt::Display for RebuiltImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved { url } => write!(f, "the listed image is not in the store; {url} is"),
            Self::OnOs(os) => write!(f, "the store has it on {os}"),
            Self::Uploaded { built: Some(day) } => write!(
                f,
                "its image was uploaded again on {day}, with another checksum"
            ),
            Self::Uploaded { built: None } => {
                f.write_str("its image was uploaded again, with another checksum")
            }
            Self::Unfollowed { listed, available } => write!(
                f,
                "listed on {}, which `os` does not name; the store has it on {}",
                os_name(listed.as_ref()),
                os_name(available.as_ref())
            ),
        }
    }
}

fn os_name(os: Option<&OsRelease>) -> String {
    os.map_or_else(|| "another".to_owned(), ToString::to_string)
}

fn proof_words(proof: ProofKind) -> &'static str {
    match proof {
        ProofKind::Sha256 => "SHA-256 checksum",
        ProofKind::Sha512 => "SHA-512 checksum",
        ProofKind::Md5 => "MD5 checksum",
        ProofKind::Sha1 => "SHA-1 checksum",
        ProofKind::Digest => "digest",
    }
}

/// Joins words as a sentence does: `a, b and c`.
fn sentence_of(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
