//! Which gate to ask, and with which credentials. A secret never goes to a place that it was not meant for.

use std::io::IsTerminal;

use http::Uri;

use crate::arguments::Connection;
use crate::failure::Failure;
use crate::output::note;

/// Where `npm start` runs a gate.
const LOCAL_URL: &str = "http://127.0.0.1:8787";
const LOCAL_SECRETS: &str = ".dev.vars";

/// A gate and the credentials for it.
pub struct Target {
    /// Without a slash at the end.
    pub url: String,
    /// The value of the `Authorization` field.
    pub authorization: String,
}

impl Target {
    /// From flags, the environment, or `.dev.vars`.
    pub fn find(connection: &Connection) -> Result<Self, Failure> {
        let url = url(connection)?;
        let token = match connection.token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => given(token)?,
            None if is_loopback(&url) => local_secret()?,
            None => return Err(Failure::Usage(format!("set GATEHOUSE_TOKEN to api_key:api_secret for {url}"))),
        };
        let token = token.trim();
        let token = token.strip_prefix("token ").unwrap_or(token);
        let is_visible = token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.split(':').filter(|part| !part.is_empty()).count() != 2 || !is_visible {
            return Err(Failure::Usage("the token has to be api_key:api_secret".to_owned()));
        }
        Ok(Self { url, authorization: format!("token {token}") })
    }
}

/// The gate's address, checked: credentials go over https, or stay on this machine.
pub fn url(connection: &Connection) -> Result<String, Failure> {
    let given = connection.url.as_deref().filter(|url| !url.is_empty());
    let text = given.unwrap_or(LOCAL_URL).trim_end_matches('/');
    check_url(text, connection.allow_http)?;
    Ok(text.to_owned())
}

/// Refuses what is no address of a server, and http to another machine.
pub fn check_url(text: &str, allow_http: bool) -> Result<(), Failure> {
    if text.contains('@') {
        return Err(Failure::Usage("an address holds no user name and no password".to_owned()));
    }
    let uri: Uri = text.parse().map_err(|_| no_url(text))?;
    let is_plain_base = !text.contains(['?', '#']) && uri.authority().is_some();
    match uri.scheme_str() {
        Some("https") if is_plain_base => Ok(()),
        Some("http") if is_plain_base && (allow_http || is_loopback(text)) => Ok(()),
        Some("http") if is_plain_base => Err(Failure::Usage(format!(
            "{text} would send the credentials unencrypted: use https, or --allow-http if the network is trusted"
        ))),
        _ => Err(no_url(text)),
    }
}

fn no_url(text: &str) -> Failure {
    Failure::Usage(format!("{text} is no address like https://gatehouse.example.com"))
}

fn is_loopback(url: &str) -> bool {
    let uri: Uri = match url.parse() {
        Ok(uri) => uri,
        Err(_) => return false,
    };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn given(token: &str) -> Result<String, Failure> {
    if token == "-" {
        // Nobody's shoulder is looked over; a pipe has the token on its first line.
        if std::io::stdin().is_terminal() {
            return Ok(rpassword::prompt_password("api_key:api_secret: ")?);
        }
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        return Ok(line);
    }
    if std::env::var("GATEHOUSE_TOKEN").is_ok_and(|value| value == token) {
        return Ok(token.to_owned());
    }
    note(
        "warning: a secret in an argument, which other users of this machine can see; GATEHOUSE_TOKEN or --token - keeps it",
    );
    Ok(token.to_owned())
}

/// The built-in administrator of a gate on this machine. Written by `npm start`, and perhaps by hand: the last one counts,
/// in quotes or without, and nothing in it is replaced.
fn local_secret() -> Result<String, Failure> {
    let missing =
        || Failure::Usage(format!("set GATEHOUSE_TOKEN to api_key:api_secret, or go where {LOCAL_SECRETS} is"));
    let text = std::fs::read_to_string(LOCAL_SECRETS).map_err(|_| missing())?;
    let value = |line: &str| {
        let (name, value) = line.split_once('=')?;
        (name.trim().trim_start_matches("export ") == "ADMINISTRATOR_SECRET").then(|| unquoted(value.trim()).to_owned())
    };
    let secret = text.lines().rev().find_map(value).filter(|secret| !secret.is_empty());
    secret.map(|secret| format!("Administrator:{secret}")).ok_or_else(missing)
}

fn unquoted(value: &str) -> &str {
    let inner = ['"', '\'', '`'].iter().find_map(|mark| value.strip_prefix(*mark)?.strip_suffix(*mark));
    inner.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_over_https_or_stay_on_this_machine() {
        for (url, allow_http, is_right) in [
            ("https://gate.test", false, true),
            ("https://gate.test/base", false, true),
            ("http://127.0.0.1:8787", false, true),
            ("http://localhost:8787", false, true),
            ("http://[::1]:8787", false, true),
            ("http://gate.test", false, false),
            ("http://gate.test", true, true),
            ("http://127.0.0.1.evil.test", false, false),
            ("https://user:password@gate.test", false, false),
            ("gate.test", false, false),
            ("ftp://gate.test", true, false),
            ("https://gate.test?x=y", false, false),
            ("https://gate.test#x", false, false),
            ("", false, false),
        ] {
            assert_eq!(check_url(url, allow_http).is_ok(), is_right, "{url}");
        }
    }
}
