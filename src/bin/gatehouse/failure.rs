//! Why the command did not do what it was asked to, and the exit code that tells a script.

use std::io;

use thiserror::Error;

/// What went wrong, in a sentence for a person.
#[derive(Debug, Error)]
pub enum Failure {
    /// Arguments, variables or a file that make no sense.
    #[error("{0}")]
    Usage(String),
    /// The gate understood and said no.
    #[error("{0}")]
    Refused(String),
    /// Something is not all right, and was told already.
    #[error("")]
    Told,
    /// The credentials are not good, or not good for this.
    #[error("{0}")]
    Unauthorized(String),
    /// No answer, or none that decides.
    #[error("{0}")]
    Unavailable(String),
    /// Standard output or a file could not be written or read.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Failure {
    /// The exit code; the page of help lists them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Refused(_) | Self::Told | Self::Io(_) => 1,
            Self::Usage(_) => 2,
            Self::Unauthorized(_) => 3,
            Self::Unavailable(_) => 4,
        }
    }

    /// What to print; nothing where a reader of the output has gone, or it was said already.
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Told => None,
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Usage(_) | Self::Refused(_) | Self::Unauthorized(_) | Self::Unavailable(_) | Self::Io(_) => {
                Some(self.to_string())
            }
        }
    }
}
