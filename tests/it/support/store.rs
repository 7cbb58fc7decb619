//! A world on one loopback port for tests: an OSISM-like image store, Helm repositories, GitHub's releases and the release
//! schedule, with validators, HTML pages for what is missing, and a log. Its content can change while it runs.
//!
//! A URL `https://HOST/PATH` is served as `http://127.0.0.1:PORT/HOST/PATH`; `mirrors` maps the one to the other.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use jiff::civil::{Date, DateTime};

use super::server::{Logged, Reply, Request, Server};

/// Where the images are.
pub const IMAGES: &str = "https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/";
/// The pattern of their URLs.
pub const PATTERN: &str = "https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/\
                           {os}-kube-v{minor}/{os}-kube-v{version}.qcow2";
/// The cloud provider's charts.
pub const CHARTS: &str = "https://kubernetes.github.io/cloud-provider-openstack";
const RELEASES: &str = "https://api.github.com/repos/kubernetes/kubernetes/releases";
const SCHEDULE: &str =
    "https://raw.githubusercontent.com/kubernetes/website/main/data/releases/schedule.yaml";
/// The official feed of vulnerabilities.
pub const FEED: &str =
    "https://kubernetes.io/docs/reference/issues-security/official-cve-feed/index.json";
/// What the records' URLs begin with.
pub const RECORDS: &str = "https://cveawg.mitre.org/api/cve/";

/// A release of Kubernetes on GitHub.
#[derive(Debug, Clone)]
struct Release {
    tag: String,
    published: Date,
    draft: bool,
    prerelease: bool,
}

#[derive(Default)]
struct World {
    /// By path on this server.
    files: BTreeMap<String, Reply>,
    charts: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    releases: Vec<Release>,
    schedule: Vec<(String, String)>,
    /// Entries of the feed of vulnerabilities.
    feed: Vec<serde_json::Value>,
    /// By the beginning of the path on this server.
    faults: BTreeMap<String, Reply>,
}

/// The server with its content.
pub struct StoreServer {
    server: Server,
    world: Arc<Mutex<World>>,
}

impl StoreServer {
    /// Starts an empty world.
    pub fn start() -> Self {
        let world: Arc<Mutex<World>> = Arc::default();
        let shown = world.clone();
        let server = Server::start(move |request| {
            let world = shown.lock().unwrap();
            world.answer(request)
        });
        Self { server, world }
    }

    /// Adds an image with its checksum file: `("ubuntu-2404", "1.34.7", <64 hex>, "2026-03-12")`.
    pub fn image(&self, os: &str, version: &str, sha256: &str, modified: &str) -> &Self {
        let (minor, _) = version.rsplit_once('.').unwrap();
        let file = format!("{os}-kube-v{version}.qcow2");
        let url = format!("{IMAGES}{os}-kube-v{minor}/{file}");
        self.file(
            &url,
            &format!("QFI of {sha256}"),
            "application/octet-stream",
            modified,
        );
        self.file(
            &format!("{url}.CHECKSUM"),
            &format!("{sha256}  {file}\n"),
            "application/octet-stream",
            modified,
        )
    }

    /// Removes an image and its checksum file.
    pub fn remove_image(&self, os: &str, version: &str) -> &Self {
        let (minor, _) = version.rsplit_once('.').unwrap();
        let url = format!("{IMAGES}{os}-kube-v{minor}/{os}-kube-v{version}.qcow2");
        self.remove(&url).remove(&format!("{url}.CHECKSUM"))
    }

    /// Writes the pointer `last-<minor>`.
    pub fn pointer(&self, day: &str, os: &str, version: &str) -> &Self {
        let (minor, _) = version.rsplit_once('.').unwrap();
        let line = format!("{day} {os}-kube-v{minor}/{os}-kube-v{version}.qcow2\n");
        self.file(
            &format!("{IMAGES}last-{minor}"),
            &line,
            "application/octet-stream",
            day,
        )
    }

    /// Adds versions of a chart to a Helm repository: `(CHARTS, "openstack-cinder-csi", &["2.34.3"])`.
    pub fn chart(&self, repository: &str, name: &str, versions: &[&str]) -> &Self {
        let mut world = self.world.lock().unwrap();
        let charts = world
            .charts
            .entry(repository.trim_end_matches('/').to_owned())
            .or_default();
        let known = charts.entry(name.to_owned()).or_default();
        known.extend(versions.iter().map(ToString::to_string));
        drop(world);
        self
    }

    /// Adds a release of Kubernetes; the one added last is the newest. A tag with a dash is a pre-release.
    pub fn release(&self, tag: &str, published: &str) -> &Self {
        self.push_release(tag, published, false)
    }

    /// Adds a draft of a release.
    pub fn draft_release(&self, tag: &str, published: &str) -> &Self {
        self.push_release(tag, published, true)
    }

    fn push_release(&self, tag: &str, published: &str, draft: bool) -> &Self {
        self.world.lock().unwrap().releases.push(Release {
            tag: tag.to_owned(),
            published: published.parse().unwrap(),
            draft,
            prerelease: tag.contains('-'),
        });
        self
    }

    /// Sets the last day of a minor.
    pub fn end_of_life(&self, minor: &str, day: &str) -> &Self {
        let mut world = self.world.lock().unwrap();
        world.schedule.push((minor.to_owned(), day.to_owned()));
        drop(world);
        self
    }

    /// Adds a vulnerability to the feed, with its record: `("CVE-2026-0001", 8.8, &[("v1.33.0", "v1.33.8")])`; the second
    /// version is the last that is affected; without one it is the first alone.
    pub fn vulnerability(&self, id: &str, score: f64, affected: &[(&str, &str)]) -> &Self {
        let entry = |(from, through): &(&str, &str)| match *through {
            "" => serde_json::json!({"status": "affected", "version": from}),
            through => {
                serde_json::json!({"lessThanOrEqual": through, "status": "affected", "version": from,
                                          "versionType": "semver"})
            }
        };
        let versions: Vec<_> = affected.iter().map(entry).collect();
        let record = serde_json::json!({
            "dataType": "CVE_RECORD",
            "dataVersion": "5.1",
            "cveMetadata": {"cveId": id, "state": "PUBLISHED", "datePublished": "2026-04-16T16:23:00.535Z"},
            "containers": {"cna": {
                "affected": [{"defaultStatus": "unaffected", "product": "kubelet", "vendor": "Kubernetes",
                              "repo": "https://github.com/kubernetes/kubernetes", "versions": versions}],
                "metrics": [{"cvssV3_1": {"baseScore": score, "version": "3.1"}, "format": "CVSS"}],
                "title": format!("Title of {id}"),
            }},
        });
        self.list_vulnerability(id);
        self.file(
            &format!("{RECORDS}{id}"),
            &record.to_string(),
            "application/json; charset=utf-8",
            "2026-04-16",
        )
    }

    /// Says in the feed what a vulnerability is, and when it was published.
    pub fn describe_vulnerability(&self, id: &str, summary: &str, published: &str) -> &Self {
        let mut world = self.world.lock().unwrap();
        for entry in world.feed.iter_mut().filter(|entry| entry["id"] == id) {
            entry["summary"] = summary.into();
            entry["date_published"] = format!("{published}T15:31:00Z").into();
        }
        drop(world);
        self
    }

    /// Adds an entry to the feed of vulnerabilities, without a record.
    pub fn list_vulnerability(&self, id: &str) -> &Self {
        let entry = serde_json::json!({
            "_kubernetes_io": {"google_group_url": "https://groups.google.com/g/x", "issue_number": 128_885},
            "content_text": "CVSS Rating: ...",
            "date_published": "2026-04-16T15:31:00Z",
            "external_url": format!("https://www.cve.org/cverecord?id={id}"),
            "id": id,
            "status": "fixed",
            "summary": format!("Summary of {id}"),
            "url": "https://github.com/kubernetes/kubernetes/issues/128885",
        });
        self.world.lock().unwrap().feed.push(entry);
        self
    }

    /// Serves any file under its real URL. `modified` is a day or a moment: `2026-03-12` or `2026-03-12T11:18:00`.
    pub fn file(&self, url: &str, body: &str, content_type: &str, modified: &str) -> &Self {
        let reply = Reply::ok(body)
            .with("Content-Type", content_type)
            .with("Last-Modified", &http_date(modified));
        self.world.lock().unwrap().files.insert(path_of(url), reply);
        self
    }

    /// Removes a file.
    pub fn remove(&self, url: &str) -> &Self {
        self.world.lock().unwrap().files.remove(&path_of(url));
        self
    }

    /// Answers every URL with this beginning so, whatever is there.
    pub fn fault(&self, url_start: &str, reply: Reply) -> &Self {
        let mut world = self.world.lock().unwrap();
        world.faults.insert(path_of(url_start), reply);
        drop(world);
        self
    }

    /// Ends all faults.
    pub fn heal(&self) -> &Self {
        self.world.lock().unwrap().faults.clear();
        self
    }

    /// Returns `FROM=TO` for every host of this world, as `--mirror` takes it.
    pub fn mirrors(&self) -> Vec<String> {
        let world = self.world.lock().unwrap();
        let known = [IMAGES, CHARTS, RELEASES, SCHEDULE, FEED, RECORDS].map(str::to_owned);
        let paths = known
            .iter()
            .chain(world.charts.keys())
            .map(|url| path_of(url));
        let paths = paths.chain(world.files.keys().cloned());
        let hosts: BTreeSet<String> = paths
            .map(|path| path.split('/').nth(1).unwrap().to_owned())
            .collect();
        let url = self.server.url();
        let hosts = hosts.iter();
        hosts
            .map(|host| format!("https://{host}/={url}/{host}/"))
            .collect()
    }

    /// Answers as this world does, for a server of another kind.
    pub fn answer(&self, request: &Request) -> Reply {
        self.world.lock().unwrap().answer(request)
    }

    /// Returns the mirrors as arguments of the command line.
    pub fn mirror_arguments(&self) -> Vec<String> {
        let mirrors = self.mirrors().into_iter();
        mirrors
            .flat_map(|mirror| ["--mirror".to_owned(), mirror])
            .collect()
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns all requests so far in the order of their arrival.
    pub fn log(&self) -> Vec<Logged> {
        self.server.log()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.server.clear_log();
    }
}

impl World {
    fn answer(&self, request: &Request) -> Reply {
        let path = request.path.split('?').next().unwrap_or_default();
        let fault = self
            .faults
            .iter()
            .rev()
            .find(|(start, _)| path.starts_with(start.as_str()));
        if let Some((_, reply)) = fault {
            return reply.clone();
        }
        let found = match self.files.get(path) {
            Some(reply) => Some(reply.clone()),
            None if path == path_of(RELEASES) => Some(self.releases_page(request)),
            None if path == path_of(FEED) => Some(self.feed_file()),
            None if path == path_of(SCHEDULE) && !self.schedule.is_empty() => {
                Some(self.schedule_file())
            }
            None => self.index(path),
        };
        match found {
            Some(reply) => validate(reply, request),
            None => Reply::page(404),
        }
    }

    fn index(&self, path: &str) -> Option<Reply> {
        let mut repositories = self.charts.iter();
        let (_, charts) = repositories.find(|(url, _)| path_of(url) + "/index.yaml" == path)?;
        let mut text = "apiVersion: v1\nentries:\n".to_owned();
        for (name, versions) in charts {
            text += &format!("  {name}:\n");
            for version in versions {
                text += &format!(
                    "  - apiVersion: v2\n    created: \"2026-01-01T00:00:00Z\"\n    digest: {}\n    name: {name}\n    \
                     urls:\n    - https://charts.example/{name}-{version}.tgz\n    version: {version}\n",
                    "0".repeat(64)
                );
            }
        }
        text += "generated: \"2026-01-01T00:00:00Z\"\n";
        Some(Reply::ok(text).with("Content-Type", "text/yaml"))
    }

    /// Source: "List releases" of GitHub's REST API; newest first, `Link` with the next page.
    fn releases_page(&self, request: &Request) -> Reply {
        let number = |name: &str, otherwise| {
            let value = request.query(name).and_then(|text| text.parse().ok());
            value.unwrap_or(otherwise)
        };
        let (size, page): (usize, usize) = (number("per_page", 30), number("page", 1));
        let newest_first = self
            .releases
            .iter()
            .rev()
            .skip(size * (page - 1))
            .take(size);
        let releases: Vec<serde_json::Value> = newest_first
            .map(|release| {
                serde_json::json!({
                    "tag_name": release.tag,
                    "name": format!("Kubernetes {}", release.tag),
                    "draft": release.draft,
                    "prerelease": release.prerelease,
                    "published_at": (!release.draft).then(|| format!("{}T12:00:00Z", release.published)),
                })
            })
            .collect();
        let mut reply = Reply::ok(serde_json::to_vec(&releases).unwrap())
            .with("Content-Type", "application/json; charset=utf-8");
        if page * size < self.releases.len() {
            let next = format!(
                "<{RELEASES}?per_page={size}&page={}>; rel=\"next\"",
                page + 1
            );
            reply = reply.with("Link", &next);
        }
        reply
    }

    /// Source: JSON Feed 1.1, with an extension of Kubernetes.
    fn feed_file(&self) -> Reply {
        let feed = serde_json::json!({
            "_kubernetes_io": {"feed_refresh_job": "https://testgrid.k8s.io/", "updated_at": "2026-06-15T00:00:00Z"},
            "authors": [{"name": "Kubernetes Community", "url": "https://www.kubernetes.dev"}],
            "description": "Auto-refreshing official CVE feed for Kubernetes repository",
            "feed_url": FEED,
            "items": self.feed,
            "title": "Auto-refreshing Official CVE Feed",
            "version": "https://jsonfeed.org/version/1.1",
        });
        Reply::ok(feed.to_string()).with("Content-Type", "application/json")
    }

    fn schedule_file(&self) -> Reply {
        let mut text = "schedules:\n".to_owned();
        for (minor, day) in &self.schedule {
            text += &format!(
                "- endOfLifeDate: {day}\n  maintenanceModeStartDate: {day}\n  release: {minor}\n"
            );
        }
        Reply::ok(text)
    }
}

/// Adds an entity tag, and answers 304 where the client knows the content.
fn validate(reply: Reply, request: &Request) -> Reply {
    let mut hasher = DefaultHasher::new();
    reply.body.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let modified = reply
        .headers
        .iter()
        .find(|(name, _)| name == "Last-Modified");
    let is_known = match request.header("if-none-match") {
        Some(known) => known == tag,
        None => {
            modified.is_some_and(|(_, moment)| request.header("if-modified-since") == Some(moment))
        }
    };
    let reply = reply.with("ETag", &tag);
    if is_known {
        return Reply {
            body: Vec::new(),
            ..Reply {
                status: 304,
                ..reply
            }
        };
    }
    reply
}

fn path_of(url: &str) -> String {
    format!("/{}", url.split_once("://").unwrap().1)
}

fn http_date(text: &str) -> String {
    let moment: DateTime = match text.parse::<DateTime>() {
        Ok(moment) => moment,
        Err(_) => text.parse::<Date>().unwrap().at(11, 0, 0, 0),
    };
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Where the image of a version is, as in `1.34.7`.
pub fn image_url(version: &str) -> String {
    let (minor, _) = version.rsplit_once('.').unwrap();
    format!("{IMAGES}ubuntu-2404-kube-v{minor}/ubuntu-2404-kube-v{version}.qcow2")
}

/// Where the checksum of a version's image is.
pub fn checksum_url(version: &str) -> String {
    format!("{}.CHECKSUM", image_url(version))
}
