//! Memory for results.

/// A vector whose values are written before they are read: large results are not filled with zeros first, which would
/// cost as much as a pass over them. In debug builds they are filled with NaN, so that a test sees what was not written.
pub(crate) fn unwritten(len: usize) -> Vec<f32> {
    if cfg!(debug_assertions) {
        return vec![f32::NAN; len];
    }
    let mut values = Vec::with_capacity(len);
    // SAFETY: the capacity is `len`, and `f32` needs no drop. Every caller writes each element before it reads it, which
    // debug builds check by the NaN above.
    #[allow(clippy::uninit_vec, unsafe_code, reason = "stated above")]
    unsafe {
        values.set_len(len);
    }
    values
}
