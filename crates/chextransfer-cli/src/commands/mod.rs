//! One command a file: its arguments, and the call that it stands for.

pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod extract;
pub(crate) mod models;
pub(crate) mod predict;
pub(crate) mod study;
pub(crate) mod train;
pub(crate) mod verify;
pub(crate) mod weights;

/// Prints a line of a result.
macro_rules! result_line {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        // A reader that has seen enough, such as `head`, closes the pipe: that is no failure.
        let _ = writeln!(std::io::stdout(), $($argument)*);
    }};
}
pub(crate) use result_line;
