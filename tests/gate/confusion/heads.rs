//! First lines, hosts and fields.

use super::Client::{Closed, Open};
use super::{Row, replay, row};
use Outcome::{Ended, Forbidden, Refused, Served, ServedAndClosed};

const LINE: &str = "GET /public/a HTTP/1.1";
const ONE: &[(&str, &str)] = &[(LINE, "")];

/// What becomes of a request, wherever it would have gone.
enum Outcome {
    /// The origin gets one plain request, whatever this one was like.
    Served,
    /// The same, and the connection ends.
    ServedAndClosed,
    /// The gate refuses it.
    Forbidden,
    /// The platform's part: workerd answers this, and the Worker never sees it.
    Refused(&'static [u16]),
    /// The platform's part: nothing but the end.
    Ended,
}

fn of(what: &'static str, outcome: Outcome, bytes: impl Into<String>) -> Row {
    match outcome {
        Served => row(what, bytes, Open(&[200]), ONE),
        ServedAndClosed => row(what, bytes, Closed(&[200]), ONE),
        Forbidden => row(what, bytes, Open(&[401]), &[]),
        Refused(statuses) => row(what, bytes, Closed(statuses), &[]),
        Ended => row(what, bytes, Closed(&[]), &[]),
    }
}

/// A request with this first line.
fn line(what: &'static str, outcome: Outcome, line: &str) -> Row {
    of(what, outcome, format!("{line}\r\nHost: gate.test\r\n{{auth}}\r\n"))
}

/// A request with these lines in the place of its host.
fn host(what: &'static str, outcome: Outcome, lines: &str) -> Row {
    of(what, outcome, format!("{LINE}\r\n{lines}{{auth}}\r\n"))
}

/// A request with these lines after its host.
fn fields(what: &'static str, outcome: Outcome, lines: &str) -> Row {
    of(what, outcome, format!("{LINE}\r\nHost: gate.test\r\n{{auth}}{lines}\r\n"))
}

#[test]
fn a_first_line_makes_one_plain_request_or_none() {
    replay(&[
        line("no version", Refused(&[400]), "GET /public/a"),
        of("HTTP/0.9", Refused(&[400]), "GET /public/a\r\n"),
        of("HTTP/0.9, and no more", Refused(&[400]), "GET /private\r\n\r\n"),
        line("HTTP/1.0", ServedAndClosed, "GET /public/a HTTP/1.0"),
        line("HTTP/1.2", Refused(&[400]), "GET /public/a HTTP/1.2"),
        line("HTTP/2.0", Refused(&[400]), "GET /public/a HTTP/2.0"),
        of("HTTP/2 at once", Ended, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        line("small letters", Refused(&[400]), "GET /public/a http/1.1"),
        line("no such version", Refused(&[400]), "GET /public/a HTTP/x.y"),
        line("another protocol", Refused(&[400]), "GET /public/a ICAP/1.0"),
        line("a version with a tail", Refused(&[400]), "GET /public/a HTTP/1.1 x"),
        line("two targets", Refused(&[400]), "GET /public/a /private HTTP/1.1"),
        line("a target with a version in it", Refused(&[400]), "GET /public/a HTTP/1.1/../../private HTTP/1.1"),
        line("tabs between", Refused(&[400]), "GET\t/public/a\tHTTP/1.1"),
        line("two spaces", Refused(&[400]), "GET  /public/a HTTP/1.1"),
        line("a space before", Refused(&[400]), " GET /public/a HTTP/1.1"),
        line("no method", Refused(&[400]), "/public/a HTTP/1.1"),
        line("a method with a colon", Refused(&[400]), "GET: /public/a HTTP/1.1"),
        line("CONNECT", Refused(&[500]), "CONNECT gate.test:80 HTTP/1.1"),
        line("CONNECT to a path", Refused(&[500]), "CONNECT /public/a HTTP/1.1"),
        line("a method nobody knows", Refused(&[501]), "EVIL /public/a HTTP/1.1"),
        line("a carriage return in the line", Refused(&[400]), "GET /public/a\rX: y HTTP/1.1"),
        line("another host's address", Served, "GET http://other.test/public/a HTTP/1.1"),
        line("another host's forbidden address", Forbidden, "GET http://other.test/private HTTP/1.1"),
        line("an address with a user", Served, "GET http://user:word@gate.test/public/a HTTP/1.1"),
        line("another scheme", Served, "GET https://gate.test/public/a HTTP/1.1"),
        line("no web scheme", Refused(&[400]), "GET file:///public/a HTTP/1.1"),
        line("a scheme and no host", Refused(&[400]), "GET http:///public/a HTTP/1.1"),
        line("a scheme and one slash", Refused(&[400]), "GET http:/public/a HTTP/1.1"),
        line("a host and no scheme", Forbidden, "GET //other.test/public/a HTTP/1.1"),
        line("an address whose port is none", Served, "GET http://gate.test:x/public/a HTTP/1.1"),
        line("an address whose host is the origin's own", Served, "GET http://127.0.0.1/public/a HTTP/1.1"),
    ]);
}

#[test]
fn a_host_changes_neither_the_target_nor_who_it_is() {
    replay(&[
        host("none", Refused(&[400]), ""),
        host("an empty one", Refused(&[400]), "Host:\r\n"),
        host("the same twice", Served, "Host: gate.test\r\nHost: gate.test\r\n"),
        host("two", Served, "Host: gate.test\r\nHost: other.test\r\n"),
        host("two in a list", Served, "Host: gate.test, other.test\r\n"),
        host("a space before the colon", Refused(&[400]), "Host : gate.test\r\n"),
        host("a folded one", Refused(&[400]), "Host: gate.test\r\n other.test\r\n"),
        host("one in the next line", Refused(&[400]), "Host:\r\n gate.test\r\n"),
        host(
            "another field before it that is folded",
            Refused(&[400]),
            "X: y\r\n Host: other.test\r\nHost: gate.test\r\n",
        ),
        host("another name", Served, "Host: other.test\r\n"),
        host("a user", Served, "Host: user@gate.test\r\n"),
        host("a user and a word", Served, "Host: user:word@gate.test\r\n"),
        host("a port", Served, "Host: gate.test:80\r\n"),
        host("port 0", Served, "Host: gate.test:0\r\n"),
        host("a port beyond", Served, "Host: gate.test:99999\r\n"),
        host("a port that is none", Served, "Host: gate.test:x\r\n"),
        host("an empty port", Served, "Host: gate.test:\r\n"),
        host("two ports", Served, "Host: gate.test:80:81\r\n"),
        host("v6", Served, "Host: [::1]:80\r\n"),
        host("v6 that is none", Served, "Host: [::1\r\n"),
        host("a space", Served, "Host: gate test\r\n"),
        host("a tab", Served, "Host: gate\ttest\r\n"),
        host("NUL", Refused(&[400]), "Host: gate\0test\r\n"),
        host("beyond ASCII", Served, "Host: gäte.test\r\n"),
        host("an escape", Served, "Host: g%61te.test\r\n"),
        host("an escaped slash", Served, "Host: gate.test%2fprivate\r\n"),
        host("the origin's own", Served, "Host: 127.0.0.1\r\n"),
        host("a long one", Served, &format!("Host: {}\r\n", "a".repeat(5_000))),
        host(
            "X-Forwarded-Host beside it",
            Served,
            "Host: gate.test\r\nX-Forwarded-Host: evil.test\r\nX-Host: other.test\r\n",
        ),
    ]);
}

#[test]
fn fields_however_many_or_odd_say_nothing_to_the_origin_in_the_gates_place() {
    let many = |count: usize| (0..count).map(|number| format!("X-{number}: y\r\n")).collect::<String>();
    replay(&[
        fields("no colon", Refused(&[400]), "X-Field\r\n"),
        fields("no name", Refused(&[400]), ": evil\r\n"),
        fields("a space before the colon", Refused(&[400]), "X-Forwarded-User : evil\r\n"),
        fields("a tab before the colon", Refused(&[400]), "X-Forwarded-User\t: evil\r\n"),
        fields("folded", Refused(&[400]), "X-Field: y\r\n X-Forwarded-User: evil\r\n"),
        fields("folded with a tab", Refused(&[400]), "X-Field: y\r\n\tX-Forwarded-User: evil\r\n"),
        fields("a folded first line", Refused(&[400]), " X-Forwarded-User: evil\r\n"),
        fields("NUL in a name", Refused(&[400]), "X-\0Field: evil\r\n"),
        fields("NUL in a value", Refused(&[400]), "X-Field: e\0vil\r\n"),
        fields("a carriage return in a value", Refused(&[400]), "X-Field: y\rX-Forwarded-User: evil\r\n"),
        fields("a line feed", Served, "X-Field: y\nX-Forwarded-User: evil\n"),
        fields("a line feed that ends the head", Served, "X-Field: y\n\n"),
        fields("Latin-1 in a value", Served, "X-Field: \u{e9}\r\n"),
        fields("10,000", Served, &many(10_000)),
        fields("1,000", Served, &many(1_000)),
        fields("10,000 of one name", Served, &"X-Field: y\r\n".repeat(10_000)),
        fields("10,000 of a name that is removed", Served, &"X-Forwarded-User: evil\r\n".repeat(10_000)),
        fields("10,000 that Connection names", Served, &format!("Connection: {}\r\n", "x,".repeat(10_000))),
        fields("60 KB", Served, &format!("X-Field: {}\r\n", "y".repeat(60_000))),
        fields("1 MB", Refused(&[431]), &format!("X-Field: {}\r\n", "y".repeat(1_000_000))),
        fields("a long name", Served, &format!("X-{}: y\r\n", "y".repeat(60_000))),
        fields("a header that never ends", Refused(&[431]), &"X-Field: y\r\n".repeat(100_000)),
        fields(
            "a method to override",
            Served,
            "X-HTTP-Method-Override: DELETE\r\nX-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\n",
        ),
        fields(
            "addresses",
            Served,
            "X-Forwarded-For: evil\r\nX-Real-IP: evil\r\nForwarded: for=evil\r\nX-Client-IP: 192.0.2.1\r\n",
        ),
        fields(
            "an identity",
            Served,
            "X-Forwarded-User: evil\r\nX-Gatehouse-Assertion: evil\r\nX_Forwarded_Groups: evil\r\n",
        ),
        fields("a caller of the registry's", Served, "X-Gatehouse-Caller: evil\r\nX-Gatehouse-Address: evil\r\n"),
        fields(
            "what Connection names",
            ServedAndClosed,
            "Connection: X-Forwarded-User, Authorization, close\r\nX-Forwarded-User: evil\r\n",
        ),
        fields("a proxy's credentials", Served, "Proxy-Authorization: Basic ZTpl\r\nProxy-Connection: keep-alive\r\n"),
    ]);
}
