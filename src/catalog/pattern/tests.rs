//! Patterns of real stores, and names that are no image's.

use super::*;

fn read(url: &str) -> (ImageUrl, ImagePattern) {
    (
        ImagePattern::read_url(url).unwrap(),
        ImagePattern::of_url(url).unwrap(),
    )
}

#[test]
fn infers_the_pattern_of_a_store_with_directories() {
    let url = "https://store.example/images/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.7.qcow2";
    let (read, pattern) = read(url);
    assert_eq!(
        pattern.as_str(),
        "https://store.example/images/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2"
    );
    assert_eq!(pattern.base(), "https://store.example/images/");
    assert_eq!(read.directory_minor, Some(Minor::new(1, 34)));
    let again = pattern.url(read.version, read.os.as_ref());
    assert_eq!(again.as_deref(), Some(url));
}

#[test]
fn infers_other_shapes() {
    let (flat, flat_pattern) = read("http://192.168.222.1/CENTOS_9_NODE_IMAGE_K8S_v1.29.0.qcow2");
    assert_eq!(
        flat_pattern.as_str(),
        "http://192.168.222.1/CENTOS_9_NODE_IMAGE_K8S_v{version}.qcow2"
    );
    assert_eq!(
        (flat.os, flat_pattern.base()),
        (None, "http://192.168.222.1/")
    );
    let (_, container_pattern) = read("registry.example/kindest/node:v1.30.10");
    assert_eq!(
        container_pattern.as_str(),
        "registry.example/kindest/node:v{version}"
    );
    assert!(container_pattern.is_container_image() && !container_pattern.has_os());
    let (_, capc_pattern) =
        read("http://p.example/images/kvm/ubuntu-2404-kube-v1.32.3-kvm.qcow2.bz2");
    assert_eq!(
        capc_pattern.as_str(),
        "http://p.example/images/kvm/{os}-kube-v{version}-kvm.qcow2.bz2"
    );
    assert_eq!(capc_pattern.base(), "http://p.example/images/kvm/");
}

#[test]
fn digits_of_the_operating_system_are_no_minor() {
    let url = "https://s/v1.33-ubuntu-2404/ubuntu-2404-kube-v1.33.7-2.qcow2";
    let (read, pattern) = read(url);
    assert_eq!(read.directory_minor, Some(Minor::new(1, 33)));
    assert_eq!(
        pattern.as_str(),
        "https://s/v{minor}-{os}/{os}-kube-v{version}-2.qcow2"
    );
    let again = pattern.url(read.version, read.os.as_ref());
    assert_eq!(again.as_deref(), Some(url));
}

#[test]
fn a_name_with_several_versions_is_taken_apart_by_its_words() {
    for (name, version, expected) in [
        (
            "flatcar-stable-4459.2.1-kube-1.34.6-tooling-1.26.2-gs",
            "v1.34.6",
            "flatcar-stable-4459.2.1-kube-{version}-tooling-1.26.2-gs",
        ),
        (
            "flatcar-4459.2.1-1.34.6",
            "v1.34.6",
            "flatcar-4459.2.1-{version}",
        ),
        (
            "node-1.2.3-v1.34.6+rke2r1",
            "v1.34.6",
            "node-1.2.3-v{version}+rke2r1",
        ),
        (
            "CENTOS_9_K8S_1.34.6_BUILD_v1.0.2",
            "v1.34.6",
            "CENTOS_9_K8S_{version}_BUILD_v1.0.2",
        ),
        (
            "https://s/v1.34.6/x/ubuntu-2404-kube-v1.34.6.qcow2",
            "v1.34.6",
            "https://s/v{version}/x/{os}-kube-v{version}.qcow2",
        ),
        (
            "r.example:5000/kindest/node:v1.34.0@sha256:7e44bebd89e219e70be5e1b351f35da7cc803ce9a7ff21044f4f38c273a4b835",
            "v1.34.0",
            "r.example:5000/kindest/node:v{version}",
        ),
    ] {
        let (read, pattern) = read(name);
        assert_eq!(read.version.to_string(), version, "{name}");
        assert_eq!(pattern.as_str(), expected, "{name}");
        assert_eq!(read.digest.is_some(), name.contains("@sha256"), "{name}");
    }
    for name in [
        "image-1.34.6-1.26.2",
        "v1.34.6-v1.33.2",
        "kube-1.2.3-k8s-1.34.6",
    ] {
        let error = ImagePattern::read_url(name).unwrap_err();
        assert!(
            matches!(error, PatternError::SeveralVersions { .. }),
            "{name}"
        );
    }
}

#[test]
fn the_stem_is_what_names_an_image() {
    for (url, stem) in [
        (
            "https://s/d/ubuntu-2404-kube-v1.34.7.qcow2",
            "{os}-kube-v{version}",
        ),
        (
            "https://s/ubuntu-2404-kube-v1.34.7-kvm.qcow2.bz2",
            "{os}-kube-v{version}-kvm",
        ),
        ("ubuntu-capi-image-v1.34.7", "ubuntu-capi-image-v{version}"),
    ] {
        assert_eq!(ImagePattern::of_url(url).unwrap().stem(), stem);
    }
}

#[test]
fn a_directory_of_another_minor_is_told() {
    let (read, _) = read("https://s/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.33.7.qcow2");
    assert_eq!(
        (read.directory_minor, read.version.minor()),
        (Some(Minor::new(1, 34)), Minor::new(1, 33))
    );
}

#[test]
fn a_day_behind_the_version_is_the_builds() {
    for (name, shape) in [
        (
            "ubuntu-2404-kube-v1.34.7-20260417.qcow2",
            "{os}-kube-v{version}-{date}.qcow2",
        ),
        (
            "node_v1.34.7_2026-04-17_amd64.raw",
            "node_v{version}_{date}_amd64.raw",
        ),
        ("node-v1.34.7-gpu-20260417", "node-v{version}-gpu-{date}"),
    ] {
        let url = format!("https://s/b/{name}");
        let (found, pattern) = read(&url);
        assert_eq!(pattern.as_str(), format!("https://s/b/{shape}"));
        let date = found.date.unwrap();
        assert_eq!(date.day(), jiff::civil::date(2026, 4, 17));
        // Nobody can know the day of a build that was not seen.
        assert_eq!(pattern.url(found.version, found.os.as_ref()), None);
        assert_eq!(
            pattern.dated_url(found.version, found.os.as_ref(), date),
            url
        );
        assert_eq!(pattern.read(&url), Some(found));
        // A pattern that was copied from a name means any day.
        let copied = url.replace("1.34.7", "{version}");
        assert_eq!(copied.replace("ubuntu-2404", "{os}").parse(), Ok(pattern));
    }
    for name in [
        "node-v1.34.7-20261317.qcow2",
        "node-v1.34.7-202604171.qcow2",
        "node-v1.34.7-12345678.qcow2",
        "node-v1.34.7-2026-4-17.qcow2",
        "node-v1.34.7-g20260417.qcow2",
        "20260417-node-v1.34.7.qcow2",
        "node:v1.34.7@sha256:20260417",
    ] {
        let (found, pattern) = read(&format!("https://s/b/{name}"));
        assert!(found.date.is_none() && !pattern.has_date(), "{name}");
    }
}

#[test]
fn what_follows_a_pattern_is_told_from_what_does_not() {
    // Not every pattern of a configuration is one that would be inferred.
    let pattern: ImagePattern = "https://s/{minor}/{os}_{version}-1.2.3.raw"
        .parse()
        .unwrap();
    let read = pattern
        .read("https://s/1.33/ubuntu-2404_1.34.7-1.2.3.raw")
        .unwrap();
    assert_eq!(read.version.to_string(), "v1.34.7");
    assert_eq!(read.os.unwrap().to_string(), "ubuntu-2404");
    assert_eq!(read.directory_minor, Some(Minor::new(1, 33)));
    for url in [
        "https://s/1.34/ubuntu-2404_1.34.7-1.2.4.raw",
        "https://s/1.34/ubuntu-2404_v1.34.7-1.2.3.raw",
        "https://s/1.34/ubuntu-2404_1.34-1.2.3.raw",
        "https://s/1.34/ubuntu_1.34.7-1.2.3.raw",
        "https://s/1.34/ubuntu-2404_1.34.7-1.2.3.raw.CHECKSUM",
        "",
    ] {
        assert_eq!(pattern.read(url), None, "{url}");
    }
    let twice: ImagePattern = "https://s/{os}-{minor}/{os}-{version}".parse().unwrap();
    assert!(
        twice
            .read("https://s/ubuntu-2404-1.34/ubuntu-2404-1.34.7")
            .is_some()
    );
    assert!(
        twice
            .read("https://s/ubuntu-2204-1.34/ubuntu-2404-1.34.7")
            .is_none()
    );
}

#[test]
fn a_registry_keeps_its_port() {
    for name in [
        "kindest/node",
        "127.0.0.1:5000/kindest/node",
        "registry.example.org:5000/node",
    ] {
        let pattern: ImagePattern = format!("{name}:v{{version}}").parse().unwrap();
        assert_eq!(pattern.base_or_name(), name);
        assert_eq!(pattern.repository_and_tag(), (name, "v{version}"));
    }
}

proptest::proptest! {
    #[test]
    fn any_name_is_read_without_harm(name in r"[a-z0-9./ü_+-]{0,12}v?1\.34\.7[0-9ü._+-]{0,24}") {
        let _ = ImagePattern::read_url(&name);
        let _ = name.replace("1.34.7", "{version}").parse::<ImagePattern>();
    }
}

#[test]
fn a_url_without_version_is_an_error() {
    for url in [
        "https://store.example/latest.qcow2",
        "",
        "https://store.example/",
        "https://s/v1.34/image.qcow2",
    ] {
        assert!(ImagePattern::read_url(url).is_err(), "{url}");
        assert!(ImagePattern::of_url(url).is_err(), "{url}");
    }
    assert!("https://store/{os}".parse::<ImagePattern>().is_err());
}
