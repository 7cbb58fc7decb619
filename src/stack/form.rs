//! Which fields of a provider's manifests name the node image, and what stands beside them. `testdata` and the pages of the providers
//! show them in use.

/// The fields of one kind of manifest that say what its image is.
#[derive(Debug)]
pub(super) struct ImageForm {
    pub(super) kind: &'static str,
    /// What the fields stand below.
    pub(super) root: &'static [&'static str],
    /// Fields below the root; `[]` stands for every item of a list. One image each.
    pub(super) images: &'static [Fields],
}

/// Fields about one image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// What names it: its name or its URL.
    pub(super) image: &'static str,
    /// Its checksum, or the URL of it.
    pub(super) sum: Option<&'static str>,
    /// The checksum's algorithm.
    pub(super) algorithm: Option<&'static str>,
}

/// Returns the field of an image that is known by its name, by a digest in it, or by its URL alone.
pub(super) const fn named(image: &'static str) -> Fields {
    Fields {
        image,
        sum: None,
        algorithm: None,
    }
}

/// Where the fields of a machine template stand.
pub(super) const TEMPLATE: [&str; 3] = ["spec", "template", "spec"];

/// Endings of the image files of providers that have no file of their own yet.
pub(super) const FILES_OF_OTHERS: [&str; 3] = [".vmdk", ".vhd", ".ova"];

/// Manifests of providers that have no file of their own yet. Sources: their API types (`api/*/..machinetemplate_types.go`), as of
/// 2026.
pub(super) const OF_OTHERS: [ImageForm; 12] = [
    ImageForm {
        kind: "CloudStackMachineTemplate",
        root: &TEMPLATE,
        images: &[named("template"), named("template.name")],
    },
    ImageForm {
        kind: "Metal3MachineTemplate",
        root: &TEMPLATE,
        images: &[Fields {
            image: "image.url",
            sum: Some("image.checksum"),
            algorithm: Some("image.checksumType"),
        }],
    },
    ImageForm {
        kind: "KubevirtMachineTemplate",
        root: &TEMPLATE,
        images: &[
            named("virtualMachineTemplate.spec.template.spec.volumes[].containerDisk.image"),
            named("virtualMachineTemplate.spec.dataVolumeTemplates[].spec.source.registry.url"),
            named("virtualMachineTemplate.spec.dataVolumeTemplates[].spec.source.http.url"),
        ],
    },
    ImageForm {
        kind: "HCloudMachineTemplate",
        root: &TEMPLATE,
        images: &[named("imageName")],
    },
    ImageForm {
        kind: "HetznerBareMetalMachineTemplate",
        root: &TEMPLATE,
        images: &[
            named("installImage.image.url"),
            named("installImage.image.name"),
            named("installImage.image.path"),
        ],
    },
    ImageForm {
        kind: "VSphereMachineTemplate",
        root: &TEMPLATE,
        images: &[named("template")],
    },
    ImageForm {
        kind: "AzureMachineTemplate",
        root: &TEMPLATE,
        images: &[
            named("image.id"),
            named("image.marketplace.version"),
            named("image.computeGallery.version"),
        ],
    },
    ImageForm {
        kind: "AWSMachineTemplate",
        root: &TEMPLATE,
        images: &[named("ami.id"), named("imageLookupFormat")],
    },
    ImageForm {
        kind: "GCPMachineTemplate",
        root: &TEMPLATE,
        images: &[named("image"), named("imageFamily")],
    },
    ImageForm {
        kind: "NutanixMachineTemplate",
        root: &TEMPLATE,
        images: &[named("image.name")],
    },
    ImageForm {
        kind: "VCDMachineTemplate",
        root: &TEMPLATE,
        images: &[named("template")],
    },
    ImageForm {
        kind: "HarvesterMachineTemplate",
        root: &TEMPLATE,
        images: &[named("volumes[].imageName")],
    },
];
