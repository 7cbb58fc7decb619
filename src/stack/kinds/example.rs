//! What an example should say when its stack moves, or where it was forgotten. The values of an example move together or not at all:
//! a class of one release beside the Kubernetes version of another gives nobody a cluster.

use super::{Document, FileEdits, FileKind, Reach, Wanted};
use crate::policy::ChangeClass;
use crate::stack::examples::{
    Example, ExampleKind, ExampleSubject, ExampleValue, NamedRelease, NamedVersion, StatedVersion,
    TextForm,
};
use crate::stack::facts::Fault;
use crate::version::{KubernetesVersion, Minor, StackVersion};

/// What becomes of an example.
struct Step {
    class: ChangeClass,
    /// The values that change, by their place in the example, and what they will say.
    edits: Vec<(usize, String)>,
    /// What is left to people.
    left: Option<Left>,
}

impl Step {
    /// Returns the step of these edits; nothing where nothing is to be done or said.
    fn new(class: ChangeClass, edits: Vec<(usize, String)>, left: Option<Left>) -> Option<Self> {
        let is_nothing = edits.is_empty() && left.is_none();
        (!is_nothing).then_some(Self { class, edits, left })
    }
}

/// Something of an example that nobody but people can put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// The name of a build: its minor moves, and what comes after it, nobody knows.
    Build,
    /// The number of a release of a minor without known releases.
    Number,
    /// Several numbers of releases of the minor that is left.
    Numbers,
    /// The Kubernetes version, where none is known for the minor.
    Version,
}

/// An example that is not as it should be after a plan, as only people know what it should say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftExample {
    /// The value.
    pub value: String,
    /// Its file and line: `README.md:12`.
    pub place: String,
    /// Why it is left, as a phrase.
    pub reason: &'static str,
    /// What to do.
    pub hint: &'static str,
}

/// Returns what examples are looked for in the files of a source tree.
fn subject<'w>(wanted: &'w Wanted<'_>) -> ExampleSubject<'w> {
    let newest = wanted.newest_release;
    ExampleSubject {
        line: &wanted.line_before,
        default: wanted.default_before,
        release: newest.and_then(|release| release.tag.version.stable_number()),
    }
}

/// Returns the examples of a file: of the stack as it is and, where it moves to another minor, those that are of that one already.
fn examples(kind: &dyn FileKind, file: &Document, wanted: &Wanted<'_>) -> Vec<Example> {
    let mut found = kind.examples(file, &subject(wanted));
    if wanted.changes_minor() {
        let after = ExampleSubject {
            line: &wanted.line,
            default: wanted.default,
            release: None,
        };
        let mut of_line = kind.examples(file, &after);
        of_line.retain(|example| {
            let is_command = example.kind == ExampleKind::Command;
            let is_there = example.minor() == Some(wanted.line.minor);
            !is_command && is_there && !found.contains(example)
        });
        found.extend(of_line);
    }
    found
}

/// Adds the edits that bring the examples of a file to what is wanted.
pub(super) fn edit(
    kind: &dyn FileKind,
    file: &Document,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    let Some(form) = kind
        .example_form()
        .filter(|_| wanted.reach != Reach::Beside)
    else {
        return Ok(());
    };
    for example in examples(kind, file, wanted) {
        let Some(step) = step(&example, file.text(), form, wanted) else {
            continue;
        };
        let values = step
            .edits
            .iter()
            .map(|(index, new)| (&example.values[*index], new));
        // One value whose line may not be edited keeps the others, too.
        if !values
            .clone()
            .all(|(value, _)| edits.wants(step.class, value.line))
        {
            continue;
        }
        for (value, new) in values {
            match (form, &value.place) {
                (TextForm::Manifest, Some((document, path))) => {
                    edits.set(*document, path, new, step.class)?;
                }
                (TextForm::Markdown, _) | (TextForm::Manifest, None) => {
                    edits.splice(&value.at(), value.range.clone(), new, step.class);
                }
            }
        }
    }
    Ok(())
}

/// Returns what of a file's examples is left to people when its stack moves.
pub(crate) fn left_examples(
    kind: &dyn FileKind,
    file: &Document,
    wanted: &Wanted<'_>,
) -> Vec<LeftExample> {
    let is_meant = wanted.reach != Reach::Beside && wanted.reach != Reach::Lists && wanted.moves();
    let Some(form) = kind.example_form().filter(|_| is_meant) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for example in examples(kind, file, wanted) {
        let Some(step) = step(&example, file.text(), form, wanted) else {
            continue;
        };
        let Some(left) = step.left.filter(|_| wanted.wishes.wants(step.class)) else {
            continue;
        };
        let value = left.value_of(&example);
        found.push(LeftExample {
            value: file.text()[value.range.clone()].to_owned(),
            place: format!("{}:{}", file.path(), value.line),
            reason: left.reason(),
            hint: left.hint(),
        });
    }
    found
}

impl Left {
    /// Returns the value of an example that it is about.
    fn value_of(self, example: &Example) -> &ExampleValue {
        let mut values = example.values.iter();
        let found = values.find(|value| match &value.states {
            StatedVersion::Kubernetes(_) => self == Self::Version,
            StatedVersion::Release(_) | StatedVersion::StackVersion(_) => self != Self::Version,
            StatedVersion::Minor(_) => false,
        });
        found.unwrap_or(&example.values[0])
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Build => "an example of a build; the name of the next build is not known",
            Self::Number => "an example; no published release of the new minor is known",
            Self::Numbers => "an example with several releases; the new minor does not have them",
            Self::Version => "an example; no Kubernetes version of the new minor is known",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Build => "write the name there when the build is made",
            Self::Number | Self::Numbers => "write the releases there that people should use",
            Self::Version => "write the version there that people should use",
        }
    }
}

/// Works out what becomes of an example; nothing where it is as it should be, or where what it should say is not known.
fn step(example: &Example, text: &str, form: TextForm, wanted: &Wanted<'_>) -> Option<Step> {
    let mover = Mover {
        example,
        text,
        wanted,
    };
    match example.kind {
        ExampleKind::Cluster => mover.cluster(),
        ExampleKind::ClusterStack => mover.cluster_stack(form),
        ExampleKind::Command => mover.command(),
    }
}

struct Mover<'m> {
    example: &'m Example,
    text: &'m str,
    wanted: &'m Wanted<'m>,
}

impl Mover<'_> {
    fn cluster(&self) -> Option<Step> {
        let wanted = self.wanted;
        let release = self.example.release()?;
        let stated = self.example.kubernetes();
        if release.minor == wanted.line_before.minor {
            if wanted.changes_minor() {
                if stated.is_some() && wanted.default.is_none() {
                    return Step::new(ChangeClass::NewMinor, Vec::new(), Some(Left::Version));
                }
                return self.to_next(ChangeClass::NewMinor);
            }
            return match stated {
                None => self.to_next(self.class_of_move()?),
                Some(version) if self.follows(version) => {
                    self.to_next(wanted.default_class(version))
                }
                Some(version) if Some(version) < wanted.default => self.to_current(release),
                Some(_) => None,
            };
        }
        // Without a default, any version is ahead of it.
        let is_ahead = release.minor > wanted.line.minor || stated > wanted.default;
        if is_ahead {
            return None;
        }
        self.to_current(release)
    }

    /// Tells whether an example with this version moves with the stack: it states the stack's default, or a blocked version.
    fn follows(&self, version: KubernetesVersion) -> bool {
        let wanted = self.wanted;
        wanted.default_before == Some(version)
            || wanted.default_class(version) == ChangeClass::Removal
    }

    /// Brings an example of the stack's current state to its next one.
    fn to_next(&self, class: ChangeClass) -> Option<Step> {
        // Without a move there is no release that would take the next number.
        let next = self
            .wanted
            .moves()
            .then(|| self.wanted.next_number())
            .flatten();
        let mut left = None;
        let edits = self.edits(|value| match &value.states {
            StatedVersion::Release(release) => {
                left = left.or(self.left_of(release, next));
                Some(self.release_text(value, self.next_version(release, next)))
            }
            StatedVersion::Kubernetes(_) => self.version_text(value),
            StatedVersion::Minor(_) | StatedVersion::StackVersion(_) => None,
        });
        Step::new(class, edits, left)
    }

    /// Brings an example that was forgotten to what the stack is. Nothing where the release's name is not known.
    fn to_current(&self, release: &NamedRelease) -> Option<Step> {
        // The words before it would go on to say what it was.
        if self.example.named_before {
            return None;
        }
        let wanted = self.wanted;
        let is_of_line = release.minor == wanted.line.minor;
        let number = match release.version {
            NamedVersion::Open => None,
            NamedVersion::Build if is_of_line => None,
            NamedVersion::Build => return None,
            NamedVersion::Number(number) if is_of_line => {
                // Without known releases it is taken for the current one.
                Some(
                    wanted
                        .number_of_state()
                        .map_or(number, |state| state.max(number)),
                )
            }
            NamedVersion::Number(_) => Some(wanted.number_of_state()?),
        };
        let edits = self.edits(|value| match &value.states {
            StatedVersion::Release(_) => Some(self.release_text(value, number)),
            StatedVersion::Kubernetes(_) => self.version_text(value),
            StatedVersion::Minor(_) | StatedVersion::StackVersion(_) => None,
        });
        Step::new(ChangeClass::Repair, edits, None)
    }

    fn cluster_stack(&self, form: TextForm) -> Option<Step> {
        let wanted = self.wanted;
        let minor = self.example.minor()?;
        let stated = self.example.kubernetes();
        // A manifest of its own may be what somebody applies; one that has drifted is a person's business.
        let is_repaired = form == TextForm::Markdown && !self.example.named_before;
        if minor == wanted.line_before.minor {
            if wanted.changes_minor() {
                return self.stack_to_next(ChangeClass::NewMinor);
            }
            return match stated {
                None => self.stack_to_next(self.class_of_move()?),
                Some(version) if self.follows(version) => {
                    self.stack_to_next(wanted.default_class(version))
                }
                Some(version) if Some(version) < wanted.default && is_repaired => {
                    Step::new(ChangeClass::Repair, self.kubernetes_edits(), None)
                }
                Some(_) => None,
            };
        }
        let is_ahead = minor > wanted.line.minor || stated > wanted.default;
        if is_ahead || !is_repaired {
            return None;
        }
        if minor == wanted.line.minor {
            return Step::new(ChangeClass::Repair, self.kubernetes_edits(), None);
        }
        self.stack_to_current()
    }

    /// Brings a `ClusterStack` of the stack's current state to its next one: its minor, and the newest release of its list.
    fn stack_to_next(&self, class: ChangeClass) -> Option<Step> {
        let wanted = self.wanted;
        let next = wanted.moves().then(|| wanted.next_number()).flatten();
        let newest = self.example.number();
        let listed = self.listed();
        let has_next = next.is_some_and(|next| listed.contains(&StackVersion::stable(next)));
        let newest = newest.filter(|newest| self.is_current(*newest) && !has_next);
        let mut edits = self.kubernetes_edits();
        edits.extend(self.edits(|value| match &value.states {
            StatedVersion::StackVersion(version) if version.stable_number().is_some() => {
                let number = version
                    .stable_number()
                    .filter(|number| Some(*number) == newest)?;
                let next = next?;
                let is_lower = !wanted.changes_minor() && next < number;
                (!is_lower).then(|| StackVersion::stable(next).to_string())
            }
            StatedVersion::StackVersion(_)
            | StatedVersion::Release(_)
            | StatedVersion::Kubernetes(_)
            | StatedVersion::Minor(_) => None,
        }));
        let has_build = listed
            .iter()
            .any(|version| version.stable_number().is_none());
        let left = match (wanted.changes_minor(), listed.len()) {
            _ if has_build && wanted.moves() => Some(Left::Build),
            (true, 2..) => Some(Left::Numbers),
            (true, 1) if next.is_none() => Some(Left::Number),
            (true | false, _) => None,
        };
        // By their place in the example, as the Kubernetes version was looked for first wherever it stands.
        edits.sort();
        Step::new(class, edits, left)
    }

    /// Brings a `ClusterStack` of another minor to the stack's. Nothing where the releases in its list are not known.
    fn stack_to_current(&self) -> Option<Step> {
        let wanted = self.wanted;
        let listed = self.listed();
        let number = match &listed[..] {
            [] => None,
            [version] if version.stable_number().is_some() => Some(wanted.number_of_state()?),
            [..] => return None,
        };
        let mut edits = self.kubernetes_edits();
        edits.extend(self.edits(|value| match &value.states {
            StatedVersion::StackVersion(_) => Some(StackVersion::stable(number?).to_string()),
            StatedVersion::Release(_) | StatedVersion::Kubernetes(_) | StatedVersion::Minor(_) => {
                None
            }
        }));
        Step::new(ChangeClass::Repair, edits, None)
    }

    fn command(&self) -> Option<Step> {
        self.to_next(self.class_of_move()?)
    }

    /// Returns the class of the stack's move; nothing where it stays.
    fn class_of_move(&self) -> Option<ChangeClass> {
        let wanted = self.wanted;
        if wanted.changes_minor() {
            return Some(ChangeClass::NewMinor);
        }
        let before = wanted.default_before.filter(|_| wanted.moves())?;
        Some(wanted.default_class(before))
    }

    fn listed(&self) -> Vec<StackVersion> {
        let values = self.example.values.iter();
        let listed = values.filter_map(|value| match &value.states {
            StatedVersion::StackVersion(version) => Some(version.clone()),
            StatedVersion::Release(_) | StatedVersion::Kubernetes(_) | StatedVersion::Minor(_) => {
                None
            }
        });
        listed.collect()
    }

    fn is_current(&self, number: u32) -> bool {
        subject(self.wanted)
            .release
            .is_none_or(|newest| number >= newest)
    }

    fn kubernetes_edits(&self) -> Vec<(usize, String)> {
        self.edits(|value| match &value.states {
            StatedVersion::Kubernetes(_) => self.version_text(value),
            StatedVersion::Minor(_) => {
                let minor: Minor = self.wanted.line.minor;
                Some(minor.spelled_like(self.raw(value)))
            }
            StatedVersion::Release(_) | StatedVersion::StackVersion(_) => None,
        })
    }

    fn edits(&self, mut new: impl FnMut(&ExampleValue) -> Option<String>) -> Vec<(usize, String)> {
        let values = self.example.values.iter().enumerate();
        values
            .filter_map(|(index, value)| Some((index, new(value)?)))
            .filter(|(index, new)| self.raw(&self.example.values[*index]) != new)
            .collect()
    }

    fn raw(&self, value: &ExampleValue) -> &str {
        &self.text[value.range.clone()]
    }

    fn version_text(&self, value: &ExampleValue) -> Option<String> {
        let default = self.wanted.default?;
        Some(default.spelled_like(self.raw(value)))
    }

    /// Returns the number of a release after the move; a number is never lowered within its minor.
    fn next_version(&self, release: &NamedRelease, next: Option<u32>) -> Option<u32> {
        let number = release.number()?;
        if self.wanted.changes_minor() {
            return Some(next.unwrap_or(number));
        }
        Some(next.map_or(number, |next| next.max(number)))
    }

    fn left_of(&self, release: &NamedRelease, next: Option<u32>) -> Option<Left> {
        match release.version {
            NamedVersion::Build if self.wanted.moves() => Some(Left::Build),
            NamedVersion::Number(_) if self.wanted.changes_minor() && next.is_none() => {
                Some(Left::Number)
            }
            NamedVersion::Build | NamedVersion::Number(_) | NamedVersion::Open => None,
        }
    }

    /// Writes the name of a release: with the wanted minor, and with this number in the place of its own. What else is behind the
    /// minor stays.
    fn release_text(&self, value: &ExampleValue, number: Option<u32>) -> String {
        let line = &self.wanted.line;
        let raw = self.raw(value);
        let own = format!("{}-{}-", line.provider, line.name);
        let behind = raw.strip_prefix(&own).unwrap_or(raw);
        // `1-34-v3`: what is behind the second part.
        let rest = match behind.match_indices('-').nth(1) {
            Some((at, _)) => &behind[at..],
            None => "",
        };
        match number {
            Some(number) => format!("{line}-v{number}"),
            None => format!("{line}{rest}"),
        }
    }
}

impl Wanted<'_> {
    fn changes_minor(&self) -> bool {
        self.line.minor != self.line_before.minor
    }

    /// Tells whether the stack moves: to another minor, or to another default than the one it states.
    fn moves(&self) -> bool {
        self.changes_minor()
            || (self.default_before.is_some() && self.default != self.default_before)
    }

    fn next_number(&self) -> Option<u32> {
        self.next_version.as_ref()?.stable_number()
    }

    /// Returns the number of the release that is of the stack as the plan leaves it: the next one, or the newest published one
    /// where that has the stack's default.
    fn number_of_state(&self) -> Option<u32> {
        let newest = self.newest_release.filter(|_| !self.moves());
        match newest {
            Some(release) if release.kubernetes.is_none() || release.kubernetes == self.default => {
                release.tag.version.stable_number()
            }
            Some(_) | None => self.next_number(),
        }
    }
}
