//! Classes of errors. Whoever tells of a failure asks here. It never lets a message through.

use std::io;

/// The class of an input or output error: a word of a small set.
pub(crate) fn error_type(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "not_found",
        io::ErrorKind::PermissionDenied => "permission_denied",
        io::ErrorKind::IsADirectory => "is_a_directory",
        io::ErrorKind::NotADirectory => "not_a_directory",
        io::ErrorKind::StorageFull => "storage_full",
        io::ErrorKind::TimedOut => "timed_out",
        io::ErrorKind::InvalidData => "invalid_data",
        _ => "_OTHER",
    }
}
