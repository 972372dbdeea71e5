//! The threads that share out operations.

use burn::tensor::Device;

/// Does work of many operations on one of rayon's threads, if they compute on the CPU.
///
/// An operation called from outside wakes one of these threads and sleeps until it is done, every time; called from within, it
/// begins at once. On other devices, without the cargo feature `cpu`, and where gradients are recorded, the work is done where it is
/// called.
///
/// While such a thread waits for others to finish a part, it may take up other work of theirs: what is done here must not hold
/// a lock that another such work takes, as the records of gradients do.
pub fn on_workers<R: Send>(device: &Device, work: impl FnOnce() -> R + Send) -> R {
    #[cfg(feature = "cpu")]
    if *device == Device::flex() && !device.is_autodiff() {
        return rayon::scope(|_| work());
    }
    #[cfg(not(feature = "cpu"))]
    let _ = device;
    work()
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use super::*;

    #[test]
    fn work_on_the_processor_is_done_by_a_worker() {
        let is_worker = || rayon::current_thread_index().is_some();
        assert!(on_workers(&Device::flex(), is_worker));
        assert!(!on_workers(&Device::flex().autodiff(), is_worker));
    }
}
