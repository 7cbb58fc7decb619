//! The code of a Markdown text, with what stands above and before it. It is the only file that knows `pulldown-cmark`, and it does
//! not read the code.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::past;
use super::why_not::{Excluded, WhyNot};

/// One piece of code: a block, or a span that is all of its paragraph.
#[derive(Debug)]
pub(super) struct Code {
    /// What it says, without the indentation and the marks of quotes that lead to it.
    pub(super) text: String,
    /// The language behind the fence, in small letters.
    pub(super) language: String,
    /// The heading of the part about the past that it stands in.
    pub(super) past: Option<String>,
    /// The heading above it, unless that is the title, and the paragraph before it.
    pub(super) before: String,
    /// Its bytes in the Markdown text, fences included.
    pub(super) range: Range<usize>,
    segments: Vec<Segment>,
}

/// A run of bytes of a code, and where it stands in the Markdown text.
#[derive(Debug)]
struct Segment {
    start: usize,
    length: usize,
    source: usize,
}

impl Segment {
    fn holds(&self, range: &Range<usize>) -> bool {
        self.start <= range.start && range.end <= self.start + self.length
    }
}

/// A Markdown text.
#[derive(Debug, Default)]
pub(super) struct Markdown {
    pub(super) codes: Vec<Code>,
    /// What is neither code nor plain prose.
    pub(super) regions: Vec<Excluded>,
}

impl Code {
    /// Returns where bytes of the code stand in the Markdown text; nothing where they do not stand there as they are.
    pub(super) fn source_of(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let segment = self.segments.iter().find(|segment| segment.holds(range))?;
        let start = segment.source + range.start - segment.start;
        Some(start..start + range.len())
    }
}

/// Reads a Markdown text.
pub(super) fn read(text: &str) -> Markdown {
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = Reader {
        text,
        found: Markdown::default(),
        outline: Outline::default(),
        open: None,
        run: Run::default(),
        is_table: false,
    };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        reader.take(event, range);
    }
    reader.found
}

struct Reader<'t> {
    text: &'t str,
    found: Markdown,
    outline: Outline,
    /// The block of code that is being read.
    open: Option<Code>,
    run: Run,
    is_table: bool,
}

/// The text of a paragraph, of a list's item or of a heading.
#[derive(Default)]
struct Run {
    text: String,
    events: usize,
    /// The bytes of its only event, if that is a span of code.
    span: Option<Range<usize>>,
}

/// What stands above a place.
#[derive(Default)]
struct Outline {
    heading: String,
    /// The heading of the part about the past, with its level.
    past: Option<(HeadingLevel, String)>,
    /// The summaries of the collapsed parts that are open; nothing for one that is not about the past.
    collapsed: Vec<Option<String>>,
    /// The paragraph before.
    before: String,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                self.end_run();
                self.open = Some(self.code(language(&kind), range));
            }
            Event::Text(text) if self.open.is_some() => self.add_code(&text, &range),
            Event::End(TagEnd::CodeBlock) => {
                self.found.codes.extend(self.open.take());
                self.outline.before.clear();
            }
            Event::Start(Tag::Heading { .. }) => {
                self.end_run();
                self.exclude(range, WhyNot::Heading);
            }
            Event::End(TagEnd::Heading(level)) => {
                let heading = std::mem::take(&mut self.run).text;
                self.outline.enter(level, heading);
            }
            Event::Start(Tag::Table(_)) => {
                self.end_run();
                self.is_table = true;
                self.exclude(range, WhyNot::Table);
            }
            Event::End(TagEnd::Table) => {
                self.run = Run::default();
                self.is_table = false;
            }
            // HTML counts as well: a span of code beside it is not all of its paragraph.
            Event::Html(_) | Event::InlineHtml(_) => {
                self.run.events += 1;
                self.outline
                    .take_html(&self.text[range.start..], range.len());
                self.exclude(range, WhyNot::Html);
            }
            Event::Code(text) => {
                self.run.add(&text, Some(range.clone()));
                self.exclude(range, WhyNot::Span);
            }
            Event::Text(text) => self.run.add(&text, None),
            Event::SoftBreak | Event::HardBreak => self.run.text.push(' '),
            Event::Start(Tag::Paragraph | Tag::Item | Tag::List(_) | Tag::BlockQuote(_))
            | Event::End(TagEnd::Paragraph | TagEnd::Item) => self.end_run(),
            _ => {}
        }
    }

    /// Ends a paragraph or an item: it is what stands before the next block, and may be a command by itself.
    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        if let Some(span) = run.span.filter(|_| run.events == 1 && !self.is_table) {
            let marks = self.text[span.clone()].find(|c| c != '`').unwrap_or(0);
            let inner = span.start + marks..span.end - marks;
            let text = &self.text[inner.clone()];
            if !text.contains('\n') {
                let mut code = self.code(String::new(), span);
                code.add(text, inner.start, text);
                self.found.codes.push(code);
            }
        }
        if !run.text.trim().is_empty() {
            self.outline.before = run.text;
        }
    }

    fn exclude(&mut self, range: Range<usize>, reason: WhyNot) {
        self.found.regions.push(Excluded { range, reason });
    }

    fn code(&self, language: String, range: Range<usize>) -> Code {
        let outline = &self.outline;
        Code {
            text: String::new(),
            language,
            past: outline.past().map(str::to_owned),
            before: format!("{}\n{}", outline.heading, outline.before),
            range,
            segments: Vec::new(),
        }
    }

    fn add_code(&mut self, text: &str, range: &Range<usize>) {
        let source = &self.text[range.clone()];
        if let Some(code) = &mut self.open {
            code.add(text, range.start, source);
        }
    }
}

impl Code {
    /// Adds text. Where the parser wrote it, a tab's rest as spaces, it stands nowhere.
    fn add(&mut self, text: &str, source: usize, written: &str) {
        if text == written {
            self.segments.push(Segment {
                start: self.text.len(),
                length: text.len(),
                source,
            });
        }
        self.text.push_str(text);
    }
}

impl Run {
    fn add(&mut self, text: &str, span: Option<Range<usize>>) {
        self.text.push_str(text);
        self.events += 1;
        self.span = span;
    }
}

impl Outline {
    fn enter(&mut self, level: HeadingLevel, heading: String) {
        let goes_on = self.past.as_ref().is_some_and(|(above, _)| {
            // Entries of a change log may stand on the level of the heading above them.
            level > *above || (level == *above && past::is_entry_heading(&heading))
        });
        if !goes_on {
            let is_past = past::is_history_heading(&heading);
            self.past = is_past.then(|| (level, heading.clone()));
        }
        // The title is that of the text as a whole.
        self.heading = if level == HeadingLevel::H1 {
            String::new()
        } else {
            heading
        };
        self.before.clear();
    }

    /// Follows headings in HTML, and the parts that it collapses. `text` goes on to the end, as a summary may.
    fn take_html(&mut self, text: &str, length: usize) {
        // ASCII alone: other letters may change their length, and places would no longer be those of the text.
        let lower = text[..length].to_ascii_lowercase();
        for (at, _) in lower.match_indices('<') {
            let tag = &lower[at..];
            if tag.starts_with("<details") {
                self.collapsed.push(None);
            } else if tag.starts_with("</details") {
                self.collapsed.pop();
            } else if tag.starts_with("<summary") {
                let summary = text_of_element(&text[at..], "</summary");
                if let Some(last) = self.collapsed.last_mut()
                    && past::is_history_heading(&summary)
                {
                    *last = Some(summary);
                }
            } else if let Some(level) = html_heading(tag) {
                self.enter(level, text_of_element(&text[at..], "</h"));
            }
        }
    }

    fn past(&self) -> Option<&str> {
        let heading = self.past.as_ref().map(|(_, heading)| heading.as_str());
        heading.or_else(|| self.collapsed.iter().flatten().next().map(String::as_str))
    }
}

/// Returns the level of a heading that is written as HTML.
fn html_heading(tag: &str) -> Option<HeadingLevel> {
    let name = tag.strip_prefix("<h")?;
    let level: usize = name.get(..1)?.parse().ok()?;
    let is_whole = name[1..].starts_with(['>', ' ', '\n', '\r']);
    HeadingLevel::try_from(level).ok().filter(|_| is_whole)
}

/// What goes on for longer is no heading.
const LONGEST_ELEMENT: usize = 1000;

/// Returns the text from an element's tag to its end, without tags.
fn text_of_element(html: &str, end: &str) -> String {
    let looked_at = html.len().min(LONGEST_ELEMENT);
    let mut windows = html.as_bytes()[..looked_at].windows(end.len());
    let length = windows.position(|window| window.eq_ignore_ascii_case(end.as_bytes()));
    let mut text = String::new();
    let mut is_tag = false;
    for c in html[..length.unwrap_or(0)].chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => text.push(c),
            _ => {}
        }
    }
    text.trim().to_owned()
}

fn language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Indented => String::new(),
        CodeBlockKind::Fenced(info) => {
            let word = info.split([' ', ',', '{', '\t']).next().unwrap_or_default();
            word.to_ascii_lowercase()
        }
    }
}
