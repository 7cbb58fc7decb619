//! Texts from outside in Markdown: a version tag or a URL never becomes a link, a mention or HTML.

mod template;

pub(crate) use template::CompiledTemplate;

/// Escapes what Markdown and HTML give a meaning.
pub(crate) fn escape(text: &str) -> String {
    // GitHub makes links of bare URLs and of hosts that begin with www, too; a space of no width keeps it from that.
    let unlinked = text
        .replace("://", ":\u{200b}//")
        .replace("www.", "www\u{200b}.");
    let mut out = String::with_capacity(unlinked.len());
    for c in unlinked.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Mentions and issue references are made by GitHub from plain text.
            '@' | '#' => {
                out.push(c);
                out.push('\u{200b}');
            }
            '`' | '*' | '_' | '[' | ']' | '|' | '\\' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_texts_stay_texts() {
        let text = escape("v1 <img src=x> @admin #1 [a](b) `x`\n## y | z http://a www.b");
        assert_eq!(
            text,
            "v1 &lt;img src=x&gt; @\u{200b}admin #\u{200b}1 \\[a\\](b) \\`x\\` #\u{200b}#\u{200b} y \\| z http:\u{200b}//a www\u{200b}.b"
        );
    }
}
