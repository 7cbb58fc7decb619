//! Reads the file with the checksum beside a node image and proves the image by it. It downloads no image.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::http::{Answer, Ask, HttpClient};
use super::no_answer::{NoAnswer, find_page};
use crate::catalog::{FaultyImage, ImageProof, NodeImage};
use crate::version::{KubernetesVersion, Md5, OsRelease, Sha256, Sha512};

/// A checksum file has one line.
const BODY_LIMIT: usize = 64 << 10;

/// How much older than its image a checksum may be: some stores upload it first, and an image takes a while.
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
    /// The day of the build that its name carries.
    pub(crate) named: Option<Date>,
}

/// The sums of one file; a checksum file may have several.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
    md5: Option<Md5>,
}

/// A checksum file as it was received.
pub(crate) struct ChecksumFile<'a> {
    /// What kind of file the store has beside its images.
    pub(crate) proof: ImageProof,
    pub(crate) content: &'a [u8],
    pub(crate) modified: Option<Timestamp>,
}

/// What the proof of an image gave.
#[derive(Debug)]
pub(crate) enum Proof {
    Proved(NodeImage),
    Faulty(FaultyImage),
    Unknown(NoAnswer),
}

impl Hit {
    /// Returns an image of which no more is known than its name.
    pub(crate) fn of_name(version: KubernetesVersion, os: Option<OsRelease>, url: String) -> Self {
        Self {
            version,
            os,
            url,
            modified: None,
            size: None,
            announced: None,
            named: None,
        }
    }

    /// Returns the URL of the file that proves it; nothing where its store has none.
    pub(crate) fn checksum_url(&self, proof: ImageProof) -> Option<String> {
        Some(format!("{}{}", self.url, proof.file_ending()?))
    }

    /// Returns the name of the image's file.
    fn file(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the entry of an image that cannot be proved.
    pub(crate) fn faulty(self, reason: impl Into<String>) -> FaultyImage {
        FaultyImage {
            version: self.version,
            url: self.url,
            reason: reason.into(),
        }
    }

    /// Judges the image by what was said of its checksum file.
    pub(crate) fn prove_by(self, proof: ImageProof, sum: Sum) -> Proof {
        let url = sum.url;
        let answer = match sum.answer {
            Ok(answer) => answer,
            Err(error) => return Proof::Unknown(error),
        };
        match answer.status {
            200 => {}
            // S3 answers 403 for what is not there, where it must not be listed.
            status @ (403 | 404 | 410) => {
                return Proof::Faulty(self.faulty(format!("no checksum: {url} answers {status}")));
            }
            status => return Proof::Unknown(NoAnswer::of_status(&url, status)),
        }
        if let Some(page) = find_page(&answer) {
            return Proof::Faulty(self.faulty(format!("the checksum file is {page}")));
        }
        self.judge(&ChecksumFile {
            proof,
            content: &answer.body,
            modified: answer.last_modified(),
        })
    }

    /// Judges the image by its checksum file.
    pub(crate) fn judge(self, checksum: &ChecksumFile<'_>) -> Proof {
        let sums = match parse(checksum.proof, checksum.content, self.file()) {
            Ok(sums) => sums,
            Err(reason) => return Proof::Faulty(self.faulty(reason)),
        };
        if let (Some(image), Some(checksum)) = (self.modified, checksum.modified)
            && image.duration_since(checksum) > UPLOAD_TIME
        {
            let reason = format!(
                "the checksum ({checksum}) is older than the image ({image}), which was uploaded again"
            );
            return Proof::Faulty(self.faulty(reason));
        }
        Proof::Proved(NodeImage {
            sha256: sums.sha256,
            sha512: sums.sha512,
            md5: sums.md5,
            ..self.image()
        })
    }

    /// Returns the image of a store without checksums: that it is there is all that is known of it.
    pub(crate) fn unproved(self) -> NodeImage {
        NodeImage {
            unproved: true,
            ..self.image()
        }
    }

    fn image(self) -> NodeImage {
        let modified = self
            .modified
            .map(|moment| moment.to_zoned(TimeZone::UTC).date());
        NodeImage {
            os: self.os,
            built: self.named.or(modified).or(self.announced),
            size: self.size,
            ..NodeImage::new(self.version, self.url)
        }
    }
}

/// What was said of a checksum file.
pub(crate) struct Sum {
    url: String,
    answer: Result<Answer, NoAnswer>,
}

impl Sum {
    /// Tells whether the file is there and has a sum for the image. Without an answer it does not.
    pub(crate) fn is_good(&self, hit: &Hit, proof: ImageProof) -> bool {
        let found = self.answer.as_ref().ok();
        let found = found.filter(|answer| answer.status == 200);
        found.is_some_and(|answer| parse(proof, &answer.body, hit.file()).is_ok())
    }
}

/// Fetches the checksum file and judges the image by it.
pub(crate) async fn prove(client: &HttpClient, hit: Hit, proof: ImageProof, round: u32) -> Proof {
    match fetch_sum(client, &hit, proof, round).await {
        Some(sum) => hit.prove_by(proof, sum),
        None => Proof::Proved(hit.unproved()),
    }
}

/// Fetches the checksum file; nothing where the store has none.
pub(crate) async fn fetch_sum(
    client: &HttpClient,
    hit: &Hit,
    proof: ImageProof,
    round: u32,
) -> Option<Sum> {
    let url = hit.checksum_url(proof)?;
    let answer = client.ask(Ask::get(&url, BODY_LIMIT).in_round(round)).await;
    let answer = answer.map_err(NoAnswer::from);
    Some(Sum { url, answer })
}

/// Returns the text of a `.CHECKSUM` file, as `sha256sum` writes it.
pub(super) fn sum_file(sum: &Sha256, file: &str) -> String {
    format!("{}  {file}\n", sum.hex())
}

/// Reads the SHA-256 of a file in a `.CHECKSUM` file; nothing where it proves no such file.
pub(super) fn sum_in(content: &[u8], file: &str) -> Option<Sha256> {
    parse(ImageProof::ChecksumFile, content, file).ok()?.sha256
}

/// Finds the checksums of a file in `<sum>  <file>` or `SHA256 (<file>) = <sum>`; the error says what is wrong. Such files are
/// what `sha256sum`, `md5sum` and their relatives write, with `--tag` or without.
fn parse(proof: ImageProof, content: &[u8], file: &str) -> Result<Sums, String> {
    let text = std::str::from_utf8(content).map_err(|_| "the checksum file is not text")?;
    let mut found = Sums::default();
    let mut other = None;
    let lines = text.lines().map(str::trim);
    let lines: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    if let [only] = lines[..]
        && let Some(bare) = bare_sum(proof, only, file)
    {
        return read_sums(proof, &bare);
    }
    for written in lines {
        let line = split_line(written).ok_or(NO_SUM_LINE)?;
        let sums = read_sums(proof, &line)?;
        if line.file == file {
            found.add(sums)?;
        } else {
            other = Some(line.file);
        }
    }
    match other {
        _ if found != Sums::default() => Ok(found),
        Some(name) => Err(format!("the checksum file is for another file, `{name}`")),
        None => Err("the checksum file is empty".to_owned()),
    }
}

const NO_SUM_LINE: &str = "the checksum file has a line that is not `<sum>  <file>`";

impl Sums {
    /// Adds what another line says of the same file.
    fn add(&mut self, more: Self) -> Result<(), String> {
        let is_other = differs(self.sha256.as_ref(), more.sha256.as_ref())
            || differs(self.sha512.as_ref(), more.sha512.as_ref())
            || differs(self.md5.as_ref(), more.md5.as_ref());
        if is_other {
            return Err("the checksum file has two different sums for the image".to_owned());
        }
        self.sha256 = self.sha256.take().or(more.sha256);
        self.sha512 = self.sha512.take().or(more.sha512);
        self.md5 = self.md5.take().or(more.md5);
        Ok(())
    }
}

fn differs<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

/// One line of a checksum file.
struct Line<'t> {
    /// How many digits the line says that the sum has, where it names the kind.
    digits: Option<usize>,
    sum: &'t str,
    file: &'t str,
}

/// Returns the sum that is a whole file. An `.md5` file is named after one image and often says no more; a `.CHECKSUM` file has
/// to name its image, as stores have had those of others in their place.
fn bare_sum<'t>(proof: ImageProof, only_line: &'t str, file: &'t str) -> Option<Line<'t>> {
    let is_bare = proof == ImageProof::Md5File && !only_line.contains([' ', '\t']);
    is_bare.then_some(Line {
        digits: None,
        sum: only_line,
        file,
    })
}

/// Splits a line into the sum and the file's name.
fn split_line(line: &str) -> Option<Line<'_>> {
    for (kind, digits) in [("SHA256 (", 64), ("SHA512 (", 128), ("MD5 (", 32)] {
        if let Some(rest) = line.strip_prefix(kind) {
            let (file, sum) = rest.split_once(") = ")?;
            return Some(Line {
                digits: Some(digits),
                sum,
                file,
            });
        }
    }
    let (sum, rest) = line.split_once([' ', '\t'])?;
    // `sha256sum --binary` puts a star before the name, and `find . | xargs sha256sum` writes `./name`.
    let name = rest.trim_start();
    let plain = name.strip_prefix('*').unwrap_or(name);
    Some(Line {
        digits: None,
        sum,
        file: plain.strip_prefix("./").unwrap_or(plain),
    })
}

/// Reads the sum of a line: the number of its digits tells its kind.
fn read_sums(proof: ImageProof, line: &Line<'_>) -> Result<Sums, String> {
    let found = line.sum.len();
    if !line.sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(NO_SUM_LINE.to_owned());
    }
    let (possible, told): (&[usize], &str) = match proof {
        ImageProof::Md5File => (&[32], "32"),
        ImageProof::ChecksumFile | ImageProof::RegistryDigest | ImageProof::None => {
            (&[64, 128], "64 or 128")
        }
    };
    match line.digits {
        Some(wanted) if wanted != found => Err(format!(
            "the checksum has {found} digits instead of {wanted}"
        )),
        _ if !possible.contains(&found) => {
            Err(format!("the checksum has {found} digits instead of {told}"))
        }
        // Each kind takes a sum of its own length alone.
        _ => Ok(Sums {
            sha256: line.sum.parse().ok(),
            sha512: line.sum.parse().ok(),
            md5: line.sum.parse().ok(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "ubuntu-2404-kube-v1.34.7.qcow2";

    fn read(text: &str) -> Result<String, String> {
        read_as(ImageProof::ChecksumFile, text)
    }

    fn read_as(proof: ImageProof, text: &str) -> Result<String, String> {
        let sums = parse(proof, text.as_bytes(), FILE)?;
        let short = sums.sha256.map(|sum| sum.hex()[..4].to_owned());
        let long = sums.sha512.map(|sum| format!("512 {}", &sum.hex()[..4]));
        let weak = sums.md5.map(|sum| format!("md5 {}", &sum.hex()[..4]));
        let said: Vec<String> = short.into_iter().chain(long).chain(weak).collect();
        Ok(said.join(" "))
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
    fn what_is_written_is_read() {
        let sum: Sha256 = "ab".repeat(32).parse().unwrap();
        let text = sum_file(&sum, FILE);
        assert_eq!(sum_in(text.as_bytes(), FILE), Some(sum));
        assert_eq!(sum_in(text.as_bytes(), "other.qcow2"), None);
        assert_eq!(sum_in(b"<html>", FILE), None);
    }

    #[test]
    fn a_longer_sum_counts_alone_and_beside_the_usual_one() {
        let (short, long) = ("ab".repeat(32), "cd".repeat(64));
        for (text, expected) in [
            (format!("{long}  {FILE}\n"), "512 cdcd"),
            (
                format!("SHA512 ({FILE}) = {}", long.to_uppercase()),
                "512 cdcd",
            ),
            (
                format!("{short}  {FILE}\n{long} *{FILE}\n"),
                "abab 512 cdcd",
            ),
            (
                format!("SHA512 ({FILE}) = {long}\nSHA256 ({FILE}) = {short}\n{long}  other\n"),
                "abab 512 cdcd",
            ),
        ] {
            assert_eq!(read(&text).as_deref(), Ok(expected), "{text}");
        }
        let two = format!("{long}  {FILE}\n{}  {FILE}", "ef".repeat(64));
        let two_sums = "the checksum file has two different sums for the image";
        assert_eq!(read(&two), Err(two_sums.to_owned()));
        for (text, reason) in [
            (
                format!("SHA512 ({FILE}) = {short}"),
                "64 digits instead of 128",
            ),
            (
                format!("SHA256 ({FILE}) = {long}"),
                "128 digits instead of 64",
            ),
            (
                format!("{}  {FILE}", &long[1..]),
                "127 digits instead of 64 or 128",
            ),
        ] {
            let reason = format!("the checksum has {reason}");
            assert_eq!(read(&text), Err(reason), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        let sum = "ab".repeat(32);
        let cases = [
            (String::new(), "the checksum file is empty"),
            (
                format!("{}  {FILE}", &sum[1..]),
                "the checksum has 63 digits instead of 64 or 128",
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
        assert!(parse(ImageProof::ChecksumFile, &[0xff, 0xfe], FILE).is_err());
        let md5 = format!("{}  {FILE}", "ab".repeat(16));
        let reason = "the checksum has 32 digits instead of 64 or 128";
        assert_eq!(read(&md5), Err(reason.to_owned()));
    }

    #[test]
    fn an_md5_file_is_read_as_md5sum_writes_it() {
        let sum = "ab".repeat(16);
        for text in [
            format!("{sum}  {FILE}\n"),
            format!("{sum}  ./{FILE}\n"),
            format!("{} *{FILE}\r\n", sum.to_uppercase()),
            format!("MD5 ({FILE}) = {sum}\n"),
            format!("{sum}\n"),
            format!("{}  other.ova\n{sum}  {FILE}\n", "cd".repeat(16)),
        ] {
            let found = read_as(ImageProof::Md5File, &text);
            assert_eq!(found, Ok("md5 abab".to_owned()), "{text}");
        }
    }

    #[test]
    fn an_md5_file_with_anything_else_proves_nothing() {
        let (sum, long) = ("ab".repeat(16), "ab".repeat(32));
        for (text, reason) in [
            (String::new(), "the checksum file is empty"),
            (
                format!("{}\n", &sum[1..]),
                "the checksum has 31 digits instead of 32",
            ),
            (
                format!("{long}  {FILE}"),
                "the checksum has 64 digits instead of 32",
            ),
            (
                format!("SHA256 ({FILE}) = {long}"),
                "the checksum has 64 digits instead of 32",
            ),
            (
                format!("MD5 ({FILE}) = {long}"),
                "the checksum has 64 digits instead of 32",
            ),
            (
                format!("{sum}  other.ova"),
                "the checksum file is for another file, `other.ova`",
            ),
            (
                format!("{sum}\n{}", "cd".repeat(16)),
                "the checksum file has a line that is not `<sum>  <file>`",
            ),
            (
                format!("{}  other.ova\n{sum}\n", "cd".repeat(16)),
                "the checksum file has a line that is not `<sum>  <file>`",
            ),
            (
                format!("{sum}  {FILE}\n{}  {FILE}\n", "cd".repeat(16)),
                "the checksum file has two different sums for the image",
            ),
            ("<html>".to_owned(), NO_SUM_LINE),
        ] {
            let found = read_as(ImageProof::Md5File, &text);
            assert_eq!(found, Err(reason.to_owned()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r"[ab0-9 \n()=*./A-Z<]{0,90}") {
            for proof in [ImageProof::ChecksumFile, ImageProof::Md5File] {
                let _ = parse(proof, text.as_bytes(), FILE);
            }
        }
    }
}
