//! The report's files.
