//! The share of a processor that Lambda gives a function of little memory, kept by a control group of the kernel.

use crate::world::Failed;
use nix::unistd::Pid;
use std::path::PathBuf;

/// A control group whose processes get a part of one processor. It is removed when this is dropped, once they have ended.
pub struct Quota(PathBuf);

/// Lambda hands out the processor in periods of so long, in microseconds.
const PERIOD: u64 = 20_000;
/// With so many MB there is one whole processor.
const WHOLE: u64 = 1769;
const ROOT: &str = "/sys/fs/cgroup";

impl Quota {
    /// The share of a function with so many MB.
    ///
    /// # Errors
    /// The kernel's control groups are not ours to make: that takes root.
    pub fn of(megabytes: u64) -> Result<Self, Failed> {
        let name = format!("userpush-bench-{}", std::process::id());
        let microseconds = PERIOD * megabytes / WHOLE;
        let first = PathBuf::from(ROOT).join("cpu");
        // Version 1 has a tree for each kind of limit, version 2 one for all.
        let (group, limits) = if first.is_dir() {
            let limits = vec![
                ("cpu.cfs_period_us", PERIOD.to_string()),
                ("cpu.cfs_quota_us", microseconds.to_string()),
            ];
            (first.join(name), limits)
        } else {
            let limits = vec![("cpu.max", format!("{microseconds} {PERIOD}"))];
            (PathBuf::from(ROOT).join(name), limits)
        };
        let why = |error| {
            format!(
                "{}: {error}; the quota needs root and control groups",
                group.display()
            )
        };
        std::fs::create_dir(&group).map_err(why)?;
        let quota = Self(group);
        for (file, limit) in limits {
            std::fs::write(quota.0.join(file), limit)?;
        }
        Ok(quota)
    }

    /// Holds a process to it from here on.
    ///
    /// # Errors
    /// It has ended.
    pub fn hold(&self, process: Pid) -> Result<(), Failed> {
        Ok(std::fs::write(
            self.0.join("cgroup.procs"),
            process.to_string(),
        )?)
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}
