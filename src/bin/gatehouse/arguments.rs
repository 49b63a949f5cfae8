//! What the command takes: its words, flags and variables.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const AFTER_HELP: &str = "\
The gate and the credentials come from --url and --token, from GATEHOUSE_URL and GATEHOUSE_TOKEN, or, for a gate on this \
machine, from .dev.vars in the current directory.

Exit codes: 0 done, 1 refused or not all right, 2 wrong usage, 3 not authorised, 4 the gate cannot be reached or cannot \
decide.";

/// Makes keys and looks after users of a Gatehouse.
#[derive(Debug, Parser)]
#[command(name = "gatehouse", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(flatten)]
    pub connection: Connection,
    /// Print JSON, for scripts
    #[arg(long, global = true, help_heading = "Gate")]
    pub json: bool,
    #[command(subcommand)]
    pub word: Word,
}

/// Which gate, and who asks.
#[derive(Debug, Args)]
pub struct Connection {
    /// The gate's address [default: http://127.0.0.1:8787]
    #[arg(long, global = true, env = "GATEHOUSE_URL", value_name = "URL", help_heading = "Gate")]
    pub url: Option<String>,
    /// api_key:api_secret, or - to read it from standard input; other users of this machine can see arguments
    #[arg(
        long,
        global = true,
        env = "GATEHOUSE_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        help_heading = "Gate"
    )]
    pub token: Option<String>,
    /// Send credentials over http to another machine
    #[arg(long, global = true, help_heading = "Gate")]
    pub allow_http: bool,
}

#[derive(Debug, Subcommand)]
pub enum Word {
    /// Call a method as `bench execute` does, and print its result as JSON
    Execute {
        /// frappe.core.doctype.user.user.generate_keys (or …user.user), frappe.auth.get_logged_user
        method: String,
        /// A Python list or tuple, or a bare word: "['alice@example.com']"
        #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
        args: Option<String>,
        /// A Python dictionary: "{'user': 'alice@example.com'}"
        #[arg(long, value_name = "DICT", conflicts_with = "args")]
        kwargs: Option<String>,
    },
    /// List, show, change users; make and take their keys
    Users {
        #[command(subcommand)]
        word: UsersWord,
    },
    /// Bring in users with the keys they have: from a file, or from a Frappe site
    Import(Import),
    /// Write all users, without secrets, for a gate with the same pepper
    Export {
        /// Where to; standard output if left out
        file: Option<PathBuf>,
    },
    /// Read the audit log, newest first
    Audit {
        /// Only entries about this user
        #[arg(long)]
        user: Option<String>,
        /// How many entries at the most [default: 50, and all with --json]
        #[arg(long)]
        limit: Option<usize>,
    },
    /// Make KV equal to the registry, and wait for it
    Reconcile {
        /// Only tell how far the last one is
        #[arg(long)]
        status: bool,
    },
    /// Keys that sign assertions
    SigningKey {
        #[command(subcommand)]
        word: SigningKeyWord,
    },
    /// Check address, secrets, KV, registry, clock and origin, and say what to do
    Doctor,
    /// Print completions for a shell
    Completions { shell: Shell },
}

#[derive(Debug, Subcommand)]
pub enum UsersWord {
    /// List users by name
    List {
        /// The start of a name or api_key
        #[arg(value_name = "START")]
        search: Option<String>,
        /// Only users of this status
        #[arg(long, value_parser = ["active", "disabled", "expired", "revoked", "keyless"])]
        status: Option<String>,
        /// How many users at the most [default: 50, and all with --json]
        #[arg(long)]
        limit: Option<usize>,
    },
    /// Show one user
    Show { user: String },
    /// Create a user, or change settings; those left out stay as they are
    Set {
        user: String,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Make an api_secret, and the first time an api_key; the secret is shown this once
    Generate {
        user: String,
        /// How long the secret so far goes on working, in seconds, or with m, h, d: 30m, 24h, 7d
        #[arg(long, default_value = "0", value_parser = seconds)]
        grace: u32,
    },
    /// Make all secrets of a user unusable for good; the api_key stays reserved
    Revoke {
        user: String,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
    /// Revoke, clear all settings, and hide the user
    Delete {
        user: String,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// A user's settings; each list is given whole.
#[derive(Debug, Args)]
#[group(required = false, multiple = true)]
pub struct Settings {
    /// A role; repeat it for several
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// Take all roles away
    #[arg(long, conflicts_with = "roles")]
    pub no_roles: bool,
    /// Let the credentials work again
    #[arg(long, conflicts_with = "disable")]
    pub enable: bool,
    /// Stop the credentials from working, until enabled
    #[arg(long)]
    pub disable: bool,
    /// Until when: 2030-01-31T00:00:00Z, or never
    #[arg(long, value_name = "TIME")]
    pub not_after: Option<String>,
    /// An address or range that requests may come from; repeat it for several
    #[arg(long = "allow-ip", value_name = "RANGE")]
    pub allowed_ips: Vec<String>,
    /// Let requests come from anywhere
    #[arg(long, conflicts_with = "allowed_ips")]
    pub any_ip: bool,
    /// What requests may ask for, "GET /reports/*"; repeat it for several
    #[arg(long = "rule", value_name = "RULE")]
    pub rules: Vec<String>,
    /// Let requests ask for anything
    #[arg(long, conflicts_with = "rules")]
    pub no_rules: bool,
    /// Have the registry asked about each request
    #[arg(long, conflicts_with = "no_strict")]
    pub strict: bool,
    /// Don't have the registry asked
    #[arg(long)]
    pub no_strict: bool,
}

#[derive(Debug, Args)]
pub struct Import {
    /// CSV or JSON (an export too), or - for JSON on standard input
    #[arg(required_unless_present = "from_frappe")]
    pub file: Option<PathBuf>,
    /// Read users and secrets from a Frappe site, with a System Manager's FRAPPE_TOKEN (api_key:api_secret)
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    pub from_frappe: Option<String>,
    /// From a Frappe site: go on behind this user, where an earlier import stopped
    #[arg(long, value_name = "USER", requires = "from_frappe")]
    pub after: Option<String>,
    /// Only tell what would become of each row
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub enum SigningKeyWord {
    /// Print a new private key as a JWK, for ASSERTION_JWK
    New {
        #[arg(long, value_enum, default_value = "es256")]
        algorithm: Algorithm,
    },
}

/// How assertions are signed (RFC 7518, RFC 8037).
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Algorithm {
    /// ECDSA on P-256
    Es256,
    /// Ed25519
    Eddsa,
    /// HMAC with SHA-256: the origin holds the same key
    Hs256,
}

fn seconds(text: &str) -> Result<u32, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let number: u32 = digits.parse().map_err(|_| "a number of seconds, or one like 30m, 24h, 7d".to_owned())?;
    number.checked_mul(unit).ok_or_else(|| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_duration_is_seconds_or_has_a_unit() {
        for (text, expected) in [
            ("0", Some(0)),
            ("90", Some(90)),
            ("90s", Some(90)),
            ("30m", Some(1_800)),
            ("24h", Some(86_400)),
            ("7d", Some(604_800)),
        ] {
            assert_eq!(seconds(text).ok(), expected, "{text}");
        }
        for text in ["", "h", "1w", "-1", "1.5h", "99999999d", "é"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
