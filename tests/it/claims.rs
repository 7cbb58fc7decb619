//! What a plan may write over: values that are proved to be the stack's. Everything else stays as it is, byte for byte, and what
//! cannot be moved is told.

use crate::support::program::{self, Copy, catalog, sound_repositories};

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

fn explained(copy: &Copy, file: &str) -> Vec<(usize, String, bool, String)> {
    let json = copy
        .run(&["show", "--explain", file, "--format", "json"])
        .json();
    let values = json["values"].as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap().to_owned();
    values
        .iter()
        .map(|value| {
            let line = usize::try_from(value["line"].as_u64().unwrap()).unwrap();
            let is_claimed = value["isClaimed"].as_bool().unwrap();
            (line, text(value, "value"), is_claimed, text(value, "why"))
        })
        .collect()
}

#[test]
fn show_explains_each_value_of_a_file() {
    let text = "\
kubeVip:
  image: ghcr.io/kube-vip/kube-vip:v1.0.1
  cidr: 10.8.0.0/20
images:
  worker:
    name: ubuntu-capi-image-v1.34.6
supportedVersions: [1.33.4, 1.34.6]
";
    let copy = with(VALUES, text);
    let of_series = "it is not of the stack's image series (ubuntu)".to_owned();
    let no_fact =
        "no rule for this kind of file (cluster class values) claims this place".to_owned();
    assert_eq!(
        explained(&copy, VALUES),
        [
            (
                2,
                "ghcr.io/kube-vip/kube-vip:v1.0.1".to_owned(),
                false,
                of_series
            ),
            (
                6,
                "ubuntu-capi-image-v1.34.6".to_owned(),
                true,
                "the name of the default's image (series ubuntu)".to_owned()
            ),
            (7, "1.33.4".to_owned(), false, no_fact.clone()),
            (7, "1.34.6".to_owned(), false, no_fact),
        ]
    );
    let said = copy.run(&["show", "--explain", "nothing.yaml"]).failure(1);
    assert!(said.contains("no file `nothing.yaml` in "), "{said}");
    copy.write("csctl-matrix.yaml", "ignore: ['**/values.yaml']\n");
    let told = copy.run(&["show", "--explain", VALUES]).success();
    assert_eq!(
        told,
        format!("{VALUES}\n  nothing of it is claimed: csctl-matrix.yaml ignores it (`ignore`)\n")
    );
}

/// What a plan writes over, the explanation claims.
#[test]
fn every_edit_of_a_plan_is_of_a_claimed_value() {
    let mut edits = 0;
    for layout in sound_repositories() {
        let copy = Copy::of(&layout);
        let catalog = copy.catalog();
        let plan = copy.run(&[
            "plan",
            "--format",
            "json",
            "--catalog",
            &catalog,
            "--end-of-life",
            "follow",
        ]);
        for file in plan.json()["files"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            let explained = explained(&copy, path);
            for edit in file["edits"].as_array().into_iter().flatten() {
                let Some(from) = edit["from"].as_str() else {
                    continue;
                };
                edits += 1;
                assert!(
                    explained
                        .iter()
                        .any(|(_, value, is_claimed, _)| *is_claimed && value.contains(from)),
                    "{layout}: {path}: {from} of {edit} in {explained:?}"
                );
            }
        }
    }
    assert!(edits > 40, "only {edits} edits");
}
