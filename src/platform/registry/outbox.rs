//! The outbox: makes KV say what the registry says, however often KV fails.
//!
//! It holds names, not operations. What a name should hold is read from the tables at the moment of writing, so
//! nothing older can overwrite anything newer; deletions go first, then single changes, then imports; one write is in
//! flight a name, and nobody waits long for it; and a name is clean only if nothing changed while it was written.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use wasm_bindgen::JsValue;

use super::Registry;
use super::storage::Result;
use crate::core::digest::Digest;
use crate::core::grant::{Grant, SealKey};
use crate::core::unix_time::UnixSeconds;
use crate::core::user_name::FoldedUserName;
use crate::platform::bindings::GrantNamespace;
use crate::platform::task::{promise, wait};
use crate::platform::timer::within;
use crate::platform::{log, now, now_ms};

/// How many names one alarm publishes: an invocation may do 1,000 operations on KV (Cloudflare, "KV limits").
const NAMES_A_FLUSH: u32 = 900;
/// How long anybody waits for a write. One that takes longer goes on by itself, and keeps its name until it is done:
/// to give it up could bring back what it says.
const PATIENCE_MS: f64 = 10_000.0;
/// How many names are written at a time: as many as an invocation has connections open at once (Cloudflare, "Workers
/// limits").
const LANES: usize = 6;
/// After so many failures in a row a flush ends: KV is down, and each failure costs an operation.
const FAILURES_MAX: u32 = 20;
const FIRST_RETRY_MS: u32 = 1_000;
const LAST_RETRY_MS: u32 = 30_000;

/// KV drops an entry by itself at the earliest so long after it was written (Cloudflare, "Expiring keys").
const KV_EXPIRY_MIN_SECONDS: u32 = 60;

/// The latest expiry that workerd takes, in 2038; an entry that ends later is kept for ever.
const KV_EXPIRY_MAX: UnixSeconds = UnixSeconds(i32::MAX as i64);

/// Until when KV has to keep an entry whose grant ends at `end`: the grant says itself when that is.
fn kept_until(end: UnixSeconds) -> Option<UnixSeconds> {
    (end <= KV_EXPIRY_MAX).then(|| end.max(now().plus(KV_EXPIRY_MIN_SECONDS + 5)))
}

/// When the alarm rings, as far as this instance knows; an instance that has just started does not.
#[derive(Default)]
pub struct Alarm {
    set: Cell<bool>,
    failed_in_a_row: Cell<u32>,
}

impl Alarm {
    pub fn rang(&self) {
        self.set.set(false);
    }

    /// Notes how an alarm went.
    pub fn went(&self, well: bool) {
        self.failed_in_a_row.set(if well { 0 } else { self.failed_in_a_row.get().saturating_add(1) });
    }

    fn delay_ms(&self) -> u32 {
        FIRST_RETRY_MS.saturating_mul(2u32.saturating_pow(self.failed_in_a_row.get())).min(LAST_RETRY_MS)
    }
}

/// The names that are being written to KV right now.
pub type InFlight = Rc<RefCell<Vec<Digest>>>;

impl Registry {
    /// Publishes a user's dirty names at once. The change is committed, so nothing here can undo it: what fails is
    /// logged and stays in the outbox, for the alarm.
    ///
    /// Call it straight after the transaction, with no await between: the alarm is then set in the same commit, and
    /// a crash before the writes loses nothing.
    pub(super) async fn publish(&self, name: &FoldedUserName) {
        if let Err(error) = self.try_publish(name).await {
            log::background_failure("registry", &error);
        }
    }

    async fn try_publish(&self, name: &FoldedUserName) -> Result<()> {
        let dirty = self.store.dirty_of(name)?;
        if dirty.is_empty() {
            return Ok(());
        }
        self.set_alarm().await?;
        self.write_all(&dirty).await.map(drop)
    }

    /// Publishes what the outbox holds, as much as one alarm may. Tells whether KV took all of it.
    pub(super) async fn flush(&self) -> Result<bool> {
        let dirty = self.store.dirty(NAMES_A_FLUSH)?;
        self.write_all(&dirty).await
    }

    /// Sets the alarm again as long as anything is left to do. What cannot be read counts as work.
    pub(super) async fn set_alarm_while_busy(&self) -> Result<()> {
        let is_clean = self.store.outbox_depth().is_ok_and(|depth| depth == 0);
        let is_reconciled = self.reconcile_progress().is_ok_and(|progress| progress.done >= progress.total);
        if is_clean && is_reconciled { Ok(()) } else { self.set_alarm().await }
    }

    async fn set_alarm(&self) -> Result<()> {
        // An alarm that is set already is left alone: changes in a row would put it off for ever.
        if self.alarm.set.replace(true) {
            return Ok(());
        }
        let set = match self.storage.set_alarm(now_ms() + f64::from(self.alarm.delay_ms())) {
            Ok(set) => wait(set).await,
            Err(error) => Err(error),
        };
        if set.is_err() {
            self.alarm.set.set(false);
        }
        set.map(drop)
    }

    /// Tells whether KV took every name.
    async fn write_all(&self, digests: &[Digest]) -> Result<bool> {
        if digests.is_empty() {
            return Ok(true);
        }
        let grants = GrantNamespace::new(&self.env)?;
        let gate = self.configured()?;
        let (failures, in_a_row) = (RefCell::new((0u32, None)), Cell::new(0u32));
        let names = RefCell::new(digests.iter());
        let next = || if in_a_row.get() < FAILURES_MAX { names.borrow_mut().next().copied() } else { None };
        let lane = async || {
            while let Some(digest) = next() {
                match self.write(&grants, &gate.configuration.seal_key, digest).await {
                    Ok(()) => in_a_row.set(0),
                    Err(error) => {
                        in_a_row.set(in_a_row.get().saturating_add(1));
                        let mut failures = failures.borrow_mut();
                        failures.0 = failures.0.saturating_add(1);
                        failures.1.get_or_insert(error);
                    }
                }
            }
        };
        let mut lanes: Vec<_> = (0..LANES).map(|_| Box::pin(lane())).collect();
        poll_fn(|context| {
            lanes.retain_mut(|lane| lane.as_mut().poll(context).is_pending());
            if lanes.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        drop(lanes);
        let (count, first) = failures.into_inner();
        if let Some(error) = first {
            log::background_failure("KV", &format!("{count} writes failed, the first: {}", log::text(&error)).into());
        }
        Ok(count == 0)
    }

    /// Writes one name as the tables have it now, unless it is being written: the alarm looks again afterwards.
    async fn write(&self, grants: &GrantNamespace, seal_key: &SealKey, digest: Digest) -> Result<()> {
        let Some(revision) = self.store.revision(digest)? else {
            return Ok(());
        };
        if self.in_flight.borrow().contains(&digest) {
            return Ok(());
        }
        self.in_flight.borrow_mut().push(digest);
        let released = Release(Rc::clone(&self.in_flight), digest);
        let grant = self.store.find_by_digest(digest)?.and_then(|stored| stored.user.grant(digest));
        let (grants, kv_name) = (grants.clone(), digest.kv_name());
        let entry = grant.map(Grant::published).map(|grant| (seal_key.seal(digest, &grant), grant.expires_at));
        let mut write = Box::pin(async move {
            match entry {
                Some((entry, end)) => grants.put(&kv_name, &entry, end.and_then(kept_until)).await,
                None => grants.delete(&kv_name).await,
            }
        });
        if let Some(written) = within(PATIENCE_MS, &mut write).await {
            written?;
            return self.store.clear(digest, revision);
        }
        // What it says in the end is written again anyway.
        drop(promise(async move {
            let _ = write.await;
            drop(released);
            Ok(JsValue::UNDEFINED)
        }));
        Err(JsValue::from_str("no answer yet"))
    }
}

/// Lets a name be written again when it goes.
struct Release(InFlight, Digest);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.borrow_mut().retain(|digest| *digest != self.1);
    }
}
