//! The command `gatehouse`, against a running gate.

mod connection;
mod execute;
mod import;
mod words;
