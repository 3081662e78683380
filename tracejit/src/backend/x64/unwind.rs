//! Tells the system's unwinder how to walk through machine code (DWARF call frame information,
//! DWARF 5 section 6.4, and the eh_frame section of the Linux Standard Base).
//!
//! Invariant: two descriptions cover the code area. The trampoline's follows its pushes and pops
//! exactly; everything after it has the trampoline's frame, which never moves.

use super::trampoline::Layout;

unsafe extern "C" {
    fn __register_frame(begin: *const u8);
    fn __deregister_frame(begin: *const u8);
}

/// A registered description of a code area.
#[derive(Debug)]
pub(super) struct Unwind {
    table: Box<[u8]>,
}

/// DWARF register numbers of x86-64.
const RBP: u8 = 6;
const RSP: u8 = 7;
const RETURN_ADDRESS: u8 = 16;

const ADVANCE: u8 = 0x40;
const ADVANCE_BY_TWO_BYTES: u8 = 0x03;
const OFFSET: u8 = 0x80;
const DEFINE_CFA: u8 = 0x0c;
const DEFINE_CFA_REGISTER: u8 = 0x0d;
const DEFINE_CFA_OFFSET: u8 = 0x0e;
const REMEMBER: u8 = 0x0a;
const RESTORE: u8 = 0x0b;

impl Unwind {
    /// Registers the code of `size` bytes at `start`, which begins with a trampoline.
    pub(super) fn register(start: usize, size: usize, layout: &Layout) -> Unwind {
        let mut table = Vec::new();
        let common = record(|out| {
            out.extend(0u32.to_le_bytes());
            out.push(1);
            out.extend(b"zR\0");
            out.push(1); // code alignment
            out.push(0x78); // data alignment -8
            out.push(RETURN_ADDRESS);
            out.push(1); // augmentation length
            out.push(0x00); // addresses are absolute
            out.extend([DEFINE_CFA, RSP, 8, OFFSET | RETURN_ADDRESS, 1]);
        });
        table.extend(common);
        let body_rows = |out: &mut Vec<u8>| {
            out.extend([DEFINE_CFA, RBP, 16, OFFSET | RBP, 2]);
            for (n, register) in Layout::SAVED.into_iter().enumerate() {
                out.extend([OFFSET | register, 3 + n as u8]);
            }
        };
        let entry =
            |table: &mut Vec<u8>, start: usize, size: usize, rows: &dyn Fn(&mut Vec<u8>)| {
                let back = table.len() as u32 + 4;
                table.extend(record(|out| {
                    out.extend(back.to_le_bytes());
                    out.extend((start as u64).to_le_bytes());
                    out.extend((size as u64).to_le_bytes());
                    out.push(0);
                    rows(out);
                }));
            };
        entry(&mut table, start, layout.size, &|out| {
            out.extend([
                ADVANCE | layout.pushed_rbp,
                DEFINE_CFA_OFFSET,
                16,
                OFFSET | RBP,
                2,
            ]);
            out.extend([ADVANCE | layout.moved_rbp, DEFINE_CFA_REGISTER, RBP]);
            for (n, register) in Layout::SAVED.into_iter().enumerate() {
                out.extend([ADVANCE | layout.pushed[n], OFFSET | register, 3 + n as u8]);
            }
            // The epilogue's last instruction returns with the frame gone.
            out.push(ADVANCE_BY_TWO_BYTES);
            out.extend(layout.to_return.to_le_bytes());
            out.extend([REMEMBER, DEFINE_CFA, RSP, 8]);
            out.extend([ADVANCE | 1, RESTORE]);
        });
        entry(
            &mut table,
            start + layout.size,
            size - layout.size,
            &body_rows,
        );
        table.extend(0u32.to_le_bytes());
        let table = table.into_boxed_slice();
        // SAFETY: a well-formed, terminated table that lives until it is deregistered.
        unsafe { __register_frame(table.as_ptr()) };
        Unwind { table }
    }
}

impl Drop for Unwind {
    fn drop(&mut self) {
        // SAFETY: registered in `register`.
        unsafe { __deregister_frame(self.table.as_ptr()) };
    }
}

/// A length-prefixed record, padded with no-operations.
fn record(fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut content = Vec::new();
    fill(&mut content);
    content.resize((content.len() + 4).next_multiple_of(8) - 4, 0);
    let mut out = (content.len() as u32).to_le_bytes().to_vec();
    out.extend(content);
    out
}
