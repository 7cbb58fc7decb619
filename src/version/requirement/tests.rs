//! What Helm takes, and how a range goes to another minor.

use super::*;

/// The versions of the table below.
const VERSIONS: [&str; 13] = [
    "0.0.0",
    "0.0.1",
    "0.1.5",
    "2.0.0",
    "2.33.7",
    "2.34.0",
    "2.34.1",
    "v2.34.1",
    "2.34.1+build.7",
    "2.34.2-rc.1",
    "2.34.2",
    "2.35.0",
    "3.0.0",
];

/// What a program of ours said that asked `NewConstraint` and `Check` of github.com/Masterminds/semver/v3 v3.4.0, the library of
/// Helm 3.19, about each text and each version of [`VERSIONS`]: `x` where the version is taken.
#[rustfmt::skip]
const TAKEN: &[(&str, &str)] = &[
    ("2.34.1", "......xxx...."),
    ("=2.34.1", "......xxx...."),
    ("= 2.34.1", "......xxx...."),
    ("v2.34.1", "......xxx...."),
    ("=v2.34.1", "......xxx...."),
    ("2.34.1+build.7", "......xxx...."),
    ("2.34", ".....xxxx.x.."),
    ("=2.34", ".....xxxx.x.."),
    ("2.34.x", ".....xxxx.x.."),
    ("2.34.X", ".....xxxx.x.."),
    ("2.34.*", ".....xxxx.x.."),
    ("v2.34.x", ".....xxxx.x.."),
    ("2", "...xxxxxx.xx."),
    ("2.x", "...xxxxxx.xx."),
    ("2.x.x", "...xxxxxx.xx."),
    ("2.*", "...xxxxxx.xx."),
    ("x", "xxxxxxxxx.xxx"),
    ("*", "xxxxxxxxx.xxx"),
    ("~2.34.0", ".....xxxx.x.."),
    ("~2.34.1", "......xxx.x.."),
    ("~ 2.34.1", "......xxx.x.."),
    ("~2.34", ".....xxxx.x.."),
    ("~2.34.x", ".....xxxx.x.."),
    ("~>2.34.1", "......xxx.x.."),
    ("~>2.34", ".....xxxx.x.."),
    ("~2", "...xxxxxx.xx."),
    ("~2.x", "...xxxxxx.xx."),
    ("~*", "xxxxxxxxx.xxx"),
    ("~0.0.0", "xxxxxxxxx.xxx"),
    ("~0.0.1", ".x..........."),
    ("~0.1", "..x.........."),
    ("^2.34.1", "......xxx.xx."),
    ("^2.34", ".....xxxx.xx."),
    ("^2.34.x", ".....xxxx.xx."),
    ("^2", "...xxxxxx.xx."),
    ("^2.x", "...xxxxxx.xx."),
    ("^0.1.0", "..x.........."),
    ("^0.1", "..x.........."),
    ("^0.0.1", ".x..........."),
    ("^0.0", "xx..........."),
    ("^0", "xxx.........."),
    ("^*", "x............"),
    (">2.34.1", "..........xxx"),
    (">2.34", "...........xx"),
    (">2", "............x"),
    (">*", ".xxxxxxxx.xxx"),
    (">=2.34.1", "......xxx.xxx"),
    ("=>2.34.1", "......xxx.xxx"),
    (">=2.34", ".....xxxx.xxx"),
    (">=2", "...xxxxxx.xxx"),
    (">=*", "xxxxxxxxx.xxx"),
    ("<2.34.1", "xxxxxx......."),
    ("<2.34", "xxxxx........"),
    ("<2", "xxx.........."),
    ("<=2.34.1", "xxxxxxxxx...."),
    ("=<2.34.1", "xxxxxxxxx...."),
    ("<=2.34", "xxxxxxxxx.x.."),
    ("<=2", "xxxxxxxxx.xx."),
    ("<=*", "xx..........."),
    ("!=2.34.1", "xxxxxx....xxx"),
    ("!=2.34", "xxxxx......xx"),
    ("!=2.34.x", "xxxxx......xx"),
    ("!=2", "xxx.........x"),
    (">=2.34.0 <2.34.2", ".....xxxx...."),
    (">=2.34.0, <2.34.2", ".....xxxx...."),
    (">=2.34.0,<2.34.2", ".....xxxx...."),
    (">= 2.34.0 < 2.34.2", ".....xxxx...."),
    (" >=2.34.0  <2.34.2 ", ".....xxxx...."),
    (">=2.34.0 <2.35.0", ".....xxxx.x.."),
    (">=2.34 <2.35", ".....xxxx.x.."),
    (">=2.34.0-0 <2.35.0-0", ".....xxxxxx.."),
    (">=2.34.0 !=2.34.1", ".....x....xxx"),
    ("^2.34 !=2.34.1", ".....x....xx."),
    ("2.x !=2.34.x", "...xx......x."),
    ("2.34.0 - 2.34.1", ".....xxxx...."),
    ("2.34 - 2.34", ".....xxxx.x.."),
    ("1 - 2", "...xxxxxx.xx."),
    ("1 - 2.34", "...xxxxxx.x.."),
    ("2.34.0 - 2", ".....xxxx.xx."),
    ("1 - 2, !=2.34.1", "...xxx....xx."),
    ("1 - 2 3 - 4", "............."),
    ("2.33.x || 2.34.x", "....xxxxx.x.."),
    ("2.33.x||2.34.1", "....x.xxx...."),
    ("~2.33.7 || ~2.34.2", "....x.....x.."),
    ("<2 || >=2.35", "xxx........xx"),
    ("1 - 2 || 3", "...xxxxxx.xxx"),
    (">=2.34.2-0", ".........xxxx"),
    (">=2.34.2-alpha", ".........xxxx"),
    ("2.34.2-rc.1", ".........x..."),
    ("^2.34.0-0", ".....xxxxxxx."),
    ("~2.34.0-0", ".....xxxxxx.."),
    (">2.34.1 <2.34.2-rc.2", ".........x..."),
    ("*-0", "xxxxxxxxxxxxx"),
    ("2.34.x-0", ".....xxxxxx.."),
    ("!=2.34.2-rc.1", "xxxxxxxxx.xxx"),
    (">=2.34.0 <2.35.0-0 || 3.x", ".....xxxxxx.x"),
    ("2.34.0-2.34.2", "............."),
    ("3", "............x"),
    ("02.34.01", "......xxx...."),
];

fn requirement(text: &str) -> ChartRequirement {
    text.parse().unwrap()
}

fn minor(text: &str) -> Minor {
    text.parse().unwrap()
}

#[test]
fn takes_what_helm_takes() {
    for (text, expected) in TAKEN {
        let requirement = requirement(text);
        let takes = |version: &&str| requirement.takes(&version.parse().unwrap());
        let row: String = VERSIONS
            .iter()
            .map(|version| if takes(version) { 'x' } else { '.' })
            .collect();
        assert_eq!(row, *expected, "{text}");
        assert_eq!(requirement.to_string(), *text);
    }
}

/// The same program on texts that `NewConstraint` refuses.
#[test]
fn refuses_what_helm_refuses() {
    let refused = [
        "latest",
        "2.34.1.0",
        "2.34.",
        "2.34.1-",
        "2.",
        ">=2.34.0<2.34.2",
        ">=2.34.0 &&<2.34.2",
        ">=2.34.0; <2.34.2",
        "==2.34.1",
        "~=2.34.1",
        ">=2.34.0,",
        ",2.34.1",
        "2.34.0 -2.34.1",
        ">1 1 - 2",
        "=1 - 2",
        "1 - 2||3 - 4",
        "2.33.x ||",
        "|| 2.34.x",
        "2.34.1-01",
        "V2.34.1",
        "v 2.34.1",
        "2.34.1a",
        "",
    ];
    for text in refused {
        assert!(text.parse::<ChartRequirement>().is_err(), "{text}");
    }
}

#[test]
fn one_version_is_no_range() {
    let exact = |text: &str| requirement(text).exact().map(|version| version.to_string());
    assert_eq!(exact("2.34.1").unwrap(), "2.34.1");
    assert_eq!(exact("=v2.34.1").unwrap(), "v2.34.1");
    assert_eq!(exact("2.34.1+build.7").unwrap(), "2.34.1+build.7");
    for range in ["2.34", "~2.34.1", "2.34.1 || 2.34.2", ">=2.34.1 <=2.34.1"] {
        assert_eq!(exact(range), None, "{range}");
    }
}

#[test]
fn a_range_takes_a_minor_or_does_not() {
    let takes = |text: &str| requirement(text).takes_minor(minor("1.34"));
    for text in [
        "2.34.1",
        "2.34",
        "2.x",
        "*",
        "~2.34.7",
        "^2.33.2",
        ">=2.33.0",
        "<3",
        ">1",
        "1 - 2",
        "<=2.34",
        ">=2.34.9 <2.35.0",
        "2.33.x || 2.34.x",
        "!=2.33.1",
        ">=2.34.0-0",
        "x",
    ] {
        assert!(takes(text), "{text}");
    }
    for text in [
        "2.33.1",
        "2.33.x",
        "~2.33.4",
        "^2.35",
        ">=2.35.0",
        "<2.34",
        ">2.34",
        "2.33.x || 2.35.x",
        "!=2.34.x 2.34.x",
        ">=2.34.1 <2.34.1",
    ] {
        assert!(!takes(text), "{text}");
    }
}

#[test]
fn a_range_of_all_of_a_minor_goes_to_another_in_its_own_words() {
    for (from, to) in [
        ("2.33.x", "2.34.x"),
        ("2.33.*", "2.34.*"),
        ("2.33.X", "2.34.X"),
        ("2.33", "2.34"),
        ("v2.33", "v2.34"),
        ("= 2.33.x", "= 2.34.x"),
        ("~2.33.0", "~2.34.0"),
        ("~2.33", "~2.34"),
        ("~>2.33.x", "~>2.34.x"),
        ("2.33.0 || 2.33.0", ""),
        (">=2.33.0 <2.34.0", ">=2.34.0 <2.35.0"),
        ("<2.34.0,>=2.33.0", "<2.35.0,>=2.34.0"),
        (">=2.33.0-0, <2.34.0-0", ">=2.34.0-0, <2.35.0-0"),
        (">=2.33 <=2.33", ">=2.34 <=2.34"),
        ("2.33 - 2.33", "2.34 - 2.34"),
    ] {
        let moved = requirement(from).moved_to(minor("1.34"));
        let text = moved.map(|moved| moved.to_string()).unwrap_or_default();
        assert_eq!(text, to, "{from}");
    }
    assert_eq!(
        requirement("2.9.x").moved_to(minor("1.10")).unwrap(),
        requirement("2.10.x")
    );
}

#[test]
fn a_range_that_says_more_than_its_minor_is_left_alone() {
    for text in [
        "~2.33.4",
        "^2.33",
        "2.x",
        "*",
        ">=2.33.1 <2.34.0",
        ">=2.33.0 <2.33.9",
        "2.33.x !=2.33.2",
        "2.33.x || 2.32.x",
        "2.33.0 - 2.33.9",
        ">=2.32.0 <2.34.0",
        ">=2.33.0 <2.34.0 <2.18446744073709551615.0",
    ] {
        assert_eq!(requirement(text).moved_to(minor("1.34")), None, "{text}");
    }
}

#[test]
fn asks_for_a_version_in_its_own_words() {
    let asking =
        |text: &str, version: &str| requirement(text).asking_for(&version.parse().unwrap());
    for (text, version, expected) in [
        ("2.33.1", "v2.34.2", Some("2.34.2")),
        ("v2.33.1", "2.34.2", Some("v2.34.2")),
        ("=2.33.1", "2.34.2", Some("=2.34.2")),
        ("= v2.34.1 ", "2.34.2", Some("= v2.34.2 ")),
        ("2.33.x", "2.34.2", Some("2.34.x")),
        ("2.34.x", "2.34.2", Some("2.34.x")),
        ("^2.33.1", "2.34.2", Some("^2.33.1")),
        ("~2.33.4", "2.34.2", None),
        (">=2.34.0 <2.34.2", "2.34.2", None),
    ] {
        assert_eq!(asking(text, version).as_deref(), expected, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in r"([v0-9x*.<>=!~^|, +-]|rc){0,16}") {
        if let Ok(read) = text.parse::<ChartRequirement>() {
            let minor = Minor::new(1, 34);
            if let Some(moved) = read.moved_to(minor) {
                proptest::prop_assert!(moved.takes_minor(minor), "{} -> {}", text, moved);
                proptest::prop_assert_eq!(moved.whole_minor(), Some(34), "{} -> {}", text, moved);
            }
        }
    }
}
