//! Fetching checkpoint files over HTTP; the only place of this crate that opens a socket.

mod answer;
mod attempt;
mod lock;
mod partial;
mod proxy;
mod transfer;

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use attempt::{Attempt, Failure};
use lock::Lock;
use partial::Partial;

pub use transfer::{HubToken, Transfer};

use super::store::{Expectation, Located, Origin, WeightStore, trouble};
use super::{Checkpoint, sha256_hex};
use crate::{Error, Result};

/// What is told of a download, and asked whether it goes on: bytes that have arrived, bytes of the
/// whole where the server says. Also called while another process is waited for.
pub(super) type Progress<'a> = &'a mut dyn FnMut(u64, Option<u64>) -> ControlFlow<()>;

/// Time between two looks at whether the caller wants to go on.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl WeightStore {
    /// A checkpoint's file: found on this machine as by [`WeightStore::locate`], or else fetched
    /// into our cache.
    ///
    /// What arrives is hashed as it lands in `downloads`, and takes its place in the cache when it
    /// is the pinned file; any other is removed. A download that was cut, by the server, by
    /// `progress` or by a kill, goes on where it ended if the server can tell that the file is still
    /// the same, and begins anew otherwise. Two processes that want one file fetch it once.
    ///
    /// `progress` is called with the bytes that have arrived and the bytes of the whole, as far as
    /// the server says; it ends the download by [`ControlFlow::Break`].
    ///
    /// # Errors
    /// Those of [`WeightStore::locate`], and
    /// - [`Error::WeightsAbsent`] when the file is not there and the store is offline,
    /// - [`Error::DownloadWrong`] when another file came than the pinned one,
    /// - [`Error::WeightsChanged`] when another file came than at first use,
    /// - [`Error::DownloadFailed`] when the server refuses or cannot be reached, or the connection
    ///   was cut [`Transfer::attempts`] times without getting any further,
    /// - [`Error::DownloadStopped`] when `progress` says so,
    /// - [`Error::WeightsCache`] when the cache cannot be written, or is full.
    pub fn fetch(
        &self,
        checkpoint: &Checkpoint,
        progress: &mut dyn FnMut(u64, Option<u64>) -> ControlFlow<()>,
    ) -> Result<Located> {
        let mut search = self.search(checkpoint)?;
        if let Some(located) = search.located.take() {
            return Ok(located);
        }
        if self.offline {
            return Err(search.absent(checkpoint, "this is offline"));
        }
        let url = self.transfer.address(&checkpoint.url);
        let downloads = self.cache.join("downloads");
        std::fs::create_dir_all(&downloads).map_err(trouble(&downloads))?;
        let name = sha256_hex(url.as_bytes());
        let path = downloads.join(format!("{name}.lock"));
        let Some(_lock) = Lock::wait(&path, progress)? else {
            return Err(Error::DownloadStopped { url, received: 0 });
        };
        // Another process may have brought the file since.
        let mut search = self.search(checkpoint)?;
        if let Some(located) = search.located.take() {
            return Ok(located);
        }
        let partial = downloads.join(format!("{name}.part"));
        let expectation = &search.expectation;
        // Without a digest nothing would tell that an old part was damaged on the disk.
        let mut partial = Partial::open(&partial, expectation.is_known())?;
        self.receive(checkpoint, &url, &mut partial, progress)?;
        let sha256 = partial.sha256();
        if !expectation.admits(&sha256) {
            let bytes = partial.received();
            partial.remove()?;
            return Err(wrong(checkpoint, expectation, url, sha256, bytes));
        }
        let folder = self.digest_folder(&sha256);
        let path = folder.join(&checkpoint.file);
        partial.publish(&path)?;
        Ok(search.used(checkpoint, path, &sha256, Origin::Download(url)))
    }

    /// Asks for the file until all of it has come.
    fn receive(
        &self,
        checkpoint: &Checkpoint,
        url: &str,
        partial: &mut Partial,
        progress: Progress<'_>,
    ) -> Result<()> {
        let mut attempt = Attempt::new(&self.transfer, checkpoint, url)?;
        let mut furthest = partial.received();
        let mut in_vain = 0;
        loop {
            let reason = match attempt.run(partial, progress) {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(reason)) => reason,
            };
            let received = partial.received();
            in_vain = if received > furthest { 1 } else { in_vain + 1 };
            furthest = furthest.max(received);
            if in_vain >= self.transfer.attempts {
                return Err(Error::DownloadFailed {
                    url: url.to_owned(),
                    reason: format!(
                        "{reason}; gave up after {in_vain} attempts that brought nothing more; {received} bytes have arrived, and the same command goes on"
                    ),
                });
            }
            // Doubling, so that a server in trouble is left alone.
            let pause = self.transfer.pause * 2u32.saturating_pow(in_vain - 1);
            if pause_for(pause, || progress(received, None)).is_break() {
                let url = url.to_owned();
                return Err(Error::DownloadStopped { url, received });
            }
        }
    }
}

/// Sleeps, and asks all the while whether to go on.
fn pause_for(pause: Duration, mut go_on: impl FnMut() -> ControlFlow<()>) -> ControlFlow<()> {
    let start = Instant::now();
    while start.elapsed() < pause {
        go_on()?;
        std::thread::sleep(LOOK_EVERY.min(pause));
    }
    ControlFlow::Continue(())
}

fn wrong(
    checkpoint: &Checkpoint,
    expectation: &Expectation,
    url: String,
    found: String,
    bytes: u64,
) -> Error {
    match expectation.record() {
        Some((recorded, record)) => Error::WeightsChanged {
            id: checkpoint.id.clone(),
            url,
            found,
            recorded: recorded.to_owned(),
            record: Path::to_owned(record),
        },
        None => Error::DownloadWrong {
            url,
            found,
            bytes,
            expected: expectation.to_string(),
        },
    }
}
