//! Many clients at once that generate, rotate, revoke and use the keys of a few users. The audit log says in which order the
//! registry took the changes; what everybody was answered, and what KV holds in the end, has to follow from that order.

mod history;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use ureq::Agent;
use ureq::http::Request;

use self::history::{Action, Change, Checked, Entry, History, Span, Use};
use crate::harness::{ADMINISTRATOR, Gate, Keys, Options, Reply, agent, wait_for};

/// How many clients do what they do for how many users, and for how long.
pub struct Work {
    pub clients: usize,
    pub users: usize,
    pub duration: Duration,
}

/// None, one that ends meanwhile, and one that doesn't.
const GRACES_SECONDS: [u32; 3] = [0, 2, 3_600];
/// How far back a client looks for a secret to use: mostly at the newest, the more seldom the older.
const RECENT: [usize; 4] = [1, 1, 3, usize::MAX];

#[test]
fn clients_that_change_and_use_keys_at_once_see_one_order_of_changes() {
    let checked = run(&Work { clients: 40, users: 8, duration: Duration::from_secs(8) });
    assert!(checked.admitted > 100 && checked.refused > 100, "too little to tell anything: {checked:?}");
}

/// Lets them do it, and holds everything that they were told, the registry, KV and the audit log against each other.
pub fn run(work: &Work) -> Checked {
    let gate = Gate::start(Options::with(&[("CACHE_SECONDS", "0")]));
    for user in 0..work.users {
        gate.set(&name(user), &json!({ "roles": [role(user)] }));
    }
    let meeting = Meeting {
        url: format!("http://{}", gate.direct),
        start: Instant::now(),
        began_at: SystemTime::now(),
        minted: (0..work.users).map(|_| Mutex::default()).collect(),
        changes: AtomicU32::new(0),
    };
    let clients: Vec<_> = std::thread::scope(|scope| {
        let meeting = &meeting;
        let clients: Vec<_> =
            (0..work.clients).map(|number| scope.spawn(move || meeting.client(number, work))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let (changes, uses): (Vec<_>, Vec<_>) = clients.into_iter().unzip();
    let (changes, uses): (Vec<_>, Vec<_>) =
        (changes.into_iter().flatten().collect(), uses.into_iter().flatten().collect());
    wait_for("the outbox to empty", || gate.outbox() == 0);
    let history = History::new(meeting.began_at, changes, audited(&gate));
    let checked = history.check_uses(&uses);
    for user in 0..work.users {
        history.check_user(&gate, &name(user));
    }
    history.check_kv(&gate, |user| role(user.strip_prefix("user-").unwrap().parse().unwrap()));
    checked
}

fn name(user: usize) -> String {
    format!("user-{user}")
}

/// Grants of one user are not those of another.
fn role(user: usize) -> String {
    format!("Role {user}")
}

/// Where the clients meet.
struct Meeting {
    url: String,
    start: Instant,
    began_at: SystemTime,
    /// The secrets of each user, in the order in which somebody was told of them.
    minted: Vec<Mutex<Vec<Keys>>>,
    changes: AtomicU32,
}

impl Meeting {
    /// What one client did until the time is over.
    fn client(&self, number: usize, work: &Work) -> (Vec<Change>, Vec<Use>) {
        let (agent, mut dice) = (agent(), Dice(number as u64));
        let (mut changes, mut uses) = (Vec::new(), Vec::new());
        while self.start.elapsed() < work.duration {
            let user = dice.below(work.users);
            match dice.below(100) {
                0..5 => changes.push(self.generate(&agent, user, GRACES_SECONDS[dice.below(GRACES_SECONDS.len())])),
                5 => changes.push(self.revoke(&agent, user)),
                _ => uses.extend(self.use_one(&agent, user, &mut dice)),
            }
        }
        (changes, uses)
    }

    fn generate(&self, agent: &Agent, user: usize, grace_seconds: u32) -> Change {
        let (address, path) = (self.address(), format!("/_gatehouse/users/{}/generate", name(user)));
        let body = json!({ "grace_seconds": grace_seconds }).to_string();
        let (span, reply) = self.ask(agent, "POST", &path, ADMINISTRATOR, &address, &body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let keys = Keys::of(&reply.json());
        self.minted[user].lock().unwrap().push(keys.clone());
        let published = reply.json()["published"] == true;
        Change { user: name(user), action: Action::Generate { keys, grace_seconds }, address, span, published }
    }

    fn revoke(&self, agent: &Agent, user: usize) -> Change {
        let (address, path) = (self.address(), format!("/_gatehouse/users/{}/revoke", name(user)));
        let (span, reply) = self.ask(agent, "POST", &path, ADMINISTRATOR, &address, "");
        assert_eq!(reply.status, 200, "{}", reply.text());
        let published = reply.json()["published"] == true;
        Change { user: name(user), action: Action::Revoke, address, span, published }
    }

    /// Uses one of a user's secrets that somebody was told of, at the gate itself or at the origin.
    fn use_one(&self, agent: &Agent, user: usize, dice: &mut Dice) -> Option<Use> {
        let keys = {
            let minted = self.minted[user].lock().unwrap();
            let among = RECENT[dice.below(RECENT.len())].min(minted.len());
            let newest = minted.len().checked_sub(1)?;
            minted[newest - dice.below(among)].clone()
        };
        let is_proxied = dice.below(2) == 0;
        let path = if is_proxied { "/concurrent" } else { "/api/method/frappe.auth.get_logged_user" };
        let (span, reply) = self.ask(agent, "GET", path, &keys.token(), "192.0.2.1", "");
        if reply.status == 200 {
            let told = if is_proxied {
                reply.received("x-forwarded-user")[0].clone()
            } else {
                reply.json()["message"].as_str().unwrap().to_owned()
            };
            assert_eq!(told, name(user));
        } else {
            assert_eq!(reply.status, 401, "{}", reply.text());
        }
        Some(Use { keys, span, is_admitted: reply.status == 200 })
    }

    /// The address that a change comes from is its own: by it the audit log's entry is found.
    fn address(&self) -> String {
        let [_, first, second, third] = self.changes.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        format!("10.{first}.{second}.{third}")
    }

    fn ask(
        &self,
        agent: &Agent,
        method: &str,
        path: &str,
        authorization: &str,
        address: &str,
        body: &str,
    ) -> (Span, Reply) {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header("Authorization", authorization).header("CF-Connecting-IP", address);
        let sent = self.start.elapsed();
        let response =
            if body.is_empty() { agent.run(request.body(()).unwrap()) } else { agent.run(request.body(body).unwrap()) };
        let reply = Reply::read(response.unwrap());
        (Span { sent, answered: self.start.elapsed() }, reply)
    }
}

/// The audit log's changes of keys, oldest first.
fn audited(gate: &Gate) -> Vec<Entry> {
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = gate.get(&format!("/_gatehouse/audit?limit=200{cursor}"), ADMINISTRATOR).json();
        let changes = page["entries"].as_array().unwrap().iter().filter(|entry| entry["action"] != "change");
        entries.extend(changes.map(Entry::of));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    entries.reverse();
    entries
}

/// The same throws in each run: Sebastiano Vigna's SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}
