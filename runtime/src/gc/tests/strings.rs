//! Strings: interning, hashes, construction.

use super::World;
use crate::gc::heap::Phase;
use crate::string::{INTERNED, LuaString, MAX_SHORT, hash_bytes};

unsafe fn bytes<'a>(string: *mut LuaString) -> &'a [u8] {
    // SAFETY: tests pass live strings.
    unsafe { LuaString::as_bytes(string) }
}

#[test]
fn equal_short_strings_are_one_object() {
    let mut world = World::new();
    for len in 0..=MAX_SHORT + 20 {
        let text: Vec<u8> = (0..len).map(|i| i as u8 ^ 0x55).collect();
        let a = world.heap().new_string(&text).unwrap();
        let b = world.heap().new_string(&text).unwrap();
        assert_eq!(a == b, len <= MAX_SHORT);
        // SAFETY: both are live.
        unsafe {
            assert_eq!(bytes(a), text);
            assert!(LuaString::equals(a, b));
            assert_eq!((*a).header.flags & INTERNED != 0, len <= MAX_SHORT);
            assert_eq!(world.heap().hash_string(a), world.heap().hash_string(b));
        }
        assert_eq!(
            world.heap().find_string(&text),
            (len <= MAX_SHORT).then_some(a)
        );
    }
    world.check();
}

#[test]
fn strings_from_parts() {
    let mut world = World::new();
    let long = [b'x'; 100];
    let parts: [&[u8]; 4] = [b"ab", b"", b"c", &long];
    for count in 0..=parts.len() {
        let expected = parts[..count].concat();
        let joined = world.heap().string_from_parts(&parts[..count]).unwrap();
        let plain = world.heap().new_string(&expected).unwrap();
        let filled = world
            .heap()
            .new_string_with(expected.len(), |to| to.copy_from_slice(&expected))
            .unwrap();
        // SAFETY: all are live.
        unsafe {
            assert_eq!(bytes(joined), expected);
            assert!(LuaString::equals(joined, plain));
            assert!(LuaString::equals(filled, plain));
        }
    }
    world.check();
}

#[test]
fn the_table_grows_and_shrinks() {
    let mut world = World::new();
    let before = world.heap().strings.len();
    let buckets = world.heap().strings.buckets.len();
    let count = if cfg!(miri) { 200 } else { 20_000 };
    for i in 0..count {
        let string = world.string(&format!("string {i}"));
        if i % 2 == 0 {
            world.root(string);
        }
    }
    assert_eq!(world.heap().strings.len(), before + count);
    assert!(world.heap().strings.buckets.len() >= count);
    world.collect();
    assert_eq!(world.heap().strings.len(), before + count / 2);
    world.unroot_all();
    for _ in 0..20 {
        world.collect();
    }
    assert_eq!(world.heap().strings.len(), before);
    assert_eq!(world.heap().strings.buckets.len(), buckets);
    assert_eq!(world.heap().used_bytes(), world.heap().recount_bytes());
}

#[test]
fn a_dead_string_that_is_found_again_lives() {
    let mut world = World::new();
    let string = world.string("to be or not to be");
    while world.heap().phase != Phase::SweepStrings {
        world.single_step();
    }
    // SAFETY: dead, but not swept.
    assert!(unsafe { world.heap().is_dead(string.as_header()) });
    let again = world.string("to be or not to be");
    assert!(again.is_identical(string));
    world.root(again);
    while world.heap().phase != Phase::Pause {
        world.single_step();
    }
    assert!(world.exists(again.as_header()));
    world.check();
}

#[test]
fn growth_while_sweeping_misses_no_garbage() {
    let mut world = World::new();
    let before = world.heap().strings.len();
    for i in 0..200 {
        world.string(&format!("dead {i}"));
    }
    while world.heap().phase != Phase::SweepStrings {
        world.single_step();
    }
    world.single_step();
    let strings = if cfg!(miri) { 200 } else { 1000 };
    for i in 0..strings {
        let string = world.string(&format!("new {i}"));
        world.root(string);
    }
    world.check();
    while world.heap().phase != Phase::Pause {
        world.single_step();
    }
    assert_eq!(world.heap().strings.len(), before + strings);
    world.check();
}

#[test]
fn hashes_depend_on_every_byte_and_on_the_seed() {
    let lengths = if cfg!(miri) { 1..20 } else { 1..64 };
    for len in lengths {
        let text = vec![0u8; len];
        let hash = hash_bytes(1, &text);
        assert_ne!(hash, hash_bytes(2, &text), "seed, length {len}");
        for i in 0..len {
            // In strings of up to 3 bytes each byte is looked at; so it is in all others.
            let mut changed = text.clone();
            changed[i] = 1;
            assert_ne!(hash, hash_bytes(1, &changed), "byte {i} of {len}");
        }
    }
    if cfg!(miri) {
        return;
    }
    // Few collisions among similar strings.
    let mut hashes: Vec<u32> = (0..10_000)
        .map(|i| hash_bytes(7, format!("k{i}").as_bytes()) & 0xffff)
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert!(hashes.len() > 9_000, "{}", hashes.len());
}
