//! Packets of servers that speak well, badly, and not at all.

use proptest::prelude::*;

use super::*;

#[path = "../../../../tests/it/support/hostile.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "the other tests use more of it"
)]
mod hostile;

const ID: &str = "1111111111111111111111111111111111111111";
const OTHER: &str = "2222222222222222222222222222222222222222";

fn lines(lines: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        write(&mut bytes, line);
    }
    write_end(&mut bytes);
    bytes
}

fn advertisement(refs: &[&str]) -> Vec<u8> {
    [lines(&["# service=git-upload-pack\n"]), lines(refs)].concat()
}

fn parse(bytes: &[u8]) -> Result<Advertisement> {
    Advertisement::parse(bytes, "git-upload-pack")
}

fn band(number: u8, data: &[u8]) -> Vec<u8> {
    let mut packet = format!("{:04x}", data.len() + 5).into_bytes();
    packet.push(number);
    packet.extend_from_slice(data);
    packet
}

#[test]
fn refs_are_read_with_what_the_server_can() {
    let head =
        format!("{ID} HEAD\0multi_ack side-band-64k symref=HEAD:refs/heads/main agent=git/2\n");
    let [main, tag] = [
        format!("{ID} refs/heads/main\n"),
        format!("{OTHER} refs/tags/v1^{{}}\n"),
    ];
    let [have, shallow] = [format!("{OTHER} .have\n"), format!("shallow {ID}\n")];
    let with_version = advertisement(&["version 1\n", &head, &main, &tag, &have, &shallow]);
    let found = parse(&with_version).unwrap();
    let names: Vec<&String> = found.refs.keys().collect();
    assert_eq!(names, ["HEAD", "refs/heads/main"]);
    assert_eq!(found.refs["refs/heads/main"].to_string(), ID);
    assert_eq!(found.default_branch(), Some("main"));
    assert!(found.can("side-band-64k") && !found.can("side-band"));
    assert_eq!(found.beside.len(), 1);
    let zero = Oid::ZERO_SHA1;
    let empty = advertisement(&[&format!("{zero} capabilities^{{}}\0report-status\n")]);
    let empty = parse(&empty).unwrap();
    assert!(empty.refs.is_empty() && empty.can("report-status"));
}

/// A list that ends early would make refs look as if they were not there.
#[test]
fn no_beginning_of_a_list_is_taken_for_the_list() {
    let [first, second] = [
        format!("{ID} refs/heads/a\0side-band-64k\n"),
        format!("{ID} refs/heads/b\n"),
    ];
    let whole = advertisement(&[&first, &second]);
    for length in 0..whole.len() {
        assert_eq!(
            parse(&whole[..length]).unwrap_err(),
            PacketError::Cut,
            "{length}"
        );
    }
    assert_eq!(parse(&whole).unwrap().refs.len(), 2);
}

#[test]
fn what_is_not_gits_is_named() {
    let found = |bytes: &[u8]| match parse(bytes).unwrap_err() {
        PacketError::Foreign(found) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        found(b"<!DOCTYPE html>\n<html>"),
        "it begins with `<!DOCTYPE html> <html>`"
    );
    assert_eq!(found(b"001\x1b[31m"), "it begins with `001[31m`");
    assert!(found(b"0001").contains("0001") && found(b"+123").contains("+123"));
    for line in ["x", "1234 refs/heads/a", &format!("{ID}refs/heads/a")] {
        assert!(
            found(&advertisement(&[line])).contains(&line[..4.min(line.len())]),
            "{line}"
        );
    }
    let twice = [advertisement(&[]), b"more".to_vec()].concat();
    assert_eq!(found(&twice), "it begins with `more`");
    let unsupported =
        |bytes: &[u8]| matches!(parse(bytes).unwrap_err(), PacketError::Unsupported(_));
    assert!(unsupported(&advertisement(&["version 2\n", "ls-refs\n"])));
    assert!(unsupported(&advertisement(&[&format!(
        "{ID}{} HEAD\0object-format=sha256\n",
        &ID[..24]
    )])));
    assert_eq!(
        parse(&advertisement(&["ERR access denied\n"])).unwrap_err(),
        PacketError::Said("access denied".to_owned())
    );
}

#[test]
fn bands_are_taken_apart() {
    let bytes = [
        band(2, b"Counting\rCounting: 1\n"),
        band(1, b"PA"),
        band(1, b"CK"),
        b"0000".to_vec(),
    ]
    .concat();
    let bands = split_bands(&bytes).unwrap();
    assert_eq!(
        (bands.data.as_slice(), bands.remarks.as_str()),
        (b"PACK".as_slice(), "Counting\nCounting: 1")
    );
    assert_eq!(
        split_bands(&bytes[..bytes.len() - 4]).unwrap_err(),
        PacketError::Cut
    );
    let fatal = split_bands(&band(3, b"disk full\n")).unwrap_err();
    assert_eq!(fatal, PacketError::Said("disk full".to_owned()));
    assert!(matches!(
        split_bands(&band(4, b"x")),
        Err(PacketError::Foreign(_))
    ));
}

#[test]
fn a_report_says_what_became_of_each_ref() {
    let report = Report::parse(&lines(&[
        "unpack ok\n",
        "ok refs/heads/a\n",
        "ng refs/heads/b fetch first\n",
    ]));
    let report = report.unwrap();
    assert_eq!(report.unpack, None);
    assert_eq!(report.refs["refs/heads/a"], None);
    assert_eq!(report.refs["refs/heads/b"].as_deref(), Some("fetch first"));
    let failed = Report::parse(&lines(&["unpack index-pack abnormal exit\n"])).unwrap();
    assert_eq!(failed.unpack.as_deref(), Some("index-pack abnormal exit"));
    assert!(matches!(
        Report::parse(&lines(&["ok refs/heads/a\n"])),
        Err(PacketError::Foreign(_))
    ));
    let whole = lines(&["unpack ok\n", "ok refs/heads/a\n"]);
    for length in 0..whole.len() {
        assert_eq!(
            Report::parse(&whole[..length]).unwrap_err(),
            PacketError::Cut,
            "{length}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_answer_is_too_bad_to_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200), header in 0u32..300) {
        let with_length = [format!("{header:04x}").as_bytes(), &bytes].concat();
        for bytes in [&bytes, &with_length] {
            let _ = (parse(bytes), split_bands(bytes), Report::parse(bytes));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_harm_to_a_good_answer_makes_a_panic(harms in hostile::harm()) {
        let head = format!("{ID} HEAD\0side-band-64k symref=HEAD:refs/heads/main\n");
        let banded = [band(2, b"Counting\n"), band(1, b"PACK"), b"0000".to_vec()].concat();
        let report = lines(&["unpack ok\n", "ok refs/heads/a\n", "ng refs/heads/b fetch first\n"]);
        let _ = parse(&hostile::apply(&advertisement(&[&head]), &harms));
        let _ = split_bands(&hostile::apply(&banded, &harms));
        let _ = Report::parse(&hostile::apply(&report, &harms));
    }
}
