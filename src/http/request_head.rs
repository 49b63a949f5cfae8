//! What the gate reads of a request before it decides: everything but the body.

use memchr::{Memchr, memchr, memchr_iter, memchr2};

use crate::core::path::NormalPath;

/// The longest request id taken from a client, in characters.
const REQUEST_ID_MAX_CHARACTERS: usize = 128;

/// A request without its body.
#[derive(Debug, Clone)]
pub struct RequestHead {
    /// As sent: methods are case-sensitive (RFC 9110 §9.1).
    pub method: String,
    /// Where it went.
    pub url: RequestUrl,
    /// The names of all header fields, in lower case.
    pub header_names: HeaderNames,
    /// `Authorization`, several fields joined by a comma and a space.
    pub authorization: Option<String>,
    /// `Connection`.
    pub connection: Option<String>,
    /// `Cookie`.
    pub cookie: Option<String>,
    /// `Origin`.
    pub origin: Option<String>,
    /// `Access-Control-Request-Headers`, of a preflight.
    pub requested_headers: Option<String>,
    /// `Sec-Fetch-Site`.
    pub sec_fetch_site: Option<String>,
    /// `Sec-Fetch-Mode`.
    pub sec_fetch_mode: Option<String>,
    /// The client's address, as Cloudflare tells it.
    pub client_address: Option<String>,
    /// The id of this request, kept from the client or made.
    pub request_id: String,
}

impl RequestHead {
    /// Reads the platform's text of a head: the method, the URL, then the name in lower case and the value of each header
    /// field, a line each. Fields of one name come as one, joined by a comma and a space.
    #[must_use]
    pub fn parse(text: &str, random: [u8; 16]) -> Option<Self> {
        let mut lines = Lines::new(text);
        let (method, url) = (lines.next()?, lines.next()?);
        let mut head = Self::bare(method, RequestUrl::parse(url)?);
        let mut given_id = None;
        while let Some(name) = lines.next() {
            let value = lines.next()?;
            head.header_names.push(name);
            let field = match name {
                "authorization" => &mut head.authorization,
                "connection" => &mut head.connection,
                "cookie" => &mut head.cookie,
                "origin" => &mut head.origin,
                "access-control-request-headers" => &mut head.requested_headers,
                "sec-fetch-site" => &mut head.sec_fetch_site,
                "sec-fetch-mode" => &mut head.sec_fetch_mode,
                "cf-connecting-ip" => &mut head.client_address,
                "x-request-id" => &mut given_id,
                _ => continue,
            };
            *field = Some(value.to_owned());
        }
        head.request_id = request_id(given_id, random);
        Some(head)
    }

    /// A request without header fields and id.
    fn bare(method: &str, url: RequestUrl) -> Self {
        Self {
            method: method.to_owned(),
            url,
            header_names: HeaderNames::default(),
            authorization: None,
            connection: None,
            cookie: None,
            origin: None,
            requested_headers: None,
            sec_fetch_site: None,
            sec_fetch_mode: None,
            client_address: None,
            request_id: String::new(),
        }
    }

    /// Whether the header field is there; `name` in lower case.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.header_names.iter().any(|known| known == name)
    }

    /// A CORS preflight, which carries no credentials by design (Fetch standard, §3.2.2).
    #[must_use]
    pub fn is_preflight(&self) -> bool {
        self.method == "OPTIONS" && self.origin.is_some() && self.has("access-control-request-method")
    }

    /// Whether the method is defined as safe (RFC 9110 §9.2.1).
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}

/// Names of header fields, in one allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderNames {
    /// One behind the other.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Default for HeaderNames {
    /// None yet, and room for what most requests have.
    fn default() -> Self {
        Self { text: String::with_capacity(256), ends: Vec::with_capacity(16) }
    }
}

impl HeaderNames {
    /// Adds a name.
    pub fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    /// Each name, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().filter_map(move |&end| self.text.get(std::mem::replace(&mut start, end)..end))
    }
}

impl<'a> FromIterator<&'a str> for HeaderNames {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut all = Self::default();
        names.into_iter().for_each(|name| all.push(name));
        all
    }
}

/// As `split('\n')`, in a third of its time.
struct Lines<'a> {
    text: &'a str,
    /// Where the next line starts, if there is one.
    start: Option<usize>,
    ends: Memchr<'a>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, start: Some(0), ends: memchr_iter(b'\n', text.as_bytes()) }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.start?;
        let end = self.ends.next();
        self.start = end.map(|end| end.saturating_add(1));
        self.text.get(start..end.unwrap_or(self.text.len()))
    }
}

/// The parts of an absolute request URL.
#[derive(Debug, Clone)]
pub struct RequestUrl {
    /// `http` or `https`.
    pub scheme: String,
    /// Host and port.
    pub authority: String,
    /// The path as it was sent.
    pub raw_path: String,
    /// The query with its question mark, or nothing.
    pub query: String,
    /// The path, normalised.
    pub path: NormalPath,
}

impl RequestUrl {
    /// Parts a URL that the platform has parsed already. No URL of a request has another form.
    #[must_use]
    pub fn parse(full: &str) -> Option<Self> {
        let (without_fragment, _) = cut(full, memchr(b'#', full.as_bytes()))?;
        let (scheme, behind) = cut(without_fragment, memchr(b':', without_fragment.as_bytes()))?;
        let behind = behind.strip_prefix("://")?;
        let (authority, target) = cut(behind, memchr2(b'/', b'?', behind.as_bytes()))?;
        let (path, query) = cut(target, memchr(b'?', target.as_bytes()))?;
        let path = if path.is_empty() { "/" } else { path };
        Some(Self {
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            raw_path: path.to_owned(),
            query: query.to_owned(),
            path: NormalPath::new(path),
        })
    }

    /// Scheme and authority: the gate's own address in the eyes of this client.
    #[must_use]
    pub fn web_origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }
}

/// What stands before a place, or before the end, and the rest.
fn cut(text: &str, place: Option<usize>) -> Option<(&str, &str)> {
    text.split_at_checked(place.unwrap_or(text.len()))
}

/// The request id: the client's, if it is 1 to 128 letters, digits, `.`, `_` or `-`, else the random bytes in hex.
fn request_id(given: Option<String>, random: [u8; 16]) -> String {
    given
        .filter(|id| {
            (1..=REQUEST_ID_MAX_CHARACTERS).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        })
        .unwrap_or_else(|| {
            let mut id = [0; 32];
            // 32 digits are what 16 bytes have.
            let _ = hex::encode_to_slice(random, &mut id);
            str::from_utf8(&id).unwrap_or_default().to_owned()
        })
}

/// A bare request, for the tests of this layer.
#[cfg(test)]
pub(super) fn head(method: &str, url: &str) -> RequestHead {
    let mut head = RequestHead::parse(&format!("{method}\n{url}"), [0; 16]).unwrap();
    head.request_id = "the-request-id".to_owned();
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_head_with_empty_values_and_nothing_but_pairs() {
        let head = |text| RequestHead::parse(text, [0x0a; 16]);
        let read = head("POST\nhttps://gate.test/a\naccept\n\nauthorization\ntoken a:b\ncookie\n").unwrap();
        assert!(read.header_names.iter().eq(["accept", "authorization", "cookie"]));
        assert_eq!((read.authorization.as_deref(), read.cookie.as_deref()), (Some("token a:b"), Some("")));
        assert_eq!((read.method.as_str(), read.origin, read.request_id), ("POST", None, "0a".repeat(16)));
        for text in ["", "GET", "GET\nnowhere", "GET\nhttps://gate.test/\nx-request-id"] {
            assert!(head(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn parts_a_url() {
        for (full, web_origin, path, query) in [
            ("https://gate.test/a?b=c", "https://gate.test", "/a", "?b=c"),
            ("http://gate.test:8787//evil.test/x?", "http://gate.test:8787", "//evil.test/x", "?"),
            ("http://gate.test?a/b", "http://gate.test", "/", "?a/b"),
            ("http://gate.test", "http://gate.test", "/", ""),
        ] {
            let url = RequestUrl::parse(full).unwrap();
            assert_eq!(
                (url.web_origin().as_str(), url.raw_path.as_str(), url.query.as_str()),
                (web_origin, path, query)
            );
        }
    }

    #[test]
    fn keeps_a_well_formed_request_id_and_replaces_others() {
        let made = "0a".repeat(16);
        let longest = "i".repeat(128);
        for (given, id) in [
            (Some("abc-DEF_1.2"), "abc-DEF_1.2"),
            (Some(longest.as_str()), longest.as_str()),
            (Some(&*"i".repeat(129)), made.as_str()),
            (Some(""), &made),
            (Some("a b"), &made),
            (Some("a, b"), &made),
            (Some("a\"b"), &made),
            (None, &made),
        ] {
            assert_eq!(request_id(given.map(str::to_owned), [0x0a; 16]), id);
        }
    }
}
