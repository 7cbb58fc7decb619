//! Git's packet lines: what a smart HTTP server says, in pieces. It sends nothing; every text is taken for hostile.

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;

use crate::io::http::conceal;

/// The most that is kept of a server's remarks.
const MAX_REMARKS: usize = 8 << 10;

/// Why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PacketError {
    /// It ended too early.
    Cut,
    /// It is something else; the phrase says what.
    Foreign(String),
    /// The server says that it failed.
    Said(String),
    /// The server speaks a dialect that this program does not.
    Unsupported(String),
}

type Result<T> = std::result::Result<T, PacketError>;

/// Packet lines one after the other.
pub(super) struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns what follows the lines read so far.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns the next packet; nothing for the one that ends a list.
    pub(super) fn next(&mut self) -> Result<Option<&'a [u8]>> {
        let Some((length, rest)) = self.rest.split_at_checked(4) else {
            return Err(PacketError::Cut);
        };
        let length = std::str::from_utf8(length)
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|text| usize::from_str_radix(text, 16).ok());
        match length {
            Some(0) => {
                self.rest = rest;
                Ok(None)
            }
            Some(length @ 4..) => {
                let packet = rest.split_at_checked(length - 4);
                let (packet, rest) = packet.ok_or(PacketError::Cut)?;
                self.rest = rest;
                match packet.strip_prefix(b"ERR ") {
                    Some(said) => Err(PacketError::Said(clean(said))),
                    None => Ok(Some(packet)),
                }
            }
            Some(_) | None => Err(PacketError::Foreign(begin_of(self.rest))),
        }
    }

    /// Returns the next packet as a line of text, without its line end.
    pub(super) fn next_line(&mut self) -> Result<Option<&'a str>> {
        let packet = self.next()?;
        packet.map(text_of).transpose()
    }

    /// Passes over packets that begin with these words; what comes next need not be a packet.
    pub(super) fn skip_lines(&mut self, beginning: &[u8]) -> Result<()> {
        while self
            .rest
            .get(4..)
            .is_some_and(|rest| rest.starts_with(beginning))
        {
            self.next()?;
        }
        Ok(())
    }

    fn check_end(&self) -> Result<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(PacketError::Foreign(begin_of(self.rest)))
        }
    }
}

/// Adds a packet to a request.
pub(super) fn write(request: &mut Vec<u8>, line: &str) {
    request.extend_from_slice(format!("{:04x}{line}", line.len() + 4).as_bytes());
}

/// Ends a list of packets in a request.
pub(super) fn write_end(request: &mut Vec<u8>) {
    request.extend_from_slice(b"0000");
}

/// The data of an answer in bands, and what the server says to people beside it.
#[derive(Debug, Default)]
pub(super) struct Bands {
    pub(super) data: Vec<u8>,
    pub(super) remarks: String,
}

/// Takes an answer in bands apart.
pub(super) fn split_bands(bytes: &[u8]) -> Result<Bands> {
    let mut packets = Packets::new(bytes);
    let mut bands = Bands::default();
    while let Some(packet) = packets.next()? {
        match packet.split_first() {
            Some((1, data)) => bands.data.extend_from_slice(data),
            Some((2, said)) if bands.remarks.len() < MAX_REMARKS => {
                bands.remarks += &String::from_utf8_lossy(said);
            }
            Some((2, _)) | None => {}
            Some((3, said)) => return Err(PacketError::Said(clean(said))),
            Some(_) => return Err(PacketError::Foreign(begin_of(packet))),
        }
    }
    packets.check_end()?;
    bands.remarks = clean(bands.remarks.as_bytes());
    Ok(bands)
}

/// What a server says of itself before anything else.
#[derive(Debug, Default)]
pub(super) struct Advertisement {
    /// The refs by their full names.
    pub(super) refs: BTreeMap<String, Oid>,
    /// Commits that the server has beside its refs.
    pub(super) beside: BTreeSet<Oid>,
    capabilities: Vec<String>,
}

impl Advertisement {
    /// Reads the answer to the first request.
    pub(super) fn parse(bytes: &[u8], service: &str) -> Result<Self> {
        let mut packets = Packets::new(bytes);
        let first = packets.next_line()?;
        if first != Some(&format!("# service={service}")) || packets.next()?.is_some() {
            return Err(PacketError::Foreign(begin_of(bytes)));
        }
        let mut found = Self::default();
        let mut is_first = true;
        while let Some(packet) = packets.next()? {
            let mut parts = packet.splitn(2, |byte| *byte == 0);
            let line = text_of(parts.next().unwrap_or_default())?;
            if line == "version 1" && is_first {
                continue;
            }
            if line.starts_with("version ") && is_first {
                return Err(PacketError::Unsupported(format!("git protocol {line}")));
            }
            if std::mem::take(&mut is_first) {
                let capabilities = text_of(parts.next().unwrap_or_default())?;
                found.capabilities = capabilities.split(' ').map(str::to_owned).collect();
                if let Some(format) = found.capability("object-format").filter(|f| *f != "sha1") {
                    return Err(PacketError::Unsupported(format!("{format} objects")));
                }
            }
            found.add(line)?;
        }
        packets.check_end()?;
        Ok(found)
    }

    fn add(&mut self, line: &str) -> Result<()> {
        let foreign = || PacketError::Foreign(begin_of(line.as_bytes()));
        if line.starts_with("shallow ") {
            return Ok(());
        }
        let (id, name) = line.split_once(' ').ok_or_else(foreign)?;
        let id = parse_id(id).ok_or_else(foreign)?;
        match name {
            "capabilities^{}" => {}
            ".have" => {
                self.beside.insert(id);
            }
            _ if name.ends_with("^{}") => {
                self.beside.insert(id);
            }
            _ => {
                self.refs.insert(name.to_owned(), id);
            }
        }
        Ok(())
    }

    /// Tells whether the server can do something.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|found| found == capability)
    }

    /// Returns the value of `NAME=VALUE`.
    pub(super) fn capability(&self, name: &str) -> Option<&str> {
        let mut values = self.capabilities.iter().filter_map(|found| {
            let (key, value) = found.split_once('=')?;
            (key == name).then_some(value)
        });
        values.next()
    }

    /// Returns the branch that `HEAD` names.
    pub(super) fn default_branch(&self) -> Option<&str> {
        let mut links = self.capabilities.iter();
        links.find_map(|found| found.strip_prefix("symref=HEAD:refs/heads/"))
    }
}

/// What became of each ref of a push, in the server's words.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Why the objects were not taken.
    pub(super) unpack: Option<String>,
    /// Nothing for a ref that was moved; else why it was not.
    pub(super) refs: BTreeMap<String, Option<String>>,
}

impl Report {
    /// Reads the report of a push.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut packets = Packets::new(bytes);
        let mut report = Self::default();
        let first = packets.next_line()?;
        let unpack = first.and_then(|line| line.strip_prefix("unpack "));
        let unpack = unpack.ok_or_else(|| PacketError::Foreign(begin_of(bytes)))?;
        report.unpack = (unpack != "ok").then(|| clean(unpack.as_bytes()));
        while let Some(line) = packets.next_line()? {
            if let Some(name) = line.strip_prefix("ok ") {
                report.refs.insert(name.to_owned(), None);
            } else if let Some(rest) = line.strip_prefix("ng ") {
                let (name, why) = rest.split_once(' ').unwrap_or((rest, "no reason given"));
                let why = clean(why.as_bytes());
                report.refs.insert(name.to_owned(), Some(why));
            } else if !line.starts_with("option ") {
                return Err(PacketError::Foreign(begin_of(line.as_bytes())));
            }
        }
        Ok(report)
    }
}

/// Reads an object's number; git's zero stands for none.
fn parse_id(text: &str) -> Option<Oid> {
    (text.len() == 40)
        .then(|| Oid::from_str(text).ok())
        .flatten()
}

fn text_of(packet: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(packet);
    let text = text.map_err(|_| PacketError::Foreign(begin_of(packet)))?;
    Ok(text.trim_end_matches('\n'))
}

/// Returns a server's text as it may be shown: lines of printable characters, and not too many.
pub(super) fn clean(bytes: &[u8]) -> String {
    let text = conceal(&String::from_utf8_lossy(bytes)).replace('\r', "\n");
    let lines = text.lines().map(|line| {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        line.trim_end().to_owned()
    });
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).take(40).collect();
    let mut shown: String = lines.join("\n").chars().take(2000).collect();
    shown.truncate(shown.trim_end().len());
    shown
}

/// Returns how an answer begins, to say what it is.
fn begin_of(bytes: &[u8]) -> String {
    let shown = clean(&bytes[..bytes.len().min(60)]);
    format!("it begins with `{}`", shown.replace('\n', " "))
}

#[cfg(test)]
mod tests;
