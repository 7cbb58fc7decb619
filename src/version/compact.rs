//! Short forms of lists of versions.

use super::KubernetesVersion;

/// Returns patches of one minor in short: `1.33.4-7, 9`.
pub fn compact(versions: &[KubernetesVersion]) -> String {
    let Some(first) = versions.first() else {
        return String::new();
    };
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for version in versions {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == version.patch() => *last = version.patch(),
            Some(_) | None => runs.push((version.patch(), version.patch())),
        }
    }
    let texts: Vec<String> = runs
        .iter()
        .map(|(from, to)| {
            if from == to {
                from.to_string()
            } else {
                format!("{from}-{to}")
            }
        })
        .collect();
    format!("{}.{}", first.minor(), texts.join(", "))
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
