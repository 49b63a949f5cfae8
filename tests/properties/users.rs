//! Random lives of one user, by the registry's pure rules: what KV should hold follows from the names that each change marks,
//! and nothing brings a dead secret back. The registry itself is held against a model in tests/gate/registry_model.rs.

use std::collections::BTreeMap;

use gatehouse::core::credentials::ApiKey;
use gatehouse::core::digest::Digest;
use gatehouse::core::grant::Grant;
use gatehouse::core::registry::{GRACE_MAX_SECONDS, Randomness, Settings, Status, User};
use gatehouse::core::role::parse_roles;
use gatehouse::core::unix_time::UnixSeconds;
use gatehouse::core::user_name::UserName;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use crate::{config, fold, keys};

#[derive(Debug, Clone)]
enum Change {
    Generate { grace_seconds: u32 },
    Revoke,
    Delete,
    Enabled(bool),
    Strict(bool),
    Role(String),
    NotAfter(Option<u32>),
}

fn change() -> impl Strategy<Value = Change> {
    let grace = prop_oneof![Just(0), 1..100u32, any::<u32>()];
    prop_oneof![
        4 => grace.prop_map(|grace_seconds| Change::Generate { grace_seconds }),
        1 => Just(Change::Revoke),
        1 => Just(Change::Delete),
        2 => any::<bool>().prop_map(Change::Enabled),
        1 => any::<bool>().prop_map(Change::Strict),
        1 => "[a-c]".prop_map(Change::Role),
        2 => proptest::option::of(0..200u32).prop_map(Change::NotAfter),
    ]
}

proptest! {
    #![proptest_config(config(2))]

    #[test]
    fn kv_follows_by_the_marked_names_and_the_api_key_stays(changes in vec((change(), 0..60u32), 0..40)) {
        let (digest_key, _) = keys();
        let mut now = UnixSeconds(1_800_000_000);
        let mut user = User::new(UserName::parse("alice", fold).unwrap(), now);
        let mut first_api_key: Option<ApiKey> = None;
        let mut kv: BTreeMap<Digest, Grant> = BTreeMap::new();
        // Digest → the latest time at which the secret may still work, once it is not the newest.
        let mut minted: Vec<(Digest, Option<UnixSeconds>)> = Vec::new();

        for (number, (change, seconds)) in changes.into_iter().enumerate() {
            now = now.plus(seconds);
            let before = user.clone();
            let end_all = |minted: &mut Vec<(Digest, Option<UnixSeconds>)>| {
                for (_, end) in minted {
                    *end = Some(now.min(end.unwrap_or(now)));
                }
            };
            let set = |settings: Settings| before.clone().change(settings);
            user = match change {
                Change::Generate { grace_seconds } => {
                    let step = u8::try_from(number).unwrap();
                    let (user, credentials) =
                        before.clone().generate(now, grace_seconds, &digest_key, Randomness { api_key: [step; 10], api_secret: [step; 20] });
                    for (_, end) in &mut minted {
                        let grace_end = now.plus(grace_seconds.min(GRACE_MAX_SECONDS));
                        *end = Some(if end.is_none() { grace_end } else { now.min(end.unwrap()) });
                    }
                    minted.push((digest_key.digest(&credentials), None));
                    user
                }
                Change::Revoke => {
                    end_all(&mut minted);
                    before.clone().revoke()
                }
                Change::Delete => {
                    end_all(&mut minted);
                    before.clone().delete()
                }
                Change::Enabled(enabled) => set(Settings { enabled: Some(enabled), ..Settings::default() }),
                Change::Strict(strict) => set(Settings { strict: Some(strict), ..Settings::default() }),
                Change::Role(role) => set(Settings { roles: Some(parse_roles(vec![role]).unwrap()), ..Settings::default() }),
                Change::NotAfter(end) => set(Settings { not_after: Some(end.map(|end| now.plus(end))), ..Settings::default() }),
            };

            for name in user.dirty_names(Some(&before)) {
                prop_assert_eq!(name.deletion, user.grant(name.digest).is_none());
                match user.grant(name.digest) {
                    Some(grant) => drop(kv.insert(name.digest, grant)),
                    None => drop(kv.remove(&name.digest)),
                }
            }
            let should: BTreeMap<_, _> =
                minted.iter().filter_map(|(digest, _)| user.grant(*digest).map(|grant| (*digest, grant))).collect();
            prop_assert_eq!(&kv, &should);

            first_api_key = first_api_key.or_else(|| user.api_key.clone());
            prop_assert_eq!(&user.api_key, &first_api_key);
            prop_assert!(user.secrets.len() <= 2);
            for (digest, last) in &minted {
                let works = user.grant(*digest).is_some_and(|grant| grant.expires_at.is_none_or(|end| end > now));
                let may_work = last.is_none_or(|last| last > now) && user.not_after.is_none_or(|end| end > now);
                prop_assert_eq!(works, may_work && user.enabled && !user.deleted, "{:?}", user);
            }
            if user.status(now) == Status::Active {
                prop_assert!(user.live_secrets(now) >= 1);
            }
        }
    }
}
