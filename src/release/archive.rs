//! Archives as Helm and the operator read them: USTAR in gzip, regular files alone, in the order given. The same members give the same
//! bytes on every machine. It knows nothing of charts.

use std::io::{Read, Write};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;

/// The most that an archive may hold, unpacked: Helm refuses charts beyond it (`MaxDecompressedChartSize`).
const MAX_UNPACKED: u64 = 100 << 20;

/// The value for "unknown" in the header of a gzip file (RFC 1952). The system's own would differ from machine to machine.
const UNKNOWN_SYSTEM: u8 = 255;

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member<C = Vec<u8>> {
    /// Its path, with slashes.
    pub(crate) path: String,
    /// Its content.
    pub(crate) content: C,
}

/// Something in an archive that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path as it stands there.
    pub(crate) path: String,
    /// The letter or digit of its kind in the header: `0` is a file, `5` a directory.
    pub(crate) kind: char,
    /// Its content.
    pub(crate) content: Vec<u8>,
}

impl Entry {
    /// Tells whether it is a regular file.
    pub(crate) fn is_file(&self) -> bool {
        // Old programs write a zero byte.
        self.kind == '0' || self.kind == '\0'
    }

    /// Tells whether it is a directory.
    pub(crate) fn is_directory(&self) -> bool {
        self.kind == '5'
    }
}

/// Packs files; every one gets that moment.
pub(super) fn pack<C: AsRef<[u8]>>(
    members: &[Member<C>],
    moment: Timestamp,
) -> std::io::Result<Vec<u8>> {
    // Room for what cannot be compressed: growing would hold a large archive twice.
    let sizes = members.iter().map(|member| member.content.as_ref().len());
    let room = Vec::with_capacity(sizes.sum::<usize>() + (16 << 10));
    let compressed = GzBuilder::new()
        .mtime(0)
        .operating_system(UNKNOWN_SYSTEM)
        .write(room, Compression::default());
    let mut archive = tar::Builder::new(compressed);
    let seconds = u64::try_from(moment.as_second()).unwrap_or(0);
    for member in members {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(seconds);
        let content = member.content.as_ref();
        header.set_size(content.len() as u64);
        if header.set_path(&member.path).is_err() {
            // Only a path that does not fit: PAX says it in full, and the header has its end.
            archive.append_pax_extensions([("path", member.path.as_bytes())])?;
            let name = member.path.rsplit('/').next().unwrap_or("file");
            let mut starts = name.char_indices().map(|(start, _)| start);
            let start = starts.find(|start| name.len() - start < 100);
            header.set_path(&name[start.unwrap_or(0)..])?;
        }
        header.set_cksum();
        archive.append(&header, content)?;
    }
    let mut compressed = archive.into_inner()?;
    compressed.flush()?;
    compressed.finish()
}

/// Unpacks an archive. Global headers of PAX, as git writes them, are left out.
pub(crate) fn unpack(bytes: &[u8]) -> std::io::Result<Vec<Entry>> {
    let mut archive = tar::Archive::new(GzDecoder::new(bytes).take(MAX_UNPACKED));
    let mut entries = Vec::new();
    for found in archive.entries()? {
        let mut entry = found?;
        if entry.header().entry_type() == tar::EntryType::XGlobalHeader {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = char::from(entry.header().entry_type().as_byte());
        // As much as it says, and no more than may be there: growing would hold it twice.
        let size = entry.size().min(MAX_UNPACKED);
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        entry.read_to_end(&mut content)?;
        entries.push(Entry {
            path,
            kind,
            content,
        });
    }
    Ok(entries)
}

/// Returns the newest moment that a file of an archive has; nothing where it is no archive.
pub(super) fn newest_moment(bytes: &[u8]) -> Option<Timestamp> {
    let mut archive = tar::Archive::new(GzDecoder::new(bytes).take(MAX_UNPACKED));
    let mut newest = None;
    for entry in archive.entries().ok()? {
        let seconds = entry.ok()?.header().mtime().ok()?;
        let moment = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
        newest = newest.max(Some(moment));
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &str, content: &[u8]) -> Member {
        Member {
            path: path.to_owned(),
            content: content.to_owned(),
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_in_its_order() {
        let long = format!("chart/{}/{}", "d".repeat(120), "f".repeat(90));
        let longer = format!("chart/{}", "g".repeat(300));
        let members = [
            member("chart/b", b"two"),
            member("chart/a", b""),
            member(&long, b"fits the prefix of USTAR"),
            member(&longer, b"needs PAX"),
        ];
        let moment = Timestamp::from_second(1_700_000_000).unwrap();
        let bytes = pack(&members, moment).unwrap();
        let entries = unpack(&bytes).unwrap();
        assert!(entries.iter().all(Entry::is_file));
        let again: Vec<Member> = entries
            .into_iter()
            .map(|entry| Member {
                path: entry.path,
                content: entry.content,
            })
            .collect();
        assert_eq!(again, members);
        assert_eq!(bytes, pack(&members, moment).unwrap());
        // Flags, moment and system of the gzip header.
        assert_eq!(&bytes[3..10], &[0, 0, 0, 0, 0, 0, 255]);
    }

    #[test]
    fn headers_say_nothing_of_the_machine() {
        let moment = Timestamp::from_second(1_700_000_000).unwrap();
        let bytes = pack(&[member("a", b"x")], moment).unwrap();
        let mut plain = Vec::new();
        GzDecoder::new(bytes.as_slice())
            .read_to_end(&mut plain)
            .unwrap();
        let header = tar::Header::from_byte_slice(&plain[..512]);
        let ustar = header.as_ustar().unwrap();
        assert_eq!(header.mode().unwrap(), 0o644);
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        assert_eq!(header.mtime().unwrap(), 1_700_000_000);
        assert_eq!((ustar.uname[0], ustar.gname[0]), (0, 0));
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let bytes = pack(&[member("a", &[7; 4096])], Timestamp::UNIX_EPOCH).unwrap();
        assert!(unpack(&bytes[..bytes.len() / 2]).is_err());
        assert!(unpack(b"no archive").is_err());
    }
}
