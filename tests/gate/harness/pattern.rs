//! A body of any size whose every block differs, made while it is read and hashed while it is written.

use std::io::{Cursor, Read, Write};

use sha2::{Digest, Sha256};

const BLOCK: u64 = 65_536;

/// The blocks of a body of so many bytes.
pub fn blocks(bytes: u64) -> impl Iterator<Item = Vec<u8>> + Send {
    (0..bytes.div_ceil(BLOCK)).map(move |number| {
        let mut block: Vec<u8> = (0..BLOCK / 8).flat_map(|_| number.to_le_bytes()).collect();
        block.truncate(usize::try_from((bytes - number * BLOCK).min(BLOCK)).unwrap());
        block
    })
}

/// Reads the body.
pub fn pattern(bytes: u64) -> impl Read {
    Blocks { blocks: blocks(bytes), current: Cursor::default() }
}

/// The hash of the body, in hex.
pub fn pattern_hash(bytes: u64) -> String {
    let mut sink = HashSink::default();
    std::io::copy(&mut pattern(bytes), &mut sink).unwrap();
    sink.finish()
}

struct Blocks<I> {
    blocks: I,
    current: Cursor<Vec<u8>>,
}

impl<I: Iterator<Item = Vec<u8>>> Read for Blocks<I> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.current.position() == self.current.get_ref().len() as u64 {
            self.current = Cursor::new(self.blocks.next().unwrap_or_default());
        }
        self.current.read(buffer)
    }
}

/// Keeps nothing but the hash of what is written.
#[derive(Default)]
pub struct HashSink {
    hash: Sha256,
}

impl HashSink {
    pub fn finish(self) -> String {
        hex::encode(self.hash.finalize())
    }
}

impl Write for HashSink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.hash.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
