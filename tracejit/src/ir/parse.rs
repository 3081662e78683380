//! Traces from text: reads what [`super::print`] writes.
//!
//! For people who write traces by hand it is generous: the number of an instruction may be left
//! out, values may have any number after their `v`, spaces don't matter, and what follows a `#` is a
//! comment. Values are numbered anew.

use super::print::{has_offset, is_slot};
use super::{
    Class, Constant, Effect, End, Helper, Instruction, NewSnapshot, Op, PendingFrame, Phi, Point,
    Ref, SlotSet, SnapshotSlot, Step, Trace, VirtualKind, VirtualObject,
};
use perilune_runtime::function::NativeClosure;
use perilune_runtime::machine::Slow;
use rustc_hash::FxHashMap;
use std::str::{FromStr, SplitWhitespace};

/// Makes a trace of its text. That it is well formed is for [`super::verify`] to say.
///
/// # Errors
/// Says which line can't be read.
pub fn parse(text: &str) -> Result<Trace, String> {
    let mut parser = Parser {
        trace: Trace::new(0),
        values: FxHashMap::default(),
    };
    for (n, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("");
        let mut words = Words(line.split_whitespace());
        parser
            .line(&mut words)
            .ok_or_else(|| format!("line {}: can't read \"{}\"", n + 1, line.trim()))?;
    }
    Ok(parser.trace)
}

/// The words of a line.
struct Words<'a>(SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.0.next()
    }
    /// The next word, if it is wanted.
    fn next_if(&mut self, wanted: impl Fn(&str) -> bool) -> Option<&'a str> {
        let mut ahead = self.0.clone();
        let word = ahead.next().filter(|word| wanted(word))?;
        self.0 = ahead;
        Some(word)
    }
    fn is_next(&mut self, word: &str) -> bool {
        self.next_if(|next| next == word).is_some()
    }
    fn expect(&mut self, word: &str) -> Option<()> {
        self.is_next(word).then_some(())
    }
    fn number<T: FromStr>(&mut self) -> Option<T> {
        number(self.next()?)
    }
    /// An address: `0x` and hexadecimal digits.
    fn address<T>(&mut self) -> Option<*const T> {
        address(self.next()?)
    }
    fn end(&mut self) -> Option<()> {
        self.next().is_none().then_some(())
    }
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.trim_end_matches(',').parse().ok()
}

fn address<T>(text: &str) -> Option<*const T> {
    let digits = text.strip_prefix("0x")?;
    let bits = usize::from_str_radix(digits, 16).ok()?;
    Some(bits as *const T)
}

struct Parser {
    trace: Trace,
    /// Values by the number in their name.
    values: FxHashMap<u32, Ref>,
}

impl Parser {
    fn line(&mut self, words: &mut Words) -> Option<()> {
        if let Some(name) = words.next_if(|w| w.starts_with('s') && w.ends_with(':')) {
            return self.snapshot(name, words);
        }
        if words.is_next("step") {
            return self.step(words);
        }
        if words.is_next("trace") {
            self.trace.number = words.number()?;
            return words.end();
        }
        if words.is_next("phi") {
            let entry = self.value(words.next()?)?;
            words.expect("<-")?;
            let back = self.value(words.next()?)?;
            self.trace.phis.push(Phi { entry, back });
            return words.end();
        }
        if words.is_next("to") {
            self.trace.end = end(words)?;
            return words.end();
        }
        words.next_if(|w| w.bytes().all(|c| c.is_ascii_digit()));
        match words.next_if(|w| w == "i" || w == "f") {
            Some(_) => {
                let name = words.next()?.strip_prefix('v')?.parse().ok()?;
                words.expect("=")?;
                let i = self.instruction(words.next()?, words)?;
                let r = self.trace.push(i);
                self.values.insert(name, r);
            }
            None => {
                let Some(name) = words.next() else {
                    return Some(());
                };
                let i = self.instruction(name, words)?;
                self.trace.push(i);
            }
        }
        words.end()
    }

    fn instruction(&mut self, name: &str, words: &mut Words) -> Option<Instruction> {
        let op = *Op::ALL.iter().find(|op| op.name() == name)?;
        let mut i = Instruction::new(op, 0, &[]);
        if matches!(op.effect(), Effect::Read | Effect::Write) && has_offset(op) {
            i.class = class(words.next()?)?;
        }
        match op {
            Op::CallInt | Op::CallFloat => {
                let name = words.next()?;
                i.imm = Helper::ALL.iter().position(|h| h.name() == name)? as i32;
            }
            Op::InheritInt | Op::InheritFloat | Op::Step => i.imm = words.number()?,
            op if is_slot(op) => {
                let slot = words.next()?.strip_prefix('[')?.strip_suffix(']')?;
                i.imm = number(slot)?;
                if op.effect() == Effect::Write {
                    words.expect(":=")?;
                }
            }
            op if has_offset(op) => i.imm = words.number()?,
            _ => {}
        }
        for arg in &mut i.args {
            let Some(word) = words.next_if(|w| w != "->") else {
                break;
            };
            *arg = self.value(word)?;
        }
        if words.is_next("->") {
            i.snapshot = snapshot_name(words.next()?)?;
        }
        Some(i)
    }

    /// A value or constant.
    fn value(&mut self, text: &str) -> Option<Ref> {
        let bits = |digits| u64::from_str_radix(digits, 16).ok();
        if let Some(name) = text.strip_prefix('v')
            && let Ok(name) = name.parse()
        {
            return self.values.get(&name).copied();
        }
        if let Some(name) = virtual_name(text) {
            return Some(name);
        }
        let constant = match text {
            "-" => return Some(Ref::NONE),
            "vm" => Constant::Vm,
            _ => match text.split_once('@') {
                Some(("object", digits)) => Constant::Object(bits(digits)?),
                Some(("nan", digits)) => Constant::Float(bits(digits)?),
                Some(_) => return None,
                None => match text.parse() {
                    Ok(i) => Constant::Int(i),
                    Err(_) => Constant::Float(text.parse::<f64>().ok()?.to_bits()),
                },
            },
        };
        Some(self.trace.constant(constant))
    }

    fn snapshot(&mut self, name: &str, words: &mut Words) -> Option<()> {
        if snapshot_name(name)? as usize != self.trace.snapshots.len() {
            return None;
        }
        words.expect("pc")?;
        let mut at = Point::new(words.address()?);
        let mut s = NewSnapshot {
            point: 0,
            slots: Vec::new(),
            objects: Vec::new(),
            is_speculative: false,
            unspent: 0,
        };
        while let Some(word) = words.next() {
            match word {
                "unspent" => s.unspent = words.number()?,
                "constants" => at.constants = words.address()?,
                "base" => at.base = words.number()?,
                "top" => at.top = Some(words.number()?),
                "popped" => at.popped = words.number()?,
                "frame" => {
                    let mut parts = words.next()?.split('/');
                    at.frames.push(PendingFrame {
                        site: address(parts.next()?)?,
                        varargs: number(parts.next()?)?,
                        flags: number(parts.next()?)?,
                    });
                }
                "speculative" => s.is_speculative = true,
                "live" => at.live = live(words.next()?)?,
                object if object.starts_with('o') => self.object(&mut s, object)?,
                slot => {
                    let (slot, value) = slot.strip_prefix('[')?.split_once("]=")?;
                    let (tag, payload) = value.split_once(':')?;
                    s.slots.push(SnapshotSlot {
                        slot: number(slot)?,
                        tag: self.value(tag)?,
                        payload: self.value(payload)?,
                    });
                }
            }
        }
        s.point = self.trace.snapshots.add_point(at);
        self.trace.snapshots.add(s);
        Some(())
    }

    /// `o2=table/7,0:v1`: a virtual object.
    fn object(&mut self, s: &mut NewSnapshot, text: &str) -> Option<()> {
        let (name, what) = text.split_once('=')?;
        let mut parts = what.split(',');
        let kind = match parts.next()?.split_once('/') {
            None => VirtualKind::Cell,
            Some(("table", numbers)) => {
                let (shape, items) = numbers.split_once('/').unwrap_or((numbers, "0"));
                VirtualKind::Table {
                    shape: number(shape)?,
                    items: number(items)?,
                }
            }
            Some(("closure", proto)) => VirtualKind::Closure(self.value(proto)?),
            Some(_) => return None,
        };
        let mut fields = Vec::new();
        for part in parts {
            let (tag, payload) = part.split_once(':')?;
            fields.push((self.value(tag)?, self.value(payload)?));
        }
        s.objects.push(VirtualObject {
            name: virtual_name(name)?,
            kind,
            fields,
        });
        Some(())
    }

    fn step(&mut self, words: &mut Words) -> Option<()> {
        let n: usize = words.next()?.strip_suffix(':')?.parse().ok()?;
        if n != self.trace.steps.len() {
            return None;
        }
        words.expect("pc")?;
        let pc = words.address()?;
        let constants = if words.is_next("constants") {
            words.address()?
        } else {
            std::ptr::null()
        };
        words.expect("base")?;
        let base = words.number()?;
        let top = if words.is_next("top") {
            Some(words.number()?)
        } else {
            None
        };
        let family = words.next()?;
        let family = *Slow::ALL.iter().find(|f| format!("{f:?}") == family)?;
        let accessor = if words.is_next("accessor") {
            words.address::<NativeClosure>()?.cast_mut()
        } else {
            std::ptr::null_mut()
        };
        words.expect("next")?;
        let next_pc = words.address()?;
        words.expect("base")?;
        let next_base = words.number()?;
        words.expect("frames")?;
        let frames = words.number()?;
        words.expect("changes")?;
        let (from, to) = words.next()?.split_once("..")?;
        self.trace.steps.push(Box::new(Step {
            pc,
            constants,
            base,
            top,
            family,
            accessor,
            next_pc,
            next_base,
            frames,
            clobbers: (number(from)?, number(to)?),
            is_early: false,
            leaves_thread: words.is_next("leaves"),
        }));
        words.end()
    }
}

fn class(name: &str) -> Option<Class> {
    Class::ALL
        .iter()
        .copied()
        .find(|c| format!("{c:?}") == name)
}

/// `o3`.
fn virtual_name(text: &str) -> Option<Ref> {
    let number: u32 = text.strip_prefix('o')?.parse().ok()?;
    (number < 1 << 20).then(|| Ref::virtual_object(number as usize))
}

/// `s3`, or `s3:` where it is described.
fn snapshot_name(text: &str) -> Option<u32> {
    text.strip_prefix('s')?.trim_end_matches(':').parse().ok()
}

/// What follows "to" after the last instruction.
fn end(words: &mut Words) -> Option<End> {
    if words.is_next("trace") {
        let trace = words.number()?;
        words.expect("anchor")?;
        return Some(End::Link {
            trace,
            base: words.number()?,
        });
    }
    words.expect("the")?;
    let place = words.next()?;
    if place == "loop's" {
        words.expect("head")?;
        return Some(End::Loop);
    }
    words.expect("->")?;
    let snapshot = snapshot_name(words.next()?)?;
    match place {
        "start" => Some(End::Round(snapshot)),
        "interpreter" => Some(End::Exit(snapshot)),
        _ => None,
    }
}

/// The live slots: see the printer.
fn live(text: &str) -> Option<SlotSet> {
    let mut ranges = Vec::new();
    for range in text.split(',') {
        ranges.push(match range.split_once("..") {
            Some((from, to)) => (number::<i32>(from)?, number::<i32>(to)?),
            None => (number(range)?, number::<i32>(range)?.checked_add(1)?),
        });
    }
    let start = ranges.iter().map(|r| r.0).min()?;
    let end = ranges.iter().map(|r| r.1).max()?;
    // Registers are 16 bits wide.
    if end.checked_sub(start)? > 1 << 20 {
        return None;
    }
    let mut live = SlotSet::new(start);
    for (from, to) in ranges {
        live.insert_range(from, to);
    }
    Some(live)
}

#[cfg(test)]
mod tests {
    use super::parse;

    const TEXT: &str = "trace 7
    0  i v0   = SlotTag       [3]
    1  f v1   = SlotFloat     [-1]
    2  i v2   = InheritInt    4
    3           GuardEq       v0 1  -> s0
    4  i v4   = Load32        TableHeader +40 object@ffe0
    5  i v5   = Load8At       ElementTag +0 v4 -5
    6           Store64       Frame -16 vm v5
    7  f v7   = FAdd          v1 -0.0
    8  f v8   = FMul          v7 nan@fff8000000000000
    9  f v9   = CallFloat     FloatPow v8 inf
   10           GuardStack    -64  -> s1
   11           Step          0  -> s0
   12  i v12  = CopyInt       -9223372036854775808
   13           Loop
   14           StoreSlotFloat [2] := 1e300
   15           GuardQuiet     -> s1
       phi v12 <- v4
       to the loop's head
s0: pc 0x10 base 0
s1: pc 0x18 constants 0x80 base 2 popped 1 frame 0x99/3/1 frame 0xa0/0/0 [-1]=2:- [2]=v0:v9 [4]=0:object@7 [5]=8:o4 o4=table/7,v0:v9,8:o4,9:o6 o6=closure/object@9,13:o8 o8=cell,2:- live -1..3,4,70 speculative
step 0: pc 0x20 base 0 Arithmetic next 0x28 base 5 frames -1 changes 0..2147483647 leaves
";

    #[test]
    fn what_is_printed_is_parsed() {
        let trace = parse(TEXT).unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(trace.to_string(), TEXT);
    }

    #[test]
    fn every_end_is_parsed() {
        for end in [
            "to the start -> s0",
            "to the interpreter -> s0",
            "to trace 3, anchor -2",
        ] {
            let text = format!("trace 0\n       {end}\ns0: pc 0x10 base 0\n");
            assert_eq!(parse(&text).map(|t| t.to_string()), Ok(text));
        }
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        for (text, line) in [
            ("i v0 = Nothing", 1),
            ("i v0 = SlotInt [0]\n GuardEq v1 0 -> s0", 2),
            ("i v0 = SlotInt 0", 1),
            ("i v0 = Load64 v0", 1),
            ("Loop 1 2 3 4", 1),
            ("s1: pc 0x0", 1),
            ("s0: pc 0x0 live 0..2000000000", 1),
            ("to nowhere", 1),
        ] {
            let problem = parse(text).map(|t| t.to_string()).unwrap_err();
            assert!(
                problem.starts_with(&format!("line {line}:")),
                "{text}: {problem}"
            );
        }
    }
}
