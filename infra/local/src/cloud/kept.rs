//! A value that lives in memory and, where there is a directory for it, in a file too.

use super::answer::Refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A value with a lock; every change is written through to the file before it is answered.
#[derive(Default)]
pub struct Kept<T> {
    value: Mutex<T>,
    file: Option<PathBuf>,
}

/// A change that could not be written, and was undone. It names the file.
#[derive(Debug)]
pub struct NotSaved(String);

impl fmt::Display for NotSaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the change is not saved: {}", self.0)
    }
}

impl Error for NotSaved {}

impl From<NotSaved> for Refusal {
    fn from(error: NotSaved) -> Self {
        Self::new("InternalError", error.to_string()).with_status(500)
    }
}

impl<T: Serialize + DeserializeOwned + Default> Kept<T> {
    /// What the file holds; the default where there is none.
    ///
    /// # Errors
    /// The file cannot be read. The error names it.
    pub fn open(file: Option<PathBuf>) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let value = match &file {
            Some(file) => read(file)?,
            None => T::default(),
        };
        Ok(Self {
            value: Mutex::new(value),
            file,
        })
    }

    /// Looks at it.
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes it.
    ///
    /// # Errors
    /// The file could not be written; nothing is changed then.
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, NotSaved> {
        self.change(|value| Ok(change(value)))
    }

    /// Changes it, or refuses to.
    ///
    /// # Errors
    /// Those of `change`, and then nothing is written. [`NotSaved`] if the file could not be written, and then nothing is
    /// changed.
    pub fn change<R, E: From<NotSaved>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut value)?;
        let Some(file) = &self.file else {
            return Ok(result);
        };
        let Err(error) = write(file, &*value) else {
            return Ok(result);
        };
        let error = NotSaved(format!("{}: {error}", file.display()));
        tracing::error!(%error, "a call fails");
        // The file is as it was before the change.
        match read(file) {
            Ok(before) => *value = before,
            Err(error) => tracing::error!(%error, "the change stays in memory"),
        }
        Err(error.into())
    }
}

fn read<T: DeserializeOwned + Default>(file: &Path) -> Result<T, Box<dyn Error + Send + Sync>> {
    let named = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
    match fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text).map_err(|error| named(&error))?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        Err(error) => Err(named(&error).into()),
    }
}

/// Whole or not at all: a crash leaves the old file.
fn write(file: &Path, value: &impl Serialize) -> io::Result<()> {
    let next = file.with_extension("next");
    fs::write(&next, serde_json::to_vec(value)?)?;
    fs::rename(next, file)
}
