//! Method `build`: images are built with Packer and uploaded, and node-images.yaml says where they are. Whatever can be known before
//! an image takes its half hour is checked first; node-images.yaml is written last.

use std::ffi::OsString;
use std::path::PathBuf;

use tokio::runtime::Runtime;

use super::{ImageList, NodeImagesRequest, plugin_error};
use crate::error::CommandError;
use crate::io::files::read_text;
use crate::io::image_bucket::{BucketError, Content, ImageBucket, StoredImage, Upload, content_of};
use crate::io::image_registry::{EnvironmentKeys, ImageRegistry};
use crate::io::packer::{BuildOrder, BuildPlace, Packer, PackerError, Template};
use crate::io::release_directory::check_writable;
use crate::node_images::{BuildList, ImageToBuild};
use crate::stack::NODE_IMAGES_CONFIG;

/// What the method needs beside the stack and the release.
#[derive(Debug, Clone, Default)]
pub(crate) struct BuildRequest {
    /// The registry file.
    pub registry: Option<PathBuf>,
    /// The keys of the environment.
    pub keys: EnvironmentKeys,
    /// Where programs are found.
    pub path: Option<OsString>,
}

/// An image with all that was found out about it before the first is built.
struct Job<'a> {
    image: &'a ImageToBuild,
    object: String,
    url: String,
    template: Template,
    stored: Option<StoredImage>,
}

/// What the jobs share.
struct Workshop {
    runtime: Runtime,
    bucket: ImageBucket,
    packer: Packer,
    place: BuildPlace,
}

/// Builds and uploads the images of a stack, and returns the list that names them.
pub(super) fn build(
    request: &NodeImagesRequest,
    notices: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> Result<ImageList, CommandError> {
    let file = request.stack.join(NODE_IMAGES_CONFIG);
    let text = read_text(&file).map_err(|error| {
        CommandError::new(error).hinted("method `build` builds the images that this file names")
    })?;
    let list = BuildList::read(&text).map_err(|error| plugin_error(&file, &error))?;
    let registry = registry(request)?;
    let urls: Vec<String> = list
        .images
        .iter()
        .map(|image| registry.url_of(&image.object()))
        .collect();
    // Made before anything is built, as it may be impossible.
    let released = list
        .released(&urls)
        .map_err(|error| plugin_error(&file, &error))?;
    if registry.trusts_anybody() {
        warnings.push(format!(
            "certificates of {} are not checked, as `verify: false` says",
            registry.endpoint
        ));
    }
    let mut jobs = Vec::new();
    for (image, url) in list.images.iter().zip(urls) {
        let directory = request.stack.join("node-images").join(&image.folder);
        jobs.push(Job {
            image,
            object: image.object(),
            url,
            template: Template::read(&directory)?,
            stored: None,
        });
    }
    let workshop = open(request, &registry)?;
    workshop.look(&mut jobs)?;
    for (number, job) in jobs.iter().enumerate() {
        notices.push(workshop.finish(job, number)?);
    }
    Ok(ImageList {
        text: released,
        from: format!("the images that {} names", file.display()),
    })
}

fn registry(request: &NodeImagesRequest) -> Result<ImageRegistry, CommandError> {
    let Some(path) = &request.build.registry else {
        return Err(
            CommandError::new("method `build` needs a registry file").hinted(
                "csctl hands its path over: csctl create STACK --node-image-registry registry.yaml",
            ),
        );
    };
    ImageRegistry::read(path, &request.build.keys).map_err(|error| {
        CommandError::new(format!("{}: {error}", path.display())).hinted(&error.hint)
    })
}

/// Makes sure of everything that no image is needed for.
fn open(request: &NodeImagesRequest, registry: &ImageRegistry) -> Result<Workshop, CommandError> {
    let Some(packer) = Packer::find(request.build.path.as_deref()) else {
        return Err(
            CommandError::new("there is no program `packer` on the PATH")
                .hinted("install Packer: https://developer.hashicorp.com/packer/install"),
        );
    };
    let target = request.release.join("node-images.yaml");
    check_writable(&target).map_err(|error| {
        CommandError::new(format!("cannot write {}: {error}", target.display()))
            .hinted("nothing was built yet; make the release directory writable")
    })?;
    Ok(Workshop {
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CommandError::new(format!("cannot start: {error}")))?,
        bucket: ImageBucket::open(registry)?,
        packer,
        place: BuildPlace::make()?,
    })
}

impl Workshop {
    /// Asks the store whether the images can go there. What is there from another template must not be overwritten, and no image of
    /// it could be the same.
    fn look(&self, jobs: &mut [Job<'_>]) -> Result<(), CommandError> {
        let asked = self.runtime.block_on(async {
            self.bucket.reach().await?;
            for job in &mut *jobs {
                job.stored = self.bucket.look(&job.object).await?;
            }
            match jobs.iter().find(|job| job.stored.is_none()) {
                Some(job) => self.bucket.may_write(&job.object).await,
                None => Ok(()),
            }
        });
        asked?;
        let mut taken = jobs.iter().filter(|job| {
            let source = job
                .stored
                .as_ref()
                .and_then(|stored| stored.source.as_ref());
            source.is_some_and(|source| *source != job.template.digest)
        });
        match taken.next() {
            None => Ok(()),
            Some(job) => Err(taken_by_another(job, "was built from another template")),
        }
    }

    /// Sees that an image is in the store with its checksum and can be downloaded, and says what was done for it.
    fn finish(&self, job: &Job<'_>, number: usize) -> Result<String, CommandError> {
        let object = &job.object;
        let done = match &job.stored {
            None => self.make(job, number)?,
            Some(stored) if stored.source.is_some() => self.complete(job, stored)?,
            // The store keeps no metadata, or somebody else has uploaded it: only its content tells.
            Some(stored) => self.compare(job, stored, number)?,
        };
        let public = self.bucket.is_public(&job.url, done.content.size);
        self.runtime.block_on(public)?;
        let (size, sum) = (done.content.size, done.content.sum.hex());
        Ok(match done.deed {
            Deed::Uploaded => format!("{object}: uploaded, {size} bytes, SHA-256 {sum}"),
            Deed::Completed => {
                format!("{object}: was uploaded before without its checksum, {sum}, which is added")
            }
            Deed::Found => format!(
                "{object}: is there already, {size} bytes, SHA-256 {sum}; not uploaded again"
            ),
        })
    }

    /// Builds and uploads an image.
    fn make(&self, job: &Job<'_>, number: usize) -> Result<Done, CommandError> {
        let file = self.built(job, number)?;
        let upload = Upload {
            object: &job.object,
            file: &file,
            source: &job.template.digest,
        };
        let uploaded: Result<Content, BucketError> = self.runtime.block_on(async {
            let content = self.bucket.upload(&upload).await?;
            self.bucket.put_sum(&job.object, &content.sum).await?;
            Ok(content)
        });
        self.place.clear(number);
        Ok(Done {
            content: uploaded?,
            deed: Deed::Uploaded,
        })
    }

    /// Takes an image from the same template as it is, and adds a checksum that an interrupted run has not written.
    fn complete(&self, job: &Job<'_>, stored: &StoredImage) -> Result<Done, CommandError> {
        let size = stored.size;
        if let Some(sum) = &stored.sum {
            let content = Content {
                size,
                sum: sum.clone(),
            };
            return Ok(Done {
                content,
                deed: Deed::Found,
            });
        }
        let sum = self.runtime.block_on(self.add_sum(job, size));
        Ok(Done {
            content: Content { size, sum: sum? },
            deed: Deed::Completed,
        })
    }

    async fn add_sum(
        &self,
        job: &Job<'_>,
        size: u64,
    ) -> Result<crate::version::Sha256, BucketError> {
        self.bucket.is_public(&job.url, size).await?;
        let sum = self.bucket.sum_of(&job.url).await?;
        self.bucket.put_sum(&job.object, &sum).await?;
        Ok(sum)
    }

    /// Builds an image whose name is taken, and uploads nothing: it is the same, or refused.
    fn compare(
        &self,
        job: &Job<'_>,
        stored: &StoredImage,
        number: usize,
    ) -> Result<Done, CommandError> {
        let file = self.built(job, number)?;
        let content = content_of(&file)?;
        self.place.clear(number);
        if content.size != stored.size {
            return Err(taken_by_another(job, "has another size"));
        }
        let deed = match &stored.sum {
            Some(_) => Deed::Found,
            None => Deed::Completed,
        };
        let known = match &stored.sum {
            Some(sum) => Ok(sum.clone()),
            None => self.runtime.block_on(self.bucket.sum_of(&job.url)),
        };
        if known? != content.sum {
            return Err(taken_by_another(job, "has another content"));
        }
        if deed == Deed::Completed {
            let put = self.bucket.put_sum(&job.object, &content.sum);
            self.runtime.block_on(put)?;
        }
        Ok(Done { content, deed })
    }

    fn built(&self, job: &Job<'_>, number: usize) -> Result<PathBuf, CommandError> {
        self.packer.init(&job.template)?;
        let order = BuildOrder {
            template: &job.template,
            name: &job.image.folder,
            disk_format: &job.image.disk_format,
            number,
        };
        self.packer
            .build(&order, &self.place)
            .map_err(CommandError::from)
    }
}

/// An image that is in the store.
struct Done {
    content: Content,
    deed: Deed,
}

/// What was done for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Uploaded,
    Completed,
    Found,
}

fn taken_by_another(job: &Job<'_>, how: &str) -> CommandError {
    CommandError::new(format!("{} is there already and {how}", job.object)).hinted(
        "releases may point to it, so it is not overwritten: give the new image another createOpts.name, or remove the object",
    )
}

impl From<PackerError> for CommandError {
    fn from(error: PackerError) -> Self {
        let hint = match &error {
            PackerError::Template { .. } => {
                "`imageDir` names a directory below node-images with a Packer template"
            }
            PackerError::Failed { .. } => {
                "Packer's own words are above; nothing of this image was uploaded"
            }
            PackerError::NoImage { .. } => {
                "the template has to write it to the directory of its variable output_directory, under the name of its variable build_name"
            }
            PackerError::Place(_) => "set TMPDIR to a directory with room for an image",
        };
        Self::new(&error).hinted(hint)
    }
}

impl From<BucketError> for CommandError {
    fn from(error: BucketError) -> Self {
        Self::new(&error).hinted(&error.hint)
    }
}
