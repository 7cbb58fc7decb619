//! Addon charts that belong to one Kubernetes minor. Others (cilium, metrics-server) have a life of their own.

use crate::version::{ChartVersion, Minor};

/// A chart whose second number is that of the Kubernetes minor it is made for.
#[derive(Debug, PartialEq, Eq)]
pub struct MinorBoundChart {
    /// The chart's name.
    pub name: &'static str,
    /// The Helm repository that publishes it.
    pub repository: &'static str,
    /// Its key in versions.yaml.
    pub versions_key: &'static str,
    /// Its key below `addons` in stack.yaml.
    pub stack_key: &'static str,
}

/// The charts of cloud-provider-openstack that number themselves after the Kubernetes minor.
const CHARTS: [MinorBoundChart; 2] = [
    MinorBoundChart {
        name: "openstack-cinder-csi",
        repository: "https://kubernetes.github.io/cloud-provider-openstack",
        versions_key: "cinder_csi",
        stack_key: "csi",
    },
    MinorBoundChart {
        name: "openstack-cloud-controller-manager",
        repository: "https://kubernetes.github.io/cloud-provider-openstack",
        versions_key: "occm",
        stack_key: "ccm",
    },
];

impl MinorBoundChart {
    /// Returns all known charts.
    pub fn all() -> &'static [Self] {
        &CHARTS
    }

    /// Finds the newest version for the minor among those offered; pre-releases never count.
    pub fn newest_for(offered: &[ChartVersion], minor: Minor) -> Option<&ChartVersion> {
        offered
            .iter()
            .filter(|version| version.follows(minor) && !version.is_prerelease())
            .max()
    }
}

/// Finds the chart by the name a `Chart.yaml` gives.
pub fn find_minor_bound(name: &str) -> Option<&'static MinorBoundChart> {
    CHARTS.iter().find(|chart| chart.name == name)
}
