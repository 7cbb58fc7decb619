//! Every system call of an update that changes something, so that a test can stop before any of them. It decides nothing.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is where files are written"
)]

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::{MANY, check_kind};

/// What changes files and directories.
#[derive(Debug, Clone, Default)]
pub(super) struct Effects {
    #[cfg(test)]
    trial: Option<std::sync::Arc<trial::Trial>>,
}

impl Effects {
    /// Stops a test where it asks for that. Outside of tests nothing does.
    #[cfg_attr(
        not(test),
        expect(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "tests alone stop here"
        )
    )]
    fn begin(&self) -> io::Result<()> {
        #[cfg(test)]
        if let Some(trial) = &self.trial {
            trial.begin()?;
        }
        Ok(())
    }

    /// Lets a test put the staging directory on another file system.
    #[cfg_attr(
        not(test),
        expect(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "tests alone do this"
        )
    )]
    #[cfg_attr(not(test), expect(unused_variables, reason = "tests alone do this"))]
    fn cross(&self, from: &Path, to: &Path) -> io::Result<()> {
        #[cfg(test)]
        if let Some(trial) = &self.trial {
            trial.cross(from, to)?;
        }
        Ok(())
    }

    /// Opens the file of a lock, and makes it where it is missing.
    pub(super) fn open_lock(&self, path: &Path) -> io::Result<File> {
        self.begin()?;
        let mut options = File::options();
        options.write(true).create(true).truncate(false).open(path)
    }

    pub(super) fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.begin()?;
        fs::create_dir(path)
    }

    /// Makes a directory and those above it that are missing.
    pub(super) fn create_directories(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|directory| fs::symlink_metadata(directory).is_err())
            .collect();
        for directory in missing.into_iter().rev() {
            self.create_directory(directory)?;
        }
        Ok(())
    }

    /// Writes a new file. What is there already, a symbolic link too, is an error.
    pub(super) fn write(
        &self,
        path: &Path,
        bytes: &[u8],
        permissions: Permissions,
    ) -> io::Result<()> {
        let mut file = self.create(path)?;
        self.begin()?;
        file.write_all(bytes)?;
        self.begin()?;
        file.set_permissions(permissions)
    }

    /// Writes a new file, and waits until the disk has it.
    pub(super) fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.create(path)?;
        self.begin()?;
        file.write_all(bytes)?;
        #[cfg(test)]
        if self.trial.is_some() {
            // Thousands of tried runs would wait for the disk most of the time.
            return Ok(());
        }
        file.sync_data()
    }

    /// Copies a file with its permissions to a place where nothing is, and a symbolic link as a link: what it leads to is none
    /// of the copy's business.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let kind = fs::symlink_metadata(from)?.file_type();
        if kind.is_symlink() {
            self.begin()?;
            return copy_link(from, to);
        }
        check_kind(kind)?;
        let mut source = File::open(from)?;
        let permissions = source.metadata()?.permissions();
        let mut file = self.create(to)?;
        self.begin()?;
        io::copy(&mut source, &mut file)?;
        self.begin()?;
        file.set_permissions(permissions)
    }

    /// Makes a new file that nobody else can read until it has its permissions.
    fn create(&self, path: &Path) -> io::Result<File> {
        self.begin()?;
        let mut options = File::options();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.write(true).create_new(true).open(path)
    }

    /// Sets the permissions of a file, if they are others.
    pub(super) fn set_permissions(&self, path: &Path, permissions: Permissions) -> io::Result<()> {
        if fs::metadata(path)?.permissions() == permissions {
            return Ok(());
        }
        self.begin()?;
        fs::set_permissions(path, permissions)
    }

    pub(super) fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.begin()?;
        self.cross(from, to)?;
        fs::hard_link(from, to)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.begin()?;
        self.cross(from, to)?;
        fs::rename(from, to)
    }

    pub(super) fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.begin()?;
        fs::remove_file(path)
    }

    /// Removes a file or a symbolic link, if there is one.
    pub(super) fn remove_if_there(&self, path: &Path) -> io::Result<()> {
        match fs::symlink_metadata(path) {
            Ok(found) if !found.is_dir() => self.remove_file(path),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Removes a directory, if it is empty.
    pub(super) fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.begin()?;
        fs::remove_dir(path)
    }

    /// Removes a directory with all that is in it; that there is none is no error.
    pub(super) fn remove_all(&self, path: &Path) -> io::Result<()> {
        let entries = match fs::read_dir(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        let all: Vec<fs::DirEntry> = entries.collect::<Result<_, _>>()?;
        let removed = crate::parallel::map(&all, MANY, |entry| {
            // A link to a directory is removed as a link.
            if entry.file_type()?.is_dir() {
                self.begin()?;
                fs::remove_dir_all(entry.path())
            } else {
                self.remove_file(&entry.path())
            }
        });
        removed.into_iter().collect::<io::Result<()>>()?;
        self.remove_directory(path)
    }

    /// Finds out whether files can be made in a directory. Nothing is left of it.
    pub(super) fn probe(&self, directory: &Path) -> io::Result<()> {
        self.begin()?;
        probe(directory)
    }
}

/// Asks the system, as there may be thousands of directories, and each file that is made for a moment takes it longer.
#[cfg(unix)]
fn probe(directory: &Path) -> io::Result<()> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    Ok(accessat(CWD, directory, wanted, AtFlags::EACCESS)?)
}

#[cfg(not(unix))]
fn probe(directory: &Path) -> io::Result<()> {
    tempfile::tempfile_in(directory).map(drop)
}

#[cfg(unix)]
fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

#[cfg(not(unix))]
fn copy_link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::other("symbolic links are copied on Unix alone"))
}

#[cfg(test)]
pub(super) mod trial {
    //! What a test lets happen before one of the effects.

    use std::fmt;
    use std::io::{self, ErrorKind};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Effects;

    /// What happens before an effect.
    pub(in crate::io::update) enum Act {
        /// Neither it nor any after it is done, as in a process that is killed.
        Kill,
        /// It fails, and those after it do not.
        Fail,
        /// Somebody else does something.
        Meanwhile(Box<dyn Fn() + Send + Sync>),
    }

    impl fmt::Debug for Act {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("act")
        }
    }

    /// A run that something happens to.
    #[derive(Debug)]
    pub(in crate::io::update) struct Trial {
        act: Act,
        at: usize,
        begun: AtomicUsize,
        /// A directory that is to be on a file system of its own.
        apart: Option<PathBuf>,
    }

    impl Trial {
        /// Lets something happen before the effect of that number, the first being 0.
        pub(in crate::io::update) fn new(
            act: Act,
            at: usize,
            apart: Option<PathBuf>,
        ) -> (Effects, Arc<Self>) {
            let trial = Arc::new(Self {
                act,
                at,
                begun: AtomicUsize::new(0),
                apart,
            });
            let effects = Effects {
                trial: Some(Arc::clone(&trial)),
            };
            (effects, trial)
        }

        /// Tells whether the run came as far as that effect.
        pub(in crate::io::update) fn is_reached(&self) -> bool {
            self.begun.load(Ordering::Relaxed) > self.at
        }

        pub(super) fn begin(&self) -> io::Result<()> {
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            match &self.act {
                Act::Kill if number >= self.at => Err(io::Error::other("killed")),
                Act::Fail if number == self.at => Err(io::Error::other("failed once")),
                Act::Meanwhile(act) if number == self.at => {
                    act();
                    Ok(())
                }
                Act::Kill | Act::Fail | Act::Meanwhile(_) => Ok(()),
            }
        }

        pub(super) fn cross(&self, from: &Path, to: &Path) -> io::Result<()> {
            let Some(apart) = &self.apart else {
                return Ok(());
            };
            if from.starts_with(apart) == to.starts_with(apart) {
                Ok(())
            } else {
                Err(ErrorKind::CrossesDevices.into())
            }
        }
    }
}
