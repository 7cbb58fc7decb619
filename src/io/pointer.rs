//! Reads the `last-<minor>` pointer of an image store. It does not believe it: the image it names is looked at like any other.

use http::header;
use jiff::civil::Date;

use super::http::Answer;
use crate::catalog::{ImagePattern, ImageUrl};
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// What a pointer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// The day it gives.
    pub(crate) day: Date,
    /// The image it names; older pointers name the series' file, which carries no patch.
    pub(crate) named: Option<(KubernetesVersion, Option<OsRelease>)>,
    /// What is different once the store has written it again.
    pub(crate) validator: String,
}

impl Pointer {
    /// Returns the version that it names.
    pub(crate) fn version(&self) -> Option<KubernetesVersion> {
        self.named.as_ref().map(|(version, _)| *version)
    }

    /// Returns the operating-system release that it names.
    pub(crate) fn os(&self) -> Option<&OsRelease> {
        self.named.as_ref()?.1.as_ref()
    }

    /// Adds what the store's headers say of the pointer's file.
    pub(crate) fn validated_by(mut self, answer: &Answer) -> Self {
        for name in [header::ETAG, header::LAST_MODIFIED] {
            self.validator.push('\n');
            self.validator
                .push_str(answer.header(&name).unwrap_or_default());
        }
        self
    }

    /// Tells whether it names this image.
    pub(crate) fn names(&self, version: KubernetesVersion, os: Option<&OsRelease>) -> bool {
        let named = self.named.as_ref();
        named.is_some_and(|(named, named_os)| *named == version && named_os.as_ref() == os)
    }
}

/// Reads `2026-03-12 ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.7.qcow2`; the error says what is wrong.
pub(crate) fn parse(
    content: &[u8],
    pattern: &ImagePattern,
    minor: Minor,
) -> Result<Pointer, String> {
    let (day, path) = split(content).ok_or("the pointer is not one line `<day> <file>`")?;
    let url = format!("{}{path}", pattern.base());
    let read = pattern.read(&url);
    if read.is_none() && ImagePattern::read_url(&url).is_ok() {
        return Err(format!(
            "the pointer names `{path}`, which does not match the pattern"
        ));
    }
    if read.as_ref().is_some_and(|read| !is_of(read, minor)) {
        return Err(format!(
            "the pointer names `{path}`, which is not of {minor}"
        ));
    }
    let named = read.map(|read| (read.version, read.os));
    let validator = String::from_utf8_lossy(content).into_owned();
    Ok(Pointer {
        day,
        named,
        validator,
    })
}

/// Splits the one line of a pointer. Stores that answer everything with a page for people send `<html>` here, and a path that
/// leaves the store's directory is nothing that a store writes.
fn split(content: &[u8]) -> Option<(Date, &str)> {
    let text = std::str::from_utf8(content).ok()?.trim_end();
    let (day, path) = text.split_once(' ')?;
    let is_odd = path.is_empty()
        || path.starts_with('/')
        || path.contains("..")
        || path.contains(|c: char| c.is_whitespace() || c.is_control() || "<:".contains(c));
    if is_odd {
        return None;
    }
    Some((day.parse().ok()?, path))
}

fn is_of(read: &ImageUrl, minor: Minor) -> bool {
    let directory = read.directory_minor;
    read.version.minor() == minor && directory.is_none_or(|named| named == minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<String>, String> {
        let pattern = "https://s/i/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2"
            .parse()
            .unwrap();
        let pointer = parse(text.as_bytes(), &pattern, Minor::new(1, 34))?;
        Ok(pointer
            .named
            .map(|(version, os)| format!("{version} {}", os.unwrap())))
    }

    #[test]
    fn reads_both_ages_of_pointers() {
        let newest = "2026-03-12 ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.7.qcow2\n";
        assert_eq!(read(newest), Ok(Some("v1.34.7 ubuntu-2404".to_owned())));
        let series = "2025-11-28 ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.qcow2\n";
        assert_eq!(read(series), Ok(None));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "<html><body>not found</body></html>",
            "2026-03-12",
            "yesterday ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.7.qcow2",
            "2026-03-12 ubuntu-2404-kube-v1.33/ubuntu-2404-kube-v1.33.7.qcow2",
            "2026-03-12 ubuntu-2404-kube-v1.33/ubuntu-2404-kube-v1.34.7.qcow2",
            "2026-03-12 ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.7.qcow2\n2026-03-12 x",
            "2026-03-12 ../ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.7.qcow2",
            "2026-03-12 gardener/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.7.qcow2",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r"[0-9-]{0,10} [a-z0-9v./ <-]{0,50}") {
            let _ = read(&text);
        }
    }
}
