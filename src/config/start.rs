//! The text of a first configuration: every key with what it means, the defaults as they are, and the rest as examples made of
//! what the repository has. It reads nothing and writes nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::catalog::ImagePattern;
use crate::version::{Minor, OsRelease};
use crate::yaml::{Context, scalar};

/// The first line of a configuration: editors find its JSON Schema by it.
pub const SCHEMA_LINE: &str = concat!(
    "# yaml-language-server: $schema=",
    env!("CARGO_PKG_REPOSITORY"),
    "/raw/main/docs/schema/config.schema.json"
);

/// What a repository has that a configuration may speak of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// The titles of its stacks.
    pub stacks: BTreeSet<String>,
    /// The image stores of their URLs.
    pub stores: BTreeSet<ImagePattern>,
    /// Operating-system releases of listed images.
    pub os: BTreeSet<OsRelease>,
    /// Minors that files speak of.
    pub minors: BTreeSet<Minor>,
}

/// Returns the text. What begins with `#` and a letter is an example: without its `#` it holds.
pub(crate) fn start_text(found: &Start) -> String {
    let mut text = format!(
        "{SCHEMA_LINE}\n# Configuration of csctl-matrix. Every key is optional; {}/blob/main/docs/configuration.md explains them.\n\
         # Lines such as `#minimumAge: 3d` are examples: without the `#` they hold.\n#\n",
        env!("CARGO_PKG_REPOSITORY")
    );
    let facts = [
        ("stacks", names(&found.stacks)),
        ("minors", names(&found.minors)),
        ("image stores", names(&found.stores)),
        ("operating systems", names(&found.os)),
    ];
    text.push_str("# Found in this repository:\n");
    for (name, value) in facts {
        let _ = writeln!(text, "#   {name}: {value}");
    }
    text.push_str(DEFAULTS);
    let range = match (found.minors.first(), found.minors.last()) {
        (Some(first), Some(last)) => format!("#minors: {{from: \"{first}\", to: \"{last}\"}}\n"),
        (Some(_) | None, _) => "#minors: {from: \"1.33\"}\n".to_owned(),
    };
    // The key is in order of preference.
    let newest_first: Vec<String> = found.os.iter().rev().map(OsRelease::to_string).collect();
    let os = if newest_first.is_empty() {
        "ubuntu-2404".to_owned()
    } else {
        newest_first.join(", ")
    };
    let stack = found.stacks.first().map_or("openstack/scs", String::as_str);
    let listing = if found.stores.first().is_some_and(needs_listing) {
        "#  listing: s3\n"
    } else {
        ""
    };
    let pattern = found.stores.first().map_or_else(
        || "https://images.example.org/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2".to_owned(),
        ImagePattern::to_string,
    );
    let _ = write!(
        text,
        "\n# The minors to look at; others are left alone.\n{range}\
         \n# Operating-system releases that new images may have, in order of preference.\n#os: [{os}]\n\
         \n# What differs in one stack: images, retention, addons, endOfLife, minimumAge, minors, os.\n\
         #stacks:\n#  {}:\n#    images: newest=3\n\
         \n# The image store, where the repository's URLs do not say it.\n\
         #imageStore:\n#  pattern: {}\n{listing}{REST}",
        scalar(stack, Context::Block),
        scalar(&pattern, Context::Block),
    );
    text
}

fn names<T: ToString>(found: &BTreeSet<T>) -> String {
    if found.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<String> = found.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Names that carry a day cannot be guessed; a registry lists its tags by itself.
fn needs_listing(store: &ImagePattern) -> bool {
    store.has_date() && !store.is_container_image()
}

const DEFAULTS: &str = "
# Which patch images of a minor are listed: all, newest, newest=N, from=VERSION.
images: all

# What becomes of listed images that `images` no longer names: trim, keep.
retention: trim

# Whether addon charts of a minor follow their newest version: follow, leave.
addons: follow

# What becomes of minors after their end of life: keep, drop, follow.
endOfLife: keep

# The standard that says what is due by when: scs-0210/v2, scs-0210/v3-draft, scs-0210/v2-2024-10, scs-0210/v2-2024-02,
# scs-0210/v1, none.
standard: scs-0210/v2

# How old a Kubernetes patch has to be before it becomes a default.
#minimumAge: 3d
";

const REST: &str = "
# For networks without a way out: where a URL begins with `from`, `to` is asked.
#mirrors:
#  - from: https://images.example.org/
#    to: https://mirror.example.org/images/

# Files that state nothing of a stack, as in .gitignore.
#ignore: [providers/openstack/scs2/archive/]

# `csctl-matrix block` and `csctl-matrix pin` add their lists, blocked and pinned, below.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::StoreListing;
    use crate::config::Config;
    use crate::policy::Policy;

    fn uncommented(line: &str) -> String {
        let inner = line.strip_prefix('#').filter(|rest| {
            rest.starts_with(|c: char| c.is_ascii_lowercase()) || rest.starts_with("  ")
        });
        inner.unwrap_or(line).to_owned()
    }

    #[test]
    fn the_first_text_changes_nothing_and_its_examples_hold() {
        let full = Start {
            stacks: ["docker/scs".to_owned(), "openstack/scs2".to_owned()].into(),
            stores: [
                "https://images.example.org/{os}-kube-v{version}.qcow2"
                    .parse()
                    .unwrap(),
                "kindest/node:v{version}".parse().unwrap(),
            ]
            .into(),
            os: ["ubuntu-2204", "ubuntu-2404"]
                .map(|os| os.parse().unwrap())
                .into(),
            minors: ["1.9", "1.30", "1.34"]
                .map(|minor| minor.parse().unwrap())
                .into(),
        };
        let dated = Start {
            stores: ["https://s.example/b/{os}-kube-v{version}-{date}.qcow2"
                .parse()
                .unwrap()]
            .into(),
            ..full.clone()
        };
        for (found, listing) in [
            (Start::default(), StoreListing::None),
            (full, StoreListing::None),
            (dated, StoreListing::S3),
        ] {
            let text = start_text(&found);
            assert!(text.starts_with("# yaml-language-server: $schema=https://"));
            let config = Config::parse(&text).unwrap();
            assert_eq!(config.policy(&Config::default()), Policy::default());
            let (before, after) = text.split_once("\nimages: all").unwrap();
            let lines: Vec<String> = after.lines().map(uncommented).collect();
            let examples = format!("{before}\nimages: all{}\n", lines.join("\n"));
            let config = Config::parse(&examples).unwrap();
            assert!(config.minimum_age.is_some() && config.minors.is_some());
            assert!(config.os.is_some() && !config.mirrors.is_empty());
            assert!(config.image_store.pattern.is_some());
            assert_eq!(config.image_store.listing, listing);
            assert_eq!(config.stacks.len(), 1, "{examples}");
        }
    }
}
