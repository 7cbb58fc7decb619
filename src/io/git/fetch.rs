//! Fetches commits into the repository's object database. No ref moves, and `.git/shallow` stays as it is: nothing of git's
//! own reaches these objects before a fetch of git's own brings what is below them.
use std::fmt::Write as _;

use bytes::Bytes;
use git2::{Oid, Repository, Sort};
use tokio::time::sleep;

use super::local;
use super::objects::{is_whole, take_in};
use super::packet::{self, PacketError, Packets, split_bands};
use super::place::Place;
use super::remote::{Line, Service};
use super::{GitRepository, Remote, RemoteError};
use crate::io::files::read_within;
use crate::io::http::HttpClient;

/// The largest pack that is taken.
const MAX_PACK_BYTES: usize = 256 << 20;
/// A boundary of a hundred thousand commits; a longer one is left out, and the server sends what is below it again.
const MAX_SHALLOW_BYTES: usize = 4 << 20;
/// How many commits the server is told of, so that it sends what is new alone.
const MAX_HAVES: usize = 256;

impl Remote {
    /// Brings commits of the remote here, with their files and as many generations of ancestors as `depth` says; 1 is the
    /// commits alone. What is here already is not asked for. `wants` are full numbers, as [`Remote::refs`] returns them.
    pub async fn fetch(
        &self,
        client: &HttpClient,
        repository: &GitRepository,
        wants: &[Oid],
        depth: u32,
    ) -> Result<(), RemoteError> {
        let here = &repository.repository;
        let depth = depth.max(1);
        let mut wants = repository.lacking(wants, depth)?;
        if wants.is_empty() {
            return Ok(());
        }
        let url = match &self.place {
            Place::Local(path) => return local::fetch(path, here, &wants, depth),
            Place::Http(url) => url,
        };
        let line = self.connect(client, url, Service::UploadPack).await?;
        // A commit that is known here may lack files, as in a partial clone; then nothing is taken for known.
        for known in [haves(here)?, Vec::new()] {
            let request = request(here, &line, &wants, (depth, &known));
            take_in(here, &self.receive(client, &line, request).await?)?;
            wants = repository.lacking(&wants, depth)?;
            if wants.is_empty() {
                return Ok(());
            }
        }
        Err(RemoteError::Missing { id: wants[0] })
    }

    /// Receives a pack; the request changes nothing, so it is repeated where that may help.
    async fn receive(
        &self,
        client: &HttpClient,
        line: &Line,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, RemoteError> {
        let settings = client.settings();
        let mut pause = settings.retry_pause;
        let mut attempt = 0;
        loop {
            let request = (request.clone(), MAX_PACK_BYTES);
            let answer = self.exchange(client, &line.url, Service::UploadPack, request);
            let read =
                |answer: Bytes| read_pack(&answer, line).map_err(|error| self.packet_error(error));
            match answer.await.and_then(read) {
                Err(error) if error.is_transient() && attempt < settings.retries => {}
                done => return done,
            }
            sleep(pause).await;
            pause *= 2;
            attempt += 1;
        }
    }
}

impl GitRepository {
    /// Returns which of these commits are not here as a whole.
    fn lacking(&self, wants: &[Oid], depth: u32) -> Result<Vec<Oid>, git2::Error> {
        let mut known = self.whole_trees.borrow_mut();
        let mut lacking = Vec::new();
        for id in wants {
            if !lacking.contains(id) && !is_whole(&self.repository, *id, depth, &mut known)? {
                lacking.push(*id);
            }
        }
        Ok(lacking)
    }
}

/// Returns commits that refs of this repository reach, the newest first: what they need is here.
fn haves(repository: &Repository) -> Result<Vec<Oid>, git2::Error> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TIME)?;
    let mut tips = 0;
    for reference in repository.references()? {
        let Ok(commit) = reference.and_then(|reference| reference.peel_to_commit()) else {
            continue;
        };
        walk.push(commit.id())?;
        tips += 1;
    }
    if tips == 0 {
        return Ok(Vec::new());
    }
    // The walk ends with an error at the boundary of a shallow clone; what came before it holds.
    Ok(walk.map_while(Result::ok).take(MAX_HAVES).collect())
}

fn request(
    repository: &Repository,
    line: &Line,
    wants: &[Oid],
    (depth, known): (u32, &[Oid]),
) -> Vec<u8> {
    let mut request = Vec::new();
    let mut can = String::new();
    for capability in ["side-band-64k", "ofs-delta", "no-progress"] {
        if line.offer.can(capability) {
            // Writing to a text does not fail.
            let _ = write!(can, " {capability}");
        }
    }
    for want in wants {
        packet::write(&mut request, &format!("want {want}{can}\n"));
        can.clear();
    }
    if line.offer.can("shallow") {
        let boundary = read_within(&repository.commondir().join("shallow"), MAX_SHALLOW_BYTES);
        for id in boundary.unwrap_or_default().lines() {
            packet::write(&mut request, &format!("shallow {}\n", id.trim()));
        }
        packet::write(&mut request, &format!("deepen {depth}\n"));
    }
    packet::write_end(&mut request);
    for have in known {
        packet::write(&mut request, &format!("have {have}\n"));
    }
    packet::write(&mut request, "done\n");
    request
}

/// Takes the pack out of an answer.
fn read_pack(answer: &[u8], line: &Line) -> Result<Vec<u8>, PacketError> {
    let mut packets = Packets::new(answer);
    let unexpected =
        |line: &str| PacketError::Foreign(format!("it says `{}`", packet::clean(line.as_bytes())));
    if line.offer.can("shallow") {
        while let Some(said) = packets.next_line()? {
            if !said.starts_with("shallow ") && !said.starts_with("unshallow ") {
                return Err(unexpected(said));
            }
        }
    }
    let said = packets.next_line()?.unwrap_or_default();
    if said != "NAK" && !said.starts_with("ACK ") {
        return Err(unexpected(said));
    }
    // Git says of each commit that is known at both sides that it is, up to the one after which it looks no further.
    packets.skip_lines(b"ACK ")?;
    let pack = if line.offer.can("side-band-64k") {
        split_bands(packets.rest())?.data
    } else {
        packets.rest().to_vec()
    };
    if pack.starts_with(b"PACK") {
        Ok(pack)
    } else {
        Err(PacketError::Cut)
    }
}
