//! Tests of streams on memory.

use super::*;
use std::sync::{Arc, Mutex};

/// A device in memory that counts its operations.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) bytes: Vec<u8>,
    position: usize,
    pub(crate) reads: usize,
    pub(crate) writes: usize,
}

impl Device for Arc<Mutex<Memory>> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut memory = self.lock().unwrap();
        memory.reads += 1;
        let start = memory.position.min(memory.bytes.len());
        let count = buffer.len().min(memory.bytes.len() - start);
        buffer[..count].copy_from_slice(&memory.bytes[start..start + count]);
        memory.position += count;
        Ok(count)
    }
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut memory = self.lock().unwrap();
        memory.writes += 1;
        let start = memory.position;
        let end = start + bytes.len();
        if memory.bytes.len() < end {
            memory.bytes.resize(end, 0);
        }
        memory.bytes[start..end].copy_from_slice(bytes);
        memory.position = end;
        Ok(bytes.len())
    }
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let mut memory = self.lock().unwrap();
        let target = match position {
            SeekFrom::Start(offset) => offset as i64,
            SeekFrom::Current(offset) => memory.position as i64 + offset,
            SeekFrom::End(offset) => memory.bytes.len() as i64 + offset,
        };
        memory.position =
            usize::try_from(target).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(target as u64)
    }
}

/// A stream for reading and writing on memory.
pub(crate) fn stream_on(bytes: &[u8]) -> (Stream, Arc<Mutex<Memory>>) {
    let memory = Arc::new(Mutex::new(Memory {
        bytes: bytes.to_vec(),
        ..Memory::default()
    }));
    (Stream::new(Box::new(memory.clone()), true, true), memory)
}

fn no_checkpoint(_: usize) -> io::Result<()> {
    Ok(())
}

fn line(stream: &mut Stream, keep: bool) -> Option<Vec<u8>> {
    let line = stream.read_line(keep, no_checkpoint).unwrap();
    line.map(<[u8]>::to_vec)
}

fn chars(stream: &mut Stream, count: usize) -> Option<Vec<u8>> {
    let chars = stream.read_chars(count, no_checkpoint).unwrap();
    chars.map(<[u8]>::to_vec)
}

#[test]
fn modes() {
    for good in ["r", "w", "a", "r+", "rb", "r+b", "a+bb"] {
        assert!(Mode::parse(good.as_bytes()).is_some(), "{good}");
    }
    for bad in ["", "+", "b", "rw", "rb+", "r+bk", "x"] {
        assert!(Mode::parse(bad.as_bytes()).is_none(), "{bad}");
    }
}

#[test]
fn lines() {
    let (mut stream, _) = stream_on(b"\n\nline\nother");
    assert_eq!(line(&mut stream, true).unwrap(), b"\n");
    assert_eq!(line(&mut stream, false).unwrap(), b"");
    assert_eq!(line(&mut stream, true).unwrap(), b"line\n");
    assert_eq!(line(&mut stream, true).unwrap(), b"other");
    assert_eq!(line(&mut stream, true), None);
}

#[test]
fn long_lines_cross_buffers() {
    let mut text = vec![b'x'; 3 * BUFFER_SIZE];
    text.push(b'\n');
    text.extend_from_slice(b"end");
    let (mut stream, _) = stream_on(&text);
    assert_eq!(
        line(&mut stream, true).unwrap(),
        &text[..3 * BUFFER_SIZE + 1]
    );
    assert_eq!(line(&mut stream, false).unwrap(), b"end");
    // A newline that is the first byte of a buffer ends the line before it.
    let mut text = vec![b'x'; BUFFER_SIZE];
    text.extend_from_slice(b"\n\n");
    let (mut stream, _) = stream_on(&text);
    assert_eq!(line(&mut stream, false).unwrap(), &text[..BUFFER_SIZE]);
    assert_eq!(line(&mut stream, false).unwrap(), b"");
    assert_eq!(line(&mut stream, false), None);
}

#[test]
fn characters() {
    let text: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
    let (mut stream, _) = stream_on(&text);
    assert_eq!(chars(&mut stream, 10).unwrap(), &text[..10]);
    assert_eq!(chars(&mut stream, 90_000).unwrap(), &text[10..90_010]);
    assert_eq!(chars(&mut stream, 90_000).unwrap(), &text[90_010..]);
    assert_eq!(chars(&mut stream, 1), None);
    stream.seek(SeekFrom::Start(5)).unwrap();
    stream.start_reading();
    assert_eq!(stream.read_all(no_checkpoint).unwrap(), &text[5..]);
    assert_eq!(stream.read_all(no_checkpoint).unwrap(), b"");
}

#[test]
fn positions() {
    let (mut stream, _) = stream_on(b"0123456789");
    assert_eq!(chars(&mut stream, 3).unwrap(), b"012");
    assert_eq!(stream.seek(SeekFrom::Current(0)).unwrap(), 3);
    assert_eq!(stream.seek(SeekFrom::Current(2)).unwrap(), 5);
    assert_eq!(chars(&mut stream, 1).unwrap(), b"5");
    assert!(stream.seek(SeekFrom::Current(-100)).is_err());
    // A failed seek moves nothing.
    assert_eq!(chars(&mut stream, 1).unwrap(), b"6");
    assert_eq!(stream.seek(SeekFrom::End(-1)).unwrap(), 9);
    assert!(stream.seek(SeekFrom::Current(i64::MIN)).is_err());
}

#[test]
fn switching_between_reading_and_writing() {
    let (mut stream, memory) = stream_on(b"abXzz");
    assert_eq!(chars(&mut stream, 2).unwrap(), b"ab");
    stream.write(b"Q").unwrap();
    assert_eq!(stream.seek(SeekFrom::Current(0)).unwrap(), 3);
    assert_eq!(memory.lock().unwrap().bytes, b"abQzz");
    stream.write(b"R").unwrap();
    // Reading flushes first.
    assert_eq!(chars(&mut stream, 9).unwrap(), b"z");
    assert_eq!(memory.lock().unwrap().bytes, b"abQRz");
}

#[test]
fn buffering_modes() {
    let (mut stream, memory) = stream_on(b"");
    stream.write(b"x").unwrap();
    assert_eq!(memory.lock().unwrap().bytes, b"");
    stream.set_buffering(Buffering::No, 0).unwrap();
    assert_eq!(memory.lock().unwrap().bytes, b"x");
    stream.write(b"y").unwrap();
    stream.write_number(Number::Integer(-7)).unwrap();
    assert_eq!(memory.lock().unwrap().bytes, b"xy-7");
    stream.set_buffering(Buffering::Line, 100).unwrap();
    stream.write(b"a\nb").unwrap();
    stream.write(b"c").unwrap();
    assert_eq!(memory.lock().unwrap().bytes, b"xy-7a\n");
    stream.close().unwrap();
    assert_eq!(memory.lock().unwrap().bytes, b"xy-7a\nbc");
    assert!(stream.write(b"z").is_err());
}

#[test]
fn small_writes_are_gathered() {
    let (mut stream, memory) = stream_on(b"");
    for _ in 0..10_000 {
        stream.write(b"0123456789").unwrap();
        stream.write_number(Number::Integer(12)).unwrap();
    }
    drop(stream);
    let memory = memory.lock().unwrap();
    assert_eq!(memory.bytes.len(), 120_000);
    assert!(memory.writes < 20, "{}", memory.writes);
}

#[test]
fn numbers_are_written_as_printf_does() {
    let (mut stream, memory) = stream_on(b"");
    let floats = [1.0, 1e100, -0.0, 9007199254740992.0, f64::INFINITY, 0.5];
    for float in floats {
        stream.write_number(Number::Float(float)).unwrap();
        stream.write(b"|").unwrap();
    }
    stream.flush().unwrap();
    let expected = b"1|1e+100|-0|9.007199254741e+15|inf|0.5|";
    assert_eq!(memory.lock().unwrap().bytes, expected);
}

#[test]
fn streams_refuse_what_they_were_not_opened_for() {
    let memory = Arc::new(Mutex::new(Memory::default()));
    let mut stream = Stream::new(Box::new(memory.clone()), true, false);
    assert!(stream.write(b"x").is_err());
    assert!(stream.write(b"").is_ok());
    let mut stream = Stream::new(Box::new(memory), false, true);
    assert!(stream.peek().is_err());
    assert!(stream.read_all(no_checkpoint).is_err());
}
