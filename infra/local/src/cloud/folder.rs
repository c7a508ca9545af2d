//! The folder that holds the state: only one process at a time uses it.

use std::error::Error;
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;

/// A folder that this process alone uses, until this is dropped or the process ends, whatever ends it.
pub struct Folder {
    path: PathBuf,
    /// Open: the system releases the lock when it closes the file.
    _lock: File,
}

const LOCK: &str = "lock";

impl Folder {
    /// Locks the folder. It is made if it is missing.
    ///
    /// # Errors
    /// Another process uses the folder, or the folder cannot be written.
    pub fn lock(path: PathBuf) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let shown = path.display();
        let opened = fs::create_dir_all(&path).and_then(|()| {
            let mut options = File::options();
            options.create(true).truncate(false).write(true);
            options.open(path.join(LOCK))
        });
        let lock = opened.map_err(|error| format!("{shown}: {error}"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock, path }),
            Err(TryLockError::WouldBlock) => Err(format!(
                "{shown}: another process uses this folder; end that process, or give --data another folder"
            )
            .into()),
            Err(TryLockError::Error(error)) => Err(format!("{shown}: {error}").into()),
        }
    }

    /// The path of a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
