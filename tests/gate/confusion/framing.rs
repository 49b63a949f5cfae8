//! Where a request ends: bodies of unclear length, and requests that hide in them.

use super::Client::{Closed, Open};
use super::{replay, row};

/// A request that nobody without the right to it may send.
const HIDDEN: &str = "GET /private HTTP/1.1\r\nHost: gate.test\r\nX-Forwarded-User: evil\r\n\r\n";

/// A POST to a public path with these fields and this body.
fn post(fields: &str, body: &str) -> String {
    format!("POST /public/a HTTP/1.1\r\nHost: gate.test\r\n{{auth}}{fields}\r\n{body}")
}

const GET_A: &str = "GET /public/a HTTP/1.1\r\nHost: gate.test\r\n{auth}\r\n";
const GET_LINE: &str = "GET /public/a HTTP/1.1";
const LINE: &str = "POST /public/a HTTP/1.1";

#[test]
fn a_body_has_one_length_or_the_request_goes_nowhere() {
    let hidden = |length: &str, body: &str| post(length, &format!("{body}{HIDDEN}"));
    let long = HIDDEN.len() + 5;
    replay(&[
        row("a length", post("Content-Length: 3\r\n", "abc"), Open(&[200]), &[(LINE, "abc")]),
        row("chunks", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"), Open(&[200]), &[(LINE, "abc")]),
        row(
            "what follows a body is a request of its own",
            hidden("Content-Length: 3\r\n", "abc"),
            Open(&[200, 401]),
            &[(LINE, "abc")],
        ),
        // CL.TE and TE.CL (RFC 9112, §6.3: whoever gets both should take it for an attack).
        row(
            "CL.TE",
            hidden(&format!("Content-Length: {long}\r\nTransfer-Encoding: chunked\r\n"), "0\r\n\r\n"),
            Closed(&[200]),
            &[(LINE, "")],
        ),
        row(
            "TE.CL",
            hidden("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "1\r\na\r\n0\r\n\r\n"),
            Closed(&[200]),
            &[(LINE, "a")],
        ),
        row(
            "CL.TE, and a list of codings",
            hidden(&format!("Content-Length: {long}\r\nTransfer-Encoding: identity, chunked\r\n"), "0\r\n\r\n"),
            Closed(&[200]),
            &[(LINE, "")],
        ),
        row(
            "chunks before their time",
            hidden("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n").replacen("HTTP/1.1", "HTTP/1.0", 1),
            Closed(&[400]),
            &[],
        ),
        row("CL.0", hidden("Content-Length: 0\r\n", ""), Open(&[200, 401]), &[(LINE, "")]),
        row("no length at all", hidden("", ""), Open(&[200, 401]), &[(LINE, "")]),
        // Lengths.
        row(
            "two lengths",
            hidden(&format!("Content-Length: 3\r\nContent-Length: {long}\r\n"), "abc"),
            Closed(&[400]),
            &[],
        ),
        row(
            "the same length twice",
            post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
            Open(&[200]),
            &[(LINE, "abc")],
        ),
        row("lengths in a list", hidden("Content-Length: 3, 3\r\n", "abc"), Closed(&[400]), &[]),
        row("a signed length", hidden("Content-Length: +3\r\n", "abc"), Closed(&[400]), &[]),
        row("a negative length", hidden("Content-Length: -3\r\n", "abc"), Closed(&[400]), &[]),
        row("a length in hex", hidden("Content-Length: 0x3\r\n", "abc"), Closed(&[400]), &[]),
        row("a length with a tail", hidden("Content-Length: 3;x\r\n", "abc"), Closed(&[400]), &[]),
        row("a length in two words", hidden("Content-Length: 3 3\r\n", "abc"), Closed(&[400]), &[]),
        row("an empty length", hidden("Content-Length:\r\n", "abc"), Closed(&[400]), &[]),
        row("a length beyond 64 bits", hidden("Content-Length: 18446744073709551619\r\n", "abc"), Closed(&[400]), &[]),
        row("a length with zeros before it", post("Content-Length: 003\r\n", "abc"), Open(&[200]), &[(LINE, "abc")]),
        row("a length with a space in its name", hidden("Content-Length : 3\r\n", "abc"), Closed(&[400]), &[]),
        row("a length under another name", hidden("Content_Length: 3\r\n", ""), Open(&[200, 401]), &[(LINE, "")]),
        row("a length in the next line", hidden("Content-Length:\r\n 3\r\n", "abc"), Closed(&[400]), &[]),
    ]);
}

#[test]
fn transfer_codings_in_disguise_hide_no_request() {
    let chunks = format!("0\r\n\r\n{HIDDEN}");
    let coded = |field: &str| post(field, &chunks);
    replay(&[
        row("in capitals", coded("Transfer-Encoding: CHUNKED\r\n"), Open(&[200, 401]), &[(LINE, "")]),
        row("an unknown one", coded("Transfer-Encoding: xchunked\r\n"), Closed(&[400]), &[]),
        row("identity", coded("Transfer-Encoding: identity\r\n"), Closed(&[400]), &[]),
        row("a list", coded("Transfer-Encoding: identity, chunked\r\n"), Open(&[200, 401]), &[(LINE, "")]),
        row("gzip and chunked", coded("Transfer-Encoding: gzip, chunked\r\n"), Open(&[200, 401]), &[(LINE, "")]),
        row("chunked twice", coded("Transfer-Encoding: chunked, chunked\r\n"), Open(&[200, 401]), &[(LINE, "")]),
        row("two fields", coded("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), Closed(&[400]), &[]),
        row(
            "two fields the other way",
            coded("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"),
            Open(&[200, 401]),
            &[(LINE, "")],
        ),
        row("a space before the colon", coded("Transfer-Encoding : chunked\r\n"), Closed(&[400]), &[]),
        row("a tab before it", coded("Transfer-Encoding:\tchunked\r\n"), Open(&[200, 401]), &[(LINE, "")]),
        row("a vertical tab", coded("Transfer-Encoding: \x0bchunked\r\n"), Closed(&[400]), &[]),
        row("quoted", coded("Transfer-Encoding: \"chunked\"\r\n"), Closed(&[400]), &[]),
        row("with a parameter", coded("Transfer-Encoding: chunked;x=y\r\n"), Closed(&[400]), &[]),
        row("in the next line", coded("Transfer-Encoding:\r\n chunked\r\n"), Closed(&[400]), &[]),
        row(
            "after another field's line feed",
            coded("X: y\nTransfer-Encoding: chunked\r\n"),
            Open(&[200, 401]),
            &[(LINE, "")],
        ),
        row(
            "after another field's carriage return",
            coded("X: y\rTransfer-Encoding: chunked\r\n"),
            Closed(&[400]),
            &[],
        ),
        row("with an underscore", coded("Transfer_Encoding: chunked\r\n"), Closed(&[200, 400]), &[(LINE, "")]),
        row("empty", coded("Transfer-Encoding:\r\n"), Closed(&[400]), &[]),
    ]);
}

#[test]
fn chunks_that_servers_read_differently_never_look_whole() {
    let chunked = |body: &str| post("Transfer-Encoding: chunked\r\n", body);
    replay(&[
        row("an extension", chunked("3;x=y\r\nabc\r\n0\r\n\r\n"), Open(&[200]), &[(LINE, "abc")]),
        row("a size with zeros before it", chunked("0003\r\nabc\r\n0\r\n\r\n"), Open(&[200]), &[(LINE, "abc")]),
        row("capital digits", chunked("A\r\n0123456789\r\n0\r\n\r\n"), Open(&[200]), &[(LINE, "0123456789")]),
        row("a signed size", chunked(&format!("+3\r\nabc\r\n0\r\n\r\n{HIDDEN}")), Closed(&[502]), &[]),
        row("a size as in C", chunked(&format!("0x3\r\nabc\r\n0\r\n\r\n{HIDDEN}")), Closed(&[502]), &[]),
        row("a negative size", chunked(&format!("-3\r\nabc\r\n0\r\n\r\n{HIDDEN}")), Closed(&[502]), &[]),
        row("an empty size", chunked(&format!("\r\nabc\r\n0\r\n\r\n{HIDDEN}")), Closed(&[502]), &[]),
        row("no digits", chunked(&format!("xyz\r\nabc\r\n0\r\n\r\n{HIDDEN}")), Closed(&[502]), &[]),
        row(
            "a size beyond 64 bits",
            chunked(&format!("10000000000000003\r\nabc\r\n0\r\n\r\n{HIDDEN}")),
            Closed(&[502]),
            &[],
        ),
        row("a size that is too small", chunked(&format!("2\r\nabc\r\n0\r\n\r\n{HIDDEN}")), Closed(&[502]), &[]),
        row("a line feed after the size", chunked(&format!("3\nabc\r\n0\r\n\r\n{HIDDEN}")), Closed(&[502]), &[]),
        row("a line feed after the chunk", chunked(&format!("3\r\nabc\n0\r\n\r\n{HIDDEN}")), Closed(&[502]), &[]),
        row("no end", chunked("3\r\nabc\r\n"), Closed(&[502]), &[]),
        row("an end within a chunk", chunked("ff\r\nabc"), Closed(&[502]), &[]),
        row("trailers", chunked("3\r\nabc\r\n0\r\nX-Forwarded-User: evil\r\n\r\n"), Closed(&[200]), &[(LINE, "abc")]),
    ]);
}

#[test]
fn requests_in_a_row_are_each_judged_by_themselves() {
    replay(&[
        row("two", GET_A.repeat(2), Open(&[200, 200]), &[(GET_LINE, ""), (GET_LINE, "")]),
        row("a forbidden one behind", format!("{GET_A}{HIDDEN}"), Open(&[200, 401]), &[(GET_LINE, "")]),
        row("a forbidden one before", format!("{HIDDEN}{GET_A}"), Open(&[401, 200]), &[(GET_LINE, "")]),
        row(
            "a body on a GET",
            format!("{}{HIDDEN}", GET_A.replace("{auth}", &format!("{{auth}}Content-Length: {}\r\n", HIDDEN.len()))),
            Open(&[200]),
            &[(GET_LINE, HIDDEN)],
        ),
        row("empty lines before", format!("\r\n\r\n{GET_A}"), Open(&[200]), &[(GET_LINE, "")]),
        row("what is no request behind", format!("{GET_A}no request\r\n\r\n"), Closed(&[200, 400]), &[(GET_LINE, "")]),
        row(
            "100-continue without a body",
            post("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc"),
            Open(&[200]),
            &[(LINE, "abc")],
        ),
        row(
            "an upgrade that is none",
            post("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n", &format!("abc{HIDDEN}")),
            Open(&[200, 401]),
            &[(LINE, "abc")],
        ),
    ]);
}
