//! The outbox: makes KV say what the registry says, however often KV fails.
//!
//! It holds names, not operations. What a name should hold is read from the tables at the moment of writing, so
//! nothing older can overwrite anything newer; deletions go first; one write is in flight a name; and a name is
//! clean only if nothing changed while it was written.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::future::{join, join3};
use worker::Result;

use super::Registry;
use crate::core::digest::Digest;
use crate::core::grant::{Grant, SealKey};
use crate::core::unix_time::UnixSeconds;
use crate::core::user_name::FoldedUserName;
use crate::platform::bindings::GrantNamespace;
use crate::platform::{log, now};

/// How many names one alarm publishes: an invocation may do 1,000 operations on KV (Cloudflare, "KV limits").
const NAMES_A_FLUSH: u32 = 900;
/// How often a name is written in one go. KV takes one write a second for each name, so more is for the alarm.
const WRITES_AT_ONCE: u32 = 2;
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

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

    fn delay(&self) -> Duration {
        FIRST_RETRY.saturating_mul(2u32.saturating_pow(self.failed_in_a_row.get())).min(LAST_RETRY)
    }
}

impl Registry {
    /// Publishes a user's dirty names at once. The change is committed, so nothing here can undo it: what fails is
    /// logged and stays in the outbox, for the alarm.
    ///
    /// Call it straight after the transaction, with no await between: the alarm is then set in the same commit, and
    /// a crash before the writes loses nothing.
    pub(super) async fn publish(&self, name: &FoldedUserName) {
        if let Err(error) = self.try_publish(name).await {
            log::background_failure("registry", &error.into());
        }
    }

    async fn try_publish(&self, name: &FoldedUserName) -> Result<()> {
        let dirty = self.store.dirty_of(name)?;
        if dirty.is_empty() {
            return Ok(());
        }
        self.set_alarm().await?;
        self.write_all(&dirty).await
    }

    /// Publishes what the outbox holds, as much as one alarm may.
    pub(super) async fn flush(&self) -> Result<()> {
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
        let set = self.state.storage().set_alarm(self.alarm.delay()).await;
        if set.is_err() {
            self.alarm.set.set(false);
        }
        set
    }

    async fn write_all(&self, digests: &[Digest]) -> Result<()> {
        if digests.is_empty() {
            return Ok(());
        }
        let grants = GrantNamespace::new(&self.env)?;
        let gate = self.configured()?;
        let failed = Cell::new(false);
        let names = RefCell::new(digests.iter());
        let next = || names.borrow_mut().next().copied();
        let lane = async || {
            while let Some(digest) = next() {
                if let Err(error) = self.write_alone(&grants, &gate.configuration.seal_key, digest).await {
                    log::background_failure("KV", &error.into());
                    failed.set(true);
                }
            }
        };
        // Six names at a time, as many as an invocation has connections open at once (Cloudflare, "Workers limits").
        join(join3(lane(), lane(), lane()), join3(lane(), lane(), lane())).await;
        let failures = if failed.get() { self.alarm.failed_in_a_row.get().saturating_add(1) } else { 0 };
        self.alarm.failed_in_a_row.set(failures);
        Ok(())
    }

    /// Writes one name, unless it is being written right now: whoever does that looks again afterwards.
    async fn write_alone(&self, grants: &GrantNamespace, seal_key: &SealKey, digest: Digest) -> Result<()> {
        if !self.in_flight.borrow_mut().insert(digest) {
            return Ok(());
        }
        let written = self.write_until_clean(grants, seal_key, digest).await;
        self.in_flight.borrow_mut().remove(&digest);
        written
    }

    /// Writes one name as the tables have it now, and once more if they changed meanwhile.
    async fn write_until_clean(&self, grants: &GrantNamespace, seal_key: &SealKey, digest: Digest) -> Result<()> {
        for _ in 0..WRITES_AT_ONCE {
            let Some(revision) = self.store.revision(digest)? else {
                return Ok(());
            };
            let grant = self.store.find_by_digest(digest)?.and_then(|stored| stored.user.grant(digest));
            let kv_name = digest.kv_name();
            match grant.map(Grant::published) {
                Some(grant) => {
                    let entry = seal_key.seal(digest, &grant);
                    grants.put(&kv_name, &entry, grant.expires_at.and_then(kept_until)).await?;
                }
                None => grants.delete(&kv_name).await?,
            }
            self.store.clear(digest, revision)?;
        }
        Ok(())
    }
}
