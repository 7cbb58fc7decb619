//! Helm templates: what is edited in them, what is refused, and what they are read as.

use super::{at, check, refusal};
use crate::yaml::{File, Path, RefusalReason, Shape, YamlError};

/// Helm templates, each with the value of `b`, the last key.
const TEMPLATES: [&str; 34] = [
    "a: {{ if .x }}1{{ else }}\"2\"{{ end }}\nb: 1\n",
    "{{ .key | quote }}: {{ .v }}\nb: 1\n",
    "m:\n  {{- range $k, $v := .m }}\n  {{ $k }}: {{ $v | quote }}\n  {{- end }}\nb: 1\n",
    "m:\n{{ toYaml .x | indent 2 }}\nb: 1\n",
    "m: |\n{{ .Files.Get \"x\" | indent 2 }}\nb: 1\n",
    "m: |\n  a\n{{ if .x }}\n  b: \"\n{{ end }}\nb: 1\n",
    "f:\n  - c: |\n{{ .x | indent 4 }}\n    p: /a\n  - c: |\n      t\n{{ .y | indent 6 }}\n      u\n    p: /b\nb: 1\n",
    "a: \"x {{ .y | default \"z\" }}\n  w\"\nb: 1\n",
    "a: 'x {{ .y | default 'z' }}\n w'\nb: 1\n",
    "# {{ if .x }}: {{ end }}\na: {{ .y }}\nb: 1\n",
    "# use `}}` and {{`{{`}}\na: {{ .y }}\nb: 1\n",
    "{{ define \"n\" -}}\na: {{ .x }}\n{{- end }}\nb: 1\n",
    "{{- $x := dict \"a\" 1\n    \"b\" 2 }}\nb: 1\n",
    "a: {{ include \"x\"\n  . | nindent 2 }}\nb: 1\n",
    "a: [{{ range .x }}{{ . }}, {{ end }}]\nb: 1\n",
    "a: {{ .x }}{{ .y }}:{{ .z }}\nb: 1\n",
    "a:\n{{- with .x }}\n  c: {{ . }}\n{{- end }}{{ with .z }}\n  d: 1\n{{- end }}\nb: 1\n",
    "a: {{ .x }}\r\n{{- if .y }}\r\nb: 1\r\n{{- end }}\r\n",
    "a: '{{\"{{\"}} .x {{\"}}\"}}'\nb: 1\n",
    "{{ if .x }}a: 1{{ end }}\nb: 1\n",
    "{{- if .x }}\n---\na: 1\n{{- end }}\n---\nb: 1\n",
    "a:\n\t{{- if .x }}\n  c: 1\n\t{{- end }}\nb: 1\n",
    "a: {{ .x }}\n  {{- /* a: b\n  c: d */}}\nb: 1\n",
    "a: \"{{- range .x }}{{ . }}\n{{- end }}\"\nb: 1\n",
    "a: \"x\ny {{ .z }}\nw\"\nb: 1\n",
    // What opens the lines below it, and what is glued to a key or a text.
    "a: {{- include \"l\" . | nindent 4 }}\n    c: 1\nb: 1\n",
    "a: {{ if .x }}\n  c: 1\n{{ else }}\n  d: 1\n{{ end }}\nb: 1\n",
    "a: {{- with .x }}\n  {{- toYaml . | nindent 2 }}\n{{- end }}\nb: 1\n",
    "a:{{ toYaml .x | nindent 2 }}\nb: 1\n",
    "a: \"{{ .x }}\"{{ if .y }} # c{{ end }}\nb: 1\n",
    "a: {\"c\": \"d\"{{ if .y }}, \"e\": {{ .y }}{{ end }}}\nb: 1\n",
    "a:\n  - c: 1\n    d: 2{{ end }}\nb: 1\n",
    "a: {{ .x }}\n  c: {{ .y }}\nb: 1\n",
    "a:\n- \"{{ .x }}\" {{- if .y }}\n- \"d\"\n{{- end }}\nb: 1\n",
];

const CHART: &str = "{{- if .Values.a }}\nspec:\n  version: {{ .Values.version | default `{{ x }}` }}\n  image: \"ubuntu-{{ .Values.image\n    | quote }}\"\n  name: ubuntu-v1.33.1\n  list:\n  - v1.33.1\n  {{- range .Values.more }}\n  - {{ . }}\n  {{- end }}\n{{- else }}\nspec:\n  other: 1\n{{- end }}\n";

#[test]
fn helm_templates_are_edited_outside_their_actions() {
    let file = File::parse(CHART).unwrap();
    assert!(file.is_template());
    assert_eq!(file.text(), CHART);
    assert_eq!(file.duplicate_keys(), []);
    let spec = file.documents()[0].entries().next().unwrap().2;
    let version = spec.get("version").unwrap();
    assert_eq!(
        version.as_str(),
        Some("{{ .Values.version | default `{{ x }}` }}")
    );
    assert!(version.is_templated() && !spec.get("name").unwrap().is_templated());
    assert!(matches!(
        file.edit().set(0, &at("spec.name"), "x"),
        Err(YamlError::Duplicate {
            line: 13,
            first_line: 2,
            ..
        })
    ));
    let text = CHART.replace("other", "name").replacen("spec", "first", 1);
    let file = File::parse(&text).unwrap();
    let mut editor = file.edit();
    editor.set(0, &at("first.name"), "ubuntu-v1.33.2").unwrap();
    editor
        .insert_item(
            0,
            &at("first.list"),
            1,
            &Shape::like(0).set(Path::root(), "v1.33.2"),
        )
        .unwrap();
    let expected = text
        .replace("ubuntu-v1.33.1", "ubuntu-v1.33.2")
        .replace("  - v1.33.1\n", "  - v1.33.1\n  - v1.33.2\n");
    assert_eq!(editor.finish().unwrap(), expected);
    let mut editor = file.edit();
    for path in ["first.version", "first.image"] {
        let edited = editor.set(0, &at(path), "x");
        assert_eq!(refusal(edited), RefusalReason::Template);
    }
    let list = at("first.list");
    let appended = editor.append_item(0, &list, &Shape::like(0));
    assert_eq!(refusal(appended), RefusalReason::TemplateBlock);
    let removed = editor.remove_item(0, &list, 1);
    assert_eq!(refusal(removed), RefusalReason::TemplateBlock);
}

#[test]
fn a_template_value_alone_makes_a_template() {
    let file = File::parse("a: {{ .x }}\nb: 1\n").unwrap();
    assert!(file.is_template());
    assert_eq!(
        file.documents()[0].get("a").unwrap().as_str(),
        Some("{{ .x }}")
    );
    let file = File::parse("a: \"{{ .x }}\"\nb: ${{ x }}\n").unwrap();
    assert!(!file.is_template());
    assert!(file.documents()[0].get("a").unwrap().is_templated());
}

#[test]
fn a_key_made_by_an_action_counts_as_a_duplicate() {
    let file = File::parse("a: {{ .x\nk }}: 1\nk }}: 2\n").unwrap();
    assert!(file.is_template());
    let keys: Vec<&str> = file.documents()[0].entries().map(|(key, ..)| key).collect();
    assert_eq!(keys, ["a", "k }}", "k }}"]);
    let error = file.edit().set(0, &Path::from("k }}"), "3").unwrap_err();
    assert!(
        matches!(
            error,
            YamlError::Duplicate {
                line: 3,
                first_line: 2,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn templates_of_many_shapes_are_read_and_edited() {
    for text in TEMPLATES {
        let file = File::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(file.unread_lines().is_empty());
        let last = file.documents().len() - 1;
        let node = file.documents()[last].get("b").unwrap();
        assert_eq!(node.as_str(), Some("1"), "{text}");
        let mut editor = file.edit();
        editor.set(last, &at("b"), "2").unwrap();
        let new = editor
            .finish()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let range = node.range();
        assert_eq!(
            new,
            format!("{}2{}", &text[..range.start], &text[range.end..])
        );
    }
}

#[test]
fn a_text_that_an_action_may_repeat_is_its_own() {
    let text = "a: {{ if .x }}\n  c: \"v1\"{{ if .y }} # c{{ end }}\n{{ end }}\n";
    let file = File::parse(text).unwrap();
    let mut editor = file.edit();
    let edited = editor.set(0, &at("a.c"), "v2");
    assert_eq!(refusal(edited), RefusalReason::Template);
}

#[test]
fn a_branch_that_fits_nowhere_is_left_out() {
    let text = "files:\n    - path: a\n{{- if .proxy }}\n   - path: b\n     mode: 1\n{{- end }}\nimage: v1\n";
    let file = File::parse(text).unwrap();
    assert_eq!(file.unread_lines(), [4..=5]);
    let root = &file.documents()[0];
    assert_eq!(root.get("files").unwrap().items().len(), 1);
    check(
        text,
        |editor| {
            editor.set(0, &at("image"), "v2")?;
            editor.set(0, &at("files[0].path"), "c")?;
            Ok(())
        },
        &text.replace("v1", "v2").replace("path: a", "path: c"),
    );
    let error = File::parse("a: \"b\" c \"d\"\n{{- if .x }}\nb: 1\n{{- end }}\n").unwrap_err();
    assert_eq!(error.line(), 1);
}
