//! What stays true when parts of the gate fail: nothing is let through, and nothing is lost.

mod panics;
