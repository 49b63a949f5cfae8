//! How much memory a gate takes for the bodies that it passes on, as the kernel counts it.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{Gate, HashSink, Memory, Options, RawReply, RawRequest, pattern, pattern_hash, sent, wait_for};

const BYTES: u64 = 100_000_000;
/// What a gate may grow by while it passes a body on, and far less than the body.
const GROWTH_BYTES: u64 = 48 << 20;

#[test]
fn a_hundred_megabytes_go_both_ways_through_a_gate_that_keeps_little_of_them() {
    let gate = Gate::start(Options::default());
    let token = gate.generate("streaming").token();
    // What a gate needs for any body at all is there from the first one on.
    assert_eq!(gate.stream("POST", "/warm", &token, pattern(1 << 20)).status, 200);
    gate.download("/pattern/1048576", &token, &mut std::io::sink());

    let expected = pattern_hash(BYTES);
    let memory = Memory::watch(gate.process());
    let json = gate.stream("POST", "/upload", &token, pattern(BYTES)).json();
    let (after_upload, memory) = (memory.grown(), Memory::watch(gate.process()));
    assert_eq!((json["body"]["bytes"].as_u64(), json["body"]["sha256"].as_str()), (Some(BYTES), Some(&*expected)));
    let mut sink = HashSink::default();
    let read = gate.download(&format!("/pattern/{BYTES}"), &token, &mut sink);
    let after_download = memory.grown();
    assert_eq!((read, sink.finish()), (BYTES, expected));
    println!("a gate grew by {} KiB for the upload, {} for the download", after_upload >> 10, after_download >> 10);
    assert!(after_upload < GROWTH_BYTES && after_download < GROWTH_BYTES, "{after_upload} {after_download}");
}

#[test]
fn a_client_that_does_not_read_holds_up_the_origin_and_fills_no_memory() {
    let gate = Gate::start(Options::default());
    let token = gate.generate("not-reading").token();
    gate.download("/pattern/1048576", &token, &mut std::io::sink());
    let memory = Memory::watch(gate.process());
    let mut stream = RawRequest::new("GET", "/endless/not-read").token(&token).open(&gate.direct);
    assert_eq!(RawReply::read_head(&mut stream).status, 200);
    wait_for("the origin to be held up", || {
        let before = sent("not-read");
        std::thread::sleep(Duration::from_secs(1));
        assert!(before < GROWTH_BYTES, "nobody held up the origin: {before}");
        sent("not-read") == before
    });
    println!("a gate grew by {} KiB for {} KiB that nobody read", memory.grown() >> 10, sent("not-read") >> 10);
    assert!(memory.grown() < GROWTH_BYTES);
}

#[test]
fn an_origin_that_does_not_read_holds_up_the_client_and_fills_no_memory() {
    let gate = Gate::start(Options::default());
    let token = gate.generate("holding").token();
    assert_eq!(gate.stream("POST", "/warm", &token, pattern(1 << 20)).status, 200);
    let memory = Memory::watch(gate.process());
    let request = RawRequest::new("POST", "/hold/not-read").token(&token).field("Content-Length", BYTES.to_string());
    let mut stream = request.open(&gate.direct);
    stream.get_ref().set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let (mut body, mut sink) = (pattern(BYTES), Counted { stream: stream.get_mut(), written: 0 });
    let held_up = std::io::copy(&mut body, &mut sink).unwrap_err();
    assert!(matches!(held_up.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{held_up}");
    println!("a gate grew by {} KiB for {} KiB that nobody read", memory.grown() >> 10, sink.written >> 10);
    assert!(sink.written < GROWTH_BYTES && memory.grown() < GROWTH_BYTES);
}

/// Counts what a socket took.
struct Counted<'a> {
    stream: &'a mut TcpStream,
    written: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.stream.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
