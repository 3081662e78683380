//! Moves that happen all at once, put into an order.

use super::super::Location;
use crate::ir::Constant;

/// What is moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    Place(Location),
    Constant(Constant),
}

/// A move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Move {
    pub(super) to: Location,
    pub(super) from: Source,
}

/// The order in which to do moves that are meant to happen at once; cycles are broken with the
/// scratch place of the value's class.
pub(super) fn sequence(mut moves: Vec<Move>, scratch: impl Fn(Location) -> Location) -> Vec<Move> {
    moves.retain(|m| m.from != Source::Place(m.to));
    let mut out = Vec::with_capacity(moves.len());
    while !moves.is_empty() {
        let free = moves
            .iter()
            .position(|m| !moves.iter().any(|other| other.from == Source::Place(m.to)));
        if let Some(n) = free {
            out.push(moves.swap_remove(n));
            continue;
        }
        // Every target is a source: all that is left are cycles (of places).
        let Source::Place(place) = moves[0].from else {
            out.push(moves.swap_remove(0));
            continue;
        };
        let aside = scratch(place);
        out.push(Move {
            to: aside,
            from: Source::Place(place),
        });
        for m in &mut moves {
            if m.from == Source::Place(place) {
                m.from = Source::Place(aside);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(moves: &[(u8, u8)]) {
        let moves: Vec<Move> = moves
            .iter()
            .map(|&(to, from)| Move {
                to: Location::General(to),
                from: Source::Place(Location::General(from)),
            })
            .collect();
        let mut registers: Vec<u8> = (0..16).collect();
        for m in sequence(moves.clone(), |_| Location::General(15)) {
            let (Location::General(to), Source::Place(Location::General(from))) = (m.to, m.from)
            else {
                panic!("only registers are moved");
            };
            registers[to as usize] = registers[from as usize];
        }
        for m in moves {
            let (Location::General(to), Source::Place(Location::General(from))) = (m.to, m.from)
            else {
                panic!("only registers are moved");
            };
            assert_eq!(registers[to as usize], from);
        }
    }

    #[test]
    fn chains_cycles_and_copies_keep_their_values() {
        run(&[(1, 2), (2, 3), (3, 4)]);
        run(&[(1, 2), (2, 1)]);
        run(&[(1, 2), (2, 3), (3, 1), (4, 1), (5, 2)]);
        run(&[(1, 2), (2, 1), (3, 4), (4, 3), (6, 1)]);
        run(&[(1, 1), (2, 1)]);
    }
}
