//! A value that lives in memory and, where there is a directory for it, in a file too.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::error::Error;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A value with a lock; every change is written through to the file before it is answered.
pub struct Kept<T> {
    value: Mutex<T>,
    file: Option<PathBuf>,
}

impl<T: Serialize + DeserializeOwned + Default> Kept<T> {
    /// What the file holds; the default where there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(file: Option<PathBuf>) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let text = match file.as_ref().map(fs::read) {
            None => None,
            Some(Ok(text)) => Some(text),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Some(Err(error)) => return Err(error.into()),
        };
        let value = match text {
            Some(text) => serde_json::from_slice(&text)?,
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
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let Ok(result) = self.change(|value| Ok::<_, Infallible>(change(value)));
        result
    }

    /// Changes it, or refuses to.
    ///
    /// # Errors
    /// Those of `change`; nothing is written then.
    pub fn change<R, E>(&self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut value)?;
        if let Some(file) = &self.file
            && let Err(error) = write(file, &*value)
        {
            tracing::error!(%error, "the state is not on disk");
        }
        Ok(result)
    }
}

/// Whole or not at all: a crash leaves the old file.
fn write(file: &PathBuf, value: &impl Serialize) -> io::Result<()> {
    let next = file.with_extension("next");
    fs::write(&next, serde_json::to_vec(value)?)?;
    fs::rename(next, file)
}
