//! What stays true when parts of the gate fail: nothing is let through, and nothing is lost.

#[cfg(target_os = "linux")]
mod kills;
mod outages;
mod panics;
mod resets;
