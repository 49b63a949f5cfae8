//! Requests that are meant to confuse, byte for byte on workerd's own socket, and what a strict origin made of what came.
//!
//! Paths have a table of their own (paths.rs), and so have spellings of reserved names (proxy/headers.rs).

mod framing;
mod heads;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::json;

use crate::harness::{Gate, Options, RawReply, RecordingOrigin, Seen};

/// What a client got, in this order, and how its connection went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    /// These statuses; the connection is good for another request.
    Open(&'static [u16]),
    /// These statuses, and then the end.
    Closed(&'static [u16]),
}

/// What the origin got: the first line and the body of each request, with the sender's identity on each.
type Origin = &'static [(&'static str, &'static str)];

/// One way to confuse: what it is, its bytes, and what comes of it. `{auth}` stands for the field of credentials, if there
/// are any, with its line's end.
struct Row {
    what: &'static str,
    bytes: String,
    client: Client,
    origin: Origin,
}

fn row(what: &'static str, bytes: impl Into<String>, client: Client, origin: Origin) -> Row {
    Row { what, bytes: bytes.into(), client, origin }
}

/// Replays a table as somebody without credentials, who may have `/public/**`, and as a user whose rules allow the same:
/// with either, anything else that reached the origin got there by confusion.
fn replay(rows: &[Row]) {
    let origin = RecordingOrigin::start();
    let gate = Gate::start(Options::with(&[("ORIGIN", &origin.url()), ("PUBLIC_PATHS", "/public/**")]));
    let token = gate.generate("limited").token();
    gate.set("limited", &json!({ "rules": ["* /public/**"], "strict": true }));
    let mut wrong = Vec::new();
    for (auth, user) in [(String::new(), None), (format!("Authorization: {token}\r\n"), Some("limited"))] {
        for row in rows {
            let client = send(&gate, row.bytes.replace("{auth}", &auth).as_bytes(), row.client);
            let seen = origin.take();
            // What broke off is nothing that an origin acts on.
            let came: Vec<_> =
                seen.iter().filter_map(|seen| Some((seen.line.as_str(), seen.body.as_deref()?))).collect();
            if client != outcome(row.client) || came != row.origin {
                wrong.push(format!("{} as {user:?}: {client:?} {came:?}", row.what));
            }
            seen.iter().for_each(|seen| assert_well_formed(seen, &origin, user, row.what));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Nothing that a request to the origin may be wrong in, whatever it was made from.
fn assert_well_formed(seen: &Seen, origin: &RecordingOrigin, user: Option<&str>, what: &str) {
    assert_eq!(seen.malformed, None, "{what}: {seen:?}");
    assert_eq!(seen.values("host"), [origin.address.to_string()], "{what}");
    let is_public = seen.line.split(' ').nth(1).is_some_and(|target| target.starts_with("/public/"));
    assert!(is_public && seen.line.ends_with(" HTTP/1.1"), "{what}: {seen:?}");
    assert_eq!(seen.values("x-forwarded-user"), user.into_iter().collect::<Vec<_>>(), "{what}");
    assert!(seen.values("authorization").is_empty(), "{what}");
    assert!(seen.fields.iter().all(|(_, value)| !value.contains("evil")), "{what}: {seen:?}");
}

/// The statuses that came, and whether the connection was good for another request then.
fn outcome(client: Client) -> (Vec<u16>, bool) {
    match client {
        Client::Open(statuses) => (statuses.to_vec(), true),
        Client::Closed(statuses) => (statuses.to_vec(), false),
    }
}

/// Sends bytes, and reads what comes: where the connection is to stay open another request tells that nothing more came.
fn send(gate: &Gate, bytes: &[u8], expected: Client) -> (Vec<u16>, bool) {
    let mut stream = BufReader::new(TcpStream::connect(&gate.direct).unwrap());
    stream.get_ref().set_read_timeout(Some(crate::harness::PATIENCE)).unwrap();
    // It may be refused before it has been sent whole.
    let _ = stream.get_mut().write_all(bytes);
    let (expected, stays) = outcome(expected);
    let mut statuses = Vec::new();
    if stays {
        for _ in expected {
            match reply(&mut stream) {
                Some(status) => statuses.push(status),
                None => return (statuses, false),
            }
        }
        let _ = stream
            .get_mut()
            .write_all(b"GET /_gatehouse/none HTTP/1.1\r\nHost: gate.test\r\nConnection: close\r\n\r\n");
        let last = reply(&mut stream);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        // Something else in its place would be the answer to what nobody sent.
        statuses.extend(last.filter(|status| *status != 404));
        return (statuses, last.is_some() && rest.is_empty());
    }
    let _ = stream.get_ref().shutdown(Shutdown::Write);
    while let Some(status) = reply(&mut stream) {
        statuses.push(status);
    }
    (statuses, false)
}

/// The status of the next answer, if there is one.
fn reply(stream: &mut BufReader<TcpStream>) -> Option<u16> {
    let has_begun = stream.fill_buf().is_ok_and(|bytes| !bytes.is_empty());
    // 403 is what somebody hears instead of 401 whom the gate knows.
    has_begun.then(|| RawReply::read(stream).status).map(|status| if status == 403 { 401 } else { status })
}
