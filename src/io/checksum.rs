//! Reads the `.CHECKSUM` file beside a node image and proves the image by it. It downloads no image.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::fault::{Fault, find_page};
use super::http::{Ask, HttpClient};
use crate::catalog::{FaultyImage, NodeImage};
use crate::version::{KubernetesVersion, OsRelease, Sha256};

/// A checksum file has one line.
const BODY_LIMIT: usize = 64 << 10;

/// How much older than its image a checksum may be: uploads take a while.
const UPLOAD_TIME: SignedDuration = SignedDuration::from_secs(60);

/// An image that the store has.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) version: KubernetesVersion,
    pub(crate) os: Option<OsRelease>,
    pub(crate) url: String,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) size: Option<u64>,
    /// The day the store's pointer gives for exactly this image.
    pub(crate) announced: Option<Date>,
}

/// A checksum file as it was received.
pub(crate) struct ChecksumFile<'a> {
    pub(crate) content: &'a [u8],
    pub(crate) modified: Option<Timestamp>,
}

/// What the proof of an image gave.
#[derive(Debug)]
pub(crate) enum Proof {
    Proved(NodeImage),
    Faulty(FaultyImage),
    Unknown(Fault),
}

impl Hit {
    /// Returns the URL of the checksum file.
    pub(crate) fn checksum_url(&self) -> String {
        format!("{}.CHECKSUM", self.url)
    }

    /// Returns the entry of an image that cannot be proved.
    pub(crate) fn faulty(self, reason: impl Into<String>) -> FaultyImage {
        FaultyImage {
            version: self.version,
            url: self.url,
            reason: reason.into(),
        }
    }

    /// Judges the image by its checksum file.
    pub(crate) fn judge(self, checksum: &ChecksumFile<'_>) -> Proof {
        let file = self.url.rsplit('/').next().unwrap_or_default();
        let sha256 = match parse(checksum.content, file) {
            Ok(sha256) => sha256,
            Err(reason) => return Proof::Faulty(self.faulty(reason)),
        };
        if let (Some(image), Some(checksum)) = (self.modified, checksum.modified)
            && image.duration_since(checksum) > UPLOAD_TIME
        {
            let reason = format!(
                "the checksum is older than the image ({checksum} against {image}); the image was uploaded again"
            );
            return Proof::Faulty(self.faulty(reason));
        }
        let modified = self
            .modified
            .map(|moment| moment.to_zoned(TimeZone::UTC).date());
        Proof::Proved(NodeImage {
            version: self.version,
            os: self.os,
            url: self.url,
            sha256: Some(sha256),
            sha512: None,
            digest: None,
            built: modified.or(self.announced),
            size: self.size,
        })
    }
}

/// Fetches the checksum file and judges the image by it.
pub(crate) async fn prove(client: &HttpClient, hit: Hit, round: u32) -> Proof {
    let url = hit.checksum_url();
    let answer = match client.ask(Ask::get(&url, BODY_LIMIT).in_round(round)).await {
        Ok(answer) => answer,
        Err(error) => return Proof::Unknown(error.into()),
    };
    match answer.status {
        200 => {}
        status @ (403 | 404 | 410) => {
            return Proof::Faulty(hit.faulty(format!("no checksum: {url} answers {status}")));
        }
        status => return Proof::Unknown(Fault::of_status(&url, status)),
    }
    if let Some(page) = find_page(&answer) {
        return Proof::Faulty(hit.faulty(format!("the checksum file is {page}")));
    }
    hit.judge(&ChecksumFile {
        content: &answer.body,
        modified: answer.last_modified(),
    })
}

/// Finds the checksum of a file in `<sum>  <file>` or `SHA256 (<file>) = <sum>`; the error says what is wrong.
fn parse(content: &[u8], file: &str) -> Result<Sha256, String> {
    let text = std::str::from_utf8(content).map_err(|_| "the checksum file is not text")?;
    let mut found: Option<Sha256> = None;
    let mut other = None;
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (sum, name) =
            split_line(line).ok_or("the checksum file has a line that is not `<sum>  <file>`")?;
        let sum = read_sum(sum)?;
        if name != file {
            other = Some(name);
            continue;
        }
        match &found {
            Some(known) if *known != sum => {
                return Err("the checksum file has two different sums for the image".to_owned());
            }
            Some(_) | None => found = Some(sum),
        }
    }
    found.ok_or_else(|| match other {
        Some(name) => format!("the checksum file is for another file, `{name}`"),
        None => "the checksum file is empty".to_owned(),
    })
}

/// Splits a line into the sum and the file's name.
fn split_line(line: &str) -> Option<(&str, &str)> {
    if let Some(rest) = line.strip_prefix("SHA256 (") {
        let (name, sum) = rest.split_once(") = ")?;
        return Some((sum, name));
    }
    let (sum, name) = line.split_once([' ', '\t'])?;
    let name = name.trim_start();
    let name = name.strip_prefix('*').unwrap_or(name);
    Some((sum, name.strip_prefix("./").unwrap_or(name)))
}

fn read_sum(digits: &str) -> Result<Sha256, String> {
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("the checksum file has a line that is not `<sum>  <file>`".to_owned());
    }
    digits
        .parse()
        .map_err(|_| format!("the checksum has {} digits instead of 64", digits.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "ubuntu-2404-kube-v1.34.7.qcow2";

    fn read(text: &str) -> Result<String, String> {
        parse(text.as_bytes(), FILE).map(|sum| sum.hex()[..4].to_owned())
    }

    #[test]
    fn reads_every_known_form() {
        let sum = "ab".repeat(32);
        for text in [
            format!("{sum}  {FILE}\n"),
            format!("{sum}  ./{FILE}\n"),
            format!("{} *{FILE}\r\n", sum.to_uppercase()),
            format!("SHA256 ({FILE}) = {sum}"),
            format!(
                "# made today\n{}  other.qcow2\n{sum}  {FILE}\n{sum}  {FILE}\n",
                "cd".repeat(32)
            ),
        ] {
            assert_eq!(read(&text), Ok("abab".to_owned()), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        let sum = "ab".repeat(32);
        let cases = [
            (String::new(), "the checksum file is empty"),
            (
                format!("{}  {FILE}", &sum[1..]),
                "the checksum has 63 digits instead of 64",
            ),
            (
                format!("{sum}  other"),
                "the checksum file is for another file, `other`",
            ),
            (
                format!("{sum}  {FILE}\n{}  {FILE}", "cd".repeat(32)),
                "the checksum file has two different sums for the image",
            ),
            (
                sum.clone(),
                "the checksum file has a line that is not `<sum>  <file>`",
            ),
            (
                "<html> no".to_owned(),
                "the checksum file has a line that is not `<sum>  <file>`",
            ),
        ];
        for (text, reason) in cases {
            assert_eq!(read(&text), Err(reason.to_owned()), "{text}");
        }
        assert!(parse(&[0xff, 0xfe], FILE).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r"[ab0-9 \n()=*./A-Z<]{0,90}") {
            let _ = parse(text.as_bytes(), FILE);
        }
    }
}
