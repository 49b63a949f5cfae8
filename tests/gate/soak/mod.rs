//! Long runs, for `npm run soak`: they take minutes, and tell figures.

mod concurrency;
mod outage;
mod revocation;
