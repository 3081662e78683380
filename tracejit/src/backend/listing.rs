//! Machine code as people read it.

use std::fmt::Write;

/// A listing of machine code: one instruction a line, with its address.
#[cfg(feature = "disassembler")]
pub fn listing(address: usize, code: &[u8]) -> String {
    use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter};
    let mut decoder = Decoder::with_ip(64, code, address as u64, DecoderOptions::NONE);
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_signed_immediate_operands(true);
    options.set_space_after_operand_separator(true);
    options.set_space_between_memory_add_operators(true);
    options.set_branch_leading_zeros(false);
    let mut out = String::new();
    let mut text = String::new();
    for instruction in &mut decoder {
        text.clear();
        formatter.format(&instruction, &mut text);
        let _ = writeln!(out, "{:x}  {text}", instruction.ip());
    }
    out
}

/// A listing of machine code: one line of bytes in hexadecimal for every 16.
#[cfg(not(feature = "disassembler"))]
pub fn listing(address: usize, code: &[u8]) -> String {
    let mut out = String::new();
    for (n, line) in code.chunks(16).enumerate() {
        let _ = write!(out, "{:x} ", address + 16 * n);
        for byte in line {
            let _ = write!(out, " {byte:02x}");
        }
        out.push('\n');
    }
    out
}
