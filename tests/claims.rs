//! What a plan may write over: values that are proved to be the stack's. Everything else stays as it is, byte for byte, and what
//! cannot be moved is told.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails where its data is not what it says"
)]

#[path = "support/program.rs"]
mod program;

use program::{Copy, catalog};

const VALUES: &str = "providers/openstack/scs2/cluster-class/values.yaml";
const CSCTL: &str = "providers/openstack/scs2/csctl.yaml";

/// The one stack of layout-c, at v1.34.6, with a file of its own; the world has v1.34.8.
fn with(path: &str, text: &str) -> Copy {
    let copy = Copy::of("layout-c");
    copy.write(path, text);
    copy
}

fn plan(copy: &Copy) -> program::Said {
    copy.run(&["plan", "--catalog", &catalog()])
}

fn updated(copy: &Copy, path: &str) -> String {
    copy.run(&["update", "--catalog", &catalog()]).success();
    copy.read(path)
}

#[test]
fn an_image_that_aliases_repeat_moves_at_all_of_its_places() {
    let text = "\
image: &image
  name: &name ubuntu-capi-image-v1.34.6 # the node image
controlPlane:
  image: *image
worker:
  imageName: *name
extra:
  <<: *image
";
    let copy = with(VALUES, text);
    assert_eq!(
        updated(&copy, VALUES),
        text.replace("v1.34.6", "v1.34.8"),
        "one edit, where the anchor is"
    );
}

#[test]
fn a_value_that_an_alias_shows_at_another_place_is_left_to_a_person() {
    let text = "\
apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1
config:
  clusterStackName: scs2
  kubernetesVersion: &version v1.34.6
  provider:
    apiVersion: openstack.csctl.clusterstack.x-k8s.io/v1alpha1
    type: openstack
    config:
      etcdVersion: *version
";
    let copy = with(CSCTL, text);
    let said = plan(&copy);
    assert_eq!(said.status, 6, "{}", said.stdout);
    let told = "by hand   providers/openstack/scs2/csctl.yaml:9: `config.provider.config.etcdVersion` shows what stands at `config.kubernetesVersion`, which is to become v1.34.8\n";
    assert!(said.stdout.contains(told), "{}", said.stdout);
    copy.run(&["update", "--partial", "--catalog", &catalog()])
        .ended(6);
    assert_eq!(copy.read(CSCTL), text);
}
