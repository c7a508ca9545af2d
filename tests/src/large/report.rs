//! What a large send came to, in a few lines.

use super::working::Worked;
use super::{PAGE, Received};
use std::fmt;
use std::time::Duration;

/// The figures of a large send.
#[derive(Debug)]
pub struct Report {
    /// Devices that the message was for.
    pub(super) devices: usize,
    /// How long it took to write them.
    pub(super) seeded: Duration,
    /// How long until the send was answered.
    pub(super) accepted: Duration,
    /// How long until it was dispatched.
    pub(super) dispatched: Duration,
    /// How long it took to read all pushes.
    pub(super) read: Duration,
    pub(super) received: Received,
    pub(super) hits: Hits,
    /// Attempts that the status counts as repeated.
    pub(super) retried: usize,
    pub(super) worked: Worked,
}

/// How many calls of Publish each fault has hit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hits {
    pub(super) throttled: usize,
    pub(super) timed_out: usize,
    pub(super) lost: usize,
}

impl Report {
    /// The most repeats that there may be: a page for every kill, one push for every lost answer, and one for every further
    /// attempt that was repeated: on a busy machine an answer may come too late. What timed out by a fault was never done.
    fn most_repeats(&self) -> usize {
        let hits = self.hits.throttled + self.hits.timed_out + self.hits.lost;
        let late = self.retried.saturating_sub(hits);
        self.worked.kills * PAGE + self.hits.lost + late
    }

    /// What is wrong with the figures.
    pub(super) fn faults(&self) -> Option<String> {
        let (repeats, most) = (self.received.repeats, self.most_repeats());
        (repeats > most).then(|| format!("{repeats} repeats, and at most {most} have a reason"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hits, worked) = (&self.hits, &self.worked);
        writeln!(f, "devices            {}", self.devices)?;
        writeln!(f, "written in         {:.1} s", self.seeded.as_secs_f64())?;
        writeln!(f, "202 after          {:.2} s", self.accepted.as_secs_f64())?;
        writeln!(
            f,
            "dispatched after   {:.1} s",
            self.dispatched.as_secs_f64()
        )?;
        writeln!(f, "pushes             {}", self.received.pushes)?;
        writeln!(
            f,
            "repeats            {} (at most {})",
            self.received.repeats,
            self.most_repeats()
        )?;
        writeln!(
            f,
            "of Publish         {} throttled, {} timed out, {} answers lost; {} attempts repeated",
            hits.throttled, hits.timed_out, hits.lost, self.retried
        )?;
        writeln!(f, "pushes read in     {:.1} s", self.read.as_secs_f64())?;
        if let (Some(least), Some(most)) = (
            worked.peak_memory.iter().min(),
            worked.peak_memory.iter().max(),
        ) {
            writeln!(f, "kills              {}", worked.kills)?;
            writeln!(
                f,
                "invocations        {} done, {} not",
                worked.jobs.done, worked.jobs.failed
            )?;
            writeln!(f, "peak memory        {least} to {most} KiB a process")?;
        }
        Ok(())
    }
}
