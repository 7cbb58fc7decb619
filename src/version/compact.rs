//! Short forms of lists of versions.

use super::KubernetesVersion;

/// Returns patches of one minor in short: `1.33.4-7, 9`.
pub(crate) fn compact(versions: &[KubernetesVersion]) -> String {
    let Some(first) = versions.first() else {
        return String::new();
    };
    let runs = versions.chunk_by(|one, next| one.patch() + 1 == next.patch());
    let texts: Vec<String> = runs.map(run).collect();
    format!("{}.{}", first.minor(), texts.join(", "))
}

fn run(versions: &[KubernetesVersion]) -> String {
    match versions {
        [first, .., last] => format!("{}-{}", first.patch(), last.patch()),
        single => single.iter().map(|only| only.patch().to_string()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_joined_and_gaps_show() {
        let versions: Vec<KubernetesVersion> = ["1.33.4", "1.33.5", "1.33.6", "1.33.9"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        assert_eq!(compact(&versions), "1.33.4-6, 9");
        assert_eq!(compact(&versions[..1]), "1.33.4");
        assert_eq!(compact(&[]), "");
    }
}
