//! The Link header of RFC 8288: where the next page of a list is. It asks nobody.

use http::{HeaderMap, header};
use url::Url;

use super::redact;

/// Finds the target of the link to the next page, as the server wrote it.
pub(crate) fn find_next(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::LINK).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .find_map(next_of)
}

/// Returns the URL of a link's target, for a list that was asked for at `asked` and answered by `answered`, which a mirror or a
/// redirect may make another. The error says why the link is not followed.
pub(super) fn resolve(target: &str, asked: &str, answered: &str) -> Result<String, String> {
    let bases: Vec<Url> = [asked, answered]
        .iter()
        .filter_map(|base| Url::parse(base).ok())
        .collect();
    let found: Vec<(&Url, Url)> = bases
        .iter()
        .filter_map(|base| Some((base, join(base, target)?)))
        .collect();
    // A list's pages differ in their queries: where asker and server see different paths, this tells whose the target is.
    let same_path = found.iter().find(|(base, next)| base.path() == next.path());
    match same_path.or(found.first()) {
        Some((_, next)) => Ok(next.to_string()),
        None => Err(format!("leads to another host ({})", redact(target))),
    }
}

/// Joins a target to a base on the same host. A server behind another may not know that it is reached by https.
fn join(base: &Url, target: &str) -> Option<Url> {
    let mut next = base.join(target).ok()?;
    let is_same_host = next.host() == base.host() && next.port() == base.port();
    let is_web = matches!(next.scheme(), "http" | "https");
    if is_same_host && is_web {
        next.set_scheme(base.scheme()).ok()?;
        Some(next)
    } else {
        None
    }
}

/// Finds the next page among the links of one header: `<target>; name=value; name="value", <target>...`.
fn next_of(value: &str) -> Option<&str> {
    let mut rest = value;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let end = find_unquoted(after, ',');
        if is_next(&after[..end]) {
            return Some(target.trim());
        }
        rest = &after[end..];
    }
}

fn is_next(parameters: &str) -> bool {
    let mut rest = parameters;
    while !rest.is_empty() {
        let end = find_unquoted(rest, ';');
        let (name, value) = rest[..end].split_once('=').unwrap_or((&rest[..end], ""));
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        if name.trim().eq_ignore_ascii_case("rel")
            && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        {
            return true;
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    false
}

/// Returns the place of a character outside of quotes, or the text's end.
fn find_unquoted(text: &str, wanted: char) -> usize {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, found) in text.char_indices() {
        match found {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if found == wanted && !is_quoted => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_every_spelling() {
        for value in [
            "</next>; rel=\"next\"",
            "</next>;rel=next",
            "</next> ; REL = \"Next\"",
            "</last>; rel=last, </next>; rel=\"prefetch next\"",
            "</next>; title=\"a, b; <c>\\\"\"; rel=next; x",
            "<>; rel=first,, </next>; x; rel=next",
        ] {
            assert_eq!(next_of(value), Some("/next"), "{value}");
        }
        for value in [
            "",
            "/next; rel=next",
            "</next",
            "</next>",
            "</next>; rel=\"nextish\"",
            "</next>; title=\"; rel=next\"",
            "</next>; rev=next",
        ] {
            assert_eq!(next_of(value), None, "{value}");
        }
        assert_eq!(next_of("</a?x=1,2&y=3>; rel=next"), Some("/a?x=1,2&y=3"));
    }

    #[test]
    fn a_target_is_resolved_where_the_list_is() {
        let asked = "https://reg.example/v2/a/tags/list?n=2";
        for target in [
            "https://reg.example/v2/a/tags/list?last=b&n=2",
            "http://reg.example/v2/a/tags/list?last=b&n=2",
            "/v2/a/tags/list?last=b&n=2",
            "list?last=b&n=2",
            "?last=b&n=2",
            "//reg.example/v2/a/tags/list?last=b&n=2",
        ] {
            let next = "https://reg.example/v2/a/tags/list?last=b&n=2";
            assert_eq!(
                resolve(target, asked, asked).as_deref(),
                Ok(next),
                "{target}"
            );
        }
        for target in [
            "https://evil.example/v2/a/tags/list",
            "https://reg.example:8443/v2/a/tags/list",
            "//evil.example/",
            "ftp://reg.example/v2/a",
            "https://[",
        ] {
            let reason = format!("leads to another host ({target})");
            assert_eq!(resolve(target, asked, asked), Err(reason));
        }
    }

    #[test]
    fn a_mirror_speaks_of_its_own_place_or_of_the_one_it_mirrors() {
        let asked = "https://reg.example/v2/a/tags/list?n=2";
        let answered = "http://mirror.local/cache/v2/a/tags/list?n=2";
        for (target, next) in [
            (
                "/v2/a/tags/list?last=b",
                "https://reg.example/v2/a/tags/list?last=b",
            ),
            (
                "/cache/v2/a/tags/list?last=b",
                "http://mirror.local/cache/v2/a/tags/list?last=b",
            ),
            ("?last=b", "https://reg.example/v2/a/tags/list?last=b"),
            (
                "http://mirror.local/cache/v2/a/tags/list",
                "http://mirror.local/cache/v2/a/tags/list",
            ),
        ] {
            assert_eq!(resolve(target, asked, answered).as_deref(), Ok(next));
        }
    }
}
