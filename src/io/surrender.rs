//! Gives secrets up after they were read: what was written into the environment and the arguments of this process is overwritten, and
//! other processes of the same user cannot look into its memory. So commands of a gate, which are the children of this process, find
//! nothing in `/proc`. The shell that started it has its own copy, which nobody can take away from here.
#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "the kernel tells and takes the process's own memory as files"
    )
)]

/// Overwrites every secret that this process has held in its environment and its arguments, and closes its memory to others. It has to
/// be called while there is one thread. On other systems than Linux it does nothing.
pub(crate) fn give_up() {
    #[cfg(target_os = "linux")]
    {
        let secrets = crate::io::http::held();
        if secrets.is_empty() {
            return;
        }
        // Without a proc file system there is nothing to be read there either.
        let _ = linux::overwrite(&secrets);
        linux::close_memory();
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io;
    use std::os::unix::fs::FileExt as _;

    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    /// Where arguments and environment lie in `/proc/PID/stat`, counted after the name. Source: `proc_pid_stat(5)`, fields 48 to 51.
    const ARGUMENTS_START: usize = 45;
    const ENVIRONMENT_END: usize = 48;

    /// Arguments and environment are one block, which the kernel limits to a quarter of the stack.
    const LONGEST: u64 = 64 << 20;

    /// Overwrites secrets with zeros where the kernel put arguments and environment.
    pub(super) fn overwrite(secrets: &[String]) -> io::Result<()> {
        let stat = fs::read_to_string("/proc/self/stat")?;
        // The name of the program may have blanks and brackets in it.
        let (_, fields) = stat.rsplit_once(") ").unwrap_or_default();
        let fields: Vec<u64> = fields
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        let (Some(begin), Some(end)) = (fields.get(ARGUMENTS_START), fields.get(ENVIRONMENT_END))
        else {
            return Ok(());
        };
        let length = end.saturating_sub(*begin);
        // The kernel says zero where it does not tell.
        if *begin == 0 || length > LONGEST {
            return Ok(());
        }
        let memory = File::options()
            .read(true)
            .write(true)
            .open("/proc/self/mem")?;
        let mut block = vec![0; usize::try_from(length).unwrap_or_default()];
        memory.read_exact_at(&mut block, *begin)?;
        for secret in secrets {
            let zeros = vec![0; secret.len()];
            let windows = block.windows(secret.len()).enumerate();
            let found = windows.filter(|(_, window)| *window == secret.as_bytes());
            for (offset, _) in found {
                let place = begin + u64::try_from(offset).unwrap_or_default();
                memory.write_all_at(&zeros, place)?;
            }
        }
        Ok(())
    }

    /// Closes memory, environment and open files to other processes that have not the right to trace any.
    pub(super) fn close_memory() {
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
