//! Placeholders that stand for the versions of a release: `<< .ClusterClassVersion >>`. What only looks like one, as `cat << EOF` of a
//! shell script does, stays as it is; so do files that are no text.

use std::borrow::Cow;

use super::versions::Versions;
use crate::spelling;
use crate::stack::Fault;
use crate::version::StackVersion;

/// What a placeholder begins and ends with; the blanks belong to it, as in csctl.
const BEGIN: &str = "<< ";
const END: &str = " >>";

/// The versions that have a placeholder, with its name.
const NAMES: [&str; 3] = [
    "ClusterClassVersion",
    "ClusterAddonVersion",
    "NodeImageVersion",
];

/// Fills the placeholders of a file.
///
/// # Errors
/// A placeholder has a name that stands for nothing.
pub(super) fn fill<'c>(
    path: &str,
    content: &'c [u8],
    versions: &Versions,
) -> Result<Cow<'c, [u8]>, Fault> {
    let Some(text) = readable(content) else {
        return Ok(Cow::Borrowed(content));
    };
    let mut filled = String::new();
    let mut rest = text;
    while let Some(found) = find(rest) {
        let Some(version) = version_of(found.name, versions) else {
            let line = 1 + text[..text.len() - found.after.len()].matches('\n').count();
            return Err(unknown(path, line, found.name));
        };
        filled.push_str(found.before);
        filled.push_str(&version.to_string());
        rest = found.after;
    }
    if filled.is_empty() {
        return Ok(Cow::Borrowed(content));
    }
    filled.push_str(rest);
    Ok(Cow::Owned(filled.into_bytes()))
}

/// A placeholder, with the text around it.
struct Found<'t> {
    before: &'t str,
    /// Its name without the dot.
    name: &'t str,
    after: &'t str,
}

fn find(text: &str) -> Option<Found<'_>> {
    for (start, _) in text.match_indices(BEGIN) {
        let inside = &text[start + BEGIN.len()..];
        let name = inside.strip_prefix('.').and_then(|inside| {
            let end =
                inside.find(|sign: char| !sign.is_ascii_alphanumeric() && !"_.".contains(sign))?;
            inside[end..].starts_with(END).then(|| &inside[..end])
        });
        if let Some(name) = name {
            return Some(Found {
                before: &text[..start],
                name,
                after: &inside[1 + name.len() + END.len()..],
            });
        }
    }
    None
}

fn version_of<'v>(name: &str, versions: &'v Versions) -> Option<&'v StackVersion> {
    let all = [
        &versions.cluster_stack,
        &versions.cluster_addon,
        &versions.node_image,
    ];
    let place = NAMES.iter().position(|known| *known == name)?;
    Some(all[place])
}

fn unknown(path: &str, line: usize, name: &str) -> Fault {
    let meant = spelling::nearest(name, NAMES.iter().copied());
    let question = meant.map_or_else(String::new, |meant| {
        format!("did you mean `<< .{meant} >>`? ")
    });
    let names = NAMES.map(|name| format!("<< .{name} >>")).join(", ");
    let message = format!("unknown placeholder `<< .{name} >>`");
    Fault::new(path, line, message, format!("{question}there are {names}"))
}

/// Returns the text of a file; nothing where it is none.
fn readable(content: &[u8]) -> Option<&str> {
    std::str::from_utf8(content)
        .ok()
        .filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions() -> Versions {
        Versions {
            cluster_stack: "v3".parse().unwrap(),
            cluster_addon: "v2".parse().unwrap(),
            node_image: "v0-sha.abc1234".parse().unwrap(),
        }
    }

    fn filled(text: &str) -> String {
        let bytes = fill("f", text.as_bytes(), &versions()).unwrap();
        String::from_utf8(bytes.into_owned()).unwrap()
    }

    #[test]
    fn placeholders_become_versions() {
        let text =
            "a << .ClusterClassVersion >>, << .ClusterAddonVersion >>\n<< .NodeImageVersion >>b";
        assert_eq!(filled(text), "a v3, v2\nv0-sha.abc1234b");
        assert_eq!(filled("<< .ClusterClassVersion >>"), "v3");
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for text in [
            "cat << EOF > f\nx\nEOF\n",
            "cat << EOF >> f\n",
            "<<.ClusterClassVersion>>",
            "<< .ClusterClassVersion>>",
            "<< .ClusterClassVersion",
            "a: <<\n  b",
        ] {
            assert_eq!(filled(text), text);
        }
        assert_eq!(
            filled("cat << EOF\n<< .ClusterClassVersion >>\n"),
            "cat << EOF\nv3\n"
        );
        let binary = b"\0<< .Nothing >>";
        assert_eq!(fill("f", binary, &versions()).unwrap(), &binary[..]);
        let other = b"\xff<< .Nothing >>";
        assert_eq!(fill("f", other, &versions()).unwrap(), &other[..]);
    }

    #[test]
    fn an_unknown_name_is_told_with_its_line() {
        let text = "a\n<< .ClusterClassVersion >>\n  << .ClusterClasVersion >>\n";
        let fault = fill("d/f.yaml", text.as_bytes(), &versions()).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "d/f.yaml:3: unknown placeholder `<< .ClusterClasVersion >>`"
        );
        assert!(
            fault
                .hint
                .starts_with("did you mean `<< .ClusterClassVersion >>`?"),
            "{}",
            fault.hint
        );
    }
}
